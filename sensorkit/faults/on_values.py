"""The faults of a sensor: what each one does to the values of a channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.faults.base import Magnitude, SignalKind, Stretch


class Spike(SignalKind):
    """A peak: up by the magnitude in the middle of the fault, with straight flanks."""

    name = "spike"
    magnitude = Magnitude("height of the peak above the healthy signal", "channel")
    momentary = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values with the peak on top; of one reading, that reading is the peak."""
        n = len(stretch.values)
        place = np.arange(n)
        peak = (n - 1) // 2
        rise, fall = (place + 1) / (peak + 1), (n - place) / (n - peak)
        return stretch.values + stretch.magnitude * np.minimum(rise, fall)


class Bias(SignalKind):
    """A level shift: every value is off by the magnitude."""

    name = "bias"
    magnitude = Magnitude("what every value is off by", "channel")
    gradual = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values, shifted."""
        return stretch.values + stretch.magnitude * stretch.weight


class Drift(SignalKind):
    """A ramp: the values run away by the magnitude in all, then the sensor is well again."""

    name = "drift"
    magnitude = Magnitude("total change, reached with the last reading", "channel")

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values with the ramp on top; the first reading is off by one step."""
        return stretch.values + stretch.magnitude * stretch.progress


class Stuck(SignalKind):
    """The sensor repeats one value: its first in the fault, or the `value` of the plan."""

    name = "stuck"
    takes_value = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return one value, repeated."""
        value = stretch.first if stretch.value is None else stretch.value
        return np.full(len(stretch.values), value)


class Noise(SignalKind):
    """The sensor is noisier: white Gaussian noise is added."""

    name = "noise"
    magnitude = Magnitude("standard deviation of the added noise", "channel", signed=False)
    gradual = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values with noise on top."""
        noise = stretch.rng.standard_normal(len(stretch.values))
        return stretch.values + stretch.magnitude * stretch.weight * noise


class Dropout(SignalKind):
    """The channel is missing: NaN in readings, an empty value on the wire."""

    name = "dropout"

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return nothing but NaN."""
        return np.full(len(stretch.values), np.nan)


class RapidChange(SignalKind):
    """A step: the first value differs from the reading before by exactly the magnitude."""

    name = "rapid_change"
    magnitude = Magnitude("step from the reading before the fault to its first reading", "channel")

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values, moved as a whole so that the first is right after the step.

        The signal goes on wandering at its new level, as it would after a real step. Without
        a reading before, the step is taken from the first value itself.
        """
        before = stretch.first if np.isnan(stretch.before) else stretch.before
        return stretch.values + (before + stretch.magnitude - stretch.first)
