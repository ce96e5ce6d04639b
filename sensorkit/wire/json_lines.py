"""Frames that are JSON objects, one a line: `{"t":21.5,"env":{"rh":40},"n":17}`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from sensorkit.profile import JsonFrame, Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import NAN, Frame, Reject, count, is_number, uptime
from sensorkit.wire.line_codec import LineCodec

MAX_DIGITS = 40
"""Of a number with an exponent; a device has no more to say."""


class _Number(NamedTuple):
    """A number as it stood."""

    text: str


class JsonCodec(LineCodec):
    """The keys may come in any order; the channels' and the status word's must all be there."""

    def __init__(self, profile: Profile, form: JsonFrame) -> None:
        self.form = form
        self._paths = [tuple(channel.on_wire.split(".")) for channel in profile.channels]
        special = [_path(key) for key in (form.device, form.status, form.sequence, form.uptime)]
        self._device, self._status, self._sequence, self._uptime = special
        self._fields = {*self._paths, *special} - {None}
        self._inner = {path[:i] for path in self._fields if path for i in range(len(path))}
        self._read = json.JSONDecoder(
            object_pairs_hook=_object,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_no_number,
        ).decode
        super().__init__(profile, kind=form.checksum, required=form.checksum_required)

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        text = self.grammar.readable(line)
        if not text.startswith("{"):
            raise Reject(RejectReason.SYNTAX)
        try:
            said = self._read(self.body(line, text))
        except (ValueError, RecursionError):
            raise Reject(RejectReason.SYNTAX) from None
        values = dict(self._leaves(said, ()))
        needed = (*self._paths, self._device, self._status)
        if any(path not in values for path in needed if path):
            raise Reject(RejectReason.FIELD_MISSING)
        texts, numbers = zip(*[_value(values[path]) for path in self._paths], strict=True)
        sequence = count(_plain(values, self._sequence))
        seconds = uptime(_plain(values, self._uptime))
        status, device = self._word(values), self._speaker(values)
        return self.frame(line, texts, numbers, status, sequence, seconds, device)

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
        told = {}
        if self._device:
            told[self._device] = json.dumps(self.speaker(device))
        told |= zip(self._paths, [text or "null" for text in texts], strict=True)
        if self._status:
            if status is None:
                raise ValueError(f"a frame of profile {self.profile.name!r} has a status word")
            told[self._status] = json.dumps(status)
        if self._sequence and sequence is not None:
            told[self._sequence] = str(sequence)
        if self._uptime and uptime is not None:
            told[self._uptime] = uptime
        return checksum.append(_written(told).encode("ascii"), self.kind)

    def _leaves(
        self, said: dict[str, Any], above: tuple[str, ...]
    ) -> Iterable[tuple[tuple[str, ...], Any]]:
        """Yield the path and the value of each field that the profile names."""
        for key, value in said.items():
            path = (*above, key)
            if path in self._fields:
                yield path, value
            elif path in self._inner and isinstance(value, dict):
                yield from self._leaves(value, path)
            elif path in self._inner:
                raise Reject(RejectReason.FIELD_SYNTAX)
            elif self.form.others == "reject":
                raise Reject(RejectReason.FIELD_UNKNOWN)

    def _speaker(self, values: dict[tuple[str, ...], Any]) -> str | None:
        if self._device is None:
            return None
        name = values[self._device]
        if not isinstance(name, str):
            raise Reject(RejectReason.DEVICE)
        return self.grammar.device(name)

    def _word(self, values: dict[tuple[str, ...], Any]) -> str | None:
        if self._status is None:
            return None
        word = values[self._status]
        if not isinstance(word, str):
            raise Reject(RejectReason.STATUS)
        return self.grammar.status(word)


def _path(key: str | None) -> tuple[str, ...] | None:
    return tuple(key.split(".")) if key else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; a key that comes twice is one of two frames that have run together."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Reject(RejectReason.FIELD_DUPLICATE)
    return made


def _no_number(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which are Python's idea of JSON."""
    raise Reject(RejectReason.NUMBER)


def _value(said: Any) -> tuple[str | None, float]:
    """Return a value as it stood (None: not as a plain decimal) and as a number."""
    if said is None:
        return "", NAN
    if not isinstance(said, _Number):  # true is no 1, "21.5" is a text
        raise Reject(RejectReason.NUMBER)
    if is_number(said.text):
        return said.text, float(said.text)
    value = float(said.text)
    # Without an exponent it is a decimal with more digits than a sensor has.
    if not math.isfinite(value) or len(said.text) > MAX_DIGITS or not {*said.text} & {*"eE"}:
        raise Reject(RejectReason.NUMBER)
    return None, value


def _plain(values: dict[tuple[str, ...], Any], path: tuple[str, ...] | None) -> str:
    """Return the text of a number, empty where it is missing."""
    said = values.get(path) if path else None
    if said is None:
        return ""
    if not isinstance(said, _Number):
        raise Reject(RejectReason.NUMBER)
    return said.text


def _written(told: dict[tuple[str, ...], str]) -> str:
    """Return the object whose values stand at the paths."""
    fields: dict[str, str] = {}
    inner: dict[str, dict[tuple[str, ...], str]] = {}
    for path, text in told.items():
        if len(path) == 1:
            fields[path[0]] = text
        else:
            inner.setdefault(path[0], {})[path[1:]] = text
            fields[path[0]] = ""
    fields |= {key: _written(below) for key, below in inner.items()}
    return "{" + ",".join([f"{json.dumps(key)}:{text}" for key, text in fields.items()]) + "}"
