"""Detectors out of what others have written: scikit-learn, PyOD, River, a plain function."""

from sensorkit.detect.adapters.function import FunctionDetector, from_function
from sensorkit.detect.adapters.models import (
    PyodDetector,
    SklearnDetector,
    from_pyod,
    from_sklearn,
)
from sensorkit.detect.adapters.river import RiverDetector, from_river

__all__ = [
    "FunctionDetector",
    "PyodDetector",
    "RiverDetector",
    "SklearnDetector",
    "from_function",
    "from_pyod",
    "from_river",
    "from_sklearn",
]
