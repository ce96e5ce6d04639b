"""Limits learned from healthy readings are quiet on healthy ones and see gross faults."""

from itertools import accumulate

import numpy as np
import pytest
import yaml
from contracts import checks

from sensorkit import detect
from sensorkit.detect.learned_rules import FEWEST, from_table, learn_rules, to_table
from sensorkit.detect.rules import Rules
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.profile.rules import Rule
from sensorkit.readings import Readings, Words

SECOND = 10**9


def of(*columns, times=None, device="device"):
    values = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    times = np.arange(len(values)) if times is None else times
    names = ["x", "y", "z"][: len(columns)]
    return Readings.build((times * SECOND).astype(np.int64), values, names, device=device)


def noise(n, seed, level=20.0):
    return level + np.random.default_rng(seed).standard_normal(n)


def ar1(n, seed):
    steps = noise(n, seed, 0.0) * np.sqrt(1 - 0.9**2)
    return 20.0 + np.array(list(accumulate(steps, lambda last, step: 0.9 * last + step)))


def daily(n, seed):
    angle = 2 * np.pi * (seed * 100 + np.arange(n)) / 1440
    return 20.0 + 1.4 * np.sin(angle) + 0.25 * noise(n, seed, 0.0)


def learned(readings, **wanted):
    found = [
        rule
        for rule in learn_rules(readings)
        if all(getattr(rule, name) == value for name, value in wanted.items())
    ]
    return found[0] if found else None


def fitted(readings, **options):
    return detect.make("rules", source="fit", **options).fit(readings)


# What is learned


def test_every_channel_has_its_rules_and_the_device_a_heartbeat():
    rules = learn_rules(of(noise(3000, 1), noise(3000, 2)))
    assert [(rule.kind, rule.channel) for rule in rules] == [
        ("range", "x"), ("rate", "x"), ("stuck", "x"), ("missing", "x"),
        ("range", "y"), ("rate", "y"), ("stuck", "y"), ("missing", "y"),
        ("heartbeat", None),
    ]  # fmt: skip


def test_a_value_that_far_out_is_critical_and_the_rest_a_warning():
    for rule in learn_rules(of(noise(500, 1))):
        assert rule.severity == ("CRITICAL" if rule.kind == "range" else "WARNING")


def test_a_range_is_widened_by_the_margin_at_least():
    values = np.tile(np.arange(11.0), 100)
    rule = learned(of(values), kind="range")
    assert (rule.low, rule.high) == pytest.approx((-2.0, 12.0), abs=0.02)
    (wide, *_) = learn_rules(of(values), margin=1.0)
    assert (wide.low, wide.high) == pytest.approx((-10.0, 20.0), abs=0.02)


def test_a_range_is_widened_the_more_the_faster_its_extremes_grow():
    white = learned(of(noise(3000, 1)), kind="range")
    wandering = learned(of(np.cumsum(noise(3000, 1, 0.0))), kind="range")
    ramp = learned(of(np.arange(3000)), kind="range")
    widened = [rule.margin / (rule.high - rule.low - 2 * rule.margin)
               for rule in (white, wandering, ramp)]  # fmt: skip
    assert widened[0] < 0.5 < 1.5 < widened[1] < widened[2]


def test_a_rate_that_would_allow_the_whole_range_is_left_out():
    assert learned(of(noise(500, 1)), kind="rate") is None


def test_what_was_beyond_is_back_half_the_widening_inside():
    rule = learned(of(noise(500, 1)), kind="range")
    assert rule.hysteresis == pytest.approx(rule.margin / 2, rel=0.01)


def test_a_coarse_channel_may_take_the_next_step():
    values = np.random.default_rng(1).choice([0.0, 5.0], 500)
    rule = learned(of(values), kind="range")
    assert rule.low < -4.99 < 10 < rule.high


def test_a_run_of_equal_values_may_be_twice_the_longest_one():
    values = noise(500, 1)
    assert learned(of(values), kind="stuck").readings == 3
    values[100:104] = values[100]
    assert learned(of(values), kind="stuck").readings == 8


@pytest.mark.parametrize("values", [np.zeros(500), noise(500, 1).round(-1)])
def test_a_channel_that_mostly_repeats_itself_is_never_stuck(values):
    assert learned(of(values), kind="stuck") is None


def test_nothing_is_learned_of_how_far_a_constant_may_go():
    assert [rule.kind for rule in learn_rules(of(np.full(500, 5.0)))] == ["missing", "heartbeat"]


def test_a_channel_may_be_missing_for_twice_the_longest_gap():
    values = noise(500, 1)
    values[100:105] = np.nan
    assert learned(of(values), kind="missing").readings == 10


def test_a_channel_that_never_came_has_no_rule():
    assert learned(of(noise(500, 1), np.full(500, np.nan)), channel="y") is None


def test_a_heartbeat_is_twice_the_longest_interval_and_five_typical_ones():
    times = np.arange(500.0)
    assert learned(of(noise(500, 1), times=times), kind="heartbeat").limit == pytest.approx(5, 0.01)
    times[300:] += 9
    limit = learned(of(noise(500, 1), times=times), kind="heartbeat").limit
    assert limit == pytest.approx(20, 0.01)


def test_nothing_is_learned_across_devices():
    both = Readings.build(
        np.arange(1000) * SECOND // 2,
        np.where(np.arange(1000) % 2, 100.0, 0.0)[:, None] + noise(1000, 1)[:, None],
        ["x"],
        device=Words.of(["a", "b"] * 500),
    )
    assert learned(both, kind="rate").limit < 20
    assert learned(both, kind="heartbeat").limit == pytest.approx(5, 0.01)


def test_too_few_readings_teach_nothing_of_their_values():
    few = learn_rules(of(noise(FEWEST - 1, 1)))
    assert [rule.kind for rule in few] == ["missing", "heartbeat"]
    with pytest.raises(DetectorError, match="1 readings are too few to learn limits from"):
        learn_rules(of([np.nan]))


def test_a_margin_is_a_positive_number():
    with pytest.raises(DetectorError, match="margin is 0"):
        learn_rules(of(noise(500, 1)), margin=0)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300, 1.5e307])
def test_limits_hold_the_healthy_values_whatever_their_scale(scale):
    values = noise(500, 1, 0.0) * scale
    values[::50] = np.inf
    rule = learned(of(values), kind="range")
    healthy = values[np.isfinite(values)]
    assert rule.low < healthy.min() < healthy.max() < rule.high


@pytest.mark.parametrize("make", [noise, ar1, daily], ids=lambda make: make.__name__)
def test_no_rule_is_breached_by_what_it_was_learned_from(make):
    readings = of(make(1000, 1), make(1000, 2).round(1))
    assert fitted(readings).score(readings).max() <= 0


@pytest.mark.parametrize("make", [noise, ar1, daily], ids=lambda make: make.__name__)
def test_false_alarms_on_fresh_readings_are_rare(make):
    alerts = 0
    for seed in range(20):
        whole = of(make(13_000, seed))
        alerts += len(fitted(whole[:3000]).alerts(whole[3000:]))
    assert alerts <= 4  # 0.1 expected in each, 6 in all with a probability of 1 %


# As a detector


def test_gross_faults_are_caught_at_once():
    detector = fitted(of(noise(3000, 1)))
    fresh = noise(100, 2)
    fresh[20:30] = fresh[20]
    fresh[50] = 0.0
    fresh[70:80] = np.nan
    found = {alert.type: alert.start // SECOND for alert in detector.alerts(of(fresh))}
    assert found["STUCK_X"] == 23
    assert found["THRESHOLD_BREACH_X"] == 50
    assert found["MISSING_X"] == 73


def test_a_description_says_what_was_learned_and_what_came():
    detector = fitted(of(np.tile(np.arange(11.0), 100)))
    (alert,) = detector.alerts(of([4, 60])[1:])
    assert alert.description == "X 60 was outside the normal range of -2.0 to 12.01."


def test_a_fault_with_gaps_is_one_alert_of_each_kind():
    detector = fitted(of(noise(500, 1)))
    gaps = of(np.where(np.arange(60) % 3 == 0, np.nan, 7.0))
    found = [alert.type for alert in detect.watch(detector, [gaps])]
    assert sorted(found) == ["STUCK_X", "THRESHOLD_BREACH_X"]


def test_a_fault_with_gaps_is_one_alert_of_each_kind_to_the_guard_as_well():
    guard = detect.make("guard").fit(of(noise(500, 1)))
    gaps = of(np.where(np.arange(60) % 3 == 0, np.nan, 7.0))
    found = [alert.type for alert in detect.watch(guard, [gaps[:20], gaps[20:]])]
    assert found.count("STUCK_X") == found.count("THRESHOLD_BREACH_X") == 1


def test_rules_that_are_learned_need_no_profile_but_a_fit():
    detector = Rules(source="fit")
    assert (detector.learns, detector.must_be_fitted, detector.rules) == (True, True, ())
    with pytest.raises(DetectorError, match="rules has learned nothing yet; call fit"):
        detector.score(of([1.0]))
    assert not Rules(profile=Profile.load("serial_monitor")).learns


def test_a_source_there_is_not_is_refused():
    with pytest.raises(DetectorError, match="source is 'luck'; one of profile, fit, both"):
        Rules(source="luck")


def test_a_second_fit_replaces_the_first():
    detector = fitted(of(noise(500, 1), noise(500, 2)))
    detector.fit(of(noise(500, 3)))
    assert detector.rules == learn_rules(of(noise(500, 3)))


def test_the_names_of_channels_may_be_any_text():
    values = noise(500, 1)[:, None]
    readings = Readings.build(np.arange(500) * SECOND, values, ["Flow rate [l/min]" + "!" * 80])
    kinds = {rule.kind: rule.type for rule in learn_rules(readings)}
    assert kinds["stuck"] == ("STUCK_FLOW_RATE__L_MIN_" + "_" * 80)[:64]


# As files


def test_learned_rules_can_be_written_into_a_profile():
    rules = learn_rules(of(noise(500, 1)))
    text = yaml.safe_dump([rule.model_dump(mode="json", exclude_defaults=True) for rule in rules])
    assert tuple(Rule.model_validate(told) for told in yaml.safe_load(text)) == rules


def test_learned_rules_are_the_same_after_they_were_a_table():
    rules = learn_rules(of(noise(500, 1), np.full(500, 5.0), noise(500, 2)))
    channels = ("x", "y", "z")
    assert from_table(to_table(rules, channels), channels) == rules


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [(0, 0, 9.0), (0, 0, 0.5), (0, 1, 5.0), (0, 2, np.nan), (0, 3, -np.inf), (2, 5, 0.0)],
)
def test_a_table_that_was_not_learned_is_refused(row, column, value):
    table = to_table(learn_rules(of(noise(500, 1))), ["x"])
    table[row, column : column + 1 + (column == 2)] = value
    with pytest.raises(ValueError):
        from_table(table, ["x"])


@pytest.mark.parametrize("table", [np.zeros((0, 8)), np.zeros((2, 3)), np.zeros((1, 8), int)])
def test_a_table_of_another_shape_is_refused(table):
    with pytest.raises(ValueError, match="rules is"):
        from_table(table, ["x"])


def test_a_saved_detector_has_the_rules_it_learned(tmp_path):
    detector = fitted(of(noise(500, 1)))
    loaded = detect.load(detect.save(detector, tmp_path / "rules"))
    assert loaded.rules == detector.rules


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_with_learned_rules_the_detector_keeps(check):
    check(lambda: fitted(checks.healthy(500, seed=99), profile=Profile.load("serial_monitor")))


def test_both_keeps_the_rules_of_the_profile_and_adds_what_it_says_nothing_of(tmp_path):
    profile = Profile.load("serial_monitor")
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.normal(25, 0.2, 2_000), rng.normal(5, 0.02, 2_000)]).round(3)
    healthy = Readings.build(np.arange(2_000) * 10**9, values, profile.channel_names)
    both = detect.make("rules", source="both", profile=profile).fit(healthy)
    assert both.rules[: len(profile.rules)] == profile.rules
    added = [(rule.kind, rule.channel) for rule in both.rules[len(profile.rules) :]]
    assert ("stuck", "voltage") in added
    assert ("range", "voltage") not in added
    assert detect.load(detect.save(both, tmp_path / "both")).rules == both.rules
