import naive
import numpy as np
import pytest

from sensorkit.detect.kernels.medians import TrailingMedian


def score(values, window=50, minimum=10, **params):
    trailing = TrailingMedian(1, window=window, minimum=minimum, **params)
    return trailing.judge(np.asarray(values)[:, np.newaxis])[:, 0]


def noise(n=300, seed=1):
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("window", [2, 3, 50, 51])
@pytest.mark.parametrize(
    "values",
    [
        pytest.param(noise(), id="noise"),
        pytest.param(1e9 + 1e-3 * noise(), id="offset 1e9, sigma 1e-3"),
        pytest.param(np.where(np.arange(300) % 7 == 3, 1e9, noise()), id="many glitches"),
        pytest.param(noise() + 1e9 * (np.arange(300) > 150), id="a jump from 0 to 1e9"),
        pytest.param(noise().round(1), id="quantized"),
        pytest.param(noise().round(0), id="coarse"),
        pytest.param(1e-300 * noise(), id="1e-300"),
        pytest.param(1.7e308 * np.sin(np.arange(300.0)), id="differences that overflow"),
        pytest.param(np.full(300, 0.1), id="flat"),
    ],
)
def test_scores_equal_exact_arithmetic_to_fourteen_digits(values, window):
    minimum = min(10, window)
    expected = naive.median_sigma(values.tolist(), window=window, minimum=minimum)
    found = score(values, window=window, minimum=minimum)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


def test_half_the_window_can_be_wild_and_the_score_stays():
    values = noise()
    values[100:120] = 1e9
    assert score(values)[120:].max() < 15
    assert score(noise())[120:].max() < 15


def test_scores_do_not_depend_on_the_cut():
    values = noise()
    values[[20, 130]] = np.nan
    trailing = TrailingMedian(1, window=50, minimum=10)
    one_by_one = [trailing.judge_one(values[i : i + 1]) for i in range(len(values))]
    assert one_by_one == score(values).tolist()


def test_the_moments_go_with_the_same_scores():
    values = noise()[:, np.newaxis]
    moments = TrailingMedian(1, window=50, minimum=10).moments(values)
    assert moments.scores[:, 0].tolist() == score(values[:, 0]).tolist()
    assert np.isnan(moments.departure[:10]).all()
    departure = values[299, 0] - np.median(values[249:299])
    assert moments.departure[299, 0] == pytest.approx(departure)


def test_missing_and_infinite_values_take_no_place():
    values = noise()
    found = score(np.insert(values, [5, 100, 200], [np.inf, np.nan, -np.inf]))
    assert found[[5, 101, 202]].tolist() == [0.0, 0.0, np.inf]
    assert np.delete(found, [5, 101, 202]).tolist() == score(values).tolist()


def test_values_that_are_not_learned_leave_the_window_as_it_is():
    values = noise()[:, np.newaxis]
    held, plain = (TrailingMedian(1, window=50, minimum=10) for _ in range(2))
    held.judge(values[:77])
    plain.judge(values[:77])
    assert (held.judge(1e6 + values[:50], learn=False) > 1e5).all()
    assert held.judge(values[77:]).tolist() == plain.judge(values[77:]).tolist()


def test_the_floor_is_the_smallest_spread():
    values = np.append(np.full(60, 25.0), 26.0)
    assert score(values, floor=np.array([0.25]))[-1] == 4.0
    assert score(values)[-1] == np.inf
