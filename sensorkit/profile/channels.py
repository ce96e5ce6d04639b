"""The `channels` of a profile: what is measured, and its healthy waveform."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.profile.rules import Finite, Name, NotNegative, Positive


class Drift(Section):
    """Slow wandering of the set point: an Ornstein-Uhlenbeck process."""

    sigma: Positive
    """Standard deviation it settles to, in the channel's unit."""
    time_constant_s: Positive


class Cycle(Section):
    """A sinusoid."""

    amplitude: Positive
    period_s: Positive
    phase: Finite = 0.0
    """Radians at the first reading."""


class Noise(Section):
    """Gaussian noise: white, of first order (`ar1`), or of any order (`ar`)."""

    sigma: Annotated[float, Field(ge=0)]
    """Standard deviation of the noise itself, in the channel's unit."""
    ar1: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    """Correlation from one reading to the next."""
    ar: Annotated[tuple[Finite, ...], Field(max_length=64)] = ()
    """Instead of `ar1`: what the last reading, the one before it, ... count for in the next."""

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Return what the noise of the readings before counts for, the last one first."""
        return self.ar or ((self.ar1,) if self.ar1 else ())

    @model_validator(mode="after")
    def _settles(self) -> Self:
        if self.ar and self.ar1:
            raise Misplaced(("ar",), "give either ar1 or ar, not both")
        if self.ar:
            largest = float(np.abs(np.roots([1.0, *(-a for a in self.ar)])).max(initial=0.0))
            if not largest < 1.0:
                raise Misplaced(
                    ("ar",),
                    "noise with these coefficients grows without end; all roots of its "
                    f"polynomial must lie inside the unit circle (the largest is at {largest:.4g})",
                )
        return self


class Waveform(Section):
    """The healthy signal of a channel: level + drift + cycles + noise, then quantized."""

    level: Finite
    drift: Drift | None = None
    cycles: tuple[Cycle, ...] = ()
    noise: Noise | None = None
    step: Positive | None = None
    """Smallest difference the sensor can tell, in the channel's unit."""
    unit_sigma: NotNegative = 0.0
    """Standard deviation of the level from unit to unit, in the channel's unit."""


class Channel(Section):
    """One measured quantity."""

    name: Name
    unit: str = ""
    label: str = ""
    """As people say it; the name with a capital where it is not given."""
    key: str | None = None
    """What stands for it on the wire (key:value frames); its name where not given."""
    decimals: Annotated[int, Field(ge=0, le=9)] = 2
    plausible: tuple[Finite, Finite] | None = None
    """What the sensor can physically say; a frame beyond it is rejected."""
    waveform: Waveform | None = None

    @property
    def on_wire(self) -> str:
        """Return what stands for the channel in a frame with keys."""
        return self.key or self.name

    @property
    def title(self) -> str:
        """Return the label, or the name made readable."""
        return self.label or self.name.replace("_", " ").capitalize()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.plausible is not None and not self.plausible[0] < self.plausible[1]:
            low, high = self.plausible
            raise ValueError(
                f"channel {self.name!r}: plausible low ({low:g} {self.unit}) must be below high "
                f"({high:g} {self.unit}); swap them or fix the unit"
            )
        return self
