"""An emulated device: frames and labels from a profile, a fault plan and a seed, on any link."""

from sensorkit.emulator.emulator import VIRTUAL_START, Emulator
from sensorkit.emulator.frames import EmulatedFrame, Served
from sensorkit.emulator.listening import EmulatedReading
from sensorkit.emulator.sending import serve

__all__ = [
    "VIRTUAL_START",
    "EmulatedFrame",
    "EmulatedReading",
    "Emulator",
    "Served",
    "serve",
]
