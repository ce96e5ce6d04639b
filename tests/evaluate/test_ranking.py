import math

import numpy as np
import pytest

from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.rows import Scored, event_f1, event_f1_interval
from sensorkit.evaluate.statistics import (
    median_delay_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.statistics.blocks import Draws
from sensorkit.evaluate.statistics.nested import rate_interval, share_interval


def cell(vus_pr=0.7, *, hits=6, faults=8, alarms=2, days=1.0, seed=0, seconds=(), bunched=1.0):
    rng = np.random.default_rng(seed)
    delays = np.full(faults, math.inf)
    delays[:hits] = rng.exponential(10.0, hits)
    row = {
        "fault_kind": None,
        "status": "ok",
        "reason": None,
        "faults": faults,
        "faults_hit": hits,
        "episodes": hits + alarms,
        "event_precision": hits / (hits + alarms),
        "false_alarms": alarms,
        "clean_hours": 24 * days,
        "vus_pr": vus_pr,
        "average_precision": vus_pr - 0.1,
    }
    draws = vus_pr + rng.normal(0, 0.03, 300)
    return Scored(
        [row],
        [],
        Draws(draws, draws, draws - 0.1, draws, faults),
        (delays, np.full(faults, math.inf)),
        np.array(seconds, dtype=float),
        bunched,
    )


def ranked(*cells):
    names = [f"r{i}" for i in range(len(cells))]
    by_place = {(name, "sigma"): one for name, one in zip(names, cells, strict=True)}
    return rank(by_place, names, ["sigma"], resamples=300, seed=0).rows[0]


def of_copies(*cells):
    names = [f"r{i}" for i in range(len(cells))]
    by_place = {(name, "sigma"): one for name, one in zip(names, cells, strict=True)}
    bases = dict.fromkeys(names, "base")
    return rank(by_place, names, ["sigma"], resamples=300, seed=0, bases=bases).rows[0]


FIGURES = (
    "vus_pr",
    "average_precision",
    "event_recall",
    "event_f1",
    "false_alarms_per_day",
    "time_in_false_alarm",
    "delay_median_s",
)


@pytest.mark.parametrize("recordings", [1, 2, 4])
def test_every_figure_has_an_interval_that_holds_it(recordings):
    cells = [cell(seed=i, hits=5 + i % 3, seconds=(60.0, 5.0, 700.0)) for i in range(recordings)]
    row = ranked(*cells)
    for name in FIGURES:
        low, high = row[f"{name}_ci"]
        assert low < row[name] < high, name


def test_one_recording_has_the_intervals_of_its_own_counts():
    row = ranked(cell(seconds=(30.0, 50.0), bunched=2.0))
    assert row["event_recall_ci"] == wilson_interval(6, 8)
    assert row["event_f1"] == 0.75
    assert row["event_f1_ci"] == event_f1_interval([0.75], [10])
    assert row["false_alarms_per_day_ci"] == poisson_interval(2 / 2, 1.0 / 2)
    assert row["time_in_false_alarm"] == pytest.approx(80 / 86_400)
    assert row["time_in_false_alarm_ci"] == weighted_poisson_interval(
        np.array([30.0, 50.0]), 86_400.0, 2.0
    )


def test_several_recordings_are_not_taken_for_one_large_one():
    row = ranked(cell(hits=8), cell(hits=2, alarms=20, seed=1))
    assert row["event_recall"] == 10 / 16
    assert row["event_recall_ci"] == share_interval([8, 2], [8, 8])
    low, high = wilson_interval(10, 16)
    assert row["event_recall_ci"][0] < low < high < row["event_recall_ci"][1]
    assert row["false_alarms_per_day_ci"] == rate_interval([2, 20], [1.0, 1.0])


def test_clean_time_of_copies_was_there_once_and_their_faults_add_up():
    seconds = (30.0, 50.0)
    one = ranked(cell(seconds=seconds))
    row = of_copies(*(cell(seed=i, seconds=seconds) for i in range(5)))
    for name in ("false_alarms_per_day", "false_alarms_per_day_ci", "time_in_false_alarm"):
        assert row[name] == pytest.approx(one[name])
    assert row["time_in_false_alarm_ci"] == pytest.approx(one["time_in_false_alarm_ci"])
    assert row["event_recall_ci"] == wilson_interval(30, 40)
    assert row["event_f1"] == pytest.approx(one["event_f1"])
    assert (row["recordings"], row["copies"]) == (1, 5)
    assert (one["recordings"], one["copies"]) == (1, 1)


def test_figures_of_copies_are_those_of_their_mean():
    cells = [cell(0.9, seed=1), cell(0.5, seed=2), cell(0.4, seed=3)]
    names = ["a", "b", "c"]
    by_place = {(name, "sigma"): one for name, one in zip(names, cells, strict=True)}
    bases = {"a": "x", "b": "x", "c": "y"}
    row = rank(by_place, names, ["sigma"], resamples=300, seed=0, bases=bases).rows[0]
    assert row["vus_pr"] == pytest.approx((0.7 + 0.4) / 2)
    assert row["average_precision"] == pytest.approx((0.6 + 0.3) / 2)
    assert (row["recordings"], row["copies"]) == (2, 3)
    assert row["event_recall_ci"] == share_interval([12, 6], [16, 8])
    assert row["false_alarms_per_day_ci"] == rate_interval([2, 2], [1.0, 1.0])


def test_faults_of_copies_make_the_interval_as_narrow_as_as_many_of_one_recording():
    def width(*faults):
        cells = []
        for i, n in enumerate(faults):
            rng = np.random.default_rng([7, i])
            values = 0.7 + rng.normal(0, 0.2, (300, n)).mean(axis=1) * math.sqrt(1 - 1 / n)
            draws = Draws(values, values, values, values, n)
            cells.append(cell(faults=n, hits=n)._replace(draws=draws))
        low, high = of_copies(*cells)["vus_pr_ci"]
        return high - low

    assert width(10, 10, 10) == pytest.approx(width(30), rel=0.15)
    assert width(10) > 1.3 * width(30)


def test_the_rate_of_copies_is_covered_as_that_of_one_recording_is():
    rng = np.random.default_rng(0)
    truth, copies = 3.0, 5
    covered = as_if_apart = 0
    for i in range(100):
        # The same alarms in each copy.
        cells = [cell(alarms=int(rng.poisson(truth)), seed=i)] * copies
        low, high = of_copies(*cells)["false_alarms_per_day_ci"]
        covered += low <= truth <= high
        low, high = ranked(*cells)["false_alarms_per_day_ci"]
        as_if_apart += low <= truth <= high
    assert covered >= 93
    assert as_if_apart < 80


def test_a_copy_that_failed_leaves_its_recording_without_a_rank():
    lost = cell()
    row = lost.rows[0] | {"status": "failed", "vus_pr": None}
    nothing = (np.empty(0), np.empty(0))
    cells = {
        ("a", "sigma"): cell(0.9),
        ("b", "sigma"): Scored([row], [], None, nothing),
        ("a", "forest"): cell(0.5, seed=1),
        ("b", "forest"): cell(0.5, seed=2),
    }
    ranking = rank(
        cells, ["a", "b"], ["sigma", "forest"], resamples=300, seed=0, bases={"a": "x", "b": "x"}
    )
    assert [(r["detector"], r["mean_rank"]) for r in ranking.rows] == [("forest", 1), ("sigma", 2)]
    assert ranking.rows[1]["note"] == "failed on b"


def test_the_delay_of_several_recordings_draws_recordings():
    delays = [np.full(10, 5.0), np.full(10, 50.0)]
    cells = [cell(hits=10, faults=10)._replace(delays=(d, np.full(10, math.inf))) for d in delays]
    assert ranked(*cells)["delay_median_s_ci"] == (5.0, 50.0)
    weights = resample(20, 300, np.random.default_rng(0))
    mixed = [np.arange(10.0) + 20, np.arange(10.0) + 60]
    cells = [cell(hits=10, faults=10)._replace(delays=(d, np.full(10, math.inf))) for d in mixed]
    low, high = ranked(*cells)["delay_median_s_ci"]
    one = median_delay_interval(np.concatenate(mixed), np.full(20, math.inf), weights=weights)
    assert low < one[0] < one[1] <= high + 1


def test_without_time_in_false_alarm_the_end_of_its_interval_is_open():
    row = ranked(cell(), cell(seed=1))
    assert (row["time_in_false_alarm"], row["time_in_false_alarm_ci"]) == (0.0, (0.0, math.inf))


def test_a_detector_that_is_always_on_has_no_more_than_all_of_the_time():
    row = ranked(cell(seconds=(86_400.0,)), cell(seconds=(86_400.0,), seed=1))
    assert row["time_in_false_alarm"] == 1.0
    assert row["time_in_false_alarm_ci"][1] == 1.0


def test_bursts_of_alarms_widen_the_rate():
    calm, bursts = (ranked(cell(alarms=20, bunched=b))["false_alarms_per_day_ci"] for b in (1, 4))
    assert bursts[0] < calm[0] < calm[1] < bursts[1]


def test_p_values_compare_with_the_first():
    names = ("a", "b", "c")
    cells = {
        ("r", name): cell(value, seed=i)
        for i, (name, value) in enumerate(zip(names, (0.8, 0.79, 0.4), strict=True))
    }
    ranking = rank(cells, ["r"], names, resamples=300, seed=0)
    first, second, third = ranking.rows
    assert first["p_value"] is None
    assert second["p_value"] == ranking.difference("a", "b").p_value > 0.05
    assert third["p_value"] == 2 / 301  # the least that 300 draws can show
    assert [row["group"] for row in ranking.rows] == [1, 1, 2]


def test_too_few_faults_have_no_p_value():
    cells = {("r", name): cell(0.5, seed=i, faults=4, hits=2) for i, name in enumerate("ab")}
    rows = rank(cells, ["r"], ["a", "b"], resamples=300, seed=0).rows
    assert [row["p_value"] for row in rows] == [None, None]
    assert [row["average_precision_ci"] for row in rows] == [None, None]
    assert [row["delay_median_s_ci"] for row in rows] == [None, None]


def test_event_f1_is_the_harmonic_mean():
    assert event_f1(6, 8, 6, 12) == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    # One episode that hits two faults is two for recall and one for precision.
    assert event_f1(2, 2, 1, 2) == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert event_f1(0, 8, 0, 0) == 0.0
    assert event_f1(0, 0, 0, 3) is None


def test_the_interval_of_event_f1_covers_the_truth_most_of_the_time():
    rng = np.random.default_rng(2)
    truth = event_f1(24, 30, 24, 28)
    covered = narrow = 0
    for _ in range(300):
        hit, false = rng.binomial(30, 0.8), rng.poisson(4)
        low, high = event_f1_interval([event_f1(hit, 30, hit, hit + false)], [30 + false])
        covered += low <= truth <= high
        narrow += abs(truth - (low + high) / 2) <= (high - low) / 4
    assert covered / 300 >= 0.94
    assert narrow / 300 < 0.9
