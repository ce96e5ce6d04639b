"""Frames of columns between blanks, in decimal or hexadecimal: `23.97  969.18 0F3A`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from sensorkit.profile import Profile
from sensorkit.profile.frame_columns import Column, WhitespaceFrame
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import MAX_UPTIME_S, NAN, Frame, Reject, is_count, is_number
from sensorkit.wire.line_codec import LineCodec
from sensorkit.wire.scaling import Scale

_is_hex = re.compile("[0-9A-Fa-f]+").fullmatch

Value = tuple[str | None, float]
"""As it stood (None: not as the plain decimal of this value), and as a number."""


class WhitespaceCodec(LineCodec):
    """Each column has its place; how many blanks and tabs lie between two does not matter."""

    anchored = False

    def __init__(self, profile: Profile, form: WhitespaceFrame) -> None:
        self.form = form
        self.missing = frozenset(form.missing)
        self._columns = {column.name: i for i, column in enumerate(form.columns)}
        self._readers = [_reader(column) for column in form.columns]
        # A channel without a column is missing in every frame.
        self._places = [self._columns.get(name, -1) for name in profile.channel_names]
        super().__init__(
            profile, kind=form.checksum, required=form.checksum_required, separators=("\t",)
        )

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        text = self.grammar.readable(line)
        form = self.form
        if form.comment and text.startswith(form.comment):
            raise Reject(RejectReason.HEADER)
        fields = self.body(line, text).split()
        if len(fields) != len(form.columns):
            raise Reject(RejectReason.FIELD_COUNT)
        if self._is_header(fields):
            raise Reject(RejectReason.HEADER)
        got = [self._read(fields, place) for place in self._places]
        texts, values = zip(*got, strict=True)
        status = None
        if "@status" in self._columns:
            status = self.grammar.status(fields[self._columns["@status"]])
        device = None
        if "@device" in self._columns:
            device = self.grammar.device(fields[self._columns["@device"]])
        sequence, seconds = self._sequence(fields), self._uptime(fields)
        return self.frame(line, texts, values, status, sequence, seconds, device)

    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,
        sequence: int | None = None,
        uptime: str | None = None,
        device: str | None = None,
    ) -> bytes:
        """Return one frame without its line end; see `LineCodec.encode`.

        What is missing is written as the first of the texts for it, a counter or uptime as 0.
        """
        if "@status" in self._columns and status is None:
            raise ValueError(f"a frame of profile {self.profile.name!r} has a status word")
        told = dict(zip(self.profile.channel_names, texts, strict=True))
        told |= {"@sequence": str(sequence or 0), "@uptime": uptime or "0"}
        fields = []
        for column in self.form.columns:
            if column.name == "@device":
                fields.append(self.speaker(device))
            elif column.name == "@status":
                fields.append(status or "")
            elif text := told.get(column.name):
                fields.append(_written(column, text))
            else:
                fields.append(next(iter(self.form.missing), "-"))
        return checksum.append(" ".join(fields).encode("ascii"), self.kind)

    def _read(self, fields: list[str], place: int) -> Value:
        if place < 0 or fields[place] in self.missing:
            return "", NAN
        return self._readers[place](fields[place])

    def _sequence(self, fields: list[str]) -> int | None:
        if "@sequence" not in self._columns:
            return None
        place = self._columns["@sequence"]
        text, column = fields[place], self.form.columns[place]
        if text in self.missing:
            return None
        if column.base == "hex":
            return int(self._readers[place](text)[1])
        if not is_count(text):
            raise Reject(RejectReason.NUMBER)
        return int(text)

    def _uptime(self, fields: list[str]) -> float | None:
        if "@uptime" not in self._columns:
            return None
        text, seconds = self._read(fields, self._columns["@uptime"])
        if text == "":
            return None
        if not 0 <= seconds <= MAX_UPTIME_S:
            raise Reject(RejectReason.RANGE)
        return seconds

    def _is_header(self, fields: list[str]) -> bool:
        """Return whether the device said the names of its columns."""
        named = [(f, c.name) for f, c in zip(fields, self.form.columns, strict=True)]
        named = [(field, name) for field, name in named if name[:1] != "@"]
        return bool(named) and all(field == name for field, name in named)


def _reader(column: Column) -> Callable[[str], Value]:
    """Return what reads the texts of *column*."""
    scale, digits = Scale(column.scale, column.offset), column.digits

    def decimal(text: str) -> Value:
        if not is_number(text):
            raise Reject(RejectReason.NUMBER)
        return (None, scale.value(text)) if scale.changes else (text, float(text))

    def hexadecimal(text: str) -> Value:
        if len(text) != digits or not _is_hex(text):
            raise Reject(RejectReason.NUMBER)
        number = int(text, 16)
        if column.signed and number >> (4 * digits - 1):
            number -= 1 << 4 * digits
        return None, scale.value(number)

    return decimal if column.base == "decimal" else hexadecimal


def _written(column: Column, text: str) -> str:
    """Return the value *text* as it stands on the wire, as near as the column can say it."""
    number = Scale(column.scale, column.offset).number(text)
    if column.base == "decimal" or column.digits is None:
        return number
    whole = int(Decimal(number).to_integral_value(ROUND_HALF_EVEN))
    top = 1 << 4 * column.digits
    low, high = (-top // 2, top // 2 - 1) if column.signed else (0, top - 1)
    return f"{min(max(whole, low), high) % top:0{column.digits}X}"
