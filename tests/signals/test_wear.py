"""How units wear out, fail and come back, and what becomes of their states meanwhile."""

import itertools

import numpy as np
import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.signals import Course, Lives, Waveforms

LIFE = {"mean_s": 1000, "onset": [0.5, 0.5], "shape": 5.0, "shift": {"a": 8.0}, "repair_s": 50}
STATES = {
    "NORMAL": {"dwell_s": [20, 60], "next": {"WARNING": 1}},
    "WARNING": {"dwell_s": [10, 20], "next": {"NORMAL": 1}, "shift": {"b": 5.0}},
}


def worn(profile: Profile, n: int, seed: int = 1) -> np.ndarray:
    lives = Lives(profile, seed)
    return Waveforms(profile, seed, lives=lives).block(n)


def test_wear_is_nothing_before_its_onset_then_grows_to_the_whole_of_its_offsets(bench):
    signal = worn(bench(life=LIFE), 1000)[:, 0]
    assert not signal[:501].any()
    passed = (np.arange(500, 1000) - 500) / 500
    expected = 8.0 * np.expm1(5 * passed) / np.expm1(5)
    np.testing.assert_allclose(signal[500:], expected, atol=1e-8)
    assert (np.diff(signal[500:]) > 0).all()
    assert signal[-1] == pytest.approx(8.0, rel=0.02)


def test_a_unit_is_as_new_after_its_repair(bench):
    signal = worn(bench(life=LIFE), 2100)[:, 0]
    np.testing.assert_allclose(signal[1050:2050], signal[:1000], atol=1e-9)


def test_wear_does_not_depend_on_how_the_readings_are_cut(bench):
    profile = bench(life=LIFE | {"spread": 0.4, "onset": [0.1, 0.9]})
    lives = Lives(profile, 1)
    waveforms = Waveforms(profile, 1, lives=lives)
    pieces = [waveforms.block(n) for n in (1, 4000, 95, 1, 5000, 903)]
    np.testing.assert_array_equal(np.concatenate(pieces), worn(profile, 10_000))


def test_lives_have_the_mean_and_the_spread_of_the_profile(bench):
    life = {**LIFE, "spread": 0.25, "onset": [0.3, 0.6], "repair_s": 0}
    lives = Lives(bench(life=life), 2).until(4_000_000)[:-1]
    lasted = np.array([one.failed - one.start for one in lives])
    # 4 000 lives: the standard error of the mean is 0.4 %, of the spread 1.2 %.
    assert lasted.mean() == pytest.approx(1000, rel=0.015)
    assert lasted.std() == pytest.approx(250, rel=0.05)
    onset = np.array([(one.worn - one.start) / (one.failed - one.start) for one in lives])
    assert onset.min() >= 0.3 - 0.002
    assert onset.max() <= 0.6 + 0.002
    assert onset.mean() == pytest.approx(0.45, abs=0.01)


def test_one_life_follows_the_other(bench):
    lives = Lives(bench(life=LIFE | {"spread": 1.5}), 3).until(200_000)
    assert all(
        one.start <= one.worn <= one.failed <= one.back and one.failed > one.start for one in lives
    )
    assert all(one.back == two.start for one, two in itertools.pairwise(lives))
    repairs = [one.back - one.failed for one in lives]
    assert set(repairs) <= {49, 50, 51}


def test_lives_shorter_than_a_reading_still_have_one(bench):
    lives = Lives(bench(life=LIFE | {"mean_s": 0.5, "repair_s": 0.5}), 3).until(1000)
    assert all(one.failed > one.start for one in lives)


def test_what_remains_is_counted_to_the_last_reading_before_the_failure(bench):
    lives = Lives(bench(life=LIFE), 1)
    left = lives.remaining(np.array([0, 999, 1000, 1049, 1050, 2049]))
    np.testing.assert_array_equal(left, [999, 0, np.nan, np.nan, 999, 0])
    assert len(lives.remaining(np.array([], dtype=np.int64))) == 0


def test_units_have_lives_of_their_own(bench):
    profile = bench(life=LIFE | {"spread": 0.2})
    ends = {Lives(profile, 1, unit=unit).until(1)[0].failed for unit in range(1, 6)}
    assert len(ends) == 5


def test_a_profile_without_a_life_has_none(bench):
    with pytest.raises(ValueError, match="'bench' has no life"):
        Lives(bench())


def test_lives_that_come_far_more_often_than_readings_are_refused(bench):
    with pytest.raises(ProfileError, match=r"the end of a life comes every 0.02 s, but a reading"):
        Lives(bench(life=LIFE | {"mean_s": 0.01, "repair_s": 0.01}), rate_hz=0.1)


def test_a_course_tells_states_wear_and_repair_and_is_silent_in_repair_alone(bench):
    course = Course(bench(life=LIFE, states=STATES), 1)
    spells = course.spells(2200)
    assert {one.kind for one in spells} == {"warning", "wear", "repair"}
    assert [(one.start, one.stop) for one in spells if one.kind == "wear"] == [
        (500, 1000),
        (1550, 2050),
    ]
    shift, silent = course.block(0, 2200)
    assert set(np.flatnonzero(silent)) == {*range(1000, 1050), *range(2050, 2100)}
    assert not shift[silent].any()
    warned = np.zeros(2200, dtype=bool)
    for one in spells:
        if one.kind == "warning":
            warned[one.start : one.stop] = True
    np.testing.assert_array_equal(warned, shift[:, 1] == 5.0)


def test_a_state_ends_with_the_life_and_a_new_life_begins_in_the_first_state(bench):
    course = Course(bench(life=LIFE | {"mean_s": 90}, states=STATES), 4)
    spells = course.spells(20_000)
    lives = course.lives.until(20_000)
    for one in spells:
        if one.kind == "warning":
            life = next(life for life in lives if life.start <= one.start < life.back)
            assert one.stop <= life.failed
            assert one.start >= life.start + 20
    assert sum(one.kind == "warning" for one in spells) > 100


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_course_does_not_depend_on_how_it_is_cut(bench, size):
    profile = bench(life=LIFE | {"mean_s": 90}, states=STATES)
    whole = Course(profile, 4).block(0, 700)
    course = Course(profile, 4)
    pieces = [course.block(start, size) for start in range(0, 700, size)]
    for n in range(2):
        np.testing.assert_array_equal(np.concatenate([piece[n] for piece in pieces]), whole[n])


def test_what_is_over_need_not_be_told(bench):
    course = Course(bench(life=LIFE | {"mean_s": 90}, states=STATES), 4)
    every = course.spells(5000)
    for since in range(0, 5000, 7):
        assert course.spells(5000, since) == [one for one in every if one.stop > since]
    assert len(course.spells(5000, 4000)) < len(every)


def test_what_is_held_does_not_wear(bench):
    course = Course(bench(life=LIFE, states=STATES), 1, hold="NORMAL")
    assert course.lives is None
    assert course.spells(100_000) == []
