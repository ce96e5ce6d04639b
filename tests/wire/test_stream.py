import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.readings import NO_SEQUENCE, Event, Readings
from sensorkit.wire.checksum import append
from sensorkit.wire.codec import make_codec
from sensorkit.wire.stream import FrameStream

MONITOR = Profile.load("serial_monitor")
S = 1_000_000_000
START = 1_700_000_000 * S


def frames(n, *, start=0, step=1.0):
    codec = make_codec(MONITOR)
    return [
        codec.encode([f"{20 + i % 7}.5", "5.0"], status="NORMAL", sequence=i, uptime=f"{i * step}")
        + b"\r\n"
        for i in range(start, start + n)
    ]


def run(pieces, *, step_ns=0):
    """Feed *pieces*, *step_ns* apart; return what came out, as comparable texts."""
    stream = FrameStream(MONITOR, started_ns=START)
    out = {"readings": [], "texts": [], "rejections": [], "events": []}
    for i, piece in enumerate(pieces):
        batch = stream.feed(START + i * step_ns, piece)
        r = batch.readings
        out["readings"] += list(
            zip(r.time.tolist(), r.values.tolist(), r.offset.tolist(), r.sequence.tolist(),
                r.status.to_array().tolist(), strict=True)
        )  # fmt: skip
        out["texts"] += batch.texts.rows()
        out["rejections"] += batch.rejections
        out["events"] += batch.events
    return out, stream.counts


def cut(stream, places):
    edges = [0, *sorted(min(p, len(stream)) for p in places), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


def test_a_reading_has_all_that_the_frame_said():
    stream = FrameStream(MONITOR)
    batch = stream.feed(START, b"".join(frames(2)))
    r = batch.readings
    assert r.time.tolist() == [START, START + S]
    assert r.values.tolist() == [[20.5, 5.0], [21.5, 5.0]]
    assert batch.texts.rows() == [("20.5", "5.0"), ("21.5", "5.0")]
    assert r.device.to_array().tolist() == ["monitor-1", "monitor-1"]
    assert r.status.to_array().tolist() == ["NORMAL", "NORMAL"]
    assert r.sequence.tolist() == [0, 1]
    assert r.offset.tolist() == [0, len(frames(1)[0])]
    assert r.values.flags.f_contiguous


def test_frames_without_counter_or_uptime_share_the_time_of_their_read():
    batch = FrameStream(MONITOR).feed(START + 123_456_789, b"T:1,V:2,S:NORMAL\n" * 2)
    # Whole microseconds, as they will be written.
    assert batch.readings.time.tolist() == [START + 123_456_000] * 2
    assert batch.readings.sequence.tolist() == [NO_SEQUENCE] * 2


def test_a_device_may_be_given_another_name():
    batch = FrameStream(MONITOR, device="bench-7").feed(START, frames(1)[0])
    assert batch.readings.device.to_array().tolist() == ["bench-7"]


def test_a_bad_line_is_a_rejection_with_its_place_and_time():
    stream = FrameStream(MONITOR)
    batch = stream.feed(START, frames(1)[0] + b"noise\n" + frames(1, start=1)[0])
    (rejection,) = batch.rejections
    assert (rejection.offset, rejection.reason.value, rejection.line) == (
        len(frames(1)[0]), "syntax", b"noise",
    )  # fmt: skip
    assert rejection.time == START
    assert stream.counts.rejected == {"syntax": 1}


def test_every_byte_is_counted_once():
    data = b"".join([*frames(3), b"noise\n", b"x" * 1000, b"\r\n", b"\n", b"T:1"])
    _, counts = run([data])
    assert counts.received_bytes == len(data)
    assert counts.accepted_bytes == sum(len(f) - 2 for f in frames(3))
    # An overlong line is rejected with all it had, its carriage return too.
    assert counts.rejected_bytes == 5 + 1000 + 1
    assert counts.terminator_bytes == 3 * 2 + 1 + 1 + 1
    assert counts.tail_bytes == 3
    assert counts.rejected == {"empty": 1, "overlong": 1, "syntax": 1}


def test_what_is_cut_off_by_a_lost_link_does_not_join_what_follows():
    stream = FrameStream(MONITOR)
    stream.feed(START, b"T:21.5,V:5")
    batch = stream.interrupt(START + S)
    assert [r.reason.value for r in batch.rejections] == ["cut"]
    assert len(stream.feed(START + 2 * S, b"T:21.5,V:5.0,S:NORMAL\n").readings) == 1
    counts = stream.counts
    assert counts.received_bytes == (
        counts.accepted_bytes + counts.rejected_bytes + counts.terminator_bytes
    )


def test_interrupting_between_two_lines_cuts_nothing():
    stream = FrameStream(MONITOR)
    stream.feed(START, frames(1)[0])
    assert stream.interrupt(START).rejections == []


COLUMNS = Profile.from_dict(
    {
        "name": "columns",
        "rate_hz": 1.0,
        "channels": [{"name": "temperature"}, {"name": "voltage"}],
        "frame": {"format": "csv", "columns": ["temperature", "voltage"], "checksum": "xor"},
    },
    "test",
)


def reasons(batch):
    return [rejection.reason.value for rejection in batch.rejections]


@pytest.mark.parametrize(
    ("profile", "line", "expected"),
    [
        (MONITOR, b"0,S:NORMAL\n", ["partial_start"]),  # no frame
        (MONITOR, b"\r\n", ["partial_start"]),
        (MONITOR, b"x" * 600 + b"\n", ["partial_start"]),
        (MONITOR, b"T:1,V:2,S:NORMAL\n", []),  # its first key shows that it is whole
        (COLUMNS, b"3.5,5.0\n", ["partial_start"]),  # it may have been 23.5
        (COLUMNS, append(b"23.5,5.0", "xor") + b"\n", []),
        (COLUMNS, b"23.5,5.0*00\n", ["partial_start"]),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_first_line_of_a_link_opened_in_mid_stream_may_be_half_a_line(
    profile, line, expected, size
):
    stream = FrameStream(profile)
    stream.joined(mid_stream=True)
    data = line + line
    batches = [stream.feed(START, data[i : i + size]) for i in range(0, len(data), size)]
    told = [reason for batch in batches for reason in reasons(batch)]
    assert told[: len(expected)] == expected
    # Only the first is: the second is what it is.
    assert "partial_start" not in told[len(expected) :]


@pytest.mark.parametrize("line", [b"3.5,5.0\n", b"nonsense\n"])
def test_a_file_begins_with_a_whole_line(line):
    stream = FrameStream(COLUMNS)
    stream.joined(mid_stream=False)
    assert "partial_start" not in reasons(stream.feed(START, line))


def test_what_the_host_saw_is_told_to_the_stream():
    stream = FrameStream(COLUMNS)
    told = {"link": "/dev/x", "mid_stream": True, "origin": "host"}
    stream.host(Event(START, "link_opened", 0, told))
    assert reasons(stream.feed(START, b"3.5,5.0\n1,2\n3,")) == ["partial_start"]
    lost = stream.host(Event(START + S, "link_lost", 16, {"origin": "host"}))
    assert reasons(lost) == ["cut"]
    assert [event.kind for event in lost.events] == ["link_lost"]
    stream.host(Event(START + S, "link_back", 16, told))
    assert reasons(stream.feed(START, b"3.5,5.0\n1,2\n")) == ["partial_start"]


def test_a_silence_comes_before_the_host_event_that_ends_it():
    stream = FrameStream(MONITOR)
    stream.feed(START, frames(1)[0])
    batch = stream.host(Event(START + 9 * S, "link_lost", 30, {"origin": "host"}))
    assert [event.kind for event in batch.events] == ["heartbeat_lost", "link_lost"]


def test_a_checksum_that_was_seen_is_wanted_after_a_loss_of_the_link_too():
    stream = FrameStream(MONITOR)
    stream.feed(START, frames(1)[0])
    stream.interrupt(START)
    stream.joined(mid_stream=True)
    stream.feed(START, b"\n")
    assert reasons(stream.feed(START, b"T:1,V:2,S:NORMAL\n")) == ["checksum_missing"]


def test_reads_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="the reads have 3 bytes together, data 4"):
        FrameStream(MONITOR).feed_reads(b"T:1,", np.array([START]), np.array([3]))


def test_a_block_without_reads_is_an_empty_batch():
    none = np.empty(0, dtype=np.int64)
    batch = FrameStream(MONITOR).feed_reads(b"", none, none)
    assert len(batch.readings) == len(batch.texts) == 0


def test_a_profile_without_frames_has_no_stream():
    with pytest.raises(ProfileError):
        FrameStream(MONITOR.model_copy(update={"frame": None}))


def test_a_silence_is_told_once_whether_it_was_waited_for_or_not():
    waited, not_waited = FrameStream(MONITOR), FrameStream(MONITOR)
    events = []
    for stream in (waited, not_waited):
        told = stream.feed(START, b"T:1,V:2,S:NORMAL\n").events
        if stream is waited:
            for second in range(1, 9):
                told += stream.advance(START + second * S)
        told += stream.feed(START + 9 * S, b"T:1,V:2,S:NORMAL\n").events
        events.append(told)
    assert events[0] == events[1]
    assert [e.kind for e in events[0]] == ["heartbeat_lost", "heartbeat_back"]
    assert [e.time for e in events[0]] == [START + 5 * S, START + 9 * S]
    assert waited.counts.silences == 1


def test_finish_tells_a_silence_at_the_end():
    stream = FrameStream(MONITOR)
    stream.feed(START, frames(1)[0])
    assert [e.kind for e in stream.finish(START + 6 * S).events] == ["heartbeat_lost"]
    assert stream.silent


def test_a_stream_without_readings_gives_empty_batches():
    batch = FrameStream(MONITOR).feed(START, b"")
    assert len(Readings.concat([batch.readings])) == 0


mutations = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(0, 255), st.sampled_from(["set", "insert", "delete"])
    ),
    max_size=12,
)


def mutate(stream, changes):
    data = bytearray(stream)
    for place, byte, how in changes:
        place = min(place, len(data) - 1)
        if how == "set":
            data[place] = byte
        elif how == "insert":
            data.insert(place, byte)
        elif len(data) > 1:
            del data[place]
    return bytes(data)


@settings(deadline=None)
@given(mutations, st.lists(st.integers(0, 500), max_size=10))
def test_any_cut_of_a_damaged_stream_gives_the_same(changes, places):
    data = mutate(b"".join(frames(8)), changes)
    whole, one = run([data])
    pieces, many = run(cut(data, places))
    assert pieces == whole
    assert many == one


@settings(deadline=None)
@given(mutations, st.lists(st.integers(0, 500), max_size=10))
def test_the_bytes_of_a_damaged_stream_add_up(changes, places):
    data = mutate(b"".join(frames(8)) + b"y" * 600, changes)
    _, counts = run(cut(data, places), step_ns=S)
    assert counts.received_bytes == len(data)
    assert counts.received_bytes == (
        counts.accepted_bytes + counts.rejected_bytes + counts.terminator_bytes + counts.tail_bytes
    )


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_raise(pieces):
    _, counts = run(pieces, step_ns=S)
    assert counts.received_bytes == sum(map(len, pieces))


def test_times_of_a_stream_with_uptimes_do_not_depend_on_when_it_was_read():
    data = frames(50)
    at_once, _ = run([b"".join(data)])
    one_by_one, _ = run(data, step_ns=1_000_000)
    assert [r[0] for r in at_once["readings"]] == [r[0] for r in one_by_one["readings"]]
    assert np.all(np.diff([r[0] for r in at_once["readings"]]) == S)
