"""The units of an emulated device side by side: one stream of frames, one list of labels."""

from __future__ import annotations

import heapq
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.device import Device, Speech
from sensorkit.emulator.frames import EmulatedFrame
from sensorkit.emulator.ledger import Ledger
from sensorkit.emulator.planning import readings_in
from sensorkit.emulator.units import phases, unit_number
from sensorkit.errors import PlanError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.placing import NS_PER_S, Placed
from sensorkit.faults.plan import Fault, FaultPlan
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel


class Fleet:
    """All units of an emulated device; may be used by several threads at a time.

    Parameters
    ----------
    profile : Profile
    plan : FaultPlan
        With `channels: all` written out.
    names : tuple of str
        Of the units.
    rate_hz, seed, start_ns
        As in `Emulator`.
    hold : str or None
    readings : int or None
        How many each unit will give, if that is known.
    speech : Speech
    anomalies : float
    sigmas : mapping of str to float
    """

    def __init__(
        self,
        profile: Profile,
        plan: FaultPlan,
        *,
        names: tuple[str, ...],
        rate_hz: float,
        seed: int,
        start_ns: int,
        hold: str | None,
        readings: int | None,
        speech: Speech,
        anomalies: float,
        sigmas: Mapping[str, float],
    ) -> None:
        self.start_ns = start_ns
        self.names = names
        self._rate = rate_hz
        refuse_shared_plug(plan.faults, len(names))
        self.devices = [
            Device(
                profile,
                plan,
                names=names,
                unit=unit,
                phase_s=phase / rate_hz,
                rate_hz=rate_hz,
                seed=seed,
                hold=hold,
                readings=readings,
                speech=speech,
                anomalies=anomalies,
                sigmas=sigmas,
            )
            for unit, phase in enumerate(phases(len(names)), start=1)
        ]
        self._alone = self.devices[0] if len(self.devices) == 1 else None
        planned = len(plan.parts())
        self._ledger = Ledger(self.devices, planned, sigmas=sigmas, seed=seed, time=self._time)
        self._turn: list[tuple[float, int]] = []
        self.lock = threading.RLock()
        _alive.add(self)

    def frames(self, n: int | None) -> Frames:
        """Return an iterator over the next *n* frames of all units."""
        return Frames(self._take, self._next_s, n)

    def labels(self) -> list[FaultLabel]:
        """Return the label of all that has begun, in order of time."""
        with self.lock:
            return self._ledger.labels()

    def inject(self, unit: int | str, fault: Fault, may: Callable[[Fault], None]) -> FaultLabel:
        """Let *fault* begin with the next reading of a unit; return its first label.

        *may* refuses what the link cannot bear.
        """
        with self.lock:
            device = self.devices[unit_number(unit, self.names)]
            refuse_shared_plug([fault], len(self.names))
            may(fault)
            readings = readings_in(fault.duration_s, self._rate) or 1
            device.room_for(fault, readings)
            numbers = [self._ledger.next_number() for _ in fault.parts()]
            first, stop = device.row, device.row + readings
            placed = [
                Placed(part, number, first, stop, numbers[0])
                for part, number in zip(fault.parts(), numbers, strict=True)
            ]
            device.add(placed)
            self._turn.clear()
            return self._ledger.label_of(device, placed[0], stop)

    def watch(self) -> None:
        """Tell the reading behind each frame from now on."""
        with self.lock:
            for device in self.devices:
                device.watch()

    def remaining_life(
        self, unit: int | str, time_ns: int | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the seconds to the last reading before a failure; see `Emulator`."""
        with self.lock:
            device = self.devices[unit_number(unit, self.names)]
            times = np.asarray(time_ns, dtype=np.int64)
            lives = device.course.lives
            if lives is None:
                return np.full(times.shape, np.inf)
            seconds = (times - self._time(device, 0)) / NS_PER_S
            rows = np.maximum(np.rint(seconds * self._rate), 0).astype(np.int64)
            left = lives.remaining(rows.ravel()).reshape(times.shape)
            return np.asarray((rows + left) / self._rate - seconds)

    def _time(self, device: Device, row: int) -> int:
        return self.start_ns + round(device.time_s(row) * NS_PER_S)

    def _take(self) -> EmulatedFrame:
        """Return the next frame of all units."""
        with self.lock:
            if self._alone is not None:
                return self._alone.take()
            turn = self._in_turn()
            index = turn[0][1]
            device = self.devices[index]
            frame = device.take()
            heapq.heapreplace(turn, (device.peek().at_s, index))
            return frame

    def _next_s(self) -> float:
        """Return when the next frame is due."""
        with self.lock:
            if self._alone is not None:
                return self._alone.peek().at_s
            return self._in_turn()[0][0]

    def _in_turn(self) -> list[tuple[float, int]]:
        """Return when each unit speaks next, as a heap."""
        if not self._turn:
            self._turn = [(device.peek().at_s, i) for i, device in enumerate(self.devices)]
            heapq.heapify(self._turn)
        return self._turn


class Frames(Iterator[EmulatedFrame]):
    """Frames that are made when they are asked for; it can be told when the next one is due."""

    def __init__(
        self, take: Callable[[], EmulatedFrame], next_s: Callable[[], float], n: int | None
    ) -> None:
        self._take, self._next_s, self._left = take, next_s, n

    @property
    def next_s(self) -> float | None:
        """Return the due time of the next frame, None if there is none."""
        return None if self._left == 0 else self._next_s()

    def __next__(self) -> EmulatedFrame:
        left = self._left
        if left is not None:
            if left == 0:
                raise StopIteration
            self._left = left - 1
        return self._take()


def refuse_shared_plug(faults: Iterable[Fault], units: int) -> None:
    """Refuse to pull the plug that several units share.

    Raises
    ------
    PlanError
        If one of *faults* does.
    """
    for fault in faults:
        kind = fault.of
        if units > 1 and isinstance(kind, TransportKind) and kind.unplugs:
            raise PlanError(
                f"a {fault.kind} pulls the plug, and {units} units share it; take a silence or a "
                "reset, or emulate one unit"
            )


_alive: weakref.WeakSet[Fleet] = weakref.WeakSet()


def _after_fork() -> None:
    """Give each fleet of a forked process a lock that no thread of its parent holds."""
    for fleet in list(_alive):
        fleet.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
