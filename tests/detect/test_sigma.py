import naive
import numpy as np
import pytest

from sensorkit.detect.sigma import Sigma
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity

PROFILE = Profile.load("serial_monitor")


def of(values, channels=("temperature",)):
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    return Readings.build(np.arange(len(values)) * 10**9, values, channels)


def noise(n=300, seed=1, level=25.0):
    return level + 0.2 * np.random.default_rng(seed).normal(size=n)


def test_the_score_is_that_of_the_slow_twin():
    values = noise().round(2)
    values[100:105] += 4.0
    missing = np.random.default_rng(2).random(300) < 0.2
    values[missing] = np.nan
    expected = naive.sigma([None if np.isnan(v) else v for v in values])
    np.testing.assert_allclose(Sigma().score(of(values)), expected, rtol=1e-12, atol=1e-12)


def test_after_a_fit_the_score_is_that_of_the_slow_twin_with_a_floor():
    values = np.repeat(noise(60).round(1), 5)
    detector = Sigma().fit(of(values))
    assert detector.floor == pytest.approx([0.05])
    expected = naive.sigma(values.tolist(), floor=float(detector.floor[0]))
    np.testing.assert_allclose(detector.score(of(values)), expected, rtol=1e-9)


def test_the_worst_channel_gives_the_score():
    both = np.column_stack([noise(seed=1), noise(seed=2)])
    alone = [Sigma().score(of(both[:, c])) for c in (0, 1)]
    score = Sigma().score(of(both, ("temperature", "voltage")))
    assert score.tolist() == np.maximum(*alone).tolist()


def test_from_ten_readings_on_a_reading_is_judged():
    for row, judged in ((9, False), (10, True)):
        values = noise(12)
        values[row] = 1000.0
        assert bool(Sigma().score(of(values))[row]) == judged


def test_a_constant_is_never_far_from_itself():
    assert Sigma().score(of(np.full(100, 0.1))).max() == 0.0


def test_what_leaves_a_constant_is_infinitely_far_before_a_fit():
    detector = Sigma(profile=PROFILE)
    (alert,) = detector.alerts(of([25.0] * 20 + [25.01] + [25.0] * 5))
    assert alert.score == np.finfo(float).max
    assert alert.description == "Temperature 25.01°C is above the constant 25.00°C."
    assert alert.severity == Severity.CRITICAL


def test_after_a_fit_one_step_of_the_sensor_is_no_alarm_but_two_are():
    detector = Sigma().fit(of(noise().round(2)))
    score = detector.score(of([25.0] * 20 + [25.01] + [25.0] * 60 + [25.02]))
    assert score[20] == pytest.approx(2.0)
    assert score[81] == pytest.approx(4.0)


def test_a_missing_value_scores_zero_and_takes_no_place_in_the_window():
    values = noise(60)
    gaps = np.insert(values, 30, [np.nan] * 100)
    score = Sigma().score(of(gaps))
    assert score[30:130].max() == 0.0
    assert np.delete(score, np.s_[30:130]).tolist() == Sigma().score(of(values)).tolist()


def test_an_infinite_value_is_an_alarm_and_is_not_learned():
    values = noise(60)
    values[40] = np.inf
    alerts = Sigma(k=6, profile=PROFILE).alerts(of(values))
    assert [alert.start for alert in alerts] == [40 * 10**9]
    assert alerts[0].value == np.inf
    assert alerts[0].description == "Temperature inf°C is infinitely far above its rolling mean."
    score = Sigma().score(of(np.delete(values, 40)))
    assert np.delete(Sigma().score(of(values)), 40).tolist() == score.tolist()


def test_an_alert_says_which_channel_how_far_and_from_what():
    values = np.array([[25.0, 5.0], [25.2, 5.2]] * 20 + [[25.6, 5.1]])
    readings = of(values, ("temperature", "voltage"))
    (alert,) = Sigma(profile=PROFILE).alerts(readings)
    assert (
        alert.description == "Temperature 25.60°C is 5.0 sigma above its rolling mean of 25.10°C."
    )
    assert alert.type == "ANOMALY_SIGMA"
    assert (alert.channel, alert.value) == ("temperature", 25.6)
    assert alert.score == pytest.approx(5.0)
    assert alert.severity == Severity.WARNING


def test_twice_the_threshold_is_critical():
    values = np.array([25.0, 25.2] * 20 + [24.4])
    (alert,) = Sigma().alerts(of(values))
    assert alert.severity == Severity.CRITICAL
    assert alert.description == "Temperature 24.4 is 7.0 sigma below its rolling mean of 25.1."


def test_each_channel_has_its_own_episodes():
    values = np.array([[25.0, 5.0], [25.2, 5.2]] * 20 + [[27.0, 5.1], [25.1, 9.0]])
    alerts = Sigma().alerts(of(values, ("temperature", "voltage")))
    assert [alert.channel for alert in alerts] == ["temperature", "voltage"]


def test_uncalibrated_the_threshold_is_k_with_and_without_a_fit():
    assert Sigma(k=4).threshold_ == 4.0
    assert Sigma(k=4).fit(of(noise())).threshold_ == 4.0


def test_a_minimum_beyond_the_window_is_refused():
    with pytest.raises(DetectorError, match=r"minimum \(10\) is more than the window of 5 holds"):
        Sigma(window=5)


def test_a_frozen_baseline_is_that_of_the_fit_and_sees_a_fault_to_its_end():
    healthy, faulty = noise(seed=1), noise(seed=2)
    faulty[100:] += 1.0
    frozen = Sigma(baseline="frozen").fit(of(healthy))
    expected = np.abs(faulty - healthy.mean()) / healthy.std()
    np.testing.assert_allclose(frozen.score(of(faulty)), expected, atol=1e-12)
    rolling = Sigma().score(of(faulty))
    assert (frozen.score(of(faulty))[250:] > 3).mean() > 0.9
    assert (rolling[250:] > 3).mean() < 0.1


def test_a_frozen_baseline_scores_the_first_reading():
    frozen = Sigma(baseline="frozen").fit(of(noise()))
    assert frozen.score(of([30.0]))[0] > 20


def test_a_frozen_baseline_has_to_be_fitted_and_says_so():
    frozen = Sigma(baseline="frozen")
    with pytest.raises(DetectorError, match=r"sigma has learned nothing yet; call fit\(\)"):
        frozen.score(of(noise()))


def test_a_frozen_baseline_has_the_threshold_k_after_a_fit():
    assert Sigma(baseline="frozen", k=4).fit(of(noise())).threshold_ == 4.0


def test_a_frozen_robust_baseline_is_not_moved_by_glitches_in_the_fit():
    healthy = noise()
    wild = healthy.copy()
    wild[::10] = 1e6
    values = noise(seed=2)
    values[50] = 28.0
    for centre, noticed in (("mean", False), ("median", True)):
        detector = Sigma(baseline="frozen", centre=centre).fit(of(wild))
        assert bool(detector.score(of(values))[50] > 10) == noticed


def test_the_robust_score_is_that_of_the_slow_twin():
    values = noise().round(2)
    values[100:105] += 4.0
    values[np.random.default_rng(2).random(300) < 0.2] = np.nan
    expected = naive.median_sigma([None if np.isnan(v) else v for v in values])
    found = Sigma(centre="median").score(of(values))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_robust_window_sees_the_second_of_two_glitches_as_the_first():
    values = noise()
    values[[200, 203]] = 40.0
    assert Sigma().score(of(values))[203] < 10
    assert Sigma(centre="median").score(of(values))[203] > 30


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "Temperature 30.00°C is 25.0 sigma above its rolling mean of 25.00°C."),
        ({"centre": "median"}, "above its rolling median of 25.00°C."),
        ({"baseline": "frozen"}, "sigma above its usual mean of 25.00°C."),
        ({"baseline": "frozen", "centre": "median"}, "above its usual median of 25.00°C."),
    ],
)
def test_an_alert_says_what_it_was_compared_with(params, said):
    values = np.array([24.8, 25.2] * 20 + [30.0])
    detector = Sigma(profile=PROFILE, **params).fit(of(values[:-1]))
    (alert,) = detector.alerts(of(values if "baseline" not in params else values[-1:]))
    assert alert.description.endswith(said)


@pytest.mark.parametrize("params", [{}, {"centre": "median"}, {"baseline": "frozen"}])
def test_one_reading_at_a_time_scores_as_a_batch(params):
    both = np.column_stack([noise(seed=1), noise(seed=2, level=5.0)])
    both[[30, 31], 0] = np.nan, np.inf
    detector = Sigma(**params).fit(of(both, ("temperature", "voltage")))
    batch = detector.score(of(both, ("temperature", "voltage")))
    detector.reset()
    one = [detector.score_one(i * 10**9, row) for i, row in enumerate(both)]
    assert one == batch.tolist()


def test_alerts_and_scores_see_the_same_scores():
    values = noise(2000)
    values[700] = 30.0
    (alert,) = Sigma(k=6).alerts(of(values))
    assert alert.score == Sigma(k=6).score(of(values))[700]


def test_nothing_is_learned_while_an_alarm_is_held():
    values = noise(600)
    values[300:] += 3.0
    held = Sigma(hold=200, merge=5).score(of(values))
    assert (held[300:500] > 6).all()
    assert held[560:].max() < 6


@pytest.mark.parametrize("name", ["baseline", "centre"])
def test_an_unknown_word_is_refused_with_those_there_are(name):
    with pytest.raises(DetectorError, match=f"sigma: {name} is 'mode'; .* or .* is wanted"):
        Sigma(**{name: "mode"})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.pop("levels"),
        lambda arrays: arrays.update(levels=np.zeros((1, 2))),
        lambda arrays: arrays.update(levels=np.array([[np.nan, 0.0, 1.0]])),
        lambda arrays: arrays.update(levels=np.array([[0.0, 0.0, -1.0]])),
        lambda arrays: arrays.update(floor=np.array([-1.0])),
        lambda arrays: arrays.update(floor=np.array([1], dtype=np.int64)),
        lambda arrays: arrays.update(more=np.zeros(1)),
    ],
)
def test_what_cannot_be_its_state_is_refused(spoil):
    detector = Sigma(baseline="frozen").fit(of(noise()))
    arrays = detector.state()
    spoil(arrays)
    with pytest.raises(ValueError, match=r"levels|floor|more"):
        detector.restore(arrays)
