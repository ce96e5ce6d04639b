"""Frames of values in a fixed order: `23.97,969.18,50.58`."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.profile import CsvFrame, Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import NAN, Frame, Reject, count, is_number, uptime
from sensorkit.wire.line_codec import LineCodec
from sensorkit.wire.usual_line import Field, UsualLine, Value

SPECIAL_VALUES = {
    "@device": Value.DEVICE,
    "@status": Value.WORD,
    "@sequence": Value.COUNT,
    "@uptime": Value.UPTIME,
    "@skip": Value.SKIP,
}


class CsvCodec(LineCodec):
    """Each column has its place; nothing is quoted."""

    anchored = False

    def __init__(self, profile: Profile, form: CsvFrame) -> None:
        self.form = form
        self.missing = frozenset(form.missing)
        self._columns = {name: index for index, name in enumerate(form.columns)}
        names = profile.channel_names
        # A channel without a column is missing in every frame.
        self._places = tuple(self._columns.get(name, -1) for name in names)
        super().__init__(
            profile,
            kind=form.checksum,
            required=form.checksum_required,
            separators=(form.delimiter,),
        )

    def usual_line(self) -> UsualLine | None:
        """Return the columns in their order."""
        # A plain number among the `missing` texts is no value.
        if any(is_number(text) for text in self.missing):
            return None
        names = self.profile.channel_names
        fields = []
        for column in self.form.columns:
            kind = SPECIAL_VALUES.get(column)
            if kind is None:
                filled = "" not in self.missing
                fields.append(Field(Value.NUMBER, channel=names.index(column), filled=filled))
            else:
                fields.append(Field(kind))
        # A line of the columns' names is a header, even where a name stands for "missing".
        missing = self.missing.difference(names)
        return UsualLine(
            tuple(fields), self.form.delimiter, self.form.comment or "", tuple(sorted(missing))
        )

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        text = self.grammar.readable(line)
        form = self.form
        if form.comment and text.startswith(form.comment):
            raise Reject(RejectReason.HEADER)
        fields = self.body(line, text).split(form.delimiter)
        if len(fields) != len(form.columns):
            raise Reject(RejectReason.FIELD_COUNT)
        if self._is_header(fields):
            raise Reject(RejectReason.HEADER)
        texts = tuple(self._channel_text(fields[i]) if i >= 0 else "" for i in self._places)
        values = tuple(float(text) if text else NAN for text in texts)
        sequence = count(self._special(fields, "@sequence"))
        seconds = uptime(self._special(fields, "@uptime"))
        status = None
        if "@status" in self._columns:
            status = self.grammar.status(fields[self._columns["@status"]])
        device = None
        if "@device" in self._columns:
            device = self.grammar.device(fields[self._columns["@device"]])
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
        """Return one frame without its line end; see `LineCodec.encode`."""
        channels = dict(zip(self.profile.channel_names, texts, strict=True))
        if "@status" in self._columns and status is None:
            raise ValueError(f"a frame of profile {self.profile.name!r} has a status word")
        special = {
            "@device": self.speaker(device),
            "@status": status or "",
            "@sequence": "" if sequence is None else str(sequence),
            "@uptime": uptime or "",
            "@skip": "",
        }
        fields = [
            special[column]
            if column in special
            else channels[column] or min(self.missing, default="", key=len)
            for column in self.form.columns
        ]
        return checksum.append(self.form.delimiter.join(fields).encode("ascii"), self.kind)

    def _channel_text(self, text: str) -> str:
        if text in self.missing:
            return ""
        if not is_number(text):
            raise Reject(RejectReason.NUMBER)
        return text

    def _special(self, fields: list[str], name: str) -> str:
        return fields[self._columns[name]] if name in self._columns else ""

    def _is_header(self, fields: list[str]) -> bool:
        """Return whether the device said the names of its columns."""
        named = [(field, c) for field, c in zip(fields, self.form.columns, strict=True)]
        return any(c[:1] != "@" for _, c in named) and all(
            field == c for field, c in named if c[:1] != "@"
        )
