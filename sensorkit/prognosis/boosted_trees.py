"""Gradient-boosted trees as flat arrays: taken from scikit-learn, kept without pickle, run here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.detect.kernels.tree_arrays import check_features, check_walk
from sensorkit.errors import DetectorError

Floats = NDArray[np.float64]

LEAF = -1

KINDS = {
    "feature": "i4",
    "split": "f8",
    "missing_left": "u1",
    "left": "i4",
    "right": "i4",
    "value": "f8",
    "roots": "i8",
    "baseline": "f8",
}

CHECKED = 256
"""Rows on which the arrays are held against the model they were taken from."""


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """A boosted regression, node by node, the trees one after the other.

    Attributes
    ----------
    feature : array of int32, shape (n_nodes,)
    split : array of float64, shape (n_nodes,)
        A row goes left if its value is at most this.
    missing_left : array of uint8, shape (n_nodes,)
        1 where a missing value (NaN) goes left.
    left, right : array of int32, shape (n_nodes,)
        Children; `LEAF` in a leaf. Always behind their parent.
    value : array of float64, shape (n_nodes,)
        What a leaf adds.
    roots : array of int64, shape (n_trees,)
    baseline : array of float64, shape (1,)
        What the trees add to.
    """

    feature: NDArray[np.int32]
    split: Floats
    missing_left: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Floats
    roots: NDArray[np.int64]
    baseline: Floats

    @classmethod
    def of(cls, model: Any, rows: Floats) -> Self:
        """Take the trees out of a fitted `HistGradientBoostingRegressor`.

        scikit-learn has no public way to its histogram trees. So what was taken out is run on
        the first of *rows*, and refused if it does not predict what the model does.

        Raises
        ------
        DetectorError
            If the predictions differ: this scikit-learn keeps its trees in another way.
        """
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in KINDS}
        roots, nodes = [], 0
        try:
            for (predictor,) in model._predictors:
                n = predictor.nodes
                inner = n["is_leaf"] == 0
                parts["feature"].append(np.where(inner, n["feature_idx"], 0))
                parts["split"].append(np.where(inner, n["num_threshold"], 0.0))
                parts["missing_left"].append(np.where(inner, n["missing_go_to_left"], 0))
                parts["left"].append(np.where(inner, n["left"].astype(np.int64) + nodes, LEAF))
                parts["right"].append(np.where(inner, n["right"].astype(np.int64) + nodes, LEAF))
                parts["value"].append(np.where(inner, 0.0, n["value"]))
                roots.append(nodes)
                nodes += len(n)
            baseline = np.ravel(model._baseline_prediction)
        except (AttributeError, ValueError, IndexError, TypeError) as error:
            raise _other_trees(str(error)) from error
        parts["roots"], parts["baseline"] = [np.array(roots)], [baseline]
        arrays = {name: np.concatenate(parts[name]).astype(kind) for name, kind in KINDS.items()}
        taken = cls(**arrays)
        if not np.allclose(
            taken.predict(rows[:CHECKED]), model.predict(rows[:CHECKED]), rtol=1e-9, atol=1e-9
        ):
            raise _other_trees("they predict something else")
        return taken

    def predict(self, rows: Floats) -> Floats:
        """Return the prediction for each row, shape (n,); NaN is a missing value."""
        found = np.empty(len(rows))
        _walk(
            np.ascontiguousarray(rows), self.feature, self.split, self.missing_left, self.left,
            self.right, self.value, self.roots, self.baseline[0], found,
        )  # fmt: skip
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # they never change

    def check(self, features: int) -> None:
        """Raise ValueError if walking down these trees could leave the arrays or never end."""
        check_walk(self, ("split", "missing_left", "left", "right", "value"))
        check_features(self.feature, features)
        if np.isnan(self.split).any():
            raise ValueError("a split is not a number")
        if self.baseline.shape != (1,) or not np.isfinite([*self.baseline, *self.value]).all():
            raise ValueError("a prediction is not finite")


def _other_trees(why: str) -> DetectorError:
    return DetectorError(
        "remaining_life: the trees of this scikit-learn cannot be taken out of their model "
        f"({why}); install a version that sensorkit was tested with (constraints.txt)"
    )


def _descend(rows, feature, split, missing_left, left, right, value, roots, baseline, found):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for i in range(len(rows)):
        total = baseline
        for root in roots:
            node = root
            while left[node] >= 0:
                x = rows[i, feature[node]]
                if x != x:
                    node = left[node] if missing_left[node] else right[node]
                elif x <= split[node]:
                    node = left[node]
                else:
                    node = right[node]
            total += value[node]
        found[i] = total


_walk: Callable[..., None] = njit(cache=True, nogil=True)(_descend)
