"""Disturbances that all units feel, and conditions each unit is in, against their formulas."""

import numpy as np
import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Condition
from sensorkit.profile.dynamics import shares
from sensorkit.signals import Waveforms, healthy_sigmas

FRONT = {"name": "front", "every_s": 1000, "rises_s": 50, "lasts_s": 100, "relaxes_s": 150}
CLIMB = {"name": "climb", "dwell_s": [30, 90], "weight": 2, "shift": {"a": 6.0}}
IDLE = {"name": "idle", "dwell_s": [10, 60], "weight": 1, "shift": {"b": -1.0}}


def values(profile, n=100_000, seed=3, **more):
    return Waveforms(profile, seed, **more).block(n)


@pytest.mark.parametrize("cut", [1, 7, 4095, 4096, 5000])
def test_they_do_not_depend_on_how_the_readings_are_cut(bench, cut):
    profile = bench(
        disturbances=[FRONT | {"shift": {"a": 2.0}, "lag_s": 20}],
        conditions=[CLIMB | {"settle_s": 9}, IDLE],
    )
    n = 300 if cut == 1 else 20_000
    waveforms = Waveforms(profile, 3, unit=2)
    pieces = [waveforms.block(cut) for _ in range(n // cut)]
    np.testing.assert_array_equal(np.concatenate(pieces), values(profile, n // cut * cut, unit=2))


def test_disturbances_come_as_often_as_said_and_have_their_size_and_shape(bench):
    profile = bench(disturbances=[FRONT | {"every_s": 20_000, "shift": {"a": -8.0}}])
    signal = values(profile, 4_000_000)[:, 0]
    begins = np.flatnonzero((signal[1:] < 0) & (signal[:-1] == 0)) + 1
    # Poisson: the standard deviation of 200 is 14; those that touch (1.5 %) count as one.
    assert len(begins) == pytest.approx(197, abs=42)
    waits = np.diff(begins)
    assert waits.std() == pytest.approx(waits.mean(), rel=0.25)
    alone = begins[:-1][waits > 400][5]
    pulse = signal[alone : alone + 301]
    assert pulse.min() == -8.0
    assert (pulse[51:149] == -8.0).all()
    assert pulse[24] == pytest.approx(-4.0, abs=0.3)
    assert pulse[225] == pytest.approx(-4.0, abs=0.2)
    assert not pulse[-1]


def test_disturbances_have_the_mean_and_the_spread_of_campbell(bench):
    profile = bench(disturbances=[FRONT | {"shift": {"a": 3.0, "b": -1.0}}])
    signal = values(profile, 4_000_000)
    # 4 000 pulses: the standard error of their number is 1.6 %.
    assert signal[:, 0].mean() == pytest.approx(3.0 * (100 + (50 + 150) / 2) / 1000, rel=0.07)
    sigmas = healthy_sigmas(profile)
    np.testing.assert_allclose(signal.std(axis=0), [sigmas["a"], sigmas["b"]], rtol=0.05)


def test_the_first_reading_is_as_disturbed_as_any_other(bench):
    profile = bench(disturbances=[FRONT | {"every_s": 300, "shift": {"a": 1.0}}])
    firsts = [values(profile, 1, seed)[0, 0] for seed in range(400)]
    # A third of a pulse after the other: mean 0.667, standard error 0.035.
    assert np.mean(firsts) == pytest.approx(200 / 300, abs=0.12)


def test_all_units_feel_a_disturbance_and_later_ones_at_most_the_lag_later(bench):
    profile = bench(disturbances=[FRONT | {"shift": {"a": 2.0}, "lag_s": 200}])
    first, *others = (values(profile, 50_000, unit=unit)[:, 0] for unit in range(1, 7))
    lags = []
    for other in others:
        shifted = [np.abs(other[lag:] - first[: 50_000 - lag]).mean() for lag in range(260)]
        lags.append(int(np.argmin(shifted)))
        assert min(shifted) < 0.02
    assert len(set(lags)) == 5
    assert max(lags) <= 201


def test_units_have_levels_of_their_own_spread_as_said(bench):
    waveform = {"level": 50.0, "unit_sigma": 2.0}
    profile = bench(channels=[{"name": "a", "decimals": 9, "waveform": waveform}])
    levels = np.array([values(profile, 2, unit=unit)[:, 0] for unit in range(1, 401)])
    assert (levels[:, 0] == levels[:, 1]).all()
    assert levels[:, 0].mean() == pytest.approx(50.0, abs=0.3)
    assert levels[:, 0].std() == pytest.approx(2.0, rel=0.12)


def test_units_share_nothing_but_disturbances():
    from sensorkit.profile import Profile

    profile = Profile.load("serial_monitor")
    one, two = (values(profile, 20_000, unit=unit) for unit in (1, 2))
    residual = np.diff(one[:, 0]), np.diff(two[:, 0])
    assert abs(np.corrcoef(*residual)[0, 1]) < 0.03


def test_a_unit_spends_its_time_in_the_conditions_by_weight_and_dwell(bench):
    profile = bench(conditions=[CLIMB, IDLE])
    signal = values(profile, 1_000_000)
    expected = shares(profile.conditions)
    assert expected == [0.75, 0.25]
    # Some 6 700 stays in each of which the share is off by about 0.9 of a dwell.
    assert (signal[:, 0] == 6.0).mean() == pytest.approx(0.75, abs=0.02)
    assert (signal[:, 1] == -1.0).mean() == pytest.approx(0.25, abs=0.02)
    sigmas = healthy_sigmas(profile)
    np.testing.assert_allclose(signal.std(axis=0), [sigmas["a"], sigmas["b"]], rtol=0.03)
    assert sigmas["a"] == pytest.approx(6.0 * np.sqrt(0.75 * 0.25))


def test_a_condition_lasts_at_least_its_shortest_time(bench):
    signal = values(bench(conditions=[CLIMB, IDLE]), 200_000)[:, 1]
    edges = np.flatnonzero(np.diff(signal)) + 1
    assert np.diff(edges).min() >= 10


def test_a_condition_is_approached_with_its_settling_time(bench):
    slow = [
        {"name": "low", "dwell_s": [500, 500]},
        {"name": "high", "dwell_s": [500, 500], "shift": {"a": 10.0}, "settle_s": 40},
    ]
    signal = values(bench(conditions=slow), 20_000)[:, 0]
    rises = np.flatnonzero((signal[1:] > 0) & (signal[:-1] == 0)) + 1
    after = signal[rises[0] : rises[0] + 200]
    np.testing.assert_allclose(after, 10 * (1 - np.exp(-np.arange(1, 201) / 40)), atol=1e-8)


def test_a_single_condition_never_ends(bench):
    signal = values(bench(conditions=[CLIMB]), 10_000)[:, 0]
    assert (signal == 6.0).all()


def test_units_are_in_conditions_of_their_own(bench):
    profile = bench(conditions=[CLIMB, IDLE])
    one, two = (values(profile, 20_000, unit=unit)[:, 0] for unit in (1, 2))
    both = ((one == 6.0) & (two == 6.0)).mean()
    assert both == pytest.approx(0.75**2, abs=0.08)


def test_sections_at_the_end_change_nothing_before_them(bench):
    front, gust = FRONT | {"shift": {"a": 2.0}}, FRONT | {"name": "gust", "shift": {"b": 1.0}}
    one = values(bench(disturbances=[front], conditions=[CLIMB]), 20_000)
    two = values(bench(disturbances=[front, gust], conditions=[CLIMB]), 20_000)
    np.testing.assert_array_equal(one[:, 0], two[:, 0])
    assert not np.array_equal(one[:, 1], two[:, 1])


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (
            {"disturbances": [FRONT | {"every_s": 1, "shift": {"a": 1}}]},
            r"disturbance 'front' comes every 1 s, but a reading only every 1000 s; give it a long",
        ),
        (
            {"conditions": [CLIMB | {"dwell_s": [0.5, 1]}]},
            "a change of condition comes every 1 s, but a reading only every 1000 s",
        ),
    ],
)
def test_what_comes_far_more_often_than_readings_is_refused(bench, more, wanted):
    with pytest.raises(ProfileError, match=wanted):
        Waveforms(bench(**more), 0, rate_hz=0.001)


def test_shares_of_one_condition_are_all_of_the_time():
    assert shares([Condition(name="x", dwell_s=(1, 2))]) == [1.0]


def test_an_offset_goes_on_from_where_the_condition_before_left_it(bench):
    slow = [
        {"name": "low", "dwell_s": [20, 40], "shift": {"a": -50.0}, "settle_s": 100},
        {"name": "high", "dwell_s": [20, 40], "shift": {"a": 50.0}, "settle_s": 100},
    ]
    signal = values(bench(conditions=slow), 5000)[:, 0]
    # At most a hundredth of the way from one end to the other in a reading.
    assert np.abs(np.diff(signal)).max() < 1.0
    assert np.ptp(signal) > 20
