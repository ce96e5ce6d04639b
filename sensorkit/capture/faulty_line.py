"""A raw.log as it would have arrived over a faulty line."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sensorkit.capture import layout
from sensorkit.capture.reader import Recording
from sensorkit.faults.placing import Placed
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.transport import distort, distort_times
from sensorkit.readings import Event, Readings, parse_time
from sensorkit.wire.stream import Batch, FrameStream

ANYWHERE = 1 << 62

_LINES = re.compile(rb"[^\n]*\n|[^\n]+\Z")


class FaultyLine:
    """Reads the raw.log of a captured recording once more, with transport faults on the line.

    Parameters
    ----------
    parent : Recording
    readings : Readings
        Those of the parent; the rows of the faults are theirs.
    faults : sequence of Placed
        Of transport kinds. What they hit is every line from their first reading until the first
        reading after them, rejected ones among them.
    plan : FaultPlan
        The plan they are from.
    seed : int
    """

    def __init__(
        self,
        parent: Recording,
        readings: Readings,
        faults: Sequence[Placed],
        plan: FaultPlan,
        seed: int,
    ) -> None:
        self._parent = parent
        self._plan, self._seed = plan, seed
        offsets = readings.offset
        size = (parent.dir / layout.RAW).stat().st_size
        # A captured recording has one device, so rows of the device are rows of the readings.
        self._ranges = sorted(
            (
                int(offsets[placed.start_index]),
                int(offsets[placed.stop_index]) if placed.stop_index < len(offsets) else size,
                placed,
            )
            for placed in faults
        )
        self._stream = FrameStream(
            parent.profile,
            device=parent.meta["device"],
            started_ns=parse_time(parent.meta["started"]),
        )
        # Where pieces of what arrived begin, and where they stood in raw.log.
        self._arrived = [0]
        self._stood = [0]
        # The last place that a piece may stand for: that of a longer one is still its own line.
        self._limits = [ANYWHERE]
        self._sent = 0
        self.late: list[tuple[int, int, int]] = []
        """Lines that were held up: place in raw.log, when they were read, when they arrive."""
        self._held = 0

    def batches(self) -> Iterator[Batch]:
        """Yield what each read brings, offsets as in the parent's raw.log."""
        told = [
            Event(parse_time(event["time"]), event["kind"], event["offset"], event["details"])
            for event in self._parent.events()
            if event["details"].get("origin") == "host"
        ]
        for at, size, received, piece in self._pieces():
            while told and told[0].offset <= at:
                yield from self._host(told.pop(0))
            yield self._feed(at, size, received, piece)
        for event in told:
            yield from self._host(event)
        ended = max(parse_time(self._parent.meta["ended"]), self._held)
        yield self._mapped(self._stream.finish(ended))

    def _pieces(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (offset in raw.log, bytes there, received_ns, bytes that arrive instead)."""
        ranges = list(self._ranges)
        inside = bytearray()
        reads: list[tuple[int, int]] = []
        at = 0
        for received, chunk in self._parent.raw():
            end = at + len(chunk)
            while at < end:
                start, stop, placed = ranges[0] if ranges else (end, end, None)
                piece = chunk[len(chunk) - (end - at) :]
                if placed is None or at < start:
                    piece = piece[: start - at]
                    yield at, len(piece), received, piece
                    at += len(piece)
                    continue
                piece = piece[: stop - at]
                inside += piece
                at += len(piece)
                reads.append((at, received))
                if at == stop:
                    yield from self._distorted(start, bytes(inside), reads, placed)
                    ranges.pop(0)
                    inside.clear()
                    reads.clear()

    def _distorted(
        self, start: int, data: bytes, reads: Sequence[tuple[int, int]], placed: Placed
    ) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield each line of a faulty range, at the read that brought its end."""
        lines = _LINES.findall(data)
        ends = [end for end, _ in reads]
        stops = start + np.cumsum([len(line) for line in lines])
        read = np.array(
            [reads[bisect.bisect_left(ends, stop)][1] for stop in stops.tolist()], dtype=np.int64
        )
        arrival = distort_times(read, placed, self._plan, self._seed)
        if arrival is not read:
            starts = stops - np.array([len(line) for line in lines])
            self.late += zip(starts.tolist(), read.tolist(), arrival.tolist(), strict=True)
        for line, arrives, received in zip(
            lines, distort(lines, placed, self._plan, self._seed), arrival.tolist(), strict=True
        ):
            if arrival is not read:
                self._held = received
            yield start, len(line), received, arrives
            start += len(line)

    def _feed(self, at: int, size: int, received: int, piece: bytes) -> Batch:
        # What comes after a line that was held up waits for it.
        received = max(received, self._held)
        if not piece:
            return Batch(Readings.empty(self._parent.profile.channel_names))
        limit = ANYWHERE if size == len(piece) else at + size - 1
        moved = at - self._sent != self._stood[-1] - self._arrived[-1]
        if moved or limit != self._limits[-1]:
            self._arrived.append(self._sent)
            self._stood.append(at)
            self._limits.append(limit)
        self._sent += len(piece)
        return self._mapped(self._stream.feed(received, piece))

    def _host(self, event: Event) -> Iterator[Batch]:
        """Take over what only the host saw, with all that it means for the stream."""
        batch = self._mapped(self._stream.host(event))
        batch.events[-1] = event  # its place is that in the parent already
        yield batch

    def _mapped(self, batch: Batch) -> Batch:
        """Return *batch* with its offsets as they are in the parent's raw.log."""
        offsets = [self._back(offset) for offset in batch.readings.offset.tolist()]
        return Batch(
            replace(batch.readings, offset=np.array(offsets, dtype=np.int64)),
            batch.texts,
            [replace(r, offset=self._back(r.offset)) for r in batch.rejections],
            [replace(e, offset=self._back(e.offset)) for e in batch.events],
        )

    def _back(self, offset: int) -> int:
        """Return where the byte that arrived as number *offset* stood in raw.log."""
        piece = bisect.bisect_right(self._arrived, offset) - 1
        return min(offset - self._arrived[piece] + self._stood[piece], self._limits[piece])
