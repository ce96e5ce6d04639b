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

SPECIAL = ("status", "sequence", "uptime", "sum")
"""Groups of a pattern that are no channels."""


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
        self._sum_of = checksum.xor8 if kind == "xor" else checksum.crc16
        self._limited = bool(self.grammar.limits)
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
        for name in SPECIAL:
            if f"(?P<{name}>" not in pattern:
                pattern += f"(?P<{name}>(?!))?"  # a group that is never there
        compiled = re.compile(pattern)
        groups = compiled.groupindex
        names = [*(f"c{i}" for i in range(len(self.profile.channels))), *SPECIAL]
        self._order = tuple(groups[name] for name in names)
        return compiled

    def _read_usual(self, line: Line) -> Frame | None:
        """Return the frame if *line* is a usual one and nothing is wrong with it."""
        data = line.data
        match = self._usual.fullmatch(data.decode("latin-1")) if self._usual else None
        if match is None:
            return None
        got = match.group(*self._order)
        texts = got[:-4]
        status, sequence, uptime, digits = got[-4:]
        if digits is not None and int(digits, 16) != self._sum_of(data[: -len(digits) - 1]):
            return None
        try:
            values = tuple(map(float, texts))
        except ValueError:  # an empty text
            values = tuple([float(text) if text else NAN for text in texts])
        if self._limited and not self.grammar.in_range(values):
            return None
        seconds = None
        if uptime:
            seconds = float(uptime)
            if not 0 <= seconds <= MAX_UPTIME_S:
                return None
        number = int(sequence) if sequence else None
        return Frame._make((line.offset, len(data), texts, values, status, number, seconds))


def number_group(name: str) -> str:
    """Return the pattern of a number that may be missing."""
    return f"(?P<{name}>{NUMBER}|)"


def count_group(name: str) -> str:
    """Return the pattern of a natural number that may be missing."""
    return f"(?P<{name}>{COUNT}|)"
