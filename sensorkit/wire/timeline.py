"""When a frame was: from the read that brought it and from what the device says of itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import NO_SEQUENCE, Event, isoformat
from sensorkit.wire.columns import NO_UPTIME, Columns

_Shown = tuple[str, dict[str, Any]]

BEFORE_ROWS = -1
"""Stands in `Shown.row` for a silence that a read has ended, whatever it brought."""


class Shown(NamedTuple):
    """An event, and what it came up at."""

    read: int
    row: int
    heard: int
    """Of a silence: when the last frame before it was read, nanoseconds UTC."""
    event: Event


LATE_FRAMES = 16
"""A counter that steps back by less is a late or repeated frame; by more, a device that started
anew. TCP calls three segments the usual reordering (RFC 5681); a serial queue is no longer."""

FAR_FRAMES = 1_000_000
"""A counter that jumps by more is not believed before a second frame says so: two frames spliced
into one, where no checksum shows it, make such numbers out of their digits."""

WRAPS = frozenset({2**8 - 1, 2**16 - 1, 2**32 - 1})
"""Last numbers of the counters that devices have."""

# Nanoseconds since 1970 end in 2262; a device whose clock runs away stops here.
LATEST = 9_200_000_000_000_000_000


UNKNOWN = -(2**63)
"""Stands for None in what the kernel goes on from."""

ZERO = 7


def whole_microseconds(time_ns: int) -> int:
    """Return *time_ns* as it will stand in the files, so that live and read back are equal."""
    return time_ns - time_ns % 1000


class Timeline:
    """Gives each frame its time, and notices gaps, resets and silence.

    A frame with an uptime is at the first read's time plus the uptime passed since; one without
    is at the time of its read. Times do not go back, with one exception: a single wrong uptime is
    not followed.

    Parameters
    ----------
    heartbeat_ns : int or None
        Longest healthy time between two frames.
    started_ns : int or None
        When listening began; silence counts from there. None: from the first frame.

    Attributes
    ----------
    lost : int
        Frames that the device's counter says are missing.
    resets, silences : int
    silent : bool
        The heartbeat is lost, and no frame has come since.
    """

    def __init__(self, heartbeat_ns: int | None, started_ns: int | None) -> None:
        self.lost = 0
        self.resets = 0
        self.silences = 0
        self._heartbeat = heartbeat_ns
        self._time = self._read = None if started_ns is None else whole_microseconds(started_ns)
        self.silent = False
        self._sequence: int | None = None
        self._uptime: int | None = None
        self._uptime_before: int | None = None
        self._doubted: int | None = None
        """An uptime that fell while the counter went on; the next frame shows what it was."""
        self._far: int | None = None
        """The last counter that was not believed."""
        self._zero: int | None = None
        """Time at which the device's uptime was 0."""

    @property
    def heard_ns(self) -> int | None:
        """Return when the last frame was read, or when listening began; None before both."""
        return self._read

    def now(self, now_ns: int) -> int:
        """Return the time on this line at the host's *now_ns*."""
        if self._time is None or self._read is None:
            return whole_microseconds(now_ns)
        return self._time + max(whole_microseconds(now_ns) - self._read, 0)

    def silence(self, now_ns: int, offset: int) -> list[Event]:
        """Return the heartbeat that has been missed at the host's *now_ns*, if one has."""
        if self._heartbeat is None or self.silent or self._time is None:
            return []
        if self.now(now_ns) - self._time <= self._heartbeat:
            return []
        return [self._lose(self._time, offset)]

    def follow(
        self, frames: Columns, received: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[Event]]:
        """Return the times of *frames*, and what they and the reads between them show.

        Parameters
        ----------
        frames : Columns of length n
        received : array of int64, shape (n_reads,)
            When each read was, whole microseconds in nanoseconds UTC.
        offsets : array of int64, shape (n_reads,)
            Bytes of the stream before each read.

        Returns
        -------
        times : array of int64, shape (n,)
        events : list of Event
        """
        times, shown = self.trace(frames, received, offsets)
        return times, [one.event for one in shown]

    def trace(
        self, frames: Columns, received: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[Shown]]:
        """Return what `follow` does, with where among the frames each event came up."""
        # Numba takes half a second to import: it waits until it is wanted.
        from sensorkit.wire.kernel_timeline import READ, ROW, SILENT, follow

        times = np.empty(len(frames), dtype=np.int64)
        shown: list[Shown] = []
        at = np.zeros(3, dtype=np.int64)
        while True:
            state = self._state()
            why = follow(state, at, received, frames.read, frames.sequence, frames.uptime, times)
            self._remember(state)
            if not why:
                return times, shown
            read = int(at[READ])
            when = int(received[read])
            if why == SILENT:
                lost = self.silence(when, int(offsets[read]))
                heard = self._read or 0
                shown += [Shown(read, BEFORE_ROWS, heard, event) for event in lost]
                continue
            row = int(at[ROW])
            sequence, uptime = int(frames.sequence[row]), int(frames.uptime[row])
            events: list[Event] = []
            times[row] = self.place(
                int(frames.offset[row]),
                None if sequence == NO_SEQUENCE else sequence,
                None if uptime == NO_UPTIME else uptime,
                when,
                events,
            )
            shown += [Shown(read, row, when, event) for event in events]
            at[ROW] += 1

    def _state(self) -> NDArray[np.int64]:
        """Return what the kernel goes on from; see `kernel_timeline`."""
        told = (
            self._heartbeat,
            self._time,
            self._read,
            self._sequence,
            self._uptime,
            self._uptime_before,
            self._doubted,
            self._zero,
        )
        numbers = [UNKNOWN if number is None else number for number in told]
        return np.array([*numbers, self.silent], dtype=np.int64)

    def _remember(self, state: NDArray[np.int64]) -> None:
        """Take over where the kernel has come to; it never doubts, nor ends a silence."""
        told = [None if number == UNKNOWN else number for number in state[1:8].tolist()]
        self._time, self._read, self._sequence, self._uptime, self._uptime_before = told[:5]
        self._zero = told[-1]

    def place(
        self,
        offset: int,
        sequence: int | None,
        uptime: int | None,
        received: int,
        events: list[Event],
    ) -> int:
        """Return the time of a frame; what it shows is added to *events*.

        Parameters
        ----------
        offset : int
            Where it starts in the stream.
        sequence : int or None
        uptime : int or None
            Nanoseconds since the device started.
        received : int
            When it was read, whole microseconds in nanoseconds UTC.
        events : list
        """
        uptime, outlier, shown = self._follow(sequence, uptime)
        last = self._time
        if uptime is None:
            time = received if self._zero is None else self.now(received)
        else:
            if self._zero is None:
                self._zero = (received if last is None else max(received, last)) - uptime
            time = self._zero + uptime
        if last is not None:
            if time < last and not outlier:
                time = last
            elif time > LATEST:
                time = LATEST
            if self._heartbeat is not None and (self.silent or time - last > self._heartbeat):
                events += self._hear(offset, time, received, last)
        if shown is not None:
            events.append(Event(time, shown[0], offset, shown[1]))
        self._time, self._read = time, received
        return time

    def _follow(
        self, sequence: int | None, uptime: int | None
    ) -> tuple[int | None, bool, _Shown | None]:
        """Follow the device's counters.

        Returns
        -------
        uptime : int or None
            In nanoseconds; None where there is none to go by.
        outlier : bool
            The uptime of the frame before was wrong: time steps back to where it was.
        shown : (kind, details) of an event, or None
        """
        last, told = self._sequence, uptime
        seen = 0
        if sequence is not None and last is not None and sequence - last > FAR_FRAMES:
            far, self._far = self._far, sequence
            if far is None or not 0 < sequence - far <= LATE_FRAMES:
                sequence = None
            else:
                seen = 1  # the frame that was not believed did come
        back = sequence is not None and last is not None and sequence <= last
        if back and self._is_late(sequence, uptime):
            return uptime, False, None
        outlier = False
        doubted, self._doubted = self._doubted, None
        if uptime is not None and self._uptime is not None:
            reset = uptime < self._uptime
            if reset and not back and sequence is not None and last is not None:
                # The counter went on, so one uptime is wrong: one flipped bit or a frame cut off
                # in its number is enough where there is no checksum.
                if self._uptime_before is not None and uptime >= self._uptime_before:
                    outlier, reset = True, False  # that of the frame before
                elif doubted is None or uptime < doubted:
                    self._doubted, uptime, reset = uptime, None, False  # this one, it seems
        else:
            reset = back and not (sequence == 0 and last in WRAPS)
        if sequence is not None:
            self._sequence = sequence
        if uptime is not None:
            self._uptime_before = None if outlier or reset else self._uptime
            self._uptime = uptime
        if reset:
            self.resets += 1
            self._zero = None
            details = {
                "sequence": sequence,
                "uptime_s": None if told is None else told / 1e9,
                "last_sequence": last,
            }
            return uptime, False, ("device_reset", details)
        if sequence is not None and last is not None and sequence > last + 1:
            lost = sequence - last - 1 - seen
            self.lost += lost
            gap = {"expected": last + 1, "got": sequence, "lost": lost}
            return uptime, outlier, ("sequence_gap", gap)
        return uptime, outlier, None

    def _is_late(self, sequence: int | None, uptime: int | None) -> bool:
        """Return whether a frame with a counter no higher than the last is late or repeated."""
        last = self._sequence
        if sequence is None or last is None:
            return False
        if sequence == last:
            return uptime is None or uptime == self._uptime
        # 0 and 1 are where counters start.
        return sequence > 1 and last - sequence <= LATE_FRAMES

    def _hear(self, offset: int, time: int, received: int, last: int) -> list[Event]:
        """Return what a frame after a silence shows."""
        events = [] if self.silent else [self._lose(last, offset)]
        silent = max(time - last, received - (self._read or received))
        self.silent = False
        details = {"silent_s": silent / 1e9}
        return [*events, Event(time, "heartbeat_back", offset, details)]

    def _lose(self, last: int, offset: int) -> Event:
        self.silent = True
        self.silences += 1
        heartbeat = self._heartbeat or 0
        details = {"after_s": heartbeat / 1e9, "last": isoformat(last)}
        return Event(last + heartbeat, "heartbeat_lost", offset, details)
