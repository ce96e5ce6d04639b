"""Block bootstrap of what needs no threshold: a test stretch is a row of blocks, one a fault.

A block reaches halfway to the faults beside it, so it brings its share of healthy readings.
Resampling the readings themselves would be slow; instead each block is counted once, on a grid
of thresholds and windows, and a resample adds up the counts of the blocks it draws. The grid
puts the values slightly low, so intervals are moved by what the whole series, computed exactly,
lies above its grid value. Faults closer than the buffer keep the buffer points they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.evaluate.statistics import LEAST_FAULTS, Interval, figure_interval
from sensorkit.runs import runs

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FIGURES = ("vus_pr", "vus_roc", "average_precision", "roc_auc")

THRESHOLDS = 250
"""Of the grid, at equal ranks of the scores near the faults: only there do the curves move."""

WINDOWS = 21
"""Of the grid, evenly from 0 to the buffer."""

COUNTS = 8_000_000
"""Most entries of a table of counts; with very many faults the grid has fewer thresholds."""

CHUNK = 32
"""Resamples evaluated at once; bounds the memory."""


class Draws(NamedTuple):
    """Bootstrap values, shape (resamples,), already moved to the exact value."""

    vus_pr: Floats
    vus_roc: Floats
    average_precision: Floats
    roc_auc: Floats
    faults: int
    """How many blocks each of them draws."""

    def intervals(self) -> dict[str, Interval | None]:
        """Return the interval of each figure.

        None for fewer than `LEAST_FAULTS` faults, and for a figure that does not exist.
        """
        found: dict[str, Interval | None] = dict.fromkeys(FIGURES)
        for name in FIGURES if self.faults >= LEAST_FAULTS else ():
            draws: Floats = getattr(self, name)
            if not np.isnan(draws).any():
                found[name] = figure_interval(draws, self.faults)
        return found


@dataclass(frozen=True, eq=False)
class Blocks:
    """Counts of each block at each threshold of the grid, highest threshold first.

    Attributes
    ----------
    readings, positives : array, shape (n_blocks,)
        All readings, and the labelled ones.
    predicted, labelled : array, shape (n_blocks, n_thresholds)
        Readings at or above the threshold, and the labelled ones of them.
    before : array, shape (n_blocks, n_thresholds)
        Readings predicted where the ROC curve turns from going right, which only readings far
        from the faults let it do, to the straight line that ends at the threshold.
    credit, found : array, shape (n_blocks, n_thresholds, n_windows)
        Weights of the buffer readings at or above the threshold, and whether the extended range
        has a reading there.
    """

    readings: Floats
    positives: Floats
    predicted: Floats
    labelled: Floats
    before: Floats
    credit: Floats
    found: Floats

    def __len__(self) -> int:
        return len(self.positives)

    @classmethod
    def count(cls, labels: NDArray[np.bool_], scores: Floats, *, buffer: int) -> Blocks:
        """Count one block for each run of labelled readings; at least one is wanted."""
        starts, stops = runs(labels)
        n_blocks = len(starts)
        block = block_of(labels)
        nearest, second = _distances(len(labels), starts, stops, buffer // 2)
        near = np.flatnonzero(nearest <= buffer // 2)

        values = np.sort(scores[near])
        most = min(THRESHOLDS, max(20, COUNTS // (n_blocks * WINDOWS)), len(values))
        limits = np.unique(values[np.linspace(0, len(values) - 1, most).astype(np.int64)])
        n_limits = len(limits)
        group = n_limits - np.searchsorted(limits, scores, side="right")
        above = n_limits - np.searchsorted(limits, scores, side="left")

        def add_up(rows: Rows, weights: Floats | None = None, to: Rows = group) -> Floats:
            """Return the sum over the rows predicted, shape (n_blocks, n_thresholds)."""
            cell = block[rows] * n_limits + to[rows]
            table = np.bincount(cell, weights, minlength=n_blocks * n_limits)
            total: Floats = np.cumsum(table.reshape(n_blocks, n_limits), axis=1, dtype=np.float64)
            return total

        windows = np.unique(np.linspace(0, buffer, WINDOWS).astype(np.int64))
        beside = near[nearest[near] > 0]
        weights = (
            _weights(nearest[beside], second[beside], int(window)) for window in windows.tolist()
        )
        predicted = add_up(np.flatnonzero(group < n_limits))
        # Where the grid leaves out scores near a fault, the curve rises between its thresholds.
        at = np.searchsorted(np.unique(values), limits)[::-1]
        alone = np.diff(at, prepend=at[0] + 1) == -1
        alone[0] = at[0] == len(np.unique(values)) - 1
        first = _first_groups(group, starts, stops, buffer // 2)[:, windows // 2]
        return cls(
            readings=np.bincount(block, minlength=n_blocks).astype(np.float64),
            positives=(stops - starts).astype(np.float64),
            predicted=predicted,
            labelled=add_up(np.flatnonzero(labels)),
            before=np.where(
                alone,
                add_up(np.flatnonzero(above < n_limits), to=above),
                np.column_stack([np.zeros(n_blocks), predicted[:, :-1]]),
            ),
            credit=np.stack([add_up(beside, weight) for weight in weights], axis=2),
            found=(first[:, None, :] <= np.arange(n_limits)[:, None]).astype(np.float64),
        )

    def evaluate(self, weights: Floats) -> Mapping[str, Floats]:
        """Return each of `FIGURES`, on the grid, of each resample, shape (resamples,).

        *weights* says how often each block is drawn, shape (resamples, n_blocks). The figures
        under the ROC curve are NaN where no reading is healthy.
        """
        parts = [self._chunk(weights[i : i + CHUNK]) for i in range(0, len(weights), CHUNK)]
        return dict(zip(FIGURES, np.concatenate(parts).T, strict=True))

    def _chunk(self, weights: Floats) -> Floats:
        shape = (len(weights), *self.credit.shape[1:])
        areas: Floats = _areas(
            weights @ self.readings,
            weights @ self.positives,
            np.maximum(weights @ self.predicted, 1.0),  # nothing predicted, nothing true
            weights @ self.labelled,
            weights @ self.before,
            (weights @ self.credit.reshape(len(self), -1)).reshape(shape),
            (weights @ self.found.reshape(len(self), -1)).reshape(shape),
            weights.sum(axis=1),
        )
        return areas


def bootstrap(
    labels: NDArray[np.bool_],
    scores: Floats,
    *,
    buffer: int,
    exact: Mapping[str, float],
    weights: Floats,
) -> Draws:
    """Return bootstrap values of the figures that need no threshold.

    Parameters
    ----------
    labels : array of bool, shape (n,)
        With at least one True.
    scores : array of float, shape (n,)
        Without NaN.
    buffer : int
        As in `sensorkit.evaluate.metrics.vus_pr`.
    exact : mapping of str to float
        Each of `FIGURES` over the whole series; NaN for one that does not exist.
    weights : array of float, shape (resamples, n_blocks)
        How often each block is drawn. The same for two detectors, draws are paired.
    """
    blocks = Blocks.count(labels, scores, buffer=buffer)
    n = len(blocks)
    grid = blocks.evaluate(np.ones((1, n)))
    drawn = blocks.evaluate(weights)
    moved = {name: np.clip(drawn[name] + (exact[name] - grid[name]), 0.0, 1.0) for name in FIGURES}
    return Draws(**moved, faults=n)


def block_of(labels: NDArray[np.bool_]) -> Rows:
    """Return the block of each reading, shape (n,): one a fault, cut halfway between faults.

    >>> block_of(np.array([0, 1, 0, 0, 0, 1], dtype=bool)).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    starts, stops = runs(labels)
    edges = (stops[:-1] + starts[1:]) // 2
    return np.searchsorted(edges, np.arange(len(labels)), side="right")


def _distances(n: int, starts: Rows, stops: Rows, reach: int) -> tuple[Rows, Rows]:
    """Return each reading's distance to the nearest and the second nearest fault, shape (n,).

    0 where labelled; reach + 1 for all that is farther. *stops* are the readings after a fault.
    """
    at = np.arange(n)
    after = np.searchsorted(starts, at, side="right")  # faults that begin at or before a reading
    far = np.full(2, -n - reach - 2)
    last = np.concatenate([far, stops - 1])  # two faults that are out of reach before the first
    begin = np.concatenate([starts, -far])  # and behind the last
    around = np.stack(
        [at - last[after + 1], at - last[after], begin[after] - at, begin[after + 1] - at]
    )
    around = np.sort(np.clip(around, 0, reach + 1), axis=0)
    return around[0], around[1]


def _first_groups(group: Rows, starts: Rows, stops: Rows, reach: int) -> Rows:
    """Return the first threshold that a reading within h of each fault reaches, by h.

    Shape (n_faults, reach + 1); the number of thresholds where none is reached.
    """
    n = len(group)
    never = np.iinfo(np.int64).max
    inside = np.minimum.reduceat(np.append(group, never), np.column_stack([starts, stops]).ravel())
    h = np.arange(1, reach + 1)
    before, behind = starts[:, None] - h, stops[:, None] - 1 + h
    best = np.minimum(
        np.where(before >= 0, group[np.maximum(before, 0)], never),
        np.where(behind < n, group[np.minimum(behind, n - 1)], never),
    )
    return np.minimum.accumulate(np.column_stack([inside[::2], best]), axis=1)


def _weights(nearest: Rows, second: Rows, window: int) -> Floats:
    """Return the buffer weight of points at these distances (1 or more) for one window."""
    reach = window // 2
    if reach == 0:
        return np.zeros(len(nearest))
    slope = np.sqrt(1.0 - np.minimum(nearest, reach) / window)
    return np.where(second <= reach, 1.0, np.where(nearest <= reach, slope, 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _areas(  # pragma: no cover - compiled
    readings: Floats,
    positives: Floats,
    predicted: Floats,
    labelled: Floats,
    before: Floats,
    credit: Floats,
    found: Floats,
    faults: Floats,
) -> Floats:
    """Return the `FIGURES` of each resample from its counts, shape (resamples, 4)."""
    resamples, thresholds, windows = credit.shape
    areas = np.zeros((resamples, 4))
    rate = np.empty(windows)  # true positive rate
    false = np.empty(windows)  # false positive rate
    true = np.empty(windows)
    scale = np.empty(windows)  # 1 / negatives
    for b in range(resamples):
        p = positives[b]
        healthy = readings[b] - p
        rate[:] = 0.0
        false[:] = 0.0
        true[:] = 0.0
        scale[:] = 1.0 / healthy
        pr = roc = precision = auc = tpr = fpr = hit = 0.0
        for t in range(thresholds):
            called, higher = predicted[b, t], before[b, t]
            flat = (higher - hit) / healthy
            auc += (flat - fpr) * tpr
            hit = labelled[b, t]
            fpr = (called - hit) / healthy
            gain = hit / p - tpr
            precision += gain * hit / called
            auc += (fpr - flat) * (tpr + 0.5 * gain)
            tpr += gain
            for w in range(windows):
                flat = (higher - true[w]) * scale[w]
                roc += (flat - false[w]) * rate[w]
                weight = credit[b, t, w]
                true[w] = hit + weight
                scale[w] = 1.0 / (healthy - 0.5 * weight)
                now = min(true[w] / (p + 0.5 * weight), 1.0) * found[b, t, w] / faults[b]
                gain = now - rate[w]
                pr += gain * true[w] / called
                false[w] = (called - true[w]) * scale[w]
                roc += (false[w] - flat) * (rate[w] + 0.5 * gain)
                rate[w] = now
        for w in range(windows):  # both curves end in (1, 1)
            roc += (1.0 - false[w]) * 0.5 * (1.0 + rate[w])
        auc += (1.0 - fpr) * 0.5 * (1.0 + tpr)
        if healthy <= 0:
            roc = auc = np.nan
        areas[b, 0] = pr / windows
        areas[b, 1] = roc / windows
        areas[b, 2] = precision
        areas[b, 3] = auc
    return areas
