import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.evaluate.events import match
from sensorkit.evaluate.metrics import (
    detection_delays,
    event_scores,
    false_alarms,
    median_delay,
)
from sensorkit.readings import Alert, Severity

NAIVE = runpy.run_path(str(Path(__file__).with_name("naive_metrics.py")))
SECOND = 1_000_000_000


def series(n, *spans):
    """Return zeros with ones from .. to (rows, inclusive)."""
    ones = np.zeros(n, dtype=bool)
    for first, last in spans:
        ones[first : last + 1] = True
    return ones


PAIRS = st.lists(
    st.tuples(st.integers(1, 8), st.booleans(), st.booleans()), min_size=1, max_size=20
).map(
    lambda parts: [
        np.repeat([part[k] for part in parts], [part[0] for part in parts]) for k in (1, 2)
    ]
)


@settings(max_examples=200, deadline=None)
@given(pair=PAIRS, tolerance=st.integers(0, 6), period=st.sampled_from([0.1, 1.0, 60.0]))
def test_all_figures_equal_those_of_a_slow_walk(pair, tolerance, period):
    labels, flags = pair
    slow = NAIVE["events"](labels.tolist(), flags.tolist(), tolerance)
    delays = detection_delays(labels, flags, period=period, tolerance=tolerance)
    assert delays.tolist() == pytest.approx([d * period for d in slow["delays"]])
    alarms = false_alarms(labels, flags, period=period, tolerance=tolerance)
    hours = slow["clean"] * period / 3600
    assert alarms.count == slow["false_alarms"]
    assert alarms.clean_hours == pytest.approx(hours)
    per_hour = slow["false_alarms"] / hours if hours else math.nan
    assert alarms.per_hour == pytest.approx(per_hour, nan_ok=True)
    assert alarms.per_day == pytest.approx(24 * per_hour, nan_ok=True)
    share = slow["clean_in_alarm"] / slow["clean"] if hours else math.nan
    assert alarms.time_share == pytest.approx(share, nan_ok=True)
    if not labels.any():
        return
    found = event_scores(labels, flags, tolerance=tolerance)
    assert (found.hits, found.faults) == (slow["hits"], len(delays))
    assert (found.episodes, found.false_alarms) == (slow["episodes"], slow["false_alarms"])
    precision = slow["hitting"] / slow["episodes"] if slow["episodes"] else math.nan
    assert found.precision == pytest.approx(precision, nan_ok=True)
    recall = slow["hits"] / len(delays)
    assert found.recall == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall) if slow["hits"] else 0.0
    assert found.f1 == pytest.approx(f1)


@pytest.mark.parametrize("seed", range(10))
def test_the_rule_is_the_one_of_a_benchmark(seed):
    rng = np.random.default_rng(seed)
    labels, flags = rng.random((2, 300)) < 0.15
    faults, episodes = NAIVE["ranges"](labels), NAIVE["ranges"](flags)
    frame = pd.DataFrame(faults, columns=["start", "end"]) * SECOND
    alerts = [
        Alert(a * SECOND, "A", Severity.WARNING, "", "sigma", "pump", end=b * SECOND)
        for a, b in episodes
    ]
    time = np.arange(300) * SECOND
    table = match(alerts, frame.apply(pd.to_datetime, utc=True), time, tolerance=3)
    assert detection_delays(labels, flags, period=1.0, tolerance=3).tolist() == (
        table.delay_s.tolist()
    )
    found = event_scores(labels, flags, tolerance=3)
    assert found.precision == table.hits() / table.episodes()
    alarms = false_alarms(labels, flags, period=1.0, tolerance=3)
    assert (alarms.count, alarms.clean_hours) == (table.false_alarms, table.clean_hours)


def test_an_alarm_that_is_always_on_hits_nothing_and_is_all_false_time():
    labels = series(100, (40, 49), (70, 79))
    always = np.ones(100, dtype=bool)
    assert event_scores(labels, always)[:4] == (0.0, 0.0, 0.0, 0)
    assert detection_delays(labels, always, period=1).tolist() == [math.inf, math.inf]
    assert false_alarms(labels, always, period=1).time_share == 1.0


def test_an_alarm_that_begins_before_the_fault_is_neither_hit_nor_false_alarm():
    found = event_scores(series(50, (20, 29)), series(50, (18, 25)))
    assert (found.hits, found.episodes, found.false_alarms) == (0, 1, 0)


def test_an_episode_that_ends_right_before_a_fault_hides_nothing():
    labels = series(50, (20, 29))
    assert event_scores(labels, series(50, (15, 19), (21, 22))).recall == 1.0


def test_one_episode_may_hit_two_faults():
    found = event_scores(series(50, (10, 12), (14, 16)), series(50, (14, 20)), tolerance=2)
    assert (found.recall, found.hits, found.episodes, found.precision) == (1.0, 2, 1, 1.0)


def test_repeats_do_not_change_the_scores():
    labels = series(50, (20, 29))
    once = event_scores(labels, series(50, (22, 22)))
    assert event_scores(labels, series(50, (22, 22), (24, 24), (26, 26))) == once


@pytest.mark.parametrize(("at", "recall"), [(29, 1.0), (30, 1.0), (32, 1.0), (33, 0.0)])
def test_an_episode_may_begin_as_many_readings_late_as_tolerated(at, recall):
    assert event_scores(series(50, (20, 29)), series(50, (at, at)), tolerance=3).recall == recall


def test_faults_at_both_ends_can_be_hit_at_their_first_reading():
    labels = series(20, (0, 0), (19, 19))
    assert detection_delays(labels, labels, period=2.0).tolist() == [0.0, 0.0]


def test_without_an_alarm_there_is_no_precision():
    found = event_scores([0, 1, 0], [0, 0, 0])
    assert math.isnan(found.precision)
    assert (found.recall, found.f1, found.episodes) == (0.0, 0.0, 0)


def test_without_a_fault_there_are_no_delays_but_false_alarms():
    healthy, flags = np.zeros(3601, dtype=bool), series(3601, (10, 20), (100, 100))
    assert detection_delays(healthy, flags, period=1.0).shape == (0,)
    assert math.isnan(median_delay(healthy, flags, period=1.0))
    found = false_alarms(healthy, flags, period=1.0)
    assert (found.count, found.clean_hours, found.per_hour, found.per_day) == (2, 1.0, 2.0, 48.0)
    assert found.time_share == 12 / 3600


def test_the_tail_of_a_hit_is_time_in_false_alarm():
    labels = series(101, (40, 49))
    found = false_alarms(labels, series(101, (42, 59)), period=1.0)
    assert found.count == 0
    assert found.time_share == 11 / 91  # 91 s are clean: 100 s without 40..49, the alarm ends at 60


def test_no_clean_time_has_no_rate():
    found = false_alarms([1, 1, 1], [0, 1, 0], period=1.0)
    assert (found.count, found.clean_hours) == (0, 0.0)
    assert np.isnan([found.per_hour, found.per_day, found.time_share]).all()


def test_the_period_scales_times_and_rates():
    labels, flags = series(1000, (500, 509)), series(1000, (100, 104), (503, 520))
    slow, fast = (false_alarms(labels, flags, period=p) for p in (1.0, 0.01))
    assert fast.clean_hours == pytest.approx(slow.clean_hours / 100)
    assert fast.per_hour == pytest.approx(slow.per_hour * 100)
    assert fast.time_share == slow.time_share
    assert detection_delays(labels, flags, period=0.01).tolist() == [0.03]


@pytest.mark.parametrize("seed", range(20))
def test_the_median_delay_is_that_of_kaplan_and_meier(seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(400) % 40 >= 28  # the last fault ends with the recording
    flags = rng.random(400) < 0.04
    delays = detection_delays(labels, flags, period=1.0)
    watched = [math.inf] * (len(delays) - 1) + [11.0]
    tolerant = median_delay(labels, flags, period=1.0, tolerance=5)
    late = detection_delays(labels, flags, period=1.0, tolerance=5)
    assert tolerant == NAIVE["kaplan_meier_median"](late.tolist(), watched)
    closed = [math.inf] * len(delays)
    assert median_delay(labels, flags, period=1.0) == NAIVE["kaplan_meier_median"](
        delays.tolist(), closed
    )


def test_a_median_delay_counts_misses():
    labels, found = series(100, (10, 19), (30, 39), (50, 59)), series(100, (12, 12))
    assert median_delay(labels, found, period=1.0) == math.inf
    found |= series(100, (35, 35))
    assert median_delay(labels, found, period=1.0) == 5.0  # 2, 5 and a miss


@pytest.mark.parametrize(
    "metric",
    [
        event_scores,
        lambda y, f, **k: detection_delays(y, f, period=1.0, **k),
        lambda y, f, **k: median_delay(y, f, period=1.0, **k),
        lambda y, f, **k: false_alarms(y, f, period=1.0, **k),
    ],
)
class TestRefusals:
    @pytest.mark.parametrize(
        ("labels", "flags", "message"),
        [
            ([], [], "empty"),
            ([0, 1], [0, 1, 0], r"labels has shape \(2,\) and flags \(3,\)"),
            ([0, 1], [0, np.nan], r"flags\[1\] is .*nan"),
            ([0, 2], [0, 1], r"labels\[1\] is .*2"),
        ],
    )
    def test_input_that_makes_no_sense_is_refused(self, metric, labels, flags, message):
        with pytest.raises(ValueError, match=message):
            metric(labels, flags)

    @pytest.mark.parametrize("tolerance", [-1, 2.5, True, None, "1", 10**30])
    def test_a_tolerance_is_a_number_of_readings(self, metric, tolerance):
        with pytest.raises(ValueError, match="tolerance is"):
            metric([0, 1], [0, 1], tolerance=tolerance)


def test_the_largest_tolerance_reaches_the_end():
    labels, flags = series(100, (10, 19)), series(100, (90, 91))
    assert event_scores(labels, flags, tolerance=2**31 - 1).hits == 1


def test_events_want_a_fault():
    with pytest.raises(ValueError, match="none of the 2 labels is 1"):
        event_scores([0, 0], [0, 1])


@pytest.mark.parametrize("metric", [detection_delays, median_delay, false_alarms])
@pytest.mark.parametrize("period", [0.0, -1.0, math.nan, math.inf, None, "1", True, 10**400])
def test_a_period_is_above_zero(metric, period):
    with pytest.raises(ValueError, match="period is"):
        metric([0, 1], [0, 1], period=period)
