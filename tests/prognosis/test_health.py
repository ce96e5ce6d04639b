"""The health index: from 1 to 0, one way, from the past only; and its figures by hand."""

import math

import numpy as np
import pytest

from sensorkit.errors import DataError
from sensorkit.prognosis.health import HealthIndex, suitability
from sensorkit.prognosis.life import lives


@pytest.fixture
def of_machines(machines):
    return [life.readings.values for life in lives(machines(*range(12)))]


def test_a_life_that_was_not_learned_goes_from_one_to_nought(of_machines):
    health = HealthIndex.fit(of_machines[:8])
    for values in of_machines[8:]:
        index = health.index(values)
        assert index[:30].mean() > 0.8
        assert index[-1] < 0.35
        assert (np.diff(index) <= 0).all()
        assert ((index >= 0) & (index <= 1)).all()


def test_the_index_knows_nothing_of_what_comes(of_machines):
    health = HealthIndex.fit(of_machines[:8])
    values = of_machines[9]
    np.testing.assert_array_equal(health.index(values)[:50], health.index(values[:50]))


def test_missing_values_do_not_stop_it(of_machines):
    health = HealthIndex.fit(of_machines[:8])
    values = of_machines[9].copy()
    values[40:45] = np.nan
    values[50, 0] = np.inf
    assert np.isfinite(health.index(values)).all()


def test_lives_that_are_too_short_are_refused():
    with pytest.raises(DataError, match="longest life has 39 readings; a health index wants 40"):
        HealthIndex.fit([np.zeros((39, 2)), np.zeros((10, 2))])
    with pytest.raises(DataError, match="window is 0"):
        HealthIndex.fit([np.zeros((99, 2))], window=0)


def test_the_figures_are_those_worked_out_by_hand():
    # Steps of the first: -, +, -: |1 - 2| / 3; of the second all down: 3 / 3.
    one, other = np.array([1.0, 0.5, 0.6, 0.0]), np.array([1.0, 0.9, 0.5, 0.2])
    found = suitability([one, other])
    assert found.monotonicity == pytest.approx((1 / 3 + 1) / 2)
    # First: 1 step up of 3, second differences +, -: 1 of 2. Second: none of 3; -, +: 1 of 2.
    assert found.trendability == pytest.approx(1 - np.std([1 / 3 + 1 / 2, 0 + 1 / 2]))
    # Ends 0.0 and 0.2 (spread 0.1); gone 1.0 and 0.8.
    assert found.prognosability == pytest.approx(math.exp(-0.1 / 0.9))


def test_an_index_that_says_nothing_serves_nothing():
    flat = suitability([np.ones(5), np.ones(5)])
    assert (flat.monotonicity, flat.prognosability) == (0.0, 0.0)


@pytest.mark.parametrize("indices", [[np.ones(9)], [np.ones(9), np.ones(2)], []])
def test_too_little_to_compare_is_refused(indices):
    with pytest.raises(DataError, match="two lives of at least three readings"):
        suitability(indices)
