"""Transport faults change bytes, frame by frame, and spare the line ends."""

import numpy as np
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import Fault, FaultPlan, Placed, inject
from sensorkit.faults.on_bytes import BOOT_TEXT
from sensorkit.faults.transport import distort, distort_times
from sensorkit.readings import Readings

FRAMES = [b"T:25.13,V:5.02,S:NORMAL,N:%d\r\n" % n for n in range(100)]


def pass_over(kind: str, frames: list[bytes] = FRAMES, *, seed: int = 0, **more) -> list[bytes]:
    plan = FaultPlan(faults=(Fault(kind=kind, duration_s=100, **more),))
    return distort(frames, Placed(plan.faults[0], 1, 0, len(frames)), plan, seed)


def bits(one: bytes, other: bytes) -> int:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_a_silence_lets_nothing_through():
    assert pass_over("silence") == [b""] * 100


@pytest.mark.parametrize(("magnitude", "flipped"), [(None, 1), (1, 1), (7, 7)])
def test_corrupt_flips_as_many_bits_as_asked_for_in_every_frame(magnitude, flipped):
    arrived = pass_over("corrupt", magnitude=magnitude)
    assert {bits(a, b) for a, b in zip(arrived, FRAMES, strict=True)} == {flipped}
    assert all(frame.endswith(b"\r\n") for frame in arrived)


def test_corrupt_hits_every_part_of_a_frame_sooner_or_later():
    frames = [b"T:25.13\n"] * 2000
    hit = {
        next(i for i, (a, b) in enumerate(zip(frame, b"T:25.13\n", strict=True)) if a != b)
        for frame in pass_over("corrupt", frames)
    }
    assert hit == set(range(7))


def test_a_frame_cannot_lose_more_bits_than_it_has():
    assert pass_over("corrupt", [b"\x0f\n", b"\n"], magnitude=99) == [b"\xf0\n", b"\n"]


def test_truncate_takes_as_many_bytes_as_asked_for_off_the_end():
    arrived = pass_over("truncate", magnitude=5)
    assert arrived == [frame[:-7] + b"\r\n" for frame in FRAMES]


def test_truncate_draws_how_many_where_it_is_not_told():
    frames = [b"12345\n"] * 300
    assert set(pass_over("truncate", frames)) == {b"1\n", b"12\n", b"123\n", b"1234\n"}


def test_the_first_byte_of_a_truncated_frame_is_left():
    assert pass_over("truncate", [b"123\n", b"1\n", b"\n"], magnitude=50) == [b"1\n", b"1\n", b"\n"]
    assert pass_over("truncate", [b"1\n", b"\n", b""]) == [b"1\n", b"\n", b""]


@pytest.mark.parametrize("kind", ["corrupt", "truncate"])
def test_the_seed_fixes_what_arrives(kind):
    assert pass_over(kind, seed=1) == pass_over(kind, seed=1) != pass_over(kind, seed=2)


def test_a_signal_fault_does_not_act_on_frames():
    fault = Fault(kind="stuck", channel="T", duration_s=1)
    with pytest.raises(TypeError, match="stuck is no fault of frames but of the signal layer"):
        distort([b"x\n"], Placed(fault, 1, 0, 1), FaultPlan(faults=(fault,)), 0)


def test_each_fault_has_its_own_stream():
    fault = Fault(kind="corrupt", duration_s=100)
    plan = FaultPlan(faults=(fault, fault))
    one, two = (distort(FRAMES, Placed(fault, number, 0, 100), plan, 0) for number in (1, 2))
    assert not np.array_equal(one, two)


def test_merge_takes_the_line_end_of_every_first_of_two():
    assert pass_over("merge", [b"a\n", b"b\r\n", b"c\r\n"]) == [b"a", b"b\r\n", b"c\r\n"]


def test_a_splice_has_the_head_of_one_frame_and_the_tail_of_the_next():
    frames = [b"abcdefgh\n", b"ABCDEFGH\n"] * 50
    cuts = set()
    for first, second in zip(*[iter(pass_over("splice", frames))] * 2, strict=True):
        assert first == b"abcdefgh\n"[: len(first)]
        assert second == b"ABCDEFGH\n"[len(first) :]
        cuts.add(len(first))
    assert cuts == set(range(1, 8))


@pytest.mark.parametrize("frames", [[b""], [b"", b"x\n"], [b"\n", b"\n"], [b"only one\n"]])
def test_a_splice_of_next_to_nothing_is_no_error(frames):
    arrived = pass_over("splice", frames)
    assert len(arrived) == len(frames)
    assert b"".join(arrived).count(b"\n") <= 2


def test_a_duplicate_comes_twice_and_a_reordered_frame_before_its_turn():
    assert pass_over("duplicate", [b"a\n", b""]) == [b"a\na\n", b""]
    assert pass_over("reorder", [b"a\n", b"b\n", b"c\n"]) == [b"b\n", b"a\n", b"c\n"]


@pytest.mark.parametrize(("magnitude", "size"), [(None, 8), (30, 30)])
def test_garbage_stands_before_each_frame_that_comes(magnitude, size):
    arrived = pass_over("garbage", [*FRAMES[:99], b""], magnitude=magnitude)
    assert arrived.pop() == b""
    assert {len(a) - len(f) for a, f in zip(arrived, FRAMES, strict=False)} == {size}
    assert all(a.endswith(f) for a, f in zip(arrived, FRAMES, strict=False))
    assert len(set(b"".join(a[:size] for a in arrived))) > 200


def test_an_endless_line_ends_with_the_fault():
    assert b"".join(pass_over("endless_line", [b"a\n", b"b\r\n", b"", b"c\r\n"])) == b"abc\r\n"


@pytest.mark.parametrize("kind", ["disconnect", "power_cycle", "reset"])
def test_what_acts_on_the_plug_or_the_device_lets_no_frame_through(kind):
    assert b"".join(pass_over(kind)) in {b"", BOOT_TEXT}
    assert len(pass_over(kind)) == 100


@pytest.mark.parametrize("kind", ["disconnect", "power_cycle", "reset"])
def test_readings_cannot_be_unplugged(kind):
    readings = Readings.build(np.arange(100) * 10**9, np.zeros((100, 1)), ["T"])
    plan = FaultPlan(faults=(Fault(kind=kind, start_s=5, duration_s=5),))
    with pytest.raises(PlanError, match=rf"fault 1 \({kind}\) acts on the link.*take a silence"):
        inject(readings, plan)


def late(times: list[float], magnitude: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return when frames arrive, in seconds, that a jitter holds up."""
    plan = FaultPlan(faults=(Fault(kind="jitter", duration_s=100, magnitude=magnitude),))
    due = (np.array(times) * 1e9).astype(np.int64)
    return distort_times(due, Placed(plan.faults[0], 1, 0, len(due)), plan, seed) / 1e9


def test_jitter_makes_frames_late_and_none_overtakes_another():
    due = list(np.arange(5000.0) / 10)
    delay = late(due, magnitude=0.05) - due
    assert delay.min() >= 0
    assert (np.diff(late(due, magnitude=3.0)) >= 0).all()
    # Where no frame waits for another, delays are exponential: the mean is as large as the spread.
    alone = late([10.0 * n for n in range(2000)], magnitude=0.5) - 10.0 * np.arange(2000)
    assert alone.mean() == pytest.approx(0.5, rel=0.08)
    assert alone.std() == pytest.approx(0.5, rel=0.12)


def test_jitter_leaves_the_bytes_alone():
    assert pass_over("jitter", magnitude=5.0) == FRAMES


def test_a_delay_beyond_all_bounds_is_still_a_time():
    assert (late([0.0, 1.0, 2.0], magnitude=1e9) <= 1e9 + 2).all()


def test_a_fault_that_delays_nothing_leaves_the_times():
    plan = FaultPlan(faults=(Fault(kind="corrupt", duration_s=5),))
    due = np.arange(5)
    assert distort_times(due, Placed(plan.faults[0], 1, 0, 5), plan, 0) is due


def test_jitter_moves_the_times_of_readings_and_those_behind_wait():
    readings = Readings.build(np.arange(100) * 10**9, np.zeros((100, 1)), ["T"])
    plan = FaultPlan(faults=(Fault(kind="jitter", start_s=50, duration_s=10, magnitude=4.0),))
    faulty, labels = inject(readings, plan, seed=2)
    moved = (faulty.time - readings.time) / 1e9
    assert len(faulty) == 100
    assert (moved[:50] == 0).all()
    assert (moved[50:60] > 0).all()
    assert (np.diff(faulty.time) >= 0).all()
    assert faulty.time[60] == max(faulty.time[59], readings.time[60]) > readings.time[60]
    assert labels["start"][0].value == faulty.time[50]
    assert labels["end"][0].value == faulty.time[59]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", None])
def test_jitter_keeps_the_time_zone_of_a_table(zone):
    readings = Readings.build(np.arange(100) * 10**9, np.zeros((100, 1)), ["T"])
    frame = readings.to_frame()
    frame.index = frame.index.tz_convert(zone) if zone else frame.index.tz_localize(None)
    plan = FaultPlan(faults=(Fault(kind="jitter", start_s=50, duration_s=10, magnitude=4.0),))
    faulty, _ = inject(frame, plan, seed=2)
    assert faulty.index.dtype == frame.index.dtype
    assert (faulty.index[50:60] > frame.index[50:60]).all()


def test_a_reader_at_another_speed_gets_no_frame():
    arrived = pass_over("baud_mismatch")
    assert len(arrived) == len(FRAMES)
    assert not set(arrived) & set(FRAMES)
    assert b"".join(arrived).count(b"\n") < len(FRAMES) / 2


def test_a_reader_at_nearly_the_speed_gets_every_frame():
    # A bit is looked at in its middle: half a bit in ten is the limit (5 %).
    assert pass_over("baud_mismatch", magnitude=1.02) == FRAMES
    assert pass_over("baud_mismatch", magnitude=1.2) != FRAMES


@pytest.mark.parametrize("magnitude", [0.01, 100.0])
def test_a_reader_at_any_speed_gets_bounded_bytes(magnitude):
    long = [b"T:" + b"U" * 4000 + b"\n", b"", b"\x00\xff\n"]
    arrived = pass_over("baud_mismatch", long, magnitude=magnitude)
    assert arrived[1] == b""
    assert len(b"".join(arrived)) <= 10 * sum(map(len, long))


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "baud_mismatch", "magnitude": 1}, "size 1 changes nothing"),
        ({"kind": "baud_mismatch", "magnitude": 1000}, "0.01 to 100 are possible"),
        ({"kind": "jitter"}, "a jitter needs a magnitude: mean delay"),
        ({"kind": "jitter", "magnitude": -1}, "must be above 0"),
    ],
)
def test_a_delay_or_speed_that_makes_no_sense_is_refused(fault, wanted):
    with pytest.raises(PlanError, match=wanted):
        FaultPlan.from_dict({"faults": [{"duration_s": 5, **fault}]}, "test")
