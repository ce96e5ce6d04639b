"""The line that moves while a capture runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from sensorkit.cli.app import counted, printable

if TYPE_CHECKING:
    from sensorkit.capture.recorder import Recorder
    from sensorkit.readings import Readings

RATE_WINDOW_S = 3.0
DISK_S = 1.0
"""How often the free space is looked at."""

LITTLE_FREE = 1 << 30
MUCH_LAG = 1 << 18
"""A parser that has more before it than this is behind; less is one block in work."""

GAP = "  "


def fitted(must: list[str], may: list[str], width: int) -> Text:
    """Return a line of the parts that fit; those it must have are never left out."""
    parts = list(must)
    room = width - len(GAP.join(parts))
    for part in may:
        room -= len(GAP) + len(part)
        if room < 0:
            break
        parts.append(part)
    return Text(printable(GAP.join(parts)), no_wrap=True, overflow="ellipsis")


class Status:
    """What there is to see of a capture, at most one line wide.

    Parameters
    ----------
    recorder : Recorder
    clock : callable
        Seconds that never go back.
    """

    def __init__(
        self,
        recorder: Recorder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lost_since: float | None = None
        """When the link was lost, by *clock*; None while it is there."""
        self.notes: list[str] = []
        """What others want to be said in the line."""
        self._recorder = recorder
        self._clock = clock
        self._channels = recorder.writer.profile.channels
        self._values: list[str] = []
        self._last: int | None = None
        self._seen: list[tuple[float, int]] = [(clock(), 0)]
        self._started = self._seen[0][0]
        self._free: tuple[float, int] | None = None

    def update(self, readings: Readings) -> None:
        """Take note of the newest values."""
        if len(readings):
            self._last = int(readings.time[-1])
            self._values = [
                f"{channel.name} {value:.{channel.decimals}f}{channel.unit}"
                for channel, value in zip(self._channels, readings.values[-1].tolist(), strict=True)
            ]

    def line(self, width: int = 80) -> Text:
        """Return the line as it stands now; what does not fit is left out, the last first."""
        return fitted(*self.parts(), width)

    def parts(self) -> tuple[list[str], list[str]]:
        """Return what the line must say as it stands now, and what it may."""
        now, counts = self._clock(), self._recorder.counts
        must = [
            self._state(now),
            f"{now - self._started:.1f} s",
            counted(counts.frames, "frame"),
            f"{self._rate(now, counts.frames):.1f}/s",
            f"{sum(counts.rejected.values())} rejected",
            f"{counts.lost} lost",
            *self._warnings(now),
        ]
        return must, [*self.notes, *self._values, *self._disk(now)]

    def _state(self, now: float) -> str:
        """Return what the link and the heartbeat are like."""
        recorder = self._recorder
        if self.lost_since is not None:
            return f"LINK LOST for {now - self.lost_since:.0f} s"
        if self._last is None:
            if not recorder.counts.received_bytes and recorder.lag_bytes:
                return "starting"  # bytes are on disk, the parser is being loaded
            waits = "SILENT" if recorder.stream.silent else "waiting"
            return f"{waits}, no frame yet" if recorder.counts.received_bytes else waits
        if silent := self._silent():
            return f"SILENT: {', '.join(silent)}"
        if recorder.stream.silent:
            return f"SILENT for {(recorder.now - self._last) / 1e9:.0f} s"
        return "alive"

    def _silent(self) -> tuple[str, ...]:
        """Return the devices of several that are silent while others speak."""
        stream = self._recorder.stream
        return () if stream.silent else stream.silent_devices

    def _rate(self, now: float, frames: int) -> float:
        """Return the frames a second of the last few seconds."""
        self._seen.append((now, frames))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.pop(0)
        then, before = self._seen[0]
        return (frames - before) / (now - then) if now > then else 0.0

    def _warnings(self, now: float) -> list[str]:
        from sensorkit.capture.disk import size_text

        found = []
        if (lag := self._recorder.lag_bytes) > MUCH_LAG:
            found.append(f"parser {size_text(lag)} behind")
        if (free := self._free_bytes(now)) < LITTLE_FREE:
            found.append(f"only {size_text(free)} free")
        return found

    def _disk(self, now: float) -> list[str]:
        from sensorkit.capture.disk import size_text

        written = self._recorder.counts.received_bytes + self._recorder.lag_bytes
        return [f"{size_text(written)} written", f"{size_text(self._free_bytes(now))} free"]

    def _free_bytes(self, now: float) -> int:
        from sensorkit.capture.disk import free_bytes

        if self._free is None or now - self._free[0] > DISK_S:
            try:
                self._free = (now, free_bytes(self._recorder.writer.dir))
            except OSError:  # the folder was taken away; the recorder will say so
                self._free = (now, 0)
        return self._free[1]
