"""Random processes of a healthy signal: each is in its steady state from the first reading."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import Noise


class Autoregressive:
    """Gaussian noise x[k] = a1 x[k-1] + ... + ap x[k-p] + b e[k], settled from the start.

    The first values are drawn from the covariance that the Yule-Walker equations give.
    """

    def __init__(self, noise: Noise, rng: np.random.Generator) -> None:
        from scipy.signal import lfilter, lfiltic  # a third of a second that few profiles need

        coefficients = np.array(noise.coefficients)
        order = len(coefficients)
        covariance = _autocovariance(coefficients)
        self._b = noise.sigma / math.sqrt(covariance[0])
        self._rng = rng
        self._polynomial = np.concatenate([[1.0], -coefficients])
        places = np.arange(order)
        steady = covariance[np.abs(places[:, None] - places)]
        first = self._b * np.linalg.cholesky(steady) @ rng.standard_normal(order)
        self._filter = lfilter
        self._state = lfiltic([1.0], self._polynomial, first)

    def block(self, n: int) -> NDArray[np.float64]:
        """Return the next *n* values."""
        shocks = self._b * self._rng.standard_normal(n)
        values, self._state = self._filter([1.0], self._polynomial, shocks, zi=self._state)
        return np.asarray(values)


def _autocovariance(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariances at lags 0 to p of an AR(p) process whose shocks have variance 1."""
    order = len(coefficients)
    system = np.eye(order + 1)
    for lag in range(order + 1):
        for i, a in enumerate(coefficients, start=1):
            system[lag, abs(lag - i)] -= a
    found: NDArray[np.float64] = np.linalg.solve(system, np.eye(order + 1)[0])
    return found


class FirstOrder:
    """A Gaussian process x[k] = a x[k-1] + b e[k] that is in its steady state from the start."""

    def __init__(self, sigma: float, correlation: float, rng: np.random.Generator) -> None:
        self._a = correlation
        self._b = sigma * math.sqrt(1.0 - correlation**2)
        self._rng = rng
        self._last = sigma * float(rng.standard_normal())

    def block(self, n: int) -> NDArray[np.float64]:
        """Return the next *n* values."""
        a = self._a
        shocks = (self._b * self._rng.standard_normal(n)).tolist()
        # A plain loop in the order of time: the same last bit on every machine and for every n.
        values = list(accumulate(shocks, lambda x, shock: a * x + shock, initial=self._last))
        self._last = values[-1]
        return np.array(values[1:])
