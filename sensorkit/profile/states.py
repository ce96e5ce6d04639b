"""The `states` of a profile: what a device goes through, and what it says of itself then."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.profile.rules import Finite, Positive


class StatusRule(Section):
    """The device says `word` while the channel is strictly outside low..high."""

    word: str
    channel: str
    low: Finite | None = None
    high: Finite | None = None


class State(Section):
    """An operating state of the emulated device."""

    dwell_s: tuple[Positive, Positive]
    """Shortest and mean time spent in it (shifted exponential)."""
    next: dict[str, Positive]
    """Successor -> weight."""
    shift: dict[str, Finite] = Field(default_factory=dict)
    """Channel -> offset from the healthy level, in its unit."""
    settle_s: Annotated[float, Field(ge=0)] = 0.0
    """Time constant with which the offset is approached."""
    silent: bool = False
    """The device sends nothing."""

    @model_validator(mode="after")
    def _shortest_first(self) -> Self:
        shortest, mean = self.dwell_s
        if shortest > mean:
            raise Misplaced(("dwell_s",), f"shortest ({shortest:g} s) is above mean ({mean:g} s)")
        return self
