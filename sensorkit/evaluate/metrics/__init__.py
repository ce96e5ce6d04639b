"""What scores and flags are worth against labels: pure functions, each with its source."""

from sensorkit.evaluate.metrics.affiliation import AffiliationScores, affiliation
from sensorkit.evaluate.metrics.alarms import (
    EventScores,
    FalseAlarms,
    detection_delays,
    event_scores,
    false_alarms,
    median_delay,
)
from sensorkit.evaluate.metrics.lead import LeadTime, lead_time
from sensorkit.evaluate.metrics.nab import (
    PROFILES,
    Sheet,
    Swept,
    best_threshold,
    score_at,
)
from sensorkit.evaluate.metrics.nab_arrays import nab_score, nab_score_optimised
from sensorkit.evaluate.metrics.point_adjusted import point_adjusted_f1_warning
from sensorkit.evaluate.metrics.points import (
    PointScores,
    average_precision,
    point_scores,
    roc_auc,
    vus,
    vus_pr,
    vus_roc,
)
from sensorkit.evaluate.metrics.ranged import range_f, range_precision, range_recall
from sensorkit.evaluate.metrics.ucr import ucr_hit, ucr_score
from sensorkit.evaluate.metrics.volume import Volume

__all__ = [
    "PROFILES",
    "AffiliationScores",
    "EventScores",
    "FalseAlarms",
    "LeadTime",
    "PointScores",
    "Sheet",
    "Swept",
    "Volume",
    "affiliation",
    "average_precision",
    "best_threshold",
    "detection_delays",
    "event_scores",
    "false_alarms",
    "lead_time",
    "median_delay",
    "nab_score",
    "nab_score_optimised",
    "point_adjusted_f1_warning",
    "point_scores",
    "range_f",
    "range_precision",
    "range_recall",
    "roc_auc",
    "score_at",
    "ucr_hit",
    "ucr_score",
    "vus",
    "vus_pr",
    "vus_roc",
]
