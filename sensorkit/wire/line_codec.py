"""The frame of mind of every codec: one pattern for the usual line, and a patient second look."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sensorkit.profile import Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import (
    COUNT,
    MAX_UPTIME_S,
    NAN,
    NUMBER,
    Decoded,
    Frame,
    Grammar,
    Reject,
)


class LineCodec(ABC):
    """Reads and writes one frame format.

    A line in the order that the profile gives is read by one regular expression. Any other goes
    to `parse`, which takes the same frames (the tests say so) and says what is wrong with the rest.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        kind: checksum.Kind,
        required: bool,
        separators: Sequence[str] = (),
    ) -> None:
        self.profile = profile
        self.grammar = Grammar(profile, separators)
        self.kind: checksum.Kind = kind
        self.required = required
        self._usual = self._compile()

    @abstractmethod
    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""

    @abstractmethod
    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,
        sequence: int | None = None,
        uptime: str | None = None,
    ) -> bytes:
        """Return one frame without its line end.

        Parameters
        ----------
        texts : sequence of str, shape (n_channels,)
            Plain decimals, or empty for a missing value.
        status : str, optional
        sequence : int, optional
        uptime : str, optional
            Seconds since the device started, as a plain decimal.
        """

    def usual_pattern(self) -> str | None:
        """Return the pattern of a usual line, or None where there is no such thing.

        Its groups are named: `c0`, `c1`, ... for the channels, `status`, `sequence`, `uptime`.
        """
        return None

    def decode(self, lines: Sequence[Line]) -> Decoded:
        """Return the frames and the rejections in *lines*."""
        frames: list[Frame] = []
        rejections: list[tuple[Line, RejectReason]] = []
        for line in lines:
            frame = self._read_usual(line) if line.data and not line.overlong else None
            if frame is None:
                try:
                    frame = self.parse(line)
                except Reject as reject:
                    rejections.append((line, reject.reason))
                    continue
            frames.append(frame)
        return Decoded(frames, rejections)

    def body(self, line: Line, text: str) -> str:
        """Return *text* without its checksum, once that has been found right."""
        body, right = checksum.split(line.data, self.kind)
        if right is None:
            if self.required:
                raise Reject(RejectReason.CHECKSUM_MISSING)
            return text
        if not right:
            raise Reject(RejectReason.CHECKSUM)
        return body.decode("latin-1")

    def frame(
        self,
        line: Line,
        texts: tuple[str, ...],
        values: tuple[float, ...],
        status: str | None,
        sequence: int | None,
        uptime: float | None,
    ) -> Frame:
        """Return the frame, once its values are found in range."""
        if not self.grammar.in_range(values):
            raise Reject(RejectReason.RANGE)
        return Frame(line.offset, len(line.data), texts, values, status, sequence, uptime)

    def _compile(self) -> re.Pattern[str] | None:
        pattern = self.usual_pattern()
        if pattern is None:
            return None
        digits = checksum.DIGITS[self.kind]
        if digits:
            end = rf"(?:\*(?P<sum>[0-9A-Fa-f]{{{digits}}}))"
            pattern += end if self.required else end + "?"
        compiled = re.compile(pattern)
        groups = compiled.groupindex
        n = len(self.profile.channels)
        # The order in which `groups()` gives them, found once.
        self._at = tuple(groups[f"c{i}"] - 1 for i in range(n))
        self._in_order = self._at == tuple(range(n))
        self._status_at = groups.get("status", 0) - 1
        self._sequence_at = groups.get("sequence", 0) - 1
        self._uptime_at = groups.get("uptime", 0) - 1
        self._sum_at = groups.get("sum", 0) - 1
        self._sum_of = checksum.xor8 if self.kind == "xor" else checksum.crc16
        return compiled

    def _read_usual(self, line: Line) -> Frame | None:
        """Return the frame if *line* is a usual one and nothing is wrong with it."""
        if self._usual is None:
            return None
        match = self._usual.fullmatch(line.data.decode("latin-1"))
        if match is None:
            return None
        got = match.groups()
        if self._sum_at >= 0:
            digits: str | None = got[self._sum_at]
            if digits is not None:
                body = line.data[: -len(digits) - 1]
                if int(digits, 16) != self._sum_of(body):
                    return None
        texts = got[: len(self._at)] if self._in_order else tuple([got[i] for i in self._at])
        try:
            values = tuple(map(float, texts))
        except ValueError:  # an empty text
            values = tuple([float(text) if text else NAN for text in texts])
        if not self.grammar.in_range(values):
            return None
        status = got[self._status_at] if self._status_at >= 0 else None
        sequence = got[self._sequence_at] if self._sequence_at >= 0 else None
        uptime = got[self._uptime_at] if self._uptime_at >= 0 else None
        seconds = float(uptime) if uptime else None
        if seconds is not None and not 0 <= seconds <= MAX_UPTIME_S:
            return None
        return Frame(
            line.offset,
            len(line.data),
            texts,
            values,
            status,
            int(sequence) if sequence else None,
            seconds,
        )


def number_group(name: str) -> str:
    """Return the pattern of a number that may be missing."""
    return f"(?P<{name}>{NUMBER}|)"


def count_group(name: str) -> str:
    """Return the pattern of a natural number that may be missing."""
    return f"(?P<{name}>{COUNT}|)"
