"""What scores and flags are worth against labels: pure functions, each with its source."""

from sensorkit.evaluate.metrics.points import (
    PointScores,
    average_precision,
    point_scores,
    roc_auc,
    vus,
    vus_pr,
    vus_roc,
)
from sensorkit.evaluate.metrics.volume import Volume

__all__ = [
    "PointScores",
    "Volume",
    "average_precision",
    "point_scores",
    "roc_auc",
    "vus",
    "vus_pr",
    "vus_roc",
]
