"""By how much a figure differs between two runs on the same data: intervals of paired differences.

What both runs saw alike says nothing of a difference, so it is taken out first: faults that both
found or both missed, alarms that both raised. What is left decides. As everywhere, recordings
are taken to differ from each other where there are several.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sensorkit.evaluate.statistics import (
    LEAST_FAULTS,
    TAILS,
    Interval,
    censored_median,
    percentile_interval,
)
from sensorkit.evaluate.statistics.nested import mean_draws, rate_interval

Floats = NDArray[np.float64]
Hits = NDArray[np.bool_]

DRAWS = 2000
"""Of the normal distribution that stands for a difference of shares within a recording."""


def share_difference(before: Hits, after: Hits, sizes: list[int]) -> Interval:
    """Return the interval of the share of faults found after, less that before; the same faults.

    One recording: Wald's interval of a paired difference with one fault more found by either
    (D. G. Bonett and R. M. Price, Stat. Med. 31, 2012); unlike the bootstrap it does not shrink
    to a point where no fault changed sides. Several: `mean_draws` adds what recordings differ by.

    Parameters
    ----------
    before, after : array of bool, shape (n_faults,)
        Whether each fault was found.
    sizes : list of int
        Faults of each recording, in their order.

    Examples
    --------
    >>> before = np.array([True] * 20 + [False] * 10)
    >>> low, high = share_difference(before, np.ones(30, dtype=bool), [30])
    >>> round(low, 2), round(high, 2)
    (0.13, 0.49)
    """
    n = len(before)
    if not n:
        return -1.0, 1.0
    gained, lost = float((after & ~before).sum()), float((before & ~after).sum())
    more, fewer = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    middle = more - fewer
    variance = more + fewer - middle * middle
    counts = [size for size in sizes if size]
    if len(counts) < 2:
        half = float(ndtri(TAILS[1])) * math.sqrt(variance / (n + 2))
        return max(middle - half, -1.0), min(middle + half, 1.0)
    change = after.astype(np.float64) - before
    of = np.repeat(np.arange(len(counts)), counts)
    size = np.array(counts)
    values = np.bincount(of, change) / size
    noise = np.random.default_rng(0).standard_normal((len(size), DRAWS))
    within = values[:, None] + noise * np.sqrt(variance / size)[:, None]
    draws, worth = mean_draws(values, within, size)
    # Recordings weigh alike in the draws, faults in the figure: moved to the figure.
    low, high = percentile_interval(draws - values.mean() + (gained - lost) / n, worth)
    return max(low, -1.0), min(high, 1.0)


def rate_difference(
    before: Floats, after: Floats, exposure: Floats, bunched: tuple[float, float] = (1.0, 1.0)
) -> Interval:
    """Return the interval of a rate after, less that before, of events that only one run has.

    The intervals of both rates, put together by the squares of their arms (MOVER: A. Donner and
    G. Y. Zou, Stat. Methods Med. Res. 21, 2012). Events of both runs cancel and are not given.

    Parameters
    ----------
    before, after, exposure : array of float, shape (n_recordings,)
        Events that only one run has, and the time in which both looked.
    bunched : tuple of float
        What `bunching` says of the events of either.

    Examples
    --------
    >>> none, six = np.array([0.0]), np.array([6.0])
    >>> low, high = rate_difference(none, six, np.array([1.0]))
    >>> low > 0
    True
    """
    whole = float(exposure.sum())
    if not whole:
        return -math.inf, math.inf
    rates = [float(events.sum()) / whole for events in (before, after)]
    arms = [
        rate_interval(events / by, exposure / by)
        for events, by in zip((before, after), bunched, strict=True)
    ]
    return difference(rates[0], arms[0], rates[1], arms[1])


def difference(
    before: float, interval_before: Interval, after: float, interval_after: Interval
) -> Interval:
    """Return the interval of *after* less *before* from an interval of each, taken as unpaired.

    Of two runs on the same data it is too wide rather than too narrow: they vary together.

    Examples
    --------
    >>> low, high = difference(2.0, (1.0, 4.0), 9.0, (6.0, 13.0))
    >>> round(low, 2), round(high, 2)
    (3.39, 11.12)
    """
    value = after - before
    low = math.hypot(max(after - interval_after[0], 0.0), max(interval_before[1] - before, 0.0))
    high = math.hypot(max(interval_after[1] - after, 0.0), max(before - interval_before[0], 0.0))
    return value - low, value + high


def ratio(
    before: float, interval_before: Interval, after: float, interval_after: Interval
) -> Interval:
    """Return the interval of *after* by *before*, as `difference` does of their logarithms.

    Examples
    --------
    >>> low, high = ratio(1.0, (0.5, 2.0), 2.0, (1.0, 4.0))
    >>> round(low, 2), round(high, 2)
    (0.75, 5.33)
    """
    low, high = difference(
        math.log(before),
        _logarithms(interval_before),
        math.log(after),
        _logarithms(interval_after),
    )
    return math.exp(low), math.exp(high)


def median_difference(
    before: tuple[Floats, Floats], after: tuple[Floats, Floats], weights: Floats
) -> Interval | None:
    """Return the interval of the median delay after, less that before, the same faults drawn.

    None with fewer than 5 faults. An end is infinite where misses are so many that one of the
    medians may not exist.

    Parameters
    ----------
    before, after : tuple of array, each of shape (n_faults,)
        Delays, inf for a miss, and how long each was watched, as `censored_median` takes them.
    weights : array of float, shape (resamples, n_faults)
        How often each fault is drawn.
    """
    faults = weights.shape[1]
    if faults < LEAST_FAULTS:
        return None
    medians = [censored_median(*side, weights) for side in (before, after)]
    with np.errstate(invalid="ignore"):
        draws = medians[1] - medians[0]
    draws[np.isnan(draws)] = 0.0  # neither run found half of these faults
    return percentile_interval(draws, faults)


def _logarithms(interval: Interval) -> Interval:
    low, high = interval
    return math.log(low) if low > 0 else -math.inf, math.log(high) if high > 0 else -math.inf
