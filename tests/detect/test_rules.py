import math

import naive
import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.rules import Rules
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity, Words

PROFILE = Profile.load("serial_monitor")
SECOND = 10**9


def of(values, times=None, channels=("temperature", "voltage"), device="monitor-1"):
    values = np.asarray(values, dtype=float)
    times = np.arange(len(values)) if times is None else np.asarray(times)
    return Readings.build((times * SECOND).astype(np.int64), values, channels, device=device)


def temperature(*values):
    return of([[value, 5.0] for value in values])


def watched(readings, profile=PROFILE):
    return list(detect.watch(Rules(profile=profile), [readings]))


def with_rules(*rules, channels=({"name": "temperature", "unit": "°C"},)):
    return Profile.from_dict(
        {"name": "p", "rate_hz": 1, "channels": list(channels), "rules": list(rules)}, "here"
    )


@pytest.mark.parametrize(
    ("readings", "type_", "severity", "description", "value"),
    [
        (
            temperature(85.0, 95.5)[1:],
            "THRESHOLD_BREACH_TEMP",
            Severity.CRITICAL,
            "Temperature 95.50°C exceeded threshold of 80.0°C.",
            95.5,
        ),
        (
            of([[25.0, 6.1]]),
            "THRESHOLD_BREACH_VOLTAGE",
            Severity.CRITICAL,
            "Voltage 6.10V was outside the normal range of 4.5V-5.5V.",
            6.1,
        ),
        (
            of([[25.0, 4.4]]),
            "THRESHOLD_BREACH_VOLTAGE",
            Severity.CRITICAL,
            "Voltage 4.40V was outside the normal range of 4.5V-5.5V.",
            4.4,
        ),
        (
            temperature(78.5, 8.0),
            "RAPID_CHANGE_TEMP",
            Severity.WARNING,
            "Temperature changed by -70.50°C, exceeding the rate-of-change threshold of 15.0°C.",
            8.0,
        ),
        (
            of([[25.0, 5.0]] * 2, [0, 7]),
            "HEARTBEAT_LOSS",
            Severity.CRITICAL,
            "No data received for 5.0 seconds. Device may be offline.",
            None,
        ),
    ],
)
def test_a_breach_says_what_happened(readings, type_, severity, description, value):
    (alert,) = watched(readings)
    assert (alert.type, alert.severity) == (type_, severity)
    assert alert.description == description
    assert alert.value == value


def test_a_lone_low_limit_is_fallen_below():
    rule = {"type": "COLD", "kind": "range", "channel": "temperature", "low": -7.25}
    profile = with_rules({**rule, "severity": "WARNING"})
    (alert,) = watched(of([[-8.0]], channels=["temperature"]), profile)
    assert alert.description == "Temperature -8.00°C fell below threshold of -7.25°C."


def test_a_range_below_zero_stays_readable():
    rule = {"type": "COLD", "kind": "range", "channel": "temperature", "low": -40, "high": -10}
    profile = with_rules({**rule, "severity": "WARNING"})
    (alert,) = watched(of([[3.0]], channels=["temperature"]), profile)
    assert alert.description == (
        "Temperature 3.00°C was outside the normal range of -40.0°C to -10.0°C."
    )


def test_a_breach_that_rounding_would_hide_is_shown():
    (alert,) = watched(temperature(70.0, 80.0004))
    assert alert.description == "Temperature 80.0004°C exceeded threshold of 80.0°C."


@pytest.mark.parametrize(
    ("readings", "breached"),
    [
        (temperature(80.0), False),
        (temperature(math.nextafter(80.0, 81)), True),
        (of([[25.0, 4.5], [25.0, 5.5]]), False),
        (of([[25.0, math.nextafter(4.5, 4)]]), True),
        (of([[25.0, math.nextafter(5.5, 6)]]), True),
        (temperature(25.0, 40.0, 25.0), False),
        (temperature(25.0, math.nextafter(40.0, 41)), True),
        (of([[25.0, 5.0]] * 2, [0, 5]), False),
        (of([[25.0, 5.0]] * 2, [0, 5.000001]), True),
    ],
)
def test_only_what_is_strictly_beyond_a_limit_is_a_breach(readings, breached):
    detector = Rules(profile=PROFILE)
    flagged = (detector.score(readings) >= detector.threshold_).any()
    assert flagged == breached
    assert bool(watched(readings)) == breached


def test_the_score_is_that_of_the_slow_twin():
    rng = np.random.default_rng(3)
    values = np.column_stack([rng.normal(75, 8, 500), rng.normal(5, 0.4, 500)])
    values[rng.random((500, 2)) < 0.2] = np.nan
    times = np.cumsum(rng.choice([0, 1, 4, 5, 6, 20], 500))
    columns = [[None if np.isnan(v) else v for v in column] for column in values.T.tolist()]
    nanoseconds = (times * SECOND).tolist()
    expected = np.max(
        [
            naive.range_rule(columns[0], low=None, high=80.0, margin=1.0),
            naive.range_rule(columns[1], low=4.5, high=5.5, margin=0.1),
            naive.rate_rule(columns[0], limit=15.0, margin=1.0),
            naive.heartbeat_rule(nanoseconds, limit=5.0, margin=1.0),
        ],
        axis=0,
    )
    expected[np.isneginf(expected)] = -1.0
    np.testing.assert_allclose(Rules(profile=PROFILE).score(of(values, times)), expected)


def test_one_reading_may_open_several_episodes():
    alerts = watched(of([[25.0, 5.0], [95.5, 6.1]], [0, 9]))
    assert [alert.type for alert in alerts] == [
        "HEARTBEAT_LOSS",
        "THRESHOLD_BREACH_TEMP",
        "THRESHOLD_BREACH_VOLTAGE",
        "RAPID_CHANGE_TEMP",
    ]


def test_an_episode_ends_with_its_last_breach_and_a_new_one_begins_after():
    alerts = watched(temperature(78.0, 85.0, 86.0, 79.0, 85.0, 79.0))
    assert [(a.start // SECOND, a.end // SECOND) for a in alerts] == [(1, 2), (4, 4)]


@pytest.mark.parametrize("missing", [0, 1])
def test_there_is_no_rate_of_change_when_a_value_is_missing(missing):
    values = [25.0, 75.0]
    values[missing] = np.nan
    assert watched(temperature(*values)) == []
    assert watched(temperature(25.0, np.nan, 75.0)) == []


def test_an_infinite_value_breaches():
    detector = Rules(profile=PROFILE)
    (first, second) = detector.alerts(temperature(75.0, np.inf))
    assert {first.type, second.type} == {"THRESHOLD_BREACH_TEMP", "RAPID_CHANGE_TEMP"}
    assert detect.report([first])[0]["value"] is None


def test_a_reading_that_no_rule_can_judge_scores_one_margin_inside():
    assert Rules(profile=PROFILE).score(of([[np.nan, np.nan]])).tolist() == [-1.0]


# What the other kinds say

SINCE = "since 1970-01-01T00:00:0"


@pytest.mark.parametrize(
    ("rule", "values", "times", "description"),
    [
        (
            {"kind": "rate", "limit": 2, "per": "second"},
            [25.0, 31.0],
            [0, 2],
            "Temperature changed by 3.00°C per second, exceeding the rate-of-change threshold of "
            "2.0°C per second.",
        ),
        (
            {"kind": "stuck", "readings": 2},
            [1.0, 25.0, 25.0, 25.0],
            None,
            f"Temperature is stuck at 25.00°C for 3 readings {SINCE}1.000000Z.",
        ),
        (
            {"kind": "stuck", "seconds": 1.5},
            [25.0] * 3,
            None,
            f"Temperature is stuck at 25.00°C for 2.0 seconds {SINCE}0.000000Z.",
        ),
        (
            {"kind": "missing", "readings": 1},
            [25.0, math.nan, math.nan],
            None,
            f"Temperature is missing for 2 readings {SINCE}1.000000Z.",
        ),
        (
            {"kind": "missing", "seconds": 1},
            [25.0, math.nan, math.nan],
            [0, 1, 3],
            f"Temperature is missing for 2.0 seconds {SINCE}1.000000Z.",
        ),
        (
            {"kind": "range", "high": 80, "for_readings": 2},
            [81.0, 82.0],
            None,
            f"Temperature 82.00°C exceeded threshold of 80.0°C, for 2 readings {SINCE}0.000000Z.",
        ),
        (
            {"kind": "range", "low": 20, "for_s": 3},
            [10.0, 11.0],
            [0, 4],
            "Temperature 11.00°C fell below threshold of 20.0°C, for 4.0 seconds "
            f"{SINCE}0.000000Z.",
        ),
        (
            {"kind": "range", "high": 80, "hysteresis": 2, "for_readings": 2},
            [81.0, 79.5],
            None,
            "Temperature 79.50°C is back inside the threshold of 80.0°C by less than the "
            f"hysteresis of 2.0°C, for 2 readings {SINCE}0.000000Z.",
        ),
        (
            {"kind": "range", "low": 0, "high": 80, "hysteresis": 2, "for_readings": 2},
            [81.0, 79.5],
            None,
            "Temperature 79.50°C is back inside the normal range of 0.0°C-80.0°C by less than the "
            f"hysteresis of 2.0°C, for 2 readings {SINCE}0.000000Z.",
        ),
        (
            {"kind": "rate", "limit": 5, "hysteresis": 2, "for_readings": 2},
            [0.0, 6.0, 10.0],
            None,
            "Temperature changed by 4.00°C, which is back inside the rate-of-change threshold of "
            f"5.0°C by less than the hysteresis of 2.0°C, for 2 readings {SINCE}1.000000Z.",
        ),
        (
            {"kind": "range", "low": 20},
            [math.inf],
            None,
            "Temperature has an infinite value, whatever the threshold of 20.0°C.",
        ),
        (
            {"kind": "range", "high": 80},
            [math.inf],
            None,
            "Temperature has an infinite value, above the threshold of 80.0°C.",
        ),
        (
            {"kind": "range", "low": 20},
            [-math.inf],
            None,
            "Temperature has an infinite negative value, below the threshold of 20.0°C.",
        ),
        (
            {"kind": "range", "low": 20, "high": 80},
            [-math.inf],
            None,
            "Temperature has an infinite negative value, outside the normal range of "
            "20.0°C-80.0°C.",
        ),
        (
            {"kind": "rate", "limit": 5},
            [25.0, -math.inf],
            None,
            "Temperature changed by an infinite negative value, exceeding the rate-of-change "
            "threshold of 5.0°C.",
        ),
        (
            {"kind": "stuck", "readings": 1},
            [math.inf] * 2,
            None,
            f"Temperature is stuck at an infinite value for 2 readings {SINCE}0.000000Z.",
        ),
        (
            {"kind": "range", "high": 1e-9},
            [2e-9],
            None,
            "Temperature 2.00e-09°C exceeded threshold of 1e-09°C.",
        ),
        (
            {"kind": "range", "high": 0.001},
            [0.003],
            None,
            "Temperature 0.003°C exceeded threshold of 0.001°C.",
        ),
        (
            {"kind": "rate", "limit": 0.001},
            [0.0, -0.003],
            None,
            "Temperature changed by -0.003°C, exceeding the rate-of-change threshold of 0.001°C.",
        ),
        (
            {"kind": "range", "high": 80, "hysteresis": 2, "for_readings": 2},
            [81.0, 78.001],
            None,
            "Temperature 78.001°C is back inside the threshold of 80.0°C by less than the "
            f"hysteresis of 2.0°C, for 2 readings {SINCE}0.000000Z.",
        ),
    ],
)
def test_an_alert_says_what_was_breached_and_since_when(rule, values, times, description):
    profile = with_rules({"type": "IT", "channel": "temperature", "severity": "WARNING", **rule})
    found = watched(of(np.array(values)[:, None], times, channels=["temperature"]), profile)
    assert [alert.description for alert in found] == [description]


def test_an_alarm_of_the_device_is_an_alert_of_no_channel():
    profile = with_rules({"kind": "status", "words": ["HOT"], "severity": "CRITICAL"})
    readings = Readings.build(
        np.arange(4) * SECOND, np.full((4, 1), 25.0), ["temperature"],
        status=Words.of(["OK", "HOT", "HOT", "OK"]),
    )  # fmt: skip
    (alert,) = watched(readings, profile)
    assert alert.description == "Device reports HOT."
    assert (alert.type, alert.channel, alert.value) == ("STATUS_HOT", None, None)
    assert (alert.start, alert.end) == (SECOND, 2 * SECOND)


def test_an_alert_about_what_is_missing_has_no_value():
    profile = with_rules(
        {"kind": "missing", "channel": "temperature", "readings": 1, "severity": "WARNING"}
    )
    (alert,) = watched(of([[math.nan]] * 3, channels=["temperature"]), profile)
    assert (alert.type, alert.channel, alert.value) == (
        "MISSING_TEMPERATURE", "temperature", None,
    )  # fmt: skip
    assert alert.start == SECOND


def test_an_alert_begins_with_the_reading_that_completes_a_breach():
    rule = {"kind": "range", "channel": "temperature", "high": 80, "for_readings": 3}
    profile = with_rules({**rule, "severity": "WARNING"})
    (alert,) = watched(of([[85.0]] * 5, channels=["temperature"]), profile)
    assert (alert.start, alert.end) == (2 * SECOND, 4 * SECOND)


def test_hysteresis_makes_one_alert_of_a_value_that_hovers_about_its_limit():
    rule = {"kind": "range", "channel": "temperature", "high": 80, "severity": "WARNING"}
    hovering = of(np.array([[81.0], [79.0]] * 5), channels=["temperature"])
    assert len(watched(hovering, with_rules(rule))) == 5
    assert len(watched(hovering, with_rules({**rule, "hysteresis": 2}))) == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "range", "high": 80},
        {"kind": "range", "high": 80, "hysteresis": 2},
        {"kind": "stuck", "readings": 1},
    ],
)
@pytest.mark.parametrize("beside", [[], [{"kind": "missing", "readings": 9}]])
@pytest.mark.parametrize("size", [1, 2, 5, 60])
def test_a_missing_value_does_not_end_a_breach(rule, beside, size):
    about = {"channel": "temperature", "severity": "WARNING"}
    profile = with_rules(*({**about, **one} for one in [rule, *beside]))
    values = np.where(np.arange(60) % 3 == 2, np.nan, 90.0)
    values[[0, 1, 57, 58, 59]] = 20.0, 25.0, 30.0, np.nan, 35.0
    batches = [
        of(values[i : i + size, None], np.arange(i, min(i + size, 60)), channels=["temperature"])
        for i in range(0, 60, size)
    ]
    (alert,) = detect.watch(Rules(profile=profile), batches)
    begin = 4 if rule["kind"] == "stuck" else 3
    assert (alert.start, alert.end) == (begin * SECOND, 56 * SECOND)


def test_a_missing_value_begins_no_breach():
    missing = [[25.0], [math.nan], [math.nan], [90.0], [math.nan], [25.0], [math.nan]]
    rule = {"kind": "range", "channel": "temperature", "high": 80, "severity": "WARNING"}
    (alert,) = watched(of(missing, channels=["temperature"]), with_rules(rule))
    assert alert.start == 3 * SECOND


def test_a_missing_value_after_the_end_of_a_stream_begins_nothing():
    rule = {"kind": "range", "channel": "temperature", "high": 80, "severity": "WARNING"}
    detector = Rules(profile=with_rules(rule))
    assert len(detector.alerts(of([[90.0]], channels=["temperature"]))) == 1
    detector.finish()
    assert detector.alerts(of([[math.nan]], [1], channels=["temperature"])) == []


def test_a_missing_value_inside_a_breach_scores_as_any_other():
    rule = {"kind": "range", "channel": "temperature", "high": 80, "severity": "WARNING"}
    broken = of([[90.0], [math.nan], [90.0]], channels=["temperature"])
    assert Rules(profile=with_rules(rule)).score(broken).tolist() == [10.0, -1.0, 10.0]


# Heartbeat


def test_silence_is_an_alert_from_the_deadline_to_the_next_reading():
    (alert,) = watched(of([[25.0, 5.0]] * 3, [0, 1, 8]))
    assert (alert.start, alert.end) == (6 * SECOND, 8 * SECOND)


def test_the_reading_after_a_silence_scores_the_time_past_the_deadline():
    score = Rules(profile=PROFILE).score(of([[25.0, 5.0]] * 3, [0, 1, 8.5]))
    assert score[2] == 2.5


def test_advance_raises_the_alert_at_the_deadline_and_once():
    detector = Rules(profile=PROFILE)
    assert detector.advance(100 * SECOND) == []  # nothing has come yet
    detector.alerts(of([[25.0, 5.0]], [101]))
    assert detector.advance(106 * SECOND - 1) == []
    (alert,) = detector.advance(106 * SECOND)
    assert (alert.type, alert.start, alert.end) == ("HEARTBEAT_LOSS", 106 * SECOND, None)
    assert detector.advance(107 * SECOND) == []
    assert detector.alerts(of([[25.0, 5.0]], [109])) == []
    assert alert.end == 109 * SECOND
    assert len(detector.advance(114 * SECOND)) == 1


def test_told_of_the_silence_or_not_the_alerts_are_the_same():
    readings = of([[25.0, 5.0]] * 3, [0, 9, 10])
    detector = Rules(profile=PROFILE)
    live = detector.alerts(readings[:1]) + detector.advance(7 * SECOND)
    live += detector.alerts(readings[1:]) + detector.finish()
    assert live == watched(readings)


def test_a_silence_that_lasts_ends_when_the_stream_does():
    detector = Rules(profile=PROFILE)
    detector.alerts(of([[25.0, 5.0]], [0]))
    (alert,) = detector.advance(6 * SECOND)
    detector.advance(30 * SECOND)
    assert detector.finish() == []
    assert alert.end == 30 * SECOND


def test_each_device_has_its_own_heartbeat():
    readings = Readings.build(
        np.array([0, 1, 4, 8]) * SECOND,
        np.full((4, 2), [25.0, 5.0]),
        PROFILE.channel_names,
        device=Words.of(["a", "b", "b", "b"]),
    )
    detector = Rules(profile=PROFILE)
    assert detector.alerts(readings) == []
    (alert,) = detector.advance(9 * SECOND)
    assert (alert.device, alert.start) == ("a", 5 * SECOND)


def test_a_device_that_never_says_anything_is_missed_since_it_is_listened_to():
    detector = Rules(profile=PROFILE)
    detector.listen(100 * SECOND, "monitor-1")
    assert detector.advance(104 * SECOND) == []
    (alert,) = detector.advance(105 * SECOND)
    assert (alert.type, alert.start, alert.device) == (
        "HEARTBEAT_LOSS",
        105 * SECOND,
        "monitor-1",
    )
    late = of([[25.0, 5.0]], [109])
    assert detector.alerts(late) == []
    assert alert.end == 109 * SECOND


def test_a_first_reading_in_time_ends_the_wait():
    detector = Rules(profile=PROFILE)
    detector.listen(100 * SECOND, "monitor-1")
    first = of([[25.0, 5.0]], [103])
    assert detector.alerts(first) == []
    assert detector.advance(107 * SECOND) == []
    assert len(detector.advance(108 * SECOND)) == 1


def test_a_first_reading_that_is_late_shows_the_silence_before_it():
    detector = Rules(profile=PROFILE)
    detector.listen(100 * SECOND, "monitor-1")
    (alert,) = detector.alerts(of([[25.0, 5.0]], [109]))
    assert (alert.start, alert.end) == (105 * SECOND, 109 * SECOND)


def test_listening_anew_changes_nothing_once_a_reading_has_come():
    detector = Rules(profile=PROFILE)
    detector.alerts(of([[25.0, 5.0]], [100]))
    detector.listen(200 * SECOND, "monitor-1")
    (alert,) = detector.advance(201 * SECOND)
    assert alert.start == 105 * SECOND


# What it is given


def test_the_threshold_is_fixed():
    detector = Rules(profile=PROFILE)
    smallest = math.nextafter(0.0, 1.0)
    assert detector.threshold_ == smallest
    detector.calibrate(temperature(*[25.0, 85.0] * 50), false_alarms_per_day=1.0)
    assert detector.threshold_ == smallest
    assert detector.calibration_.fixed
    assert detector.calibration_.alarms == 51


def test_rules_need_a_profile_that_has_some():
    with pytest.raises(DetectorError, match="rules needs a profile to take them from"):
        Rules()
    with pytest.raises(DetectorError, match="profile 'p' has no rules"):
        Rules(profile=with_rules())


def test_readings_of_another_device_are_refused():
    with pytest.raises(DetectorError, match="watches channel 'temperature', but the readings have"):
        Rules(profile=PROFILE).score(of([[1.0]], channels=["pressure"]))
