"""Link to recording: the one place where port, clock and disk meet."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.writer import RecordingWriter
from sensorkit.errors import LinkError, LinkLost, RunError
from sensorkit.readings import Event, Readings
from sensorkit.wire.links import CountsOverruns, Link
from sensorkit.wire.stream import FrameStream, StreamCounts

IDLE_S = 0.2
"""Longest wait for bytes; so soon Ctrl+C, a deadline and a watcher are looked after."""

CHECK_S = 1.0
"""How often the wall clock and the driver's overrun counter are looked at."""

RETRY_S = (0.1, 5.0)
"""First and longest wait before a lost link is opened again; it doubles in between."""


class Recorder:
    """Writes down all that a link sends and yields the readings in it, a batch a read.

    Iterate over it once; at the end, however it comes, the recording is closed. An empty batch
    says that nothing came for a while: time to look at `now`.

    Attributes
    ----------
    now : int
        Time among the readings, nanoseconds UTC: what a detector's `advance` is given.
    status, reason : str
        How it ended; as in recording.json.
    """

    def __init__(
        self,
        link: Link,
        writer: RecordingWriter,
        *,
        stream: FrameStream | None = None,
        duration_s: float | None = None,
        frames: int | None = None,
        clock: Callable[[], int] | None = None,
        stop: Callable[[], bool] = lambda: False,
        reopen: Callable[[], Link] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.link = link
        self.writer = writer
        self.clock = clock or AnchoredClock()
        self.stream = stream or FrameStream(
            writer.profile, device=writer.device, started_ns=writer.started_ns
        )
        # What stands if it is left early: by break, or by a second Ctrl+C.
        self.status, self.reason = "aborted", "stopped in the middle"
        self.now = writer.started_ns
        self._duration_ns = None if duration_s is None else round(duration_s * 1e9)
        self._frames = frames
        self._stop = stop
        self._reopen = reopen
        self._sleep = sleep
        self._last = writer.started_ns
        self._checked = writer.started_ns
        self._overruns = 0
        self._iterator: Iterator[Readings] | None = None

    @property
    def counts(self) -> StreamCounts:
        """Return the counts so far."""
        return self.stream.counts

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
            self._host("link_opened", {"link": self.link.name})
            status, reason = yield from self._read_all()
            self.status, self.reason = status, reason
        except LinkLost as error:
            self.status, self.reason = "failed", str(error)
            raise
        except RunError as error:  # the disk; the writer has given up
            self.status, self.reason = "failed", str(error)
            raise
        finally:
            self._finish()

    def _read_all(self) -> Generator[Readings, None, tuple[str, str]]:
        """Read until it is time to stop; return status and reason."""
        while True:
            now = self._time()
            if self._stop():
                return "complete", "stopped by the user"
            left = self._left_s(now)
            if left <= 0:
                return "complete", "the time was up"
            if self._frames is not None and self.counts.frames >= self._frames:
                return "complete", "the frames were there"
            try:
                chunk = self.link.read(min(IDLE_S, left))
            except LinkLost as error:
                if self._reopen is None:
                    self._lost(str(error))
                    raise
                yield from self._reconnect(self._reopen, str(error))
                continue
            if chunk is None:
                if self._reopen is None:
                    return self._ended(left)
                yield from self._reconnect(self._reopen, "the far end closed the link")
                continue
            yield self._take(chunk) if chunk else self._idle()

    def _ended(self, left: float) -> tuple[str, str]:
        """Return status and reason when the far end has closed."""
        if self._frames is not None:
            of = f"{self.counts.frames} of {self._frames} frames"
            return "aborted", f"the far end closed the link after {of}"
        if math.isfinite(left) and not self.link.name.startswith(("file:", "-")):
            return "aborted", f"the far end closed the link {left:.1f} s before the time was up"
        return "complete", "the far end closed the link"

    def _take(self, chunk: bytes) -> Readings:
        received = self._time()
        self.writer.write_raw(received, chunk)  # first: a crash below must not lose bytes
        batch = self.stream.feed(received, chunk)
        self.writer.write(batch)
        self.now = self.stream.now(received)
        self._check(received)
        return batch.readings

    def _idle(self) -> Readings:
        now = self._time()
        nothing = Readings.empty(self.writer.profile.channel_names)
        self.writer.append(nothing, events=self.stream.advance(now))
        self.now = self.stream.now(now)
        self._check(now)
        return nothing

    def _check(self, now: int) -> None:
        """Look now and then at what only the host can see."""
        if now - self._checked < CHECK_S * 1e9:
            return
        self._checked = now
        if isinstance(self.clock, AnchoredClock) and (step := self.clock.step_s()) is not None:
            self._host("clock_step", {"step_s": round(step, 6)})
        if isinstance(self.link, CountsOverruns):
            total = self.link.overruns()
            if total is not None and total > self._overruns:
                self._host("overrun", {"bytes": total - self._overruns})
                self._overruns = total

    def _host(self, kind: str, details: dict[str, Any]) -> int:
        """Write down what only the host can see; `replay` takes it over as it is."""
        now = self._time()
        events = self.stream.advance(now)
        offset = self.counts.received_bytes
        events.append(Event(now, kind, offset, {**details, "origin": "host"}))
        self.writer.append(Readings.empty(self.writer.profile.channel_names), events=events)
        return now

    def _lost(self, why: str) -> None:
        now = self._host("link_lost", {"why": why})
        # What came before the loss and what comes after do not make a line together.
        self.writer.write(self.stream.interrupt(now))

    def _reconnect(self, reopen: Callable[[], Link], why: str) -> Iterator[Readings]:
        """Open the link again, trying less and less often; yields while it waits."""
        self._lost(why)
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
                    self._overruns = 0
                    self._host("link_back", {"link": self.link.name, "tries": tries})
                    return
            self._sleep(min(RETRY_S[0], IDLE_S))
            yield self._idle()

    def _left_s(self, now: int) -> float:
        """Return the seconds until the time is up; infinite where none was set."""
        if self._duration_ns is None:
            return math.inf
        return (self.writer.started_ns + self._duration_ns - now) / 1e9

    def _finish(self) -> None:
        if self.writer.closed:
            return
        now = self._time()
        self.writer.write(self.stream.finish(now))
        self.writer.close(self.status, self.reason, ended_ns=now, counts=self.counts)

    def _time(self) -> int:
        """Return the time, never before one already given."""
        self._last = max(self.clock(), self._last)
        return self._last


def record(
    link: Link,
    writer: RecordingWriter,
    *,
    stream: FrameStream | None = None,
    duration_s: float | None = None,
    frames: int | None = None,
    clock: Callable[[], int] | None = None,
    stop: Callable[[], bool] = lambda: False,
    reopen: Callable[[], Link] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Recorder:
    """Write down all that *link* sends and yield the readings in it, a batch a read.

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
        Stop once there are so many valid frames; the last read may bring a few more.
    clock : callable, optional
        Returns nanoseconds UTC; an `AnchoredClock` by default.
    stop : callable
        Asked before each read; True ends the recording in good order.
    reopen : callable, optional
        Opens the link again when it is lost. Without it a loss raises.
    sleep : callable
        Waits between two tries to open the link again.

    Returns
    -------
    Recorder
        An iterator of Readings.

    Raises
    ------
    LinkLost
        While iterating, if the device goes; what came until then is a whole recording.
    RunError
        While iterating, if the disk takes no more.
    """
    return Recorder(
        link,
        writer,
        stream=stream,
        duration_s=duration_s,
        frames=frames,
        clock=clock,
        stop=stop,
        reopen=reopen,
        sleep=sleep,
    )
