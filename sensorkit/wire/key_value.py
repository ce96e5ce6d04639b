"""Frames of keys and values: `T:85.5,V:5.0,S:WARNING_TEMP,N:17,U:16.000*B7EB`."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.profile import KeyValueFrame, Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import Frame, Reject, count, number, uptime
from sensorkit.wire.line_codec import LineCodec
from sensorkit.wire.usual_line import Field, UsualLine, Value


class KeyValueCodec(LineCodec):
    """The keys may come in any order; the channels' and the status word's must all be there."""

    def __init__(self, profile: Profile, form: KeyValueFrame) -> None:
        self.form = form
        self.keys = tuple(channel.key or channel.name for channel in profile.channels)
        self._known = {
            key
            for key in (*self.keys, form.device, form.status, form.sequence, form.uptime)
            if key is not None
        }
        super().__init__(
            profile,
            kind=form.checksum,
            required=form.checksum_required,
            separators=(form.separator, form.assignment),
        )

    def usual_line(self) -> UsualLine | None:
        """Return the fields; the device may send them in any order."""
        form, sign = self.form, self.form.assignment
        # A key is what stands before the first sign, so it must not end like one begins.
        if any((key + sign).partition(sign)[0] != key for key in self._known):
            return None
        fields = [Field(Value.NUMBER, key + sign, channel) for channel, key in enumerate(self.keys)]
        if form.device:
            fields.insert(0, Field(Value.DEVICE, form.device + sign))
        if form.status:
            fields.append(Field(Value.WORD, form.status + sign))
        if form.sequence:
            fields.append(Field(Value.COUNT, form.sequence + sign, optional=True))
        if form.uptime:
            fields.append(Field(Value.UPTIME, form.uptime + sign, optional=True))
        return UsualLine(tuple(fields), form.separator)

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        text = self.grammar.readable(line)
        if self.form.assignment not in text:
            raise Reject(RejectReason.SYNTAX)
        fields: dict[str, str] = {}
        for field in self.body(line, text).split(self.form.separator):
            key, assign, value = field.partition(self.form.assignment)
            if not assign:
                raise Reject(RejectReason.FIELD_SYNTAX)
            if key not in self._known:
                raise Reject(RejectReason.FIELD_UNKNOWN)
            if key in fields:
                raise Reject(RejectReason.FIELD_DUPLICATE)
            fields[key] = value
        form = self.form
        if not fields.keys() >= {*self.keys, form.device, form.status} - {None}:
            raise Reject(RejectReason.FIELD_MISSING)
        texts = tuple(fields[key] for key in self.keys)
        values = tuple(map(number, texts))
        sequence = count(fields.get(form.sequence or "", ""))
        seconds = uptime(fields.get(form.uptime or "", ""))
        status = self.grammar.status(fields[form.status]) if form.status else None
        device = self.grammar.device(fields[form.device]) if form.device else None
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
        form = self.form
        pairs: list[tuple[str, object]] = list(zip(self.keys, texts, strict=True))
        if form.device:
            pairs.insert(0, (form.device, self.speaker(device)))
        if form.status:
            if status is None:
                raise ValueError(f"a frame of profile {self.profile.name!r} has a status word")
            pairs.append((form.status, status))
        if form.sequence and sequence is not None:
            pairs.append((form.sequence, sequence))
        if form.uptime and uptime is not None:
            pairs.append((form.uptime, uptime))
        body = form.separator.join(f"{key}{form.assignment}{value}" for key, value in pairs)
        return checksum.append(body.encode("ascii"), self.kind)
