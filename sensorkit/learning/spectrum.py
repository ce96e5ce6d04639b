r"""What a healthy signal is made of beside its cycles: slow drift and noise, found in its spectrum.

The model is what a profile can say and `sensorkit.signals` can make: an Ornstein-Uhlenbeck process
(drift) plus autoregressive noise of order p. Both have a spectrum in closed form, and their
parameters are those with the largest Whittle likelihood [1]_: with the periodogram :math:`I_k`,
averaged in bins of :math:`m_k` ordinates, and the spectrum :math:`S_k` of the model, least is

.. math:: \sum_k m_k \left(\log S_k + I_k / S_k\right)

Whether there is drift, and of what order the noise is, is decided by the Bayesian information
criterion. Coefficients beyond the first come from the Yule-Walker equations of what the drift
leaves.

References
----------
.. [1] P. Whittle, "Estimation and information in stationary time series", Arkiv foer Matematik 2
   (1953).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TAPER = 0.1
"""Share of a series that is faded in and out, so that a steep spectrum does not leak."""

ALONE = 24
"""So many of the lowest ordinates stand in a bin of their own."""
WIDENING = 1.06
"""The bins above them are each so much wider than the last."""

ORDERS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
"""Orders of noise that are tried beside 0 and 1."""

READINGS_PER_ORDER = 25
"""So many readings are wanted for each coefficient."""

LONGEST_DRIFT = 0.25
"""Time constant of a drift at most, in lengths of the series: a slower one cannot be told."""

SHORTEST_DRIFT = 10.0
"""Time constant of a drift at least, in readings: a faster one is noise."""

LONGEST_NOISE = 20.0
"""Time constant of first-order noise at most, in readings: a slower one is drift."""

LARGEST_ROOT = 0.9999
"""Noise that settles more slowly is drift, and one more digit would let it grow for ever."""

LN2 = math.log(2.0)


class Bins(NamedTuple):
    """A periodogram, averaged."""

    omega: Floats
    """Radians a reading."""
    power: Floats
    ordinates: Floats
    """How many are in each."""


class Background(NamedTuple):
    """Drift and noise of a signal; times in readings, variances in the signal's unit squared."""

    drift: float
    """Variance of the drift; 0 for none."""
    time_constant: float
    noise: float
    """Variance of the noise."""
    ar: tuple[float, ...]
    criterion: float
    """The Bayesian information criterion: less is better."""

    def spectrum(self, omega: Floats) -> Floats:
        """Return the power at *omega*, radians a reading."""
        total = np.zeros_like(omega)
        if self.drift > 0:
            total += first_order(omega, self.drift, math.exp(-1 / self.time_constant))
        if self.noise > 0:
            total += autoregressive(omega, self.noise, np.array(self.ar))
        return total


def periodogram(x: Floats) -> Floats:
    """Return the power at k/n cycles a reading, k = 0 ... n//2; white noise has its variance."""
    n = len(x)
    taper = np.ones(n)
    fade = int(TAPER * n / 2)
    if fade:
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
        taper[:fade], taper[n - fade :] = ramp, ramp[::-1]
    tapered = (x - x.mean()) * taper
    power: Floats = np.abs(np.fft.rfft(tapered)) ** 2 / float(taper @ taper)
    return power


def binned(power: Floats, n: int, *, robust: bool = False) -> Bins:
    """Return the ordinates of a periodogram of *n* readings in bins that widen.

    With *robust* a bin has what its median says the mean is, so that a line of a cycle in it
    does not count.
    """
    last = (n - 1) // 2
    edges = list(range(1, min(ALONE, last) + 1))
    while edges[-1] < last:
        edges.append(min(max(edges[-1] + 1, math.ceil(edges[-1] * WIDENING)), last + 1))
    if edges[-1] <= last:
        edges.append(last + 1)
    starts = np.array(edges[:-1])
    stops = np.array(edges[1:])
    if robust:
        mean = np.array(
            [
                np.median(power[a:b]) / LN2 if b - a > 2 else power[a:b].mean()
                for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
            ]
        )
    else:
        mean = np.add.reduceat(power[: last + 1], starts) / (stops - starts)
    omega = 2 * np.pi * (starts + stops - 1) / 2 / n
    return Bins(omega, mean, (stops - starts).astype(np.float64))


def first_order(omega: Floats, variance: float, a: float) -> Floats:
    """Return the spectrum of x[k] = a x[k-1] + e[k] with the given variance."""
    power: Floats = variance * (1 - a * a) / (1 - 2 * a * np.cos(omega) + a * a)
    return power


def autoregressive(omega: Floats, variance: float, ar: Floats) -> Floats:
    """Return the spectrum of autoregressive noise with the given variance."""
    if not len(ar):
        return np.full_like(omega, variance)
    if len(ar) == 1:
        return first_order(omega, variance, float(ar[0]))
    angles = omega[:, None] * np.arange(1, len(ar) + 1)
    gain = (1 - np.cos(angles) @ ar) ** 2 + (np.sin(angles) @ ar) ** 2
    power: Floats = variance * shock_share(ar) / gain
    return power


def shock_share(ar: Floats) -> float:
    """Return the variance of the shocks of noise that has the variance 1.

    By Levinson's recursion backwards: each order takes its share.

    >>> round(shock_share(np.array([0.6])), 12)
    0.64
    """
    share, a = 1.0, np.array(ar, dtype=np.float64)
    while len(a):
        k = a[-1]
        share *= 1 - k * k
        a = (a[:-1] + k * a[-2::-1]) / (1 - k * k) if len(a) > 1 else a[:0]
    return float(share)


def fit(x: Floats, *, floor: float = 0.0, most: int = ORDERS[-1]) -> Background:
    """Return the drift and the noise of *x*, whose cycles have been taken out.

    Parameters
    ----------
    x : array of float64
        Evenly spaced, no NaN, not constant.
    floor : float
        Variance that is there already, as that of rounding to a step.
    most : int
        Highest order of the noise.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.standard_normal(5000)
    >>> found = fit(x)
    >>> found.drift, found.ar, round(found.noise, 1)
    (0.0, (), 1.0)
    """
    n = len(x)
    power = periodogram(x)
    bins = binned(power, n)
    found = _of_low_order(bins, n, floor)
    best = min(found, key=lambda one: one.criterion)
    orders = [p for p in ORDERS if p <= min(most, n // READINGS_PER_ORDER)]
    for drift in {(one.drift, one.time_constant) for one in found}:
        for candidate in _of_high_order(bins, power, n, floor, drift, orders):
            if candidate.criterion < best.criterion:
                best = candidate
    return best


def background(power: Floats, n: int, floor: float = 0.0) -> Background:
    """Return drift and first-order noise that lie below the lines of cycles in a periodogram."""
    return min(
        _of_low_order(binned(power, n, robust=True), n, floor), key=lambda one: one.criterion
    )


def misfit(bins: Bins, model: Floats) -> float:
    """Return minus the Whittle log-likelihood."""
    return float(bins.ordinates @ (np.log(model) + bins.power / model))


def _of_low_order(bins: Bins, n: int, floor: float) -> list[Background]:
    """Return the best of each kind: white, first order, drift and white, drift and first order."""
    from scipy.optimize import minimize  # a third of a second that `sensorkit --help` need not wait

    total = max(float(bins.ordinates @ bins.power / bins.ordinates.sum()), 1e-300)
    least = max(math.log(total) - 30.0, -600.0)
    high = max(float(np.median(bins.power[-max(len(bins.power) // 8, 1) :])), total * 1e-9)
    longest = max(LONGEST_DRIFT * n, 2 * SHORTEST_DRIFT)
    floor = min(floor, high / 2)

    def model(kind: str, p: Floats) -> Background:
        drift, constant, a = 0.0, 1.0, 0.0
        if "d" in kind:
            drift, constant = math.exp(p[1]), math.exp(p[2])
        if "a" in kind:
            a = math.tanh(p[-1])
        ar = (a,) if "a" in kind else ()
        return Background(drift, constant, math.exp(p[0]), ar, 0.0)

    def cost(p: Floats, kind: str) -> float:
        return misfit(bins, model(kind, p).spectrum(bins.omega) + floor)

    of_noise = (least, math.log(total) + 10)
    of_constant = (math.log(SHORTEST_DRIFT), math.log(longest))
    of_a = (-4.5, math.atanh(math.exp(-1 / LONGEST_NOISE)))
    bounds = {
        "": [of_noise],
        "a": [of_noise, of_a],
        "d": [of_noise, of_noise, of_constant],
        "da": [of_noise, of_noise, of_constant, of_a],
    }
    constants = [math.log(c) for c in (longest / 3, longest / 30, 3 * SHORTEST_DRIFT)]
    constants = [min(max(c, of_constant[0]), of_constant[1]) for c in constants]
    at = math.log(total), math.log(high)
    starts = {
        "": [[at[0]]],
        "a": [[at[0], a] for a in (-0.5, 0.5, 2.0)],
        "d": [[at[1], at[0], c] for c in constants],
        "da": [[at[1], at[0], c, a] for c in constants for a in (0.1, 1.0)],
    }
    found = []
    for kind, guesses in starts.items():
        results = [
            minimize(cost, np.array(g), args=(kind,), method="L-BFGS-B", bounds=bounds[kind])
            for g in guesses
        ]
        best = min(results, key=lambda result: float(result.fun))
        criterion = 2 * float(best.fun) + len(best.x) * math.log(bins.ordinates.sum())
        found.append(model(kind, best.x)._replace(criterion=criterion))
    return found


def _of_high_order(
    bins: Bins,
    power: Floats,
    n: int,
    floor: float,
    drift: tuple[float, float],
    orders: list[int],
) -> list[Background]:
    """Return drift and noise of higher orders: what the drift leaves, by Yule-Walker."""
    if not orders:
        return []
    variance, constant = drift
    covariance = np.fft.irfft(power, n)[: orders[-1] + 1]
    covariance = covariance - variance * np.exp(-np.arange(orders[-1] + 1) / constant)
    covariance[0] -= min(floor, covariance[0] / 2)
    found = []
    for order, (noise, ar) in _levinson(covariance, orders).items():
        model = Background(variance, constant, noise, tuple(ar.tolist()), 0.0)
        parameters = order + 1 + (2 if variance > 0 else 0)
        spectrum = model.spectrum(bins.omega) + floor
        if not np.all(spectrum > 0):
            continue
        criterion = 2 * misfit(bins, spectrum) + parameters * math.log(bins.ordinates.sum())
        found.append(model._replace(criterion=criterion))
    return found


def _levinson(covariance: Floats, orders: list[int]) -> dict[int, tuple[float, Floats]]:
    """Return variance and coefficients of each order, as far as the noise settles."""
    found: dict[int, tuple[float, Floats]] = {}
    if not covariance[0] > 0:
        return found
    ar: Floats = np.empty(0)
    error = float(covariance[0])
    for order in range(1, orders[-1] + 1):
        k = float(covariance[order] - ar @ covariance[order - 1 : 0 : -1]) / error
        if not abs(k) < LARGEST_ROOT:
            break
        ar = np.append(ar - k * ar[::-1], k)
        error *= 1 - k * k
        if order in orders and largest_root(ar) < LARGEST_ROOT:
            found[order] = (float(covariance[0]), ar.copy())
    return found


def largest_root(ar: Floats) -> float:
    """Return how slowly noise settles: below 1 it does.

    >>> round(largest_root(np.array([0.5])), 9)
    0.5
    """
    return float(np.abs(np.roots([1.0, *(-ar).tolist()])).max(initial=0.0))
