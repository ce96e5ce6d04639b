"""The fermenter: its healthy ranges, its rules, and the detector that its profile names."""

import numpy as np
import pandas as pd
import pytest

from sensorkit import detect
from sensorkit.faults import FaultPlan, inject
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.signals import Waveforms

PROFILE = Profile.load("fermenter")
TEMP, PH, RPM = PROFILE.channel_names
SECOND = 10**9
LIMITS = {TEMP: (-np.inf, 45.0), PH: (6.3, 7.7), RPM: (250.0, 650.0)}


def healthy(n: int, seed: int = 0) -> Readings:
    values = Waveforms(PROFILE, seed=seed).block(n)
    return Readings.build(np.arange(n) * SECOND, values, PROFILE.channel_names)


def broken(n: int = 10_000) -> Readings:
    """Faults of every second, of every size, from the first reading on."""
    rng = np.random.default_rng(5)
    readings = healthy(n, seed=3)
    at = np.concatenate([[1, 4, 9, 10, 11, 12], rng.choice(n, 400, replace=False)])
    for row in at.tolist():
        channel = int(rng.integers(3))
        spread = (1.1, 0.2, 70.0)[channel]
        length = int(rng.integers(1, 12))
        readings.values[row : row + length, channel] += rng.normal(0, 6) * spread
    return readings


def by_hand(readings: Readings) -> np.ndarray:
    """The two rules of the profile as anybody would write them down."""
    frame = pd.DataFrame(readings.values, columns=readings.channels)
    anomaly = pd.Series(data=False, index=frame.index)
    for name, values in frame.items():
        low, high = LIMITS[name]
        anomaly |= (values < low) | (values > high)
        before = values.shift(1).rolling(50, min_periods=10)
        anomaly |= (values - before.mean()).abs() >= 3.0 * before.std(ddof=0)
    same = frame[PH].groupby((frame[PH] != frame[PH].shift()).cumsum()).cumcount() + 1
    return (anomaly | (same > 15)).to_numpy()


def flagged(readings: Readings) -> np.ndarray:
    detector = detect.usual(PROFILE)
    return detector.score(readings) >= detector.threshold_


def test_a_reading_is_an_anomaly_when_either_says_so():
    readings = broken()
    wanted = by_hand(readings)
    # Both kinds of reasons are there, alone and together, and so are the first readings.
    beyond = np.any(
        [(readings.values[:, i] < low) | (readings.values[:, i] > high)
         for i, (low, high) in enumerate(LIMITS.values())], axis=0,
    )  # fmt: skip
    assert 100 < (wanted & beyond).sum() < wanted.sum() - 100
    np.testing.assert_array_equal(flagged(readings), wanted)


def test_the_reference_would_notice_another_window():
    readings = broken(2000)
    detector = detect.usual(PROFILE, members={"rules": {}, "sigma": {"window": 49}})
    assert ((detector.score(readings) >= detector.threshold_) != by_hand(readings)).any()


@pytest.mark.parametrize(("row", "seen"), [(9, False), (10, True)])
def test_the_sigma_rule_begins_with_ten_readings_before(row, seen):
    readings = healthy(40)
    readings.values[row, 0] += 6.0  # below 45
    assert flagged(readings)[row] == seen


def test_a_limit_holds_from_the_first_reading_on():
    readings = healthy(3)
    readings.values[0, 0] = 45.01
    readings.values[1, 0] = 45.0
    assert flagged(readings).tolist() == [True, False, False]


def test_healthy_readings_stay_in_their_ranges_and_are_left_alone():
    for seed in range(3):
        readings = healthy(50_000, seed)
        for name, (low, high) in zip(
            PROFILE.channel_names, [(35, 40), (6.5, 7.5), (300, 600)], strict=True
        ):
            values = readings.channel(name)
            assert low < values.min()
            assert values.max() < high
            # It makes use of them: at least half of the range.
            assert np.ptp(values) > 0.5 * (high - low)
        assert flagged(readings).mean() < 2e-3


def test_it_needs_no_fit_and_gives_its_alerts_the_types_of_the_rules():
    readings, labels = inject(
        healthy(2400),
        FaultPlan.from_dict(
            {"faults": [{"start_s": 300.0, **PROFILE.anomalies["overheating"].fault()}]}, "test"
        ),
    )
    alerts = detect.usual(PROFILE).alerts(readings)
    first, last = (labels[edge].astype("int64").iloc[0] for edge in ("start", "end"))
    begun = [alert for alert in alerts if first <= alert.start <= last]
    assert "THRESHOLD_BREACH_FERMENTER_TEMP" in {alert.type for alert in begun}
    assert {alert.type for alert in alerts} <= {
        "THRESHOLD_BREACH_FERMENTER_TEMP", "ANOMALY_ENSEMBLE",
    }  # fmt: skip
