"""Make the recordings of this folder from the emulator, byte for byte the same every time.

    python datasets/make.py [FOLDER]

A recording that is already there is replaced.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.injected import inject_recording
from sensorkit.capture.recorder import record
from sensorkit.emulator import VIRTUAL_START, EmulatedFrame, Emulator
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile

HEALTHY, FAULTED = "serial_monitor_healthy", "serial_monitor_faulted"

# 45 minutes at 1 Hz: both recordings together stay below 600 kB.
FRAMES = 2700
SEED = 20260101


class EmulatedLink:
    """A link to an emulated device, with a clock that only the frames move."""

    name = "emulator:serial_monitor"

    def __init__(self, frames: Iterator[EmulatedFrame]) -> None:
        self._frames = frames
        self._now = VIRTUAL_START

    def clock(self) -> int:
        """Return when the last frame came, nanoseconds UTC."""
        return self._now

    def read(self, timeout: float) -> bytes | None:  # noqa: ARG002 - it never has to wait
        """Return the next frame, None when the device has said all."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._now = VIRTUAL_START + round(frame.at_s * 1e9)
        return frame.data

    def write(self, data: bytes) -> int:
        """Take *data*; the device does not listen."""
        return len(data)

    def close(self) -> None:
        """There is nothing to close."""


def make(folder: Path) -> None:
    """Write both recordings into *folder*."""
    profile = Profile.load("serial_monitor")
    emulator = Emulator(profile, seed=SEED, hold="NORMAL")
    link = EmulatedLink(emulator.frames(FRAMES))
    writer = RecordingWriter(
        folder / HEALTHY, profile, link={"url": link.name}, started_ns=VIRTUAL_START, fsync=None
    )
    for _ in record(link, writer, clock=link.clock):
        pass
    healthy = Recording.open(folder / HEALTHY)
    inject_recording(healthy, FaultPlan.load("mixed"), folder / FAULTED, seed=1)


def main(folder: Path) -> None:
    """Make the recordings beside their places, then put them there."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as name:
        made = Path(name)
        make(made)
        for recording in (HEALTHY, FAULTED):
            if (folder / recording).exists():
                shutil.rmtree(folder / recording)
            (made / recording).rename(folder / recording)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
