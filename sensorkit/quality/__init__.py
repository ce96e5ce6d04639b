"""How good the data are: complete, valid, in time, consistent and unique; batch and live."""

from sensorkit.quality.batch import Quality, quality
from sensorkit.quality.checks import DIMENSIONS, Issue
from sensorkit.quality.scores import Scores
from sensorkit.quality.thresholds import Thresholds, ThresholdWatch
from sensorkit.quality.validator import QualityUpdate, StreamingValidator

__all__ = [
    "DIMENSIONS",
    "Issue",
    "Quality",
    "QualityUpdate",
    "Scores",
    "StreamingValidator",
    "ThresholdWatch",
    "Thresholds",
    "quality",
]
