import math

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from sensorkit import detect
from sensorkit.detect.calibration import (
    DAY_NS,
    MOST_FLAGGED,
    CalibrationResult,
    covered_days,
    lowest_threshold,
)
from sensorkit.errors import DetectorError
from sensorkit.readings import Readings

SECOND = 10**9


def readings(n, step=SECOND):
    values = np.random.default_rng(1).normal(size=(n, 1))
    return Readings.build(np.arange(n) * step, values, ["x"])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    scores=st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0]), min_size=1, max_size=60),
        min_size=1,
        max_size=3,
    ),
    budget=st.integers(0, 4),
    merge=st.integers(0, 3),
)
def test_the_threshold_is_that_of_the_slow_twin(scores, budget, merge):
    expected = naive.lowest_threshold(scores, budget, merge=merge, most_flagged=MOST_FLAGGED)
    parts = [np.array(part) for part in scores]
    assert lowest_threshold(parts, budget, merge) == expected


def test_the_threshold_is_that_of_the_slow_twin_on_scores_without_ties():
    rng = np.random.default_rng(2)
    for budget in (0, 1, 5, 17):
        scores = [rng.standard_cauchy(300), rng.standard_cauchy(200)]
        expected = naive.lowest_threshold(
            [part.tolist() for part in scores], budget, merge=10, most_flagged=MOST_FLAGGED
        )
        assert lowest_threshold(scores, budget, 10) == expected


def test_a_constant_score_is_never_reached():
    assert lowest_threshold([np.full(100, 2.0)], 5, 10) == math.nextafter(2.0, 3.0)


def test_above_the_largest_number_there_is_only_infinity():
    scores = np.zeros(100)
    scores[50] = np.finfo(float).max
    assert lowest_threshold([scores], 0, 10) == math.inf


def test_merging_everything_into_one_episode_is_no_way_to_keep_a_budget():
    score = np.sin(np.arange(1_000) / 10.0)
    threshold = lowest_threshold([score], 10_000, 500)
    assert (score >= threshold).mean() <= MOST_FLAGGED


# Clean time


def test_a_gap_counts_as_one_typical_interval():
    time = np.concatenate([np.arange(100), np.arange(100) + 86_400]) * SECOND
    assert covered_days(time) == pytest.approx((99 + 1 + 99) / 86_400)


def test_irregular_readings_cover_their_time():
    time = (np.cumsum(np.random.default_rng(3).uniform(0.1, 2.0, 5_000)) * SECOND).astype(np.int64)
    assert covered_days(time) == pytest.approx((time[-1] - time[0]) / DAY_NS)


def test_readings_that_share_the_time_of_their_read_cover_it_once():
    time = np.repeat(np.arange(100), 10) * SECOND
    assert covered_days(time) == pytest.approx(99 / 86_400)


@pytest.mark.parametrize("time", [[], [5], [5, 5, 5], [9, 8, 7]])
def test_readings_without_progress_cover_nothing(time):
    assert covered_days(np.array(time, dtype=np.int64)) == 0.0


# What it is worth


@pytest.mark.parametrize("alarms", [0, 1, 7, 100])
def test_at_the_upper_bound_so_few_alarms_have_a_chance_of_five_percent(alarms):
    result = CalibrationResult.of(4.0, alarms, 1.0, fixed=False)
    assert poisson.cdf(alarms, 4.0 * result.upper_95_per_day) == pytest.approx(0.05)


def test_no_alarm_in_t_days_bounds_the_rate_at_three_over_t():
    assert CalibrationResult.of(6.0, 0, 1.0, fixed=False).upper_95_per_day == pytest.approx(
        3.0 / 6.0, rel=0.002
    )


@pytest.mark.parametrize(("days", "extrapolated"), [(2.99, True), (3.0, False), (30.0, False)])
def test_fewer_than_three_over_the_budget_clean_days_are_too_few(days, extrapolated):
    assert CalibrationResult.of(days, 0, 1.0, fixed=False).extrapolated is extrapolated


def test_the_result_reads_as_a_sentence():
    assert str(CalibrationResult.of(0.125, 0, 1.0, fixed=False)) == (
        "calibrated on 3 clean hours: 0 false alarms, at most 24 a day with 95 % confidence; "
        "fewer than 3 clean days, so the budget of 1 a day is extrapolated"
    )
    assert str(CalibrationResult.of(4.0, 1, 1.0, fixed=True)) == (
        "measured (the threshold is fixed) on 96 clean hours: 1 false alarm, "
        "at most 1.19 a day with 95 % confidence"
    )


def test_calibration_forgets_the_stream():
    clean = readings(2_000)
    detector = detect.make("sigma")
    detector.alerts(clean)
    detector.calibrate(clean, 24.0)
    fresh = detect.make("sigma")
    assert detector.score(clean).tolist() == fresh.score(clean).tolist()


@pytest.mark.parametrize("n", [0, 1])
def test_clean_readings_that_cover_no_time_are_refused(n):
    with pytest.raises(DetectorError, match=f"the {n} clean readings .* cover no time"):
        detect.make("sigma").calibrate(readings(n))


@pytest.mark.parametrize("budget", [0, -1.0, math.nan, math.inf, "many"])
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(DetectorError, match=r"false_alarms_per_day is .*; a number above 0"):
        detect.make("sigma").calibrate(readings(100), budget)
