"""What the codecs of all line formats share: reading a line with patience, and its checksum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from sensorkit.profile import Profile
from sensorkit.profile.frame_base import LineSection
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Framer, Line, LineEnd, LineFramer
from sensorkit.wire.grammar import (
    Decoded,
    Frame,
    Grammar,
    Reject,
)
from sensorkit.wire.usual_line import UsualLine

Required = bool | Literal["once_seen"]
"""Whether a frame without a checksum is rejected; once_seen: after the first with a right one."""


class LineCodec(ABC):
    """Reads and writes one frame format.

    `parse` is the definition of the format. A format that tells its `usual_line` has those lines
    read by a kernel, which agrees with `parse` (the tests say so); any other goes to `parse`.

    A codec belongs to one stream, for it remembers whether that has had a checksum.

    Attributes
    ----------
    anchored : bool
        The second half of a frame cannot be taken for a frame: its fields have names, or it has a
        start sign. False where fields are known by their place alone.
    """

    anchored = True

    def __init__(
        self,
        profile: Profile,
        *,
        kind: checksum.Kind,
        required: Required,
        separators: Sequence[str] = (),
    ) -> None:
        self.profile = profile
        self.grammar = Grammar(profile, separators)
        self.kind: checksum.Kind = kind
        self.digits = checksum.DIGITS[kind]
        self.required = required
        self.demands_checksum = required is True
        form = profile.frame
        self._line_end: LineEnd = form.line_end if isinstance(form, LineSection) else "lf"

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
        device: str | None = None,
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
        device : str, optional
            For a format whose frames name their device: by default the first of the profile.
        """

    def framer(self) -> Framer:
        """Return what cuts the stream into the lines of this format."""
        form = self.profile.frame
        if form is None:
            return LineFramer()
        return LineFramer(form.max_line_bytes, line_end=self._line_end)

    @property
    def terminator(self) -> bytes:
        """Return what a device sends after each frame."""
        return b"\r" if self._line_end == "cr" else b"\n"

    def usual_line(self) -> UsualLine | None:
        """Return what the lines look like that a kernel may read, or None if that is not told."""
        return None

    def decode(self, lines: Sequence[Line]) -> Decoded:
        """Return the frames and the rejections in *lines*."""
        frames: list[Frame] = []
        rejections: list[tuple[Line, RejectReason]] = []
        for line in lines:
            try:
                frame = self.parse(line)
            except Reject as reject:
                rejections.append((line, reject.reason))
                continue
            frames.append(frame)
            if frame.checked and self.required == "once_seen":
                self.demands_checksum = True
        return Decoded(frames, rejections)

    def body(self, line: Line, text: str) -> str:
        """Return *text* without its checksum, once that has been found right."""
        body, right = checksum.split(line.data, self.kind)
        if right is None:
            if self.demands_checksum:
                raise Reject(RejectReason.CHECKSUM_MISSING)
            return text
        if not right:
            raise Reject(RejectReason.CHECKSUM)
        return body.decode("latin-1")

    def frame(
        self,
        line: Line,
        texts: tuple[str | None, ...],
        values: tuple[float, ...],
        status: str | None,
        sequence: int | None,
        uptime: float | None,
        device: str | None = None,
    ) -> Frame:
        """Return the frame, once its values are found in range."""
        if not self.grammar.in_range(values):
            raise Reject(RejectReason.RANGE)
        # `body` has rejected the line if its checksum is wrong.
        checked = self.kind != "none" and b"*" in line.data
        told = (texts, values, status, sequence, uptime, checked, device)
        return Frame(line.offset, len(line.data), *told)

    def speaker(self, device: str | None) -> str:
        """Return the name that a frame carries when it is of *device*."""
        return device or next(iter(self.profile.devices), self.profile.device)
