"""docs/metrics.md says what the code and the kept numbers say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sensorkit.evaluate.metrics import average_precision, vus_pr
from sensorkit.evaluate.rows import CASE_COLUMNS

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
KEPT = json.loads((HERE / "reference" / "disagree.json").read_text(encoding="utf-8"))


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


def test_the_trapezoid_rewards_a_constant_score_and_average_precision_does_not():
    labels, _ = series()
    assert KEPT["trapezoid_pr_auc_of_a_constant_score"] == pytest.approx(0.505)
    assert average_precision(labels, np.zeros(len(labels))) == pytest.approx(0.01)


def test_every_column_of_cases_csv_is_explained():
    table = PAGE[PAGE.index("## cases.csv") :]
    assert set(CASE_COLUMNS) - {"case"} <= set(re.findall(r"`(\w+)`", table))
