import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.evaluate.metrics import affiliation, point_scores

NAIVE = runpy.run_path(str(Path(__file__).with_name("naive_metrics.py")))["affiliation"]


def runs_of(lengths, first):
    """Return ones and zeros in turns, so many of each."""
    return [bool((i + first) % 2) for i, length in enumerate(lengths) for _ in range(length)]


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    first=st.integers(0, 1),
    density=st.sampled_from([0.03, 0.2, 0.6, 1.0]),
    seed=st.integers(0, 1000),
)
def test_affiliation_equals_its_slow_twin(lengths, first, density, seed):
    labels = runs_of(lengths, first)
    if not any(labels):
        return
    flags = np.random.default_rng(seed).random(len(labels)) < density
    expected = NAIVE(labels, flags.tolist())
    assert affiliation(labels, flags)[:2] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_flag_beside_a_fault_by_hand():
    # Zone [0, 10), fault [4, 6): m = 4. The flag [7, 8) is 1 to 2 away, 1.5 on average:
    # 1 - (1.5 + 1.5 + 2) / 10 = 0.5. A faulty time is 1 to 3 away from it, 2 on average, and
    # at most 5 from the end of the zone: 1 - (2 + 2) / 10 = 0.6.
    found = affiliation(np.arange(10) // 2 == 2, np.arange(10) == 7)
    assert found == pytest.approx((0.5, 0.6, 2 * 0.5 * 0.6 / 1.1))


def test_a_flag_farther_than_the_nearer_end_counts_one_side_only():
    # Zone [0, 10), fault [1, 2): m = 1. The flag [8, 9) is 6.5 away on average:
    # 1 - (1 + 6.5 + 1) / 10 = 0.15.
    assert affiliation(np.arange(10) == 1, np.arange(10) == 8).precision == pytest.approx(0.15)


def test_zones_meet_halfway_between_faults():
    labels = np.zeros(40, dtype=bool)
    labels[[5, 25]] = True  # [5, 6) and [25, 26): the zones meet at 15.5
    near, far = affiliation(labels, np.arange(40) == 14), affiliation(labels, np.arange(40) == 16)
    assert near.precision == pytest.approx(1 - (5 + 8.5 + 1) / 15.5)
    assert far.precision == pytest.approx(1 - (2 * 8.5 + 1) / 24.5)
    assert near.recall < 0.5  # the other zone has no flag, its recall is 0


def test_a_flag_across_the_edge_of_two_zones_is_cut():
    labels = np.zeros(40, dtype=bool)
    labels[[5, 25]] = True
    flags = np.arange(40) == 15  # [15, 16), cut at 15.5
    assert affiliation(labels, flags)[:2] == pytest.approx(NAIVE(labels.tolist(), flags.tolist()))
    assert affiliation(labels, flags).recall > 0


def test_perfect_flags_are_worth_one():
    labels = np.array([1, 0, 1, 1, 0, 0, 0, 1], dtype=bool)
    assert affiliation(labels, labels) == (1.0, 1.0, 1.0)


def test_everything_labelled_is_one_zone():
    assert affiliation([1, 1, 1, 1], [1, 1, 1, 1]) == (1.0, 1.0, 1.0)
    some = affiliation([1, 1, 1, 1], [0, 0, 0, 1])
    assert some.precision == 1.0
    assert 0 < some.recall < 1


def test_everything_flagged_has_all_recall():
    found = affiliation(np.arange(100) == 50, np.ones(100, dtype=bool))
    assert found.recall == 1.0
    assert found.precision == pytest.approx(0.5, abs=0.02)


def test_one_reading_is_enough():
    assert affiliation([1], [1]) == (1.0, 1.0, 1.0)


def test_nothing_flagged_has_no_precision():
    found = affiliation([0, 1, 0], [0, 0, 0])
    assert math.isnan(found.precision)
    assert (found.recall, found.f1) == (0.0, 0.0)


def test_noise_reaches_two_thirds_where_its_point_f1_is_near_zero():
    labels = np.arange(50_000) % 1000 >= 990
    noise = np.random.default_rng(5).random(50_000) < 0.05
    assert affiliation(labels, noise).f1 == pytest.approx(2 / 3, abs=0.03)
    assert point_scores(labels, noise).f1 < 0.03


@pytest.mark.parametrize(
    ("labels", "flags", "message"),
    [
        ([0, 0], [0, 1], "none of the 2 labels is 1"),
        ([], [], "empty"),
        ([0, 1], [0, 1, 0], r"labels has shape \(2,\) and flags \(3,\)"),
        ([0, 1], [0, np.nan], r"flags\[1\] is .*nan"),
        ([0, 0.5], [0, 1], r"labels\[1\] is .*0.5"),
    ],
)
def test_input_that_makes_no_sense_is_refused(labels, flags, message):
    with pytest.raises(ValueError, match=message):
        affiliation(labels, flags)
