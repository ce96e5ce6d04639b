"""How an emulated device is getting on: counts and rates while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sensorkit.emulator.device import Device
from sensorkit.emulator.frames import EmulatedFrame, Served

_NOTHING = Served(0, 0, 0, 0)


class Meter:
    """Counts what is sent, unit by unit.

    Parameters
    ----------
    devices : sequence of Device
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices
        self._clock: Callable[[], float] = lambda: 0.0
        self.reset()

    def reset(self) -> None:
        """Forget a run before."""
        self.passed = [0] * len(self._devices)
        """Frames of each unit whose time has come in this run, silent ones included."""
        self._readings = [0] * len(self._devices)
        self._ask: Callable[[], Served] = lambda: _NOTHING
        self._began = 0.0
        self._ended: float | None = 0.0

    def start(self, ask: Callable[[], Served], clock: Callable[[], float]) -> None:
        """Begin: *ask* tells what the line has carried."""
        self._ask, self._clock = ask, clock
        self._began, self._ended = clock(), None

    def stop(self) -> None:
        """Take the time; the counts stay."""
        if self._ended is None:
            self._ended = self._clock()

    def count(self, frame: EmulatedFrame) -> None:
        """Count a frame whose time has come."""
        self.passed[frame.unit - 1] += 1
        self._readings[frame.unit - 1] += bool(frame.data or frame.made)

    def read(self) -> dict[str, Any]:
        """Return all counts, and what is going on in each unit."""
        elapsed = (self._clock() if self._ended is None else self._ended) - self._began
        served = self._ask()
        rate = sum(self.passed) / len(self._devices) / elapsed if elapsed > 0 else 0.0
        return {
            "elapsed_s": elapsed,
            "readings": sum(self._readings),
            "rate_hz": rate,
            "frames": served.frames,
            "bytes": served.bytes,
            "lost": served.lost,
            "devices": {
                device.name: {
                    "readings": count,
                    "anomalies": device.faults_so_far,
                    "active": device.active,
                }
                for device, count in zip(self._devices, self._readings, strict=True)
            },
        }
