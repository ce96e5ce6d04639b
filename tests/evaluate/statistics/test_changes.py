"""Intervals of what changed between two runs hold the truth; what both had in common cancels."""

import math

import numpy as np
import pytest

from sensorkit.evaluate.statistics import poisson_interval, resample
from sensorkit.evaluate.statistics.changes import (
    difference,
    median_difference,
    rate_difference,
    ratio,
    share_difference,
)

PAIRS = 300


def held(intervals, truth):
    low, high = np.array(intervals, dtype=float).T
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize(("lost", "gained"), [(0.06, 0.06), (0.05, 0.2)])
def test_a_difference_of_shares_is_held_95_times_in_100(lost, gained):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(PAIRS):
        side = rng.choice(3, 60, p=[lost, gained, 1 - lost - gained])
        both = rng.random(60) < 0.8
        before, after = (np.where(side == 2, both, side == one) for one in (0, 1))
        found.append(share_difference(before, after, [60]))

    assert 0.92 <= held(found, gained - lost) <= 0.99
    # An interval of 80 % would be noticed.
    middle = np.mean(found, axis=1)
    narrow = middle[:, None] + (np.array(found) - middle[:, None]) * 1.28 / 1.96
    assert held(narrow, gained - lost) < 0.92


def test_faults_that_change_sides_alike_in_every_recording_are_held_over_recordings():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(100):
        side = rng.choice(3, 72, p=[0.05, 0.2, 0.75])
        before, after = (np.where(side == 2, True, side == one) for one in (0, 1))
        found.append(share_difference(before, after, [24, 24, 24]))
    assert held(found, 0.15) >= 0.93


def test_faults_found_by_both_make_the_interval_narrower_not_wider():
    one, other = np.zeros(40, dtype=bool), np.zeros(40, dtype=bool)
    one[:20], other[:22] = True, True
    low, high = share_difference(one, other, [40])

    assert low <= 2 / 40 <= high
    assert high - low < 0.25  # two Wilson intervals put together are 0.41 wide


def test_no_fault_that_changed_sides_still_leaves_an_interval():
    alike = np.ones(30, dtype=bool)
    low, high = share_difference(alike, alike, [30])
    assert low < 0 < high
    assert high == pytest.approx(-low)


def test_without_faults_nothing_is_known_of_a_share():
    assert share_difference(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), [0]) == (-1.0, 1.0)


@pytest.mark.parametrize(("lost", "gained"), [(4.0, 4.0), (1.0, 9.0)])
def test_a_difference_of_rates_is_held_95_times_in_100(lost, gained):
    rng = np.random.default_rng(3)
    found = [
        rate_difference(
            *(np.array([float(rng.poisson(mean))]) for mean in (lost, gained)), np.ones(1)
        )
        for _ in range(PAIRS)
    ]
    assert 0.93 <= held(found, gained - lost) <= 0.997


def test_no_alarm_of_either_leaves_what_one_in_the_time_could_be():
    low, high = rate_difference(np.zeros(1), np.zeros(1), np.array([2.0]))
    assert high == pytest.approx(poisson_interval(0, 2.0)[1])
    assert low == pytest.approx(-high)


def test_alarms_in_bursts_count_for_less():
    before, after, day = np.array([0.0]), np.array([8.0]), np.ones(1)
    assert rate_difference(before, after, day)[0] > 0
    assert rate_difference(before, after, day, (1.0, 8.0))[0] < 0


def test_without_clean_time_nothing_is_known_of_a_rate():
    assert rate_difference(np.zeros(1), np.zeros(1), np.zeros(1)) == (-math.inf, math.inf)


def test_a_difference_of_median_delays_is_held():
    rng = np.random.default_rng(4)
    watched = np.full(40, np.inf)
    found = []
    for _ in range(150):
        fault = rng.lognormal(2.0, 0.7, 40)
        pair = [fault * rng.lognormal(0, 0.3, 40), fault * rng.lognormal(0, 0.3, 40) * 1.5]
        weights = resample(40, 200, rng)
        found.append(median_difference((pair[0], watched), (pair[1], watched), weights))
    assert held(found, 0.5 * math.exp(2.0)) >= 0.92


def test_the_same_delays_differ_by_exactly_nothing():
    delays = np.array([1.0, 2.0, 3.0, math.inf, 5.0, 6.0])
    side = delays, np.full(6, np.inf)
    assert median_difference(side, side, resample(6, 100, np.random.default_rng(0))) == (0.0, 0.0)


def test_a_median_that_came_to_be_has_no_lower_end():
    misses, hits = np.full(10, np.inf), np.arange(10.0)
    watched = np.full(10, np.inf)
    weights = resample(10, 100, np.random.default_rng(0))
    low, high = median_difference((misses, watched), (hits, watched), weights)
    assert (low, high) == (-math.inf, -math.inf)


def test_four_faults_give_no_interval_of_a_delay():
    side = np.arange(4.0), np.full(4, np.inf)
    assert median_difference(side, side, np.ones((10, 4))) is None


def test_intervals_put_together_turn_round_with_their_order():
    there = difference(2.0, (1.0, 4.0), 9.0, (6.0, 13.0))
    back = difference(9.0, (6.0, 13.0), 2.0, (1.0, 4.0))
    assert there == pytest.approx((-back[1], -back[0]))


def test_an_open_end_stays_open():
    assert difference(2.0, (1.0, math.inf), 9.0, (6.0, 13.0))[0] == -math.inf
    assert ratio(2.0, (0.0, 4.0), 9.0, (6.0, math.inf))[1] == math.inf
