"""Faults nested in recordings: intervals that hold for other recordings like these.

Faults of one recording are alike in what the recording shares: its noise, its threshold, the day.
So a recording counts for less than its faults, the less the more recordings differ. How much they
differ is estimated from them; two or three cannot say it, so the estimate begins from a mild
expectation (`SHARE_PRIOR`, `RATE_PRIOR`, `VALUE_PRIOR`) that the data overrule as they grow.
docs/statistics.md has the coverage beside that of other ways. With one recording nothing is
known of others: intervals then hold for that recording only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln, xlogy

from sensorkit.evaluate.statistics import TAILS, Interval, poisson_interval, wilson_interval

Floats = NDArray[np.float64]

SHARE_PRIOR = 5.0
"""The correlation of two faults of one recording is Beta(1, 5): a sixth on average."""

RATE_PRIOR = 0.5
"""The squared coefficient of variation of alarm rates is exponential with this mean, up to 1: from
two recordings larger ones could not be ruled out, and the interval would have no upper end."""

VALUE_PRIOR = 0.05
"""The standard deviation of VUS-PR, or of a difference of it, is half-Cauchy of this scale."""

_CORRELATIONS = np.concatenate([[1e-6], np.geomspace(0.0005, 0.8, 24)])
_VARIATIONS = np.concatenate([[1e-4], np.geomspace(0.01, 1.0, 14)])
_DEVIATIONS = np.concatenate([[0.0], np.geomspace(0.002, 1.5, 60)])


def share_interval(successes: ArrayLike, trials: ArrayLike) -> Interval:
    """Return the interval of a share that differs from recording to recording.

    Beta-binomial: each recording has a share of its own. Equal tails of the posterior of their
    mean, with Jeffreys' prior for the mean. One recording: `wilson_interval`.

    Parameters
    ----------
    successes, trials : array of float, shape (n_recordings,)
        Need not be whole. Recordings without a trial say nothing.

    Examples
    --------
    >>> low, high = share_interval([4, 9], [10, 10])
    >>> all_in_one = wilson_interval(13, 20)
    >>> bool(low < all_in_one[0] and high > all_in_one[1])
    True
    """
    hit, n = _given(successes, trials)
    if len(n) < 2:
        return wilson_interval(float(hit.sum()), float(n.sum()))
    pull = 1 / _CORRELATIONS - 1
    prior = np.log(np.gradient(_CORRELATIONS)) + (SHARE_PRIOR - 1) * np.log1p(-_CORRELATIONS)

    def density(logit: Floats) -> Floats:
        share = 1 / (1 + np.exp(-logit))
        a = (share[:, None] * pull)[:, :, None]
        b = ((1 - share)[:, None] * pull)[:, :, None]
        likelihood = (betaln(a + hit, b + n - hit) - betaln(a, b)).sum(axis=2)
        return _marginal(likelihood + prior) + 0.5 * np.log(share * (1 - share))

    low, high = 1 / (1 + np.exp(-_equal_tails(density, -14.0, 14.0)))
    return (
        0.0 if not hit.any() else float(low),
        1.0 if (hit == n).all() else float(high),
    )


def rate_interval(events: ArrayLike, exposure: ArrayLike) -> Interval:
    """Return the interval of a rate that differs from recording to recording.

    Gamma-Poisson, as `share_interval`. One recording: `poisson_interval`.

    Parameters
    ----------
    events, exposure : array of float, shape (n_recordings,)
        Need not be whole. Recordings without exposure say nothing.

    Examples
    --------
    >>> low, high = rate_interval([0, 12], [1.0, 1.0])
    >>> all_in_one = poisson_interval(12, 2.0)
    >>> bool(low < all_in_one[0] and high > all_in_one[1])
    True
    """
    seen, time = _given(events, exposure)
    if len(time) < 2:
        return poisson_interval(float(seen.sum()), float(time.sum()))
    shape = 1 / _VARIATIONS
    prior = np.log(np.gradient(_VARIATIONS)) - _VARIATIONS / RATE_PRIOR

    def density(log_rate: Floats) -> Floats:
        mean = np.exp(log_rate)[:, None, None] * time
        k = shape[None, :, None]
        likelihood = gammaln(seen + k) - gammaln(k) + xlogy(seen, mean / (k + mean))
        likelihood -= k * np.log1p(mean / k)
        return _marginal(likelihood.sum(axis=2) + prior) + 0.5 * log_rate

    middle = float(np.log((seen.sum() + 0.5) / time.sum()))
    low, high = np.exp(_equal_tails(density, middle - 14.0, middle + 9.0))
    return (float(low) if seen.any() else 0.0), float(high)


def mean_draws(values: Floats, draws: Floats, faults: NDArray[np.int64]) -> tuple[Floats, int]:
    """Return draws of a mean over recordings, for `percentile_interval` and `p_value`.

    Each is the mean of the recordings' own bootstrap draws, plus a draw of what other recordings
    would have given: normal, with the spread of the recordings beyond that of their faults.

    Parameters
    ----------
    values : array of float, shape (n_recordings,)
        Of VUS-PR, or of a paired difference of it.
    draws : array of float, shape (n_recordings, resamples)
    faults : array of int, shape (n_recordings,)
        How many each recording's draws resample.

    Returns
    -------
    draws : array of float, shape (resamples,)
    faults : int
        How many their spread is worth.
    """
    n, resamples = draws.shape
    if n == 1:
        return draws[0], int(faults[0])
    # A bootstrap's variance is (k - 1)/k of the truth; a single fault has none to show.
    wider = np.sqrt(faults / np.maximum(faults - 1, 1))[:, None]
    within = (draws - draws.mean(axis=1, keepdims=True)) * wider
    rng = np.random.default_rng(0)  # the same for all, so that differences stay paired
    spread = _DEVIATIONS[
        np.searchsorted(_spread_posterior(values, within.var(axis=1)), rng.random(resamples))
    ]
    others = spread / np.sqrt(n) * rng.standard_normal(resamples)
    worth = max(int(faults.sum()) - n + 1, n)
    return values.mean() + within.mean(axis=0) + others, worth


def resample_nested(sizes: list[int], resamples: int, rng: np.random.Generator) -> Floats:
    """Return how often each fault is drawn: recordings first, then as many faults as each has.

    *sizes* are the faults of each recording; shape (resamples, sum of sizes).
    """
    n = len(sizes)
    chosen = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    parts = [
        rng.multinomial(chosen[:, i] * size, np.full(size, 1 / size))
        for i, size in enumerate(sizes)
        if size
    ]
    return np.concatenate(parts, axis=1).astype(np.float64)


def _given(counts: ArrayLike, of: ArrayLike) -> tuple[Floats, Floats]:
    counted, whole = np.asarray(counts, dtype=np.float64), np.asarray(of, dtype=np.float64)
    return counted[whole > 0], whole[whole > 0]


def _marginal(log_density: Floats) -> Floats:
    """Sum the density over its last axis, in logarithms."""
    top = log_density.max(axis=-1)
    total: Floats = top + np.log(np.exp(log_density - top[:, None]).sum(axis=-1))
    return total


def _equal_tails(log_density: Callable[[Floats], Floats], low: float, high: float) -> Floats:
    """Return the two points that cut 2.5 % off either end, from a grid laid where the mass is."""
    for points in (60, 120):
        at = np.linspace(low, high, points)
        found = log_density(at)
        mass = np.exp(found - found.max())
        some = np.flatnonzero(mass > 1e-6)
        low, high = at[max(some[0] - 1, 0)], at[min(some[-1] + 1, points - 1)]
    cut: Floats = np.interp(TAILS, np.cumsum(mass) / mass.sum(), at + (at[1] - at[0]) / 2)
    return cut


def _spread_posterior(values: Floats, variances: Floats) -> Floats:
    """Return the cumulated posterior of the recordings' standard deviation on its grid."""
    total = np.maximum(variances[:, None] + _DEVIATIONS**2, 1e-12)
    weight = 1 / total
    mean = (values[:, None] * weight).sum(axis=0) / weight.sum(axis=0)
    log = -0.5 * (
        np.log(total).sum(axis=0)
        + np.log(weight.sum(axis=0))
        + ((values[:, None] - mean) ** 2 * weight).sum(axis=0)
    ) - np.log1p((_DEVIATIONS / VALUE_PRIOR) ** 2)
    mass = np.exp(log - log.max()) * np.gradient(_DEVIATIONS)
    return np.asarray(np.cumsum(mass) / mass.sum() - 1e-15)
