"""What sensorkit computes in the benchmark, by the name of the row."""

import numpy as np

from measuring.data import BUFFER
from sensorkit.evaluate import metrics

PERIOD = 1.0


def jobs(data):
    """Return a callable for each row; each gives numbers to compare, or an array of results."""
    labels, scores, flags = data["labels"], data["scores"], data["flags"]
    ranged = {"cardinality": "reciprocal"}
    return {
        "VUS, every score": lambda: metrics.vus(labels, scores, buffer=BUFFER),
        "VUS, 250 thresholds": lambda: metrics.vus(labels, scores, buffer=BUFFER, thresholds=250),
        "average precision": lambda: [metrics.average_precision(labels, scores)],
        "ROC-AUC": lambda: [metrics.roc_auc(labels, scores)],
        "point precision, recall, F1": lambda: metrics.point_scores(labels, flags),
        "range precision and recall": lambda: [
            metrics.range_precision(labels, flags, **ranged),
            metrics.range_recall(labels, flags, **ranged),
        ],
        "affiliation": lambda: metrics.affiliation(labels, flags)[:2],
        "NAB, best threshold": lambda: [metrics.nab_score_optimised(labels, scores).score],
        "NAB, given threshold": lambda: [metrics.nab_score(labels, scores, threshold=3.0)],
        "UCR": lambda: [float(metrics.ucr_hit(data["single"], scores))],
        "point-adjusted F1": lambda: [metrics.point_adjusted_f1_warning(labels, flags)],
        "event recall, precision, F1": lambda: metrics.event_scores(labels, flags)[:3],
        "detection delays": lambda: metrics.detection_delays(labels, flags, period=PERIOD),
        "median delay": lambda: [metrics.median_delay(labels, flags, period=PERIOD)],
        "false alarms": lambda: [metrics.false_alarms(labels, flags, period=PERIOD).per_day],
        "lead time": lambda: [metrics.lead_time(flags, period=PERIOD).lead_s],
    }


def plain(found):
    """Return the numbers of an outcome."""
    return [float(value) for value in np.ravel(found)[:3]]
