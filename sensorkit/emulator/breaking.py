"""What faults do to the readings and to the frames of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.frames import EmulatedFrame
from sensorkit.emulator.history import History
from sensorkit.faults.base import TransportKind
from sensorkit.faults.labels import sizes
from sensorkit.faults.placing import NS_PER_S, Placed, fault_streams
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.signal import apply_signal, reach
from sensorkit.faults.transport import distort, distort_times
from sensorkit.profile import Profile
from sensorkit.signals import quantize

KEPT_READINGS = 4096
"""Readings of the past that a fault may look at which nobody has planned."""


@dataclass
class Scene:
    """Readings [start, stop) of a unit, worked out together: faults need all of theirs."""

    start: int
    healthy: NDArray[np.float64]
    """Shape (n, n_channels)."""
    silent: NDArray[np.bool_]
    faults: list[Placed] = field(default_factory=list)
    values: NDArray[np.float64] = field(init=False)
    """With the faults."""

    def __post_init__(self) -> None:
        self.values = self.healthy

    @property
    def stop(self) -> int:
        """Return the reading after the last one."""
        return self.start + len(self.healthy)

    def line_fault(self, row: int) -> Placed | None:
        """Return the fault of the line that begins with *row*."""
        for placed in self.faults:
            if placed.start_index == row and isinstance(placed.fault.of, TransportKind):
                return placed
        return None

    def until(self, row: int) -> int:
        """Return the first reading from *row* + 1 on with which a fault of the line begins."""
        begins = [
            placed.start_index
            for placed in self.faults
            if placed.start_index > row and isinstance(placed.fault.of, TransportKind)
        ]
        return min([*begins, self.stop])

    def kinds(self, row: int) -> list[str]:
        """Return the kinds of the faults that *row* is under."""
        return [
            placed.fault.kind
            for placed in self.faults
            if placed.start_index <= row < placed.stop_index
        ]


class Breaker:
    """Applies faults to one unit; parameters as in `Device`."""

    def __init__(
        self,
        profile: Profile,
        plan: FaultPlan,
        *,
        placed: list[Placed],
        seed: int,
        rate_hz: float,
        sigmas: Mapping[str, float],
    ) -> None:
        self._profile, self._plan, self._seed = profile, plan, seed
        self._rate, self._sigmas = rate_hz, sigmas
        wanted = [reach(one.fault, rate_hz) for one in placed]
        self._history = History(len(profile.channels), max([KEPT_READINGS, *wanted]))

    def remember(self, values: NDArray[np.float64]) -> None:
        """Take readings that are over."""
        self._history.add(values)

    def break_values(self, scene: Scene) -> None:
        """Apply the faults of the sensors to the values of *scene*."""
        if not any(placed.fault.of.layer == "signal" for placed in scene.faults):
            return
        scene.values = scene.healthy.copy(order="F")
        for placed in sorted(scene.faults, key=lambda one: one.id):
            if placed.fault.of.layer == "signal":
                self._break(scene, placed)

    def _break(self, scene: Scene, placed: Placed) -> None:
        """Apply one fault to the values of its channel."""
        name = str(placed.fault.channel)
        column = self._profile.channel_names.index(name)
        low, high = placed.start_index - scene.start, placed.stop_index - scene.start
        values = scene.values
        earlier = values[:low, column]
        there = earlier[~np.isnan(earlier)]
        rows = np.arange(placed.start_index, placed.stop_index)
        faulty = apply_signal(
            values[low:high, column],
            np.round(rows * (NS_PER_S / self._rate)).astype(np.int64),
            placed.fault,
            before=float(there[-1] if len(there) else self._history.last[column]),
            magnitude=sizes(placed, self._sigmas[name])[0],
            rng=fault_streams(self._plan, self._seed, placed.id)[1],
            history=self._before(earlier, column, reach(placed.fault, self._rate)),
            step_s=1.0 / self._rate,
        )
        values[low:high, column] = quantize(faulty, self._profile.channels[column])

    def _before(
        self, earlier: NDArray[np.float64], column: int, wanted: int
    ) -> NDArray[np.float64]:
        """Return the last *wanted* readings of a channel before a fault."""
        if wanted <= len(earlier):
            return earlier[len(earlier) - wanted :]
        return np.concatenate([self._history.tail(column, wanted - len(earlier)), earlier])

    def over_the_line(self, frames: list[EmulatedFrame], placed: Placed) -> list[EmulatedFrame]:
        """Return *frames* as a fault of the line, or of the plug, lets them through."""
        kind = placed.fault.of
        if not isinstance(kind, TransportKind):
            return frames
        arrived = distort([frame.data for frame in frames], placed, self._plan, self._seed)
        if kind.delays:
            frames = self._delayed(frames, placed)
        if kind.restarts:
            # What it would have sent while it was off was never made.
            return [
                EmulatedFrame(frame.at_s, data, plugged=not kind.unplugs, unit=frame.unit)
                for frame, data in zip(frames, arrived, strict=True)
            ]
        return [
            frame._replace(
                data=data,
                made=frame.data,
                plugged=not kind.unplugs,
                told=frame.told if data else None,
            )
            for frame, data in zip(frames, arrived, strict=True)
        ]

    def _delayed(self, frames: list[EmulatedFrame], placed: Placed) -> list[EmulatedFrame]:
        due_ns = np.array([round(frame.at_s * NS_PER_S) for frame in frames], dtype=np.int64)
        late_ns = distort_times(due_ns, placed, self._plan, self._seed) - due_ns
        return [
            frame._replace(at_s=frame.at_s + late / NS_PER_S)
            for frame, late in zip(frames, late_ns.tolist(), strict=True)
        ]
