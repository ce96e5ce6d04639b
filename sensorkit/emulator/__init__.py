"""An emulated device: frames and labels from a profile, a fault plan and a seed, on any link."""

from sensorkit.emulator.device import VIRTUAL_START, Emulator
from sensorkit.emulator.frames import EmulatedFrame, Served
from sensorkit.emulator.sending import serve

__all__ = ["VIRTUAL_START", "EmulatedFrame", "Emulator", "Served", "serve"]
