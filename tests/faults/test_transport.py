"""Transport faults change bytes, frame by frame, and spare the line ends."""

import numpy as np
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import Fault, FaultPlan, Placed, inject
from sensorkit.faults.on_bytes import BOOT_TEXT
from sensorkit.faults.transport import distort
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
