"""The comparison of recorded and emulated readings: it passes what is alike and nothing else."""

import numpy as np
import pytest

from sensorkit.learning.resemblance import TESTS, compare
from sensorkit.profile import Channel, Profile, Waveform
from sensorkit.signals import Waveforms

N = 20_000
BASE = {
    "level": 5.0,
    "drift": {"sigma": 0.1, "time_constant_s": 200},
    "cycles": [{"amplitude": 0.5, "period_s": 300}],
    "noise": {"sigma": 0.2, "ar1": 0.6},
}


def profile(**changes):
    channel = Channel(name="x", decimals=3, waveform=Waveform(**{**BASE, **changes}))
    return Profile(name="x", rate_hz=1.0, channels=(channel,))


def recorded(seed=1, n=N, **changes):
    return Waveforms(profile(**changes), seed).block(n)


def verdicts(values, made, seed=99):
    results = compare(values, np.arange(len(values)), made, seed=seed)
    assert [one.test for one in results] == list(TESTS)
    return {one.test: one.verdict for one in results}


@pytest.mark.parametrize("seed", range(30))
def test_what_the_same_device_sends_another_time_passes(seed):
    assert set(verdicts(recorded(seed=seed), profile(), seed=seed + 1000).values()) == {"pass"}


@pytest.mark.parametrize(
    ("changes", "fails"),
    [
        ({"level": 5.2}, {"mean"}),
        ({"noise": {"sigma": 0.2}}, {"spectrum"}),
        ({"noise": {"sigma": 0.4, "ar1": 0.6}}, {"spread", "spectrum"}),
        ({"cycles": []}, {"spread", "autocorrelation", "spectrum"}),
        ({"cycles": [{"amplitude": 0.5, "period_s": 50}]}, {"autocorrelation", "spectrum"}),
        ({"noise": None}, {"spectrum"}),
    ],
)
def test_what_another_device_sends_fails(changes, fails):
    found = verdicts(recorded(), profile(**changes))
    assert fails <= {test for test, verdict in found.items() if verdict == "fail"}


def test_white_noise_is_no_correlated_noise():
    correlated = {"drift": None, "cycles": [], "noise": {"sigma": 0.2, "ar1": 0.6}}
    white = {"drift": None, "cycles": [], "noise": {"sigma": 0.2}}
    found = verdicts(recorded(**correlated), profile(**white))
    assert found["autocorrelation"] == found["spectrum"] == "fail"
    assert found["mean"] == found["spread"] == "pass"


def test_what_never_moves_is_not_what_moves():
    flat = {"drift": None, "cycles": [], "noise": None}
    assert "fail" in verdicts(recorded(), profile(**flat)).values()
    assert set(verdicts(recorded(**flat), profile(**flat)).values()) == {"pass"}


def test_too_few_independent_values_leave_all_but_the_spectrum_open():
    slow = {"drift": {"sigma": 1.0, "time_constant_s": 5000}, "cycles": []}
    found = verdicts(recorded(**slow), profile(**slow))
    assert {found[test] for test in TESTS[:-1]} == {"open"}
    assert found["spectrum"] == "pass"


def test_a_few_readings_are_not_tested():
    assert set(verdicts(recorded(n=20), profile()).values()) == {"open"}


def test_gaps_are_the_same_in_both():
    values = recorded()
    values[5000:9000] = np.nan
    assert set(verdicts(values, profile()).values()) == {"pass"}


def test_a_channel_without_a_value_is_open():
    assert set(verdicts(np.full((N, 1), np.nan), profile()).values()) == {"open"}
