import math
from fractions import Fraction
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.detect.kernels.features import (
    FEATURES,
    FEWEST_VALUES,
    FeatureStream,
    Standard,
    foreign_rows,
    least_volatility,
    sample_features,
)

WINDOW = 20


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def features(values, window=WINDOW):
    return FeatureStream(1, window).features(np.asarray(values, dtype=float)[:, np.newaxis]).T


def exact(values, window=WINDOW):
    """Yield the features of each value but itself by fractions."""
    for i, value in enumerate(map(Fraction, values)):
        before = list(map(Fraction, values[max(i - 2 * window, 0) : i]))
        if len(before) < FEWEST_VALUES:
            yield (math.nan,) * 4
            continue
        steps = [abs(b - a) for a, b in pairwise([*before, value])]
        yield (
            float(value - median(before[-5:])),
            float(value - median(before[-window:])),
            float(sum(steps[-window:]) / len(steps[-window:])),
            float(sum(steps) / len(steps)),
        )


def glitch():
    values = noise(300)
    values[100] = 1e9
    return values


def jump():
    values = noise(300)
    values[150:] += 1e9
    return values


@pytest.mark.parametrize("window", [5, 20, 64])
@pytest.mark.parametrize(
    "values",
    [
        pytest.param(noise(300), id="noise"),
        pytest.param(1e9 + 1e-3 * noise(300), id="offset 1e9, sigma 1e-3"),
        pytest.param(glitch(), id="one glitch of 1e9"),
        pytest.param(jump(), id="a jump from 0 to 1e9"),
        pytest.param(1e-300 * noise(300), id="1e-300"),
        pytest.param(1e300 * noise(300), id="1e300"),
        pytest.param(np.concatenate([1e-300 * noise(150), noise(150)]), id="mixed scales"),
    ],
)
def test_rolling_features_equal_exact_arithmetic(values, window):
    found = features(values, window)[:, 1:]
    expected = np.array(list(exact(values.tolist(), window)))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    # A difference of values, or a mean of such, has no larger error than they.
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, 1e-300, 1e300])
def test_values_that_do_not_change_have_no_jump_departure_or_volatility(value):
    assert (features(np.full(200, value))[FEWEST_VALUES:, 1:] == 0).all()


def test_what_has_left_the_window_has_left_no_trace():
    values = np.round(noise(300) * 2**20) / 2**20  # sums are exact
    spoilt = values.copy()
    spoilt[100] = 2.0**40
    np.testing.assert_array_equal(features(spoilt)[142:], features(values)[142:])


def test_a_spike_does_not_make_the_next_value_a_jump():
    values = noise(100)
    values[60] += 50.0
    found = features(values)
    assert found[60, 1:3] == pytest.approx(50.0, abs=6.0)
    assert np.abs(found[61:, 1:3]).max() < 6.0


def test_missing_and_infinite_values_are_not_learned():
    values = noise(100)
    holed = np.insert(values, [30, 31, 60], [np.nan, np.inf, -np.inf])
    whole = np.delete(features(holed), [30, 32, 62], axis=0)
    np.testing.assert_array_equal(whole, features(values))


def test_a_step_over_a_gap_is_from_the_last_value_there_was():
    found = features([1.0, 1.0, np.nan, 1.0, 1.0, np.inf, 1.0, -np.inf, 6.0])
    assert found[8].tolist() == [6.0, 5.0, 5.0, 1.0, 1.0]
    assert found[5, 0] == np.inf
    assert np.isnan(found[[2, 5, 7], 1:]).all()


def test_the_largest_numbers_do_no_lasting_harm():
    values = np.concatenate([[1.7e308, -1.7e308], noise(100)])
    np.testing.assert_allclose(
        features(values)[45:], features(noise(100))[43:], rtol=1e-9, atol=1e-12
    )


@given(st.lists(st.integers(0, 100), max_size=6), st.integers(5, 40))
def test_features_do_not_depend_on_the_cut(cuts, window):
    values = np.column_stack([noise(100), glitch()[50:150]])
    stream = FeatureStream(2, window)
    parts = [stream.features(part) for part in np.split(values, sorted(cuts))]
    whole = FeatureStream(2, window).features(values)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_what_is_missing_is_put_at_the_median():
    usual = Standard.of(features(noise(500)).T, np.arange(len(FEATURES)))
    assert (usual.rows(features([np.nan]).T) == 0).all()
    assert (usual.rows(features([1.0]).T)[0, 1:] == 0).all()


def test_standardized_features_have_median_0_and_a_robust_sigma_of_1():
    found = features(3.0 + 7.0 * noise(5_000)).T
    rows = Standard.of(found, np.arange(len(FEATURES))).rows(found)[FEWEST_VALUES:]
    assert np.abs(np.median(rows, axis=0)).max() < 1e-2
    assert 1.4826 * np.median(np.abs(rows), axis=0) == pytest.approx(1.0, abs=1e-2)


def test_standardized_features_are_finite_whatever_comes():
    usual = Standard.of(features(noise(500)).T, np.arange(len(FEATURES)))
    wild = [np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 0.0, 5e-324] * 10
    assert np.isfinite(usual.rows(features(wild).T)).all()


def test_a_volatility_of_zero_is_the_least_there_is():
    assert least_volatility(np.array([0.0, 2.0, np.nan, np.inf])) == pytest.approx(2e-3)
    assert least_volatility(np.zeros(3)) == 1.0


def test_a_glitch_in_the_fit_does_not_stretch_the_reach_of_foreign_readings():
    rows = np.random.default_rng(6).normal(size=(5_000, 2)).astype(np.float32)
    rows[7] = 1e30
    foreign = foreign_rows(rows, 2_000, np.random.default_rng(7))
    moved = foreign[(np.abs(foreign) > 5).any(axis=1)]
    assert len(moved) > 1_000
    assert np.quantile(np.abs(foreign), 0.999) < 20.0


@pytest.mark.parametrize("most", [100, 5_000, 20_000])
def test_sampled_features_are_some_of_all_in_their_order(most):
    parts = [noise(n, seed=n)[:, np.newaxis] for n in (3, 9_000, 5_000)]
    whole = np.concatenate([FeatureStream(1, WINDOW).features(part).T for part in parts])
    found = sample_features(parts, window=WINDOW, most=most, rng=np.random.default_rng(1)).T
    assert len(found) == min(most, len(whole))
    rows = {tuple(row): k for k, row in enumerate(np.nan_to_num(whole).tolist())}
    at = [rows[tuple(row)] for row in np.nan_to_num(found).tolist()]
    assert at == sorted(set(at))
