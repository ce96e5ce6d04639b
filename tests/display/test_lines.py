"""A line keeps every spike, wherever one looks, and crosses no silence."""

import numpy as np
import pytest

from sensorkit.display.lines import Line, Timeline, stamps

SECOND = 1_000_000_000


def a_line(values, time=None):
    time = np.arange(len(values)) * SECOND if time is None else time
    return Line("a", Timeline(time), np.asarray(values, dtype=float))


def nanoseconds(times):
    return np.array(times, dtype="datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize("level", range(12))
def test_the_extremes_of_what_is_zoomed_in_on_are_drawn_at_every_level(level):
    rng = np.random.default_rng(level)
    n = 200_000
    values = rng.normal(size=n)
    values[rng.integers(0, n, 40)] += rng.choice([-30.0, 30.0], 40)
    line = a_line(values)
    width = n >> level
    start = int(rng.integers(0, n - width + 1))
    inside = values[start : start + width]

    times, drawn = line.thinned(500, (start * SECOND, (start + width - 1) * SECOND))

    at = nanoseconds(times) // SECOND
    there = drawn[(at >= start) & (at < start + width)]
    assert np.nanmin(there) == inside.min()
    assert np.nanmax(there) == inside.max()
    assert {values.min(), values.max()} <= set(drawn)
    assert len(drawn) <= 2 * 505


def test_a_part_no_longer_than_the_points_is_drawn_whole():
    values = np.random.default_rng(1).normal(size=50_000)

    times, drawn = a_line(values).thinned(400, (1000 * SECOND, 1300 * SECOND))

    at = nanoseconds(times) // SECOND
    assert drawn[(at >= 1000) & (at <= 1300)].tolist() == values[1000:1301].tolist()


def test_the_line_goes_on_beyond_what_is_zoomed_in_on():
    times, _ = a_line(np.arange(50_000.0)).thinned(100, (1000 * SECOND, 1010 * SECOND))

    assert {999, 1011} <= set((nanoseconds(times) // SECOND).tolist())


def test_a_line_is_open_where_readings_are_missing():
    time = np.array([0, 1, 2, 30, 31]) * SECOND

    times, drawn = a_line([1.0, 2.0, 3.0, 4.0, 5.0], time).thinned()

    np.testing.assert_array_equal(drawn, [1.0, 2.0, 3.0, np.nan, 4.0, 5.0])
    assert times[2] == times[3]


def test_a_line_is_open_where_the_time_goes_back():
    time = np.array([10, 11, 12, 0, 1]) * SECOND

    _, drawn = a_line([1.0, 2.0, 3.0, 4.0, 5.0], time).thinned()

    assert np.isnan(drawn).tolist() == [False, False, False, True, False, False]


def test_zooming_finds_readings_from_before_and_after_a_reset_of_the_clock():
    time = np.concatenate([np.arange(100), np.arange(50, 150)]) * SECOND

    rows = Timeline(time).rows(60 * SECOND, 61 * SECOND)

    assert {60, 61, 110, 111} <= set(rows.tolist())
    assert len(rows) < 10


def test_what_is_no_number_is_a_gap_and_hides_no_other_value():
    values = np.zeros(10_000)
    values[[100, 5000]] = np.inf, np.nan
    values[101] = 7.0

    _, drawn = a_line(values).thinned(200)

    assert np.nanmax(drawn) == 7.0
    assert not np.isinf(drawn).any()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_line_of_hardly_any_readings_is_drawn_as_it_is(n):
    times, drawn = a_line(np.arange(float(n))).thinned(2, (0, SECOND))

    assert drawn.tolist() == list(range(n))
    assert len(times) == n


def test_readings_less_than_a_millisecond_apart_stay_apart():
    assert len(set(stamps(np.arange(5) * 10_000))) == 5
