import naive
import numpy as np
import pytest

from sensorkit.detect.kernels.subsequences import LENGTHS, LONGEST, memory, nearest


def distances_of(values, recent, learn=None):
    state, found = memory(recent), np.empty((len(values), len(LENGTHS)))
    for i, value in enumerate(values.tolist()):
        nearest(value, True if learn is None else bool(learn[i]), *state, found[i])
    return found


def expected(values, recent):
    return np.column_stack(
        [
            naive.nearest_in_a_row(values.tolist(), length=m, longest=LONGEST, recent=recent)
            for m in LENGTHS
        ]
    )


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("recent", [6, 20, 300, 1000])
def test_the_nearest_in_a_row_is_that_of_a_slow_search(recent):
    values = noise(700)
    np.testing.assert_allclose(distances_of(values, recent), expected(values, recent), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-160, 1e150, 1e300])
def test_squares_neither_vanish_nor_overflow(scale):
    values = noise(200)
    found = distances_of(values * scale, 100) / scale
    np.testing.assert_allclose(found, expected(values, 100), rtol=1e-3 if scale < 1e-308 else 1e-12)


def test_the_ends_of_the_float_range_give_a_distance_and_not_nan():
    values = np.resize([1.7e308, -1.7e308, 0.0, 1.0, 5e-324], 100)
    values[50] = 1e308
    found = distances_of(values, 30)[11:]
    assert (found >= 0).all()


def test_what_comes_again_has_a_distance_of_exactly_zero():
    values = np.tile(noise(25) * 1e-3 + 1e9, 8)
    assert (distances_of(values, 100)[40:] == 0).all()


def test_what_is_not_learned_is_not_compared_with():
    values = noise(100)
    values[60:66] = values[80:86] = [50.0, 60.0, 70.0, 80.0, 90.0, 99.0]
    learn = np.ones(100, dtype=bool)
    assert (distances_of(values, 90)[85] == 0).all()
    learn[60:80] = False
    assert (distances_of(values, 90, learn)[85] > 10).all()


def test_there_is_nothing_to_compare_with_at_first_or_where_all_is_barred():
    values = noise(40)
    assert np.isnan(distances_of(values, 20)[: 2 * LONGEST - 1, 2]).all()
    assert np.isnan(distances_of(values, 20, np.zeros(40, dtype=bool))).all()


def test_a_glitch_that_has_left_changes_nothing():
    values, glitched = noise(300), noise(300)
    glitched[100] = 1e9
    whole, after = distances_of(values, 50), distances_of(glitched, 50)
    assert after[160:].tobytes() == whole[160:].tobytes()
