"""What published packages compute on the same arrays, in an interpreter of their own.

Started by `measuring.peer` as a program: it answers a line of JSON for each it reads. sensorkit is
not imported, so that the packages may need other versions of everything.
"""

import importlib
import importlib.util
import json
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

BUFFER = 100
PACKAGES = {
    "scikit-learn": "sklearn.metrics",
    "TSB-AD": "TSB_AD.evaluation.basic_metrics",
    "dtaianomaly": "dtaianomaly.evaluation",
    "prts": "prts",
}


def installed(nab):
    """Return the modules by package, and why the others are missing."""
    modules, left_out = {}, {}
    for package, name in PACKAGES.items():
        try:
            modules[package] = importlib.import_module(name)
        except ImportError as error:
            left_out[package] = str(error)
    if nab is None:
        left_out["NAB"] = "no --nab FOLDER with a checkout of numenta/NAB was given"
    else:
        spec = importlib.util.spec_from_file_location("sweeper", Path(nab) / "nab" / "sweeper.py")
        modules["NAB"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules["NAB"])
    return modules, left_out


def versions(modules):
    found = {}
    for package in [*modules, "numpy"]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "checkout"
    return found


def jobs(modules, data):
    """Return a callable for each (row, package)."""
    labels, scores, flags = data["labels"], data["scores"], data["flags"]
    out = {}
    if sk := modules.get("scikit-learn"):
        out["average precision", "scikit-learn"] = lambda: [
            sk.average_precision_score(labels, scores)
        ]
        out["ROC-AUC", "scikit-learn"] = lambda: [sk.roc_auc_score(labels, scores)]
        out["point precision, recall, F1", "scikit-learn"] = lambda: [
            *sk.precision_recall_fscore_support(labels, flags, average="binary")[:3]
        ]
    if tsb := modules.get("TSB-AD"):
        out |= tsb_ad(tsb, labels, scores, flags)
    if dtai := modules.get("dtaianomaly"):
        out |= dtaianomaly(dtai, labels, scores, flags, data["single"])
    if prts := modules.get("prts"):
        out["range precision and recall", "prts"] = lambda: [
            prts.ts_precision(labels, flags, cardinality="reciprocal"),
            prts.ts_recall(labels, flags, cardinality="reciprocal"),
        ]
    if nab := modules.get("NAB"):
        out["NAB, best threshold", "NAB's sweeper"] = lambda: [swept(nab, labels, scores)]
    return out


def tsb_ad(tsb, labels, scores, flags):
    generics = importlib.import_module("TSB_AD.evaluation.affiliation.generics")
    affiliation = importlib.import_module("TSB_AD.evaluation.affiliation.metrics")

    def volumes():
        found = tsb.basic_metricor().RangeAUC_volume_opt(labels, scores, BUFFER, 250)
        return [found[-1], found[-2]]

    def affiliated():
        events = [generics.convert_vector_to_events(side) for side in (flags, labels)]
        found = affiliation.pr_from_events(*events, (0, len(labels)))
        return [found["Affiliation_Precision"], found["Affiliation_Recall"]]

    return {
        ("VUS, 250 thresholds", "TSB-AD"): volumes,
        ("affiliation", "its authors (in TSB-AD)"): affiliated,
    }


def dtaianomaly(dtai, labels, scores, flags, single):
    def of(metric, known=labels, judged=flags):
        return lambda: [metric.compute(known, judged)]

    return {
        ("VUS, 250 thresholds", "dtaianomaly (PR only)"): of(
            dtai.VolumeUnderPR(BUFFER), judged=scores
        ),
        ("VUS, 250 thresholds", "dtaianomaly, compatible (PR only)"): of(
            dtai.VolumeUnderPR(BUFFER, True), judged=scores
        ),
        ("point-adjusted F1", "dtaianomaly"): of(dtai.PointAdjustedFBeta(1)),
        ("UCR", "dtaianomaly"): of(dtai.UCRScore(tolerance=100), single, scores),
    }


def swept(nab, labels, scores):
    """Return NAB's best score, on its scale from 0 to 100; it wants scores from 0 to 1."""
    edges = np.flatnonzero(np.diff(labels, prepend=0, append=0))
    windows = list(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))
    low, high = scores.min(), scores.max()
    judged = ((scores - low) / (high - low)).tolist()
    sweeper = nab.Sweeper(0.15, {"tpWeight": 1.0, "fpWeight": 0.11, "fnWeight": 1.0})
    points = sweeper.calcSweepScore(list(range(len(labels))), judged, windows, "file")
    best = max(s.score for s in sweeper.calcScoreByThreshold(points))
    count = len({p.windowName for p in points} - {None, "probationary"})
    return 100.0 * (best + count) / (2.0 * count)


def main():
    now = {"wall": time.perf_counter, "cpu": time.process_time}[sys.argv[1]]
    nab = sys.argv[2] if len(sys.argv) > 2 else None
    warnings.simplefilter("ignore")
    modules, left_out = installed(nab)
    answer({"versions": versions(modules), "left_out": left_out})
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            with np.load(asked["load"]) as stored:
                data = dict(stored)
            todo = jobs(modules, data)
            answer({"jobs": list(todo)})
        else:
            job = todo[tuple(asked["run"])]
            start = now()
            found = job()
            seconds = now() - start
            answer({"seconds": seconds, "value": [float(value) for value in found]})


def answer(found):
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
