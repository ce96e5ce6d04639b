"""Write disagree.json: VUS-PR of one series as five packages compute it.

Runs in the environment of make.py:

    refvenv/bin/python tests/evaluate/metrics/reference/disagree.py
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from aeon.benchmarking.metrics.anomaly_detection import range_pr_vus_score
from dtaianomaly.evaluation import VolumeUnderPR
from peers import vus_metricor
from sklearn.metrics import auc, average_precision_score, precision_recall_curve
from TSB_AD.evaluation.basic_metrics import basic_metricor

BUFFER = 100


def series():
    """4000 readings, 1 % of them in four faults of random size."""
    rng = np.random.default_rng(11)
    labels = np.zeros(4000, dtype=int)
    scores = rng.normal(size=4000)
    for start in (700, 1500, 2300, 3100):
        labels[start : start + 10] = 1
        scores[start : start + 14] += rng.exponential(2.5)
    return labels, np.round(scores, 3)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    labels, scores = series()
    tsb = basic_metricor().RangeAUC_volume_opt
    vus = vus_metricor()
    precision, recall, _ = precision_recall_curve(labels, scores)
    found = {
        "TSB-AD, 250 thresholds": tsb(labels, scores, BUFFER, 250)[-1],
        "TSB-AD, 1000 thresholds": tsb(labels, scores, BUFFER, 1000)[-1],
        "TSB-AD, every score": tsb(labels, scores, BUFFER, len(scores))[-1],
        "vus opt": vus.RangeAUC_volume_opt(labels, scores, BUFFER)[-1],
        "vus opt_time": vus.RangeAUC_volume_opt_time(labels, scores, BUFFER)[-1],
        "aeon": range_pr_vus_score(labels, scores, max_buffer_size=BUFFER),
        "dtaianomaly, compatibility mode": VolumeUnderPR(BUFFER, True).compute(labels, scores),
        "dtaianomaly": VolumeUnderPR(BUFFER).compute(labels, scores),
    }
    result = {
        "made_with": {
            name: version(name)
            for name in ("TSB-AD", "vus", "aeon", "dtaianomaly", "scikit-learn", "numpy")
        },
        "buffer": BUFFER,
        "vus_pr": {name: float(value) for name, value in found.items()},
        "average_precision": float(average_precision_score(labels, scores)),
        "trapezoid_pr_auc_of_a_constant_score": float(
            auc(*precision_recall_curve(labels, np.zeros(len(labels)))[1::-1])
        ),
        "labels": "".join(map(str, labels)),
        "scores": scores.tolist(),
    }
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in result.items())
    (Path(__file__).parent / "disagree.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    print(json.dumps(result["vus_pr"], indent=1), result["average_precision"])
