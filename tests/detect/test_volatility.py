import naive
import numpy as np
import pytest

from sensorkit.detect.volatility import (
    FEWEST_DIFFERENCES,
    NOT_WATCHED,
    Volatility,
    smallest_believed,
)
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity

PROFILE = Profile.load("serial_monitor")


def of(values, channels=("temperature",)):
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    return Readings.build(np.arange(len(values)) * 10**9, values, channels)


def noise(n=1000, seed=1, level=25.0, sigma=0.2):
    return level + sigma * np.random.default_rng(seed).normal(size=n)


def fitted(**params):
    return Volatility(profile=PROFILE, **params).fit(of(noise(4000, seed=99)))


@pytest.mark.parametrize("window", [8, 32])
def test_the_score_is_that_of_the_slow_twin_to_twelve_digits(window):
    values = noise(600).round(3)
    values[200:300] = values[200]
    values[400] = 1e9
    values[np.random.default_rng(2).random(600) < 0.1] = np.nan
    detector = fitted(window=window)
    expected = naive.volatility(
        [None if np.isnan(v) else v for v in values],
        window=window,
        minimum=FEWEST_DIFFERENCES,
        usual=tuple(detector.usual[0]),
    )
    np.testing.assert_allclose(detector.score(of(values)), expected, rtol=1e-12, atol=1e-12)


def levels_of(values, floor):
    differences = np.maximum(np.abs(np.diff(values)), floor)
    return np.lib.stride_tricks.sliding_window_view(np.log(differences), 32).mean(axis=1)


def test_what_is_usual_comes_from_the_windows_of_the_fit():
    healthy = noise(4000, seed=99)
    low, centre, high = np.quantile(
        levels_of(healthy, smallest_believed([healthy])), [0.05, 0.5, 0.95]
    )
    _, found, below, above = Volatility().fit(of(healthy)).usual[0]
    assert found == pytest.approx(centre)
    assert below == pytest.approx(max((centre - low) / 1.6449, np.pi / np.sqrt(8 * 32)))
    assert above == pytest.approx(max((high - centre) / 1.6449, np.pi / np.sqrt(8 * 32)))


def test_one_sigma_is_at_least_that_of_independent_normal_differences():
    assert Volatility().fit(of(np.arange(1000.0))).usual[0, 2:].tolist() == pytest.approx(
        [np.pi / np.sqrt(8 * 32)] * 2
    )
    walk = np.cumsum(np.random.default_rng(5).normal(size=200_000))
    assert levels_of(walk, 1e-9)[::32].std() == pytest.approx(np.pi / np.sqrt(8 * 32), rel=0.05)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda x: np.full_like(x, x[0]), id="stuck"),
        pytest.param(lambda x: x[0] + 0.1 * (x - x.mean()), id="stuck, but it jitters"),
        pytest.param(lambda x: x.mean() + 0.3 * (x - x.mean()), id="gain lost"),
        pytest.param(lambda x: x.mean() + 2.5 * (x - x.mean()), id="noise burst"),
    ],
)
def test_a_fault_of_the_variation_is_seen_within_a_window_and_to_its_end(fault):
    values = noise()
    values[500:800] = fault(values[500:800])
    detector = fitted().calibrate(of(noise(20_000, seed=98)), false_alarms_per_day=4.0)
    alerts = [alert for alert in detector.alerts(of(values)) if alert.end >= 500 * 10**9]
    assert 500 <= alerts[0].start / 10**9 < 532
    assert 790 <= alerts[-1].end / 10**9 < 832


def test_movement_that_is_slow_beside_the_noise_is_no_volatility():
    ramp = np.linspace(0.0, 5.0, 1000)  # in all 25 sigma of the noise, 1/40 of one a reading
    still, moving = fitted().score(of(noise())), fitted().score(of(noise() + ramp))
    np.testing.assert_allclose(moving[40:], still[40:], atol=0.3)


def test_half_as_much_and_twice_as_much_are_far_on_either_side():
    detector = fitted()
    usual = np.exp(detector.usual[0, 1])
    swing = np.where(np.arange(200) % 2, 0.5, -0.5)  # differences of 1 and -1
    for factor in (0.5, 2.0):
        score = detector.score(of(factor * usual * swing))[-1]
        side = detector.usual[0, 2 if factor < 1 else 3]
        assert score == pytest.approx(np.log(2.0) / side, rel=1e-6)
        detector.reset()


def test_a_glitch_moves_the_level_by_no_more_than_its_share_of_the_logarithm():
    values = noise()
    clean = fitted().score(of(values))
    values[500] += 1e6
    moved = np.abs(fitted().score(of(values)) - clean)[500:540]
    # Two differences of the window, each some 1e6 / 0.2 times as large.
    assert 0 < moved.max() < 2 * 25 / 32 / fitted().usual[0, 3]


def test_doubled_noise_is_seen_among_heavy_tails():
    rng = np.random.default_rng(0)
    detector = Volatility().fit(of(rng.standard_t(3, 20_000)))
    detector.calibrate(of(rng.standard_t(3, 20_000)), false_alarms_per_day=4.0)
    values = rng.standard_t(3, 2000)
    values[1000:1300] += rng.normal(0.0, 3.0, 300)
    assert 1000 <= detector.alerts(of(values))[0].start / 10**9 < 1064


def test_a_stuck_sensor_is_seen_within_a_third_of_a_window_among_heavy_tails():
    rng = np.random.default_rng(7)
    detector = Volatility().fit(of(rng.standard_t(3, 20_000)))
    detector.calibrate(of(rng.standard_t(3, 20_000)), false_alarms_per_day=4.0)
    values = rng.standard_t(3, 1000)
    values[500:600] = values[500]
    (alert,) = detector.alerts(of(values))
    assert 500 <= alert.start / 10**9 < 511


def test_a_flat_window_is_as_far_as_a_quarter_of_a_step_of_the_sensor():
    healthy = noise(4000, sigma=0.05).round(1)
    detector = Volatility().fit(of(healthy))
    floor, centre, below, _ = detector.usual[0]
    assert floor == pytest.approx(0.1 / 4)
    score = detector.score(of(np.full(100, 25.0)))
    assert score[-1] == pytest.approx((centre - np.log(floor)) / below)


def test_a_step_that_is_too_small_to_matter_gives_way_to_a_share_of_the_usual_difference():
    usual = np.median(np.abs(np.diff(noise(4000, seed=99))))
    assert fitted().usual[0, 0] == pytest.approx(usual / 50)


def test_repetitions_do_not_make_the_usual_difference_smaller():
    values = np.repeat(noise(4000), 3)
    assert smallest_believed([values]) == smallest_believed([values[::3]])


@pytest.mark.parametrize("scale", [1.0, 1e-290, 1e-307, 1e-318, 1e300, 1e308])
def test_the_floor_is_above_0_and_finite_at_every_scale(scale):
    detector = Volatility().fit(of(scale * np.sin(np.arange(1000.0) ** 2)))
    assert 0.0 < detector.usual[0, 0] < np.inf
    assert np.isfinite(detector.usual).all()


def test_a_channel_that_never_changed_is_left_to_others():
    both = np.column_stack([np.full(1000, 25.0), noise(level=5.0)])
    detector = Volatility().fit(of(both, ("temperature", "voltage")))
    assert detector.usual[0].tolist() == list(NOT_WATCHED)
    both[500:, 0] = noise(500)
    alone = Volatility().fit(of(both[:, 1])).score(of(both[:, 1]))
    assert detector.score(of(both, ("temperature", "voltage"))).tolist() == alone.tolist()


def test_a_channel_with_too_few_values_is_left_to_others():
    both = np.column_stack([noise(), noise(level=5.0)])
    both[100:, 0] = np.nan
    detector = Volatility().fit(of(both, ("temperature", "voltage")))
    assert detector.usual[0].tolist() == list(NOT_WATCHED)


def test_too_few_readings_are_refused_with_how_many_it_takes():
    with pytest.raises(DetectorError, match=r"volatility: 100 values .* give at least 128"):
        Volatility().fit(of(noise(100)))


def test_windows_never_cross_devices():
    parts = [noise(50, seed=i, level=25.0 + 100.0 * (i % 2)) for i in range(40)]
    readings = [
        Readings.build(np.arange(50) * 10**9, part[:, None], ["temperature"], device=f"{i}")
        for i, part in enumerate(parts)
    ]
    floor = smallest_believed(parts)
    levels = np.concatenate([levels_of(part, floor=floor) for part in parts])
    found = Volatility().fit(Readings.concat(readings)).usual[0]
    assert found[:2].tolist() == pytest.approx([floor, np.median(levels)])


def test_scores_begin_with_eight_differences_and_cautiously():
    detector = fitted()
    swing = 0.5 * np.exp(detector.usual[0, 1]) * (np.arange(60) % 2)
    n = np.clip(np.arange(60), 0, 32)
    expected = np.log(2.0) / detector.usual[0, 2] * np.sqrt(n / 32)
    expected[:FEWEST_DIFFERENCES] = 0.0
    np.testing.assert_allclose(detector.score(of(swing)), expected, rtol=1e-9)


def test_a_missing_value_takes_no_place():
    values = noise()
    gaps = np.insert(values, 300, [np.nan] * 50)
    score = fitted().score(of(gaps))
    assert score[300:350].max() == 0.0
    assert np.delete(score, np.s_[300:350]).tolist() == fitted().score(of(values)).tolist()


def test_an_infinite_value_is_an_alarm_and_takes_no_place():
    values = noise()
    score = fitted().score(of(np.insert(values, 300, -np.inf)))
    assert score[300] == np.finfo(float).max
    assert np.delete(score, 300).tolist() == fitted().score(of(values)).tolist()


@pytest.mark.parametrize("size", [1, 7, 500])
def test_scores_do_not_depend_on_the_cut(size):
    values = noise()
    values[[20, 577, 578]] = np.nan
    whole, detector = fitted().score(of(values)), fitted()
    parts = [detector.score(of(values)[i : i + size]) for i in range(0, 1000, size)]
    assert np.concatenate(parts).tolist() == whole.tolist()


def test_one_reading_at_a_time_scores_as_a_batch():
    batch, detector = fitted().score(of(noise())), fitted()
    one = [detector.score_one(i * 10**9, [value]) for i, value in enumerate(noise())]
    assert one == batch.tolist()


def test_an_alert_says_how_much_it_varies_and_how_much_is_usual():
    detector = fitted()
    usual = np.exp(detector.usual[0, 1])
    (alert,) = detector.alerts(of(25.0 + 0.3 * usual * (np.arange(40) % 2)))
    assert alert.description == (
        "Temperature varies 0.3 times as much as usual: typically 0.047°C from reading to reading "
        "over the last 32 readings, usually 0.16°C."
    )
    assert (alert.type, alert.channel) == ("ANOMALY_VOLATILITY", "temperature")
    assert alert.severity == Severity.WARNING


def test_an_alert_in_a_flat_line_says_so():
    detector = fitted()
    detector.score(of(noise(200)))
    detector.score(of(np.full(40, 25.0)))
    (alert,) = detector.alerts(of(np.full(10, 25.0)))
    assert alert.description == (
        "Temperature hardly varies any more from reading to reading over the last 32, "
        "usually 0.16°C."
    )
    assert alert.severity == Severity.CRITICAL


def test_an_alert_at_infinity_says_so():
    (alert,) = fitted().alerts(of([*noise(100), np.inf]))
    assert alert.description == "Temperature inf°C is infinitely far from all before."


@pytest.mark.parametrize(
    "usual",
    [
        np.zeros((1, 3)),
        np.zeros((1, 4), dtype=np.float32),
        np.array([[np.nan, 0.0, 1.0, 1.0]]),
        np.array([[np.inf, 0.0, 1.0, 1.0]]),
        np.array([[0.0, 0.0, 1.0, 1.0]]),
        np.array([[0.1, 1000.0, 1.0, 1.0]]),
        np.array([[0.1, np.nan, 1.0, 1.0]]),
        np.array([[0.1, 0.0, -1.0, 1.0]]),
    ],
)
def test_what_cannot_be_its_state_is_refused(usual):
    with pytest.raises(ValueError, match="usual"):
        fitted().restore({"usual": usual})
