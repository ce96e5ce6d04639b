"""The one way from bytes to what a recording says: the recorder and `replay` both take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import PluginFrame, Profile
from sensorkit.readings import (
    Event,
    Readings,
    Rejection,
    RejectReason,
    Words,
)
from sensorkit.wire.codec import make_codec
from sensorkit.wire.decoder import make_decoder
from sensorkit.wire.device_names import DeviceNames
from sensorkit.wire.framing import Line
from sensorkit.wire.texts import Texts
from sensorkit.wire.timeline import whole_microseconds
from sensorkit.wire.timelines import Timelines


class Batch:
    """What a read, or a block of reads, brought.

    Attributes
    ----------
    readings : Readings
    texts : Texts
        The values of each reading as they stood on the wire.
    rejections : list of Rejection
    events : list of Event
    """

    def __init__(
        self,
        readings: Readings,
        texts: Texts | None = None,
        rejections: list[Rejection] | None = None,
        events: list[Event] | None = None,
    ) -> None:
        self.readings = readings
        self.texts = Texts.of([], len(readings.channels)) if texts is None else texts
        self.rejections = [] if rejections is None else rejections
        self.events = [] if events is None else events


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
        What the device column says where the frames do not; the profile's by default.
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
        foreign = isinstance(profile.frame, PluginFrame)
        names = DeviceNames(profile) if foreign else None
        self._decoder = make_decoder(make_codec(profile), len(profile.channels), names)
        heartbeat = profile.heartbeat_s
        named = profile.frame is not None and profile.frame.names_device
        self._timelines = Timelines(
            None if heartbeat is None else round(heartbeat * 1e9),
            started_ns,
            profile.devices if named else (),
        )
        self._counts = StreamCounts()
        self._rejected_bytes = 0
        self._channels = profile.channel_names

    @property
    def counts(self) -> StreamCounts:
        """Return the counts so far."""
        counts, decoder = self._counts, self._decoder
        counts.received_bytes = decoder.received
        counts.terminator_bytes = decoder.terminators
        counts.tail_bytes = len(decoder.tail)
        counts.rejected_bytes = self._rejected_bytes + decoder.passed_over
        counts.lost = self._timelines.lost
        counts.resets = self._timelines.resets
        counts.silences = self._timelines.silences
        return counts

    @property
    def silent(self) -> bool:
        """Return whether the heartbeat is lost right now; of several devices, that of all."""
        return len(self._timelines.silent) == len(self._timelines)

    @property
    def silent_devices(self) -> tuple[str, ...]:
        """Return the devices whose heartbeat is lost right now."""
        return tuple([name or self.device for name in self._timelines.silent])

    def feed(self, received_ns: int, chunk: bytes) -> Batch:
        """Take what one read brought."""
        return self.feed_reads(
            chunk, np.array([received_ns], dtype=np.int64), np.array([len(chunk)], dtype=np.int64)
        )

    def feed_reads(
        self, data: bytes, received_ns: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> Batch:
        """Take what many reads brought; the same comes out as from feeding them one by one.

        Parameters
        ----------
        data : bytes
            Those of all reads, joined.
        received_ns, lengths : arrays of int64, shape (n_reads,)
            When each read was, nanoseconds UTC, and how many of the bytes it brought.
        """
        ends = np.cumsum(lengths)
        if len(data) != (ends[-1] if len(ends) else 0):
            raise ValueError(f"the reads have {lengths.sum()} bytes together, data {len(data)}")
        received = received_ns - received_ns % 1000
        before = self._decoder.received + ends - lengths
        columns, refused = self._decoder.decode(data, ends)
        times, events = self._timelines.follow(columns, received, before)
        rejections = [
            self._reject(int(received[read]), line, reason) for line, reason, read in refused
        ]
        n = len(columns)
        self._counts.frames += n
        self._counts.accepted_bytes += columns.n_bytes
        readings = Readings(
            time=times,
            values=columns.values,
            channels=self._channels,
            device=self._devices(columns.device, n),
            status=columns.status,
            sequence=columns.sequence,
            offset=columns.offset,
        )
        return Batch(readings, columns.texts, rejections, events)

    def joined(self, mid_stream: bool) -> None:
        """Take note that the link was opened (again).

        Parameters
        ----------
        mid_stream : bool
            What comes first may be the middle of a line (a serial port). The next line is then
            rejected as `partial_start` if it is no frame, or if nothing in it could tell that its
            beginning is missing: no checksum, and fields that are known by their place alone.
        """
        self._decoder.mid_stream = mid_stream

    def host(self, event: Event) -> Batch:
        """Take note of what only the host saw, with all that it means for the stream.

        A lost link ends the line it was in; one that was opened is `joined`, in mid-stream where
        the event's details say so (`mid_stream`).
        """
        batch = self.finish(event.time)
        batch.events.append(event)
        if event.kind == "link_lost":
            batch.rejections += self.interrupt(event.time).rejections
        elif event.kind in {"link_opened", "link_back"}:
            self.joined(bool(event.details.get("mid_stream")))
        return batch

    def advance(self, now_ns: int) -> list[Event]:
        """Return the heartbeat that is missed at the host's *now_ns*, once."""
        return self._timelines.silence(now_ns, self._decoder.received)

    def interrupt(self, now_ns: int) -> Batch:
        """Take note that the link was lost: what comes next does not continue this line."""
        events = self.advance(now_ns)
        line = self._decoder.cut()
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
        """Return the time among the readings that the host's *now_ns* is: the latest there is."""
        return max(self._timelines.now(now_ns).values())

    def now_by_device(self, now_ns: int) -> dict[str, int]:
        """Return the time of each device at the host's *now_ns*: their clocks may differ."""
        return {name or self.device: now for name, now in self._timelines.now(now_ns).items()}

    def _devices(self, told: Words | None, n: int) -> Words:
        if told is None:
            return Words.constant(self.device, n)
        absent = told.codes < 0
        if not absent.any():
            return told
        names = told.vocabulary
        names = names if self.device in names else (*names, self.device)
        codes = np.where(absent, names.index(self.device), told.codes).astype(np.int32)
        return Words(codes, names)

    def _reject(self, received: int, line: Line, reason: RejectReason) -> Rejection:
        self._rejected_bytes += len(line.data)
        rejected = self._counts.rejected
        rejected[reason.value] = rejected.get(reason.value, 0) + 1
        return Rejection(received, line.offset, reason, line.data)
