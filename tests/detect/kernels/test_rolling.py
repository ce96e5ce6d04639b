import naive
import numpy as np
import pytest

from sensorkit.detect.kernels.rolling import Trailing

WINDOW, MINIMUM = 50, 10


def score(values, window=WINDOW, minimum=MINIMUM, **params):
    trailing = Trailing(1, window=window, minimum=minimum, **params)
    return trailing.judge(np.asarray(values)[:, np.newaxis])[:, 0]


def in_pieces(values, lengths, **params):
    trailing = Trailing(1, window=WINDOW, minimum=MINIMUM, **params)
    edges = np.cumsum(lengths)
    pieces = np.split(values, edges[edges < len(values)])
    return np.concatenate([trailing.judge(piece[:, np.newaxis])[:, 0] for piece in pieces])


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def with_glitches(n=1000):
    values = noise(n)
    # Inside a block, at the end of one, which is the pivot of the next, and at the beginning.
    values[[350, 549, 700, 949]] = 1e9, -1e9, 3e7, 1e9
    return values


def jump(n=1000):
    values = noise(n)
    values[500:] += 1e9
    return values


HARD = {
    "noise": noise(1000),
    "offset 1e9, sigma 1e-3": 1e9 + 1e-3 * noise(1000),
    "glitches of 1e9": with_glitches(),
    "a jump from 0 to 1e9": jump(),
    "1e-300": 1e-300 * noise(1000),
    "1e-150": 1e-150 * noise(1000),
    "1e150": 1e150 * noise(1000),
    "1e300": 1e300 * noise(1000),
    "differences that overflow": 1.7e308 * np.sin(np.arange(1000.0)),
    "denormal": 1e-318 * noise(1000),
    "mixed scales": np.concatenate([1e-300 * noise(500), noise(500)]),
    "quantized": noise(1000).round(1),
    "flat but for one glitch": np.where(np.arange(1000) == 500, 1e9, 0.1),
}


@pytest.mark.parametrize("name", HARD)
def test_scores_equal_exact_arithmetic_to_twelve_digits(name):
    with np.errstate(over="ignore"):
        expected = np.array(naive.sigma(HARD[name].tolist()))
    np.testing.assert_allclose(score(HARD[name]), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("window", [2, 3, 7, 51])
def test_any_window_equals_exact_arithmetic(window):
    values = with_glitches()
    expected = naive.sigma(values.tolist(), window=window, minimum=2)
    found = score(values, window=window, minimum=2)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_scores_equal_exact_arithmetic_above_a_floor():
    values = noise(1000).round(0)
    expected = naive.sigma(values.tolist(), floor=0.9)
    found = score(values, floor=np.array([0.9]))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("lengths", [[1] * 1000, [3, 47, 1, 449, 500], [400] * 3, [450] * 3])
def test_scores_are_the_same_bits_however_the_values_are_cut(name, lengths):
    values = HARD[name].copy()
    values[[20, 577, 578]] = np.nan
    assert in_pieces(values, lengths).tolist() == score(values).tolist()


def test_one_value_at_a_time_has_the_same_bits_without_a_batch():
    both = np.column_stack([with_glitches(), jump()])
    batch = Trailing(2, window=WINDOW, minimum=MINIMUM).judge(both)
    one = Trailing(2, window=WINDOW, minimum=MINIMUM)
    assert [one.judge_one(row.copy()) for row in both] == batch.max(axis=1).tolist()


def test_ten_million_values_agree_with_exact_arithmetic_to_twelve_digits():
    n, rng = 10_000_000, np.random.default_rng(2)
    values = rng.normal(size=n)
    values += 1e9 * (np.arange(n) // 1_000_003 % 2)  # the level jumps ten times
    values[::10_007] = 1e9 * rng.normal(size=len(values[::10_007]))
    found = score(values)
    assert np.isfinite(found).all()
    sampled = np.concatenate([rng.integers(WINDOW, n, 1_000), np.arange(n - 100, n)])
    for at in sampled:
        window = values[at - WINDOW : at + 1].tolist()
        expected = naive.sigma(window, minimum=WINDOW)[-1]
        assert found[at] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    lengths = rng.integers(1, 20_000, 2_000)
    assert np.array_equal(in_pieces(values, lengths), found)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, 1e-300, 1e300, 1.7e308])
def test_a_flat_window_has_a_spread_of_exactly_zero(value):
    moments = Trailing(1, window=WINDOW, minimum=MINIMUM).moments(np.full((700, 1), value))
    assert (moments.spread[MINIMUM:] == 0.0).all()
    assert (moments.scores == 0.0).all()


def test_what_leaves_a_flat_line_is_infinitely_far_and_the_line_is_flat_again_after_a_window():
    values = np.full(700, 0.1)
    values[500] = 0.1 + 1e-15
    found = score(values)
    assert found[500] == np.inf
    assert found[501] == pytest.approx(1 / 7)
    assert (found[551:] == 0.0).all()


def test_no_alarm_is_lost_after_a_glitch_has_left_the_window():
    values = noise(10_000)
    values[150] = 1e9
    values[250::25] += 12.0
    assert (score(values)[250::25] > 3).all()


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 49, 50, 51, 449, 450, 451, 5000])
def test_the_first_values_have_no_window_and_the_next_a_short_one(n):
    values = noise(n)
    moments = Trailing(1, window=WINDOW, minimum=MINIMUM).moments(values[:, np.newaxis])
    assert np.isnan(moments.departure[:MINIMUM]).all()
    assert (moments.scores[:MINIMUM] == 0.0).all()
    for i in range(MINIMUM, n):
        before = values[max(0, i - WINDOW) : i]
        assert moments.departure[i, 0] == pytest.approx(values[i] - before.mean(), abs=1e-12)
        assert moments.spread[i, 0] == pytest.approx(before.std(), abs=1e-12)


def test_the_moments_go_with_the_same_scores():
    values = with_glitches()[:, np.newaxis]
    moments = Trailing(1, window=WINDOW, minimum=MINIMUM).moments(values)
    plain = Trailing(1, window=WINDOW, minimum=MINIMUM).judge(values)
    assert moments.scores.tolist() == plain.tolist()
    z = np.abs(moments.departure) / moments.spread
    np.testing.assert_allclose(z[MINIMUM:], plain[MINIMUM:], rtol=1e-12)


def test_a_missing_value_scores_zero_and_takes_no_place():
    values = noise(1000)
    gaps = np.insert(values, [100, 700, 700, 701], np.nan)
    found = score(gaps)
    assert (found[np.isnan(gaps)] == 0.0).all()
    assert found[~np.isnan(gaps)].tolist() == score(values).tolist()


def test_an_infinite_value_scores_infinity_once_there_is_a_window_and_is_not_learned():
    values = noise(1000)
    found = score(np.insert(values, [5, 100, 700], [np.inf, -np.inf, np.inf]))
    assert found[[5, 101, 702]].tolist() == [0.0, np.inf, np.inf]
    assert np.delete(found, [5, 101, 702]).tolist() == score(values).tolist()


def test_values_that_are_not_learned_leave_the_window_as_it_is():
    values = noise(2000)[:, np.newaxis]
    held = Trailing(1, window=WINDOW, minimum=MINIMUM)
    plain = Trailing(1, window=WINDOW, minimum=MINIMUM)
    held.judge(values[:777])
    plain.judge(values[:777])
    kept = held.judge(1e6 + values[777:1500], learn=False)
    assert (kept > 1e5).all()
    assert held.judge_one(np.array([1e6]), learn=False) > 1e5
    assert held.judge(values[1500:]).tolist() == plain.judge(values[1500:]).tolist()


def test_each_channel_has_its_own_window():
    both = np.column_stack([noise(1000, 1), noise(1000, 2)])
    both[300:310, 0] = np.nan
    found = Trailing(2, window=WINDOW, minimum=MINIMUM).judge(both)
    for c in (0, 1):
        assert found[:, c].tolist() == score(both[:, c]).tolist()


@pytest.mark.parametrize("layout", ["C", "F", "strided", "read only", "float32"])
def test_any_layout_of_the_values_gives_the_same_scores_and_is_left_alone(layout):
    values = np.column_stack([noise(900, 1), noise(900, 2)]).astype(np.float32).astype(float)
    given = {
        "C": np.ascontiguousarray(values),
        "F": np.asfortranarray(values),
        "strided": np.repeat(values, 2, axis=0)[::2],
        "read only": np.asfortranarray(values),
        "float32": values.astype(np.float32),
    }[layout]
    given.flags.writeable = layout != "read only"
    expected = Trailing(2, window=WINDOW, minimum=MINIMUM).judge(values.copy())
    found = Trailing(2, window=WINDOW, minimum=MINIMUM).judge(given)
    assert found.tolist() == expected.tolist()
    assert (given == values).all()
