"""Blocks of bytes to frames: by the kernel where the format allows it, else by the codec."""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import RejectReason
from sensorkit.wire.codec import Codec, Decoded
from sensorkit.wire.columns import Columns, Decoder, Refused, judge
from sensorkit.wire.framing import Line, LineFramer
from sensorkit.wire.grammar import Frame
from sensorkit.wire.kernel_decoder import KernelDecoder
from sensorkit.wire.line_codec import LineCodec


def make_decoder(codec: Codec, channels: int, devices: Container[str] | None = None) -> Decoder:
    """Return the fastest decoder for the frames of *codec*; only *devices* may speak."""
    if isinstance(codec, LineCodec):
        line, framer = codec.usual_line(), codec.framer()
        if line is not None and line.tellable and isinstance(framer, LineFramer):
            return KernelDecoder(codec, line, framer)
    return CodecDecoder(codec, channels, devices)


class CodecDecoder:
    """Takes one read after the other to the codec's framer and its lines to the codec.

    Parameters
    ----------
    codec : Codec
    channels : int
    devices : container of str, optional
        Whose frames are taken: a codec of another package may not have looked.
    """

    def __init__(self, codec: Codec, channels: int, devices: Container[str] | None = None) -> None:
        self.mid_stream = False
        self._codec = codec
        self._framer = codec.framer()
        self._channels = channels
        self._devices = devices

    @property
    def received(self) -> int:
        """Return the bytes taken so far."""
        return self._framer.received

    @property
    def terminators(self) -> int:
        """Return the bytes that ended lines."""
        return self._framer.terminators

    @property
    def passed_over(self) -> int:
        """Return the bytes of overlong lines beyond those handed out."""
        return self._framer.passed_over

    @property
    def tail(self) -> bytes:
        """Return the bytes of the line that has not ended yet."""
        return self._framer.tail

    def decode(self, data: bytes, ends: NDArray[np.int64]) -> tuple[Columns, list[Refused]]:
        """Take a block of reads; see `columns.Decoder`."""
        frames: list[Frame] = []
        reads: list[int] = []
        refused: list[Refused] = []
        start = 0
        for read, end in enumerate(ends.tolist()):
            for decoded in self._judged(self._framer.feed(data[start:end])):
                frames += decoded.frames
                reads += [read] * len(decoded.frames)
                refused += [Refused(line, reason, read) for line, reason in decoded.rejections]
            start = end
        return Columns.of(frames, reads, self._channels), refused

    def cut(self) -> Line | None:
        """End the unfinished line here; return it."""
        return self._framer.cut()

    def _judged(self, lines: list[Line]) -> Iterator[Decoded]:
        if self.mid_stream and lines:
            self.mid_stream = False
            yield self._heard(judge(self._codec, lines[0], True), lines)
            lines = lines[1:]
        if lines:
            yield self._heard(self._codec.decode(lines), lines)

    def _heard(self, decoded: Decoded, lines: list[Line]) -> Decoded:
        """Return *decoded* without the frames of devices that must not speak."""
        if self._devices is None:
            return decoded
        frames, rejections = [], list(decoded.rejections)
        by_offset = {line.offset: line for line in lines}
        for frame in decoded.frames:
            if frame.device is None or frame.device in self._devices:
                frames.append(frame)
            else:
                rejections.append((by_offset[frame.offset], RejectReason.DEVICE))
        return Decoded(frames, sorted(rejections, key=lambda refused: refused[0].offset))
