"""Lines to readings and back, by the frame format of a profile. Bytes in, facts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pydantic import ValidationError

from sensorkit.checked_yaml import describe
from sensorkit.errors import ProfileError
from sensorkit.profile import (
    CsvFrame,
    JsonFrame,
    KeyValueFrame,
    NmeaFrame,
    PluginFrame,
    Profile,
    RegexFrame,
    WhitespaceFrame,
    codec_plugins,
)
from sensorkit.profile.frame_formats import unknown_format
from sensorkit.wire.csv_columns import CsvCodec
from sensorkit.wire.framing import Framer, Line
from sensorkit.wire.grammar import Decoded, Frame
from sensorkit.wire.json_lines import JsonCodec
from sensorkit.wire.key_value import KeyValueCodec
from sensorkit.wire.nmea import NmeaCodec
from sensorkit.wire.pattern import PatternCodec
from sensorkit.wire.whitespace import WhitespaceCodec

__all__ = ["Codec", "Decoded", "Frame", "make_codec"]


@runtime_checkable
class Codec(Protocol):
    """Reads and writes the frames of one device; belongs to one stream.

    A format of your own is a class with these members, registered under its name as an entry point
    of the group `sensorkit.codecs` and called with the profile and its options;
    `sensorkit.wire.line_codec.LineCodec` does most of the work.
    """

    @property
    def anchored(self) -> bool:
        """Return whether half a frame can be told from a whole one without a checksum."""
        ...

    def framer(self) -> Framer:
        """Return what cuts the stream into the lines of this format."""
        ...

    def decode(self, lines: Sequence[Line]) -> Decoded:
        """Return the frames and the rejections in *lines*; no byte ever raises."""
        ...

    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,
        sequence: int | None = None,
        uptime: str | None = None,
        device: str | None = None,
    ) -> bytes:
        """Return one frame without its line end; *device* is given where there are several."""
        ...

    @property
    def terminator(self) -> bytes:
        """Return what a device sends after each frame."""
        ...


def make_codec(profile: Profile) -> Codec:
    """Return the codec for the frames of *profile*.

    Raises
    ------
    ProfileError
        If the profile has no frame format (its data never stood on a wire), or one of a package
        that is not installed or does not take the options.

    Examples
    --------
    >>> from sensorkit.profile import Profile
    >>> codec = make_codec(Profile.load("serial_monitor"))
    >>> codec.encode(["85.5", "5.0"], status="WARNING_TEMP", sequence=17, uptime="16.000")
    b'T:85.5,V:5.0,S:WARNING_TEMP,N:17,U:16.000*B7EB'
    >>> codec.decode([Line(0, b"T:85.5,V:5.0,S:WARNING_TEMP")]).frames[0].values
    (85.5, 5.0)
    """
    match profile.frame:
        case KeyValueFrame() as form:
            return KeyValueCodec(profile, form)
        case CsvFrame() as form:
            return CsvCodec(profile, form)
        case NmeaFrame() as form:
            return NmeaCodec(profile, form)
        case JsonFrame() as form:
            return JsonCodec(profile, form)
        case WhitespaceFrame() as form:
            return WhitespaceCodec(profile, form)
        case RegexFrame() as form:
            return PatternCodec(profile, form)
        case PluginFrame() as form:
            return _plugin_codec(profile, form)
        case None:
            raise ProfileError(
                f"profile {profile.name!r} has no frame format, for its data never stood on a "
                "wire; give it a `frame` section to capture with it"
            )


def _plugin_codec(profile: Profile, form: PluginFrame) -> Codec:
    """Return the codec that an installed package makes."""
    if form.format not in codec_plugins.installed():
        raise ProfileError(f"profile {profile.name!r}: {unknown_format(form.format)}")
    factory = codec_plugins.load(form.format)
    where = f"profile {profile.name!r}: frame format {form.format!r}"
    try:
        model = getattr(factory, "Options", None)
        options = form.options if model is None else model.model_validate(form.options)
        codec = factory(profile, options)
    except ValidationError as error:
        raise ProfileError(f"{where}: options.{describe(error.errors()[0])}") from error
    except ValueError as error:
        raise ProfileError(f"{where}: {error}") from error
    if not isinstance(codec, Codec):
        wanted = [name for name in _MEMBERS if not hasattr(codec, name)]
        raise ProfileError(
            f"{where} made a {type(codec).__name__} without {', '.join(wanted)}; a "
            "sensorkit.wire.codec.Codec is wanted, see docs/frame-formats.md"
        )
    return codec


_MEMBERS = ("anchored", "framer", "decode", "encode", "terminator")
