"""Mean and standard deviation of trailing windows, right at any offset and after any glitch."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows of windows handled at once: 4096 x 50 float64 stay in a core's cache.
ROWS_AT_ONCE = 4096

# A variance below this may have lost digits to underflow, one above its inverse to overflow.
SMALLEST_VARIANCE = 1e-200


def departures(
    history: Floats, values: Floats, *, window: int, minimum: int
) -> tuple[Floats, Floats]:
    """Return how far each value is from the values just before it, and how these spread.

    Parameters
    ----------
    history : array of float, shape (m,)
        The last `m <= window` values before *values*; finite.
    values : array of float, shape (n,)
        Finite.
    window : int
        How many previous values count.
    minimum : int
        With fewer previous values than this, both results are NaN.

    Returns
    -------
    departure : array of float, shape (n,)
        The value minus the mean of the window before it.
    spread : array of float, shape (n,)
        Standard deviation of that window (divided by its length, not by one less); exactly 0
        where all its values are equal.

    Notes
    -----
    Each window is computed anew (two passes over the deviations from one of its own elements),
    so that nothing is carried along: running sums lose all digits at an offset of 1e9, and
    after one glitch of 1e9 has left the window they stay wrong. The pivot lies inside the
    window, so errors are of the order of 1e-16 of the window's own range.

    Examples
    --------
    >>> departure, spread = departures(np.zeros(0), np.array([1., 3., 6.]), window=2, minimum=2)
    >>> departure.tolist(), spread.tolist()
    ([nan, nan, 4.0], [nan, nan, 1.0])
    """
    n, m = len(values), len(history)
    departure, spread = np.full(n, np.nan), np.full(n, np.nan)
    joined = np.concatenate([history, values])
    # Value i of *values* has m + i values before it.
    whole_from = min(max(window - m, 0), n)
    with np.errstate(all="ignore"):  # overflow ends in inf, which is an answer
        for i in range(max(minimum - m, 0), whole_from):  # the window is not yet full
            departure[i : i + 1], spread[i : i + 1] = _moments(
                joined[np.newaxis, : m + i], values[i : i + 1]
            )
        if whole_from < n:
            start = m + whole_from - window
            windows = sliding_window_view(joined[start:-1], window)
            for first in range(0, n - whole_from, ROWS_AT_ONCE):
                rows = slice(first, first + ROWS_AT_ONCE)
                at = slice(whole_from + first, whole_from + first + len(windows[rows]))
                departure[at], spread[at] = _moments(windows[rows], values[at])
    return departure, spread


def _moments(windows: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return value - mean and the standard deviation, row by row."""
    pivot = windows[:, -1]
    deviations = np.empty(windows.shape)  # row-major, so that each row is summed the same way
    np.subtract(windows, pivot[:, np.newaxis], out=deviations)
    mean = deviations.mean(axis=1)
    departure = (values - pivot) - mean
    np.subtract(deviations, mean[:, np.newaxis], out=deviations)
    variance = np.einsum("ij,ij->i", deviations, deviations) / windows.shape[1]
    spread = np.sqrt(variance)
    # A window of equal values has a variance of exactly 0; so may one whose squares underflow.
    doubtful = np.flatnonzero(~(variance > SMALLEST_VARIANCE) | (variance > 1 / SMALLEST_VARIANCE))
    if len(doubtful):
        rows = deviations[doubtful]
        scale = np.abs(rows).max(axis=1)
        scaled = rows / np.where(scale > 0, scale, 1.0)[:, np.newaxis]
        spread[doubtful] = scale * np.sqrt(np.einsum("ij,ij->i", scaled, scaled) / rows.shape[1])
    return departure, spread


def last_values(history: Floats, values: Floats, window: int) -> Floats:
    """Return the history for the next call of `departures`: the last *window* values, a copy."""
    if len(values) >= window:
        return values[len(values) - window :].copy()
    return np.concatenate([history, values])[-window:]
