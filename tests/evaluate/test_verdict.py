import numpy as np
import pytest

from sensorkit.evaluate.blocks import Draws
from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.rows import Scored
from sensorkit.evaluate.verdict import judge

N = 20


def scored(vus_pr, *, hits=18, alarms=1, spread=0.02, seed=0, status="ok", faults=N, hours=24.0):
    """What a cell comes to that has this VUS-PR; faults all alike for every detector."""
    common = np.random.default_rng(0).normal(0, 0.05, 400)
    row = {
        "fault_kind": None,
        "status": status,
        "reason": None if status == "ok" else "RuntimeError: it broke",
        "faults": faults,
    }
    if status != "ok":
        keys = ("vus_pr", "average_precision", "faults_hit", "false_alarms", "clean_hours")
        return Scored([row | dict.fromkeys(keys)], [], None, (np.empty(0), np.empty(0)))
    row |= {
        "vus_pr": vus_pr if faults else None,
        "average_precision": vus_pr if faults else None,
        "faults_hit": hits,
        "false_alarms": alarms,
        "clean_hours": hours,
    }
    delays = np.full(faults, np.inf)
    delays[:hits] = 4.0
    draws = None
    if faults:
        own = np.random.default_rng([1, seed]).normal(0, spread, 400)
        draws = Draws(vus_pr + common + own, vus_pr + common + own, faults)
    return Scored([row], [], draws, (delays, np.full(faults, np.inf)))


def verdict(cells, *, extrapolated=False, fixed=False, budget=1.0):
    by_key = {("rig", name): cell for name, cell in cells.items()}
    ranking = rank(by_key, ["rig"], [*cells], resamples=400, seed=0)
    calibrations = [{"clean_hours": 5.0, "extrapolated": extrapolated, "fixed": fixed}]
    detectors = [{"name": name, "calibrations": calibrations} for name in cells]
    results = [
        cell.rows[0] | {"detector": name, "recording": "rig"} for name, cell in cells.items()
    ]
    return judge(ranking, detectors, results, budget), ranking


def test_a_detector_that_stands_alone_is_recommended_with_its_numbers():
    found, _ = verdict({"sigma": scored(0.8), "forest": scored(0.5, seed=1), "random": scored(0.1)})
    assert found["detector"] == "sigma"
    assert found["sentence"].startswith("sigma is the best by VUS-PR, 0.80 (0.68 to 0.90)")
    assert "ahead of forest (0.50)" in found["sentence"]
    assert (
        "finds 90% of the faults (70% to 97%) at 1 false alarm a day (0.025 to 5.6)"
        in (found["sentence"])
    )
    assert "median delay of 4 s" in found["sentence"]
    assert "extrapolated" not in found["sentence"]


def test_detectors_that_cannot_be_told_apart_are_said_so():
    found, ranking = verdict(
        {"sigma": scored(0.80), "forest": scored(0.79, seed=1), "random": scored(0.1)}
    )
    assert found["sentence"].startswith(
        "sigma and forest cannot be told apart by VUS-PR (0.80 and 0.79; sigma less forest lies "
        "between -0.0"
    )
    assert [row["group"] for row in ranking.rows] == [1, 1, 2]


def test_a_rate_that_was_not_observed_is_called_extrapolated():
    found, _ = verdict({"sigma": scored(0.8), "random": scored(0.1)}, extrapolated=True, budget=2.0)
    assert found["sentence"].endswith(
        "The false-alarm rate is extrapolated: 5 clean hours of calibration are fewer than the 36 "
        "that a budget of 2 a day takes."
    )


def test_limits_that_no_calibration_moves_are_not_extrapolated():
    found, _ = verdict({"rules": scored(0.8), "random": scored(0.1)}, extrapolated=True, fixed=True)
    assert "extrapolated" not in found["sentence"]


def test_half_of_the_faults_missed_leaves_no_median_delay():
    found, _ = verdict({"sigma": scored(0.8, hits=10), "random": scored(0.1)})
    assert "misses half of them or more, so there is no median delay" in found["sentence"]


@pytest.mark.parametrize("baseline", [0.81, 0.79])
def test_nothing_is_recommended_that_does_not_beat_the_baselines(baseline):
    found, _ = verdict({"sigma": scored(0.8), "last_value": scored(baseline, seed=2)})
    assert found["detector"] is None
    assert found["sentence"].startswith("No detector beats the baselines: by VUS-PR the best one")
    assert f"last_value ({baseline:.2f})" in found["sentence"]


def test_a_baseline_is_never_recommended_even_when_it_is_best():
    found, ranking = verdict({"sigma": scored(0.3), "last_value": scored(0.9, seed=2)})
    assert ranking.rows[0]["detector"] == "last_value"
    assert found["detector"] is None
    assert "No detector beats the baselines" in found["sentence"]


def test_too_few_faults_tell_nothing_apart():
    found, ranking = verdict(
        {"sigma": scored(0.9, faults=4, hits=4), "random": scored(0.1, faults=4, hits=0)}
    )
    assert found["detector"] is None
    assert found["sentence"].startswith(
        "The test has 4 faults, too few to tell the detectors apart; 5 are"
    )
    assert [row["group"] for row in ranking.rows] == [1, 1]
    assert [row["vus_pr_ci"] for row in ranking.rows] == [None, None]


def test_the_faults_of_several_recordings_count_together():
    cells = {
        (recording, detector): scored(value, faults=3, hits=3, seed=seed)
        for recording in "ab"
        for seed, (detector, value) in enumerate([("sigma", 0.9), ("random", 0.1)])
    }
    ranking = rank(cells, ["a", "b"], ["sigma", "random"], resamples=400, seed=0)
    assert (ranking.faults, [row["group"] for row in ranking.rows]) == (6, [1, 2])


def test_without_faults_nothing_is_compared():
    found, ranking = verdict(
        {"sigma": scored(0.0, faults=0, hits=0), "random": scored(0.0, faults=0, hits=0)}
    )
    assert found["sentence"].startswith("No reading of the test shows a fault")
    assert ranking.rows[0]["mean_rank"] is None


def test_detectors_that_all_failed_are_named_with_their_reasons():
    found, ranking = verdict({"sigma": scored(0, status="failed"), "random": scored(0.1)})
    assert found == {
        "detector": None,
        "sentence": "No detector finished: sigma: RuntimeError: it broke.",
    }
    assert [row["detector"] for row in ranking.rows] == ["random", "sigma"]
    assert [row["mean_rank"] for row in ranking.rows] == [1.0, 2.0]


def test_only_baselines_leave_nothing_to_recommend():
    found, _ = verdict({"random": scored(0.1), "never": scored(0.1, seed=1)})
    assert found["detector"] is None
    assert "No detector but the baselines was tried" in found["sentence"]


def test_a_detector_that_failed_on_one_recording_is_not_ranked_on_the_others():
    cells = {
        ("a", "sigma"): scored(0.9),
        ("b", "sigma"): scored(0, status="timeout"),
        ("a", "random"): scored(0.1),
        ("b", "random"): scored(0.1),
    }
    rows = rank(cells, ["a", "b"], ["sigma", "random"], resamples=400, seed=0).rows
    assert [row["detector"] for row in rows] == ["random", "sigma"]
    assert (rows[1]["vus_pr"], rows[1]["group"], rows[1]["failed"]) == (None, None, 1)
    assert [row["mean_rank"] for row in rows] == [1.5, 1.5]
    assert rows[1]["event_recall"] == 0.9  # of the recording where it ran


def test_recordings_are_resampled_as_well():
    def interval(second):
        cells = {("a", "sigma"): scored(0.9), ("b", "sigma"): scored(second, seed=3)}
        low, high = rank(cells, ["a", "b"], ["sigma"], resamples=400, seed=0).rows[0]["vus_pr_ci"]
        return high - low

    assert interval(0.3) > 2 * interval(0.9)
