"""Operating conditions: found in the settings of the training, and taken out."""

import numpy as np
import pytest

from sensorkit.prognosis.conditions import FARTHEST, Conditions

ALTITUDES = np.array([0.0, 10.0, 20.0, 25.0, 35.0, 42.0])  # of FD002, in kft


def flown(n, seed):
    """Six conditions in the first column; the sensor follows them and says little else."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 6, n)
    hidden = rng.normal(size=n)
    sensor = 500.0 - 5.0 * ALTITUDES[at] + (1.0 + at) * hidden
    return np.column_stack([ALTITUDES[at] + rng.normal(0, 0.003, n), sensor]), at, hidden


def test_six_conditions_are_found_and_taken_out():
    values, _, _ = flown(3000, 1)
    found = Conditions.fit(values, np.array([0]), 6, seed=0)
    other, at, hidden = flown(2000, 2)
    assigned = found.of(other, 0)
    assert len({(a, b) for a, b in zip(at, assigned, strict=True)}) == 6
    plain = found.without(other, assigned)
    assert plain.shape == (2000, 1)
    assert np.corrcoef(plain[:, 0], hidden)[0, 1] > 0.99


def test_one_condition_takes_all_channels_as_they_are():
    values, _, _ = flown(500, 3)
    found = Conditions.fit(values, np.array([], dtype=np.int64), 1, seed=0)
    plain = found.without(values, found.of(values, 0))
    np.testing.assert_allclose(plain.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(plain.std(axis=0), 1.0)


def test_where_a_setting_is_missing_the_last_condition_goes_on():
    values, _, _ = flown(3000, 1)
    found = Conditions.fit(values, np.array([0]), 6, seed=0)
    known = found.of(values[:4], 0)
    values[1:3, 0] = np.nan
    assert found.of(values[:4], 5).tolist() == [known[0], known[0], known[0], known[3]]
    assert found.of(values[1:3], 5).tolist() == [5, 5]


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e9])
def test_numbers_of_any_size_are_brought_to_one_scale(size):
    rng = np.random.default_rng(5)
    values = (rng.normal(3.0, 1.0, (400, 2))) * size
    found = Conditions.fit(values, np.array([], dtype=np.int64), 1, seed=0)
    plain = found.without(values, found.of(values, 0))
    np.testing.assert_allclose(plain.std(axis=0), 1.0, rtol=1e-6)


def test_what_is_missing_infinite_or_huge_stays_in_bounds():
    values = np.random.default_rng(6).normal(size=(100, 3))
    values[:, 2] = 4.0
    found = Conditions.fit(values, np.array([], dtype=np.int64), 1, seed=0)
    odd = np.array([[np.nan, np.inf, 4.0], [1.7e308, -1.7e308, 5.0]])
    plain = found.without(odd, found.of(odd, 0))
    assert np.isnan(plain[0, :2]).all()
    assert plain[0, 2] == 0.0
    assert plain[1].tolist() == [FARTHEST, -FARTHEST, 1.0]


def test_settings_that_do_not_differ_are_no_conditions():
    values = np.column_stack([np.repeat([1.0, 2.0], 50), np.arange(100.0)])
    with pytest.raises(ValueError, match="take 2 different values, which are not 6 conditions"):
        Conditions.fit(values, np.array([0]), 6, seed=0)
