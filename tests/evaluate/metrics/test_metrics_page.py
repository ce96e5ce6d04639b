"""docs/metrics.md says what the code and the kept numbers say."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

from sensorkit.evaluate import metrics
from sensorkit.evaluate.metrics import average_precision, vus, vus_pr
from sensorkit.evaluate.rows import CASE_COLUMNS

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
KEPT = json.loads((HERE / "reference" / "disagree.json").read_text(encoding="utf-8"))
SHARED = json.loads((HERE / "reference" / "reference.json").read_text(encoding="utf-8"))


def cases():
    spec = importlib.util.spec_from_file_location("cases", HERE / "reference" / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def series():
    return np.array([int(label) for label in KEPT["labels"]]), np.array(KEPT["scores"])


def test_the_table_of_implementations_holds_the_kept_numbers():
    rows = dict(
        re.findall(r"^\| ([\w -]+(?:, [\w ]+)?)(?: \(our default\))? \| (0\.\d{4}) \|", PAGE, re.M)
    )
    assert rows == {name: f"{value:.4f}" for name, value in KEPT["vus_pr"].items()}


@pytest.mark.parametrize(
    ("name", "thresholds"),
    [
        ("TSB-AD, 250 thresholds", 250),
        ("TSB-AD, 1000 thresholds", 1000),
        ("TSB-AD, every score", None),
    ],
)
def test_ours_is_the_definition_of_tsb_ad(name, thresholds):
    found = vus_pr(*series(), buffer=KEPT["buffer"], thresholds=thresholds)
    assert found == pytest.approx(KEPT["vus_pr"][name], abs=1e-12)


def test_every_metric_has_its_row_with_its_variant():
    table = PAGE[PAGE.index("| Function |") : PAGE.index('"Equals" is')]
    named = set(re.findall(r"`(\w+)`", table))
    functions = {
        name
        for name in metrics.__all__
        if name.islower() and name not in ("best_threshold", "score_at")
    }
    assert named == functions


def test_the_packages_and_the_number_of_cases_are_those_of_the_kept_numbers():
    assert f"on all of {len(SHARED['cases'])} shared cases" in PAGE
    edges = [row for row in SHARED["cases"] if not row["name"].startswith("random ")]
    assert f"{len(edges)} are edge cases" in PAGE
    for package in ("TSB-AD", "vus", "prts", "aeon", "dtaianomaly", "scikit-learn"):
        assert re.search(rf"{package} {re.escape(SHARED['made_with'][package])}\b", PAGE)


def low_and_high(values, digits):
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


@pytest.mark.parametrize("detector", ["clear", "middling", "spiky"])
@pytest.mark.parametrize("n", [10_000, 100_000, 1_000_000])
def test_the_table_of_250_thresholds_holds_what_comes_out(detector, n):
    exact, sampled, roc = [], {250: [], 1000: []}, []
    for seed in range(5):
        labels, scores = cases().rare_faults(n, seed, detector)
        assert labels.mean() == 0.01
        whole = vus(labels, scores, buffer=100)
        exact.append(whole.pr)
        for thresholds, low in sampled.items():
            some = vus(labels, scores, buffer=100, thresholds=thresholds)
            low.append(100 * (1 - some.pr / whole.pr))
            roc.append(abs(some.roc - whole.roc))
    row = [
        detector,
        f"{n:,}".replace(",", " "),
        low_and_high(exact, 2),
        low_and_high(sampled[250], 1),
        low_and_high(sampled[1000], 1),
    ]
    assert f"| {' | '.join(row)} |" in PAGE
    assert max(roc) < 0.0003  # "VUS-ROC moves by 0.0003 at most"


def test_noise_has_the_point_adjusted_f1_that_the_page_says():
    labels = np.zeros(10_000, dtype=bool)
    for first in (2000, 5000, 8000):
        labels[first : first + 100] = True
    plain, adjusted = [], []
    for seed in range(3):
        noise = np.random.default_rng(seed).random(len(labels))
        limits = np.append(np.arange(0, 0.95, 0.05), np.arange(0.95, 1, 0.0005))
        flags = [noise >= limit for limit in limits]
        plain.append(max(metrics.point_scores(labels, f).f1 for f in flags))
        adjusted.append(max(metrics.point_adjusted_f1_warning(labels, f) for f in flags))
    text = " ".join(PAGE.split())
    assert (
        f"best F1 {np.mean(plain):.2f}, best point-adjusted F1 {low_and_high(adjusted, 2)}" in text
    )


def test_noise_has_the_affiliation_f1_that_the_page_says():
    labels = np.arange(10_000) % 1000 >= 990
    found = []
    for share in (0.001, 0.005, 0.05, 0.2):
        rngs = map(np.random.default_rng, range(20))
        flags = [rng.random(10_000) < share for rng in rngs]
        found.append(np.mean([metrics.affiliation(labels, some).f1 for some in flags]))
    few, some, many, more = (f"{f1:.2f}" for f1 in found)
    assert many == more
    text = " ".join(PAGE.split())
    assert f"mean F1 of {few} with 0.1 % flagged, {some} with 0.5 % and {many} from 5 % on" in text


@pytest.mark.parametrize(("length", "said"), [(5, 0.9), (100, 0.6)])
def test_noise_has_the_vus_roc_that_its_docstring_says(length, said):
    labels = np.arange(20_000) % 1000 >= 1000 - length
    noise = np.random.default_rng(0).random(len(labels))
    assert metrics.vus_roc(labels, noise, buffer=100) == pytest.approx(said, abs=0.05)
    assert f"{said} with faults of {length}" in " ".join(metrics.vus_roc.__doc__.split())


def test_250_thresholds_can_come_out_a_little_too_high_on_short_series():
    low, high = 0, []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        labels = np.arange(400) % 100 >= 97
        scores = rng.random(400) + labels * rng.random()
        exact, some = (vus_pr(labels, scores, buffer=20, thresholds=t) for t in (None, 250))
        low += some < exact
        high.append(some / exact - 1)
    assert low > 60  # "usually too few"
    assert 0 < max(high) < 0.1  # "a few percent too high"


def test_the_trapezoid_rewards_a_constant_score_and_average_precision_does_not():
    labels, _ = series()
    assert KEPT["trapezoid_pr_auc_of_a_constant_score"] == pytest.approx(0.505)
    assert average_precision(labels, np.zeros(len(labels))) == pytest.approx(0.01)


def test_every_column_of_cases_csv_is_explained():
    table = PAGE[PAGE.index("## cases.csv") :]
    assert set(CASE_COLUMNS) - {"case"} <= set(re.findall(r"`(\w+)`", table))
