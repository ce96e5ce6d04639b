"""Put the figures of many series together, and draw series anew for intervals.

A figure of a table is a function of one array a quantity (a value a series) and of weights: 1 for
every series gives the figure, the counts of a bootstrap draw give what it would have been on
other series. All functions take weights of shape (..., n) and return shape (...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Figures = Mapping[str, float]
"""What was measured on one series; NaN (or nothing) where it is not defined there."""

LEAST_UNITS = 6
"""With fewer series (or groups of them) no interval is given: the draws would be too much alike."""

LEVEL = 0.95


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


def interval(values: Floats) -> list[float] | None:
    """Return the 95 % percentile interval of the known values, None if there are none."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(low), float(high)]


def two_sided_p(differences: Floats) -> float | None:
    """Return the bootstrap p-value of a difference: twice the share on the rarer side of 0."""
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    # Of so many draws and one more, so that it is never 0.
    low, high = (known <= 0.0).sum() + 1, (known >= 0.0).sum() + 1
    return float(min(1.0, 2.0 * min(low, high) / (len(known) + 1)))
