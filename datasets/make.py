"""Make the recordings of this folder from the emulator, byte for byte the same every time.

    python datasets/make.py [FOLDER]

A recording that is already there is replaced.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.injected import inject_recording
from sensorkit.capture.recorder import record
from sensorkit.emulator import VIRTUAL_START, EmulatedFrame, Emulator
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile

SEED = 20260101


class Device(NamedTuple):
    """An emulated device, and what is recorded of it."""

    profile: str
    plan: str
    frames: int
    """Of all units together; chosen so that both recordings stay small."""
    units: int = 1
    seed: int = SEED

    @property
    def names(self) -> tuple[str, str]:
        """Return the names of its recordings: the healthy one and the faulted one."""
        return f"{self.profile}_healthy", f"{self.profile}_faulted"


DEVICES = (
    Device("serial_monitor", "mixed", 2700),  # 45 minutes
    Device("fermenter", "fermenter", 2400),  # 40 minutes
    # Five days; with this seed a front passes on the second one.
    Device("weather", "weather", 2160, units=3, seed=20260107),
    Device("turbofan", "turbofan", 960, units=2),  # eight minutes
)

WORN = "turbofan_worn"
WORN_FRAMES, WORN_UNITS = 900, 3
# About as many readings to a life as FD001 has cycles, so that whole lives fit into a small file.
WORN_LIFE = {"mean_s": 200.0, "repair_s": 10.0}

RECORDINGS = (*(name for device in DEVICES for name in device.names), WORN)


class EmulatedLink:
    """A link to an emulated device, with a clock that only the frames move."""

    def __init__(
        self, name: str, frames: Iterator[EmulatedFrame], at_end: Callable[[], None]
    ) -> None:
        self.name = name
        self._frames = frames
        self._at_end = at_end
        self._now = VIRTUAL_START

    def clock(self) -> int:
        """Return when the last frame came, nanoseconds UTC."""
        return self._now

    def read(self, timeout: float) -> bytes | None:  # noqa: ARG002 - it never has to wait
        """Return the next frame, None when the device has said all."""
        frame = next(self._frames, None)
        if frame is None:
            self._at_end()
            return None
        self._now = VIRTUAL_START + round(frame.at_s * 1e9)
        return frame.data

    def write(self, data: bytes) -> int:
        """Take *data*; the device does not listen."""
        return len(data)

    def close(self) -> None:
        """There is nothing to close."""


def capture(emulator: Emulator, frames: int, folder: Path) -> None:
    """Record the next *frames* of an emulated device, and the labels if it has some."""

    def label() -> None:
        if emulator.labels:
            writer.write_labels(emulator.labels)

    profile = emulator.profile
    link = EmulatedLink(f"emulator:{profile.name}", emulator.frames(frames), label)
    writer = RecordingWriter(
        folder, profile, link={"url": link.name}, started_ns=VIRTUAL_START, fsync=None
    )
    for _ in record(link, writer, clock=link.clock):
        pass


def make(folder: Path) -> None:
    """Write all recordings into *folder*."""
    for device in DEVICES:
        healthy, faulted = (folder / name for name in device.names)
        profile = Profile.load(device.profile)
        emulator = Emulator(profile, units=device.units, seed=device.seed, hold="NORMAL")
        capture(emulator, device.frames, healthy)
        plan = FaultPlan.load(device.plan)
        inject_recording(Recording.open(healthy), plan, faulted, seed=1)
    turbofan = Profile.load("turbofan").to_dict()
    life = {**turbofan["life"], **WORN_LIFE}
    short = Profile.from_dict({**turbofan, "life": life}, WORN)
    capture(Emulator(short, units=WORN_UNITS, seed=SEED), WORN_FRAMES, folder / WORN)


def main(folder: Path) -> None:
    """Make the recordings beside their places, then put them there."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as name:
        made = Path(name)
        make(made)
        for recording in RECORDINGS:
            if (folder / recording).exists():
                shutil.rmtree(folder / recording)
            (made / recording).rename(folder / recording)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
