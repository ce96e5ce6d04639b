"""Windows: their features by the book, no leak from one unit to another, any cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.prognosis.windows import WindowStream, windows


def by_the_book(values, length):
    """Slow and obvious: last, mean, slope and spread of each window of one unit."""
    rows = []
    for i in range(len(values)):
        part, found = values[max(0, i - length + 1) : i + 1], []
        for channel in part.T:
            known = np.flatnonzero(~np.isnan(channel))
            if not len(known):
                found.append([np.nan] * 4)
                continue
            y = channel[known]
            slope = np.polyfit(known, y, 1)[0] if len(known) > 1 else 0.0
            found.append([y[-1], y.mean(), slope, y.std()])
        rows.append(np.array(found).T.ravel())
    return np.array(rows)


def streamed(values, length, cuts=(), begins=None):
    stream = WindowStream(values.shape[1], length)
    begins = np.zeros(len(values), dtype=bool) if begins is None else begins
    edges = [0, *sorted(cuts), len(values)]
    parts = [stream.features(values[a:b], begins[a:b]) for a, b in pairwise(edges)]
    return np.concatenate(parts)


@pytest.mark.parametrize("length", [1, 2, 5, 50])
def test_the_features_are_those_of_the_book(length):
    rng = np.random.default_rng(length)
    values = rng.normal(size=(30, 3))
    values[4:9, 1] = np.nan
    values[20, :] = np.nan
    values[:, 2] = np.nan
    np.testing.assert_allclose(streamed(values, length), by_the_book(values, length), atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 40), max_size=8), st.integers(1, 12), st.integers(0, 99))
def test_no_cut_changes_a_feature_to_the_last_bit(cuts, length, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 2)) * 10.0 ** rng.integers(-3, 6)
    values[rng.random((40, 2)) < 0.2] = np.nan
    begins = rng.random(40) < 0.1
    whole = streamed(values, length, begins=begins)
    np.testing.assert_array_equal(streamed(values, length, cuts, begins), whole)


def test_a_window_that_begins_anew_knows_nothing_of_before():
    values = np.arange(20.0)[:, None]
    begins = np.arange(20) == 12
    np.testing.assert_array_equal(
        streamed(values, 10, begins=begins)[12:], streamed(values[12:], 10)
    )


def test_no_window_crosses_from_one_unit_to_the_next():
    rng = np.random.default_rng(1)
    one, other, wild = rng.normal(size=(9, 2)), rng.normal(size=(12, 2)), np.full((9, 2), 1e6)
    found = windows([one, other], 5)
    after = windows([wild, other], 5)
    np.testing.assert_array_equal(found.features[found.unit == 1], after.features[after.unit == 1])
    assert found.row[found.unit == 1].tolist() == list(range(12))


def test_windows_that_are_not_full_can_be_left_out():
    found = windows([np.zeros((5, 1)), np.zeros((3, 1))], 3, least=3)
    assert list(zip(found.unit.tolist(), found.row.tolist(), strict=True)) == [
        (0, 2), (0, 3), (0, 4), (1, 2),
    ]  # fmt: skip


def test_a_unit_that_is_too_short_is_refused_by_its_number():
    with pytest.raises(ValueError, match="unit 1 has 2 readings, a window at least 3; take"):
        windows([np.zeros((5, 1)), np.zeros((2, 1))], 4, least=3)


@pytest.mark.parametrize(("length", "least"), [(0, 1), (3, 0), (3, 4)])
def test_impossible_lengths_are_refused(length, least):
    with pytest.raises(ValueError, match="1 <= least <= length"):
        windows([np.zeros((5, 1))], length, least=least)


def test_a_value_of_a_million_sigmas_leaves_nothing_behind():
    values = np.random.default_rng(2).normal(size=(30, 1))
    spiked = values.copy()
    spiked[10] = 1e6
    np.testing.assert_array_equal(streamed(spiked, 5)[15:], streamed(values, 5)[15:])
