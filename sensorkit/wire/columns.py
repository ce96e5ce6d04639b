"""What many frames said, as arrays: what comes out of a decoder before it has its times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import NO_SEQUENCE, RejectReason, Words
from sensorkit.wire.codec import Codec
from sensorkit.wire.framing import Accounting, Line
from sensorkit.wire.grammar import MAX_UPTIME_S, Decoded, Frame
from sensorkit.wire.texts import Texts

NO_UPTIME = -1
"""Stands in `Columns.uptime` where the frame carried none."""


@dataclass(frozen=True, eq=False)
class Columns:
    """What n frames said, in the order of the wire."""

    offset: NDArray[np.int64]
    texts: Texts
    values: NDArray[np.float64]
    """Shape (n, n_channels), column-major."""
    status: Words
    sequence: NDArray[np.int64]
    uptime: NDArray[np.int64]
    """Nanoseconds since the device started."""
    read: NDArray[np.int64]
    """Which read of the block brought the end of the frame."""
    n_bytes: int
    """Of the lines they were in, without their line ends."""
    device: Words | None = None
    """What the frames say of whom they are; None where none of them says it."""

    def __len__(self) -> int:
        return len(self.offset)

    @classmethod
    def of(cls, frames: Sequence[Frame], read: Sequence[int], channels: int) -> Columns:
        """Take frames that a codec has made, and which read brought each."""
        n = len(frames)
        values = np.array([frame.values for frame in frames], dtype=np.float64)
        devices = [frame.device for frame in frames]
        return cls(
            offset=_ints([frame.offset for frame in frames]),
            texts=Texts.of([frame.texts for frame in frames], channels),
            values=np.asfortranarray(values.reshape((n, channels))),
            status=Words.of([frame.status for frame in frames]),
            sequence=_ints([number_of(frame) for frame in frames]),
            uptime=_ints([uptime_of(frame) for frame in frames]),
            read=_ints(read),
            n_bytes=sum([frame.length for frame in frames]),
            device=Words.of(devices) if any(devices) else None,
        )

    @classmethod
    def concat(cls, parts: Sequence[Columns]) -> Columns:
        """Join columns of the same channels, in the order given."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            offset=np.concatenate([part.offset for part in parts]),
            texts=Texts.concat([part.texts for part in parts]),
            values=np.asfortranarray(np.concatenate([part.values for part in parts])),
            status=Words.concat([part.status for part in parts]),
            sequence=np.concatenate([part.sequence for part in parts]),
            uptime=np.concatenate([part.uptime for part in parts]),
            read=np.concatenate([part.read for part in parts]),
            n_bytes=sum(part.n_bytes for part in parts),
            device=_joined(parts),
        )

    def of_rows(self, rows: NDArray[np.intp]) -> Columns:
        """Return what the timeline wants to know of *rows*, and no values."""
        return Columns(
            offset=self.offset[rows],
            texts=Texts.of([]),
            values=np.empty((len(rows), 0)),
            status=Words.constant(None, len(rows)),
            sequence=self.sequence[rows],
            uptime=self.uptime[rows],
            read=self.read[rows],
            n_bytes=0,
        )


class Refused(NamedTuple):
    """A line that is no frame."""

    line: Line
    reason: RejectReason
    read: int
    """Which read of the block brought its end."""


class Decoder(Accounting, Protocol):
    """Cuts blocks of bytes into frames and refused lines, whatever the cut."""

    mid_stream: bool
    """The next line may be the second half of one."""

    def decode(self, data: bytes, ends: NDArray[np.int64]) -> tuple[Columns, list[Refused]]:
        """Take a block of reads that end at *ends* in *data*; both results in wire order."""
        ...


def judge(codec: Codec, line: Line, mid_stream: bool) -> Decoded:
    """Return what *codec* says of one line; one that may be half a line is called so."""
    decoded = codec.decode([line])
    if not mid_stream:
        return decoded
    frames, _ = decoded
    if frames and (frames[0].checked or codec.anchored):
        return decoded
    return Decoded([], [(line, RejectReason.PARTIAL_START)])


def number_of(frame: Frame) -> int:
    """Return the sequence number as it stands in `Columns`."""
    return NO_SEQUENCE if frame.sequence is None else frame.sequence


def uptime_of(frame: Frame) -> int:
    """Return the uptime as it stands in `Columns`, in whole microseconds."""
    seconds = frame.uptime
    if seconds is None or not 0 <= seconds <= MAX_UPTIME_S:  # so one of a plug-in, too
        return NO_UPTIME
    return round(seconds * 1e6) * 1000


def _joined(parts: Sequence[Columns]) -> Words | None:
    """Return the devices of all parts, None where no part tells of one."""
    if all(part.device is None for part in parts):
        return None
    none = [Words.constant(None, len(p)) if p.device is None else p.device for p in parts]
    return Words.concat(none)


def _ints(numbers: Sequence[int]) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)
