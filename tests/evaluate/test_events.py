import itertools
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate.clean import alarm_places, false_alarm_time
from sensorkit.evaluate.events import (
    EventTable,
    Role,
    clean_time,
    fault_windows,
    match,
    point_labels,
    within,
)
from sensorkit.readings import Alert, Severity

SECOND = 1_000_000_000
TIME = np.arange(200) * SECOND


def labels(*spans):
    """Faults from .. to (seconds, inclusive)."""
    frame = pd.DataFrame(spans, columns=["start", "end"]) * SECOND
    return frame.apply(pd.to_datetime, utc=True)


def episode(start, end=None):
    stop = None if end is None else int(end * SECOND)
    return Alert(int(start * SECOND), "A", Severity.WARNING, "", "sigma", "pump", end=stop)


def table(spans, episodes, *, time=TIME, tolerance=10):
    return match([episode(*e) for e in episodes], labels(*spans), time, tolerance=tolerance)


@pytest.mark.parametrize(
    ("begins", "hit"),
    [(49, False), (50, True), (59, True), (60, True), (69, True), (70, False)],
)
def test_a_fault_is_hit_when_an_episode_begins_from_its_start_to_ten_readings_after(begins, hit):
    assert table([(50, 59)], [(begins, begins)]).hit.tolist() == [hit]


def test_the_delay_runs_from_the_start_of_the_fault_to_the_first_episode():
    found = table([(50, 59)], [(57, 58), (53.5, 54)])
    assert found.delay_s.tolist() == [3.5]
    assert found.episode.tolist() == [1]


def test_a_miss_has_an_infinite_delay():
    assert table([(50, 59)], []).delay_s.tolist() == [math.inf]


@pytest.mark.parametrize("end", [50, 55, 190, None])
def test_an_episode_open_at_the_start_hides_the_fault(end):
    found = table([(50, 59)], [(40, end), (55, 56)])
    assert found.hit.tolist() == [False]
    assert found.role.tolist() == [Role.TOUCHING, Role.TOUCHING]


def test_an_episode_that_ends_before_the_fault_hides_nothing():
    assert table([(50, 59)], [(40, 49), (52, 52)]).hit.tolist() == [True]


def test_a_long_episode_hides_a_fault_even_when_a_shorter_one_began_after_it():
    found = table([(50, 59)], [(10, 100), (20, 21), (52, 53)])
    assert found.hit.tolist() == [False]


def test_episodes_that_touch_no_window_are_false_alarms():
    found = table([(50, 59)], [(20, 22), (52, 52), (120, 121)])
    assert found.role.tolist() == [Role.FALSE_ALARM, Role.HIT, Role.FALSE_ALARM]
    assert found.false_alarms == 2


def test_an_episode_that_lasts_into_a_window_is_no_false_alarm():
    assert table([(50, 59)], [(45, 50)]).role.tolist() == [Role.TOUCHING]


def test_later_episodes_in_the_window_of_a_hit_fault_are_repeats():
    found = table([(50, 59)], [(52, 52), (55, 55), (66, 66)])
    assert found.role.tolist() == [Role.HIT, Role.REPEAT, Role.REPEAT]
    assert (found.hits(), found.episodes()) == (1, 1)


def test_an_episode_can_hit_two_faults_whose_windows_overlap():
    found = table([(50, 59), (62, 70)], [(63, 65)])
    assert found.hit.tolist() == [True, True]
    assert found.delay_s.tolist() == [13.0, 1.0]
    assert (found.hits(), found.episodes()) == (1, 1)


def test_precision_of_a_kind_leaves_out_the_episodes_of_other_kinds():
    found = table([(50, 59), (90, 99)], [(20, 20), (45, 51), (92, 92), (110, 110)])
    first, second = np.array([True, False]), np.array([False, True])
    assert (found.hits(), found.episodes()) == (1, 4)  # two false alarms, one touching, one hit
    assert (found.hits(first), found.episodes(first)) == (0, 3)
    assert (found.hits(second), found.episodes(second)) == (1, 3)


def test_what_was_over_before_the_test_is_not_counted():
    found = table([(110, 119)], [(90, 95)], time=TIME[100:])
    assert found.role.tolist() == [Role.EARLIER]
    assert found.episodes() == 0


def test_an_alarm_that_never_ended_is_one_false_alarm_and_hides_faults():
    found = table([(110, 119), (150, 159)], [(80, 112), (152, 153)], time=TIME[100:])
    assert found.role.tolist() == [Role.FALSE_ALARM, Role.HIT]
    assert found.hit.tolist() == [False, True]
    assert found.fault.tolist() == [-1, 1]
    stuck = table([(110, 119), (150, 159)], [(80, None)], time=TIME[100:])
    assert (stuck.false_alarms, stuck.hits()) == (1, 0)


@pytest.mark.parametrize(("end", "false"), [(100, 0), (119, 0), (120, 1), (130, 1)])
def test_an_alarm_from_before_is_false_from_the_first_clean_reading_on(end, false):
    # The test begins in a fault: its window lasts to 119.
    assert table([(95, 109)], [(80, end)], time=TIME[100:]).false_alarms == false


@pytest.mark.parametrize(("begins", "after"), [(50, False), (59, False), (60, True), (69, True)])
def test_a_hit_says_whether_the_fault_was_over(begins, after):
    found = table([(50, 59), (90, 99)], [(begins, 70)])
    assert found.hit.tolist() == [True, False]
    assert found.after_end.tolist() == [after, False]


def test_a_silence_is_over_with_the_reading_that_shows_it():
    time = np.delete(TIME, slice(50, 60))
    assert not table([(50, 59)], [(60, 60)], time=time).after_end.any()
    assert table([(50, 59)], [(61, 61)], time=time).after_end.all()


def test_a_fault_without_readings_can_be_hit_by_an_alert_in_the_silence():
    time = np.delete(TIME, slice(50, 60))
    found = table([(50, 59)], [(54, 60)], time=time)
    assert found.delay_s.tolist() == [4.0]


def test_the_window_of_a_silence_reaches_the_reading_that_shows_it_whatever_the_tolerance():
    time = np.delete(TIME, slice(50, 60))
    found = table([(50, 59)], [(60, 60)], time=time, tolerance=0)
    assert found.hit.tolist() == [True]


def test_tolerance_is_counted_in_readings_not_in_time():
    time = np.concatenate([TIME[:60], TIME[60:] * 3])  # one reading in three seconds
    window, closed = fault_windows(labels((50, 59)), time, 10)
    assert window[0, 1] == time[69]
    assert closed.all()


def test_a_miss_that_the_end_of_the_readings_cuts_off_was_watched_until_there():
    found = table([(50, 59), (190, 195)], [])
    assert found.watched_s.tolist() == [math.inf, 9.0]


def test_clean_time_is_the_covered_time_outside_the_windows():
    found = table([(50, 59)], [])
    assert found.clean_ns == (199 - 19) * SECOND  # the window is 50..69
    assert found.clean_hours == pytest.approx(180 / 3600)


def test_overlapping_windows_are_taken_out_once():
    assert table([(50, 59), (55, 64)], []).clean_ns == (199 - 24) * SECOND
    assert table([(50, 89), (55, 64)], []).clean_ns == (199 - 49) * SECOND


def test_a_gap_in_time_is_not_clean_time():
    time = np.concatenate([TIME, TIME + 10_000 * SECOND])
    none = np.zeros((0, 2), dtype=np.int64)
    assert clean_time(time, none) == 2 * 199 * SECOND


def test_a_window_that_ends_in_a_gap_takes_only_what_was_covered():
    time = np.concatenate([TIME, TIME + 10_000 * SECOND])
    window = np.array([[190 * SECOND, 5_000 * SECOND]])
    assert clean_time(time, window) == (2 * 199 - 9) * SECOND


@pytest.mark.parametrize("seed", range(20))
def test_clean_time_equals_counting_each_microsecond(seed):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.choice([0, 1, 2, 3, 50], size=40)).astype(np.int64)
    starts = rng.integers(time[0] - 5, time[-1] + 5, 4)
    window = np.column_stack([starts, starts + rng.integers(0, 30, 4)])
    median = np.median(np.diff(time)[np.diff(time) > 0])
    clean = 0
    for a, b in itertools.pairwise(time.tolist()):
        if b - a <= 10 * median:
            clean += sum(not any(s <= t < e for s, e in window) for t in range(a, b))
    assert clean_time(time, window) == clean


def test_times_may_be_equal():
    found = table([(50, 59)], [(52, 52)], time=np.repeat(TIME, 3))
    assert found.hit.tolist() == [True]
    assert found.clean_ns == (199 - 13) * SECOND  # 50..63: three readings a second


def test_readings_within_a_fault_are_labelled():
    assert np.flatnonzero(point_labels(labels((50, 52), (60, 60)), TIME)).tolist() == [
        50,
        51,
        52,
        60,
    ]


def test_the_first_reading_after_a_silence_is_labelled():
    time = np.delete(TIME, slice(50, 60))
    assert time[point_labels(labels((50, 59)), time)].tolist() == [60 * SECOND]


def test_a_silence_at_the_end_labels_nothing():
    assert not point_labels(labels((300, 310)), TIME).any()


def test_readings_within_overlapping_windows_are_found_once():
    window = np.array([[10, 20], [15, 30], [150, 999]]) * SECOND
    assert np.flatnonzero(within(TIME, window)).tolist() == [*range(10, 31), *range(150, 200)]


def test_tables_of_devices_join_and_keep_who_hit_what():
    one = table([(50, 59)], [(20, 20), (52, 52)])
    two = table([(80, 89), (120, 129)], [(122, 122)])
    both = EventTable.concat([one, two])
    assert both.hit.tolist() == [True, False, True]
    assert both.episode.tolist() == [1, -1, 2]
    assert both.fault.tolist() == [-1, 0, 2]
    assert both.clean_ns == one.clean_ns + two.clean_ns
    turned = both.reordered(np.array([2, 0, 1]))
    assert turned.delay_s.tolist() == [2.0, 2.0, math.inf]
    assert turned.fault.tolist() == [-1, 1, 0]
    late = EventTable.concat([one, table([(80, 89)], [(95, 95)])])
    assert late.after_end.tolist() == [False, True]
    assert late.reordered(np.array([1, 0])).after_end.tolist() == [True, False]


def test_there_must_be_readings_and_a_tolerance():
    with pytest.raises(ValueError, match="no reading"):
        table([(50, 59)], [], time=TIME[:0])
    with pytest.raises(ValueError, match="tolerance is -1"):
        table([(50, 59)], [], tolerance=-1)


@pytest.mark.parametrize("seed", range(30))
def test_matching_equals_its_slow_twin(seed):
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.integers(5, 180, 6))
    spans = [(int(s), int(s + rng.integers(0, 15))) for s in starts]
    episodes = [(int(s), int(s + rng.integers(0, 12))) for s in rng.integers(0, 199, 12)]
    found = table(spans, episodes, tolerance=5)
    for i, (start, end) in enumerate(spans):
        last = min(end + 5, 199)
        inside = [s for s, _ in episodes if start <= s <= last]
        was_open = any(s < start <= e for s, e in episodes)
        assert found.hit[i] == (bool(inside) and not was_open)
        if found.hit[i]:
            assert found.delay_s[i] == min(inside) - start
    for j, (s, e) in enumerate(episodes):
        touches = any(s <= min(end + 5, 199) and e >= start for start, end in spans)
        assert (found.role[j] == Role.FALSE_ALARM) == (not touches)


def test_clean_time_with_random_windows_and_gaps_is_that_of_a_fine_ruler():
    rng = np.random.default_rng(3)
    for _ in range(40):
        time = np.cumsum(rng.choice([1, 2, 3, 100], 60, p=[0.5, 0.3, 0.15, 0.05]))
        start = rng.integers(-5, time[-1] + 5, 5)
        window = np.column_stack([start, start + rng.integers(0, 30, 5)])
        steps = np.diff(time)
        gap = steps > 10 * np.median(steps[steps > 0])
        ruler = np.arange(time[0], time[-1]) + 0.5
        open_ = ~gap[np.searchsorted(time, ruler, side="right") - 1]
        for first, last in window:
            open_ &= ~((ruler >= first) & (ruler <= last))
        assert clean_time(time, window) == open_.sum()

        flags = rng.random(60) < 0.3
        lit = flags[np.searchsorted(time, ruler, side="right") - 1] & open_
        assert false_alarm_time(flags, time, window).sum() == lit.sum()


def test_a_flag_on_the_last_reading_has_no_time_yet():
    none = np.zeros((0, 2), dtype=np.int64)
    flags = np.array([False, False, True])
    assert false_alarm_time(flags, np.arange(3), none).tolist() == []
    assert false_alarm_time(~flags, np.arange(3), none).tolist() == [2]


def test_an_alarm_has_its_place_in_clean_time():
    time, window = np.arange(0, 100, 10), np.array([[20, 40]])
    assert alarm_places(np.array([-5, 10, 30, 45, 60, 500]), time, window).tolist() == [
        0,
        10,
        20,
        20,
        40,
        70,
    ]
