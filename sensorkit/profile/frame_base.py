"""What all `frame` sections of a profile have in common, and the checks they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from sensorkit.checked_yaml import Misplaced, Section

Text = Annotated[str, Field(min_length=1)]
Place = tuple[str | int, ...]
"""Keys and numbers that lead to a part of a section."""


class FrameSection(Section):
    """What every frame format has."""

    checksum_required: StrictBool | Literal["once_seen"] = "once_seen"
    """Reject a frame without a checksum: always, never, or once the stream has had a right one."""
    max_line_bytes: Annotated[int, Field(ge=16, le=1 << 20)] = 512
    """Longest line; longest block of a format that has no lines."""

    @property
    def names_device(self) -> bool:
        """Return whether each frame says which device it is of."""
        return False

    @property
    def field_end(self) -> str:
        """Return the sign that ends a field, which no text in one may hold; "" for none."""
        return ""

    def channels_named(self) -> Iterator[tuple[Place, str]]:
        """Yield every place in the section that names a channel, with the name."""
        return iter(())

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:
        """Raise `Misplaced` if the frames of a device could not be told apart.

        Parameters
        ----------
        keys : sequence of str
            What stands for each channel on the wire.
        words : sequence of str
            All that the device may say of its status.
        """


class LineSection(FrameSection):
    """What the formats have that send one frame a line."""

    checksum: Literal["none", "xor", "crc16"] = "none"
    """Two (xor) or four (crc16) hex digits after a `*`; one that is there must be right."""
    line_end: Literal["lf", "cr"] = "lf"
    r"""lf: a line ends at `\n` or `\r\n`; cr: it ends at a lone `\r`."""


def refuse_sign(field: str, sign: str, checksum: str) -> None:
    """Refuse a sign between fields that no line could be cut at."""
    if "\n" in sign or "\r" in sign:
        why = "is a line end, where the frame is over"
    elif any(char.isalnum() for char in sign):
        why = "holds a letter or digit, which values hold too"
    elif checksum != "none" and "*" in sign:
        why = f"holds '*', which the checksum {checksum} begins with"
    else:
        return
    raise Misplaced((field,), f"{sign!r} {why}; give another sign, such as ',' or ';'")


def refuse_inside(words: Sequence[str], end: str) -> None:
    """Refuse a status word that holds what ends a field."""
    for word in words:
        if end in word:
            raise Misplaced(("status_words",), f"{word!r} holds {end!r}, which ends a field")


def doubled(keys: Sequence[str | None]) -> list[str]:
    """Return the keys that are there; refuse one that stands for two fields."""
    there = [key for key in keys if key]
    for key in there:
        if there.count(key) > 1:
            raise Misplaced(("frame",), f"two fields have the key {key!r}")
    return there
