"""Changes from one value to the next: what they are, and what is usual for a channel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A normal distribution's standard deviation over its median absolute deviation.
SIGMA_PER_MAD = 1.4826

# Differences below this share of the largest value are rounding, not the step of the sensor.
ROUNDING = 1e-12


def changes_since_last(values: Floats, last: float) -> tuple[Floats, float]:
    """Return the change of each value since the last finite one before it.

    Parameters
    ----------
    values : array of float, shape (n,)
    last : float
        The last finite value so far; NaN if there was none.

    Returns
    -------
    changes : array of float, shape (n,)
        NaN where the value is missing or the first; infinite where the value is.
    last : float
        The last finite value after *values*.

    Examples
    --------
    >>> changes, last = changes_since_last(np.array([1.0, np.nan, 4.0]), np.nan)
    >>> changes.tolist(), last
    ([nan, nan, 3.0], 4.0)
    """
    finite = np.isfinite(values)
    with np.errstate(over="ignore"):
        if finite.all():
            changes = np.diff(values, prepend=last)
            return changes, float(values[-1]) if len(values) else last
        # Index of the last finite value before each row; 0 stands for *last*.
        known = np.concatenate([[last], values])
        seen = np.maximum.accumulate(np.where(finite, np.arange(1, len(values) + 1), 0))
        before = np.concatenate([[0], seen[:-1]])
        return values - known[before], float(known[seen[-1]])


def robust_sigma(changes: Floats) -> float:
    """Return 1.4826 median absolute deviations; the standard deviation or 1 where that is 0.

    Parameters
    ----------
    changes : array of float, shape (n,)

    Examples
    --------
    >>> robust_sigma(np.array([-1.0, 0.0, 1.0, 100.0])), robust_sigma(np.zeros(5))
    (1.4826, 1.0)
    """
    changes = changes[np.isfinite(changes)]
    if not len(changes):
        return 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mad = SIGMA_PER_MAD * float(np.median(np.abs(changes - np.median(changes))))
        spread = mad if mad > 0 else float(np.std(changes))
    return spread if 0 < spread < math.inf else 1.0


def smallest_step(values: Floats) -> float:
    """Return the smallest difference between two distinct values, 0 if there is none.

    Differences of a size that rounding makes do not count.

    Parameters
    ----------
    values : array of float, shape (n,)
        In any order; those that are not finite are left out.

    Examples
    --------
    >>> smallest_step(np.array([1.0, np.nan, 2.5, 1.5, 1.0]))
    0.5
    """
    distinct = np.unique(values[np.isfinite(values)])
    steps = np.diff(distinct)
    with np.errstate(over="ignore"):
        steps = steps[steps > ROUNDING * np.abs(distinct).max(initial=0.0)]
    return float(steps.min()) if len(steps) else 0.0
