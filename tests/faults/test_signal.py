"""Signal faults change what they should and nothing else, and their labels say so."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import LABEL_COLUMNS, FaultPlan, inject, robust_sigma
from sensorkit.readings import Readings, Words

NS = 1_000_000_000
START = 1_767_225_600 * NS


def healthy(n: int = 1000, *, seed: int = 7) -> Readings:
    rng = np.random.default_rng(seed)
    values = np.column_stack([25 + rng.normal(0, 0.5, n), 5 + rng.normal(0, 0.02, n)]).round(2)
    return Readings.build(START + np.arange(n) * NS, values, ["T", "V"], device="m1")


def run(readings: Readings, *faults: dict, seed: int = 0, **options):
    plan = FaultPlan.from_dict({"faults": list(faults)}, "test")
    return inject(readings, plan, seed, **options)


def one(kind: str, **more) -> dict:
    return {"kind": kind, "channel": "T", "start_s": 100, "duration_s": 10, **more}


def change(fault: dict, readings: Readings | None = None, **options) -> np.ndarray:
    """Return how the ten readings from 100 s on are changed, after checking the others."""
    clean = healthy() if readings is None else readings
    faulty, _ = run(clean, fault, **options)
    outside = np.r_[0:100, 110 : len(clean)]
    np.testing.assert_array_equal(faulty.values[outside], clean.values[outside])
    np.testing.assert_array_equal(faulty.channel("V"), clean.channel("V"))
    return faulty.channel("T")[100:110] - clean.channel("T")[100:110]


def test_a_bias_shifts_every_value():
    np.testing.assert_allclose(change(one("bias", magnitude=-3.0)), -3.0)


def test_a_gradual_bias_grows_over_the_first_half():
    expected = [0.6, 1.2, 1.8, 2.4, 3, 3, 3, 3, 3, 3]
    np.testing.assert_allclose(change(one("bias", magnitude=3.0, onset="gradual")), expected)


def test_a_drift_reaches_its_total_change_with_the_last_reading():
    np.testing.assert_allclose(change(one("drift", magnitude=5.0)), np.arange(1, 11) * 0.5)


def test_a_drift_follows_the_clock_where_readings_are_uneven():
    times = np.array([0, 1, 2, 3, 7, 8, 9, 10, 11, 12]) * NS
    readings = Readings.build(times, np.zeros((10, 1)), ["T"])
    faulty, _ = run(readings, {**one("drift", magnitude=8.0), "start_s": 2, "duration_s": 7})
    # Readings at 2, 3, 7 and 8 s; each counts as lasting one second, so 1, 2, 6 and 7 of 7.
    np.testing.assert_allclose(faulty.channel("T")[2:6], np.array([1, 2, 6, 7]) * 8 / 7)


def test_a_spike_of_one_reading_is_that_reading():
    fault = {"kind": "spike", "channel": "T", "start_s": 104, "magnitude": 9.0}
    np.testing.assert_allclose(change(fault), [0, 0, 0, 0, 9, 0, 0, 0, 0, 0])


def test_a_longer_spike_is_a_peak_with_straight_flanks():
    fault = one("spike", magnitude=9.0, duration_s=5)
    np.testing.assert_allclose(change(fault), [3, 6, 9, 6, 3, 0, 0, 0, 0, 0])


def test_a_stuck_sensor_repeats_its_first_value():
    clean = healthy()
    faulty, _ = run(clean, one("stuck"))
    assert set(faulty.channel("T")[100:110]) == {clean.channel("T")[100]}


def test_a_stuck_sensor_can_be_told_its_value():
    faulty, _ = run(healthy(), one("stuck", value=95.5))
    assert set(faulty.channel("T")[100:110]) == {95.5}


def test_noise_has_the_spread_of_its_magnitude_and_a_mean_of_zero():
    clean = healthy(20_000)
    faulty, _ = run(clean, one("noise", magnitude=2.0, duration_s=19_000))
    added = (faulty.values - clean.values)[100:19_100, 0]
    assert added.std() == pytest.approx(2.0, rel=0.02)
    assert added.mean() == pytest.approx(0.0, abs=0.05)


def test_a_dropout_leaves_nothing():
    faulty, _ = run(healthy(), one("dropout"))
    assert np.flatnonzero(np.isnan(faulty.channel("T"))).tolist() == list(range(100, 110))


def test_a_rapid_change_steps_by_exactly_its_magnitude_and_goes_on_from_there():
    clean = healthy()
    faulty, _ = run(clean, one("rapid_change", magnitude=-20.0))
    values = faulty.channel("T")
    assert values[100] - values[99] == pytest.approx(-20.0)
    np.testing.assert_allclose(np.diff(values[100:110]), np.diff(clean.channel("T")[100:110]))


def test_a_rapid_change_steps_from_the_last_value_that_was_there():
    clean = healthy()
    clean.values[95:100, 0] = np.nan
    faulty, _ = run(clean, one("rapid_change", magnitude=-20.0))
    assert faulty.channel("T")[100] - faulty.channel("T")[94] == pytest.approx(-20.0)


def test_a_rapid_change_at_the_very_start_steps_from_the_first_value():
    clean = healthy()
    faulty, _ = run(clean, one("rapid_change", magnitude=-20.0, start_s=0))
    assert faulty.channel("T")[0] == pytest.approx(clean.channel("T")[0] - 20.0)


def test_a_rapid_change_right_after_a_fault_steps_from_the_faulty_value():
    faulty, _ = run(
        healthy(),
        one("stuck", value=95.5),
        one("rapid_change", start_s=110, magnitude=-70.5),
    )
    assert faulty.channel("T")[110] == pytest.approx(25.0)


@pytest.mark.parametrize("kind", ["bias", "drift", "noise", "stuck", "spike", "rapid_change"])
def test_a_missing_value_stays_missing(kind):
    clean = healthy()
    clean.values[[100, 103, 109], 0] = np.nan
    size = {} if kind == "stuck" else {"magnitude": 4.0}
    faulty, labels = run(clean, one(kind, **size))
    assert np.flatnonzero(np.isnan(faulty.channel("T"))).tolist() == [100, 103, 109]
    assert not np.isnan(faulty.values[101:103]).any()
    # The first and last reading whose value it had in its hands.
    assert labels["start"][0].value == START + 101 * NS
    assert labels["end"][0].value == START + 108 * NS


def test_the_readings_given_are_not_changed():
    clean = healthy()
    before = clean.values.copy()
    run(clean, one("bias", magnitude=3.0))
    np.testing.assert_array_equal(clean.values, before)


def test_faulty_values_are_rounded_as_told_and_others_are_left():
    faulty, _ = run(healthy(), one("noise", magnitude=2.0), decimals={"T": 1})
    assert all(float(f"{v:.1f}") == v for v in faulty.channel("T")[100:110].tolist())
    np.testing.assert_array_equal(faulty.channel("T")[:100], healthy().channel("T")[:100])


def test_a_fault_rounded_to_minus_zero_has_no_sign():
    readings = Readings.build(np.arange(3) * NS, np.zeros((3, 1)), ["T"])
    fault = {"kind": "bias", "channel": "T", "start_s": 0, "duration_s": 1, "magnitude": -1e-6}
    faulty, _ = run(readings, fault, decimals={"T": 2})
    assert not np.signbit(faulty.values).any()


def test_labels_say_what_was_done():
    clean = healthy()
    _, labels = run(clean, one("bias", magnitude=3.0), one("stuck", channel="V", start_s=300))
    assert tuple(labels.columns) == LABEL_COLUMNS
    assert labels["id"].tolist() == [1, 2]
    assert labels["device"].tolist() == ["m1", "m1"]
    assert labels["kind"].tolist() == ["bias", "stuck"]
    assert labels["layer"].tolist() == ["signal", "signal"]
    assert labels["start"][0] == pd.Timestamp("2026-01-01T00:01:40Z")
    assert labels["end"][0] == pd.Timestamp("2026-01-01T00:01:49Z")
    assert labels["magnitude"][0] == 3.0
    assert labels["magnitude_sigma"][0] == 3.0 / robust_sigma(clean.channel("T"))
    assert labels[["magnitude", "magnitude_sigma"]].loc[1].isna().all()


def test_a_magnitude_in_sigmas_is_that_many_robust_sigmas_of_the_channel():
    clean = healthy()
    faulty, labels = run(clean, one("bias", magnitude_sigma=4.0))
    wanted = 4.0 * robust_sigma(clean.channel("T"))
    np.testing.assert_allclose((faulty.values - clean.values)[100:110, 0], wanted)
    assert labels["magnitude"][0] == pytest.approx(wanted)
    assert labels["magnitude_sigma"][0] == 4.0


def test_what_one_sigma_is_can_be_told():
    clean = healthy()
    faulty, _ = run(clean, one("bias", magnitude_sigma=4.0), scales={"T": 0.25})
    np.testing.assert_allclose((faulty.values - clean.values)[100:110, 0], 1.0)


def test_a_channel_that_does_not_move_has_no_sigmas():
    clean = healthy()
    clean.values[:, 0] = 25.0
    with pytest.raises(PlanError, match=r"the channel's sigma is 0 .half of its values are equal"):
        run(clean, one("bias", magnitude_sigma=4.0))


def test_robust_sigma_is_the_standard_deviation_of_gaussian_values_whatever_the_outliers():
    values = np.random.default_rng(1).normal(10, 3, 100_000)
    values[::100] = 1e9
    values[1::100] = np.nan
    assert robust_sigma(values) == pytest.approx(3.0, rel=0.03)
    assert robust_sigma(np.array([np.nan])) == 0.0


def test_a_silence_takes_the_readings_away():
    clean = healthy()
    faulty, labels = run(clean, {"kind": "silence", "start_s": 100, "duration_s": 10})
    assert len(faulty) == 990
    gone = np.setdiff1d(clean.time, faulty.time)
    assert (gone[0], gone[-1]) == (labels["start"][0].value, labels["end"][0].value)


@pytest.mark.parametrize("kind", ["corrupt", "truncate"])
def test_faults_of_bytes_need_bytes(kind):
    with pytest.raises(PlanError, match=rf"fault 1 \({kind}\) acts on the bytes of frames"):
        run(healthy(), {"kind": kind, "start_s": 100, "duration_s": 10})


def test_the_same_seed_gives_the_same_faults_and_another_one_others():
    plan = FaultPlan.campaign(["noise"], ["T", "V"], durations_s=[20])
    first, same = inject(healthy(), plan, 3), inject(healthy(), plan, 3)
    np.testing.assert_array_equal(first[0].values, same[0].values)
    pd.testing.assert_frame_equal(first[1], same[1])
    assert not np.array_equal(first[0].values, inject(healthy(), plan, 4)[0].values)


def test_adding_a_fault_changes_none_before_it():
    faults = [
        {"kind": "noise", "channel": "T", "duration_s": 20, "magnitude": 1.0},
        {"kind": "bias", "channel": "V", "duration_s": 30, "magnitude_sigma": 4.0},
    ]
    clean = healthy()
    fewer, labels = run(clean, *faults, seed=5)
    more, more_labels = run(clean, *faults, one("dropout", start_s=None), seed=5)
    pd.testing.assert_frame_equal(more_labels[:2], labels)
    touched = ~np.isnan(more.channel("T"))
    np.testing.assert_array_equal(more.values[touched], fewer.values[touched])


SCRIPT = """
import hashlib
import numpy as np
from sensorkit.faults import FaultPlan, inject
from sensorkit.readings import Readings

readings = Readings.build(np.arange(1000) * 10**9, np.arange(2000.0).reshape(1000, 2), "TV")
plan = FaultPlan.campaign(["noise", "bias", "stuck"], ["T", "V"], durations_s=[20])
digest = hashlib.sha256(inject(readings, plan, 3)[0].values.tobytes()).hexdigest()
"""


def test_faults_are_the_same_in_another_process():
    here: dict[str, str] = {}
    exec(SCRIPT, here)
    there = subprocess.run(
        [sys.executable, "-c", SCRIPT + "print(digest)"],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert there.stdout.strip() == here["digest"]


def two_devices() -> Readings:
    n = 400
    device = Words.of(["a", "b"] * (n // 2))
    times = np.repeat(np.arange(n // 2), 2) * NS
    values = np.random.default_rng(2).normal(0, 1, (n, 1))
    values[1::2] *= 10
    return Readings.build(times, values, ["T"], device=device)


def test_a_fault_hits_the_device_it_names_or_the_first():
    clean = two_devices()
    fault = {"kind": "bias", "channel": "T", "start_s": 10, "duration_s": 5, "magnitude": 1.0}
    for device, first_row in ((None, 20), ("a", 20), ("b", 21)):
        faulty, labels = run(clean, {**fault, "device": device})
        rows = np.flatnonzero((faulty.values != clean.values)[:, 0])
        assert rows.tolist() == list(range(first_row, first_row + 10, 2))
        assert labels["device"].tolist() == [device or "a"]


def test_sigmas_are_those_of_the_device():
    clean = two_devices()
    fault = {"kind": "bias", "channel": "T", "duration_s": 5, "magnitude_sigma": 1.0}
    _, labels = run(clean, {**fault, "device": "a"}, {**fault, "device": "b"})
    assert labels["magnitude"][1] > 5 * labels["magnitude"][0]


def test_faults_on_different_devices_may_be_at_the_same_time():
    fault = {"kind": "stuck", "channel": "T", "start_s": 10, "duration_s": 5}
    _, labels = run(two_devices(), {**fault, "device": "a"}, {**fault, "device": "b"})
    assert labels["start"][0] == labels["start"][1]


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"channel": "Tmp"}, "unknown channel 'Tmp'; there are T, V; use one of them"),
        ({"device": "m2"}, "unknown device 'm2'; there are m1; use one of them"),
    ],
)
def test_a_fault_on_what_is_not_there_is_refused(fault, wanted):
    with pytest.raises(PlanError, match=rf"fault 1 .*{wanted}"):
        run(healthy(), {**one("stuck"), **fault})


def test_no_readings_no_faults():
    with pytest.raises(PlanError, match="there is no reading to inject a fault into"):
        run(Readings.empty(["T"]), one("stuck"))


def test_a_plan_without_faults_changes_nothing():
    faulty, labels = run(healthy())
    np.testing.assert_array_equal(faulty.values, healthy().values)
    assert tuple(labels.columns) == LABEL_COLUMNS
    assert len(labels) == 0
