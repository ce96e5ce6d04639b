"""The one way from bytes to what a recording says: the recorder and `replay` both take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorkit.profile import Profile
from sensorkit.readings import (
    NO_SEQUENCE,
    Event,
    Readings,
    Rejection,
    RejectReason,
    Words,
)
from sensorkit.wire.codec import Frame, make_codec
from sensorkit.wire.framing import MAX_LINE_BYTES, Line, LineFramer
from sensorkit.wire.timeline import Timeline, whole_microseconds


@dataclass
class Batch:
    """What one read brought."""

    readings: Readings
    texts: list[tuple[str, ...]] = field(default_factory=list)
    """The values of each reading as they stood on the wire."""
    rejections: list[Rejection] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass
class StreamCounts:
    """What a stream held; every byte received is in one of the four places.

    `received_bytes = accepted_bytes + rejected_bytes + terminator_bytes + tail_bytes`
    """

    received_bytes: int = 0
    accepted_bytes: int = 0
    rejected_bytes: int = 0
    terminator_bytes: int = 0
    tail_bytes: int = 0
    """Of a line that has not ended."""
    frames: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    """Reason -> lines."""
    lost: int = 0
    """Frames that the device's counter says are missing."""
    resets: int = 0
    silences: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts for JSON, the rejections in alphabetical order."""
        return {**vars(self), "rejected": dict(sorted(self.rejected.items()))}


class FrameStream:
    """Bytes and the times of their reads in; readings, rejections and events out.

    The same reads give the same results, whether they come from a port or out of a raw.log, and
    whenever `advance` was called in between.

    Parameters
    ----------
    profile : Profile
    device : str, optional
        What the device column says; the profile's by default.
    started_ns : int, optional
        When listening began, nanoseconds UTC: a device that never says anything is missed from
        then on. Without it silence counts from the first frame.

    Examples
    --------
    >>> from sensorkit.profile import Profile
    >>> stream = FrameStream(Profile.load("serial_monitor"))
    >>> batch = stream.feed(1_000_000_000, bytes("T:21.5,V:5.0,S:NORMAL|T:2", "ascii"))
    >>> len(batch.readings), stream.counts.tail_bytes
    (0, 25)
    """

    def __init__(
        self, profile: Profile, *, device: str | None = None, started_ns: int | None = None
    ) -> None:
        self.profile = profile
        self.device = device or profile.device
        self._codec = make_codec(profile)
        self._framer = LineFramer(profile.frame.max_line_bytes if profile.frame else MAX_LINE_BYTES)
        heartbeat = profile.heartbeat_s
        self._timeline = Timeline(None if heartbeat is None else round(heartbeat * 1e9), started_ns)
        self._counts = StreamCounts()
        self._rejected_bytes = 0
        self._channels = profile.channel_names

    @property
    def counts(self) -> StreamCounts:
        """Return the counts so far."""
        counts, framer = self._counts, self._framer
        counts.received_bytes = framer.received
        counts.terminator_bytes = framer.terminators
        counts.tail_bytes = len(framer.tail)
        counts.rejected_bytes = self._rejected_bytes + framer.passed_over
        counts.lost = self._timeline.lost
        counts.resets = self._timeline.resets
        counts.silences = self._timeline.silences
        return counts

    @property
    def silent(self) -> bool:
        """Return whether the heartbeat is lost right now."""
        return self._timeline.silent

    def feed(self, received_ns: int, chunk: bytes) -> Batch:
        """Take what one read brought."""
        received = whole_microseconds(received_ns)
        events = self._timeline.silence(received, self._framer.received)
        return self._batch(received, self._framer.feed(chunk), events)

    def advance(self, now_ns: int) -> list[Event]:
        """Return the heartbeat that is missed at the host's *now_ns*, once."""
        return self._timeline.silence(now_ns, self._framer.received)

    def interrupt(self, now_ns: int) -> Batch:
        """Take note that the link was lost: what comes next does not continue this line."""
        events = self.advance(now_ns)
        line = self._framer.cut()
        batch = Batch(Readings.empty(self._channels), events=events)
        if line is not None:
            batch.rejections.append(
                self._reject(whole_microseconds(now_ns), line, RejectReason.CUT)
            )
        return batch

    def finish(self, now_ns: int) -> Batch:
        """Take note that nothing more comes; an unfinished line stays in `counts.tail_bytes`."""
        return Batch(Readings.empty(self._channels), events=self.advance(now_ns))

    def now(self, now_ns: int) -> int:
        """Return the time among the readings that the host's *now_ns* is."""
        return self._timeline.now(now_ns)

    def _batch(self, received: int, lines: Sequence[Line], events: list[Event]) -> Batch:
        decoded = self._codec.decode(lines)
        place, frames = self._timeline.place, decoded.frames
        times = [place(frame, received, events) for frame in frames]
        rejections = [self._reject(received, *rejection) for rejection in decoded.rejections]
        self._counts.frames += len(frames)
        self._counts.accepted_bytes += sum([frame.length for frame in frames])
        return Batch(
            self._readings(times, frames), [frame.texts for frame in frames], rejections, events
        )

    def _readings(self, times: list[int], frames: list[Frame]) -> Readings:
        n = len(frames)
        if not n:
            return Readings.empty(self._channels)
        return Readings(
            time=np.array(times, dtype=np.int64),
            values=np.array([frame.values for frame in frames], order="F"),
            channels=self._channels,
            device=Words.constant(self.device, n),
            status=Words.of([frame.status for frame in frames]),
            sequence=np.array(
                [NO_SEQUENCE if frame.sequence is None else frame.sequence for frame in frames],
                dtype=np.int64,
            ),
            offset=np.array([frame.offset for frame in frames], dtype=np.int64),
        )

    def _reject(self, received: int, line: Line, reason: RejectReason) -> Rejection:
        self._rejected_bytes += len(line.data)
        rejected = self._counts.rejected
        rejected[reason.value] = rejected.get(reason.value, 0) + 1
        return Rejection(received, line.offset, reason, line.data)
