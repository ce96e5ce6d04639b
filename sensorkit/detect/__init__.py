"""Detectors: each reading gets a score from the past only, flags are grouped into alerts."""

from sensorkit.detect.adapters import from_function, from_pyod, from_river, from_sklearn
from sensorkit.detect.base import BaseDetector, Detector, watch
from sensorkit.detect.calibration import CalibrationResult
from sensorkit.detect.persist import load, save
from sensorkit.detect.protocol import advance
from sensorkit.detect.registry import make, names, usual
from sensorkit.detect.reporting import report, to_frame

__all__ = [
    "BaseDetector",
    "CalibrationResult",
    "Detector",
    "advance",
    "from_function",
    "from_pyod",
    "from_river",
    "from_sklearn",
    "load",
    "make",
    "names",
    "report",
    "save",
    "to_frame",
    "usual",
    "watch",
]
