"""Which cycles a signal has: the lines of its periodogram that no drift and no noise explain."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.learning import spectrum

Floats = NDArray[np.float64]

MOST = 8
SEEN = 3
"""A period must have been seen so many times: what came twice may be chance."""
CHANCE = 1e-3
"""Of taking a line for a cycle in a signal that has none."""
ABOVE_NEIGHBOURS = 12.0
"""A line stands out from the ordinates around it as well: a broad hump is a resonance of noise."""
LEAST_SHARE = 0.005
"""Of the variance that a cycle has."""
NEAR = 1.6
"""Ordinates within which two lines are one."""
FINE = 16
"""Readings a period at least, for finding its frequency; a long series is thinned to this."""


class Wave(NamedTuple):
    """A sinusoid: amplitude * sin(2 pi t / period + phase), t in readings from the first."""

    amplitude: float
    period: float
    phase: float

    def at(self, t: Floats) -> Floats:
        """Return its values at *t*, readings."""
        values: Floats = self.amplitude * np.sin(2 * np.pi * t / self.period + self.phase)
        return values


def find(x: Floats, *, floor: float = 0.0) -> tuple[list[Wave], Floats]:
    """Return the cycles of *x*, the largest first, and *x* without them.

    Parameters
    ----------
    x : array of float64
        Evenly spaced, no NaN.
    floor : float
        Variance of rounding.

    Examples
    --------
    >>> t = np.arange(3000.0)
    >>> x = np.sin(2 * np.pi * t / 150) + np.random.default_rng(1).standard_normal(3000)
    >>> waves, _ = find(x)
    >>> len(waves), round(waves[0].period)
    (1, 150)
    """
    n = len(x)
    t = np.arange(n, dtype=np.float64)
    rest = x - x.mean()
    whole = float(rest @ rest) / n
    waves: list[Wave] = []
    taken: list[float] = []
    if n < 10 * SEEN or whole <= 0:
        return [], rest
    for _ in range(MOST):
        power = spectrum.periodogram(rest)
        place = _line(power, n, floor, taken)
        if place is None:
            break
        wave = _fitted(rest, t, _frequency(rest, place / n))
        if wave.amplitude**2 / 2 < LEAST_SHARE * whole:
            break
        waves.append(wave)
        taken.append(place)
        rest = rest - wave.at(t)
    return sorted(waves, key=lambda wave: -wave.amplitude), rest - rest.mean()


def _line(power: Floats, n: int, floor: float, taken: list[float]) -> int | None:
    """Return the ordinate of the clearest line, None if there is none."""
    last = (n - 1) // 2
    places = np.arange(SEEN, last + 1)
    below = spectrum.background(power, n, floor)
    ratio = power[SEEN : last + 1] / (below.spectrum(2 * np.pi * places / n) + floor)
    for place in taken:
        ratio[np.abs(places - place) < NEAR] = 0
    threshold = math.log(len(places) / CHANCE)
    for index in np.argsort(ratio)[::-1][:4].tolist():
        if ratio[index] < threshold:
            return None
        place = int(places[index])
        around = np.r_[max(place - 12, 1) : max(place - 2, 1), place + 3 : min(place + 13, last)]
        if not len(around) or power[place] > ABOVE_NEIGHBOURS * np.median(power[around]):
            return place
    return None


def _frequency(x: Floats, guess: float) -> float:
    """Return where near *guess*, cycles a reading, a sinusoid fits best."""
    from scipy.optimize import minimize_scalar

    thin = max(int(1 / (guess * FINE)), 1)
    n = len(x) // thin
    means = x[: n * thin].reshape(n, thin).mean(axis=1)
    t = np.arange(n, dtype=np.float64) * thin
    width = 1 / len(x)

    def missed(frequency: float) -> float:
        return -abs(complex(means @ np.exp(-2j * np.pi * frequency * t)))

    low, high = max(guess - width, width / 2), guess + width
    near = 1e-4 * width
    found = minimize_scalar(missed, bounds=(low, high), method="bounded", options={"xatol": near})
    return float(found.x)


def _fitted(x: Floats, t: Floats, frequency: float) -> Wave:
    """Return the sinusoid of a frequency that leaves the least."""
    angle = 2 * np.pi * frequency * t
    basis = np.stack([np.sin(angle), np.cos(angle), np.ones_like(t)], axis=1)
    a, b, _ = np.linalg.solve(basis.T @ basis, basis.T @ x)
    return Wave(math.hypot(a, b), 1 / frequency, math.atan2(b, a))
