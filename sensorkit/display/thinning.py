"""Fewer points to draw, so that a long series opens at once and every spike is still seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 2000
"""Points a line is drawn with; a screen has fewer columns."""


def downsample(values: NDArray[np.float64], points: int = MAX_POINTS) -> NDArray[np.intp]:
    """Return the rows to draw so that every spike is still there.

    The series is cut into at most `points // 2` parts of one length, and the smallest and the
    largest value of each is kept; a part without values keeps its first row, so that a gap stays
    a gap.

    Parameters
    ----------
    values : array of float, shape (n,)
        NaN where there is no value; what is infinite counts as none.
    points : int
        At most about this many rows are returned.

    Returns
    -------
    array of int, shape (m,), rising

    Examples
    --------
    >>> values = np.zeros(10_000)
    >>> values[4321] = 9.0
    >>> 4321 in downsample(values, 100)
    True
    """
    n = len(values)
    if n <= points:
        return np.arange(n)
    size = -(-n // max(points // 2, 1))
    whole = n // size * size
    low, high = _extremes(values[:whole].reshape(-1, size))
    starts = np.arange(0, whole, size)
    found = [starts + low, starts + high, np.array([0, n - 1])]
    if whole < n:
        found += [whole + rows for rows in _extremes(values[whole:].reshape(1, -1))]
    return np.unique(np.concatenate(found))


def _extremes(parts: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the place of the smallest and of the largest value in each row of *parts*."""
    missing = ~np.isfinite(parts)
    if not missing.any():
        return parts.argmin(axis=1), parts.argmax(axis=1)
    return (
        np.where(missing, np.inf, parts).argmin(axis=1),
        np.where(missing, -np.inf, parts).argmax(axis=1),
    )
