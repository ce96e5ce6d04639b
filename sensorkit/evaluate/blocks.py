"""Block bootstrap of VUS-PR and average precision: a test stretch is a row of blocks, one a fault.

A block reaches halfway to the faults beside it, so it brings its share of healthy readings.
Resampling the readings themselves would be slow; instead each block is counted once, on a grid
of thresholds and windows, and a resample adds up the counts of the blocks it draws. The grid
puts the values slightly low, so intervals are moved by what the whole series, computed exactly,
lies above its grid value. Faults closer than the buffer keep the buffer points they share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.statistics import LEAST_FAULTS, Interval, percentile_interval, resample
from sensorkit.evaluate.metrics.volume import nearest_ranges, ranges, segment_groups

Floats = NDArray[np.float64]

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
    average_precision: Floats
    faults: int
    """How many blocks each of them draws."""

    def intervals(self) -> tuple[Interval | None, Interval | None]:
        """Return the interval of each; None for fewer than `LEAST_FAULTS` faults."""
        if self.faults < LEAST_FAULTS:
            return None, None
        return (
            percentile_interval(self.vus_pr, self.faults),
            percentile_interval(self.average_precision, self.faults),
        )


@dataclass(frozen=True, eq=False)
class Blocks:
    """Counts of each block at each threshold of the grid, highest threshold first.

    Attributes
    ----------
    positives : array, shape (n_blocks,)
        Labelled readings.
    predicted, labelled : array, shape (n_blocks, n_thresholds)
        Readings at or above the threshold, and the labelled ones of them.
    credit, found : array, shape (n_blocks, n_thresholds, n_windows)
        Weights of the buffer readings at or above the threshold, and whether the extended range
        has a reading there.
    """

    positives: Floats
    predicted: Floats
    labelled: Floats
    credit: Floats
    found: Floats

    def __len__(self) -> int:
        return len(self.positives)

    @classmethod
    def count(cls, labels: NDArray[np.bool_], scores: Floats, *, buffer: int) -> Blocks:
        """Count one block for each run of labelled readings; at least one is wanted."""
        starts, stops = ranges(labels)
        n_blocks = len(starts)
        edges = (stops[:-1] + starts[1:] + 1) // 2
        block = np.searchsorted(edges, np.arange(len(labels)), side="right")
        nearest, second = nearest_ranges(len(labels), starts, stops, buffer // 2)
        near = np.flatnonzero(nearest <= buffer // 2)

        limits = np.sort(scores[near])
        most = min(THRESHOLDS, max(20, COUNTS // (n_blocks * WINDOWS)), len(limits))
        at = np.linspace(0, len(limits) - 1, most).astype(np.int64)
        limits = np.unique(limits[at])
        n_limits = len(limits)
        group = n_limits - np.searchsorted(limits, scores, side="right")

        def add_up(rows: NDArray[np.int64], weights: Floats | None = None) -> Floats:
            """Return the sum over the rows predicted, shape (n_blocks, n_thresholds)."""
            cell = block[rows] * n_limits + group[rows]
            table = np.bincount(cell, weights, minlength=n_blocks * n_limits)
            total: Floats = np.cumsum(table.reshape(n_blocks, n_limits), axis=1, dtype=np.float64)
            return total

        windows = np.unique(np.linspace(0, buffer, WINDOWS).astype(np.int64))
        beside = near[nearest[near] > 0]
        weights = (
            _weights(nearest[beside], second[beside], int(window)) for window in windows.tolist()
        )
        credit = np.stack([add_up(beside, weight) for weight in weights], axis=2)
        found = np.zeros((n_blocks, n_limits, len(windows)))
        for b in range(n_blocks):
            first, reach, _ = segment_groups(
                group, starts[b : b + 1], stops[b : b + 1], buffer // 2
            )
            by_reach = np.zeros((n_limits, buffer // 2 + 1))
            by_reach[first, reach] = 1.0
            found[b] = np.cumsum(by_reach, axis=0)[:, windows // 2]
        return cls(
            positives=np.bincount(block[labels], minlength=n_blocks).astype(np.float64),
            predicted=add_up(np.flatnonzero(group < n_limits)),
            labelled=add_up(np.flatnonzero(labels)),
            credit=credit,
            found=found,
        )

    def evaluate(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return VUS-PR and average precision, on the grid, of each resample.

        *weights* says how often each block is drawn, shape (resamples, n_blocks).
        """
        parts = [self._chunk(weights[i : i + CHUNK]) for i in range(0, len(weights), CHUNK)]
        volumes, precisions = zip(*parts, strict=True)
        return np.concatenate(volumes), np.concatenate(precisions)

    def _chunk(self, weights: Floats) -> tuple[Floats, Floats]:
        shape = (len(weights), *self.credit.shape[1:])
        credit = (weights @ self.credit.reshape(len(self), -1)).reshape(shape)
        found = (weights @ self.found.reshape(len(self), -1)).reshape(shape)
        labelled = weights @ self.labelled
        positives = weights @ self.positives
        predicted = np.maximum(weights @ self.predicted, 1.0)  # nothing predicted, nothing true

        true = credit + labelled[:, :, None]
        recall = np.minimum(true / (positives[:, None, None] + credit / 2), 1.0)
        rate = recall * found / weights.sum(axis=1)[:, None, None]
        gain = np.diff(rate, axis=1, prepend=0.0)
        volume = np.sum(gain * true / predicted[:, :, None], axis=1).mean(axis=1)
        step = np.diff(labelled, axis=1, prepend=0.0) / positives[:, None]
        return volume, np.sum(step * labelled / predicted, axis=1)


def bootstrap(
    labels: NDArray[np.bool_],
    scores: Floats,
    *,
    buffer: int,
    vus_pr: float,
    average_precision: float,
    resamples: int,
    rng: np.random.Generator,
) -> Draws:
    """Return bootstrap values of both metrics.

    Parameters
    ----------
    labels : array of bool, shape (n,)
        With at least one True.
    scores : array of float, shape (n,)
        Without NaN.
    buffer : int
        As in `sensorkit.evaluate.metrics.vus_pr`.
    vus_pr, average_precision : float
        The exact values of the whole series.
    resamples : int
    rng : numpy.random.Generator
        In the same state for two detectors, the same blocks are drawn: draws are paired.
    """
    blocks = Blocks.count(labels, scores, buffer=buffer)
    n = len(blocks)
    grid_volume, grid_precision = blocks.evaluate(np.ones((1, n)))
    volume, precision = blocks.evaluate(resample(n, resamples, rng))
    return Draws(
        np.clip(volume + (vus_pr - grid_volume), 0.0, 1.0),
        np.clip(precision + (average_precision - grid_precision), 0.0, 1.0),
        n,
    )


def _weights(nearest: NDArray[np.int64], second: NDArray[np.int64], window: int) -> Floats:
    """Return the buffer weight of points at these distances (1 or more) for one window."""
    reach = window // 2
    if reach == 0:
        return np.zeros(len(nearest))
    slope = np.sqrt(1.0 - np.minimum(nearest, reach) / window)
    return np.where(second <= reach, 1.0, np.where(nearest <= reach, slope, 0.0))
