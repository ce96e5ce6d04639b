"""The truth says all that was sent and lost, and a recording is held against it to the byte."""

import dataclasses
import json
import random

import numpy as np
import pytest

from sensorkit.emulator import EmulatedFrame, Emulator, serve
from sensorkit.emulator.truth import Score, compare
from sensorkit.emulator.truth_file import Truth, TruthWriter
from sensorkit.errors import LinkLost, UsageError
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.wire.stream import FrameStream

PROFILE = Profile.load("serial_monitor")


@pytest.fixture
def send(port, tmp_path):
    """Send frames of a device over a port; return the truth and what arrived."""

    def run(n=200, *, plan=None, baud=115_200, seed=1, speed=None, checksum=None):
        emulator = Emulator(
            PROFILE, plan=plan, hold="NORMAL", seed=seed, duration_s=n, checksum=checksum
        )
        path = tmp_path / "truth.jsonl"
        with TruthWriter(path, {"seed": seed}) as truth:
            emulator.serve(
                port, frames=n, baud=baud, speed=speed, truth=truth,
                clock=port.clock, sleep=port.clock.sleep, wall_clock=lambda: 10**18,
            )  # fmt: skip
        return path, port.bytes

    return run


class Heard:
    """What a capture has made of these bytes."""

    profile = PROFILE

    def __init__(self, data: bytes, lost_at: tuple[int, ...] = ()) -> None:
        self.data = data
        self.lost_at = lost_at
        stream = FrameStream(PROFILE, started_ns=0)
        self.heard = stream.feed(0, data).readings
        self.counts = {"lost": stream.counts.lost}

    def raw(self):
        yield 0, self.data

    def readings(self):
        return self.heard

    def events(self):
        return [{"kind": "link_lost", "offset": at} for at in self.lost_at]


NOTHING = Score(
    sent=200, outside=0, intact=200, damaged=0, lost=0, accepted=200, wrong=0, refused=0,
    not_accepted=0, counted_lost=0, dropped_bytes=0, declared_bytes=0, missing_bytes=0,
    extra_bytes=0,
)  # fmt: skip


def test_the_file_holds_every_frame_as_it_was_sent(send):
    path, got = send()
    first, *records, last = map(json.loads, path.read_text().splitlines())
    assert first == {"record": "start", "version": 1, "started_ns": 10**18, "seed": 1}
    assert len(records) == 200
    assert "".join(record["sent"] for record in records).encode() == got
    assert [record["sequence"] for record in records] == list(range(1, 201))
    assert records[3]["at"] == sum(len(record["sent"]) for record in records[:3])
    assert (last["record"], last["frames"], last["bytes"]) == ("end", 200, len(got))


@pytest.mark.parametrize("speed", [1.0, None])
def test_without_a_line_speed_the_times_are_those_of_the_writes(port, tmp_path, speed):
    frames = [EmulatedFrame(float(n), b"frame %04d\n" % n, None, n) for n in range(10)]
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        serve(
            frames, port, speed=speed, truth=truth, on_start=lambda: truth.start(0),
            clock=port.clock, sleep=port.clock.sleep,
        )  # fmt: skip
    said = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    said = [record for record in said if record["record"] == "frame"]
    assert [record["at"] for record in said] == [11 * n for n in range(10)]
    assert [record["written_ns"] for record in said] == pytest.approx(
        [n * 1e9 if speed else 0 for n in range(10)], abs=1e6
    )
    assert [record["due_ns"] for record in said] == [
        n * 10**9 if speed else None for n in range(10)
    ]


def test_frames_that_are_lost_whole_are_dropped_bytes(port, tmp_path):
    frames = [EmulatedFrame(float(n), b"frame %04d\n" % n) for n in range(10)]
    port.away = (2.5, 6.5)
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        served = serve(
            frames, port, truth=truth, on_start=lambda: truth.start(0),
            clock=port.clock, sleep=port.clock.sleep,
        )  # fmt: skip
    said = Truth.load(tmp_path / "truth.jsonl")
    assert [(drop.at, drop.bytes, drop.why) for drop in said.drops] == [(33, 44, "no_reader")]
    assert served.dropped == 44


def test_a_frame_torn_by_a_reader_that_left_is_dropped_from_there(port, tmp_path):
    frames = [EmulatedFrame(float(n), b"frame %04d\n" % n) for n in range(10)]
    writes = iter([25, "lost"])

    def write(data: bytes) -> int:
        n = next(writes, 1000)
        if n == "lost":
            raise LinkLost("gone")
        n = min(n, len(data))
        port.got.append((0.0, data[:n]))
        return n

    port.write = write
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        serve(
            frames, port, speed=None, truth=truth, on_start=lambda: truth.start(0),
            clock=port.clock, sleep=port.clock.sleep,
        )  # fmt: skip
    said = Truth.load(tmp_path / "truth.jsonl")
    assert [(drop.at, drop.bytes) for drop in said.drops] == [(25, 8)]
    assert len(said.sent) == 10


def test_a_recording_of_all_that_was_sent_is_as_it_was_sent(send):
    path, got = send()
    score = compare(path, Heard(got))
    assert score == NOTHING
    assert score.ok


def test_a_recording_that_began_late_and_ended_early_has_lost_nothing(send):
    path, got = send()
    lines = got.splitlines(keepends=True)
    heard = Heard(b"".join(lines[20:170]) + lines[170][:10])
    assert compare(path, heard) == dataclasses.replace(
        NOTHING, outside=50, intact=150, accepted=150
    )


def test_an_overrun_damages_what_the_truth_says_it_has_damaged(send, port):
    rng, rooms = random.Random(1), []

    def write(data: bytes) -> int:
        n = len(data) if rng.random() < 0.98 else rng.randrange(len(data))
        rooms.append(len(data) - n)
        port.got.append((port.seconds, data[:n]))
        return n

    port.write = write
    path, got = send()
    score = compare(path, Heard(got))
    assert score.ok
    assert score.dropped_bytes == sum(rooms) > 0
    assert score.damaged > 0
    assert score.intact + score.damaged + score.lost == 200
    assert score.intact == score.accepted
    assert score.counted_lost == score.not_accepted == 200 - score.intact


def test_a_frame_behind_what_is_left_of_another_is_damaged_and_not_refused(send, port):
    whole = port.write
    taken = []

    def write(data: bytes) -> int:
        taken.append(data)
        # Two bytes are lost, the second of them a line end.
        n = len(data) - 2 if data.endswith(b"\n") and len(taken) > 50 else len(data)
        port.write = port.write if n == len(data) else whole
        port.got.append((port.seconds, data[:n]))
        return n

    port.write = write
    path, got = send()
    score = compare(path, Heard(got))
    assert score.ok
    assert (score.dropped_bytes, score.damaged, score.refused) == (2, 2, 0)


def test_bytes_that_vanish_without_a_word_are_found_and_are_not_ok(send):
    path, got = send()
    lines = got.splitlines(keepends=True)
    heard = Heard(b"".join(lines[:50] + lines[53:]))
    score = compare(path, heard)
    assert not score.ok
    assert (score.missing_bytes, score.lost) == (sum(map(len, lines[50:53])), 3)
    assert score.counted_lost == score.not_accepted == 3
    at = sum(map(len, lines[:50]))
    declared = compare(path, Heard(heard.data, (at,)))
    assert declared.ok
    assert (declared.declared_bytes, declared.missing_bytes) == (score.missing_bytes, 0)


def test_bytes_that_nobody_sent_are_found_and_are_not_ok(send):
    path, got = send()
    lines = got.splitlines(keepends=True)
    score = compare(path, Heard(b"".join([*lines[:50], b"\xff\xfe noise\n", *lines[50:]])))
    assert score == dataclasses.replace(NOTHING, extra_bytes=9)
    assert not score.ok


def test_corruption_that_passes_as_a_reading_is_a_wrong_row(send):
    path, got = send(checksum="none")
    lines = got.splitlines(keepends=True)
    honest = b"".join(lines)
    digit = lines[60].index(b".") + 1
    changed = bytes([lines[60][digit] ^ 1])
    lines[60] = lines[60][:digit] + changed + lines[60][digit + 1 :]
    heard = Heard(b"".join(lines))
    assert len(heard.readings()) == 200
    score = compare(path, heard)
    assert not score.ok
    assert (score.wrong, score.wrong_offsets) == (1, (honest.index(b"N:61,") - 24,))
    assert (score.damaged, score.refused, score.not_accepted) == (1, 0, 1)


def test_a_capture_that_writes_down_something_else_is_wrong(send):
    path, got = send()
    heard = Heard(got)
    values = heard.heard.values.copy()
    values[7, 0] += 0.01
    heard.heard = dataclasses.replace(heard.heard, values=values)
    score = compare(path, heard)
    assert (score.wrong, score.refused, score.ok) == (1, 1, False)


def test_a_capture_that_leaves_an_intact_frame_out_is_found(send):
    path, got = send()
    heard = Heard(got)
    heard.heard = heard.heard[np.arange(200) != 9]
    score = compare(path, heard)
    assert (score.wrong, score.refused, score.not_accepted, score.ok) == (0, 1, 1, False)


def test_what_a_faulty_line_does_is_damage_and_no_error_of_the_capture(send):
    plan = FaultPlan.from_dict(
        {
            "faults": [
                {"kind": "corrupt", "start_s": 20, "duration_s": 10},
                {"kind": "silence", "start_s": 50, "duration_s": 5},
                {"kind": "truncate", "start_s": 80, "duration_s": 10, "magnitude": 3},
                {"kind": "bias", "start_s": 120, "duration_s": 9, "channel": "voltage",
                 "magnitude": 0.2},
            ]
        },
        "test",
    )  # fmt: skip
    path, got = send(plan=plan)
    score = compare(path, Heard(got))
    assert score.ok
    assert (score.intact, score.damaged, score.lost) == (175, 20, 5)
    assert score.counted_lost == score.not_accepted == 25
    faults = Truth.load(path).faults
    assert [fault["kind"] for fault in faults] == ["corrupt", "silence", "truncate", "bias"]


def test_nothing_recorded_is_no_error():
    empty = Truth([b"T:1\n"], [b"T:1\n"], np.array([0]), [], [], {}, True)
    score = compare(empty, Heard(b""))
    assert (score.sent, score.outside, score.accepted, score.ok) == (1, 1, 0, True)


def test_a_truth_that_was_cut_off_ends_with_its_last_whole_line(send, tmp_path):
    path, _ = send()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(path.read_bytes()[:-200])
    said, whole = Truth.load(cut), Truth.load(path)
    assert whole.ended
    assert not said.ended
    assert said.sent == whole.sent[: len(said.sent)]
    assert 0 < len(whole.sent) - len(said.sent) < 3


def test_bytes_of_any_value_survive_the_file(tmp_path):
    frame = EmulatedFrame(0.0, bytes(range(256)), b'"\\\x00\xff\n', 1)
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        truth.start(0)
        truth.frame(frame, 0, None, 0.5)
    said = Truth.load(tmp_path / "truth.jsonl")
    assert (said.line, said.sent) == ([bytes(range(256))], [b'"\\\x00\xff\n'])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "has no start record of version 1"),
        ("time,device\n1,2\n", "line 1: is no record of a truth file"),
        ('{"record":"start","version":7}\n', "has no start record of version 1"),
        ('{"record":"start","version":1}\n[1]\n', "line 2: is no record"),
        ("\xe9\n", "cannot be read"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, wanted):
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=wanted) as caught:
        Truth.load(path)
    assert str(path) in str(caught.value)


def test_a_truth_is_never_written_over_a_file(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text("precious")
    with pytest.raises(UsageError, match="is already there; choose another name"):
        TruthWriter(path)
    assert path.read_text() == "precious"
