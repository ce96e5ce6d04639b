"""What the units of a device measure and go through: waveforms, states, disturbances, wear."""

from sensorkit.signals.course import Course, Spell
from sensorkit.signals.states import FOREVER, States, Stay
from sensorkit.signals.streams import BLOCK
from sensorkit.signals.waveforms import Waveforms, healthy_sigma, healthy_sigmas, quantize
from sensorkit.signals.wear import Lives, OneLife

__all__ = [
    "BLOCK",
    "FOREVER",
    "Course",
    "Lives",
    "OneLife",
    "Spell",
    "States",
    "Stay",
    "Waveforms",
    "healthy_sigma",
    "healthy_sigmas",
    "quantize",
]
