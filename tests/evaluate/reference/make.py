"""Write vus.json: what TSB-AD and scikit-learn say on shared cases.

Runs in an environment of its own, outside the project's, because TSB-AD pins numpy < 2:

    python -m venv refvenv
    refvenv/bin/pip install --no-deps TSB-AD==1.5
    refvenv/bin/pip install "numpy<2.4" scipy scikit-learn
    refvenv/bin/python tests/evaluate/reference/make.py

The inputs stand in the file beside the numbers, so that no random generator has to agree. A
series that is labelled throughout is left out: TSB-AD finds no range in it and raises.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from TSB_AD.evaluation.basic_metrics import basic_metricor


def labels_of(n, ranges):
    labels = np.zeros(n, dtype=int)
    for start, stop in ranges:
        labels[start : stop + 1] = 1
    return labels


def random_labels(rng, n, count, longest):
    labels = np.zeros(n, dtype=int)
    for start in rng.integers(0, n, count):
        labels[start : start + rng.integers(1, longest + 1)] = 1
    return labels


def cases():
    rng = np.random.default_rng(20240601)
    ramp = np.arange(60) / 60
    yield "one point", labels_of(50, [(20, 20)]), rng.random(50), 10
    yield "one point at the start", labels_of(50, [(0, 0)]), rng.random(50), 10
    yield "one point at the end", labels_of(50, [(49, 49)]), rng.random(50), 11
    yield "ranges at both ends", labels_of(60, [(0, 4), (55, 59)]), rng.random(60), 20
    yield "ranges one point apart", labels_of(60, [(20, 24), (26, 30)]), rng.random(60), 8
    yield "ranges two points apart", labels_of(60, [(20, 24), (27, 30)]), rng.random(60), 9
    yield "three one-point ranges", labels_of(60, [(20, 20), (22, 22), (24, 24)]), rng.random(60), 8
    yield "every second point", np.arange(60) % 2, rng.random(60), 12
    yield "every fifth point", (np.arange(60) % 5 == 0).astype(int), rng.random(60), 7
    yield "all but one labelled", labels_of(40, [(0, 18), (20, 39)]), rng.random(40), 6
    yield "constant scores", labels_of(60, [(30, 39)]), np.full(60, 0.5), 10
    yield "constant scores, no buffer", labels_of(60, [(30, 39)]), np.full(60, 0.5), 0
    yield "two scores", labels_of(60, [(30, 39)]), (ramp > 0.5).astype(float), 10
    yield "the labels as scores", labels_of(60, [(30, 39)]), labels_of(60, [(30, 39)]) * 1.0, 10
    yield "the labels turned round", labels_of(60, [(30, 39)]), 1.0 - labels_of(60, [(30, 39)]), 10
    yield "rising scores", labels_of(60, [(10, 14), (50, 54)]), ramp, 30
    yield "falling scores", labels_of(60, [(10, 14), (50, 54)]), -ramp, 30
    yield "buffer beyond the series", labels_of(40, [(18, 21)]), rng.random(40), 100
    yield "two points", np.array([0, 1]), np.array([0.2, 0.1]), 1
    yield (
        "late by three points",
        labels_of(80, [(40, 44)]),
        np.roll(labels_of(80, [(40, 44)]), 3) + 0.0,
        20,
    )
    yield (
        "huge and tiny scores",
        labels_of(50, [(20, 25)]),
        rng.normal(size=50) * 10.0 ** rng.integers(-300, 300, 50),
        10,
    )
    for i in range(45):
        n = int(rng.choice([30, 60, 120, 300]))
        labels = random_labels(
            rng, n, int(rng.integers(1, 2 + n // 20)), int(rng.choice([1, 3, 10, 25]))
        )
        scores = rng.normal(size=n) + labels * rng.choice([0.0, 1.0, 3.0])
        decimals = int(rng.choice([0, 1, 2, 16]))
        buffer = int(rng.choice([0, 1, 2, 3, 5, 10, 21, 50, 100]))
        yield f"random {i}", labels, np.round(scores, decimals) + 0.0, buffer


def row(name, labels, scores, buffer):
    out = {
        "name": name,
        "labels": "".join(map(str, labels)),
        "scores": scores.tolist(),
        "buffer": buffer,
    }
    for key, thresholds in (("250", 250), ("40", 40), ("all", len(scores))):
        *_, roc, pr = basic_metricor().RangeAUC_volume_opt(labels, scores, buffer, thresholds)
        out[f"vus_pr_{key}"], out[f"vus_roc_{key}"] = float(pr), float(roc)
    out["average_precision"] = float(average_precision_score(labels, scores))
    out["roc_auc"] = float(roc_auc_score(labels, scores))
    return out


if __name__ == "__main__":
    made_with = {name: version(name) for name in ("TSB-AD", "scikit-learn", "numpy")}
    rows = [row(*case) for case in cases()]
    lines = ",\n".join(json.dumps(r, allow_nan=False) for r in rows)
    text = f'{{"made_with": {json.dumps(made_with)}, "cases": [\n{lines}\n]}}\n'
    (Path(__file__).parent / "vus.json").write_text(text, encoding="utf-8")
