"""What a device sends: channels, frame format, operating states, rules. Read from YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Document, Misplaced, Section
from sensorkit.errors import ProfileError
from sensorkit.frame_columns import CsvFrame, WhitespaceFrame
from sensorkit.frame_formats import (
    Frame,
    JsonFrame,
    KeyValueFrame,
    NmeaFrame,
    PluginFrame,
    RegexFrame,
)
from sensorkit.nearest import did_you_mean
from sensorkit.rule_kinds import Finite, Name, Positive, Rule

__all__ = [
    "SHIPPED",
    "Channel",
    "CsvFrame",
    "Cycle",
    "Drift",
    "Frame",
    "JsonFrame",
    "KeyValueFrame",
    "NmeaFrame",
    "Noise",
    "PluginFrame",
    "Profile",
    "RegexFrame",
    "Rule",
    "State",
    "StatusRule",
    "Waveform",
    "WhitespaceFrame",
    "shipped",
]

SHIPPED = Path(__file__).parent / "profiles"


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
    """Gaussian noise; `ar1` is its correlation from one reading to the next."""

    sigma: Annotated[float, Field(ge=0)]
    """Standard deviation of the noise itself, in the channel's unit."""
    ar1: Annotated[float, Field(gt=-1, lt=1)] = 0.0


class Waveform(Section):
    """The healthy signal of a channel: level + drift + cycles + noise, then quantized."""

    level: Finite
    drift: Drift | None = None
    cycles: tuple[Cycle, ...] = ()
    noise: Noise | None = None
    step: Positive | None = None
    """Smallest difference the sensor can tell, in the channel's unit."""


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


class Profile(Document):
    """Everything sensorkit knows of a device."""

    what: ClassVar[str] = "profile"
    folder: ClassVar[Path] = SHIPPED
    error: ClassVar[type[Exception]] = ProfileError

    name: Name
    description: str = ""
    device: Name = "device"
    """What the device column says where the frames do not."""
    rate_hz: Positive
    heartbeat_s: Positive | None = None
    """Longest healthy time between two valid frames."""
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    frame: Frame | None = None
    """None for data that never stood on a wire (imported)."""
    status_words: tuple[str, ...] = ()
    """All the device may say, the healthy one first; empty accepts any word."""
    status_rules: tuple[StatusRule, ...] = ()
    """How the emulated device chooses its status word: the first that applies."""
    states: dict[str, State] = Field(default_factory=dict)
    """The emulator starts in the first."""
    rules: tuple[Rule, ...] = ()

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return the names in frame and column order."""
        return tuple(channel.name for channel in self.channels)

    def channel(self, name: str) -> Channel:
        """Return the channel called *name*."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise ProfileError(
            f"profile {self.name!r} has no channel {name!r}; it has {', '.join(self.channel_names)}"
        )

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = self.channel_names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Misplaced(("channels",), f"two channels are called {twice!r}")
        for loc, channel in self._channels_named():
            if channel not in names:
                raise Misplaced(loc, f"no channel {channel!r}; {did_you_mean(channel, names)}")
        for name, state in self.states.items():
            for successor in state.next:
                if successor not in self.states:
                    hint = did_you_mean(successor, self.states)
                    raise Misplaced(("states", name, "next"), f"no state {successor!r}; {hint}")
        for i, rule in enumerate(self.status_rules):
            if self.status_words and rule.word not in self.status_words:
                loc = ("status_rules", i, "word")
                hint = did_you_mean(rule.word, self.status_words)
                raise Misplaced(loc, f"{rule.word!r} is not among status_words; {hint}")
        for i, of_status in enumerate(self.rules):
            for k, word in enumerate(of_status.words):
                if self.status_words and word not in self.status_words:
                    loc = ("rules", i, "words", k)
                    hint = did_you_mean(word, self.status_words)
                    raise Misplaced(loc, f"{word!r} is not among status_words; {hint}")
        return self

    @model_validator(mode="after")
    def _fields_can_be_told_apart(self) -> Self:
        if self.frame is not None:
            self.frame.check([channel.on_wire for channel in self.channels], self.status_words)
        return self

    def _channels_named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield every place that names a channel, with the name."""
        for i, rule in enumerate(self.rules):
            if rule.channel is not None:
                yield ("rules", i, "channel"), rule.channel
        for i, status_rule in enumerate(self.status_rules):
            yield ("status_rules", i, "channel"), status_rule.channel
        for name, state in self.states.items():
            for channel in state.shift:
                yield ("states", name, "shift"), channel
        if self.frame is not None:
            for loc, channel in self.frame.channels_named():
                yield ("frame", *loc), channel


def shipped() -> list[str]:
    """Return the names of the shipped profiles."""
    return Profile.shipped()
