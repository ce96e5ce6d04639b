"""Bytes leave at the speed of the line, and each one that is lost is known."""

import json
import threading
from itertools import pairwise

import pytest

from sensorkit.emulator import EmulatedFrame, Emulator, serve
from sensorkit.emulator.truth_file import Truth, TruthWriter
from sensorkit.emulator.uart import FIFO_BYTES
from sensorkit.errors import LinkLost, UsageError
from sensorkit.profile import Profile
from sensorkit.wire.links import PtyLink, open_link, open_pty

FRAMES = [EmulatedFrame(float(n), b"frame %04d\n" % n) for n in range(10)]
ALL = b"".join(frame.data for frame in FRAMES)


def run(port, frames=FRAMES, **options):
    return serve(frames, port, clock=port.clock, sleep=port.clock.sleep, **options)


def arrivals(port, start):
    """When each byte was handed over, in ms since the first frame began."""
    return [(at - start) * 1000 for at, data in port.got for _ in data]


def test_a_byte_takes_ten_bits_and_comes_with_the_next_millisecond(port):
    run(port, baud=9600)
    start = port.got[0][0] - 0.002  # the first byte is whole after 1.04 ms
    wanted = [
        1000 * frame.at_s + -(-(k + 1) * 10_000 // 9600)
        for frame in FRAMES
        for k in range(len(frame.data))
    ]
    assert arrivals(port, start) == pytest.approx(wanted, abs=0.01)
    assert port.bytes == ALL


def test_a_saturated_line_has_no_gap(port):
    frames = [EmulatedFrame(0.0, b"x" * 99 + b"\n") for _ in range(1200)]
    served = run(port, frames, baud=1_200_000, speed=None)
    when = arrivals(port, port.got[0][0] - 0.001)
    assert when == pytest.approx([k // 120 + 1 for k in range(120_000)], abs=0.01)
    assert served == (1200, 120_000, 0, 1200, 0, 0.0)


def test_a_device_that_says_more_than_the_line_carries_falls_behind_and_loses_nothing(port):
    frames = [EmulatedFrame(n / 1000, b"x" * 99 + b"\n") for n in range(50)]  # 100 kB/s
    served = run(port, frames, baud=9600)
    assert (served.frames, served.dropped, served.held_s) == (50, 0, 0.0)
    assert port.got[-1][0] - port.got[0][0] == pytest.approx(5000 / 960, abs=0.01)


@pytest.mark.parametrize(("packet_ms", "size"), [(1.0, 11), (16.0, 184), (100.0, 1152)])
def test_bytes_come_in_packets_as_usb_brings_them(port, packet_ms, size):
    frames = [EmulatedFrame(0.0, b"x" * 99 + b"\n") for _ in range(100)]
    run(port, frames, baud=115_200, speed=None, packet_ms=packet_ms)
    apart = [later - at for (at, _), (later, _) in pairwise(port.got)]
    assert apart[:-1] == pytest.approx([packet_ms / 1000] * (len(apart) - 1), abs=1e-6)
    assert {len(data) for _, data in port.got[1:-1]} <= {size, size + 1}


def test_a_packet_that_is_full_leaves_early(port):
    frames = [EmulatedFrame(0.0, b"x" * 99 + b"\n") for _ in range(1000)]
    run(port, frames, baud=12_000_000, speed=None, packet_ms=16.0)
    assert {len(data) for _, data in port.got[:-1]} == {FIFO_BYTES // 2}


def test_what_finds_no_room_is_lost_byte_by_byte_and_noted(port, tmp_path):
    port.room = 25
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        served = run(port, baud=115_200, truth=truth, on_start=lambda: truth.start(10**18))
        truth.end(served)
    said = Truth.load(tmp_path / "truth.jsonl")
    assert port.bytes == ALL[:25]
    assert served[:5] == (2, 25, 8, 10, 85)
    assert [(drop.at, drop.bytes, drop.why) for drop in said.drops] == [(25, 85, "overrun")]
    assert b"".join(said.line) == ALL
    assert said.at.tolist() == [11 * n for n in range(10)]
    assert said.drops[0].time_ns - 10**18 == pytest.approx(2.001e9, abs=1e6)


def test_nobody_reading_is_no_overrun(port, tmp_path):
    port.away = (2.5, 5.5)
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        served = run(port, baud=115_200, truth=truth, on_start=lambda: truth.start(0))
    drops = Truth.load(tmp_path / "truth.jsonl").drops
    assert port.bytes == ALL[:33] + ALL[66:]
    assert served[:5] == (7, 77, 3, 10, 33)
    assert [(drop.at, drop.bytes, drop.why) for drop in drops] == [(33, 33, "no_reader")]
    assert drops[0].until_ns - drops[0].time_ns == pytest.approx(2e9, abs=1e6)


def test_an_emulator_that_was_held_up_catches_up_by_one_fifo_at_most(port, clock):
    frames = [EmulatedFrame(0.0, b"x" * 99 + b"\n") for _ in range(2000)]
    stalls = iter([0.0] * 10 + [0.005] + [0.0] * 10 + [0.5])

    def sleep(seconds):
        clock.now += seconds + next(stalls, 0.0)

    served = serve(frames, port, clock=clock, sleep=sleep, baud=12_000_000, speed=None)
    assert max(len(data) for _, data in port.got) == FIFO_BYTES
    # Six milliseconds fit; of half a second and one millisecond all but 6.8 ms is time that the
    # line stood still.
    assert served.held_s == pytest.approx(0.501 - FIFO_BYTES / 1_200_000, abs=1e-6)
    assert (served.frames, served.dropped) == (2000, 0)
    assert port.got[-1][0] - port.got[0][0] == pytest.approx(0.2 / 1.2 + served.held_s, abs=0.002)


def test_a_silence_takes_its_time(port):
    frames = [frame._replace(data=b"") if 3 <= frame.at_s < 7 else frame for frame in FRAMES]
    served = run(port, [*frames, EmulatedFrame(20.0, b"")], baud=115_200)
    assert port.bytes == ALL[:33] + ALL[77:]
    assert (served.frames, served.passed) == (6, 11)
    assert port.seconds >= 20.0


def test_a_stop_in_the_middle_of_a_frame_still_finishes_it(port, tmp_path):
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        served = run(
            port, baud=1200, truth=truth, on_start=lambda: truth.start(0),
            stop=lambda: port.seconds > 3.13,
        )  # fmt: skip
    assert port.bytes == ALL[:44]
    assert served.frames == served.passed == len(Truth.load(tmp_path / "truth.jsonl").sent) == 4


def test_a_device_that_is_unplugged_is_an_error(clock):
    class Wire:
        name = "wire"

        def write(self, data):
            raise LinkLost("gone")

    wire = Wire()
    with pytest.raises(LinkLost, match="gone"):
        serve(FRAMES, wire, clock=clock, sleep=clock.sleep, baud=9600)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"baud": 10}, "a line of 10 baud is not possible; 50 to 100000000 are"),
        ({"baud": 9600, "packet_ms": 0.0}, "packets every 0 ms are not possible; 0.05 to 1000"),
    ],
)
def test_what_no_line_does_is_refused(port, options, wanted):
    with pytest.raises(UsageError, match=wanted):
        run(port, **options)


class Watched(TruthWriter):
    """Says when bytes are lost for the first time."""

    def __init__(self, path, lost):
        super().__init__(path)
        self.lost = lost

    def dropped(self, *facts):
        super().dropped(*facts)
        self.lost.set()


@pytest.mark.pty
@pytest.mark.parametrize("asleep", [False, True])
def test_over_a_pseudo_terminal_what_arrives_is_what_was_sent_less_what_was_dropped(
    tmp_path, asleep
):
    emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", seed=1)
    got = bytearray()
    lost = threading.Event()

    def read(port: str) -> None:
        with open_link(port) as link:
            if asleep:  # until more has come than a pseudo-terminal holds
                lost.wait(20)
            while (chunk := link.read(5.0)) is not None:
                got.extend(chunk)
                if not chunk:
                    return

    path = tmp_path / "truth.jsonl"
    with open_pty() as pair, Watched(path, lost) as truth:
        reader = threading.Thread(target=read, args=(pair.port,))
        reader.start()
        # At 115200 a pseudo-terminal holds what comes in a second: no test machine is that busy.
        baud, frames = (1_000_000, 2000) if asleep else (115_200, 300)
        served = emulator.serve(PtyLink(pair), speed=None, baud=baud, frames=frames, truth=truth)
        lost.set()
        assert pair.drain(10.0)
    reader.join(10.0)
    assert not reader.is_alive()
    said = Truth.load(path)
    line = bytearray(b"".join(said.line))
    for drop in reversed(said.drops):
        del line[drop.at : drop.at + drop.bytes]
    assert bytes(got) == bytes(line)
    assert len(line) == served.bytes
    assert served.dropped == sum(drop.bytes for drop in said.drops)
    assert bool(served.dropped) == asleep
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["record"], last["lost"]) == ("end", served.lost)
