import math

import numpy as np
import pytest

from sensorkit.detect.kernels.frozen import Frozen, Level


def noise(n=500, seed=1):
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e9, 1e300])
def test_a_level_follows_the_scale_of_the_values(scale):
    for learn in (Level.mean, Level.median):
        one, scaled = learn(noise()), learn(scale * noise())
        assert scaled.pivot + scaled.offset == pytest.approx(scale * (one.pivot + one.offset))
        assert scaled.spread == pytest.approx(scale * one.spread, rel=1e-12)


def test_a_level_is_mean_and_standard_deviation_or_their_robust_twins():
    level = Level.mean(noise())
    assert level.pivot + level.offset == pytest.approx(noise().mean())
    assert level.spread == pytest.approx(noise().std())
    level = Level.median(noise())
    assert level.pivot + level.offset == np.median(noise())
    assert level.spread == 1.4826 * np.median(np.abs(noise() - np.median(noise())))


def test_a_level_far_from_zero_keeps_its_digits():
    # These are exact at 1e9, so that the same differences come out.
    steps = np.round(noise() * 1024) / 2**20
    near, far = Level.mean(steps), Level.mean(1e9 + steps)
    assert far.offset == near.offset
    assert far.spread == near.spread


def test_values_whose_differences_overflow_have_a_level():
    level = Level.mean(np.array([-1.7e308, 1.7e308]))
    assert level.pivot + level.offset == pytest.approx(0.0, abs=1e293)
    assert level.spread == pytest.approx(1.7e308)
    frozen = Frozen(np.array([level]), np.zeros(1))
    assert frozen.judge_one(np.array([1.7e308])) == pytest.approx(1.0)


def test_a_channel_without_values_is_near_to_all():
    level = Level.mean(np.array([np.nan, np.inf]))
    assert level == Level(0.0, 0.0, math.inf)
    assert Level.median(np.array([np.nan])) == level
    assert Frozen(np.array([level]), np.zeros(1)).judge(np.array([[1e300]])).tolist() == [[0.0]]


def test_what_never_changed_is_a_constant():
    level = Level.mean(np.full(10, 0.1))
    assert level == Level(0.1, 0.0, 0.0)
    found = Frozen(np.array([level]), np.zeros(1)).judge(np.array([[0.1], [0.2]]))
    assert found.tolist() == [[0.0], [np.inf]]


def test_the_score_is_the_distance_in_sigmas_or_in_floors():
    levels = np.array([[25.0, 0.5, 2.0], [5.0, 0.0, 0.1]])
    frozen = Frozen(levels, np.array([0.0, 0.5]))
    values = np.array([[27.5, 6.0], [np.nan, 5.0], [23.5, -np.inf]])
    assert frozen.judge(values).tolist() == [[1.0, 2.0], [0.0, 0.0], [1.0, np.inf]]
    assert [frozen.judge_one(row) for row in values.copy()] == [2.0, 0.0, np.inf]
    moments = frozen.moments(values)
    assert moments.departure[0].tolist() == [2.0, 1.0]
    assert moments.spread[0].tolist() == [2.0, 0.5]
