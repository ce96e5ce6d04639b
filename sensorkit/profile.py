"""What a device sends: channels, frame format, operating states, rules. Read from YAML."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sensorkit.checked_yaml import Misplaced, describe, read_yaml
from sensorkit.errors import ProfileError
from sensorkit.readings import Severity

SHIPPED = Path(__file__).parent / "profiles"

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=64)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    """A section of a profile; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Drift(_Part):
    """Slow wandering of the set point: an Ornstein-Uhlenbeck process."""

    sigma: Positive
    """Standard deviation it settles to, in the channel's unit."""
    time_constant_s: Positive


class Cycle(_Part):
    """A sinusoid."""

    amplitude: Positive
    period_s: Positive
    phase: Finite = 0.0
    """Radians at the first reading."""


class Noise(_Part):
    """Gaussian noise; `ar1` is its correlation from one reading to the next."""

    sigma: Annotated[float, Field(ge=0)]
    """Standard deviation of the noise itself, in the channel's unit."""
    ar1: Annotated[float, Field(gt=-1, lt=1)] = 0.0


class Waveform(_Part):
    """The healthy signal of a channel: level + drift + cycles + noise, then quantized."""

    level: Finite
    drift: Drift | None = None
    cycles: tuple[Cycle, ...] = ()
    noise: Noise | None = None
    step: Positive | None = None
    """Smallest difference the sensor can tell, in the channel's unit."""


class Channel(_Part):
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


class _Frame(_Part):
    checksum: Literal["none", "xor", "crc16"] = "none"
    """Two (xor) or four (crc16) hex digits after a `*`; one that is there must be right."""
    checksum_required: bool = False
    """Reject a frame without one."""
    max_line_bytes: Annotated[int, Field(ge=16, le=1 << 20)] = 512


class KeyValueFrame(_Frame):
    """`T:85.5,V:5.0,S:WARNING_TEMP,N:17,U:16.000*B7EB`."""

    format: Literal["key_value"]
    separator: Text = ","
    assignment: Text = ":"
    status: Text | None = None
    sequence: Text | None = None
    uptime: Text | None = None
    """Key of the seconds since the device started."""

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.separator in self.assignment or self.assignment in self.separator:
            what = f"{self.assignment!r} cannot be told from the separator {self.separator!r}"
            raise Misplaced(("assignment",), what)
        return self


SPECIAL_COLUMNS = ("@status", "@sequence", "@uptime", "@skip")


class CsvFrame(_Frame):
    """`23.97,969.18,50.58`: values in a fixed order."""

    format: Literal["csv"]
    delimiter: Text = ","
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Channel names, or `@status`, `@sequence`, `@uptime`, `@skip`."""
    comment: Text | None = None
    """A line that starts with this is a header, not a frame."""
    missing: tuple[str, ...] = ("",)
    """Texts that stand for a missing value."""

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        for i, column in enumerate(self.columns):
            if column[:1] == "@" and column not in SPECIAL_COLUMNS:
                known = ", ".join(SPECIAL_COLUMNS)
                raise Misplaced(("columns", i), f"unknown {column!r}; there are {known}")
            if column != "@skip" and column in self.columns[:i]:
                raise Misplaced(("columns", i), f"two columns are {column!r}")
        return self


class NmeaFrame(_Frame):
    """`$GPGGA,123519,4807.038,N,...*47`: a sentence a line, fields by number."""

    format: Literal["nmea"]
    sentences: dict[str, dict[str, int]]
    """Sentence (the type without its talker, as GGA, or the whole word) -> channel -> field
    number, 1 being the first after the sentence word."""
    checksum: Literal["none", "xor", "crc16"] = "xor"
    checksum_required: bool = True
    others: Literal["accept", "reject"] = "accept"
    """A right sentence of another type: a reading without values, or a rejection `type`."""


Frame = Annotated[KeyValueFrame | CsvFrame | NmeaFrame, Field(discriminator="format")]


class StatusRule(_Part):
    """The device says `word` while the channel is strictly outside low..high."""

    word: str
    channel: str
    low: Finite | None = None
    high: Finite | None = None


class State(_Part):
    """An operating state of the emulated device."""

    dwell_s: tuple[Positive, Positive]
    """Shortest and mean time spent in it (shifted exponential)."""
    next: dict[str, Positive]
    """Successor -> weight."""
    shift: dict[str, Finite] = {}
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


class Rule(_Part):
    """A fixed limit; breached only strictly beyond it."""

    type: Name
    """As in the alert: THRESHOLD_BREACH_TEMP."""
    kind: Literal["range", "rate", "heartbeat"]
    severity: Severity
    channel: str | None = None
    low: Finite | None = None
    high: Finite | None = None
    limit: Positive | None = None
    """rate: largest change between consecutive readings; heartbeat: seconds without a frame."""
    margin: Positive = 1.0
    """What counts as one step past the limit in the score, in the channel's unit."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wants = {"range": "low or high", "rate": "limit", "heartbeat": "limit"}[self.kind]
        has = {
            "range": self.low is not None or self.high is not None,
            "rate": self.limit is not None,
            "heartbeat": self.limit is not None,
        }[self.kind]
        if not has:
            raise ValueError(f"rule {self.type!r} of kind {self.kind} needs {wants}")
        if self.kind != "heartbeat" and self.channel is None:
            raise ValueError(f"rule {self.type!r} of kind {self.kind} needs a channel")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(
                f"rule {self.type!r}: low ({self.low:g}) must be below high ({self.high:g})"
            )
        return self


class Profile(_Part):
    """Everything sensorkit knows of a device."""

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
    states: dict[str, State] = {}
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
                raise Misplaced(loc, f"no channel {channel!r}; there are {', '.join(names)}")
        for name, state in self.states.items():
            for successor in state.next:
                if successor not in self.states:
                    raise Misplaced(("states", name, "next"), f"no state {successor!r}")
        for i, rule in enumerate(self.status_rules):
            if self.status_words and rule.word not in self.status_words:
                loc = ("status_rules", i, "word")
                raise Misplaced(loc, f"{rule.word!r} is not among status_words")
        return self

    @model_validator(mode="after")
    def _fields_can_be_told_apart(self) -> Self:
        form = self.frame
        if not isinstance(form, KeyValueFrame | CsvFrame):
            return self
        end = form.delimiter if isinstance(form, CsvFrame) else form.separator
        for word in self.status_words:
            if end in word:
                raise Misplaced(("status_words",), f"{word!r} holds {end!r}, which ends a field")
        if isinstance(form, KeyValueFrame):
            keys = [channel.key or channel.name for channel in self.channels]
            keys += [key for key in (form.status, form.sequence, form.uptime) if key]
            for key in keys:
                if keys.count(key) > 1:
                    raise Misplaced(("frame",), f"two fields have the key {key!r}")
                if form.separator in key or form.assignment in key:
                    raise Misplaced(("frame",), f"the key {key!r} holds a sign that ends it")
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
        if isinstance(self.frame, CsvFrame):
            for i, column in enumerate(self.frame.columns):
                if not column.startswith("@"):
                    yield ("frame", "columns", i), column
        if isinstance(self.frame, NmeaFrame):
            for sentence, fields in self.frame.sentences.items():
                for channel in fields:
                    yield ("frame", "sentences", sentence), channel

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Read a shipped profile by name, or a YAML file by path."""
        path = Path(name_or_path)
        if path.suffix not in {".yaml", ".yml"}:
            path = SHIPPED / f"{name_or_path}.yaml"
            if not path.exists():
                names = shipped()
                near = difflib.get_close_matches(str(name_or_path), names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "or give the path of a .yaml file"
                raise ProfileError(
                    f"unknown profile {str(name_or_path)!r}; shipped are {', '.join(names)}; {hint}"
                )
        return cls.model_validate(read_yaml(path, cls, ProfileError))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str) -> Self:
        """Make a profile of what a recording.json holds; *source* is named in the error."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ProfileError(f"{source}: {describe(error.errors()[0])}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes, without the defaults, ready for JSON."""
        return self.model_dump(mode="json", exclude_defaults=True)


def shipped() -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))
