"""What a window of readings says: the last value, mean, slope and spread of each channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEATURES = ("last", "mean", "slope", "spread")


class Windows(NamedTuple):
    """Windows that end with the readings of several units, none across two of them."""

    features: Floats
    """Shape (n, 4 n_channels): last, mean, slope and spread of all channels, in this order."""
    unit: NDArray[np.int64]
    """Which unit each is of, in the order given."""
    row: NDArray[np.int64]
    """Which reading of that unit it ends with."""


def windows(units: list[Floats], length: int, *, least: int = 1) -> Windows:
    """Return the features of the window that ends with each reading of each unit.

    Parameters
    ----------
    units : list of array of float, shape (n, n_channels)
        NaN where a value is missing.
    length : int
        Readings in a window. Those that begin before the unit does are shorter.
    least : int
        Windows of fewer readings are left out.

    Raises
    ------
    ValueError
        If *length* or *least* is not above 0, *least* is more than *length*, or a unit is shorter
        than *least*: it would silently drop out of a score.

    Examples
    --------
    A channel that rises by 2 a reading, in two units:

    >>> found = windows([np.array([[0.0], [2.0], [4.0]]), np.array([[7.0]])], 2)
    >>> found.features.tolist()[2], found.features.tolist()[3]
    ([4.0, 3.0, 2.0, 1.0], [7.0, 7.0, 0.0, 0.0])
    """
    if not 1 <= least <= length:
        raise ValueError(f"least is {least}, length {length}; 1 <= least <= length is wanted")
    short = [k for k, values in enumerate(units) if len(values) < least]
    if short:
        raise ValueError(
            f"unit {short[0]} has {len(units[short[0]])} readings, a window at least {least}; "
            "take a smaller least, or leave the unit out and say so"
        )
    parts = []
    for k, values in enumerate(units):
        found = WindowStream(values.shape[1], length).features(values, np.zeros(len(values), bool))
        rows = np.arange(least - 1, len(values))
        parts.append((found[rows], np.full(len(rows), k), rows))
    features, unit, row = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Windows(features, unit, row)


class WindowStream:
    """The window of one unit, as its readings come.

    Parameters
    ----------
    channels : int
    length : int
        Readings in a window, the latest included; fewer until there are so many.

    Notes
    -----
    Each feature is summed anew over its window, from the oldest value on: a value of 1e6 sigmas
    leaves nothing behind, and it does not matter how the readings were cut into batches.
    """

    def __init__(self, channels: int, length: int) -> None:
        self._length = length
        self._before = np.empty((0, channels))

    def features(self, values: Floats, begins: NDArray[np.bool_]) -> Floats:
        """Return the features of the windows that end with the next readings, and move on.

        Parameters
        ----------
        values : array of float, shape (n, n_channels)
            NaN where one is missing: it is passed over. A channel without any value in the
            window has no features: NaN.
        begins : array of bool, shape (n,)
            The reading begins anew: no window goes back beyond it.

        Returns
        -------
        array of float, shape (n, 4 n_channels)
            The slope is that of the straight line through the values, per reading.
        """
        joined = np.concatenate([self._before, values])
        first = len(self._before)
        start = np.zeros(len(joined), dtype=np.int64)
        start[first:] = np.where(begins, np.arange(first, len(joined)), 0)
        start = np.maximum.accumulate(start)
        found = np.empty((len(values), len(FEATURES) * values.shape[1]))
        _features(joined, first, start, self._length, found)
        if len(joined):
            oldest = max(len(joined) - self._length + 1, int(start[-1]))
            self._before = joined[oldest:].copy()
        return found


def _look(joined, first, start, length, found):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    channels = joined.shape[1]
    for i in range(len(found)):
        stop = first + i + 1
        begin = max(stop - length, start[stop - 1])
        for c in range(channels):
            count, total, places, last = 0, 0.0, 0.0, np.nan
            for j in range(begin, stop):
                value = joined[j, c]
                if value == value:  # not NaN
                    count += 1
                    total += value
                    places += j - begin
                    last = value
            if count == 0:
                for k in range(4):
                    found[i, k * channels + c] = np.nan
                continue
            mean, place = total / count, places / count
            square, along, across = 0.0, 0.0, 0.0
            for j in range(begin, stop):
                value = joined[j, c]
                if value == value:
                    off, far = value - mean, j - begin - place
                    square += off * off
                    along += far * far
                    across += far * off
            found[i, c] = last
            found[i, channels + c] = mean
            found[i, 2 * channels + c] = across / along if along > 0.0 else 0.0
            found[i, 3 * channels + c] = np.sqrt(square / count)


_features: Callable[..., None] = njit(cache=True, nogil=True)(_look)
