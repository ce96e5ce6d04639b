"""Lines to readings and back, by the frame format of a profile. Bytes in, facts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sensorkit.errors import ProfileError
from sensorkit.profile import CsvFrame, KeyValueFrame, NmeaFrame, Profile
from sensorkit.wire.csv_columns import CsvCodec
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import Decoded, Frame
from sensorkit.wire.key_value import KeyValueCodec
from sensorkit.wire.nmea import NmeaCodec

__all__ = ["Codec", "Decoded", "Frame", "make_codec"]


class Codec(Protocol):
    """Reads and writes the frames of one device."""

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
    ) -> bytes:
        """Return one frame without its line end."""
        ...


def make_codec(profile: Profile) -> Codec:
    """Return the codec for the frames of *profile*.

    Raises
    ------
    ProfileError
        If the profile has no frame format: its data never stood on a wire.

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
        case None:
            raise ProfileError(
                f"profile {profile.name!r} has no frame format, for its data never stood on a "
                "wire; give it a `frame` section to capture with it"
            )
