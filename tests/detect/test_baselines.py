import naive
import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.baselines import Always, LastValue, Never, Random
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

PROFILE = Profile.load("serial_monitor")


def of(values, device="device"):
    values = np.asarray(values, dtype=float)
    return Readings.build(
        np.arange(len(values)) * 10**9, values[:, None], ["temperature"], device=device
    )


def noise(n=500, seed=1):
    return 25 + 0.2 * np.random.default_rng(seed).normal(size=n)


def test_always_is_one_alarm_that_lasts_to_the_end():
    detector = Always()
    (alert,) = detect.watch(detector, [of(noise(50)), of(noise(50))])
    assert (alert.start, alert.end) == (0, 49 * 10**9)


def test_never_says_nothing():
    assert list(detect.watch(Never(), [of(noise())])) == []


def test_random_scores_are_uniform():
    score = Random(seed=3).score(of(noise(20_000)))
    share, _ = np.histogram(score, bins=10, range=(0, 1))
    assert abs(share / 20_000 - 0.1).max() < 0.01


def test_random_scores_depend_on_the_seed_and_the_device():
    score = Random().score(of(noise(10)))
    assert (Random(seed=1).score(of(noise(10))) != score).all()
    assert (Random().score(of(noise(10), device="other")) != score).all()
    assert (Random().score(of(noise(10, seed=2))) == score).all()


def test_last_value_is_that_of_the_slow_twin():
    values = noise()
    values[::7] = np.nan
    detector = LastValue().fit(of(noise(seed=2)))
    expected = naive.last_value(
        [None if np.isnan(v) else v for v in values], scale=float(detector.scale[0])
    )
    np.testing.assert_allclose(detector.score(of(values)), expected, rtol=1e-12)


def test_the_scale_is_the_robust_sigma_of_the_changes():
    changes = 0.5 * np.random.default_rng(4).normal(size=20_000)
    changes[::100] = 1e6
    assert LastValue().fit(of(np.cumsum(changes))).scale == pytest.approx([0.5], rel=0.05)


def test_uncalibrated_one_healthy_reading_in_a_thousand_is_flagged():
    readings = of(noise(10_000))
    detector = LastValue().fit(readings)
    assert (detector.score(readings) >= detector.threshold_).sum() == 10


def test_a_constant_fit_flags_changes_only():
    detector = LastValue().fit(of(np.full(100, 25.0)))
    assert detector.alerts(of([25.0] * 5 + [26.0])) != []
    detector.reset()
    assert detector.alerts(of([25.0] * 5)) == []


def test_an_alert_of_last_value_says_by_how_much():
    detector = LastValue(profile=PROFILE).fit(of(noise()))
    (alert,) = detector.alerts(of([25.0, 25.1, 31.2, 31.2]))
    sigmas = 6.1 / detector.scale[0]
    assert alert.description == (
        f"Temperature changed by 6.10°C to 31.20°C, {sigmas:.1f} sigma of its usual change."
    )


def test_last_value_has_to_be_fitted():
    message = r"last_value has learned nothing yet; call fit\(\) with healthy readings first"
    with pytest.raises(DetectorError, match=message):
        LastValue().score(of(noise()))
    with pytest.raises(DetectorError, match=message):
        _ = LastValue().threshold_
