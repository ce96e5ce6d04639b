"""A serial line as a UART has it: bytes leave at its speed, and what finds no room is lost."""

from __future__ import annotations

import math
import select
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from sensorkit.emulator.frames import EmulatedFrame, Served, ToldAhead
from sensorkit.emulator.plug import HasReader, Switch, here
from sensorkit.emulator.truth_file import TruthWriter
from sensorkit.errors import LinkLost, UsageError
from sensorkit.wire.links import Link

BITS_PER_BYTE = 10
"""A start bit, eight data bits, a stop bit (8N1)."""

FIFO_BYTES = 8192
"""Most bytes that are handed over at once, even when the emulator was held up. An empty
pseudo-terminal takes 13 824: catching up never costs a reader that keeps up a byte."""

# Frames are made so far ahead of the line, in the time in which it has nothing to hand over.
AHEAD_S = 0.02

NAP_S = 0.2

# Times closer than this are the same: what subtracting floats has left over is no time to sleep.
INSTANT_S = 1e-7

# Times that are equal differ by what adding floats has left over.
EPSILON = 1e-6


@runtime_checkable
class HasDescriptor(Protocol):
    """A link that can be asked whether it has room."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


class _Passing:
    """A frame on its way over the line."""

    __slots__ = ("at", "begin", "damaged", "due_s", "frame", "gone")

    def __init__(self, frame: EmulatedFrame, at: int, due_s: float | None, begin: float) -> None:
        self.frame = frame
        self.at = at
        self.due_s = due_s
        self.begin = begin
        self.gone = 0
        self.damaged = False


class Uart:
    """Hands the bytes of frames over when they would have arrived on a line of *baud*.

    A byte takes ten bits. It is handed over with the packet that its last bit falls into; the
    writer never waits: a byte that finds no room then, or no reader, is lost, as a UART loses it
    whose driver is full.

    Parameters
    ----------
    link : Link
    baud : int
    packet_ms : float
        1: full-speed USB. 16: an adapter with the latency timer of FTDI. A packet that is full
        (half of `FIFO_BYTES`) leaves earlier.
    clock : callable
        Seconds.
    truth : TruthWriter, optional
    passed : callable
        Called with each frame that is over.

    Notes
    -----
    The schedule is absolute. A device that has more to say than the line carries falls behind and
    loses nothing. When the emulator itself was held up it makes up for at most `FIFO_BYTES`; the
    line then counts as having stood still for the rest (`Served.held_s`): a stall of ours is not
    to look like a slow reader.
    """

    def __init__(
        self,
        link: Link,
        *,
        baud: int,
        packet_ms: float = 1.0,
        clock: Callable[[], float],
        truth: TruthWriter | None = None,
        passed: Callable[[EmulatedFrame], None] = lambda _: None,
    ) -> None:
        if not 50 <= baud <= 100_000_000:
            raise UsageError(f"a line of {baud} baud is not possible; 50 to 100000000 are")
        if not 0.05 <= packet_ms <= 1000:
            raise UsageError(f"packets every {packet_ms:g} ms are not possible; 0.05 to 1000 are")
        self._link = link
        self._byte_s = BITS_PER_BYTE / baud
        self._packet_s = min(packet_ms / 1000, FIFO_BYTES / 2 * self._byte_s)
        self._clock = clock
        self._truth = truth
        self._tell = passed
        self._switch = Switch(link, truth)
        self._plugged = True
        self._ahead_s = max(AHEAD_S, 2 * self._packet_s)
        self._source: Iterator[EmulatedFrame] = iter(())
        self._told: ToldAhead | None = None
        self._speed: float | None = None
        self._ended = False
        self._queue: deque[_Passing] = deque()
        self._started = clock()
        self._free = 0.0  # when the line has nothing more to carry
        self._end = 0  # position after the last frame on the line
        self._at = 0  # position of the next byte to hand over
        self._frames = self._lost = self._passed = 0
        self._bytes = self._dropped = 0
        self._held_s = 0.0

    @property
    def served(self) -> Served:
        """Return what has been sent so far."""
        return Served(
            self._frames, self._bytes, self._lost, self._passed, self._dropped, self._held_s
        )

    def send(
        self,
        frames: Iterable[EmulatedFrame],
        *,
        speed: float | None,
        stop: Callable[[], bool],
        sleep: Callable[[float], object],
    ) -> None:
        """Send *frames*; those of a device as fast as possible follow each other without a gap."""
        self._source, self._speed = iter(frames), speed
        self._told = self._source if isinstance(self._source, ToldAhead) else None
        while True:
            while self._short(self._now() + self._ahead_s) and not self._pressed():
                self._add()
            if self._ended and not self._queue:
                return
            if not self._queue:
                sleep(min(max(self._early_s(self._now()), INSTANT_S), NAP_S))
                if stop():
                    return
                continue
            while (wait := self._wake() - self._now()) > INSTANT_S and not stop():
                sleep(min(wait, NAP_S))
            if stop():
                self._finish()
                return
            now = self._now()
            # Overslept: what is due by now, as far as it may be made up for.
            while self._short(now) and self._end - self._at <= FIFO_BYTES:
                self._add()
            self._hand_over(now)

    def _short(self, until: float) -> bool:
        """Return whether the queue has nothing for some of the time *until* then."""
        short = not self._ended and (not self._queue or self._free < until)
        return short and self._early_s(until - self._ahead_s) <= 0

    def _early_s(self, now: float) -> float:
        """Return how long the next frame need not be made yet: it can still be changed."""
        if self._told is None or self._speed is None:
            return 0.0
        next_s = self._told.next_s
        return 0.0 if next_s is None else next_s / self._speed - self._ahead_s - now

    def _pressed(self) -> bool:
        """Return whether something is to be handed over now."""
        return bool(self._queue) and self._now() >= self._wake()

    def _now(self) -> float:
        """Return the seconds since the start on the clock of the line."""
        return self._clock() - self._started - self._held_s

    def _add(self) -> None:
        """Put the next frame on the line."""
        frame = next(self._source, None)
        if frame is None:
            self._ended = True
            return
        due_s = None if self._speed is None else frame.at_s / self._speed
        begin = self._free if due_s is None else max(due_s, self._free)
        self._queue.append(_Passing(frame, self._end, due_s, begin))
        self._free = begin + len(frame.data) * self._byte_s
        self._end += len(frame.data)

    def _wake(self) -> float:
        """Return when there is something to do: the packet of the next byte, or a silence."""
        first = self._queue[0]
        if not first.frame.data:
            return first.begin
        arrives = first.begin + (first.gone + 1) * self._byte_s
        return math.ceil(arrives / self._packet_s - EPSILON) * self._packet_s

    def _hand_over(self, now: float) -> None:
        """Write the packets that are complete; what finds no room is lost."""
        touched = self._arrived(now)
        data = b"".join([piece for _, piece in touched])
        seconds = self._clock() - self._started
        if data:
            written = self._write(data)
            if written < len(data):
                self._lose(written, data, touched, seconds)
            self._at += len(data)
        while self._queue and self._queue[0].gone == len(self._queue[0].frame.data):
            if (
                self._queue[0].begin > now + INSTANT_S
                or self._queue[0].frame.plugged != self._plugged
            ):
                break
            self._pass(self._queue.popleft(), seconds)

    def _arrived(self, now: float) -> list[tuple[_Passing, bytes]]:
        """Return the pieces of frames whose time has come, in order."""
        grid = math.floor(now / self._packet_s + EPSILON) * self._packet_s
        touched: list[tuple[_Passing, bytes]] = []
        room = FIFO_BYTES
        for passing in self._queue:
            frame = passing.frame
            if passing.begin > now + INSTANT_S:
                break
            if frame.plugged != self._plugged:
                if passing is not self._queue[0]:
                    break  # those before it have to pass first
                self._switch.turn(self._clock() - self._started, plugged=frame.plugged)
                self._plugged = frame.plugged
            count = int((grid - passing.begin) / self._byte_s + EPSILON) - passing.gone
            count = min(count, len(frame.data) - passing.gone)
            if count > room:
                # Behind by more than may be made up for: the line stood still meanwhile.
                stood = grid - passing.begin - (passing.gone + room) * self._byte_s
                self._held_s += stood
                if self._truth is not None:
                    self._truth.held(self._clock() - self._started, stood)
                count = room
            if count > 0:
                touched.append((passing, frame.data[passing.gone : passing.gone + count]))
                passing.gone += count
                room -= count
            if passing.gone < len(frame.data):
                break
        return touched

    def _write(self, data: bytes) -> int:
        """Write what there is room for now; return how many bytes that was."""
        if not here(self._link):
            return 0
        if isinstance(self._link, HasDescriptor):
            fd = self._link.fileno()
            if fd >= 0 and not select.select([], [fd], [], 0)[1]:
                return 0
        try:
            written = self._link.write(data)
        except LinkLost:
            if not isinstance(self._link, HasReader):
                raise
            written = 0
        self._bytes += written
        return written

    def _lose(
        self, written: int, data: bytes, touched: list[tuple[_Passing, bytes]], seconds: float
    ) -> None:
        self._dropped += len(data) - written
        if self._truth is not None:
            self._truth.dropped(
                self._at + written, len(data) - written, seconds, self._switch.why_lost()
            )
        for passing, _ in touched:
            if passing.at + passing.gone > self._at + written:
                passing.damaged = True

    def _pass(self, passing: _Passing, seconds: float) -> None:
        """Count a frame that is over."""
        self._passed += 1
        frame = passing.frame
        if frame.data:
            self._frames += not passing.damaged
            self._lost += passing.damaged
        if self._truth is not None and (frame.data or frame.made):
            self._truth.frame(frame, passing.at, passing.due_s, seconds)
        self._tell(frame)

    def _finish(self) -> None:
        """Hand over the rest of a frame that was begun."""
        first = self._queue[0]
        if first.gone:
            self._queue = deque([first])
            self._hand_over(first.begin + len(first.frame.data) * self._byte_s + self._packet_s)
