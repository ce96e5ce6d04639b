"""The timeline in blocks against one frame at a time."""

import itertools

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sensorkit.readings import Words
from sensorkit.wire.columns import Columns
from sensorkit.wire.texts import Texts
from sensorkit.wire.timeline import LATEST, Timeline, whole_microseconds

S = 1_000_000_000
START = 1_700_000_000 * S


def columns(frames):
    """Frames of (read, sequence, uptime) as a decoder gives them."""
    n = len(frames)
    read, sequence, uptime = (
        np.array(column, dtype=np.int64)
        for column in (zip(*frames, strict=True) if n else [[]] * 3)
    )
    return Columns(
        offset=np.arange(n, dtype=np.int64) * 10,
        texts=Texts.of([], 0),
        values=np.empty((n, 0)),
        status=Words.constant(None, n),
        sequence=sequence,
        uptime=uptime,
        read=read,
        n_bytes=10 * n,
    )


def one_by_one(line, reads, frames):
    times, events = [], []
    for i, (received, offset) in enumerate(reads):
        events += line.silence(whole_microseconds(received), offset)
        for j, (read, sequence, uptime) in enumerate(frames):
            if read == i:
                told = (None if sequence < 0 else sequence, None if uptime < 0 else uptime)
                when = whole_microseconds(received)
                times.append(line.place(10 * j, *told, when, events))
    return times, events


def compare(reads, frames, *, heartbeat, started, places=()):
    slow, fast = (Timeline(heartbeat, started) for _ in range(2))
    times, events = one_by_one(slow, reads, frames)
    got, said = [], []
    edges = [0, *sorted(place % (len(reads) + 1) for place in places), len(reads)]
    for start, stop in itertools.pairwise(edges):
        part = [(read - start, *told) for read, *told in frames if start <= read < stop]
        before = sum(read < start for read, *_ in frames)
        block = columns(part)
        block = Columns(**{**vars(block), "offset": block.offset + 10 * before})
        found, shown = fast.follow(
            block,
            np.array([whole_microseconds(when) for when, _ in reads[start:stop]], dtype=np.int64),
            np.array([offset for _, offset in reads[start:stop]], dtype=np.int64),
        )
        got += found.tolist()
        said += shown
    assert got == times
    assert said == events
    assert vars(fast) == vars(slow)
    return events


# Mostly a device that counts and ticks, with all that can go wrong in between.
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 1, 2]),  # reads to the next frame
        st.sampled_from(
            [1, 1, 1, 1, 1, 1, 0, 2, 40, -1, -15, -16, -17, -300, None]
        ),  # of the counter
        st.sampled_from(
            [S, S, S, S, S, 0, 7 * S, -S, -300 * S, 302 * S, 10**15, None]
        ),  # of the uptime
    ),
    max_size=40,
)
waits = st.lists(st.sampled_from([0, 137, S, S, 4 * S, 6 * S, 60 * S]), min_size=1, max_size=30)


def device(steps, reads, *, counts, ticks):
    frames, read, number, uptime = [], 0, 255, 500 * S
    for ahead, count, tick in steps:
        read = min(read + ahead, reads - 1)
        number = max(number + (count or 0), 0)
        uptime = min(max(uptime + (tick or 0), 0), 10**18)
        told = (
            number if counts and count is not None else -1,
            uptime if ticks and tick is not None else -1,
        )
        frames.append((read, *told))
    return frames


@settings(deadline=None, max_examples=400)
@given(
    steps,
    waits,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 5 * S]),
    st.sampled_from([None, START]),
    st.lists(st.integers(0, 40), max_size=4),
)
@example([(0, 1, S), (0, 1, -300 * S), (0, 1, S)], [0], True, True, None, None, [])
@example([(0, 1, S), (0, 1, -300 * S), (0, 1, 302 * S)], [0], True, True, None, None, [])
@example([(0, 1, S), (0, -16, S), (0, 16, S), (0, -17, S)], [0], True, False, None, None, [])
def test_blocks_of_frames_have_the_times_and_events_of_single_ones(
    steps, waits, counts, ticks, heartbeat, started, places
):
    received = [START + sum(waits[: i + 1]) for i in range(len(waits))]
    reads = [(when, 100 * i) for i, when in enumerate(received)]
    frames = device(steps, len(reads), counts=counts, ticks=ticks)
    compare(reads, frames, heartbeat=heartbeat, started=started, places=places)


def test_a_clock_that_runs_away_stops_before_time_ends():
    frames = [(0, i % 2, up) for i, up in enumerate([0, 10**18] * 12)]  # a reset every other
    compare([(START, 0)], frames, heartbeat=None, started=None)
    line = Timeline(None, None)
    times, _ = line.follow(columns(frames), np.array([START]), np.array([0]))
    assert times.max() <= LATEST


def test_ordinary_frames_are_not_placed_one_by_one(monkeypatch):
    line = Timeline(5 * S, START)
    monkeypatch.setattr(line, "place", None)
    frames = [(i // 10, i + 1, i * S) for i in range(100)]
    received = np.arange(10, dtype=np.int64) * S + START
    times, events = line.follow(columns(frames), received, np.zeros(10, dtype=np.int64))
    assert np.all(np.diff(times) == S)
    assert events == []
