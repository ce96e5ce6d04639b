"""Fewer points to draw, so that a long series opens at once and every spike is still seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 2000
"""Points a line is drawn with; a screen has fewer columns."""


def downsample(values: NDArray[np.float64], points: int = MAX_POINTS) -> NDArray[np.intp]:
    """Return the rows to draw so that every spike is still there.

    The series is cut into `points // 2` parts and the smallest and the largest value of each is
    kept; a part without values keeps its first row, so that a gap stays a gap.

    Parameters
    ----------
    values : array of float, shape (n,)
        NaN where there is no value.
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
    edges = np.linspace(0, n, max(points // 2, 1) + 1).astype(np.intp)
    parts = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    missing = np.isnan(values)
    # Sorted by part and then by value: the ends of each part's run are its extremes.
    low = np.lexsort((np.where(missing, np.inf, values), parts))[edges[:-1]]
    high = np.lexsort((np.where(missing, -np.inf, values), parts))[edges[1:] - 1]
    return np.unique(np.concatenate([low, high, [0, n - 1]]))
