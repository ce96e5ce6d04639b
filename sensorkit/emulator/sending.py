"""Send frames when they are due: at the device's pace, faster, or as fast as the reader takes."""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Callable, Iterable

from sensorkit.emulator.frames import EmulatedFrame, Served, ToldAhead
from sensorkit.emulator.plug import HasReader, Switch, here
from sensorkit.emulator.truth_file import TruthWriter
from sensorkit.emulator.uart import Uart
from sensorkit.errors import LinkLost
from sensorkit.wire.links import Link

# Longest sleep in one piece: how soon a stop is noticed.
NAP_S = 0.2

# Times closer than this are the same: what subtracting floats has left over is no time to sleep.
INSTANT_S = 1e-7

# A reader made with pyserial throws away, right after opening, what has already arrived.
READER_SETTLES_S = 0.1

# Frames are joined up to this size when they are sent as fast as possible: several times what a
# pseudo-terminal or a socket takes at once.
JOIN_BYTES = 65536

# And up to so many: those of a device that is silent have no bytes.
JOIN_FRAMES = 8192


class Sender:
    """Writes whole frames to a link and counts them: a frame begun is finished before the next."""

    def __init__(
        self,
        link: Link,
        stop: Callable[[], bool],
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        truth: TruthWriter | None = None,
        passed: Callable[[EmulatedFrame], None] = lambda _: None,
    ) -> None:
        self._link = link
        self._stop = stop
        self._tell = passed
        self._clock = clock
        self._sleep = sleep
        self._truth = truth
        self._switch = Switch(link, truth)
        self._unfinished = b""
        self._unfinished_at = 0
        self._at = 0
        self._started = clock()
        self.frames = 0
        self.bytes = 0
        self.lost = 0
        self.passed = 0
        self.dropped = 0

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._started

    @property
    def served(self) -> Served:
        """Return what has been sent so far."""
        return Served(self.frames, self.bytes, self.lost, self.passed, self.dropped)

    def offer(self, frame: EmulatedFrame, due_s: float) -> None:
        """Send *frame* if there is somebody to take it now; it is lost if not."""
        self.passed += 1
        self.turn(frame)
        data = frame.data
        written = 0
        if data and here(self._link):
            try:
                self._go_on()
                written = 0 if self._unfinished else self._write(data)
            except LinkLost as lost:
                self._gone(lost)
        at, self._at = self._at, self._at + len(data)
        if written:
            self.frames += 1
            self._unfinished, self._unfinished_at = data[written:], at + written
        elif data:
            self.lost += 1
            self._drop(at, len(data))
        self._note(frame, at, due_s, self.seconds)
        self._tell(frame)

    def insist(self, frames: list[EmulatedFrame]) -> None:
        """Send all *frames*, for as long as it takes the reader, or until the stop."""
        block = b"".join([frame.data for frame in frames])
        ends = list(itertools.accumulate(len(frame.data) for frame in frames))
        reached, seconds = [0], [self.seconds]
        at = 0
        torn: set[int] = set()
        while at < len(block) and not self._stop():
            if not here(self._link):
                wait_for_reader(self._link, self._stop, self._sleep)
                continue
            try:
                at += self._write(block[at:])
            except LinkLost as lost:
                self._gone(lost)
                number = bisect.bisect_right(ends, at)
                if at > (ends[number - 1] if number else 0):
                    # The next reader begins with a whole frame; this one is torn.
                    self._drop(self._at + at, ends[number] - at)
                    at = ends[number]
                    torn.add(number)
            reached.append(at)
            seconds.append(self.seconds)
        begun = bisect.bisect_right(ends, at) if at or not block else 0
        if begun < len(frames) and at > (ends[begun - 1] if begun else 0):
            begun += 1
            self._unfinished, self._unfinished_at = block[at : ends[begun - 1]], self._at + at
        for frame, end in zip(frames[:begun], ends, strict=False):
            left = min(bisect.bisect_left(reached, end), len(seconds) - 1)
            self._note(frame, self._at + end - len(frame.data), None, seconds[left])
        self.frames += sum(1 for frame in frames[:begun] if frame.data) - len(torn)
        self.lost += len(torn)
        self.passed += begun
        self._at += ends[begun - 1] if begun else 0
        for frame in frames[:begun]:
            self._tell(frame)

    def sleep_until(self, due_s: float) -> None:
        """Sleep until so many seconds after the start, or until the stop."""
        while (wait := due_s - self.seconds) > INSTANT_S and not self._stop():
            self._sleep(min(wait, NAP_S))

    def finish(self) -> None:
        """Send what is left of a frame that was begun, for at most about a second."""
        for _ in range(10):
            try:
                self._go_on()
            except LinkLost as lost:
                self._gone(lost)
            if not self._unfinished:
                return
        self._drop(self._unfinished_at, len(self._unfinished))

    def turn(self, frame: EmulatedFrame) -> None:
        """Plug the device in or out as *frame* says."""
        self._switch.turn(self.seconds, plugged=frame.plugged)

    def _go_on(self) -> None:
        """Send what there is room for of a frame that was begun."""
        written = self._write(self._unfinished)
        self._unfinished = self._unfinished[written:]
        self._unfinished_at += written

    def _write(self, data: bytes) -> int:
        written = self._link.write(data) if data else 0
        self.bytes += written
        return written

    def _drop(self, at: int, count: int) -> None:
        self.dropped += count
        if self._truth is not None:
            self._truth.dropped(at, count, self.seconds, self._switch.why_lost())

    def _note(self, frame: EmulatedFrame, at: int, due_s: float | None, written_s: float) -> None:
        if self._truth is not None and (frame.data or frame.made):
            self._truth.frame(frame, at, due_s, written_s)

    def _gone(self, lost: LinkLost) -> None:
        """Go on without a reader if another one may come; else the link is lost for good."""
        if self._unfinished:
            self._drop(self._unfinished_at, len(self._unfinished))
        self._unfinished = b""
        if not isinstance(self._link, HasReader):
            raise lost


def serve(
    frames: Iterable[EmulatedFrame],
    link: Link,
    *,
    speed: float | None = 1.0,
    baud: int | None = None,
    packet_ms: float = 1.0,
    once: bool = False,
    truth: TruthWriter | None = None,
    on_start: Callable[[], None] = lambda: None,
    on_line: Callable[[Callable[[], Served]], None] = lambda _: None,
    passed: Callable[[EmulatedFrame], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Served:
    """Send *frames* over *link*, each when it is due.

    Parameters
    ----------
    frames : iterable of EmulatedFrame
        In order of time; an empty one is a silence. Those of an iterator with a `next_s` (the due
        time of the next frame) are asked for only when they are due.
    link : Link
    speed : float, optional
        How many times faster than the device; None: as fast as the reader takes them, or as the
        line carries them.
    baud : int, optional
        Speed of the line, 8N1: bytes leave one by one as `sensorkit.emulator.uart` says, and those
        that find no room are lost. Without it the line is as fast as it can be, and frames are
        lost whole.
    packet_ms : float
        With *baud*: bytes arrive in packets, one every so many milliseconds.
    once : bool
        End when the reader leaves, instead of waiting for the next one.
    truth : TruthWriter, optional
        Told of all that is sent and lost; its `start` is the caller's, in *on_start*.
    on_start : callable
        Called when there is a reader, just before the first frame.
    on_line : callable
        Called then with a function that returns, at any time, what has been sent so far.
    passed : callable
        Called with each frame whose time has come, whether it got over the line or not.
    stop : callable
        Asked at least five times a second whether to stop.
    clock, sleep : callable
        Seconds, as `time.monotonic` and `time.sleep`.

    Returns
    -------
    Served

    Raises
    ------
    LinkLost
        If the far end goes away and no other can come (a device, a pipe).
    LinkError
        If a fault unplugs the device, and the port of *link* cannot go away.

    Notes
    -----
    The schedule is absolute: the due time of a frame counts from the start, so that sleeping too
    long once delays one frame, not all. At a speed, a frame nobody takes within a tenth of a
    second is lost; as fast as possible, the reader is waited for and nothing is lost.
    """
    begun = False

    def ended() -> bool:
        return stop() or (once and begun and not here(link))

    wait_for_reader(link, stop, sleep)
    on_start()
    begun = True
    if baud is not None:
        line = Uart(link, baud=baud, packet_ms=packet_ms, clock=clock, truth=truth, passed=passed)
        on_line(lambda: line.served)
        line.send(frames, speed=speed, stop=ended, sleep=sleep)
        return line.served
    sender = Sender(link, ended, clock, sleep, truth, passed)
    on_line(lambda: sender.served)
    if speed is None:
        _send_all(frames, sender, ended)
    else:
        _send_in_time(frames, sender, speed, ended)
    sender.finish()
    return sender.served


def wait_for_reader(link: Link, stop: Callable[[], bool], sleep: Callable[[float], object]) -> None:
    """Wait until somebody reads, if the link can tell."""
    if isinstance(link, HasReader):
        while not link.has_reader() and not stop():
            sleep(NAP_S / 4)
        sleep(READER_SETTLES_S)


def _send_in_time(
    frames: Iterable[EmulatedFrame], sender: Sender, speed: float, stop: Callable[[], bool]
) -> None:
    """Offer each of *frames* when it is due."""
    source = iter(frames)
    ahead = source if isinstance(source, ToldAhead) else None
    while True:
        # What is made at the last moment can still be changed up to then.
        if ahead is not None and (next_s := ahead.next_s) is not None:
            sender.sleep_until(next_s / speed)
            if stop():
                return
            if ahead.next_s != next_s:
                continue
        frame = next(source, None)
        if frame is None:
            return
        due_s = frame.at_s / speed
        sender.sleep_until(due_s)
        if stop():
            return
        sender.offer(frame, due_s)


def _send_all(frames: Iterable[EmulatedFrame], sender: Sender, stop: Callable[[], bool]) -> None:
    """Send *frames* joined into large blocks, for as long as the reader needs."""
    joined: list[EmulatedFrame] = []
    size = 0
    plugged = True
    for frame in frames:
        if frame.plugged != plugged:
            sender.insist(joined)
            joined, size, plugged = [], 0, frame.plugged
            sender.turn(frame)
        joined.append(frame)
        size += len(frame.data)
        if size >= JOIN_BYTES or len(joined) >= JOIN_FRAMES:
            sender.insist(joined)
            joined, size = [], 0
        if stop():
            return
    sender.insist(joined)
