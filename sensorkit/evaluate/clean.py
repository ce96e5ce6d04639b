"""Clean time: what the readings cover outside the windows of faults, and alarms in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.calibration import GAP_INTERVALS
from sensorkit.runs import runs


def clean_time(time: NDArray[np.int64], window: NDArray[np.int64]) -> int:
    """Return the nanoseconds that the readings cover outside the windows.

    Parameters
    ----------
    time : array of int64, shape (n,)
        Not decreasing. A step longer than 10 median steps is a gap and does not count: nobody
        was watching.
    window : array of int64, shape (n_windows, 2)
        They may overlap.
    """
    return int(_clean_steps(time, window).sum())


def false_alarm_time(
    flags: NDArray[np.bool_], time: NDArray[np.int64], window: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the clean nanoseconds of each run of flags that has some, shape (k,).

    A run lasts from its first reading to the one after its last; what `clean_time` leaves out is
    left out here.

    Examples
    --------
    >>> flags = np.array([True, False, True, True, True, False])
    >>> false_alarm_time(flags, np.arange(6), np.array([[3, 4]])).tolist()
    [1, 2]
    """
    first, stop = runs(flags)
    clean = np.concatenate([[0], np.cumsum(_clean_steps(time, window))])
    last = len(time) - 1
    taken: NDArray[np.int64] = clean[np.minimum(stop, last)] - clean[np.minimum(first, last)]
    return np.asarray(taken[taken > 0])


def alarm_places(
    starts: NDArray[np.int64], time: NDArray[np.int64], window: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the clean nanoseconds before each alarm, to the reading it begins with or follows.

    Examples
    --------
    >>> alarm_places(np.array([1, 5]), np.arange(6), np.array([[2, 4]])).tolist()
    [1, 3]
    """
    clean = np.concatenate([[0], np.cumsum(_clean_steps(time, window))])
    return clean[np.clip(np.searchsorted(time, starts, side="right") - 1, 0, len(time) - 1)]


def _clean_steps(time: NDArray[np.int64], window: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nanoseconds of each step between readings that are clean, shape (n - 1,)."""
    steps = np.diff(time)
    gap = gaps(time)
    if len(window):
        ordered = window[np.argsort(window[:, 0], kind="stable")]
        reach = np.maximum.accumulate(ordered[:, 1])
        # Each window takes what those before it have left.
        begin = np.maximum(ordered[:, 0], np.concatenate([ordered[:1, 0], reach[:-1]]))
        length = np.maximum(reach - begin, 0)
        before = np.concatenate([[0], np.cumsum(length)])
        at = np.searchsorted(begin, time, side="right")
        inside = np.clip(time - begin[at - 1], 0, length[at - 1])
        steps -= np.diff(np.where(at > 0, before[at - 1] + inside, 0))
    steps[gap] = 0
    return steps


def gaps(time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which steps, shape (n - 1,), are longer than 10 times the median positive step."""
    steps = np.diff(time)
    positive = steps[steps > 0]
    if not len(positive):
        return np.zeros(len(steps), dtype=np.bool_)
    return np.asarray(steps > GAP_INTERVALS * np.median(positive))
