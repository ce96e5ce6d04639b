"""The `frame` section of a profile: how the bytes on the wire are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    StrictBool,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from sensorkit.checked_yaml import Misplaced, complaint, place_of
from sensorkit.nearest import unknown
from sensorkit.profile import codec_plugins
from sensorkit.profile.frame_base import (
    FrameSection,
    LineSection,
    Place,
    Text,
    doubled,
    refuse_inside,
    refuse_sign,
)
from sensorkit.profile.frame_columns import CsvFrame, WhitespaceFrame
from sensorkit.profile.safe_pattern import SafePattern, UnsafePatternError

SPECIAL_GROUPS = ("device", "status", "sequence", "uptime")


class KeyValueFrame(LineSection):
    """`T:85.5,V:5.0,S:WARNING_TEMP,N:17,U:16.000*B7EB`."""

    format: Literal["key_value"]
    separator: Text = ","
    assignment: Text = ":"
    device: Text | None = None
    """Key of the name of the device, where several share a link."""
    status: Text | None = None
    sequence: Text | None = None
    uptime: Text | None = None
    """Key of the seconds since the device started."""

    @model_validator(mode="after")
    def _signs_can_be_told(self) -> Self:
        refuse_sign("separator", self.separator, self.checksum)
        refuse_sign("assignment", self.assignment, self.checksum)
        if self.separator in self.assignment or self.assignment in self.separator:
            what = f"{self.assignment!r} cannot be told from the separator {self.separator!r}"
            raise Misplaced(("assignment",), what)
        return self

    @property
    def names_device(self) -> bool:
        """See `FrameSection.names_device`."""
        return self.device is not None

    @property
    def field_end(self) -> str:
        """See `FrameSection.field_end`."""
        return self.separator

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:
        """See `FrameSection.check`."""
        refuse_inside(words, self.separator)
        every = doubled((*keys, self.device, self.status, self.sequence, self.uptime))
        for key in every:
            if self.separator in key or self.assignment in key:
                raise Misplaced(("frame",), f"the key {key!r} holds a sign that ends it")


class NmeaFrame(LineSection):
    """`$GPGGA,123519,4807.038,N,...*47`: a sentence a line, fields by number."""

    format: Literal["nmea"]
    sentences: dict[str, dict[str, Annotated[int, Field(ge=1)]]]
    """Sentence (the type without its talker, as GGA, or the whole word) -> channel -> field
    number, 1 being the first after the sentence word."""
    checksum: Literal["none", "xor", "crc16"] = "xor"
    checksum_required: StrictBool | Literal["once_seen"] = True
    others: Literal["accept", "reject"] = "accept"
    """A right sentence of another type: a reading without values, or a rejection `type`."""

    def channels_named(self) -> Iterator[tuple[Place, str]]:
        """See `FrameSection.channels_named`."""
        for sentence, fields in self.sentences.items():
            for channel in fields:
                yield ("sentences", sentence), channel


class JsonFrame(LineSection):
    """`{"t":21.5,"env":{"rh":40},"n":17}`: an object a line, fields by key."""

    format: Literal["json"]
    device: Text | None = None
    """Key of the name of the device, where several share a link."""
    status: Text | None = None
    sequence: Text | None = None
    uptime: Text | None = None
    """Key of the seconds since the device started. A dot leads into an object: `env.rh`."""
    others: Literal["accept", "reject"] = "reject"
    """What becomes of a line that has a key of which the profile knows nothing."""

    @property
    def names_device(self) -> bool:
        """See `FrameSection.names_device`."""
        return self.device is not None

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:  # noqa: ARG002
        """See `FrameSection.check`."""
        every = doubled((*keys, self.device, self.status, self.sequence, self.uptime))
        for key in every:
            if "" in key.split("."):
                raise Misplaced(("frame",), f"the key {key!r} has nothing on one side of a dot")
            for other in every:
                if other.startswith(f"{key}."):
                    raise Misplaced(("frame",), f"{key!r} is a value, but {other!r} lies inside it")


class RegexFrame(LineSection):
    """`w: 106 x: -49`: whatever a regular expression with named groups describes."""

    format: Literal["regex"]
    pattern: Annotated[str, Field(min_length=1, max_length=2000)]
    """Matches a whole line, without its checksum. Its groups are called as the channels' keys, or
    `device`, `status`, `sequence`, `uptime`."""

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        try:
            self.parsed()
        except UnsafePatternError as problem:
            raise Misplaced(("pattern",), str(problem)) from problem
        return self

    @property
    def names_device(self) -> bool:
        """See `FrameSection.names_device`."""
        return "device" in self.parsed().groups

    def parsed(self) -> SafePattern:
        """Return the pattern, checked."""
        return SafePattern(self.pattern)

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:  # noqa: ARG002
        """See `FrameSection.check`."""
        for name in SPECIAL_GROUPS:
            if name in keys:
                raise Misplaced(
                    ("frame",), f"a channel has the key {name!r}, which is the {name} of the "
                    "device in a pattern; give the channel another `key`"
                )  # fmt: skip
        groups = self.parsed().groups
        for group in groups:
            if group not in keys and group not in SPECIAL_GROUPS:
                loc = ("frame", "pattern")
                raise Misplaced(loc, unknown("group", group, (*keys, *SPECIAL_GROUPS)))
        for key in doubled(keys):
            if key not in groups:
                raise Misplaced(("frame", "pattern"), f"has no group (?P<{key}>...) for {key!r}")


class PluginFrame(FrameSection):
    """A format that an installed package brings through the entry points `sensorkit.codecs`."""

    format: Text
    options: dict[str, Any] = Field(default_factory=dict)
    """What the package says its format takes."""
    checksum_required: StrictBool | Literal["once_seen"] = True

    @model_validator(mode="before")
    @classmethod
    def _is_installed(cls, data: Any, info: ValidationInfo) -> Any:
        """Look at the format before anything else: without it no key can be right."""
        if not isinstance(data, Mapping):
            return data
        told = data.get("format")
        if not isinstance(told, str):
            raise Misplaced(("format",), f"a name is wanted; there are {', '.join(formats())}")
        # A recording can be read where the package that wrote it is not installed.
        recorded = (info.context or {}).get("recorded")
        if told not in codec_plugins.installed() and not recorded:
            raise Misplaced(("format",), unknown_format(told))
        return data

    @model_validator(mode="after")
    def _options_are_right(self) -> Self:
        if self.format not in codec_plugins.installed():
            return self
        model = getattr(codec_plugins.load(self.format), "Options", None)
        if model is not None:
            try:
                model.model_validate(self.options)
            except ValidationError as error:
                first = error.errors()[0]
                loc = ("options", *place_of(first, self.options))
                raise Misplaced(loc, complaint(first)) from error
        return self


BUILT_IN = {
    "key_value": KeyValueFrame,
    "csv": CsvFrame,
    "nmea": NmeaFrame,
    "json": JsonFrame,
    "whitespace": WhitespaceFrame,
    "regex": RegexFrame,
}


def _tag(frame: Any) -> str:
    """Return which section a `frame` is: a format we do not know is that of a package."""
    told = frame.get("format") if isinstance(frame, Mapping) else getattr(frame, "format", None)
    return told if isinstance(told, str) and told in BUILT_IN else "plugin"


Frame = Annotated[
    Annotated[KeyValueFrame, Tag("key_value")]
    | Annotated[CsvFrame, Tag("csv")]
    | Annotated[NmeaFrame, Tag("nmea")]
    | Annotated[JsonFrame, Tag("json")]
    | Annotated[WhitespaceFrame, Tag("whitespace")]
    | Annotated[RegexFrame, Tag("regex")]
    | Annotated[PluginFrame, Tag("plugin")],
    Discriminator(_tag),
]


def formats() -> list[str]:
    """Return the names of all frame formats, ours and those of installed packages.

    >>> {"csv", "json", "key_value", "nmea", "regex", "whitespace"} <= set(formats())
    True
    """
    return sorted({*BUILT_IN, *codec_plugins.installed()})


def unknown_format(name: str) -> str:
    """Say that there is no frame format *name*, what there is, and how to get more."""
    return unknown(
        "frame format",
        name,
        formats(),
        otherwise=f"install the package that brings it (`pip install PACKAGE`; it has an entry "
        f"point {name!r} in {codec_plugins.GROUP})",
    )
