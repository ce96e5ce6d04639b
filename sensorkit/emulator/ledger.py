"""What went wrong with the units so far, as labels that keep their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sensorkit.emulator.device import Device
from sensorkit.emulator.schedule import BY_THEMSELVES
from sensorkit.faults.labels import label
from sensorkit.faults.placing import Placed
from sensorkit.readings import FaultLabel
from sensorkit.signals import Spell
from sensorkit.signals.course import WEAR


class Ledger:
    """Numbers what happens: the faults of the plan first, then all else as it begins.

    Parameters
    ----------
    devices : sequence of Device
    planned : int
        How many labels the plan leaves.
    sigmas : mapping of str to float
        Of each channel.
    seed : int
    time : callable
        Returns nanoseconds UTC of a reading of a device.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        planned: int,
        *,
        sigmas: Mapping[str, float],
        seed: int,
        time: Callable[[Device, int], int],
    ) -> None:
        self._devices, self._sigmas, self._seed, self._time = devices, sigmas, seed, time
        self._last = planned
        self._numbers: dict[tuple[int, str, int], int] = {}

    def next_number(self) -> int:
        """Return the number of something that begins now."""
        self._take_note()
        self._last += 1
        return self._last

    def labels(self) -> list[FaultLabel]:
        """Return the label of all that has begun, in order of time."""
        self._take_note()
        found = []
        for device in self._devices:
            for placed in device.begun:
                number = self._numbers.get(_key_of(device, placed), placed.id)
                stop = min(placed.stop_index, device.sent)
                found.append(self.label_of(device, placed._replace(id=number), stop))
            for spell in device.course.spells(device.sent):
                number = self._numbers[_key_of(device, spell)]
                # Wear ends with the failure to come, so that the life that remains can be told.
                stop = spell.stop if spell.kind == WEAR else min(spell.stop, device.sent)
                found.append(self._of_spell(device, spell, number, stop))
        return sorted(found, key=lambda one: (one.start, one.id))

    def label_of(self, device: Device, placed: Placed, stop: int) -> FaultLabel:
        """Return the label of a fault that is over with reading *stop*."""
        name = placed.fault.channel
        return label(
            placed,
            device=device.name,
            start=self._time(device, placed.start_index),
            end=self._time(device, stop - 1),
            sigma=self._sigmas[name] if name else None,
            seed=self._seed,
        )

    def _of_spell(self, device: Device, spell: Spell, number: int, stop: int) -> FaultLabel:
        return FaultLabel(
            id=number,
            device=device.name,
            start=self._time(device, spell.start),
            end=self._time(device, stop - 1),
            kind=spell.kind,
            channel=None,
            layer="state",
            magnitude=None,
            magnitude_sigma=None,
            seed=self._seed,
        )

    def _take_note(self) -> None:
        """Give a number to what has begun and has none, in order of time."""
        new = [
            (self._time(device, start), device.unit, key)
            for device in self._devices
            for start, key in _own(device)
            if key not in self._numbers
        ]
        for _, _, key in sorted(new):
            self._last += 1
            self._numbers[key] = self._last


def _own(device: Device) -> list[tuple[int, tuple[int, str, int]]]:
    """Return start and key of all that nobody planned or asked for, and has begun."""
    own = [one for one in device.begun if one.id >= BY_THEMSELVES]
    found = [(one.start_index, _key_of(device, one)) for one in own]
    spells = device.course.spells(device.sent)
    return found + [(one.start, _key_of(device, one)) for one in spells]


def _key_of(device: Device, what: Placed | Spell) -> tuple[int, str, int]:
    if isinstance(what, Placed):
        return device.unit, "fault", what.id
    return device.unit, what.kind, what.start
