"""Put the figures of many series together, and draw series anew for intervals.

A figure of a table is a function of one array a quantity (a value a series) and of weights: 1 for
every series gives the figure, the counts of a bootstrap draw give what it would have been on
other series. All functions take weights of shape (..., n) and return shape (...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.statistics import figure_interval, p_value, percentile_interval

Floats = NDArray[np.float64]
Figures = Mapping[str, float]
"""What was measured on one series; NaN (or nothing) where it is not defined there."""

LEAST_UNITS = 6
"""With fewer series (or groups of them) no interval is given: the draws would be too much alike."""


def stacked(rows: Sequence[Figures]) -> dict[str, Floats]:
    """Return one array a quantity, shape (n_series,); NaN where a series does not have it.

    >>> stacked([{"hits": 1.0}, {"hits": 2.0, "ap": 0.5}])["ap"].tolist()
    [nan, 0.5]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}


def total(values: Floats, weight: Floats) -> Floats:
    """Return the weighted sum of the known values."""
    known = ~np.isnan(values)
    return np.asarray(weight[..., known] @ values[known])


def mean(values: Floats, weight: Floats) -> Floats:
    """Return the weighted mean of the known values; NaN if there is none.

    >>> mean(np.array([1.0, np.nan, 3.0]), np.ones(3))
    array(2.)
    """
    known = ~np.isnan(values)
    return ratio(weight[..., known] @ values[known], weight[..., known].sum(axis=-1))


def ratio(above: Floats | float, below: Floats | float) -> Floats:
    """Return a quotient; NaN where nothing is to be divided by."""
    below = np.asarray(below, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0.0, np.nan, np.asarray(above) / below)


def draws(units: Sequence[str], resamples: int, seed: int) -> Floats | None:
    """Return how often each series is in each draw, shape (resamples, n_series).

    Series of the same unit (a rig, a base signal) are drawn together: they are not independent.

    Parameters
    ----------
    units : sequence of str, shape (n_series,)
    resamples, seed : int

    Returns
    -------
    array or None
        None with fewer than `LEAST_UNITS` units.
    """
    _, which = np.unique(np.asarray(units, dtype=str), return_inverse=True)
    n = int(which.max()) + 1 if len(which) else 0
    if n < LEAST_UNITS:
        return None
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    return counts[:, which].astype(np.float64)


def count(units: Sequence[str]) -> int:
    """Return how many independent units there are."""
    return len(set(units))


def interval(values: Floats, units: int, *, share: bool = False) -> list[float] | None:
    """Return the 95 % interval of the known draws, None if there are none.

    Parameters
    ----------
    values : array of float, shape (resamples,)
    units : int
        How many units were drawn from: percentiles of few are too narrow, and are moved outwards.
    share : bool
        The figure goes from 0 to 1; the interval then stays there, and does not shrink to a point
        where all units agree.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = (figure_interval if share else percentile_interval)(known, units)
    return [float(low), float(high)]


def two_sided_p(differences: Floats, units: int) -> float | None:
    """Return the p-value of a difference: below 0.05 where `interval` leaves out 0."""
    known = differences[~np.isnan(differences)]
    return p_value(known, units) if len(known) else None
