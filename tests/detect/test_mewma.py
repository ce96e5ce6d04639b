import copy
import re

import naive
import numpy as np
import pytest

from sensorkit.detect.base import LARGEST
from sensorkit.detect.kernels.covariance import (
    MEAN,
    PIVOT,
    SCALE,
    UNIT,
    WHITEN,
    Healthy,
    alpha_for,
    effective_size,
    persistence,
    t2_limit,
)
from sensorkit.detect.mewma import Mewma
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity, Words

PROFILE = Profile.load("serial_monitor")


def readings_of(values, channels=None):
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    names = channels or [f"c{i}" for i in range(values.shape[1])]
    return Readings.build(np.arange(len(values)) * 10**9, values, names)


def noise(n=1_000, channels=3, seed=1):
    return np.random.default_rng(seed).normal(size=(n, channels))


def autoregressive(n, phi, seed=2):
    values = np.random.default_rng(seed).normal(size=n)
    for i in range(1, n):
        values[i] += phi * values[i - 1]
    return values


@pytest.fixture(scope="module")
def fitted():
    return Mewma().fit(readings_of(noise()))


def anew(detector):
    detector = copy.deepcopy(detector)
    detector.reset()
    return detector


# What the score is


def twin(detector, values):
    """T2 over the limit, by the slow twin, with what the fit learned."""
    model = detector.chart.model
    whiten = model[:, WHITEN:]
    rows = [[None if np.isnan(x) else float(x) for x in row] for row in values]
    t2 = naive.mewma(
        rows,
        mean=((model[:, PIVOT] + model[:, MEAN]) / model[:, SCALE]).tolist(),
        unit=(1 / (model[:, UNIT] * model[:, SCALE])).tolist(),
        covariance=np.linalg.inv(whiten.T @ whiten).tolist(),
        alpha=detector.chart.alpha,
        clip=detector.clip,
    )
    return np.array(t2) / detector.chart.limit


def test_scores_are_those_of_the_slow_twin():
    values = noise(400, 3, seed=3) @ np.array([[1.0, 0.9, 0], [0, 0.4, 0], [0, 0, 1e3]]) + 25.0
    detector = Mewma().fit(readings_of(values))
    new = values[::-1][:200] + np.linspace(0, 3, 200)[:, None]
    new[20], new[30:40, 1], new[50] = np.nan, np.nan, 1e9
    scores = detector.score(readings_of(new))
    np.testing.assert_allclose(scores, twin(detector, new), rtol=1e-9, atol=1e-12)


def test_in_noise_the_covariance_is_that_of_the_moving_averages_of_the_fit():
    values, alpha = noise(500, 2, seed=4), 0.15
    detector = Mewma(alpha=alpha, shrink=0.0).fit(readings_of(values))
    average, averages = np.zeros(2), []
    for row in values - values.mean(axis=0):
        average = alpha * row + (1 - alpha) * average
        averages.append(average)
    covariance = np.cov(np.array(averages).T)
    limit = t2_limit(2, 500 * alpha / (2 - alpha), 0.999)
    expected = [a @ np.linalg.solve(covariance, a) / limit for a in averages]
    np.testing.assert_allclose(detector.score(readings_of(values)), expected, rtol=1e-9)


def test_with_one_channel_it_is_the_ewma_chart():
    values = noise(2_000, 1, seed=5)
    detector = Mewma(alpha=0.2).fit(readings_of(values))
    new = noise(100, 1, seed=6)[:, 0]
    average, averages = 0.0, []
    for x in new:
        average = 0.2 * (x - values.mean()) + 0.8 * average
        averages.append(average)
    scores = detector.score(readings_of(new))
    # The variance of the averages is measured; in noise it is near 0.2 / 1.8.
    ratio = scores / np.array(averages) ** 2
    assert np.ptp(ratio) < 1e-9 * ratio[0]
    assert ratio[0] == pytest.approx(9.0 / t2_limit(1, 2_000 / 9, 0.999), rel=0.1)


def test_of_fresh_healthy_noise_one_reading_in_a_thousand_reaches_the_threshold():
    detector = Mewma().fit(readings_of(noise(20_000, 4)))
    assert detector.threshold_ == 1.0
    flagged = (detector.score(readings_of(noise(200_000, 4, seed=7))) >= 1.0).mean()
    assert 0.0005 < flagged < 0.002


def test_a_small_shift_that_lasts_is_found_where_no_single_reading_stands_out(fitted):
    new = noise(300, 3, seed=28)
    new[200:, 1] += 1.5
    scores = anew(fitted).score(readings_of(new))
    assert scores[:200].max() < 1.0
    assert (scores[230:] >= 1.0).mean() > 0.9


def test_channels_that_no_longer_move_together_are_found():
    common = noise(1_000, 1, seed=9)
    values = common + 0.1 * noise(1_000, 2, seed=10)
    detector = Mewma().fit(readings_of(values[:800]))
    apart = values[800:].copy()
    apart[100:, 1] = -apart[100:, 1]
    scores = detector.score(readings_of(apart))
    assert scores[:100].max() < 1.0
    assert scores[120:].max() > 10.0


# How it is set


def test_alpha_leaves_as_many_effective_readings_a_channel_as_asked_for():
    alpha = alpha_for(400, 8, effective=2.75)
    assert 400 * alpha / (2 - alpha) == pytest.approx(2.75 * 8)
    assert Mewma().fit(readings_of(noise(400, 8))).chart.alpha == pytest.approx(alpha)
    assert Mewma(alpha=0.3).fit(readings_of(noise(400, 8))).chart.alpha == 0.3


def test_few_channels_get_ten_degrees_of_freedom_and_long_fits_no_slower_chart():
    alpha = alpha_for(60, 1, effective=2.75)
    assert 60 * alpha / (2 - alpha) == pytest.approx(11)
    assert alpha_for(10**6, 2, effective=2.75) == 0.1


@pytest.mark.parametrize(
    ("n", "channels", "said"),
    [
        (127, 8, "127 readings are too few to learn how 8 channels vary together; .* least 128"),
        (49, 1, "49 readings are too few to learn how 1 channel varies; give at least 50"),
        (1, 2, "1 reading is too few to learn how 2 channels vary together; give at least 50"),
    ],
)  # fmt: skip
def test_too_few_readings_are_refused(n, channels, said):
    with pytest.raises(DetectorError, match=said):
        Mewma().fit(readings_of(noise(n, channels)))


@pytest.mark.parametrize(("least", "channels"), [(128, 8), (50, 1), (50, 2)])
def test_enough_readings_are_accepted(least, channels):
    Mewma().fit(readings_of(noise(least, channels)))


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_readings_without_any_value_are_refused(nothing):
    said = "0 readings with a value are too few to learn how 2 channels vary together"
    with pytest.raises(DetectorError, match=said):
        Mewma().fit(readings_of(np.full((500, 2), nothing)))


def test_a_fit_that_fails_leaves_the_one_before_as_it_was():
    detector, new = Mewma().fit(readings_of(noise(200, 2))), readings_of(noise(50, 2, seed=29))
    before = anew(detector).score(new)
    with pytest.raises(DetectorError, match="10 readings are too few"):
        detector.fit(readings_of(noise(10, 3)))
    assert detector.fitted
    assert detector.channels == ("c0", "c1")
    assert detector.score(new).tobytes() == before.tobytes()


def test_missing_values_do_not_count_as_readings():
    values = noise(200, 2)
    values[30:] = np.nan
    with pytest.raises(DetectorError, match="30 readings with a value are too few"):
        Mewma().fit(readings_of(values))


def test_an_alpha_that_leaves_too_few_effective_readings_is_refused():
    said = "with alpha 0.05 the 400 readings count as 10.3 independent ones, but 8 channels want"
    with pytest.raises(DetectorError, match=said):
        Mewma(alpha=0.05).fit(readings_of(noise(400, 8)))


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": 0}, {"alpha": 1.5}, {"effective": 0}, {"quantile": 1.0}, {"quantile": 0.1},
     {"shrink": 2}, {"clip": -1}],
)  # fmt: skip
def test_a_parameter_out_of_range_is_named(wrong):
    with pytest.raises(DetectorError, match=f"mewma: {next(iter(wrong))} is"):
        Mewma(**wrong)


# How much a channel is allowed


def test_persistence_is_that_of_the_slow_part_under_noise():
    assert persistence(autoregressive(20_000, 0.95)) == pytest.approx(0.95, abs=0.01)
    slow = autoregressive(20_000, 0.95)
    assert persistence(slow + 3 * noise(20_000, 1)[:, 0]) == pytest.approx(0.95, abs=0.03)
    assert persistence(noise(20_000, 1)[:, 0]) == 0.0


def test_the_effective_size_is_that_of_the_measured_autocorrelation():
    values = autoregressive(2_000_000, 0.9)
    detector = Mewma(alpha=0.1).fit(readings_of(values[:100_000]))
    model = detector.chart.model
    assert model[0, UNIT] * model[0, SCALE] * values.std() == pytest.approx(1.0, rel=0.05)
    averages = np.convolve(values, 0.1 * 0.9 ** np.arange(200), "valid")
    means = averages[: len(averages) // 10_000 * 10_000].reshape(-1, 10_000).mean(axis=1)
    measured = 10_000 * means.var() / averages.var()
    assert 100_000 / effective_size(100_000, 0.1, 0.9) == pytest.approx(measured, rel=0.2)


def test_a_channel_that_wanders_through_the_fit_is_allowed_more():
    wandering = np.cumsum(noise(400, 1, seed=11)[:, 0])
    both = np.column_stack([wandering, noise(400, 1, seed=12)[:, 0]])
    model = Mewma().fit(readings_of(both)).chart.model
    allowed = 1 / (model[:, UNIT] * model[:, SCALE] * both.std(axis=0))
    assert allowed[0] > 4.0
    assert allowed[1] == pytest.approx(1.0, rel=0.01)


def test_a_quantized_channel_is_allowed_one_step_now_and_then():
    values = np.full(1_000, 20.0)
    values[500] = 20.5
    new = np.full(100, 20.0)
    new[50:53] = 20.5
    assert Mewma().fit(readings_of(values)).score(readings_of(new)).max() < 1.0


def test_a_glitch_in_the_fit_does_not_blind_the_chart():
    values = noise(1_000, 2)
    values[300, 0] = 1e9
    new = noise(200, 2, seed=13)
    new[100:, 0] += 3.0
    scores = Mewma().fit(readings_of(values)).score(readings_of(new))
    assert scores[:100].max() < 1.0
    assert scores[-1] > 1.0


# What comes


def test_any_cut_gives_the_same_scores_to_the_last_bit(fitted):
    values = noise(500, 3, seed=14)
    values[100:120, 1], values[200] = np.nan, np.nan
    whole = anew(fitted).score(readings_of(values))
    detector = anew(fitted)
    parts = [detector.score(readings_of(part)) for part in np.split(values, [1, 2, 99, 100, 333])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    detector = anew(fitted)
    ones = [detector.score_one(i, row) for i, row in enumerate(values)]
    assert np.array(ones).tobytes() == whole.tobytes()


def test_a_missing_value_leaves_its_moving_average_as_it_is(fitted):
    values = noise(100, 3, seed=15)
    values[:50, 0] += 3.0
    values[50:, 0] = np.nan
    scores = anew(fitted).score(readings_of(values))
    assert scores[49:].min() > 1.0


def test_a_reading_without_any_value_scores_0_and_changes_nothing(fitted):
    values = noise(100, 3, seed=15) + 1.0
    holes = np.insert(values, [40, 40, 70], np.nan, axis=0)
    scores = anew(fitted).score(readings_of(holes))
    missing = np.isnan(holes[:, 0])
    assert (scores[missing] == 0).all()
    np.testing.assert_array_equal(scores[~missing], anew(fitted).score(readings_of(values)))


def test_an_infinite_value_is_infinitely_far_and_is_not_averaged(fitted):
    values = noise(100, 3, seed=16)
    values[50, 1] = -np.inf
    scores = anew(fitted).score(readings_of(values))
    assert scores[50] == LARGEST
    assert np.delete(scores, 50).max() < 1.0
    alert = anew(fitted).alerts(readings_of(values))[0]
    assert alert.description == "C1 is infinitely far below its healthy mean."
    assert (alert.channel, alert.value, alert.severity) == ("c1", -np.inf, Severity.CRITICAL)


@pytest.mark.parametrize("glitch", [1e9, -1e300, 1.7e308])
def test_a_glitch_of_any_size_is_forgotten(fitted, glitch):
    values = noise(400, 3, seed=17)
    clean = anew(fitted).score(readings_of(values))
    values[100, 2] = glitch
    scores = anew(fitted).score(readings_of(values))
    np.testing.assert_allclose(scores[300:], clean[300:], atol=1e-6)
    values[200:, 2] += 3.0
    assert anew(fitted).score(readings_of(values))[-1] > 1.0


def test_a_constant_channel_is_left_out():
    values, new = noise(500, 2), noise(100, 2, seed=18)
    constant = Mewma().fit(readings_of(np.column_stack([values, np.full(500, 7.0)])))
    scores = constant.score(readings_of(np.column_stack([new, np.full(100, 8.0)])))
    np.testing.assert_allclose(scores, Mewma().fit(readings_of(values)).score(readings_of(new)))


def test_where_all_is_constant_nothing_is_watched():
    detector = Mewma().fit(readings_of(np.full((100, 2), 5.0)))
    assert (detector.score(readings_of(noise(10, 2))) == 0).all()


def test_a_channel_that_hardly_ever_comes_is_left_out():
    values = noise(500, 3)
    values[20:, 2] = np.nan
    detector = Mewma().fit(readings_of(values))
    assert (detector.chart.model[:, UNIT] > 0).tolist() == [True, True, False]


def test_channels_that_always_say_the_same_do_no_harm():
    values, new = noise(500, 1), noise(200, 1, seed=19)
    detector = Mewma().fit(readings_of(np.repeat(values, 3, axis=1)))
    scores = detector.score(readings_of(np.repeat(new, 3, axis=1)))
    assert scores.max() < 1.0
    assert detector.score(readings_of(np.repeat(new + 3.0, 3, axis=1)))[-1] > 1.0


def test_an_offset_of_1e9_takes_no_digits():
    # In steps of 2^-20 = 1e-6, so that the offset of 2^30 = 1.07e9 loses none by itself.
    values = np.round(noise(800, 2) * 1e-3 * 2**20) / 2**20
    near = Mewma().fit(readings_of(values[:400])).score(readings_of(values[400:]))
    far = values + 2.0**30
    scores = Mewma().fit(readings_of(far[:400])).score(readings_of(far[400:]))
    np.testing.assert_allclose(scores, near, rtol=1e-9)


@pytest.mark.parametrize("exponent", [-1000, -300, 300, 1000])
def test_scores_do_not_depend_on_the_unit(exponent):
    values = noise(800, 2)
    usual = Mewma().fit(readings_of(values[:400])).score(readings_of(values[400:]))
    scaled = np.ldexp(values, exponent)
    scores = Mewma().fit(readings_of(scaled[:400])).score(readings_of(scaled[400:]))
    np.testing.assert_allclose(scores, usual, rtol=1e-12)


def test_after_a_million_readings_the_scores_are_those_of_the_last_few(fitted):
    values = noise(1_000_000, 3, seed=20)
    detector = anew(fitted)
    scores = detector.score(readings_of(values))
    # What came 500 readings ago weighs 0.9^500 = 1e-23.
    np.testing.assert_allclose(scores[-100:], twin(detector, values[-600:])[-100:], rtol=1e-9)


def test_devices_share_the_fit_but_not_the_averages():
    values = noise(600, 2)
    names = Words.of(["a", "b"] * 300)
    both = Readings.build(np.arange(600), values, ["x", "y"], device=names)
    detector = Mewma().fit(both)
    scores = detector.score(both)
    alone = anew(detector).score(both[np.arange(0, 600, 2)])
    np.testing.assert_array_equal(scores[::2], alone)


def test_hold_changes_nothing_as_the_baseline_is_frozen():
    values = noise(500, 2)
    new = noise(300, 2, seed=21)
    new[100:200] += 3.0
    plain, held = Mewma().fit(readings_of(values)), Mewma(hold=50).fit(readings_of(values))
    scores = plain.score(readings_of(new))
    np.testing.assert_array_equal(held.score(readings_of(new)), scores)


# What it says


def test_an_alert_names_the_channel_its_moving_average_and_how_far_it_is():
    rng = np.random.default_rng(22)
    values = np.column_stack([rng.normal(25, 0.2, 1_000), rng.normal(5, 0.02, 1_000)])
    channels = ("temperature", "voltage")
    detector = Mewma(profile=PROFILE).fit(readings_of(values[:800], channels))
    new = values[800:].copy()
    new[50:, 1] += 0.05
    (alert,) = detector.alerts(readings_of(new, channels))
    assert alert.type == "ANOMALY_MEWMA"
    assert alert.channel == "voltage"
    assert alert.severity is Severity.WARNING
    assert alert.value == new[alert.start // 10**9, 1]
    assert alert.description == (
        "Voltage has a moving average of 5.02V, 4.1 allowed deviations above its healthy mean of "
        "5.00V; T2 of 2 channels is 1.0 times its limit, and 99% lower without this one."
    )


def rising():
    """A temperature that rises through the fit, and on after it, beside a steady voltage."""
    rng = np.random.default_rng(30)
    warm = 25.0 + np.linspace(0, 2, 800) + 0.05 * rng.normal(size=800)
    return readings_of(
        np.column_stack([warm, rng.normal(5, 0.02, 800)]), ("temperature", "voltage")
    )


def test_deviations_and_t2_are_counted_in_the_same_units():
    detector = Mewma().fit(rising()[:400])
    (alert,) = detector.alerts(readings_of(np.full((60, 2), [40.0, 5.0]), rising().channels))
    said = re.search(r", ([\d.]+) allowed deviations above .* is ([\d.]+) times", alert.description)
    deviations, ratio = map(float, said.groups())
    # With the channels independent of each other, T2 is the sum of the squares.
    assert deviations**2 == pytest.approx(ratio * detector.chart.limit, rel=0.1)
    assert "sigma" not in alert.description


def test_once_calibrated_t2_is_compared_with_the_threshold():
    detector = Mewma().fit(readings_of(noise(1_000, 2)))
    detector.accept_threshold(0.4)
    (alert,) = detector.alerts(readings_of(noise(100, 2, seed=31) + 2.0))[:1]
    ratio = alert.score / 0.4
    assert ratio < 2.5
    assert f"T2 of 2 channels is {ratio:.1f} times its threshold" in alert.description


def test_a_member_below_its_threshold_does_not_claim_to_be_above_it():
    detector = Mewma().fit(readings_of(noise(1_000, 2)))
    detector.accept_threshold(2.0)
    new = readings_of(noise(100, 2, seed=31) + 1.0)
    detector.alerts(new)
    stream = detector.open_stream("device")
    stream.explaining = True
    judged = stream.judge(new)
    row = int(np.argmin(np.abs(judged.scores[:, 0] - 1.6)))
    ratio = judged.scores[row, 0] / 2.0
    assert 0.2 < ratio < 1.0
    said = detector.explain(new, judged, row, 0).description
    assert f"T2 of 2 channels is {ratio:.1f} times its threshold" in said


def test_smoothed_and_tailed_scores_are_not_compared_as_if_they_were_t2():
    fit, new = readings_of(noise(1_000, 2)), readings_of(noise(100, 2, seed=32) + 3.0)
    smooth = Mewma(smooth=5).fit(fit).alerts(new)[0]
    assert f"; mean T2 of 2 channels is {smooth.score:.1f} times its limit" in smooth.description
    tailed = Mewma(tail=500).fit(fit)
    tailed.score(fit)
    description = tailed.alerts(new)[0].description
    assert re.search(r"; T2 of 2 channels would be \d+% lower without this one\.", description)
    assert "times" not in description


def test_one_channel_has_no_share_of_t2():
    detector = Mewma().fit(readings_of(noise(1_000, 1)))
    (alert,) = detector.alerts(readings_of(noise(100, 1, seed=23) - 2.0))
    assert alert.description.startswith("C0 has a moving average of -")
    assert alert.description.endswith(" allowed deviations below its healthy mean of -0.0542532.")


def test_twice_the_limit_is_critical(fitted):
    values = noise(100, 3, seed=24)
    values[50:] += 20.0
    (alert,) = anew(fitted).alerts(readings_of(values))
    assert alert.score >= 2.0
    assert alert.severity is Severity.CRITICAL


# What is kept


def test_a_state_that_cannot_be_is_refused(fitted):
    def refused(**changed):
        with pytest.raises((ValueError, KeyError)):
            anew(fitted).restore({**copy.deepcopy(fitted.state()), **changed})

    model = fitted.chart.model
    refused(model=model[:, :-1])
    refused(model=model.astype(np.float32))
    refused(model=np.full_like(model, np.nan))
    refused(model=-model)
    refused(alpha=np.array([0.0]))
    refused(limit=np.array([-1.0]))
    refused(other=np.zeros(1))
    with pytest.raises(KeyError):
        anew(fitted).restore({})


def test_a_healthy_channel_is_known_by_its_finite_values():
    values = np.array([1.0, np.nan, 3.0, np.inf])
    known = Healthy.of(values)
    assert (known.size, (known.pivot + known.mean) / known.scale) == (2, 2.0)
    assert Healthy.of(np.full(5, np.nan)).deviation == 0.0
