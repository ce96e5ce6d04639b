"""What a healthy device goes through, and how it wears out: disturbances, conditions, life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.profile.frame_base import Place
from sensorkit.profile.rules import Finite, Name, NotNegative, Positive

MOST_AT_ONCE = 1000
"""Disturbances of one kind that may be under way at the same time, on average."""

Shift = Annotated[dict[str, Finite], Field(min_length=1)]
"""Channel -> offset in its unit."""


class Disturbance(Section):
    """Something healthy that all units feel, now and then: a weather front, a door that opens.

    It rises from nothing to the whole of its offsets, lasts, and relaxes to nothing again; both
    flanks are halves of a cosine.
    """

    name: Name
    every_s: Positive
    """Mean time from one to the next; they come at random (Poisson) and may add up."""
    rises_s: NotNegative = 0.0
    lasts_s: NotNegative = 0.0
    relaxes_s: NotNegative = 0.0
    lag_s: NotNegative = 0.0
    """A unit feels it later than the first one by a time of its own, at most this long."""
    shift: Shift

    @property
    def length_s(self) -> float:
        """Return the seconds from its beginning to its end."""
        return self.rises_s + self.lasts_s + self.relaxes_s

    @property
    def variance(self) -> float:
        """Return the variance that an offset of 1 adds to a channel.

        Campbell's theorem: of pulses p(t) that come at the rate r it is r times the integral of
        p(t)^2, which is 3/8 of the length of a flank.
        """
        return (0.375 * (self.rises_s + self.relaxes_s) + self.lasts_s) / self.every_s

    @model_validator(mode="after")
    def _passes(self) -> Self:
        if not self.length_s > 0:
            raise Misplaced(
                ("lasts_s",),
                f"disturbance {self.name!r} is over at once; give rises_s, lasts_s or relaxes_s",
            )
        if not self.length_s <= MOST_AT_ONCE * self.every_s:
            raise Misplaced(
                ("every_s",),
                f"disturbance {self.name!r} takes {self.length_s:g} s and comes every "
                f"{self.every_s:g} s, so more than {MOST_AT_ONCE} would be under way at once; "
                "give a longer time between them",
            )
        return self


class Condition(Section):
    """A healthy operating condition of a unit, such as a flight phase or a load.

    A unit goes from one to the next; which one is drawn by weight, the same one again among them.
    """

    name: Name
    dwell_s: tuple[Positive, Positive]
    """Shortest and mean time spent in it at a stretch (shifted exponential)."""
    weight: Positive = 1.0
    """How often it is chosen, beside the others."""
    shift: dict[str, Finite] = Field(default_factory=dict)
    """Channel -> offset in its unit."""
    settle_s: NotNegative = 0.0
    """Time constant with which the offset is approached."""

    @model_validator(mode="after")
    def _shortest_first(self) -> Self:
        shortest, mean = self.dwell_s
        if shortest > mean:
            raise Misplaced(("dwell_s",), f"shortest ({shortest:g} s) is above mean ({mean:g} s)")
        return self


class Life(Section):
    """A unit wears out, fails, is silent while it is repaired, and comes back as new.

    Between the onset of wear and the failure the offsets grow as (exp(shape p) - 1) /
    (exp(shape) - 1), with p from 0 to 1.
    """

    mean_s: Positive
    """Mean time from new to failure."""
    spread: Annotated[NotNegative, Field(le=2)] = 0.0
    """Standard deviation of that time as a share of its mean (log-normal)."""
    onset: tuple[NotNegative, NotNegative] = (0.0, 0.0)
    """When wear begins, as shares of the life: drawn evenly between these two."""
    shape: Annotated[Positive, Field(le=100)] = 5.0
    """How late the most of it comes: 1 is nearly straight, 5 steep, 10 a cliff."""
    shift: Shift
    """Channel -> offset at the failure, in its unit."""
    repair_s: NotNegative = 0.0

    @model_validator(mode="after")
    def _begins_before_the_failure(self) -> Self:
        first, last = self.onset
        if not first <= last < 1:
            raise Misplaced(
                ("onset",),
                f"is from {first:g} to {last:g}; two shares of the life below 1 are wanted, the "
                "smaller one first: [0.3, 0.6]",
            )
        return self


def shares(conditions: Sequence[Condition]) -> list[float]:
    """Return the share of the time that a unit spends in each of *conditions*.

    Examples
    --------
    >>> idle = Condition(name="idle", dwell_s=(10, 60), weight=1)
    >>> climb = Condition(name="climb", dwell_s=(30, 90), weight=2)
    >>> shares([idle, climb])
    [0.25, 0.75]
    """
    times = [condition.weight * condition.dwell_s[1] for condition in conditions]
    return [time / sum(times) for time in times]


def channels_shifted(
    disturbances: Iterable[Disturbance], conditions: Iterable[Condition], life: Life | None
) -> Iterator[tuple[Place, str]]:
    """Yield every place in these sections that names a channel, with the name."""
    for title, sections in _titled(disturbances, conditions):
        for i, section in enumerate(sections):
            for channel in section.shift:
                yield (title, i, "shift", channel), channel
    for channel in life.shift if life is not None else ():
        yield ("life", "shift", channel), channel


def refuse_twins(disturbances: Iterable[Disturbance], conditions: Iterable[Condition]) -> None:
    """Refuse two disturbances, or two conditions, with one name."""
    for title, sections in _titled(disturbances, conditions):
        seen = set[str]()
        for i, section in enumerate(sections):
            if section.name in seen:
                raise Misplaced((title, i, "name"), f"two {title} are called {section.name!r}")
            seen.add(section.name)


def _titled(
    disturbances: Iterable[Disturbance], conditions: Iterable[Condition]
) -> Iterator[tuple[str, Iterable[Disturbance | Condition]]]:
    yield "disturbances", disturbances
    yield "conditions", conditions
