"""One curve through hits and misses: logit(POD) = b0 + b1 x, x being ln(size) or the size itself.

`sensorkit.evaluate.detectability.hit_miss` says what is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from sensorkit.evaluate.detectability import firth
from sensorkit.evaluate.statistics import CONFIDENCE

Floats = NDArray[np.float64]

BAND_SIZES = 25
"""Sizes at which the band is given, evenly on a log scale."""

SIMULATED = 499
"""Counts drawn from the fitted curve, which its misfit is compared with."""

TWO_SIDED = float(chdtri(1, 1 - CONFIDENCE))
ONE_SIDED = float(chdtri(1, 2 * (1 - CONFIDENCE)))


class Fit(NamedTuple):
    """logit(POD) = intercept + slope ln(size), and how well it goes with the counts."""

    intercept: float
    slope: float
    deviance_p: float
    """Share of counts drawn from the curve that lie as far from it; small: it does not fit."""


class BandPoint(NamedTuple):
    """The probability of detection at one size, and its interval.

    It is a 95 % interval if the curve is logistic. Of a threshold in noise, which is not quite, it
    holds probabilities near 0 and 1 far less often, and misses them by little.
    """

    size: float
    low: float
    probability: float
    high: float


class Scale(NamedTuple):
    """What a curve is straight over, on the scale of logits."""

    of_size: Callable[[Floats], Floats]
    to_size: Callable[[float], float]


LOG = Scale(np.log, np.exp)
LINEAR = Scale(np.positive, float)


class Curve:
    """The fitted curve; inside, its scale is moved and stretched to be of order one.

    Parameters
    ----------
    size, trials, hits : array of float, shape (n_sizes,)
        Rising from above 0; two sizes or more, all with trials.
    scale : Scale
    """

    def __init__(self, size: Floats, trials: Floats, hits: Floats, scale: Scale = LOG) -> None:
        self.size, self.trials, self.hits = size, trials, hits
        self._of = scale
        at = scale.of_size(size)
        self._middle, self._scale = float(at.mean()), float(at.std())
        self._x = (at - self._middle) / self._scale
        self._counts = self._x, trials, hits
        self._b0, self._b1, self._best = firth.fit(*self._counts)

    @property
    def climbs(self) -> bool:
        """Return whether the slope is above 0."""
        return self._b1 > 0.0

    @property
    def rises(self) -> bool:
        """Return whether the slope is above 0 with 95 % confidence."""
        found, of = float(self.hits.sum()), float(self.trials.sum())
        # The level curve's penalised likelihood is largest where (hits + 1) / (trials + 2) is.
        level = math.log((found + 1.0) / (of - found + 1.0))
        lost = 2.0 * (self._best - firth.value(level, 0.0, *self._counts))
        return self.climbs and lost > ONE_SIDED

    @property
    def misfit(self) -> float:
        """Return the deviance of the counts from the curve."""
        return firth.misfit(self._b0, self._b1, *self._counts)

    def fitted(self, seed: int) -> Fit:
        """Return the coefficients over ln(size) or size, and how the counts go with them."""
        slope = self._b1 / self._scale
        shares = 1.0 / (1.0 + np.exp(-(self._b0 + self._b1 * self._x)))
        rng = np.random.default_rng(seed)
        drawn = rng.binomial(self.trials.astype(np.int64), shares, (SIMULATED, len(shares)))
        others = firth.misfits(self._x, self.trials, drawn.astype(np.float64))
        as_far = int((others >= self.misfit - 1e-9).sum())
        p = (1 + as_far) / (1 + SIMULATED)
        return Fit(self._b0 - slope * self._middle, slope, p)

    def plateau(self) -> float | None:
        """Return the share of faults at which the counts level off; None if they need not."""
        gain, level = firth.plateau(self._b0, self._b1, *self._counts)
        return level if gain > ONE_SIDED else None

    def probability(self, size: float) -> float:
        """Return the probability that a fault of *size* is found."""
        return _share(self._b0 + self._b1 * self._place(size))

    def size_at(self, probability: float) -> float:
        """Return the size found with this probability; inf where that is beyond all numbers."""
        return self._size((_logit(probability) - self._b0) / self._b1)

    def reach(self, probability: float, way: int, limit: float) -> float:
        """Return the lower (*way* -1) or upper (1) end of the interval of `size_at`.

        -inf or inf where it lies beyond the sizes tried. The curve must climb.
        """
        edge, logit = float(self._x[-1 if way > 0 else 0]), _logit(probability)
        if not way * (logit - self._b0) / self._b1 < way * edge:
            return way * math.inf
        at = firth.place_bound(logit, edge, limit, self._b0, self._b1, self._best, *self._counts)
        return way * math.inf if math.isnan(at) else self._size(at)

    def band(self) -> tuple[BandPoint, ...]:
        """Return the curve and its 95 % interval at each of `BAND_SIZES` sizes."""
        points = []
        for size in np.geomspace(self.size[0], self.size[-1], BAND_SIZES).tolist():
            at = self._place(size)
            low, high = (
                firth.logit_bound(at, way, TWO_SIDED, self._b0, self._b1, self._best, *self._counts)
                for way in (-1.0, 1.0)
            )
            points.append(BandPoint(size, _share(low), self.probability(size), _share(high)))
        return tuple(points)

    def _place(self, size: float) -> float:
        return (float(self._of.of_size(np.array([size]))[0]) - self._middle) / self._scale

    def _size(self, place: float) -> float:
        with np.errstate(over="ignore"):
            return float(self._of.to_size(self._middle + self._scale * place))


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def _share(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
