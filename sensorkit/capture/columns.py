"""Which columns of a user's table are channels, and what their fields say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sensorkit.capture.table_source import Table
from sensorkit.capture.tables import FIXED_COLUMNS
from sensorkit.errors import UsageError
from sensorkit.profile import Profile
from sensorkit.wire.grammar import NAN, is_number

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "?"})
"""What stands for a missing number, in any case."""

_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII).fullmatch
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII).fullmatch
_UNIT = re.compile(r"(.*?)\s*[\[(]([^\])]{1,20})[\])]\s*")


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers."""

    column: str
    name: str
    texts: list[str | None]
    values: list[float]
    bad: list[int]
    """Rows whose field is no number."""

    @property
    def unit(self) -> str:
        """Return what stands in brackets behind the column's name."""
        match = _UNIT.fullmatch(self.column)
        return match[2] if match and match[1] else ""


def word_column(table: Table, name: str, named: Sequence[str]) -> str | None:
    """Return the column that is called *name* and holds words."""
    for column in table.columns:
        if column.lower() == name and column not in named:
            fields = [text for text in table.column(column) if text]
            if sum(number(text) is None for text in fields) > len(fields) / 2:
                return column
    return None


def number_columns(
    table: Table, taken: set[str | None], profile: Profile | None
) -> tuple[list[NumberColumn], dict[str, str]]:
    """Return the columns of numbers, and why the others are none."""
    channels: list[NumberColumn] = []
    left_out: dict[str, str] = {}
    for column in table.columns:
        if column in taken:
            continue
        name = channel_name(column, {channel.name for channel in channels})
        if profile is not None and name not in profile.channel_names:
            left_out[column] = f"is no channel of profile {profile.name}"
            continue
        fields = table.column(column)
        if table.delimiter != ",":
            fields = [t.replace(",", ".") if _DECIMAL_COMMA(t) else t for t in fields]
        values = [number(text) for text in fields]
        filled = sum(text.lower() not in MISSING for text in fields)
        bad = [i for i, value in enumerate(values) if value is None]
        if not filled:
            left_out[column] = "is empty"
        elif len(bad) >= filled / 2:
            left_out[column] = f"holds text, as {fields[bad[0]][:40]!r}"
        else:
            channels.append(
                NumberColumn(
                    column,
                    name,
                    [text_of(text) for text in fields],
                    [NAN if value is None else value for value in values],
                    bad,
                )
            )
    return channels if profile is None else _ordered(channels, profile), left_out


def _ordered(channels: list[NumberColumn], profile: Profile) -> list[NumberColumn]:
    """Return the columns in the profile's order; all of its channels must be there."""
    named = {channel.name: channel for channel in channels}
    for wanted in profile.channel_names:
        if wanted not in named:
            raise UsageError(
                f"the table has no column of numbers for channel {wanted!r} of profile "
                f"{profile.name!r}; it has {', '.join(named) or 'none'}"
            )
    return [named[wanted] for wanted in profile.channel_names]


def channel_name(column: str, used: set[str]) -> str:
    """Return a channel's name for a column: without its unit, and unlike those in *used*."""
    match = _UNIT.fullmatch(column)
    name = identifier(match[1] if match and match[1] else column)
    if name in FIXED_COLUMNS:
        name += "_value"
    number = 2
    first = name
    while name in used:
        name, number = f"{first}_{number}", number + 1
    return name


def number(text: str) -> float | None:
    """Return the value of a field, NaN where it is missing, None where it is no number."""
    if text.lower() in MISSING:
        return NAN
    if not _FLOAT(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def text_of(text: str) -> str | None:
    """Return how a field is written in the recording; None for the `repr` of its value."""
    if text.lower() in MISSING:
        return ""
    return text if is_number(text) else None


def identifier(text: str) -> str:
    """Return *text* as a name that may stand in a profile.

    >>> identifier("Temp. innen (°C)")
    'Temp._innen_C'
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")[:64]
    return name if name[:1].isalpha() and name[:1].isascii() else f"c_{name}".rstrip("_")[:64]
