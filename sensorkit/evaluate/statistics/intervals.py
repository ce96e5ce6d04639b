"""Intervals and groups: what the numbers of a benchmark can carry.

All intervals are two-sided with 95 % confidence. Everything random takes a generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtr, stdtrit

CONFIDENCE = 0.95
ALPHA = 0.05
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)

LEAST_FAULTS = 5
"""Fewer are not resampled: the interval would hold the truth 8 times in 10 or less."""

PIECES = 20
"""Of the clean time, by which it is seen whether alarms come in bursts."""

Interval = tuple[float, float]


def wilson_interval(successes: float, trials: float) -> Interval:
    """Return Wilson's score interval of *successes* / *trials*; (0, 1) without a trial.

    Source: E. B. Wilson, JASA 22, 1927. Unlike the bootstrap it does not shrink to a point when
    all faults are hit. Both numbers may be effective ones, not whole.

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(low, 3), round(high, 3)
    (0.722, 1.0)
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes:g} successes of {trials:g} trials; 0..{trials:g} is wanted")
    if not trials:
        return 0.0, 1.0
    z = float(ndtri(TAILS[1]))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials)
    half *= math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else middle - half
    return low, 1.0 if successes == trials else middle + half


def poisson_interval(events: float, exposure: float) -> Interval:
    """Return the exact interval of a rate: *events* in *exposure*, per unit of exposure.

    Source: F. Garwood, Biometrika 28, 1936. (0, inf) without exposure. The upper end for no
    event in T is 3.69/T; the one-sided bound that a calibration states is 3/T.

    Examples
    --------
    >>> low, high = poisson_interval(0, 2.0)
    >>> low, round(high, 3)
    (0.0, 1.844)
    """
    if events < 0 or exposure < 0:
        raise ValueError(f"{events:g} events in {exposure:g}; both must be 0 or more")
    if exposure == 0:
        return 0.0, math.inf
    low = float(gammaincinv(events, TAILS[0])) if events else 0.0
    return low / exposure, float(gammaincinv(events + 1, TAILS[1])) / exposure


def bunching(places: NDArray[np.float64], whole: float) -> float:
    """Return how much more alarms vary from piece to piece of the time than if each came alone.

    The time is cut into 20 pieces; it is the variance of their counts by the mean, and at least 1.
    Alarms that come in bursts of k count for about 1/k: divide events and exposure by it.

    Parameters
    ----------
    places : array of float, shape (n_events,)
        When each came, from 0 to *whole*.
    whole : float

    Examples
    --------
    >>> bunching(np.array([3.0, 3.1, 3.2, 70.0]), 100.0) > 2
    True
    >>> bunching(np.array([5.0, 55.0]), 100.0)
    1.0
    """
    if not len(places) or whole <= 0:
        return 1.0
    counts = np.histogram(places, bins=PIECES, range=(0.0, whole))[0]
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def weighted_poisson_interval(
    sizes: NDArray[np.float64], exposure: float, bunched: float = 1.0, copies: int = 1
) -> Interval:
    """Return the interval of the sum of *sizes* per unit of *exposure*; each is one event.

    Events come as a Poisson process and each brings its size, as alarms bring their seconds.
    With sizes of 1 it is `poisson_interval`. The upper end is inf where nothing was seen: nobody
    knows how large an event would have been. *bunched* is what `bunching` says of the events.
    Where one stretch of time was looked at several times, *copies* says how often: sizes and
    exposure are those of all copies, and tell as much as those of one.

    Source: M. P. Fay and E. J. Feuer, Stat. Med. 16, 1997, whose sizes are known weights; here
    those seen stand for those to come.

    Examples
    --------
    >>> low, high = weighted_poisson_interval(np.array([60.0, 30.0]), 3600.0)
    >>> round(low, 4), round(high, 4)
    (0.0025, 0.103)
    """
    if not len(sizes) or exposure == 0:
        return 0.0, math.inf
    total, largest = float(sizes.sum()), float(sizes.max())
    largest *= copies
    squares = bunched * copies * float(sizes @ sizes)
    low = squares / total * gammaincinv(total * total / squares, TAILS[0])
    total, squares = total + largest, squares + largest * largest
    high = squares / total * gammaincinv(total * total / squares, TAILS[1])
    return float(low) / exposure, float(high) / exposure


def resample(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each of *n* faults is drawn, shape (*resamples*, n), by the dice *rng*.

    Each row sums to n.
    """
    if n < 1:
        return np.zeros((resamples, 0))
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def percentile_interval(draws: NDArray[np.float64], faults: int) -> Interval:
    """Return the interval of bootstrap *draws* that resample this many *faults*.

    Percentiles 2.5 and 97.5 are too narrow for few faults; they are moved outwards as the t
    distribution is wider than the normal one (T. Hesterberg, "What teachers should know about
    the bootstrap", Am. Stat. 69, 2015, section 5.3). Infinities are draws like any other.

    Examples
    --------
    >>> draws = np.arange(1.0, 1001.0)
    >>> percentile_interval(draws, 1000), percentile_interval(draws, 10)
    ((25.0, 976.0), (9.0, 992.0))
    """
    outside = math.ceil(_tail(faults) * len(draws)) - 1  # draws left out on either side
    low, high = np.partition(draws, (outside, len(draws) - 1 - outside))[[outside, -1 - outside]]
    return float(low), float(high)


def figure_interval(draws: NDArray[np.float64], faults: int) -> Interval:
    """Return the interval of a figure from 0 to 1 that *draws* are bootstrap values of.

    *faults* is how many there were.

    Where all faults tried were easy, the draws know of no other ones, and their percentiles
    shrink to a point. So each draw gives part of its weight to one fault that was not seen, half
    of them found and half missed: Beta(1, faults) of the weight, Beta(1/2, 1/2) of the worth. The
    interval reaches from the lower of both 2.5 % percentiles, with and without that fault, to the
    higher of both others. For shares, in which a fault is either found or missed, it is close to
    Jeffreys' interval; it stands between Rubin's Bayesian bootstrap, which adds nothing, and
    Gaffke's bounds, which add a missed fault below and a found one above.

    Sources: D. B. Rubin, Ann. Stat. 9, 1981; N. Gaffke, Stat. Decis. 23, 2005.

    Examples
    --------
    >>> low, high = figure_interval(np.ones(500), 10)
    >>> 0.7 < low < 0.9, high
    (True, 1.0)
    """
    rng = np.random.default_rng(0)  # the same for all, so that a figure has one interval
    weight = rng.beta(1.0, faults, len(draws))
    mixed = (1.0 - weight) * draws + weight * rng.beta(0.5, 0.5, len(draws))
    low, high = np.quantile(np.stack([draws, mixed]), TAILS, axis=1)
    return max(float(low.min()), 0.0), min(float(high.max()), 1.0)


def p_value(draws: NDArray[np.float64], faults: int) -> float:
    """Return the two-sided p-value of "the truth is 0", by turning `percentile_interval` round.

    *draws* are bootstrap values of a difference, *faults* how many they were drawn from.

    It is below 0.05 exactly where the interval leaves out 0. Where no draw lies beyond 0, the
    normal distribution of their mean and spread says how far beyond them 0 is; but n draws show
    nothing below 2 / (n + 1), so no smaller p is given.

    Examples
    --------
    >>> draws = np.arange(-100.0, 900.0)
    >>> p_value(draws, 1000) > 0.05, p_value(draws + 80, 1000) < 0.05
    (True, True)
    """
    beyond = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    share = min(max(beyond, 0.5) / len(draws), 0.5)
    if not beyond:
        spread = float(draws.std())
        z = abs(float(draws.mean())) / spread if spread else math.inf
        share = min(share, _tail(faults) / 2, float(ndtr(-z)))
    p = 2 * float(stdtr(faults - 1, ndtri(share) / _stretch(faults)))
    p = max(p, 2 / (len(draws) + 1))
    # A draw on the very border of the interval counts as inside, as it does there.
    inside = beyond > math.ceil(_tail(faults) * len(draws)) - 1
    return max(p, ALPHA) if inside else min(p, math.nextafter(ALPHA, 0))


def censored_median(
    delays: NDArray[np.float64],
    watched: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the Kaplan-Meier median of delays of which some are misses.

    Parameters
    ----------
    delays : array of float, shape (n,)
        Seconds; inf for a miss.
    watched : array of float, shape (n,)
        For a miss, the seconds after which nobody could have hit it any more: inf for a fault
        that was watched to its end, because a fault that is over stays missed. Ending the watch
        there instead would let Kaplan-Meier suppose that it would have been found later.
    weights : array of float, shape (m, n), optional
        How often each delay counts, a row for each median; once if not given.

    Returns
    -------
    array of float, shape (m,) or (1,)
        The middle of the interval in which half are still undetected, as `numpy.median` has it
        for delays without a miss; inf where half or more are never detected, NaN without delays.

    References
    ----------
    .. [1] E. L. Kaplan and P. Meier, JASA 53, 1958.

    Examples
    --------
    >>> delays = np.array([3.0, 1.0, math.inf, 8.0])
    >>> float(censored_median(delays, np.full(4, math.inf))[0])
    5.5
    >>> cut = np.array([0, 0, 2.0, 0])  # the recording ended two seconds into the third fault
    >>> float(censored_median(delays, cut)[0])
    3.0
    """
    weight = np.ones((1, len(delays))) if weights is None else weights
    if not len(delays):
        return np.full(len(weight), math.nan)
    found = np.isfinite(delays)
    time = np.where(found, delays, watched)
    order = np.lexsort((~found, time))  # of equal times, a detection comes before an end of watch
    weight, found, time = weight[:, order], found[order], time[order]
    at_risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
    share = np.divide(weight * found, at_risk, out=np.zeros_like(weight), where=at_risk > 0)
    undetected = np.cumprod(1 - share, axis=1)
    tiny = 1e-9  # cumprod's rounding: 1/2 must count as 1/2
    return (_first(undetected <= 0.5 + tiny, time) + _first(undetected < 0.5 - tiny, time)) / 2


def median_delay_interval(
    delays: NDArray[np.float64],
    watched: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
) -> Interval | None:
    """Return the bootstrap interval of the median delay.

    *delays* and *watched* are as `censored_median` has them; *weights* says how often each fault
    is drawn, shape (resamples, n). An upper end of inf says that misses are so many that the median
    may not exist; None stands for a lower end that is inf too, and for fewer than `LEAST_FAULTS`
    faults.
    """
    if len(delays) < LEAST_FAULTS:
        return None
    low, high = percentile_interval(censored_median(delays, watched, weights), len(delays))
    return (low, high) if math.isfinite(low) else None


def groups(best_first: Sequence[str], told_apart: Callable[[str, str], bool]) -> dict[str, int]:
    """Return the group of each detector, 1 the best: those of one cannot be told apart.

    From the best on (*best_first* has their names): the first detector not yet in a group opens
    one, and those right behind it join while *told_apart(first, it)* is false. So two detectors of
    one group may differ from each other, but neither from the group's best.

    Examples
    --------
    >>> value = {"a": 0.9, "b": 0.8, "c": 0.3}
    >>> groups(list(value), lambda one, other: value[one] - value[other] > 0.2)
    {'a': 1, 'b': 1, 'c': 2}
    """
    number: dict[str, int] = {}
    leader = None
    for name in best_first:
        if leader is None or told_apart(leader, name):
            leader = name
            number[name] = max(number.values(), default=0) + 1
        else:
            number[name] = number[leader]
    return number


def _stretch(faults: int) -> float:
    return math.sqrt(faults / (faults - 1))


def _tail(faults: int) -> float:
    """Return the share of draws to leave out on either side."""
    return float(ndtr(_stretch(faults) * stdtrit(faults - 1, TAILS[0])))


def _first(reached: NDArray[np.bool_], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row the time of its first True; inf where there is none."""
    return np.where(reached.any(axis=1), time[reached.argmax(axis=1)], math.inf)
