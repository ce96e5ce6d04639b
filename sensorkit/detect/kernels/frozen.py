"""Distance from a mean or median that the fit learned and that stays."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sensorkit.detect.kernels.changes import SIGMA_PER_MAD
from sensorkit.detect.kernels.departures import Baseline, Floats, end_to_end
from sensorkit.detect.kernels.lanes import inlined, kernel
from sensorkit.detect.kernels.windows import LARGE_VALUE


class Level(NamedTuple):
    """Where a channel usually is, and how far it usually is from there, in its unit."""

    pivot: float
    """A value near the middle."""
    offset: float
    """What the middle is above it: at 1e9, their sum has only seven decimals."""
    spread: float
    """One sigma; 0 if the channel never changed, infinite if it never had a value."""

    @classmethod
    def mean(cls, values: Floats) -> Level:
        """Return mean and standard deviation (divided by n).

        Parameters
        ----------
        values : array of float, shape (n,)
            Those that are not finite are left out.

        Examples
        --------
        >>> Level.mean(np.array([1.0, np.nan, 3.0, 2.0, 2.0]))
        Level(pivot=2.0, offset=0.0, spread=0.7071067811865476)
        """
        pivot, part, deviations = _around_the_median(values)
        scale = float(np.abs(deviations).max(initial=0.0))
        if not len(deviations) or not scale:
            return cls(pivot, 0.0, 0.0 if len(deviations) else math.inf)
        deviations = deviations / scale
        mean = float(deviations.mean())
        spread = math.sqrt(float(np.square(deviations - mean).mean()))
        return cls(pivot, mean * scale / part, spread * scale / part)

    @classmethod
    def median(cls, values: Floats) -> Level:
        """Return median and 1.4826 median absolute deviations.

        Examples
        --------
        >>> Level.median(np.array([1.0, 2.0, 4.0, 1e9]))
        Level(pivot=2.0, offset=1.0, spread=2.2239)
        """
        pivot, part, deviations = _around_the_median(values)
        if not len(deviations):
            return cls(pivot, 0.0, math.inf)
        half = float(np.median(deviations))
        mad = float(np.median(np.abs(deviations - half)))
        return cls(pivot, half / part, SIGMA_PER_MAD * mad / part)


def _around_the_median(values: Floats) -> tuple[float, float, Floats]:
    """Return the lower median, what part of it deviations are taken of, and these."""
    present = values[np.isfinite(values)]
    if not len(present):
        return 0.0, 1.0, present
    middle = (len(present) - 1) // 2
    pivot = float(np.partition(present, middle)[middle])
    # Differences of values may overflow; of their quarters they cannot.
    part = 0.25 if np.abs(present).max() > LARGE_VALUE else 1.0
    return pivot, part, present * part - pivot * part


class Frozen(Baseline):
    """How far values are from where their channels were in the fit, in sigmas.

    Parameters
    ----------
    levels : array of float, shape (channels, 3)
        A `Level` for each channel.
    floor : array of float, shape (channels,)
        Smallest spread believed, in the unit of the channel.

    Examples
    --------
    >>> frozen = Frozen(np.array([[2.0, 0.0, 0.5]]), np.zeros(1))
    >>> frozen.judge(np.array([[2.0], [3.5], [np.nan]])).tolist()
    [[0.0], [3.0], [0.0]]
    """

    def __init__(self, levels: Floats, floor: Floats) -> None:
        self._levels = levels.copy()
        self._levels[:, 2] = np.maximum(levels[:, 2], floor)

    def judge_one(self, values: Floats, *, learn: bool = True) -> float:
        return _judge_one(values, self._levels)

    def _judge(
        self, values: Floats, learn: bool, scores: Floats, departure: Floats, spread: Floats
    ) -> None:
        results = (end_to_end(one) for one in (scores, departure, spread))
        _judge(end_to_end(values), self._levels, *results)


@inlined
def _distance(
    x: float, levels: Floats, c: int
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return score, departure and spread of one value."""
    if math.isnan(x):
        return 0.0, np.nan, np.nan
    if math.isinf(x):
        return np.inf, x, np.nan
    pivot, offset, spread = levels[c, 0], levels[c, 1], levels[c, 2]
    departure = (x - pivot) - offset
    if abs(departure) <= LARGE_VALUE:
        z = abs(departure) / spread if departure else 0.0
    else:  # of quarters the difference does not overflow
        z = abs((x * 0.25 - pivot * 0.25) - offset * 0.25) / (spread * 0.25)
    return z, departure, spread


@kernel
def _judge(
    values: Floats, levels: Floats, scores: Floats, departures: Floats, spreads: Floats
) -> None:  # pragma: no cover - compiled
    """Score every value of every channel; the last two arrays may be empty."""
    n = len(values) // max(len(levels), 1)
    for c in range(len(levels)):
        for at in range(c * n, (c + 1) * n):
            z, departure, spread = _distance(values[at], levels, c)
            scores[at] = z
            if len(departures):
                departures[at], spreads[at] = departure, spread


@kernel
def _judge_one(values: Floats, levels: Floats) -> float:  # pragma: no cover - compiled
    most = 0.0
    for c in range(len(levels)):
        z, _, _ = _distance(values[c], levels, c)
        most = max(most, z)
    return most
