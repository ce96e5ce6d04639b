"""What was recorded is laid beside what was sent, and every gap is found."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.emulator.alignment import Places, Run, align

LINES = [b"T:%d.5,V:5.0,N:%d\n" % (20 + n % 7, n) for n in range(200)]
SENT = b"".join(LINES)


def without(*spans: tuple[int, int]) -> bytes:
    keep = np.ones(len(SENT), dtype=bool)
    for start, stop in spans:
        keep[start:stop] = False
    return bytes(np.frombuffer(SENT, np.uint8)[keep])


def test_what_arrived_whole_is_one_run():
    assert align(SENT, SENT) == [Run(0, 0, len(SENT))]


def test_a_recording_may_begin_late_and_end_early():
    assert align(SENT[100:900], SENT) == [Run(0, 100, 800)]


def test_a_lost_frame_is_laid_between_line_ends():
    start, stop = sum(map(len, LINES[:50])), sum(map(len, LINES[:52]))
    assert align(without((start, stop)), SENT) == [
        Run(0, 0, start),
        Run(start, stop, len(SENT) - stop),
    ]


def test_a_gap_is_laid_where_the_link_is_known_to_have_been_lost():
    # "0,N:" stands before and after: it could be cut on either side.
    start, stop = 100 + SENT[100:].index(b",N:"), 300 + SENT[300:].index(b",N:")
    for at in range(4):
        (first, second) = align(without((start, stop)), SENT, [start + at])
        assert first.length == second.recorded == start + at


def test_what_nobody_sent_is_in_no_run():
    noisy = SENT[:500] + bytes(range(128, 178)) + SENT[500:]
    assert align(noisy, SENT) == [Run(0, 0, 500), Run(550, 500, len(SENT) - 500)]


def test_nothing_and_only_noise_have_no_runs():
    assert align(b"", SENT) == align(SENT, b"") == align(b"\xff" * 100, SENT) == []


@given(st.lists(st.tuples(st.integers(0, len(SENT)), st.integers(1, 400)), max_size=8))
def test_every_recorded_byte_is_found_again(cuts):
    recorded = without(*((start, start + size) for start, size in cuts))
    runs = align(recorded, SENT)
    assert b"".join(SENT[run.sent : run.sent + run.length] for run in runs) == recorded
    assert [run.recorded for run in runs] == [
        sum(run.length for run in runs[:n]) for n in range(len(runs))
    ]
    assert all(a.sent + a.length <= b.sent for a, b in pairwise(runs))


def test_places_are_found_both_ways():
    places = Places([Run(0, 10, 5), Run(7, 20, 5)])
    line = np.array([9, 10, 14, 15, 19, 20, 24, 25])
    assert places.recorded(line).tolist() == [-1, 0, 4, -1, -1, 7, 11, -1]
    assert places.arrived(line).tolist() == [0, 0, 4, 5, 5, 5, 9, 10]
    assert places.line(np.array([0, 4, 5, 6, 7, 11, 12])).tolist() == [10, 14, -1, -1, 20, 24, -1]


def test_nothing_recorded_has_no_places():
    places = Places([])
    assert places.recorded(np.array([0, 5])).tolist() == places.line(np.array([1, 2])).tolist()
    assert places.arrived(np.array([3])).tolist() == [0]
