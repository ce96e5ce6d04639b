"""Send frames when they are due: at the device's pace, faster, or as fast as the reader takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, runtime_checkable

from sensorkit.emulator.frames import EmulatedFrame
from sensorkit.errors import LinkLost
from sensorkit.wire.links import Link

# Longest sleep in one piece: how soon a stop is noticed.
NAP_S = 0.2

# A reader made with pyserial throws away, right after opening, what has already arrived.
READER_SETTLES_S = 0.1

# Frames are joined up to this size when they are sent as fast as possible: several times what a
# pseudo-terminal or a socket takes at once.
JOIN_BYTES = 65536


class Served(NamedTuple):
    """What has been sent."""

    frames: int
    bytes: int
    lost: int
    """Frames that were due while nobody read, or too slowly; a real device loses them too."""
    passed: int
    """Frames whose time has come: sent, lost, or silent."""


@runtime_checkable
class HasReader(Protocol):
    """A link that knows whether somebody is at its other end."""

    def has_reader(self) -> bool:
        """Return whether some program has the other end open."""
        ...


class Sender:
    """Writes whole frames to a link and counts them: a frame begun is finished before the next."""

    def __init__(
        self, link: Link, stop: Callable[[], bool], sleep: Callable[[float], None]
    ) -> None:
        self._link = link
        self._stop = stop
        self._sleep = sleep
        self._unfinished = b""
        self.frames = 0
        self.bytes = 0
        self.lost = 0
        self.passed = 0

    def wait_for_reader(self) -> None:
        """Wait until somebody reads, if the link can tell."""
        if isinstance(self._link, HasReader):
            while not self._link.has_reader() and not self._stop():
                self._sleep(NAP_S / 4)
            self._sleep(READER_SETTLES_S)

    def offer(self, frame: bytes) -> None:
        """Send *frame* if there is somebody to take it now; it is lost if not."""
        self.passed += 1
        if not frame:
            return
        if isinstance(self._link, HasReader) and not self._link.has_reader():
            self.lost += 1
            return
        try:
            self._unfinished = self._unfinished[self._write(self._unfinished) :]
            written = 0 if self._unfinished else self._write(frame)
        except LinkLost as lost:
            self._gone(lost)
            written = 0
        if written:
            self.frames += 1
            self._unfinished = frame[written:]
        else:
            self.lost += 1

    def insist(self, frames: list[bytes]) -> None:
        """Send all *frames*, for as long as it takes the reader, or until the stop."""
        block = b"".join(frames)
        at = torn = 0
        while at < len(block) and not self._stop():
            if isinstance(self._link, HasReader) and not self._link.has_reader():
                self.wait_for_reader()
                continue
            try:
                at += self._write(block[at:])
            except LinkLost as lost:
                self._gone(lost)
                if at and block[at - 1 : at] != b"\n":
                    # The next reader begins with a whole frame; this one is torn.
                    at = block.index(b"\n", at) + 1
                    torn += 1
        if 0 < at < len(block) and block[at - 1 : at] != b"\n":
            whole = block.index(b"\n", at) + 1
            self._unfinished = block[at:whole]
            at = whole
        self.frames += block.count(b"\n", 0, at) - torn
        self.lost += torn
        ends = itertools.accumulate(map(len, frames))
        self.passed += sum(end <= at for end in ends) if at else 0

    def finish(self) -> None:
        """Send what is left of a frame that was begun, for at most about a second."""
        for _ in range(10):
            try:
                self._unfinished = self._unfinished[self._write(self._unfinished) :]
            except LinkLost as lost:
                self._gone(lost)
            if not self._unfinished:
                return

    def _write(self, data: bytes) -> int:
        written = self._link.write(data) if data else 0
        self.bytes += written
        return written

    def _gone(self, lost: LinkLost) -> None:
        """Go on without a reader if another one may come; else the link is lost for good."""
        self._unfinished = b""
        if not isinstance(self._link, HasReader):
            raise lost


def serve(
    frames: Iterable[EmulatedFrame],
    link: Link,
    *,
    speed: float | None = 1.0,
    on_start: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Served:
    """Send *frames* over *link*, each when it is due.

    Parameters
    ----------
    frames : iterable of EmulatedFrame
        In order of time; an empty one is a silence.
    link : Link
    speed : float, optional
        How many times faster than the device; None: as fast as the reader takes them.
    on_start : callable
        Called when there is a reader, just before the first frame.
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

    Notes
    -----
    The schedule is absolute: the due time of a frame counts from the start, so that sleeping too
    long once delays one frame, not all. At a speed, a frame nobody takes within a tenth of a
    second is lost; as fast as possible, the reader is waited for and nothing is lost.
    """
    sender = Sender(link, stop, sleep)
    sender.wait_for_reader()
    on_start()
    if speed is None:
        _send_all(frames, sender, stop)
    else:
        start = clock()
        for frame in frames:
            due = start + frame.at_s / speed
            while (wait := due - clock()) > 0 and not stop():
                sleep(min(wait, NAP_S))
            if stop():
                break
            sender.offer(frame.data)
    sender.finish()
    return Served(sender.frames, sender.bytes, sender.lost, sender.passed)


def _send_all(frames: Iterable[EmulatedFrame], sender: Sender, stop: Callable[[], bool]) -> None:
    """Send *frames* joined into large blocks, for as long as the reader needs."""
    joined: list[bytes] = []
    size = 0
    for frame in frames:
        joined.append(frame.data)
        size += len(frame.data)
        if size >= JOIN_BYTES:
            sender.insist(joined)
            joined, size = [], 0
        if stop():
            return
    sender.insist(joined)
