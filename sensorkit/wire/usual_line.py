"""What the usual line of a profile looks like, as a table that a kernel can follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_FIELDS = 62
"""The kernel keeps the fields it has seen in the bits of one integer."""

# A separator of these could stand inside a number.
_OF_NUMBERS = frozenset("0123456789.-")


class Value(IntEnum):
    """What stands in a field."""

    NUMBER = 0
    """A plain decimal: the value of a channel."""
    COUNT = 1
    """A natural number: the sequence number."""
    UPTIME = 2
    WORD = 3
    """A status word."""
    SKIP = 4
    """Anything readable."""
    DEVICE = 5
    """The name of the device."""


class Field(NamedTuple):
    """One field of a line: a key, and a value right after it."""

    value: Value
    key: str = ""
    channel: int = -1
    """Of a NUMBER."""
    optional: bool = False
    """The line may go without this field."""
    filled: bool = False
    """The value must not be empty."""


class UsualLine(NamedTuple):
    """The lines that need no second look.

    Fields stand between separators: with keys in any order, without keys in this one. A checksum
    may follow. The table says nothing of the length of a line or of what ends it.
    """

    fields: tuple[Field, ...]
    separator: str
    comment: str = ""
    """A line that begins with this is not usual."""
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing number, beside the empty one."""

    @property
    def keyed(self) -> bool:
        """Return whether the fields have names."""
        return any(field.key for field in self.fields)

    @property
    def tellable(self) -> bool:
        """Return whether a kernel that looks at one byte after the other can read it."""
        keys = [field.key for field in self.fields]
        return (
            0 < len(keys) <= MAX_FIELDS
            and readable([*keys, self.comment])
            and readable([self.separator.replace("\t", " ")])
            and not _OF_NUMBERS.intersection(self.separator)
            and "*" not in self.separator
            and all(self.separator[0] not in key for key in keys)
        )


class Table(NamedTuple):
    """A `UsualLine` in arrays."""

    fields: NDArray[np.int64]
    """Shape (n_fields, 5): kind of value, channel, 1 if it must not be empty, key in *pool* (start,
    stop)."""
    required: int
    """Bits of the fields that every line has."""
    pool: NDArray[np.uint8]
    """The texts that others point into: the keys, the separator, the comment, words."""
    separator: tuple[int, int]
    comment: tuple[int, int]
    missing: NDArray[np.int64]
    """Shape (n, 2): start and stop in *pool*."""
    words: NDArray[np.int64]
    """The same of the status words; the row of a word is its code."""
    devices: NDArray[np.int64]
    """The same of the names of devices."""
    absent: NDArray[np.int64]
    """Channels that no field has."""


def table_of(
    line: UsualLine, channels: int, words: Sequence[str], devices: Sequence[str] = ()
) -> Table:
    """Return *line* in arrays, for so many channels, these status words and these devices."""
    pool = _Pool()
    fields = [
        (field.value, field.channel, field.filled, *pool.add(field.key)) for field in line.fields
    ]
    required = sum(1 << i for i, field in enumerate(line.fields) if not field.optional)
    separator, comment = pool.add(line.separator), pool.add(line.comment)
    missing = [pool.add(text) for text in line.missing if text and readable([text])]
    # A word that is no readable text must keep its row; no line can hold it.
    coded = [pool.add(word) if readable([word]) else (0, 0) for word in words]
    named = [pool.add(name) for name in devices]
    given = {field.channel for field in line.fields}
    return Table(
        np.array(fields, dtype=np.int64),
        required,
        np.frombuffer(bytes(pool.data) or b"\0", dtype=np.uint8),
        separator,
        comment,
        np.array(missing, dtype=np.int64).reshape(-1, 2),
        np.array(coded, dtype=np.int64).reshape(-1, 2),
        np.array(named, dtype=np.int64).reshape(-1, 2),
        np.array([c for c in range(channels) if c not in given], dtype=np.int64),
    )


class _Pool:
    """Texts one after the other."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, text: str) -> tuple[int, int]:
        """Append *text*; return where it starts and stops."""
        start = len(self.data)
        self.data += text.encode("ascii")
        return start, len(self.data)


def readable(texts: Iterable[str]) -> bool:
    """Return whether all is printable ASCII."""
    return all(" " <= char <= "~" for text in texts for char in text)
