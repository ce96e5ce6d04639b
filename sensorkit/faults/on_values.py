"""The faults of a sensor: what each one does to the values of a channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.faults.base import MOST_HISTORY, Magnitude, SignalKind, Stretch
from sensorkit.faults.surrogate import surrogate

USUAL_PERIOD = 20
"""Readings in one period of an oscillation, unless the plan says otherwise."""

FASTEST_PERIOD = 3
"""Readings in one period at least: at two a sine may be sampled in its zeros, and less is seen
as another, slower one."""


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


class Saturation(SignalKind):
    """The sensor cannot say more: what goes beyond its end of scale is clipped to it."""

    name = "saturation"
    magnitude = Magnitude(
        "how much of the swing is cut off: below the highest value of the stretch, or, negative, "
        "above its lowest",
        "channel",
    )
    gradual = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values, clipped; a gradual one moves the end of scale into the swing."""
        if np.isnan(stretch.values).all():
            return stretch.values
        if stretch.magnitude > 0:
            return np.minimum(
                stretch.values, np.nanmax(stretch.values) - stretch.magnitude * stretch.weight
            )
        return np.maximum(
            stretch.values, np.nanmin(stretch.values) - stretch.magnitude * stretch.weight
        )


class Gain(SignalKind):
    """The scale is wrong: every value is multiplied, zero stays where it is."""

    name = "gain"
    magnitude = Magnitude(
        "what every value is multiplied by", "factor", required=False, default=1.1, signed=False,
        most=1e6,
    )  # fmt: skip
    gradual = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values, scaled about the zero of their unit."""
        return stretch.values * (1.0 + (stretch.magnitude - 1.0) * stretch.weight)


class Oscillation(SignalKind):
    """A sine comes on top: hum, a loose contact, a loop that hunts."""

    name = "oscillation"
    magnitude = Magnitude("amplitude of the sine, half of its swing", "channel")
    gradual = True
    takes_period = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values with the sine on top, which starts from 0.

        Its period is `period_s`, or twenty readings, and three readings at least.
        """
        period_s = stretch.period_s or USUAL_PERIOD * stretch.step_s
        period_s = max(period_s, FASTEST_PERIOD * stretch.step_s)
        sine = np.sin(2.0 * np.pi * stretch.elapsed_s / period_s)
        return stretch.values + stretch.magnitude * stretch.weight * sine


class Lag(SignalKind):
    """The values come late: each is what the sensor saw some seconds before."""

    name = "lag"
    magnitude = Magnitude("how late the values are", "seconds", signed=False)
    gradual = True

    def reach(self, magnitude: float | None, step_s: float) -> int:
        """Return as many readings as the values are late."""
        return _late_by(magnitude or 0.0, step_s)

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values of as many readings before, a whole number of them.

        What was seen before all that is known is the first value known. A missing value is seen
        as the last one before it.
        """
        known = np.concatenate([stretch.history, stretch.values])
        there = np.maximum.accumulate(np.where(np.isnan(known), -1, np.arange(len(known))))
        first = int(np.argmax(there >= 0))
        late = np.rint(_late_by(stretch.magnitude, stretch.step_s) * stretch.weight)
        seen = len(stretch.history) + np.arange(len(stretch.values)) - late.astype(np.int64)
        return known[there[np.maximum(seen, first)]]


def _late_by(seconds: float, step_s: float) -> int:
    """Return how many readings *seconds* are, at least one."""
    return max(1, round(min(seconds / step_s, MOST_HISTORY)))


class CorrelationBreak(SignalKind):
    """The channel goes its own way: the same values in another order, each by itself plausible."""

    name = "correlation_break"
    fewest = 2
    needs_company = True

    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return a surrogate of the values that are there; see `surrogate`."""
        there = ~np.isnan(stretch.values)
        values = stretch.values.copy()
        values[there] = surrogate(values[there], stretch.rng)
        return values
