import errno
import json

import numpy as np
import pytest

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.recorder import record
from sensorkit.capture.replay import replay
from sensorkit.errors import LinkError, LinkLost, RunError

S = 1_000_000_000
START = 1_700_000_000 * S


@pytest.fixture
def writer(tmp_path, monitor):
    return RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)


def test_the_bytes_are_kept_exactly_as_received(capture, frame):
    pieces = [(1, frame(1)[:7]), (2, frame(1)[7:] + b"\xff\0\n"), (3, b"tail")]
    recording = capture(pieces)
    assert (recording.dir / "raw.log").read_bytes() == b"".join(piece for _, piece in pieces)
    assert list(recording.raw()) == [(START + at * S, piece) for at, piece in pieces]


def test_each_frame_is_a_reading_and_each_bad_line_an_error(capture, frame):
    recording = capture([(1, frame(1) + b"noise\n"), (2, frame(2))])
    readings = recording.readings()
    assert readings.values.tolist() == [[21.5, 5.01], [21.5, 5.01]]
    assert readings.sequence.tolist() == [1, 2]
    assert readings.status.to_array().tolist() == ["NORMAL", "NORMAL"]
    assert recording.errors()[["offset", "reason", "line"]].values.tolist() == [
        [len(frame(1)), "syntax", "noise"]
    ]


def test_live_readings_equal_those_read_back(tmp_path, monitor, frame, list_link):
    link = list_link([(i / 3, frame(i, temperature=f"2{i}.1")) for i in range(9)] + [(9, None)])
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START + 123, fsync=None)
    live = [r for r in record(link, writer, clock=link.clock) if len(r)]
    back = Recording.open(tmp_path / "rec").readings()
    assert np.concatenate([r.time for r in live]).tolist() == back.time.tolist()
    assert np.concatenate([r.values for r in live]).tolist() == back.values.tolist()
    assert np.concatenate([r.offset for r in live]).tolist() == back.offset.tolist()


def test_the_folder_says_what_it_holds(capture, frame):
    recording = capture([(1, frame(1) + frame(2) + b"\n"), (2, frame(9) + b"T:1")])
    meta = json.loads((recording.dir / "recording.json").read_text())
    assert (meta["status"], meta["kind"]) == ("complete", "captured")
    assert meta["started"] == "2023-11-14T22:13:20.000000Z"
    assert meta["ended"] == "2023-11-14T22:13:22.000000Z"
    counts = meta["counts"]
    assert counts["frames"] == 3
    assert counts["rejected"] == {"empty": 1}
    assert counts["lost"] == 6
    assert counts["reads"] == 2
    assert counts["events"] == {"heartbeat_back": 1, "heartbeat_lost": 1, "link_opened": 1,
                                "sequence_gap": 1}  # fmt: skip
    assert counts["received_bytes"] == sum(
        counts[f"{place}_bytes"] for place in ("accepted", "rejected", "terminator", "tail")
    )
    assert counts["tail_bytes"] == 3
    assert recording.profile.name == "serial_monitor"


def test_raw_bytes_are_written_before_they_are_parsed(list_link, writer, frame, monkeypatch):
    recorder = record(list_link([(1, frame(1))]), writer, clock=lambda: START)

    def feed_reads(data, received_ns, lengths):
        assert (writer.dir / "raw.log").read_bytes() == data
        raise ZeroDivisionError

    monkeypatch.setattr(recorder.stream, "feed_reads", feed_reads)
    with pytest.raises(ZeroDivisionError):
        list(recorder)
    assert recorder.status == "aborted"


def test_it_stops_when_asked(list_link, writer, frame):
    link = list_link([(i, frame(i)) for i in range(100)])
    recorder = record(link, writer, clock=link.clock, stop=lambda: recorder.counts.frames >= 5)
    list(recorder)
    assert (recorder.status, recorder.reason) == ("complete", "stopped by the user")
    assert len(Recording.open(writer.dir).readings()) == 5
    assert Recording.open(writer.dir).verify() == []


def test_it_stops_when_the_time_is_up(list_link, writer, frame):
    link = list_link([(i, frame(i)) for i in range(1, 100)])
    recorder = record(link, writer, clock=link.clock, duration_s=4.5)
    list(recorder)
    assert recorder.reason == "the time was up"
    assert recorder.counts.frames == 4
    assert link.now == START + 4.5 * S


def test_it_stops_when_the_frames_are_there_and_keeps_the_rest_of_the_read(
    list_link, writer, frame
):
    link = list_link([(1, frame(1)), (2, frame(2) + frame(3))])
    recorder = record(link, writer, clock=link.clock, frames=2)
    list(recorder)
    assert recorder.reason == "the frames were there"
    assert len(Recording.open(writer.dir).readings()) == 3


def test_a_far_end_that_closes_ends_the_recording_well(capture, frame):
    recording = capture([(1, frame(1))])
    assert recording.status == "complete"
    assert recording.meta["reason"] == "the far end closed the link"


@pytest.mark.parametrize("wanted", [{"frames": 3}, {"duration_s": 60}])
def test_a_far_end_that_closes_too_early_has_cut_it_short(capture, frame, wanted):
    recording = capture([(1, frame(1))], **wanted)
    assert recording.status == "aborted"
    assert "the far end closed the link" in recording.meta["reason"]
    assert recording.verify() == []


def test_a_file_may_be_shorter_than_the_duration(tmp_path, list_link, writer, frame):
    link = list_link([(1, frame(1)), (1, None)])
    link.name = "file:log.txt"
    recorder = record(link, writer, clock=link.clock, duration_s=60)
    list(recorder)
    assert recorder.status == "complete"


def test_a_lost_device_fails_the_run_but_not_the_recording(list_link, writer, frame):
    link = list_link([(1, frame(1) + b"T:2"), (2, LinkLost("ttyUSB0: the device went away"))])
    with pytest.raises(LinkLost):
        list(record(link, writer, clock=link.clock))
    recording = Recording.open(writer.dir)
    assert recording.status == "failed"
    assert recording.meta["reason"] == "ttyUSB0: the device went away"
    assert len(recording.readings()) == 1
    assert recording.errors()["reason"].tolist() == ["cut"]
    assert recording.verify() == []
    assert replay(recording) == []


def test_a_link_that_comes_back_is_opened_again(list_link, writer, frame):
    first = list_link([(1, frame(1) + b"T:2"), (2, LinkLost("gone"))])
    second = list_link([(0, frame(20)), (0, None)])
    answers = [LinkError("no such port")] * 3 + [second]

    def reopen():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def clock():
        return max(first.now, second.now)

    def sleep(seconds):
        first.now += round(seconds * S)
        second.now = first.now

    recorder = record(
        first, writer, clock=clock, reopen=reopen, sleep=sleep, frames=2, stop=lambda: False
    )
    list(recorder)
    recording = Recording.open(writer.dir)
    assert first.closed
    kinds = [event["kind"] for event in recording.events()]
    assert kinds[:3] == ["link_opened", "link_lost", "link_back"]
    back = recording.events()[2]
    assert back["details"]["tries"] == 4
    # 0.1 + 0.2 + 0.4 s of waiting, each noticed at the next look.
    assert 0.7 <= (first.now - START) / S - 2 <= 1.1
    assert len(recording.readings()) == 2
    assert recording.errors()["reason"].tolist() == ["cut"]
    assert replay(recording) == []


def test_waiting_for_a_link_can_be_stopped(list_link, writer, frame):
    link = list_link([(1, frame(1)), (1, None)])
    tries = []

    def reopen():
        tries.append(1)
        raise LinkError("no such port")

    def sleep(seconds):
        link.now += round(seconds * S)

    recorder = record(link, writer, clock=link.clock, reopen=reopen, sleep=sleep, duration_s=30)
    list(recorder)
    assert (recorder.status, recorder.reason) == ("complete", "the time was up")
    # 0.1, 0.2, ... 3.2, then every 5 s.
    assert 8 <= len(tries) <= 12


def test_silence_is_an_event_at_its_deadline_though_nobody_looked_then(capture, frame):
    recording = capture([(0, frame(1)), (9, frame(10, uptime=False))])
    lost, back = [e for e in recording.events() if e["kind"].startswith("heartbeat")]
    assert (lost["kind"], lost["time"]) == ("heartbeat_lost", "2023-11-14T22:13:25.000000Z")
    assert (back["kind"], back["details"]) == ("heartbeat_back", {"silent_s": 9.0})


def test_idle_time_is_handed_on_for_those_who_watch_it(list_link, writer, frame):
    link = list_link([(0, frame(1))])
    recorder = record(link, writer, clock=link.clock, duration_s=2)
    seen = [(len(readings), recorder.now - START) for readings in recorder]
    assert seen[0] == (1, 0)
    assert seen[-1] == (0, 2 * S)
    assert all(n == 0 for n, _ in seen[1:])


def test_leaving_early_closes_the_recording_as_aborted(list_link, writer, frame):
    link = list_link([(i, frame(i)) for i in range(10)])
    recorder = record(link, writer, clock=link.clock)
    for readings in recorder:
        if len(readings):
            break
    recorder.close()
    recording = Recording.open(writer.dir)
    assert (recording.status, recording.verify()) == ("aborted", [])
    assert replay(recording) == []


def test_a_recorder_that_was_never_started_closes_too(list_link, writer):
    recorder = record(list_link([]), writer, clock=lambda: START)
    recorder.close()
    assert Recording.open(writer.dir).status == "aborted"


def test_a_full_disk_ends_the_run_and_keeps_what_is_there(list_link, writer, frame, monkeypatch):
    link = list_link([(i, frame(i)) for i in range(1, 10)])
    recorder = record(link, writer, clock=link.clock)
    real = writer._raw.write

    def write(received, chunk):
        if received >= START + 5 * S:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(received, chunk)

    monkeypatch.setattr(writer._raw, "write", write)
    with pytest.raises(RunError, match=r"No space left on device.*make room.*sensorkit recover"):
        list(recorder)
    assert (writer.dir / "raw.log").read_bytes() == b"".join(frame(i) for i in range(1, 5))
    assert not (writer.dir / "manifest-sha256.txt").exists()


@pytest.mark.parametrize("step_s", [-3600, 3600, 2])
def test_a_step_of_the_wall_clock_is_an_event_and_moves_no_time(
    tmp_path, monitor, frame, list_link, step_s
):
    link = list_link([(i, frame(i, uptime=False)) for i in range(1, 9)] + [(9, None)])
    clock = AnchoredClock(
        wall=lambda: link.now + (step_s * S if link.now > START + 4.5 * S else 0),
        monotonic=lambda: link.now - START,
    )
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=clock(), fsync=None)
    list(record(link, writer, clock=clock))
    recording = Recording.open(writer.dir)
    steps = [event for event in recording.events() if event["kind"] == "clock_step"]
    assert [step["details"] for step in steps] == [
        {
            "step_s": step_s,
            "wall_ns": START + (5 + step_s) * S,
            "monotonic_ns": 5 * S,
            "origin": "host",
        }
    ]
    assert recording.meta["clock"] == {"wall_ns": START, "monotonic_ns": 0}
    assert np.diff(recording.readings().time).tolist() == [S] * 7
    assert replay(recording) == []


def test_bytes_that_the_driver_dropped_are_an_event(list_link, writer, frame):
    link = list_link([(i, frame(i)) for i in range(1, 6)] + [(6, None)])
    link.overruns = lambda: 0 if link.now < START + 3 * S else 160
    list(record(link, writer, clock=link.clock))
    recording = Recording.open(writer.dir)
    (overrun,) = [event for event in recording.events() if event["kind"] == "overrun"]
    assert overrun["details"] == {"bytes": 160, "origin": "host"}
    assert replay(recording) == []


def test_times_of_reads_never_go_back(tmp_path, monitor, frame, list_link):
    link = list_link([(i, frame(i, uptime=False)) for i in range(1, 6)] + [(6, None)])
    jumps = iter([0, 0, 0, -50, -50, 7, 0, -9] + [0] * 1000)
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)
    list(record(link, writer, clock=lambda: link.now + next(jumps) * S))
    times = [received for received, _ in Recording.open(writer.dir).raw()]
    assert times == sorted(times)
