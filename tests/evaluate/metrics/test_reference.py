"""Each metric equals its published package on the shared cases, and says so where it does not.

The numbers stand in reference/reference.json, with what made them; the inputs are made anew. Where
a package raises, warns or gives NaN there is no number to equal: what ours does is asserted below.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from sensorkit.evaluate import metrics

HERE = Path(__file__).parent / "reference"
KEPT = json.loads((HERE / "reference.json").read_text(encoding="utf-8"))
ROWS = {row["name"]: row for row in KEPT["cases"]}


def made_anew():
    spec = importlib.util.spec_from_file_location("reference_cases", HERE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    inputs = module.cases()
    assert module.fingerprint(inputs) == KEPT["inputs"], "cases.py has changed: run make.py again"
    return {case.name: case for case in inputs}


CASES = made_anew()

UNLABELLED = {"no anomaly", "no anomaly, nothing flagged"}
ALL_LABELLED = {"all anomalous", "one reading"}
MISSING = {"NaN on a healthy reading", "NaN on a faulty reading"}
INFINITE = {"an infinite score", "minus infinity"}
UNFLAGGED = {"nothing flagged"}
SEVERAL = {name for name, case in CASES.items() if (np.diff(case.labels, prepend=0) == 1).sum() > 1}


def volumes(thresholds):
    return lambda c: metrics.vus(c.labels, c.scores, buffer=c.buffer, thresholds=thresholds)


def of_scores(metric):
    return lambda c: metric(c.labels, c.scores)


def of_flags(metric, **options):
    return lambda c: metric(c.labels, c.flags, **options)


def affiliation(c):
    return metrics.affiliation(c.labels, c.flags)[:2]


def ucr(tolerance):
    """Take dtaianomaly's margin: the tolerance, or the length of the anomaly if that is more."""

    def hit(c):
        margin = max(tolerance, int(c.labels.sum()))
        return float(metrics.ucr_hit(c.labels, c.scores, margin=margin))

    return hit


def nab(c):
    """Put our scores on the scale of NAB's sums; its threshold above all scores is null."""
    found = {}
    for profile, weights in metrics.PROFILES.items():
        windows = ROWS[c.name]["nab"][profile]["windows"]
        nothing, perfect = -weights.fn * windows, weights.tp * windows
        at = metrics.nab_score(c.labels, c.scores, threshold=c.threshold, profile=profile)
        best = metrics.nab_score_optimised(c.labels, c.scores, profile=profile)
        found[profile] = {
            "at_threshold": nothing + at / 100 * (perfect - nothing),
            "best": nothing + best.score / 100 * (perfect - nothing),
            "best_threshold": best.threshold if best.score > 0 else None,
            "windows": windows,
        }
    return found


RANGED = {
    f"prts_{name} {cardinality} {bias} {alpha}": of_flags(
        metric, alpha=alpha, cardinality=cardinality, bias=bias
    )
    for name, metric in (("precision", metrics.range_precision), ("recall", metrics.range_recall))
    for cardinality in ("one", "reciprocal")
    for bias in ("flat", "front", "middle", "back")
    for alpha in (0.0, 0.3)
} | {
    f"prts_f {beta}": of_flags(
        metrics.range_f,
        beta=beta,
        alpha=0.3,
        cardinality="reciprocal",
        bias="front",
        precision_bias="flat",
    )
    for beta in (1.0, 0.5)
}

OURS = {
    "tsb_ad_vus_250": volumes(250),
    "tsb_ad_vus_40": volumes(40),
    "tsb_ad_vus_all": volumes(None),
    "vus_opt_250": volumes(250),
    "sklearn_average_precision": of_scores(metrics.average_precision),
    "sklearn_roc_auc": of_scores(metrics.roc_auc),
    "sklearn_points": of_flags(metrics.point_scores),
    "tsb_ad_affiliation": affiliation,
    "dtaianomaly_affiliation": affiliation,
    "dtaianomaly_point_adjusted_f1": of_flags(metrics.point_adjusted_f1_warning),
    "tsb_ad_point_adjusted_f1": of_flags(metrics.point_adjusted_f1_warning),
    "dtaianomaly_ucr_100": ucr(100),
    "dtaianomaly_ucr_5": ucr(5),
    "nab": nab,
    **RANGED,
}

# TSB-AD's adjustment walks back to row 1, so row 0 of a fault is never counted as found later.
ROW_0_MISSED = {name for name, c in CASES.items() if c.labels[0] and not c.flags[0]}
ROW_0_MISSED &= {
    name for name, c in CASES.items() if c.flags[: int(np.argmin(c.labels)) or None].any()
}
# NAB divides by (width - 1) of the window before.
AFTER_ONE_POINT = {name for name, row in ROWS.items() if row["nab"] == "raises ZeroDivisionError"}
NO_WINDOW = {
    name
    for name, row in ROWS.items()
    if name not in AFTER_ONE_POINT and not row["nab"]["standard"]["windows"]
}

# Where the package gives no number to equal, or a wrong one.
APART = {
    "tsb_ad_vus": UNLABELLED | ALL_LABELLED | MISSING,
    "vus_opt": UNLABELLED | ALL_LABELLED | MISSING,
    "sklearn_average_precision": UNLABELLED | MISSING | INFINITE,
    "sklearn_roc_auc": UNLABELLED | ALL_LABELLED | MISSING | INFINITE,
    "sklearn_points": UNLABELLED | UNFLAGGED,
    "tsb_ad_affiliation": UNLABELLED | UNFLAGGED,
    "dtaianomaly_affiliation": UNLABELLED | UNFLAGGED,
    "dtaianomaly_point_adjusted": UNLABELLED | UNFLAGGED,
    "tsb_ad_point_adjusted": UNLABELLED | ROW_0_MISSED,
    "dtaianomaly_ucr": UNLABELLED | SEVERAL | MISSING,
    "nab": NO_WINDOW | AFTER_ONE_POINT | MISSING,
    "prts": UNLABELLED | UNFLAGGED,
}


def apart(name):
    return next(names for prefix, names in APART.items() if name.startswith(prefix))


def flat(found):
    """Return all numbers of an outcome as one array; null is NaN."""
    if isinstance(found, dict):
        return np.concatenate([flat(value) for value in found.values()])
    if isinstance(found, list | tuple):
        return np.concatenate([flat(value) for value in found])
    return np.array([np.nan if found is None else float(found)])


def compare(name, metric):
    compared = [case for case in CASES.values() if case.name not in apart(name)]
    assert len(compared) >= 110
    for case in compared:
        kept = flat(ROWS[case.name][name])
        np.testing.assert_allclose(flat(metric(case)), kept, rtol=0, atol=1e-12, err_msg=case.name)


@pytest.mark.parametrize("name", OURS)
def test_ours_equals_the_kept_numbers(name):
    compare(name, OURS[name])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tsb_ad_vus_all", volumes(250)),
        ("tsb_ad_vus_250", volumes(249)),
        ("prts_recall one front 0.0", OURS["prts_recall one back 0.0"]),
        ("prts_f 1.0", OURS["prts_f 0.5"]),
        ("dtaianomaly_ucr_5", ucr(25)),
    ],
)
def test_a_metric_that_differs_a_little_does_not_pass(name, wrong):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare(name, wrong)


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_left_out_that_has_a_sound_number(name):
    def sound(case):
        row = ROWS[case.name]
        return name not in row["warnings"] and not any(
            word in str(row[name]) for word in ("raises", "nan")
        )

    left_out = {case.name for case in CASES.values() if sound(case)} & apart(name)
    allowed = {  # each of them has a test below
        "tsb_ad_point_adjusted_f1": UNLABELLED | ROW_0_MISSED,
        "dtaianomaly_ucr_100": MISSING,
        "dtaianomaly_ucr_5": MISSING,
        "nab": NO_WINDOW | MISSING,
    }
    assert left_out <= allowed.get(name, set())


@pytest.mark.parametrize("name", sorted(UNLABELLED))
@pytest.mark.parametrize("metric", [k for k in OURS if k not in ("nab", "dtaianomaly_ucr_100")])
def test_without_a_fault_ours_refuses_where_others_raise_or_say_zero(metric, name):
    assert (
        "raises" in str(ROWS[name][metric])
        or metric in ROWS[name]["warnings"]
        or (ROWS[name][metric] == 0.0)
    )
    with pytest.raises(ValueError, match="none of the 60 labels is 1"):
        OURS[metric](CASES[name])


@pytest.mark.parametrize("name", sorted(ALL_LABELLED))
def test_all_labelled_has_vus_pr_1_and_no_roc_where_tsb_ad_raises(name):
    case = CASES[name]
    assert ROWS[name]["tsb_ad_vus_all"] == "raises IndexError"
    assert ROWS[name]["vus_opt_250"] == [1.0, "nan"]
    found = metrics.vus(case.labels, case.scores, buffer=case.buffer)
    assert found.pr == 1.0
    assert np.isnan(found.roc)
    assert ROWS[name]["sklearn_roc_auc"] == "nan"
    with pytest.raises(ValueError, match="a ROC curve needs healthy readings"):
        metrics.roc_auc(case.labels, case.scores)


@pytest.mark.parametrize("name", sorted(MISSING))
@pytest.mark.parametrize("metric", ["tsb_ad_vus_all", "sklearn_roc_auc", "dtaianomaly_ucr_5"])
def test_a_nan_is_refused_where_others_rank_it(metric, name):
    # TSB-AD: VUS-PR NaN and a VUS-ROC. dtaianomaly: argmax takes the NaN for the highest score.
    with pytest.raises(ValueError, match="1 of 60 scores are NaN, the first at"):
        OURS[metric](CASES[name])
    with pytest.raises(ValueError, match="1 of 60 scores are NaN"):
        metrics.nab_score_optimised(CASES[name].labels, CASES[name].scores)


@pytest.mark.parametrize("name", sorted(INFINITE))
def test_an_infinite_score_is_ordered_where_scikit_learn_raises(name):
    case = CASES[name]
    assert ROWS[name]["sklearn_roc_auc"] == "raises ValueError"
    ranks = np.unique(case.scores, return_inverse=True)[1]
    for metric in (metrics.average_precision, metrics.roc_auc):
        assert metric(case.labels, case.scores) == metric(case.labels, ranks)


def test_nothing_flagged_has_no_precision_and_recall_0():
    (name,) = UNFLAGGED
    case = CASES[name]
    ranged = (metrics.range_precision, metrics.range_recall, metrics.range_f)
    assert ROWS[name]["prts_precision one flat 0.0"] == "raises AssertionError"
    assert ROWS[name]["tsb_ad_affiliation"] == ["nan", 0.0]
    for precision, recall, f in (
        metrics.point_scores(case.labels, case.flags),
        metrics.affiliation(case.labels, case.flags),
        [m(case.labels, case.flags) for m in ranged],
    ):
        assert np.isnan(precision)
        assert recall == f == 0.0
    assert metrics.point_adjusted_f1_warning(case.labels, case.flags) == 0.0


def test_several_anomalies_have_no_ucr_hit():
    for name in SEVERAL:
        assert ROWS[name]["dtaianomaly_ucr_100"] == "nan"
        with pytest.raises(ValueError, match="the UCR score wants exactly one"):
            metrics.ucr_hit(CASES[name].labels, np.nan_to_num(CASES[name].scores))


def test_without_a_window_past_the_probation_there_is_no_nab_score():
    for name in NO_WINDOW:
        with pytest.raises(ValueError, match="files without a window have no NAB score"):
            metrics.nab_score(CASES[name].labels, CASES[name].scores, threshold=0.0)


def test_past_a_window_of_one_row_a_detection_costs_all_where_nab_divides_by_zero():
    case = CASES["one point"]
    assert ROWS[case.name]["nab"] == "raises ZeroDivisionError"
    (at,) = np.flatnonzero(case.labels)
    hit, hit_and_next = np.zeros(50), np.zeros(50)
    hit[at] = hit_and_next[[at, at + 1]] = 1.0
    both = [metrics.nab_score(case.labels, s, threshold=1.0) for s in (hit, hit_and_next)]
    assert both == pytest.approx([100.0, 100.0 * (1 - 0.11 / 2)])


def test_row_0_of_a_fault_is_adjusted_like_any_other_where_tsb_ad_leaves_it_out():
    assert len(ROW_0_MISSED) >= 5
    for name in ROW_0_MISSED:
        case = CASES[name]
        ours = metrics.point_adjusted_f1_warning(case.labels, case.flags)
        assert ours > ROWS[name]["tsb_ad_point_adjusted_f1"]
        assert ours == pytest.approx(ROWS[name]["dtaianomaly_point_adjusted_f1"], abs=1e-12)


def test_an_alarm_must_begin_in_the_fault_so_our_event_recall_is_never_higher():
    lower = 0
    for name, case in CASES.items():
        if name in UNLABELLED:
            continue
        ours = metrics.event_scores(case.labels, case.flags).recall
        theirs = ROWS[name]["dtaianomaly_event_recall"]
        assert ours <= theirs + 1e-12, name
        lower += ours < theirs - 1e-12
    assert lower >= 50
    assert ROWS["everything flagged"]["dtaianomaly_event_recall"] == 1.0
    case = CASES["everything flagged"]
    assert metrics.event_scores(case.labels, case.flags).recall == 0.0
