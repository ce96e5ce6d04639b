"""What flags are worth at the frozen threshold, reading by reading and run by run.

Each figure is a ratio of sums over the blocks of `sensorkit.evaluate.statistics.blocks`, one a
fault, so a resample of faults is a product of matrices. A run of flags belongs to the block it
begins in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.metrics.affiliation import affiliation
from sensorkit.evaluate.metrics.points import point_scores
from sensorkit.evaluate.metrics.ranged import range_f, range_precision, range_recall
from sensorkit.evaluate.statistics import LEAST_FAULTS, Interval, figure_interval
from sensorkit.evaluate.statistics.blocks import block_of
from sensorkit.runs import runs

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

KINDS = ("point", "range", "affiliation")
FLAG_FIGURES = tuple(f"{kind}_{of}" for kind in KINDS for of in ("precision", "recall", "f1"))


def flag_figures(labels: Bools, flags: Bools) -> dict[str, float]:
    """Return each of `FLAG_FIGURES` as `sensorkit.evaluate.metrics` computes it.

    Precisions are NaN where nothing is flagged.
    """
    return {
        **_named("point", *point_scores(labels, flags)),
        **_named(
            "range",
            range_precision(labels, flags),
            range_recall(labels, flags),
            range_f(labels, flags),
        ),
        **_named("affiliation", *affiliation(labels, flags)),
    }


def flag_intervals(
    labels: Bools, flags: Bools, exact: Mapping[str, float], weights: Floats
) -> dict[str, Interval | None]:
    """Return the bootstrap interval of each of `FLAG_FIGURES`.

    Parameters
    ----------
    labels, flags : array of bool, shape (n,)
        With at least one label.
    exact : mapping
        What `flag_figures` gives.
    weights : array of float, shape (resamples, n_faults)
        How often each fault is drawn.

    Returns
    -------
    dict
        None where fewer than `LEAST_FAULTS` blocks say anything of the figure: those with a flag
        for a precision, all for the others.
    """
    counts = _counts(labels, flags)
    whole = _figures(counts.sum(axis=0, keepdims=True))
    drawn = _figures(weights @ counts)
    found: dict[str, Interval | None] = {}
    for name in FLAG_FIGURES:
        blocks = len(counts)
        if name.endswith("precision"):
            blocks = int((counts[:, _PRECISION_OF[name.partition("_")[0]]] > 0).sum())
        draws = drawn[name][~np.isnan(drawn[name])]
        if blocks < LEAST_FAULTS or not len(draws):
            found[name] = None
        else:
            moved = np.clip(draws + (exact[name] - whole[name][0]), 0.0, 1.0)
            found[name] = figure_interval(moved, blocks)
    return found


_PRECISION_OF = {"point": 1, "range": 4, "affiliation": 7}
"""The column of `_counts` that each precision is divided by."""


def _counts(labels: Bools, flags: Bools) -> Floats:
    """Return numerator and denominator of precision and the sum for recall, by block and kind."""
    block = block_of(labels)
    n = int(block[-1]) + 1

    def add_up(where: NDArray[np.int64], weights: Floats | None = None) -> Floats:
        return np.bincount(where, weights, minlength=n).astype(np.float64)

    both = np.concatenate([[0.0], np.cumsum(labels & flags)])
    starts, stops = runs(flags)
    of_run = (both[stops] - both[starts]) / (stops - starts)
    first, stop = runs(labels)
    of_fault = (both[stop] - both[first]) / (stop - first)
    near = np.zeros((n, 2))
    some = add_up(block[flags]) > 0
    edges = np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block))
    for b in np.flatnonzero(some):
        part = slice(edges[b], edges[b + 1])
        near[b] = affiliation(labels[part], flags[part])[:2]
    return np.column_stack(
        [
            add_up(block[labels & flags]),
            add_up(block[flags]),
            add_up(block[labels]),
            add_up(block[starts], of_run),
            add_up(block[starts]),
            of_fault,
            near[:, 0],
            some,
            near[:, 1],
            np.ones(n),
        ]
    )


def _figures(sums: Floats) -> dict[str, Floats]:
    """Return each figure from the sums over blocks, shape (resamples,)."""
    hit, flagged, labelled, runs_right, runs_all, covered, near, zones, reached, faults = sums.T
    figures: dict[str, Any] = {}
    with np.errstate(invalid="ignore"):
        for kind, precision, recall in (
            ("point", hit / flagged, hit / labelled),
            ("range", runs_right / runs_all, covered / faults),
            ("affiliation", near / zones, reached / faults),
        ):
            together = np.nan_to_num(precision) + recall
            f1 = 2 * np.nan_to_num(precision) * recall / np.where(together > 0, together, 1.0)
            figures |= _named(kind, precision, recall, f1)
    return figures


def _named(kind: str, precision: Any, recall: Any, f1: Any) -> dict[str, Any]:
    return {f"{kind}_precision": precision, f"{kind}_recall": recall, f"{kind}_f1": f1}
