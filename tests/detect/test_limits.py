"""Every kind of rule, reading by reading, and against its slow twin."""

import math
import pickle
from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.detect.limits import Limits, LimitStream
from sensorkit.detect.streams import Judged
from sensorkit.profile.rules import Rule
from sensorkit.readings import Readings, Words

SECOND = 10**9
SMALLEST = math.nextafter(0.0, 1.0)
NAN = math.nan


def rule(kind, **fields):
    about = {} if kind in ("heartbeat", "status") else {"channel": "x"}
    return Rule(kind=kind, severity="WARNING", **about, **fields)


def readings(values, times=None, words=None):
    times = np.arange(len(values)) if times is None else np.asarray(times)
    return Readings.build(
        (times * SECOND).astype(np.int64),
        np.asarray(values, dtype=float).reshape(-1, 1),
        ["x"],
        status=None if words is None else Words.of(words),
    )


def stream(*rules):
    return LimitStream(Limits(rules, ["x"]))


def scores(one, values, times=None, words=None):
    """The scores of one rule; beside another that always has a say."""
    both = stream(rule("missing", readings=99), one)
    return both.judge(readings(values, times, words)).scores[:, 1].tolist()


def breached(one, values, times=None, words=None):
    return [score > 0 for score in scores(one, values, times, words)]


def optional(values):
    return [None if np.isnan(value) else value for value in np.asarray(values).tolist()]


# Stuck


def test_a_value_is_stuck_at_the_repeat_after_so_many_equal_ones():
    stuck = rule("stuck", readings=3)
    assert scores(stuck, [7, 5, 5, 5, 5, 5, 6]) == [-2, -2, -1, 0, 1, 2, -2]


def test_a_value_is_stuck_when_it_repeats_for_longer_than_so_many_seconds():
    stuck = rule("stuck", seconds=3.0, margin=2.0)
    assert scores(stuck, [5, 5, 5, 5], [0, 1, 3, 7]) == [-1.5, -1, 0, 2]


def test_a_missing_value_neither_breaks_nor_extends_a_run_of_equal_ones():
    assert scores(rule("stuck", readings=1), [5, NAN, 5, NAN]) == [0, -math.inf, 1, -math.inf]


def test_the_time_of_a_run_is_counted_anew_when_the_clock_is_set_back():
    assert breached(rule("stuck", seconds=5), [5] * 4, [100, 10, 14, 16]) == [0, 0, 0, 1]


# Missing


def test_a_channel_is_missing_when_more_readings_than_healthy_come_without_it():
    assert scores(rule("missing", readings=2), [NAN, NAN, NAN, 1, NAN]) == [-1, 0, 1, -2, -1]


def test_a_channel_is_missing_for_so_many_seconds_since_the_first_reading_without_it():
    missing = rule("missing", seconds=4)
    assert scores(missing, [1, NAN, NAN, NAN, 1], [0, 100, 102, 105, 109]) == [-4, -4, -2, 1, -4]


# Rate


def test_a_rate_per_second_is_measured_since_the_last_value_of_an_earlier_time():
    rate = rule("rate", limit=2, per="second")
    assert scores(rate, [0, 9, 10, 14], [0, 3, 3, 4]) == [-math.inf, 1, 10 / 3 - 2, 2]


def test_a_rate_per_second_passes_missing_and_infinite_values_over():
    rate = rule("rate", limit=2, per="second")
    assert scores(rate, [0, NAN, math.inf, 9], [0, 1, 2, 3]) == [
        -math.inf, -math.inf, math.inf, 1,
    ]  # fmt: skip


def test_there_is_no_rate_per_second_across_a_clock_that_was_set_back():
    rate = rule("rate", limit=2, per="second")
    assert scores(rate, [0, 100, 101], [10, 5, 6]) == [-math.inf, -math.inf, -1]


def test_a_rate_per_reading_does_not_ask_how_long_it_took():
    assert breached(rule("rate", limit=2), [0, 3, 1, 1], [0, 9, 9, 9]) == [0, 1, 0, 0]


# Status


def test_a_word_that_raises_it_scores_one_and_any_other_minus_one():
    status = rule("status", words=["HOT", "COLD"])
    words = ["OK", "HOT", None, "COLD"]
    assert scores(status, [1, 1, 1, 1], words=words) == [-1, 1, -math.inf, 1]


def test_a_status_may_have_to_last():
    status = rule("status", words=["HOT"], for_readings=2)
    words = ["HOT", "OK", "HOT", "HOT", "HOT"]
    assert scores(status, [1] * 5, words=words) == [0, -1, 0, 1, 1]


# Hysteresis and duration


def test_a_breach_is_over_when_the_value_is_back_inside_by_the_hysteresis():
    hot = rule("range", high=80, hysteresis=2)
    assert scores(hot, [79, 81, 79, 78, 79]) == [-1, 1, SMALLEST, -2, -1]


def test_with_hysteresis_a_breach_on_one_side_goes_on_to_the_other():
    band = rule("range", low=0, high=10, hysteresis=2)
    assert breached(band, [11, 1, 2, 1]) == [1, 1, 0, 0]


def test_a_rate_has_a_hysteresis_too():
    rate = rule("rate", limit=5, hysteresis=2)
    assert breached(rate, [0, 6, 10, 13, 17]) == [0, 1, 1, 0, 0]


def test_a_breach_counts_from_the_reading_that_completes_it():
    assert scores(rule("range", high=0, for_readings=3), [1, 1, 1, 1]) == [0, 0, 1, 1]
    assert scores(rule("range", high=0, for_s=2), [1, 1, 1], [0, 1.9, 2]) == [0, 0, 1]


def test_a_breach_that_does_not_last_never_counts():
    assert not any(breached(rule("range", high=0, for_readings=2), [1, -1, 1, -1, 1]))


def test_a_missing_value_neither_ends_nor_prolongs_a_breach():
    hot = rule("range", high=0, for_readings=2)
    assert scores(hot, [1, NAN, 1, NAN, 1]) == [0, -math.inf, 1, -math.inf, 1]


def test_a_breach_that_counts_does_so_to_its_end_whatever_the_clock_does():
    assert breached(rule("range", high=0, for_s=2), [1] * 4, [10, 12, 3, 4]) == [0, 1, 1, 1]


# The edges of numbers


@pytest.mark.parametrize("limit", [{"low": 0.0}, {"high": 100.0}])
@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_value_is_beyond_any_range(limit, value):
    assert scores(rule("range", **limit), [value]) == [math.inf]


def test_a_breach_too_small_to_divide_is_still_one():
    assert scores(rule("range", high=0.0, margin=1e300), [5e-324]) == [SMALLEST]


def test_a_limit_of_a_thousand_ages_is_never_reached():
    assert not any(breached(rule("stuck", seconds=1e300), [5, 5], [0, 4e9]))


# Against the slow twins

EVERY_KIND = [
    rule("range", low=-1, high=2, margin=0.5),
    rule("range", low=-1, high=2, hysteresis=1, for_readings=3, for_s=None, margin=0.5),
    rule("range", low=-1, high=2, hysteresis=0.5, for_s=2.0),
    rule("rate", limit=2, margin=3),
    rule("rate", limit=0.7, per="second"),
    rule("stuck", readings=2, margin=4),
    rule("stuck", seconds=1.5),
    rule("missing", readings=1),
    rule("missing", seconds=2.0, margin=0.1),
    rule("heartbeat", limit=2.5),
]


def twins(values, times_ns):
    given_speeds = naive.speeds(values, times_ns)
    sizes = [None if speed is None else abs(speed) for speed in given_speeds]
    band = {"low": -1, "high": 2}
    return [
        naive.range_rule(values, **band, margin=0.5),
        naive.lasting_rule(
            values, times_ns, **band, hysteresis=1, for_readings=3, for_s=0, margin=0.5
        ),
        naive.lasting_rule(
            values, times_ns, **band, hysteresis=0.5, for_readings=1, for_s=2, margin=1
        ),
        naive.rate_rule(values, limit=2, margin=3),
        naive.range_rule(sizes, low=None, high=0.7, margin=1),
        naive.stuck_rule(values, times_ns, readings=2, seconds=None, margin=4),
        naive.stuck_rule(values, times_ns, readings=None, seconds=1.5, margin=1),
        naive.missing_rule(values, times_ns, readings=1, seconds=None, margin=1),
        naive.missing_rule(values, times_ns, readings=None, seconds=2.0, margin=0.1),
        naive.heartbeat_rule(times_ns, limit=2.5, margin=1),
    ]


@st.composite
def signals(draw):
    n = draw(st.integers(1, 40))
    levels = st.sampled_from([NAN, NAN, -2.0, -1.0, 0.0, 1.5, 2.0, 2.5, 3.0])
    values = draw(st.lists(levels, min_size=n, max_size=n))
    steps = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n, max_size=n))
    return values, np.cumsum(steps), draw(st.lists(st.integers(0, n), max_size=8))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(signal=signals())
def test_every_kind_of_rule_is_its_slow_twin_however_the_readings_are_cut(signal):
    values, times, at = signal
    taken = readings(values, times)
    expected = np.array(twins(optional(values), taken.time.tolist())).T
    judging = stream(*EVERY_KIND)
    edges = [0, *sorted(at), len(values)]
    parts = [judging.judge(taken[a:b]).scores for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(signal=signals())
def test_what_is_told_of_a_breach_does_not_depend_on_the_cut(signal):
    values, times, at = signal
    taken = readings(values, times)
    whole, pieces = stream(*EVERY_KIND), stream(*EVERY_KIND)
    whole.explaining = pieces.explaining = True
    told = whole.judge(taken)
    edges = [0, *sorted(at), len(values)]
    again = Judged.concat([pieces.judge(taken[a:b]) for a, b in pairwise(edges)])
    breaches = told.scores > 0
    for fact in ("change", "since", "run"):
        np.testing.assert_array_equal(again.facts[fact][breaches], told.facts[fact][breaches])
    np.testing.assert_array_equal(again.facts["previous"][1:], told.facts["previous"][1:])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(signal=signals())
def test_one_reading_at_a_time_is_judged_as_all_at_once(signal):
    values, times, _ = signal
    taken = readings(values, times)
    whole = stream(*EVERY_KIND).judge(taken).most
    single = stream(*EVERY_KIND)
    found = [
        single.judge_one(int(time), np.array([value]))
        for time, value in zip(taken.time, values, strict=True)
    ]
    assert found == whole.tolist()


def test_a_single_reading_has_no_status_word():
    one = stream(rule("status", words=["HOT"]))
    assert one.judge_one(0, np.array([1.0])) == -1.0  # no rule has a say
    watched = stream(rule("status", words=["HOT"]))
    assert watched.judge(readings([1.0], words=["HOT"])).most.tolist() == [1.0]


def test_nothing_is_explained_unless_it_is_asked_for():
    judging = stream(*EVERY_KIND)
    assert judging.judge(readings([1.0, 2.0])).facts == {}
    judging.explaining = True
    found = judging.judge(readings([1.0, 2.0]))
    assert {name: len(fact) for name, fact in found.facts.items()} == {
        "previous": 2, "change": 2, "since": 2, "run": 2,
    }  # fmt: skip


def test_what_is_remembered_does_not_grow():
    judging = stream(*EVERY_KIND)
    sizes = []
    for n in (10, 50_000):
        judging.judge(readings(np.where(np.arange(n) % 3, 1.0, NAN)))
        sizes.append(len(pickle.dumps(judging)))
    assert sizes[1] - sizes[0] < 50


# What is passed over


@pytest.mark.parametrize("size", [1, 3, 7, 200])
def test_a_rule_without_a_say_keeps_the_flag_of_the_last_reading_it_judged(size):
    rng = np.random.default_rng(5)
    flags, run = rng.random((200, 2)) < 0.5, rng.integers(-1, 2, (200, 2))
    wanted, last = np.empty((200, 2), dtype=bool), np.zeros(2, dtype=bool)
    for i in range(200):
        last = wanted[i] = np.where(run[i] < 0, last, flags[i])
    one = stream(rule("range", high=1), rule("stuck", readings=3))
    cuts = [slice(i, i + size) for i in range(0, 200, size)]
    found = np.concatenate([one.bridged(flags[cut], run[cut]) for cut in cuts])
    assert np.array_equal(found, wanted)
