"""What each published package says on one case. Runs where they are installed; see make.py."""

import importlib.util
import json
import math
import warnings
from importlib.metadata import distribution, version
from pathlib import Path

import numpy as np
import prts
from dtaianomaly import evaluation as dtai
from sklearn import metrics as sklearn_metrics
from TSB_AD.evaluation.affiliation.generics import convert_vector_to_events
from TSB_AD.evaluation.affiliation.metrics import pr_from_events
from TSB_AD.evaluation.basic_metrics import basic_metricor

PACKAGES = ("TSB-AD", "vus", "prts", "aeon", "dtaianomaly", "scikit-learn", "numpy")
NAB_COMMIT = "d62afec4fa32f65c90ba80742af84aefe7f4c75a"
PROFILES = {
    "standard": {"tpWeight": 1.0, "fpWeight": 0.11, "fnWeight": 1.0, "tnWeight": 1.0},
    "reward_low_FP_rate": {"tpWeight": 1.0, "fpWeight": 0.22, "fnWeight": 1.0, "tnWeight": 1.0},
    "reward_low_FN_rate": {"tpWeight": 1.0, "fpWeight": 0.11, "fnWeight": 2.0, "tnWeight": 1.0},
}


def versions():
    return {name: version(name) for name in PACKAGES} | {"NAB": NAB_COMMIT}


def module_at(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vus_metricor():
    # vus/__init__.py imports models that need packages its metrics do not.
    return module_at(
        "vus_metrics", distribution("vus").locate_file("vus/utils/metrics.py")
    ).metricor()


def nab_sweeper(folder):
    """Return NAB's class Sweeper from a checkout."""
    return module_at("nab_sweeper", Path(folder) / "nab" / "sweeper.py").Sweeper


def runs(ones):
    """Return first and last row of each run of ones."""
    edges = np.flatnonzero(np.diff(ones, prepend=0, append=0))
    return list(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))


def nab(sweeper_class, case):
    """Return NAB's sums (not normalised) by profile: at the case's threshold, and the best.

    NAB takes scores from 0 to 1 and begins with a threshold of 1.1, so it is given their ranks.
    """
    distinct = np.unique(case.scores)
    rank = np.searchsorted(distinct, case.scores) / len(distinct)
    threshold = np.searchsorted(distinct, case.threshold) / len(distinct)
    out = {}
    for profile, costs in PROFILES.items():
        sweeper = sweeper_class(probationPercent=0.15, costMatrix=costs)
        rows = list(range(len(rank)))
        points = sweeper.calcSweepScore(rows, rank.tolist(), runs(case.labels), "file")
        by_threshold = sweeper.calcScoreByThreshold(points)
        best = max(by_threshold, key=lambda s: s.score)
        out[profile] = {
            # The first entry stands for a threshold above all scores.
            "at_threshold": [s.score for s in by_threshold if s.threshold >= threshold][-1],
            "best": best.score,
            "best_threshold": None
            if best is by_threshold[0]
            else float(distinct[round(best.threshold * len(distinct))]),
            "windows": len({p.windowName for p in points} - {None, "probationary"}),
        }
    return out


def calls(case, vus, sweeper_class):
    """Return what is to be called, by name."""
    labels, scores, flags, buffer = case.labels, case.scores, case.flags, case.buffer
    tsb = basic_metricor()

    def volume(thresholds, of=tsb):
        *_, roc, pr = of.RangeAUC_volume_opt(labels, scores, buffer, thresholds)
        return [float(pr), float(roc)]

    def affiliation():
        events, known = convert_vector_to_events(flags), convert_vector_to_events(labels)
        found = pr_from_events(events, known, (0, len(labels)))
        return [found["Affiliation_Precision"], found["Affiliation_Recall"]]

    def of_flags(metric):
        return lambda: float(metric.compute(labels, flags))

    todo = {
        "tsb_ad_vus_250": lambda: volume(250),
        "tsb_ad_vus_40": lambda: volume(40),
        "tsb_ad_vus_all": lambda: volume(len(scores)),
        "vus_opt_250": lambda: volume(250, vus),
        "sklearn_average_precision": lambda: float(
            sklearn_metrics.average_precision_score(labels, scores)
        ),
        "sklearn_roc_auc": lambda: float(sklearn_metrics.roc_auc_score(labels, scores)),
        "sklearn_points": lambda: [
            float(x)
            for x in sklearn_metrics.precision_recall_fscore_support(
                labels, flags, average="binary"
            )[:3]
        ],
        "tsb_ad_affiliation": affiliation,
        "dtaianomaly_affiliation": lambda: [
            float(dtai.AffiliationPrecision().compute(labels, flags)),
            float(dtai.AffiliationRecall().compute(labels, flags)),
        ],
        "dtaianomaly_point_adjusted_f1": of_flags(dtai.PointAdjustedFBeta(1)),
        "tsb_ad_point_adjusted_f1": lambda: float(
            tsb.metric_PointF1PA(labels, scores, preds=flags.copy())
        ),
        "dtaianomaly_event_recall": of_flags(dtai.EventWiseRecall()),
        "dtaianomaly_ucr_100": lambda: float(dtai.UCRScore(tolerance=100).compute(labels, scores)),
        "dtaianomaly_ucr_5": lambda: float(dtai.UCRScore(tolerance=5).compute(labels, scores)),
    }
    for cardinality in ("one", "reciprocal"):
        for bias in ("flat", "front", "middle", "back"):
            options = {"cardinality": cardinality, "bias": bias}
            for alpha in (0.0, 0.3):
                todo[f"prts_recall {cardinality} {bias} {alpha}"] = lambda o=options, a=alpha: (
                    float(prts.ts_recall(labels, flags, alpha=a, **o))
                )
                todo[f"prts_precision {cardinality} {bias} {alpha}"] = lambda o=options, a=alpha: (
                    float(prts.ts_precision(labels, flags, alpha=a, **o))
                )
    for beta in (1.0, 0.5):
        todo[f"prts_f {beta}"] = lambda b=beta: float(
            prts.ts_fscore(
                labels, flags, beta=b, r_alpha=0.3, cardinality="reciprocal", r_bias="front",
            )
        )  # fmt: skip
    if sweeper_class is not None:
        todo["nab"] = lambda: nab(sweeper_class, case)
    return todo


def outcome(call):
    """Return what a call gives, as JSON has it, and the kinds of warnings it gives.

    A NaN is "nan"; an exception is "raises " and its type.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = call()
        except Exception as error:  # whatever a package does is what we want to know
            found = f"raises {type(error).__name__}"
    return plain(found), sorted({w.category.__name__ for w in caught})


def plain(found):
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items()}
    if isinstance(found, list):
        return [plain(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    return found


def judged(case, vus, sweeper_class):
    """Return the row of one case."""
    numbers, warned = {}, {}
    for name, call in calls(case, vus, sweeper_class).items():
        numbers[name], kinds = outcome(call)
        if kinds:
            warned[name] = kinds
    return {"name": case.name, **numbers, "warnings": warned}


def written(path, header, rows):
    """Write a JSON file: the header, then a row a line."""
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    head = json.dumps(header, indent=1, allow_nan=False)[:-2]
    path.write_text(f'{head},\n "cases": [\n{lines}\n]}}\n', encoding="utf-8")
