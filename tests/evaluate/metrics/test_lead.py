import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.evaluate.metrics import lead_time

NAIVE = runpy.run_path(str(Path(__file__).with_name("naive_metrics.py")))["lead"]


@settings(max_examples=200, deadline=None)
@given(
    flags=st.lists(st.booleans(), min_size=1, max_size=40),
    horizon=st.one_of(st.none(), st.integers(1, 45)),
)
def test_lead_time_equals_its_slow_twin(flags, horizon):
    seconds = None if horizon is None else 60.0 * horizon
    rows, wrong = NAIVE(flags, horizon)
    assert lead_time(flags, period=60.0, horizon_s=seconds) == (60.0 * rows, wrong)


def test_an_alarm_that_was_taken_back_is_no_warning_without_a_horizon():
    assert lead_time([0, 1, 1, 0, 0, 0], period=1.0) == (0.0, 1)


def test_an_alarm_that_was_taken_back_inside_the_horizon_is_one():
    assert lead_time([0, 0, 1, 0, 0, 0], period=1.0, horizon_s=4.0) == (3.0, 0)


def test_the_longest_lead_is_the_horizon():
    flags = np.arange(100) >= 10
    assert lead_time(flags, period=1.0, horizon_s=89.0) == (89.0, 0)
    assert lead_time(flags, period=1.0, horizon_s=88.0) == (0.0, 1)


@pytest.mark.parametrize("period", [0.1, 0.3, 1 / 3, 1e-9, 1e9])
@pytest.mark.parametrize("rows", [3, 7, 89])
def test_a_horizon_is_as_many_readings_in_any_unit(period, rows):
    flags = np.arange(100) >= 99 - rows
    for horizon in (rows * period, float(f"{rows * period:.15g}")):  # 0.30000000000000004 and 0.3
        assert lead_time(flags, period=period, horizon_s=horizon) == (rows * period, 0)
    assert lead_time(flags, period=period, horizon_s=(rows - 0.001) * period) == (0.0, 1)


def test_a_horizon_beyond_all_numbers_of_readings_holds_every_alarm():
    assert lead_time([0, 1, 0, 0], period=1e-300, horizon_s=1e300).false_alarms == 0


def test_what_always_alarms_has_no_lead():
    always = np.ones(50, dtype=bool)
    assert lead_time(always, period=1.0) == (0.0, 1)
    assert lead_time(always, period=1.0, horizon_s=1000.0) == (0.0, 1)


def test_what_never_alarms_has_no_lead_and_no_false_alarm():
    assert lead_time(np.zeros(50, dtype=bool), period=1.0) == (0.0, 0)


def test_an_alarm_with_the_failure_has_no_lead():
    assert lead_time([0, 0, 0, 1], period=1.0) == (0.0, 0)


def test_one_reading_is_a_run():
    assert lead_time([0], period=1.0) == (0.0, 0)
    assert lead_time([1], period=1.0) == (0.0, 1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [([], "flags is empty"), ([0, np.nan], r"flags\[1\] is .*nan"), ([[0, 1]], "one dimension")],
)
def test_input_that_makes_no_sense_is_refused(flags, message):
    with pytest.raises(ValueError, match=message):
        lead_time(flags, period=1.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf, "1", True, 10**400, [1, 2]])
def test_seconds_are_above_zero(wrong):
    with pytest.raises(ValueError, match="period is"):
        lead_time([0, 1], period=wrong)
    with pytest.raises(ValueError, match="horizon_s is"):
        lead_time([0, 1], period=1.0, horizon_s=wrong)
