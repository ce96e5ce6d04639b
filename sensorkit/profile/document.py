"""A profile as a whole: the YAML file, and that its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Document, Misplaced
from sensorkit.errors import ProfileError
from sensorkit.nearest import did_you_mean
from sensorkit.profile import anomalies as odd
from sensorkit.profile import campaign as tried
from sensorkit.profile.anomalies import Anomalies
from sensorkit.profile.campaign import Campaign
from sensorkit.profile.channels import Channel
from sensorkit.profile.detector import UsualDetector
from sensorkit.profile.dynamics import (
    Condition,
    Disturbance,
    Life,
    channels_shifted,
    refuse_twins,
)
from sensorkit.profile.expectations import Expectations
from sensorkit.profile.frame_formats import Frame
from sensorkit.profile.rules import Name, Positive, Rule
from sensorkit.profile.states import State, StatusRule

SHIPPED = Path(__file__).parents[1] / "profiles"


class Profile(Document):
    """Everything sensorkit knows of a device."""

    what: ClassVar[str] = "profile"
    folder: ClassVar[Path] = SHIPPED
    error: ClassVar[type[Exception]] = ProfileError

    name: Name
    description: str = ""
    device: Name = "device"
    """What the device column says where the frames do not."""
    devices: tuple[Name, ...] = ()
    """All that may speak on a link whose frames name their device; empty takes any name."""
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
    disturbances: tuple[Disturbance, ...] = ()
    """What all units feel now and then, healthy as they are."""
    conditions: tuple[Condition, ...] = ()
    """Healthy operating conditions; each unit goes from one to the next."""
    life: Life | None = None
    """How a unit wears out; None: it does not."""
    rules: tuple[Rule, ...] = ()
    expectations: Expectations = ()
    """What is true of good data; `sensorkit quality` counts where it is not."""
    anomalies: Anomalies = Field(default_factory=dict)
    """Faults that make sense for it, by name."""
    detector: UsualDetector | None = None
    """What watches it where nobody names another; None: its rules."""
    campaign: Campaign | None = None
    """What an evaluation does with it where nothing is said."""

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
        refuse_twins(self.disturbances, self.conditions)
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
    def _expectations_fit(self) -> Self:
        for i, one in enumerate(self.expectations):
            try:
                one.check_names(self.channel_names, self.status_words)
            except Misplaced as error:
                raise Misplaced(("expectations", i, *error.loc), str(error)) from error
        return self

    def expected_devices(self, device: str) -> tuple[str, ...]:
        """Return whom a link is listened to for: *device*, or whoever its frames may name."""
        named = self.frame is not None and self.frame.names_device
        return self.devices if named else (device,)

    @model_validator(mode="after")
    def _devices_can_be_told_apart(self) -> Self:
        end = "" if self.frame is None else self.frame.field_end
        for i, name in enumerate(self.devices):
            if name in self.devices[:i]:
                raise Misplaced(("devices", i), f"two devices are called {name!r}")
            if end and end in name and self.frame is not None and self.frame.names_device:
                raise Misplaced(("devices", i), f"{name!r} holds {end!r}, which ends a field")
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
        yield from channels_shifted(self.disturbances, self.conditions, self.life)
        yield from odd.channels_of(self.anomalies)
        yield from tried.channels_of(self.campaign)
        if self.frame is not None:
            for loc, channel in self.frame.channels_named():
                yield ("frame", *loc), channel


def shipped() -> list[str]:
    """Return the names of the shipped profiles."""
    return Profile.shipped()
