"""The faults of a serial line, part 1: what bytes can do. Numbers as in docs/fault-catalogue.md.

Each is tried on a capture whose every byte is known, and held against that truth: nothing lost,
nothing accepted that was not sent, every byte counted, and the same again from `replay`.
"""

import re
import tracemalloc
from pathlib import Path

import pytest
import yaml

from sensorkit.faults import Fault, FaultPlan, Placed
from sensorkit.faults.transport import distort
from sensorkit.profile import Profile
from sensorkit.wire.uart import misread

PAGE = Path(__file__).parents[2] / "docs" / "fault-catalogue.md"
N = 60


def over_a_faulty_line(kind: str, sent: list[bytes], *, at=(20, 40), seed=1, **more) -> list[bytes]:
    """What arrives of *sent* if a fault lasts from one frame until just before another."""
    plan = FaultPlan(faults=(Fault(kind=kind, duration_s=1, **more),))
    hit = slice(*at)
    return [
        *sent[: at[0]],
        *distort(sent[hit], Placed(plan.faults[0], 1, *at), plan, seed),
        *sent[at[1] :],
    ]


def outside(*ranges: tuple[int, int], n: int = N) -> list[int]:
    """The counters of all frames but those of the ranges."""
    hit = {number for start, stop in ranges for number in range(start, stop)}
    return [number + 1 for number in range(n) if number not in hit]


def test_every_fault_of_the_page_has_its_test_and_every_test_its_fault():
    rows = re.findall(r"^\| (\d+) \|.*\| (`test_fault_.*`) \|$", PAGE.read_text(), re.MULTILINE)
    named = {int(number): re.findall(r"`(\w+)`", tests) for number, tests in rows}
    assert list(named) == list(range(1, 34))
    code = "".join(path.read_text() for path in Path(__file__).parent.glob("test_fault_*.py"))
    tests: dict[int, list[str]] = {}
    for name, number in re.findall(r"^def (test_fault_(\d\d)_\w+)\(", code, re.MULTILINE):
        tests.setdefault(int(number), []).append(name)
    assert {number: sorted(names) for number, names in named.items()} == {
        number: sorted(names) for number, names in tests.items()
    }


@pytest.mark.parametrize("kind", ["garbage", "corrupt"])
@pytest.mark.parametrize("seed", range(4))
def test_fault_01_noise_is_kept_rejected_where_it_stands_and_never_a_reading(
    heard, frames, kind, seed
):
    sent = frames(N)
    got = heard(sent, over_a_faulty_line(kind, sent, seed=seed, magnitude=11))
    assert set(outside((20, 40))) <= set(got.sequence) <= set(outside())
    assert got.score.wrong == got.score.missing_bytes == got.score.extra_bytes == 0
    assert got.score.counted_lost == got.score.not_accepted
    raw = (got.recording.dir / "raw.log").read_bytes()
    errors = got.recording.errors()
    for offset, reason in zip(errors["offset"], errors["reason"], strict=True):
        line = raw[offset:].partition(b"\n")[0]
        # What is rejected is no frame: damaged, or with something in front of it.
        assert line + b"\n" not in sent, reason


def test_fault_02_a_truncated_frame_is_rejected(heard, frames):
    sent = frames(N)
    got = heard(sent, over_a_faulty_line("truncate", sent))
    assert got.sequence == outside((20, 40))
    assert (got.score.damaged, len(got.reasons)) == (20, 20)
    got.check()


def test_fault_03_merged_frames_are_rejected_as_a_whole(heard, frames):
    sent = frames(N, checksum="none")
    got = heard(sent, over_a_faulty_line("merge", sent))
    assert got.sequence == outside((20, 40))
    assert got.reasons == ["field_duplicate"] * 10
    assert got.score.wrong == 0


@pytest.mark.parametrize("seed", range(8))
def test_fault_04_a_splice_of_two_frames_is_told_by_its_checksum(heard, frames, seed):
    sent = frames(N)
    got = heard(sent, over_a_faulty_line("splice", sent, seed=seed))
    assert set(outside((20, 40))) <= set(got.sequence)
    # The second of a pair is there if all that was lost of it is what the first began with, too.
    assert not set(range(21, 41, 2)) & set(got.sequence)
    assert set(got.reasons) == {"checksum"}
    got.check()


def test_fault_05_a_frame_that_comes_twice_is_kept_twice(heard, frames):
    sent = frames(N)
    got = heard(sent, over_a_faulty_line("duplicate", sent, at=(20, 23)))
    assert got.sequence == [*range(1, 21), 21, 21, 22, 22, 23, 23, *range(24, N + 1)]
    assert (got.score.wrong, got.score.counted_lost) == (0, 0)
    # A constant sensor repeats its values: only the counter says that it is the same frame.
    assert got.recording.counts["frames"] == N + 3


@pytest.mark.parametrize(("sent_at", "read_at"), [(9600, 19200), (115200, 57600), (9600, 10400)])
def test_fault_06_a_wrong_baud_rate_gives_no_reading_and_a_hint(heard, frames, sent_at, read_at):
    sent = frames(N)
    got = heard([misread(b"".join(sent), sent_at=sent_at, read_at=read_at, gap_bits=40)])
    assert got.code == 1
    assert got.sequence == []
    assert "be read (mostly: " in got.errors
    assert "baud" in got.errors


def test_fault_07_seven_bits_with_parity_give_no_reading_and_a_hint(heard, frames):
    def with_parity(byte: int) -> int:
        return byte | (byte.bit_count() % 2) << 7

    line = [bytes(map(with_parity, frame)) for frame in frames(N)]
    got = heard(line)
    assert (got.code, got.sequence) == (1, [])
    assert "bit 7" in got.errors


def test_fault_08_bytes_that_are_no_text_are_data(heard, frames):
    sent = frames(N)
    wild = [b"\xff\xfe\x80\n", b"T:\xc3\x28,V:5.0,S:NORMAL\n", b"caf\xe9 \xf0\x9f\x92\xa9\n"]
    line = list(sent)
    for number, bytes_ in zip((10, 20, 30), wild, strict=True):
        line[number] = bytes_
    got = heard(sent, line)
    assert got.sequence == outside((10, 11), (20, 21), (30, 31))
    assert got.reasons == ["encoding"] * 3
    assert r"T:\xc3(,V:5.0" in (got.recording.dir / "parser_errors.log").read_text()


def test_fault_09_zero_bytes_are_kept_and_escaped(heard, frames):
    sent = frames(N)
    line = [frame if n % 10 else b"\0" * 5 + frame for n, frame in enumerate(sent)]
    line[55] = b"\0" * 4096 + b"\n"
    got = heard(sent, line)
    assert got.sequence == outside(*((n, n + 1) for n in (0, 10, 20, 30, 40, 50, 55)))
    assert set(got.reasons) == {"encoding", "overlong"}
    assert b"\0" not in (got.recording.dir / "parser_errors.log").read_bytes()
    assert b"\0" not in (got.recording.dir / "structured_metrics.csv").read_bytes()


def test_fault_10_an_endless_line_is_one_rejection_and_fills_no_memory(heard, frames):
    sent = frames(N)
    line = [*sent]
    line[30] = b"T:85.5" * 500_000 + b"\n"
    heard(sent, name="first")  # what is made once and kept: tables, kernels, plans
    tracemalloc.start()
    try:
        got = heard(sent, line)
        grown = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got.sequence == outside((30, 31))
    assert got.reasons == ["overlong"]
    # The 3 MB are held here, to compare them; never a second time in the capture.
    assert grown < 40e6
    got_line = got.recording.errors()["line"][0]
    assert len(got_line) <= 4 * 512


@pytest.mark.parametrize("kind", ["endless_line", "merge"])
def test_lines_without_an_end_end_with_the_next_one(heard, frames, kind):
    sent = frames(N)
    got = heard(sent, over_a_faulty_line(kind, sent))
    assert got.sequence == outside((20, 40))
    assert got.score.wrong == 0


def test_fault_11_line_ends_may_be_mixed_and_boot_text_is_rejected_once(heard, frames):
    ends = [b"\n", b"\r\n"]
    sent = [frame[:-1] + ends[n % 2] for n, frame in enumerate(frames(N))]
    boot = b"\xef\xbb\xbfets Jun  8 2016 00:22:57\r\n\r\nready\r\n"
    got = heard(sent, [boot + sent[0], *sent[1:]])
    assert got.sequence == outside()
    assert got.reasons == ["encoding", "empty", "syntax"]
    assert got.score.wrong == 0


def test_fault_11_a_stray_return_inside_a_line_is_noise(heard, frames):
    sent = frames(N)
    line = list(sent)
    line[7] = line[7][:10] + b"\r" + line[7][10:]
    got = heard(sent, line)
    assert (got.sequence, got.reasons) == (outside((7, 8)), ["encoding"])


def test_fault_12_a_device_that_starts_anew_is_an_event_and_no_gap(heard, frames):
    plan = FaultPlan.from_dict(
        {"faults": [{"kind": "reset", "start_s": 20, "duration_s": 3}]}, "test"
    )
    sent = frames(N, plan=plan, duration_s=N)
    got = heard(sent)
    assert got.sequence == [*range(1, 21), *range(1, N - 23 + 1)]
    assert got.kinds.count("device_reset") == 1
    assert got.recording.counts["resets"] == 1
    assert (got.score.wrong, got.score.counted_lost, got.score.refused) == (0, 0, 0)
    assert len(got.reasons) == 1  # what it said when it started
    times = got.recording.readings().time
    assert (times[1:] >= times[:-1]).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"T:nan,V:5.0,S:NORMAL", "number"),
        (b"T:infinity,V:5.0,S:NORMAL", "number"),
        (b"T:1e5,V:5.0,S:NORMAL", "number"),
        (b"T:8_5.5,V:5.0,S:NORMAL", "number"),
        (b"T: 85.5,V:5.0,S:NORMAL", "number"),
        (b"T:85.5,V:99999.0,S:NORMAL", "range"),
        (b"T:85.5,V:5.0,S:NORMEL", "status"),
    ],
)
def test_fault_24_what_is_no_plain_number_or_cannot_be_is_refused(heard, frames, text, reason):
    sent = frames(N, checksum="none")
    line = list(sent)
    line[30] = text + b",N:31,U:30.000\n"
    got = heard(sent, line)
    assert (got.sequence, got.reasons) == (outside((30, 31)), [reason])
    assert got.score.wrong == 0


def test_fault_24_a_value_that_is_stuck_is_for_a_detector_to_judge(heard, frames):
    plan = FaultPlan.from_dict(
        {"faults": [{"kind": "stuck", "start_s": 10, "duration_s": 40, "channel": "temperature"}]},
        "test",
    )
    got = heard(frames(N, plan=plan, duration_s=N))
    assert got.sequence == outside()
    assert len(set(got.recording.readings().channel("temperature")[10:50])) == 1
    got.check()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"T:85.5,V:5.0,S:NORMAL,X:1,N:31,U:30.000", "field_unknown"),
        (b"T:85.5,S:NORMAL,N:31,U:30.000", "field_missing"),
        (b"T:85.5,V:5.0,V:5.0,S:NORMAL,N:31,U:30.000", "field_duplicate"),
        (b"T:85.5,V5.0,S:NORMAL,N:31,U:30.000", "field_syntax"),
    ],
)
def test_fault_25_an_unknown_a_missing_and_a_doubled_field_each_have_a_reason(
    heard, frames, text, reason
):
    sent = frames(N, checksum="none")
    line = list(sent)
    line[30] = text + b"\n"
    got = heard(sent, line)
    assert (got.sequence, got.reasons) == (outside((30, 31)), [reason])


def test_fault_25_fields_in_another_order_say_the_same(heard, frames):
    sent = frames(N, checksum="none")
    line = [b",".join(reversed(frame.rstrip().split(b","))) + b"\n" for frame in sent]
    got = heard(sent, line)
    assert got.sequence == outside()
    assert (got.score.wrong, got.score.accepted) == (0, N)


def test_fault_15_two_adapters_that_are_the_same_are_told_by_their_place(fake_ports):
    # There is one machine here, and no adapter: a tree like that of /sys stands in for it.
    for name, place in (("ttyUSB0", "1-1"), ("ttyUSB1", "1-2")):
        fake_ports.plug_in(name, number="0001", socket=place)
    first = fake_ports.tree.identify(str(fake_ports.dev / "ttyUSB0"))
    ports = {port.device: port for port in fake_ports.tree.ports()}
    assert first is not None
    assert first.by_place
    here, there = (ports[str(fake_ports.dev / name)] for name in ("ttyUSB0", "ttyUSB1"))
    assert first.is_at(here)
    assert not first.is_at(there)
    assert first.could_be(there)


def test_fault_32_what_the_device_echoes_is_no_reading(heard, frames):
    sent = frames(N)
    line = [frame if n % 10 else b"GET STATUS\r\n" + frame for n, frame in enumerate(sent)]
    got = heard(sent, line)
    assert got.sequence == outside()
    assert len(got.reasons) == 6
    assert got.score.wrong == 0


def test_fault_17_a_silence_is_seen_in_the_device_s_own_time(heard, frames, tmp_path):
    plan = FaultPlan.from_dict(
        {"faults": [{"kind": "silence", "start_s": 20, "duration_s": 9}]}, "test"
    )
    sent = frames(N, plan=plan, duration_s=N)
    got = heard([frame for frame in sent if frame])
    assert [kind for kind in got.kinds if kind.startswith("heartbeat")] == [
        "heartbeat_lost",
        "heartbeat_back",
    ]
    (gap,) = [event for event in got.recording.events() if event["kind"] == "sequence_gap"]
    assert gap["details"]["lost"] == 9


def test_the_profile_of_these_tests_is_the_shipped_one(heard, frames):
    got = heard(frames(3))
    assert got.recording.profile == Profile.load("serial_monitor")
    assert yaml.safe_dump(got.recording.profile.to_dict())
