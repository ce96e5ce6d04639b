"""Link to recording: the one place where port, clock and disk meet."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from sensorkit.capture.blocks import Block
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.host_watch import HostWatch
from sensorkit.capture.intake import Gone, Nothing, make_intake
from sensorkit.capture.pump_process import PumpProcess
from sensorkit.capture.writer import RecordingWriter
from sensorkit.errors import LinkError, LinkLost, RunError
from sensorkit.readings import Event, Readings
from sensorkit.wire.links import Link
from sensorkit.wire.stream import FrameStream, StreamCounts

IDLE_S = 0.2
"""Longest wait for bytes; so soon Ctrl+C, a deadline and a watcher are looked after."""

RETRY_S = (0.1, 5.0)
"""First and longest wait before a lost link is opened again; it doubles in between."""

MANY_READINGS = 1000
"""So many are yielded at once; fewer may wait for others."""


class Recorder:
    """Writes down all that a link sends and yields the readings in it, a batch a read.

    Iterate over it once; at the end, however it comes, the recording is closed. An empty batch
    says that nothing came for a while: time to look at `now`. The reads of a link with a descriptor
    are the pump's, and few readings are yielded some 17 times a second instead of at each.

    Parameters
    ----------
    link : Link
        Left open; the caller closes it (`Recorder.link`, after reconnecting).
    writer : RecordingWriter
        Closed at the end.
    stream : FrameStream, optional
        Made from the writer's profile by default.
    duration_s : float, optional
        Stop after so many seconds of the host's clock.
    frames : int, optional
        Stop once there are so many valid frames; what was read until then may hold a few more.
    max_bytes : int, optional
        Stop once raw.log, and the files that follow it, hold so many bytes.
    clock : callable, optional
        Returns nanoseconds UTC; an `AnchoredClock` by default. With any other the link is read
        in this process, for the pump could not ask it.
    stop : callable
        Asked before each read; True ends the recording in good order.
    reopen : callable, optional
        Opens the link again when it is lost. Without it a loss raises.
    sleep : callable
        Waits between two tries to open the link again.
    pump : PumpProcess, optional
        One that was started before *link* was opened, so that no byte waits for it.

    Attributes
    ----------
    now : int
        Time among the readings, nanoseconds UTC: the latest, where devices differ.
    status, reason : str
        How it ended; as in recording.json.

    Raises
    ------
    LinkLost
        While iterating, if the device goes; what came until then is a whole recording.
    RunError
        While iterating, if the disk takes no more.
    """

    def __init__(
        self,
        link: Link,
        writer: RecordingWriter,
        *,
        stream: FrameStream | None = None,
        duration_s: float | None = None,
        frames: int | None = None,
        max_bytes: int | None = None,
        clock: Callable[[], int] | None = None,
        stop: Callable[[], bool] = lambda: False,
        reopen: Callable[[], Link] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pump: PumpProcess | None = None,
    ) -> None:
        self.link = link
        self.writer = writer
        self.clock = clock or AnchoredClock()
        # What stands if it is left early: by break, or by a second Ctrl+C.
        self.status, self.reason = "aborted", "stopped in the middle"
        self.now = self._decoded = writer.started_ns
        self._duration_ns = None if duration_s is None else round(duration_s * 1e9)
        self._frames = frames
        self._max_bytes = max_bytes
        self._stop = stop
        self._reopen = reopen
        self._sleep = sleep
        self._last = self._handled = writer.started_ns
        self._watch = HostWatch(self.clock, writer.dir, writer.started_ns)
        self._gathered: list[Readings] = []
        self._yielded = 0
        self._finished = False
        self._gone_ns: int | None = None
        self._iterator: Iterator[Readings] | None = None
        self._opened = self._time()
        writer.raw.clock = self.clock
        # Early: from here on another process reads the port, whatever this one does.
        self._intake = make_intake(
            link, writer, self._time, self.clock, max_bytes=max_bytes, pump=pump
        )
        try:
            writer.use_clock(self.clock)
            self.stream = stream or FrameStream(
                writer.profile, device=writer.device, started_ns=writer.started_ns
            )
        except BaseException:
            list(self._intake.stop())
            raise

    @property
    def counts(self) -> StreamCounts:
        """Return the counts so far."""
        return self.stream.counts

    def now_by_device(self) -> dict[str, int]:
        """Return `now` by the clock of each device: what a detector's `advance` is given."""
        return self.stream.now_by_device(self._decoded)

    @property
    def lag_bytes(self) -> int:
        """Return how many bytes are on disk and not decoded yet."""
        return self._intake.lag()

    def __iter__(self) -> Iterator[Readings]:
        if self._iterator is None:
            self._iterator = self._run()
        return self._iterator

    def __next__(self) -> Readings:
        return next(iter(self))

    def close(self) -> None:
        """Close the recording if it has not come to its end; its status is then "aborted"."""
        iterator = iter(self)
        if isinstance(iterator, Generator):
            iterator.close()
        self._finish()

    def _run(self) -> Iterator[Readings]:
        try:
            self._host("link_opened", self._of_link(), self._opened)
            status, reason = yield from self._read_all()
            if self._gathered:
                yield self._hand_out()
            for block in self._intake.stop():
                yield self._take(block)
            self.status, self.reason = status, reason
        except LinkLost as error:
            self.status, self.reason = "failed", str(error)
            raise
        except RunError as error:  # the disk; the writer has given up
            self.status, self.reason = "failed", str(error)
            raise
        except KeyboardInterrupt:  # perhaps in the middle of a block: its rows are not whole
            self.writer.give_up(self.reason)
            raise
        finally:
            self._finish()

    def _read_all(self) -> Generator[Readings, None, tuple[str, str]]:
        """Read until it is time to stop; return status and reason."""
        while (end := self._end()) is None:
            left = self._left_s(self._time())
            patience = self._intake.gather_ns / 1e9 if self._gathered else IDLE_S
            match self._intake.take(max(min(patience, left), 0)):
                case Block() as block:
                    self._gathered.append(self._take(block))
                    if self._is_time_to_yield(int(block.received_ns[-1])):
                        yield self._hand_out()
                case Nothing(until):
                    if until is not None:
                        self._advance(until)
                    if until is not None or self._is_time_to_yield(self._time()):
                        yield self._hand_out()
                case Gone(at, loss):
                    if self._gathered:
                        yield self._hand_out()
                    why = "the far end closed the link" if loss is None else str(loss)
                    if self._reopen is not None:
                        yield from self._reconnect(self._reopen, why, at)
                    else:
                        self._gone_ns = at
                        if loss is None:
                            return self._ended(left)
                        self._host("link_lost", {"why": why}, at)
                        raise loss
        return end

    def _end(self) -> tuple[str, str] | None:
        """Return status and reason if it is time to stop."""
        if self._stop():
            return "complete", "stopped by the user"
        if self._left_s(self._time()) <= 0:
            return "complete", "the time was up"
        if self._frames is not None and self.counts.frames >= self._frames:
            return "complete", "the frames were there"
        if self._max_bytes is not None and self.counts.received_bytes >= self._max_bytes:
            return "complete", "the size was reached"
        if self._intake.full or not self._watch.has_room:
            return "failed", self._watch.no_room()
        return None

    def _ended(self, left: float) -> tuple[str, str]:
        """Return status and reason when the far end has closed."""
        if self._frames is not None and self.counts.frames < self._frames:
            of = f"{self.counts.frames} of {self._frames} frames"
            return "aborted", f"the far end closed the link after {of}"
        if math.isfinite(left) and not self.link.name.startswith(("file:", "-")):
            return "aborted", f"the far end closed the link {left:.1f} s before the time was up"
        return "complete", "the far end closed the link"

    def _take(self, block: Block) -> Readings:
        """Decode what is on disk, and write down what it says."""
        batch = self.stream.feed_reads(*block)
        self.writer.write(batch)
        self._pass(int(block.received_ns[-1]))
        self._check()
        return batch.readings

    def _advance(self, until: int) -> None:
        """Take note that nothing came until then."""
        self.writer.write(self.stream.finish(until))
        self._pass(until)
        self._check()

    def _pass(self, until: int) -> None:
        self._decoded = until
        self.now = self.stream.now(until)

    def _is_time_to_yield(self, received: int) -> bool:
        if received - self._yielded >= self._intake.gather_ns:
            return True
        return sum(map(len, self._gathered)) >= MANY_READINGS

    def _hand_out(self) -> Readings:
        """Return the readings that have waited to be yielded together."""
        gathered, self._gathered = self._gathered, []
        self._yielded = self._time()
        if len(gathered) == 1:
            return gathered[0]
        return Readings.concat([Readings.empty(self.writer.profile.channel_names), *gathered])

    def _check(self) -> None:
        """Look now and then at what only the host can see."""
        now = self._time()
        if self._watch.is_room_due(now):
            decoded = self.counts.received_bytes
            self._intake.decoded(decoded)
            try:
                self._watch.look_for_room(decoded, self._intake.lag())
            except OSError:
                self.writer.check()  # says what was removed
                raise
        if self._watch.is_due(now):
            self.writer.check()
            for kind, details in self._watch.events(self.link):
                self._host(kind, details)

    def _of_link(self) -> dict[str, Any]:
        return {
            "link": self.link.name,
            "mid_stream": bool(getattr(self.link, "mid_stream", False)),
        }

    def _host(self, kind: str, details: dict[str, Any], at: int | None = None) -> None:
        """Write down what only the host can see; `replay` takes it over as it is.

        Its time is not ahead of bytes that wait to be decoded, so that `replay` puts it where it
        stands here.
        """
        self._handled = max(self._intake.now() if at is None else at, self._handled)
        offset = self.counts.received_bytes
        event = Event(self._handled, kind, offset, {**details, "origin": "host"})
        self.writer.write(self.stream.host(event))

    def _reconnect(self, reopen: Callable[[], Link], why: str, at: int) -> Iterator[Readings]:
        """Open the link again, trying less and less often; yields while it waits."""
        self._host("link_lost", {"why": why}, at)
        with contextlib.suppress(LinkLost, OSError):
            self.link.close()
        wait, tries = RETRY_S[0], 0
        again = self._time()
        while not self._stop() and self._left_s(self._time()) > 0:
            if self._time() >= again:
                tries += 1
                try:
                    self.link = reopen()
                except (LinkError, LinkLost):
                    again = self._time() + round(wait * 1e9)
                    wait = min(2 * wait, RETRY_S[1])
                else:
                    self._watch.reopened()
                    self._host("link_back", {**self._of_link(), "tries": tries}, self._time())
                    self._intake.open(self.link)
                    return
            self._sleep(min(RETRY_S[0], IDLE_S))
            self._advance(self._time())
            yield self._hand_out()

    def _left_s(self, now: int) -> float:
        """Return the seconds until the time is up; infinite where none was set."""
        if self._duration_ns is None:
            return math.inf
        return (self.writer.started_ns + self._duration_ns - now) / 1e9

    def _finish(self) -> None:
        """Stop reading, decode what was read, and close the recording."""
        if self._finished:
            return
        self._finished = True
        with contextlib.closing(self._intake.stop()) as blocks:
            for block in blocks:
                if self.writer.closed:
                    break
                try:
                    self._take(block)
                except KeyboardInterrupt:
                    self.writer.give_up(self.reason)
                    raise
        if self.writer.closed:
            return
        # Not when the last byte was decoded: a lag is no silence of the device.
        now = max(self._gone_ns or self._intake.stopped_ns or self._time(), self._handled)
        self.writer.write(self.stream.finish(now))
        self.writer.close(self.status, self.reason, ended_ns=now, counts=self.counts)

    def _time(self) -> int:
        """Return the time, never before one already given."""
        self._last = max(self.clock(), self._last)
        return self._last


record = Recorder
"""To be called as `for readings in record(link, writer)`."""
