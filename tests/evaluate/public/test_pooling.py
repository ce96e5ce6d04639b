"""Figures over series, and the draws behind their intervals."""

import numpy as np
import pytest

from sensorkit.evaluate.public.pooling import (
    LEAST_UNITS,
    count,
    draws,
    interval,
    mean,
    ratio,
    stacked,
    total,
    two_sided_p,
)


def test_a_weight_of_two_counts_a_series_twice():
    values = np.array([1.0, 4.0, np.nan])
    assert float(mean(values, np.array([2.0, 1.0, 5.0]))) == 2.0
    assert float(total(values, np.array([2.0, 1.0, 5.0]))) == 6.0


def test_weights_of_many_draws_give_what_each_draw_gives_alone():
    rng = np.random.default_rng(1)
    values, weight = rng.random(7), rng.integers(0, 3, (5, 7)).astype(float)
    together = mean(values, weight)
    assert together.tolist() == pytest.approx([float(mean(values, one)) for one in weight])


def test_nothing_divided_by_nothing_is_no_number_and_not_zero():
    assert np.isnan(ratio(0.0, 0.0))
    assert np.isnan(mean(np.array([np.nan]), np.ones(1)))


def test_a_quantity_that_a_series_lacks_is_not_known_there():
    assert np.isnan(stacked([{"a": 1.0}, {"b": 2.0}])["a"]).tolist() == [False, True]


def test_series_of_one_unit_are_drawn_together():
    units = [f"rig {i // 2}" for i in range(2 * LEAST_UNITS)]
    weight = draws(units, 200, seed=3)
    assert np.array_equal(weight[:, ::2], weight[:, 1::2])
    assert (weight[:, ::2].sum(axis=1) == LEAST_UNITS).all()


def test_too_few_units_have_no_draws():
    assert draws(["a"] * 100, 50, seed=0) is None
    assert draws([str(i) for i in range(LEAST_UNITS - 1)], 50, seed=0) is None
    assert draws([str(i) for i in range(LEAST_UNITS)], 50, seed=0) is not None


def test_the_interval_of_a_mean_covers_it_as_often_as_said():
    covered = 0
    for seed in range(200):
        values = np.random.default_rng(seed).normal(size=60)
        low, high = interval(mean(values, draws([str(i) for i in range(60)], 400, seed)), 60)
        covered += low <= 0.0 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_the_p_value_is_small_for_a_difference_on_one_side_and_never_zero():
    assert 0 <= two_sided_p(np.linspace(0.4, 0.5, 999), 20) < 0.05
    assert two_sided_p(np.linspace(-1, 1, 1000), 20) == pytest.approx(1.0, abs=0.01)
    assert two_sided_p(np.zeros(1000), 20) == 1.0
    assert two_sided_p(np.array([np.nan]), 20) is None


def simulated(units, *, share, runs=300):
    """Return how often an interval covers, and how often two equal ones are told apart."""
    names, covered, apart = [str(i) for i in range(units)], 0, 0
    for seed in range(runs):
        one, two = np.random.default_rng([seed, units]).beta(2.0, 2.0, (2, units))
        weight = draws(names, 500, seed)
        drawn = mean(one, weight)
        low, high = interval(drawn, units, share=share)
        covered += low <= 0.5 <= high
        apart += two_sided_p(drawn - mean(two, weight), units) < 0.05
    return covered / runs, apart / runs


@pytest.mark.parametrize("share", [False, True])
def test_of_the_fewest_units_that_have_one_an_interval_still_covers(share):
    covered, apart = simulated(LEAST_UNITS, share=share)
    assert covered > 0.91  # plain percentiles: 0.86
    assert apart < 0.08  # plain percentiles: 0.11


def test_the_interval_of_a_share_is_no_point_where_all_units_agree():
    low, high = interval(np.ones(500), LEAST_UNITS, share=True)
    assert 0.5 < low < 0.9
    assert high == 1.0


def test_series_of_one_unit_count_once():
    assert count(["a", "b", "a"]) == 2
