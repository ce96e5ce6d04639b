"""Operating states: seeded, and the same however they are cut."""

import itertools

import numpy as np
import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.signals import States

PROFILE = Profile.load("serial_monitor")


def profile_with(*channels: dict, **more) -> Profile:
    data = {"name": "bench", "rate_hz": 1, "channels": list(channels), **more}
    return Profile.from_dict(data, "test")


def test_states_do_not_depend_on_the_size_of_the_blocks():
    whole = States(PROFILE, 5).block(0, 5000)
    states = States(PROFILE, 5)
    pieces = [states.block(start, 100) for start in range(0, 5000, 100)]
    for n in range(2):
        np.testing.assert_array_equal(np.concatenate([piece[n] for piece in pieces]), whole[n])


def test_the_device_starts_healthy_and_visits_every_state():
    stays = States(PROFILE, 1).until(50_000)
    assert stays[0].state == "NORMAL"
    assert {stay.state for stay in stays} == set(PROFILE.states)
    assert all(one.stop == two.start for one, two in itertools.pairwise(stays))


def test_a_stay_lasts_at_least_its_shortest_time_and_its_mean_on_average():
    stays = States(PROFILE, 2).until(2_000_000)[:-1]
    lengths = [stay.stop - stay.start for stay in stays if stay.state == "WARNING"]
    shortest, mean = PROFILE.states["WARNING"].dwell_s
    assert min(lengths) >= shortest - 1
    # The exponential part has the same spread as mean: 3 standard errors.
    assert np.mean(lengths) == pytest.approx(mean, abs=3 * (mean - shortest) / len(lengths) ** 0.5)


def test_offsets_are_approached_with_the_settling_time():
    states = States(PROFILE, 1, hold="WARNING")
    shift, silent = states.block(0, 100)
    expected = 60.0 * (1 - np.exp(-np.arange(1, 101) / 20))
    np.testing.assert_allclose(shift[:, 0], expected, atol=1e-9)
    np.testing.assert_array_equal(shift[:, 1], 0)
    assert not silent.any()


def test_an_offset_goes_on_from_where_the_state_before_left_it():
    states = {
        "A": {"dwell_s": [10, 10], "settle_s": 100, "shift": {"x": 50}, "next": {"B": 1}},
        "B": {"dwell_s": [10, 10], "settle_s": 100, "shift": {"x": -50}, "next": {"A": 1}},
    }
    shift, _ = States(profile_with({"name": "x"}, states=states)).block(0, 1000)
    assert np.abs(np.diff(shift[:, 0])).max() < 1.0
    assert np.ptp(shift) > 4.0


def test_an_offline_device_is_silent():
    _, silent = States(PROFILE, 1, hold="OFFLINE").block(0, 5)
    assert silent.all()


def test_a_state_that_is_held_never_ends():
    stays = States(PROFILE, 1, hold="CRITICAL").until(10_000_000)
    assert [stay.state for stay in stays] == ["CRITICAL"]


def test_a_state_that_does_not_exist_cannot_be_held():
    with pytest.raises(ProfileError, match="no state 'ASLEEP' to hold; it has NORMAL, WARNING"):
        States(PROFILE, hold="ASLEEP")


def test_a_profile_without_states_is_always_healthy():
    shift, silent = States(profile_with({"name": "x"})).block(0, 10)
    assert not shift.any()
    assert not silent.any()
