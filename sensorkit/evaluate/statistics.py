"""Intervals and groups: what the numbers of a benchmark can carry.

All intervals are two-sided with 95 % confidence. Everything random takes a generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit

CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)

LEAST_FAULTS = 5
"""Fewer are not resampled: the interval would hold the truth 8 times in 10 or less."""

Interval = tuple[float, float]


def wilson_interval(successes: int, trials: int) -> Interval:
    """Return Wilson's score interval of a share; (0, 1) without a trial.

    Source: E. B. Wilson, JASA 22, 1927. Unlike the bootstrap it does not shrink to a point when
    all faults are hit.

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(low, 3), round(high, 3)
    (0.722, 1.0)
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials; 0..{trials} is wanted")
    if not trials:
        return 0.0, 1.0
    z = float(ndtri(TAILS[1]))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials)
    half *= math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else middle - half
    return low, 1.0 if successes == trials else middle + half


def poisson_interval(events: int, exposure: float) -> Interval:
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
        raise ValueError(f"{events} events in {exposure:g}; both must be 0 or more")
    if exposure == 0:
        return 0.0, math.inf
    low = float(gammaincinv(events, TAILS[0])) if events else 0.0
    return low / exposure, float(gammaincinv(events + 1, TAILS[1])) / exposure


def resample(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each of *n* faults is drawn, shape (resamples, n); each row sums to n."""
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
    spread = math.sqrt(faults / (faults - 1)) * stdtrit(faults - 1, TAILS[0])
    tail = float(ndtr(spread))
    low, high = np.quantile(draws, (tail, 1 - tail), method="inverted_cdf")
    return float(low), float(high)


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
    resamples: int,
    rng: np.random.Generator,
) -> Interval | None:
    """Return the bootstrap interval of the median delay.

    An upper end of inf says that misses are so many that the median may not exist; None stands
    for a lower end that is inf too, and for fewer than `LEAST_FAULTS` faults.
    """
    if len(delays) < LEAST_FAULTS:
        return None
    drawn = resample(len(delays), resamples, rng)
    low, high = percentile_interval(censored_median(delays, watched, drawn), len(delays))
    return (low, high) if math.isfinite(low) else None


def groups(
    best_first: Sequence[str], draws: Mapping[str, NDArray[np.float64]], faults: int
) -> dict[str, int]:
    """Return the group of each detector, 1 the best: those of one cannot be told apart.

    From the best on: the first detector not yet in a group opens one, and those right behind it
    join while the interval of their paired difference to it holds 0. So two detectors of one
    group may differ from each other, but neither from the group's best.

    Parameters
    ----------
    best_first : sequence of str
    draws : mapping of str to array of float, shape (resamples,)
        Bootstrap values; entry i of each comes from the same draw of faults.
    faults : int
        How many are resampled.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> a = rng.normal(0.8, 0.05, 500)
    >>> groups(["a", "b", "c"], {"a": a, "b": a - rng.normal(0, 0.02, 500), "c": a - 0.3}, 20)
    {'a': 1, 'b': 1, 'c': 2}
    """
    number: dict[str, int] = {}
    leader = None
    for name in best_first:
        if leader is None or not _holds_zero(draws[leader] - draws[name], faults):
            leader = name
            number[name] = max(number.values(), default=0) + 1
        else:
            number[name] = number[leader]
    return number


def _holds_zero(differences: NDArray[np.float64], faults: int) -> bool:
    low, high = percentile_interval(differences, faults)
    return low <= 0 <= high


def _first(reached: NDArray[np.bool_], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row the time of its first True; inf where there is none."""
    return np.where(reached.any(axis=1), time[reached.argmax(axis=1)], math.inf)
