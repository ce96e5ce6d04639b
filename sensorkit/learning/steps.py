"""The smallest difference that a sensor can tell: the step its values stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 8
"""Different values that are wanted, to tell a step from chance."""
ON_GRID = 0.999
"""Share of the readings that stand on multiples of the step."""
MOST_VALUES = 20_000
"""Different values that are looked at; a series with more has a step that no one sees."""


def last_digit(decimals: int) -> float:
    """Return what one unit of the last decimal is."""
    return float(10.0**-decimals)


def find(values: Floats, decimals: int) -> float | None:
    """Return the step of *values*, None where it is the last decimal or cannot be told.

    A step need not be a multiple of the last decimal: 0.0625 °C in two decimals reads 0.06, 0.12,
    0.19, 0.25. It is the largest of which nearly all values are a rounded multiple.

    Parameters
    ----------
    values : array of float64
        Finite.
    decimals : int
        As they stand on the wire.

    Examples
    --------
    >>> find(np.round(np.arange(330, 400) * 0.0625, 2), 2)
    0.0625
    >>> find(np.array([20.0, 20.5, 21.0, 21.5, 22.5, 23.0, 24.0, 25.0, 26.5]), 1)
    0.5
    >>> find(np.arange(200, 300) / 10, 1) is None
    True
    """
    unit = last_digit(decimals)
    whole = np.rint(values / unit)
    if not len(whole) or np.abs(whole).max() > 2**53:
        return None
    unique, counts = np.unique(whole, return_counts=True)
    if not FEWEST <= len(unique) <= MOST_VALUES:
        return None
    gaps = np.diff(unique)
    narrow = float(gaps.min())
    if narrow < 2:
        return None
    share = counts / counts.sum()
    # A gap is one step, rounded at both its ends.
    trials = np.arange(narrow + 1, max(narrow - 1, 1.5) - 1e-9, -0.0005)
    for step in trials.tolist():
        off = np.abs(unique - step * np.rint(unique / step))
        if share[off <= 0.5 + 1e-6].sum() >= ON_GRID:
            return float(f"{_simplest(unique, share, step) * unit:.12g}")
    return None


def _simplest(unique: Floats, share: Floats, step: float) -> float:
    """Return the step near *step* with the fewest digits that does as well."""
    for digits in range(1, 6):
        rounded = float(f"{step:.{digits}g}")
        if abs(rounded / step - 1) > 0.02:
            continue
        off = np.abs(unique - rounded * np.rint(unique / rounded))
        if share[off <= 0.5 + 1e-6].sum() >= ON_GRID:
            return rounded
    return step
