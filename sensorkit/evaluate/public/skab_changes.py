"""The change-point task of the Skoltech Anomaly Benchmark, scored as its leaderboard does.

A change point is predicted where the flags of a detector turn on or off. The score is that of the
Numenta Anomaly Benchmark with a window of 60 s after each true change point: the first prediction
in it counts the more the earlier it is, a prediction outside all windows and a window without one
cost. 100 is perfect, 0 is to predict nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WINDOW_NS = 60 * 10**9

# What a prediction outside and a window missed cost; at the end of a window, and at its start 1.
PROFILES = {"standard": (-0.11, -1.0), "low_fp": (-0.22, -1.0), "low_fn": (-0.11, -2.0)}

# Points of the sigmoid over a window.
GRID = 1000


class Points(NamedTuple):
    """What one file is worth in one profile."""

    got: float
    nothing: float
    """What it had been worth without any prediction."""
    perfect: float


def of_file(
    time: NDArray[np.int64], changepoint: NDArray[np.bool_], flags: NDArray[np.bool_]
) -> dict[str, Points]:
    """Return the points of one file for each profile.

    Parameters
    ----------
    time : array of int64, shape (n,)
        Nanoseconds UTC.
    changepoint, flags : array of bool, shape (n,)
        The rows at which something changed, and the decisions of the detector.

    Examples
    --------
    >>> second = np.arange(200) * 10**9
    >>> change, flags = np.zeros(200, bool), np.zeros(200, bool)
    >>> change[50], flags[50:] = True, True
    >>> of_file(second, change, flags)["standard"]
    Points(got=1.0, nothing=-1.0, perfect=1.0)
    """
    found = windows(time[changepoint])
    predicted = time[edges(flags)]
    inside = np.zeros(len(predicted), dtype=np.bool_)
    first: list[int | None] = []
    for start, end in found:
        here = (predicted >= start) & (predicted <= end)
        inside |= here
        first.append(int(predicted[here][0]) if here.any() else None)
    points = {}
    for profile, (outside, missed) in PROFILES.items():
        got = outside * int((~inside).sum())
        for at, (start, end) in zip(first, found, strict=True):
            got += missed if at is None else value(at, start, end, outside)
        points[profile] = Points(got, missed * len(found), float(len(found)))
    return points


def windows(points: NDArray[np.int64]) -> list[list[int]]:
    """Return the start and the end of the window of each change point (ns); they do not overlap.

    A window that begins within the one before begins when that one ends.
    """
    found = [[int(point), int(point) + WINDOW_NS] for point in points]
    for before, after in pairwise(found):
        after[0] = max(after[0], before[1])
    return found


def edges(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether the flags turn on or off at each row; before the first they were off."""
    return np.asarray(np.diff(flags.astype(np.int8), prepend=np.int8(0)) != 0)


def value(at: int, start: int, end: int, outside: float) -> float:
    """Return what a prediction in a window is worth: 1 at its start, *outside* at its end."""
    event = min(int((at - start) / (end - start) * GRID), GRID - 1)
    x = -np.pi / 2 + np.pi * event / (GRID - 1)
    half = (1.0 - outside) / 2.0
    return float(-half * np.tanh(x) / np.tanh(np.pi / 2) + half + outside)
