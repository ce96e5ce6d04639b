"""Whoever listens to an emulated device in Python, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sensorkit.emulator.frames import EmulatedFrame
from sensorkit.errors import RunError


class EmulatedReading(NamedTuple):
    """A reading that an emulated device has just sent."""

    time_ns: int
    """Nanoseconds UTC at which its frame was due."""
    device: str
    values: dict[str, float]
    """By channel; NaN where it is missing."""
    status: str
    """What the device says of itself."""
    fault: str | None
    """Kind of the injected fault that it is under."""


Listener = Callable[[EmulatedReading], object]


class Listeners:
    """Calls what wants to know of readings, in the order in which it asked.

    Parameters
    ----------
    channels : tuple of str
    names : tuple of str
        Of the units.
    """

    def __init__(self, channels: tuple[str, ...], names: tuple[str, ...]) -> None:
        self._channels, self._names = channels, names
        self._all: list[Listener] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, listener: Listener) -> None:
        """Call *listener* with each reading from now on."""
        self._all.append(listener)

    def tell(self, frame: EmulatedFrame, time_ns: int) -> None:
        """Tell all of them of the reading behind *frame*.

        Raises
        ------
        RunError
            If one of them raises; its error is the cause.
        """
        told = frame.told
        if told is None:
            return
        device = self._names[frame.unit - 1]
        values = dict(zip(self._channels, told.values.tolist(), strict=True))
        reading = EmulatedReading(time_ns, device, values, told.status, told.fault)
        for listener in tuple(self._all):
            try:
                listener(reading)
            except Exception as error:
                name = getattr(listener, "__qualname__", type(listener).__name__)
                count = "" if frame.sequence is None else f" {frame.sequence}"
                raise RunError(
                    f"{name}, which listens to readings, raised {type(error).__name__}: {error}; "
                    f"it was at reading{count} of {device}, {frame.at_s:g} s after the start, and "
                    "the emulator has stopped there"
                ) from error
