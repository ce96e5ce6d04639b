"""Hostile streams of every profile: nothing raises, nothing is lost, no cut matters."""

from itertools import pairwise

import numpy as np
import pytest
from hostile import PROFILES, START, at, cut, ended, frame, fuzz, places, steps, streams
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.wire.stream import FrameStream

each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))


def told(batches):
    """All that batches say, as something that can be compared."""
    rows, rejections, events = [], [], []
    for batch in batches:
        r = batch.readings
        columns = (r.time, r.offset, r.sequence, r.device.to_array(), r.status.to_array())
        texts = batch.texts.rows()
        rows += zip(
            *(c.tolist() for c in columns), map(repr, r.values.tolist()), texts, strict=True
        )
        rejections += batch.rejections
        events += batch.events
    return rows, rejections, events


def one_by_one(profile, pieces, times, kind=FrameStream):
    stream = kind(profile, started_ns=START)
    batches = [stream.feed(time, piece) for time, piece in zip(times, pieces, strict=True)]
    return told(batches), stream.counts.to_dict()


def blocks(profile, pieces, times, edges):
    """The same reads, several at once."""
    stream = FrameStream(profile, started_ns=START)
    batches = []
    bounds = sorted({0, len(pieces), *(edge for edge in edges if edge < len(pieces))})
    for a, b in pairwise(bounds):
        lengths = np.array([len(piece) for piece in pieces[a:b]], dtype=np.int64)
        received = np.array(times[a:b], dtype=np.int64)
        batches.append(stream.feed_reads(b"".join(pieces[a:b]), received, lengths))
    return told(batches), stream.counts.to_dict()


@each_profile
@fuzz
@given(st.data())
def test_many_reads_at_once_say_what_they_say_one_by_one(profile, data):
    pieces = cut(data.draw(streams(profile)), data.draw(places))
    times = at(pieces, data.draw(steps))
    edges = data.draw(st.lists(st.integers(0, 12), max_size=4))
    assert blocks(profile, pieces, times, edges) == one_by_one(profile, pieces, times)


@each_profile
@fuzz
@given(st.data())
def test_no_cut_of_a_stream_matters(profile, data):
    stream = data.draw(streams(profile))
    pieces = cut(stream, data.draw(places))
    whole = one_by_one(profile, [stream], [START])
    assert one_by_one(profile, pieces, [START] * len(pieces)) == whole
    assert blocks(profile, pieces, [START] * len(pieces), [len(pieces) // 2]) == whole


@each_profile
@fuzz
@given(st.data())
def test_every_byte_is_counted_once(profile, data):
    stream = data.draw(streams(profile))
    pieces = cut(stream, data.draw(places))
    (rows, rejections, _), counts = one_by_one(profile, pieces, at(pieces, data.draw(steps)))
    assert counts["received_bytes"] == len(stream)
    assert counts["received_bytes"] == sum(
        counts[f"{where}_bytes"] for where in ("accepted", "rejected", "terminator", "tail")
    )
    assert counts["frames"] == len(rows)
    assert sum(counts["rejected"].values()) == len(rejections)
    assert all(stream[r.offset :].startswith(r.line) for r in rejections)


@each_profile
@fuzz
@given(pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=20), joined=st.booleans())
def test_no_bytes_raise(profile, pieces, joined):
    stream = FrameStream(profile)
    stream.joined(mid_stream=joined)
    for i, piece in enumerate(pieces):
        stream.feed(START + i, piece)
        stream.interrupt(START + i) if i % 5 == 4 else stream.advance(START + i)
        stream.joined(mid_stream=joined)
    counts = stream.counts
    assert counts.received_bytes == sum(map(len, pieces))
    assert counts.received_bytes == (
        counts.accepted_bytes + counts.rejected_bytes + counts.terminator_bytes + counts.tail_bytes
    )


@each_profile
def test_a_clean_stream_has_nothing_to_reject(profile):
    data = b"".join(ended(profile, frame(profile, i)) for i in range(40))
    (rows, rejections, _), counts = one_by_one(profile, [data], [START])
    assert (len(rows), rejections, counts["lost"]) == (40, [], 0)


def test_the_comparison_catches_a_stream_that_forgets_what_a_read_left_unfinished():
    class Forgetful(FrameStream):
        def feed(self, received_ns, chunk):
            batch = super().feed(received_ns, chunk)
            self.interrupt(received_ns)
            return batch

    profile = PROFILES["serial_monitor"]
    data = b"\n".join([frame(profile, i) for i in range(3)] + [b""])
    whole = one_by_one(profile, [data], [START], Forgetful)
    assert one_by_one(profile, cut(data, [len(data) // 2]), [START] * 2, Forgetful) != whole
