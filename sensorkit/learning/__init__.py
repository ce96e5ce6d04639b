"""A profile drawn from healthy data: how the frames look, what the channels do, what is normal."""

from sensorkit.learning.learned import Learned, check, failures, learn
from sensorkit.learning.resemblance import Result
from sensorkit.learning.sample import LearnError
from sensorkit.learning.sources import (
    Source,
    of_bytes,
    of_file,
    of_folder,
    of_readings,
    of_recording,
)

__all__ = [
    "LearnError",
    "Learned",
    "Result",
    "Source",
    "check",
    "failures",
    "learn",
    "of_bytes",
    "of_file",
    "of_folder",
    "of_readings",
    "of_recording",
]
