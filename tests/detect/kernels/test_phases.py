import naive
import numpy as np
import pytest

from sensorkit.detect.kernels.phases import DAY_NS, LENGTHS, memory, nearest, place, ready

MINUTE = 60 * 10**9
START = 1_767_225_600 * 10**9  # 2026-01-01


def distances_of(time, values, days, learn=None):
    """Distances after each reading, NaN where the newest slot is not ready."""
    state, found = memory(days), np.full((len(values), len(LENGTHS)), np.nan)
    opened = []
    for i in range(len(values)):
        known = True if learn is None else bool(learn[i])
        opened.append(place(int(time[i]), float(values[i]), known, *state))
        if ready(state[3]):
            nearest(days, state[0], state[3], found[i])
    return found, opened


def expected(time, values, days):
    twin, found, opened = naive.Days(days), [], []
    for at, value in zip(time.tolist(), values.tolist(), strict=True):
        opened.append(twin.put(at, value))
        found.append(twin.distances(LENGTHS) or [np.nan] * len(LENGTHS))
    return np.array(found), opened


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def hours(n):
    return START + np.arange(n) * 60 * MINUTE


def jittered(n):
    return hours(n) + np.random.default_rng(2).integers(0, 90 * MINUTE, n)


def with_gaps(n):
    time = hours(n)
    time[n // 3 :] += 5 * 60 * MINUTE
    time[n // 2 :] += 3 * 1440 * MINUTE + 7 * MINUTE
    return time


def clock_set_back(n):
    time = hours(n)
    time[n // 3 :] -= 2 * 60 * MINUTE
    time[n // 2 :] -= 30 * 1440 * MINUTE
    return time


def in_threes(n):
    return np.repeat(hours(n // 3 + 1), 3)[:n]


def every_20_s(n):
    return START + np.arange(n) * MINUTE // 3


@pytest.mark.parametrize(
    "times", [hours, jittered, with_gaps, clock_set_back, in_threes], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("days", [1, 4])
def test_the_distance_from_other_days_is_that_of_a_slow_search(times, days):
    time, values = times(400), noise(400)
    found, opened = distances_of(time, values, days)
    slow, slow_opened = expected(time, values, days)
    np.testing.assert_allclose(found, slow, rtol=1e-9)
    assert opened == slow_opened
    assert np.isfinite(found[200:]).any()


def test_fast_readings_share_slots_of_five_minutes():
    time, values = every_20_s(5000), noise(5000)
    found, opened = distances_of(time, values, 2)
    slow, _ = expected(time[:4700], values[:4700], 2)
    np.testing.assert_allclose(found[4400:4700], slow[4400:4700], rtol=1e-9)
    assert np.diff(np.flatnonzero(opened[100:])).tolist() == [15] * (sum(opened[100:]) - 1)


def test_a_slot_is_judged_from_half_of_its_readings_on():
    found, _ = distances_of(every_20_s(5000), noise(5000), 1)
    judged = np.isfinite(found[4800:4815, 0])
    assert judged.tolist() == [i % 15 >= 7 for i in range(15)]


def test_a_signal_that_repeats_every_day_has_no_distance():
    time = START + np.arange(3 * 288) * 5 * MINUTE
    values = np.sin(2 * np.pi * np.arange(3 * 288) / 288)
    found, _ = distances_of(time, values, 2)
    assert np.nanmax(found[400:]) < 1e-9


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e150, 1e300])
def test_squares_neither_vanish_nor_overflow(scale):
    time, values = hours(150), noise(150)
    found, _ = distances_of(time, values * scale, 3)
    np.testing.assert_allclose(found / scale, expected(time, values, 3)[0], rtol=1e-9)


def test_what_is_not_learned_is_not_compared_with():
    time, values = hours(200), noise(200)
    values[100:140] = values[148:188] = 50.0 + np.arange(40)
    learn = np.ones(200, dtype=bool)
    found, _ = distances_of(time, values, 5)
    assert (found[187] == 0).all()
    learn[100:148] = False
    found, _ = distances_of(time, values, 5, learn)
    assert (found[187] > 10).all()


def test_a_gap_of_years_forgets_and_goes_on():
    time = hours(300)
    time[150:] += 1000 * DAY_NS
    found, _ = distances_of(time, noise(300), 3)
    assert np.isnan(found[150:165]).all()
    assert np.isfinite(found[-1]).all()


def test_readings_that_all_have_one_time_are_never_judged():
    found, opened = distances_of(np.full(1000, START), noise(1000), 3)
    assert np.isnan(found).all()
    assert not any(opened)
