"""Isolation trees as flat arrays: taken from scikit-learn, saved without pickle, scored here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.tree_arrays import check_features, check_walk
from sensorkit.detect.kernels.walks import LEAF, Walker

__all__ = ["LEAF", "Trees", "mean_path"]


@dataclass(frozen=True, eq=False)
class Trees:
    """An isolation forest, node by node, the trees one after the other.

    Attributes
    ----------
    feature : array of int32, shape (n_nodes,)
        Column that the node splits on.
    threshold : array of float64, shape (n_nodes,)
        A row goes left if its value is at most this.
    left, right : array of int32, shape (n_nodes,)
        Children; `LEAF` in a leaf. Always behind their parent.
    length : array of float64, shape (n_nodes,)
        Path length that a row ending in this leaf is given: its depth, and what the rows of
        the fit that ended in it would have taken to part.
    roots : array of int64, shape (n_trees,)
    normal : float
        Path length that counts as neither early nor late: the mean over a tree of as many
        rows as one was fitted on.
    features : int
        Columns a row has.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    length: NDArray[np.float64]
    roots: NDArray[np.int64]
    normal: float
    features: int

    @classmethod
    def of(cls, forest: Any) -> Trees:
        """Flatten a fitted `sklearn.ensemble.IsolationForest`."""
        parts: list[tuple[NDArray[Any], ...]] = []
        roots, nodes = [], 0
        for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
            t = tree.tree_
            inner = t.children_left != LEAF
            parts.append(
                (
                    np.where(inner, np.asarray(columns)[np.where(inner, t.feature, 0)], 0),
                    t.threshold,
                    np.where(inner, t.children_left + nodes, LEAF),
                    np.where(inner, t.children_right + nodes, LEAF),
                    _depths(t.children_left, t.children_right) + mean_path(t.n_node_samples),
                )
            )
            roots.append(nodes)
            nodes += t.node_count
        feature, threshold, left, right, length = map(np.concatenate, zip(*parts, strict=True))
        return cls(
            feature=feature.astype(np.int32),
            threshold=threshold.astype(np.float64),
            left=left.astype(np.int32),
            right=right.astype(np.int32),
            length=length.astype(np.float64),
            roots=np.array(roots, dtype=np.int64),
            normal=float(mean_path(np.array([forest.max_samples_]))[0]),
            features=int(forest.n_features_in_),
        )

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the isolation score of each row: near 1 is isolated early, 0.5 is normal.

        With one feature, from some thousand rows on, a table is made once, in which scores
        are only looked up; they are the same, bit for bit.

        Parameters
        ----------
        rows : array of float32, shape (n, n_features)
            Without NaN.

        Returns
        -------
        array of float, shape (n,)
            `-IsolationForest.score_samples(rows)` of the forest it was made of.

        Raises
        ------
        ValueError
            If *rows* have another number of features, or hold NaN.
        """
        if rows.ndim != 2 or rows.shape[1] != self.features:
            raise ValueError(
                f"rows of shape {rows.shape} cannot be scored; the trees were grown on "
                f"{self.features} features, so (n, {self.features}) is wanted"
            )
        return self.walker.score(rows)

    @cached_property
    def walker(self) -> Walker:
        """The same trees, packed for walking."""
        return Walker(
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.length,
            self.roots,
            normal=self.normal,
            features=self.features,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Trees:
        return self  # they never change

    def check(self) -> None:
        """Raise ValueError if walking down these trees could leave the arrays or never end."""
        nodes = len(self.feature)
        check_walk(self, ("threshold", "left", "right", "length"))
        inner = self.left != LEAF
        known = np.bincount(np.concatenate([self.left[inner], self.right[inner], self.roots]))
        if len(known) != nodes or (known != 1).any():
            raise ValueError("a node is not the child of one other")
        if np.isnan(self.threshold[inner]).any():
            raise ValueError("a threshold is not a number")
        check_features(self.feature, self.features)
        if not (np.isfinite(self.length).all() and (self.length >= 0).all() and self.normal > 0):
            raise ValueError("a path length is not a number above 0")


def mean_path(rows: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    r"""Return the mean path length of a random tree over as many rows.

    .. math:: c(n) = 2 (\ln(n - 1) + \gamma) - 2 (n - 1) / n

    and 0 for one row, 1 for two (Liu, Ting, Zhou, "Isolation Forest", ICDM 2008, eq. 1).

    >>> mean_path(np.array([1, 2, 256])).round(4).tolist()
    [0.0, 1.0, 10.2448]
    """
    n = np.maximum(rows, 3).astype(np.float64)
    path = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, path))


def _depths(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    depths = np.zeros(len(left))
    for node in np.flatnonzero(left != LEAF):  # parents come before their children
        depths[[left[node], right[node]]] = depths[node] + 1.0
    return depths
