"""RMSE and the PHM08 score against values worked out by hand."""

import math

import numpy as np
import pytest

from sensorkit.prognosis import over_engines, phm08, rmse


def test_the_rmse_is_the_root_of_the_mean_square():
    # errors 3, -4, 0: (9 + 16 + 0) / 3
    assert rmse([13, 6, 5], [10, 10, 5]) == pytest.approx(math.sqrt(25 / 3))


@pytest.mark.parametrize(
    ("predicted", "cost"),
    [
        (100.0, 0.0),
        (110.0, math.e - 1),  # 10 late
        (87.0, math.e - 1),  # 13 early
        (120.0, math.e**2 - 1),
        (74.0, math.e**2 - 1),
        (105.0, 0.6487212707),  # exp(0.5) - 1
        (95.0, 0.4690492),  # exp(5 / 13) - 1
    ],
)
def test_late_costs_by_tens_and_early_by_thirteens(predicted, cost):
    assert phm08([predicted], [100.0]) == pytest.approx(cost, rel=1e-6)


def test_the_score_is_a_sum_over_engines():
    assert phm08([110, 87, 100], [100, 100, 100]) == pytest.approx(2 * (math.e - 1))


def test_an_error_beyond_all_numbers_costs_infinitely_much():
    assert phm08([1e6], [0.0]) == math.inf


@pytest.mark.parametrize("figure", [rmse, phm08])
@pytest.mark.parametrize(
    ("predicted", "true", "why"),
    [
        ([], [], "there are no predictions"),
        ([1.0], [1.0, 2.0], r"shape \(1,\) and true \(2,\)"),
        ([[1.0]], [[1.0]], r"shape \(1, 1\)"),
        ([1.0, math.nan], [1.0, 2.0], r"predicted\[1\] is nan"),
        ([1.0], [math.inf], r"true\[0\] is inf"),
    ],
)
def test_what_cannot_be_scored_is_refused(figure, predicted, true, why):
    with pytest.raises(ValueError, match=why):
        figure(predicted, true)


def test_the_interval_is_that_of_the_drawn_engines():
    rng = np.random.default_rng(3)
    true = rng.uniform(0, 125, 400)
    found = over_engines(rmse, true + rng.normal(0, 10.0, 400), true, resamples=500)
    assert found.low < found.value < found.high
    # The standard error of a standard deviation is sigma / sqrt(2 n): 0.354, so +- 0.69.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 10 / math.sqrt(800), rel=0.2)


def test_one_engine_has_no_spread():
    assert over_engines(rmse, [3.0], [1.0]) == (2.0, 2.0, 2.0)


def test_the_interval_is_the_same_for_the_same_seed():
    given = ([1.0, 5.0, 9.0], [2.0, 2.0, 2.0])
    assert over_engines(phm08, *given, seed=4) == over_engines(phm08, *given, seed=4)
    with pytest.raises(ValueError, match="resamples is 0"):
        over_engines(phm08, *given, resamples=0)
