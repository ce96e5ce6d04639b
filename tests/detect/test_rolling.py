import naive
import numpy as np
import pytest

from sensorkit.detect.rolling import departures, last_values

EMPTY = np.empty(0)


def z_of(values, window=50, minimum=10):
    departure, spread = departures(EMPTY, values, window=window, minimum=minimum)
    with np.errstate(all="ignore"):
        return np.abs(departure) / spread


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def glitch(n=400):
    values = noise(n)
    values[150] = 1e9
    return values


def jump(n=400):
    values = noise(n)
    values[200:] += 1e9
    return values


@pytest.mark.parametrize(
    ("values", "tolerance"),
    [
        pytest.param(noise(400), 1e-12, id="noise"),
        pytest.param(1e9 + 1e-3 * noise(400), 1e-12, id="offset 1e9, sigma 1e-3"),
        pytest.param(glitch(), 1e-12, id="one glitch of 1e9"),
        pytest.param(jump(), 1e-12, id="a jump from 0 to 1e9"),
        pytest.param(1e-300 * noise(400), 1e-12, id="1e-300"),
        pytest.param(1e300 * noise(400), 1e-12, id="1e300"),
        pytest.param(np.concatenate([1e-300 * noise(200), noise(200)]), 1e-12, id="mixed scales"),
    ],
)
def test_rolling_moments_equal_exact_arithmetic(values, tolerance):
    expected = np.array(naive.sigma(values.tolist()))
    np.testing.assert_allclose(z_of(values)[10:], expected[10:], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, 1e-300, 1e300])
def test_a_flat_window_has_a_spread_of_exactly_zero(value):
    _, spread = departures(EMPTY, np.full(200, value), window=50, minimum=10)
    assert (spread[10:] == 0).all()


def test_no_alarm_is_lost_after_a_glitch_has_left_the_window():
    values = glitch(1000)
    values[250::25] += 12.0
    assert (z_of(values)[250::25] > 3).all()


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 49, 50, 51, 5000])
def test_the_first_values_have_no_window_and_the_next_a_short_one(n):
    values = noise(n)
    departure, spread = departures(EMPTY, values, window=50, minimum=10)
    assert np.isnan(departure[:10]).all()
    assert np.isfinite(departure[10:]).all()
    for i in (10, 30, 50, 4999):
        if i < n:
            before = values[max(0, i - 50) : i]
            assert departure[i] == pytest.approx(values[i] - before.mean(), abs=1e-12)
            assert spread[i] == pytest.approx(before.std(), abs=1e-12)


def test_the_history_is_the_last_values_and_a_copy():
    values = noise(100)
    history = last_values(EMPTY, values[:30], 50)
    history = last_values(history, values[30:], 50)
    assert history.tolist() == values[50:].tolist()
    whole = last_values(EMPTY, values, 50)
    values[:] = 0
    assert whole.any()
