"""What a recording says while it is still being written: its newest readings, and counts.

Only reads, and only what is on disk, so that nothing here can keep a capture waiting.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.capture import layout
from sensorkit.display.thinning import downsample
from sensorkit.profile import Profile

PARSED_BYTES = 1 << 20
"""Of one look; what came before them is counted and not drawn. At four looks a second these are
50 000 frames a second and more: no serial port has so many."""

COUNTED_BYTES = 1 << 26
"""Of one look; the rest is counted at the next."""

POINTS_A_LOOK = 64
"""Points that are kept of a channel from one look, the largest and the smallest among them."""

RATE_S = 3.0

STATES = ("NORMAL", "WARNING", "CRITICAL")
OFFLINE = "OFFLINE"


@dataclass(frozen=True, eq=False)
class Points:
    """Readings to draw, of all channels."""

    time: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)


class Growing:
    """A file that somebody else appends to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._at = 0

    def take(self, most: int) -> bytes:
        """Return whole lines that have come since, about *most* bytes of them at most."""
        if self._fd < 0:
            try:
                self._fd = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            except FileNotFoundError:
                return b""
        os.lseek(self._fd, self._at, os.SEEK_SET)
        data = os.read(self._fd, most)
        lines = data[: data.rfind(b"\n") + 1]
        self._at += len(lines)
        return lines

    def close(self) -> None:
        """Close it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Tail:
    """Follows a recording that grows.

    Parameters
    ----------
    folder : Path
        Of the recording; it need not be there yet.
    profile : Profile
    window_s : float
        Readings older than this, by their own time, are forgotten.
    clock, now : callable
        Seconds that never go back, and nanoseconds UTC.

    Attributes
    ----------
    frames, rejected, lost : int
    undrawn : int
        Frames that came too fast to be drawn; they are counted.
    word : str or None
        The device's last status word.
    link_lost : bool
    """

    def __init__(
        self,
        folder: Path,
        profile: Profile,
        window_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.frames = self.rejected = self.lost = self.undrawn = 0
        self.word: str | None = None
        self.link_lost = False
        self.devices: set[str] = set()
        self._names = profile.channel_names
        self._heartbeat_s = profile.heartbeat_s
        self._header = ["timestamp", "device", "sequence", *self._names, "status", "offset"]
        self._window_ns = round(window_s * 1e9)
        self._clock, self._now = clock, now
        self._metrics = Growing(folder / layout.METRICS)
        self._errors = Growing(folder / layout.ERRORS)
        self._events = Growing(folder / layout.EVENTS)
        self._kept: deque[Points] = deque()
        self._seen = deque([(clock(), 0)])
        self._began = now()
        self._titled = False

    def look(self) -> bool:
        """Take in what has come since; return whether anything has."""
        before = self.frames, self.rejected, self.lost
        self._look_at_readings()
        self.rejected += self._errors.take(COUNTED_BYTES).count(b"\n")
        for line in self._events.take(COUNTED_BYTES).splitlines():
            self._heed(json.loads(line))
        self._seen.append((self._clock(), self.frames))
        while len(self._seen) > 2 and self._seen[-1][0] - self._seen[0][0] > RATE_S:
            self._seen.popleft()
        return before != (self.frames, self.rejected, self.lost)

    def look_to_the_end(self) -> None:
        """Take in all that is there."""
        while self.look():
            pass

    @property
    def points(self) -> Points:
        """Return the readings of the window, thinned so that every spike is still there."""
        if not self._kept:
            return Points(np.empty(0, dtype=np.int64), np.empty((0, len(self._names))))
        return Points(
            np.concatenate([part.time for part in self._kept]),
            np.concatenate([part.values for part in self._kept]),
        )

    @property
    def rate(self) -> float:
        """Return the frames a second of the last few seconds."""
        (then, before), (now, frames) = self._seen[0], self._seen[-1]
        return (frames - before) / (now - then) if now > then else 0.0

    @property
    def silent_s(self) -> float:
        """Return the seconds since the last frame, by the host's clock."""
        last = self._began
        if self.frames:
            with contextlib.suppress(OSError):
                last = self._metrics.path.stat().st_mtime_ns
        return max(self._now() - last, 0) / 1e9

    @property
    def state(self) -> str:
        """Return NORMAL, WARNING, CRITICAL or OFFLINE; "alive" for a device that does not say."""
        if self.link_lost:
            return OFFLINE
        if self._heartbeat_s is not None and self.silent_s > self._heartbeat_s:
            return OFFLINE
        if not self.frames:
            return "waiting"
        if self.word is None:
            return "alive"
        return next((state for state in STATES if self.word.startswith(state)), self.word)

    def close(self) -> None:
        """Close the files."""
        for file in (self._metrics, self._errors, self._events):
            file.close()

    def _look_at_readings(self) -> None:
        lines = self._metrics.take(COUNTED_BYTES)
        if lines and not self._titled:
            self._titled = True
            lines = lines[lines.find(b"\n") + 1 :]
        if not lines:
            return
        came = lines.count(b"\n")
        self.frames += came
        if len(lines) > PARSED_BYTES:
            lines = lines[lines.find(b"\n", len(lines) - PARSED_BYTES) + 1 :]
            self.undrawn += came - lines.count(b"\n")
        if lines:
            self._keep(lines)

    def _keep(self, lines: bytes) -> None:
        """Parse the newest rows, and keep some of them to draw."""
        table = pd.read_csv(
            io.BytesIO(lines),
            names=self._header,
            usecols=["timestamp", "device", "status", *self._names],
            dtype={**dict.fromkeys(self._names, "float64"), "device": "str", "status": "str"},
            keep_default_na=False,
            na_values={name: [""] for name in self._names},
        )
        time = pd.DatetimeIndex(pd.to_datetime(table["timestamp"], format="ISO8601", utc=True))
        at = time.as_unit("ns").asi8
        values = table[list(self._names)].to_numpy(dtype=np.float64)
        self.word = table["status"].iloc[-1] or None
        self.devices |= set(table["device"].unique())
        rows = np.unique(np.concatenate([downsample(column, POINTS_A_LOOK) for column in values.T]))
        self._kept.append(Points(at[rows], values[rows]))
        first = at[-1] - self._window_ns
        while self._kept[0].time[-1] < first:
            self._kept.popleft()

    def _heed(self, event: dict[str, object]) -> None:
        details = event["details"]
        match event["kind"]:
            case "sequence_gap" if isinstance(details, dict):
                self.lost += int(details.get("lost", 0))
            case "link_lost":
                self.link_lost = True
            case "link_back":
                self.link_lost = False
            case _:
                pass
