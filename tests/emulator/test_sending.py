"""Frames leave when they are due, whole, and nobody's absence goes uncounted."""

import threading

import pytest

from sensorkit.emulator import EmulatedFrame, Emulator, serve
from sensorkit.errors import LinkLost, UsageError
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.wire.links import PtyLink, open_link, open_pty

PROFILE = Profile.load("serial_monitor")
FRAMES = [EmulatedFrame(float(n), b"frame %04d\n" % n) for n in range(10)]
ALL = b"".join(frame.data for frame in FRAMES)


class Clock:
    """A clock that only sleeping moves, always a little more than asked for."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self.late


class Wire:
    """A link whose far end takes what the test lets it take."""

    name = "wire"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.got: list[tuple[float, bytes]] = []

    def room(self, data: bytes) -> int:
        return len(data)

    def write(self, data: bytes) -> int:
        n = self.room(data)
        if n:
            self.got.append((self.clock.now - 100.0, data[:n]))
        return n

    def read(self, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        pass

    @property
    def bytes(self) -> bytes:
        return b"".join(data for _, data in self.got)


class Port(Wire):
    """A link that knows whether somebody reads: at these seconds nobody does."""

    away: tuple[float, float] = (0.0, 0.0)

    def has_reader(self) -> bool:
        return not self.away[0] <= self.clock.now - 100.0 < self.away[1]


def run(wire: Wire, frames=FRAMES, **options):
    return serve(frames, wire, clock=wire.clock, sleep=wire.clock.sleep, **options)


def test_every_frame_leaves_when_it_is_due():
    wire = Wire(Clock())
    served = run(wire)
    assert [at for at, _ in wire.got] == pytest.approx(range(10))
    assert wire.bytes == ALL
    assert served[:4] == (10, len(ALL), 0, 10)


def test_sleeping_too_long_delays_one_frame_and_not_the_schedule():
    wire = Wire(Clock(late=0.03))
    run(wire)
    lateness = [at - n for n, (at, _) in enumerate(wire.got)]
    assert max(lateness) < 0.07


def test_at_ten_times_the_speed_it_takes_a_tenth_of_the_time():
    wire = Wire(Clock())
    run(wire, speed=10.0)
    assert [at for at, _ in wire.got] == pytest.approx([n / 10 for n in range(10)])


def test_as_fast_as_possible_does_not_sleep():
    wire = Wire(Clock())
    served = run(wire, speed=None)
    assert wire.clock.now == 100.0
    assert wire.bytes == ALL
    assert served[:4] == (10, len(ALL), 0, 10)


def test_a_silence_takes_its_time_and_sends_nothing():
    wire = Wire(Clock())
    frames = [frame._replace(data=b"") if 3 <= frame.at_s < 7 else frame for frame in FRAMES]
    served = run(wire, frames)
    assert [at for at, _ in wire.got] == pytest.approx([0, 1, 2, 7, 8, 9])
    assert (served.frames, served.lost, served.passed) == (6, 0, 10)


def test_a_silence_at_the_end_is_waited_out():
    wire = Wire(Clock())
    run(wire, [*FRAMES, EmulatedFrame(20.0, b"")])
    assert wire.clock.now == pytest.approx(120.0)


def test_a_stop_is_noticed_within_a_fifth_of_a_second():
    wire = Wire(Clock())
    served = run(wire, stop=lambda: wire.clock.now >= 103.5)
    assert served.frames == 4
    assert wire.clock.now < 103.5 + 0.2 + 1e-6


@pytest.mark.parametrize("speed", [1.0, None])
def test_the_first_frame_waits_for_a_reader(speed):
    port = Port(Clock())
    port.away = (0.0, 7.0)
    started: list[float] = []
    run(port, speed=speed, on_start=lambda: started.append(port.clock.now - 100.0))
    # A reader is given a moment, in which some throw away what has arrived.
    assert 7.1 <= started[0] < 7.2
    assert port.got[0][0] == started[0]
    assert port.bytes == ALL


def test_waiting_for_a_reader_can_be_stopped():
    port = Port(Clock())
    port.away = (0.0, 1e9)
    served = run(port, stop=lambda: port.clock.now > 110)
    assert served[:4] == (0, 0, 0, 0)


def test_at_a_speed_frames_are_lost_and_counted_while_nobody_reads():
    port = Port(Clock())
    port.away = (2.5, 6.5)
    served = run(port)
    assert served[:4] == (6, 66, 4, 10)
    assert port.bytes == b"".join(FRAMES[n].data for n in (0, 1, 2, 7, 8, 9))


def test_as_fast_as_possible_nothing_is_lost_while_nobody_reads():
    port = Port(Clock())
    written = []

    def room(data: bytes) -> int:
        written.append(data)
        if len(written) == 2:
            now = port.clock.now - 100.0
            port.away = (now, now + 5.0)
        return min(7, len(data))

    port.room = room
    served = run(port, speed=None)
    assert port.bytes == ALL
    assert served[:4] == (10, len(ALL), 0, 10)


def test_a_frame_that_was_begun_is_finished_before_the_next():
    wire = Wire(Clock())
    rooms = iter([11, 4, 0, 3, 0, 4, 11])
    wire.room = lambda data: min(len(data), next(rooms, 99))
    served = run(wire)
    lines = wire.bytes.split(b"\n")
    assert lines.pop() == b""
    whole = {frame.data.rstrip() for frame in FRAMES}
    assert set(lines) <= whole
    assert len(lines) == served.frames == 10 - served.lost
    assert served.lost > 0
    assert served.bytes == len(wire.bytes)


def test_a_stop_in_the_middle_of_a_frame_still_finishes_it():
    wire = Wire(Clock())
    wire.room = lambda data: min(5, len(data))
    asked = iter([False] * 18)
    served = run(wire, speed=None, stop=lambda: next(asked, True))
    assert wire.bytes.endswith(b"\n")
    assert served.frames == served.passed == wire.bytes.count(b"\n") > 0
    assert ALL.startswith(wire.bytes)


def test_the_next_reader_of_a_socket_begins_with_a_whole_frame():
    port = Port(Clock())
    writes = iter([25, "lost"])

    def room(data: bytes) -> int:
        n = next(writes, 1000)
        if n == "lost":
            port.got.append((0.0, b"|"))
            raise LinkLost("gone")
        return min(n, len(data))

    port.room = room
    served = run(port, speed=None)
    assert port.bytes == ALL[:25] + b"|" + ALL[33:]
    assert (served.frames, served.lost) == (9, 1)


def test_a_device_that_is_unplugged_is_an_error():
    wire = Wire(Clock())

    def room(data: bytes) -> int:
        raise LinkLost("/dev/ttyUSB0: the device went away")

    wire.room = room
    with pytest.raises(LinkLost, match="went away"):
        run(wire)


def test_labels_begin_when_the_first_frame_leaves():
    wire = Wire(Clock())
    emulator = Emulator(PROFILE, plan=FaultPlan.load("forced_failure"))
    emulator.serve(wire, speed=None, frames=3, wall_clock=lambda: 5_000_000_000)
    assert [label.start for label in emulator.labels] == [5_000_000_000, 7_000_000_000]


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan"), float("inf"), 1e300])
def test_a_duration_that_makes_no_sense_is_refused(duration_s):
    with pytest.raises(UsageError, match=r"a duration of .* s is not possible; it must be above 0"):
        Emulator(PROFILE).serve(Wire(Clock()), duration_s=duration_s)


def test_what_was_never_sent_has_no_label():
    wire = Wire(Clock())
    emulator = Emulator(PROFILE, plan=FaultPlan.load("forced_failure"))
    emulator.serve(
        wire,
        speed=1.0,
        clock=wire.clock,
        sleep=wire.clock.sleep,
        frames=20,
        stop=lambda: wire.clock.now >= 103.5,
    )
    assert wire.bytes.count(b"\n") == 4
    assert [label.kind for label in emulator.labels] == ["stuck", "stuck"]


@pytest.mark.parametrize(
    ("limits", "frames"),
    [
        ({"duration_s": 10}, 20),
        ({"duration_s": 0.1}, 1),
        ({"frames": 7}, 7),
        ({"duration_s": 10, "frames": 7}, 7),
    ],
)
def test_the_run_ends_after_its_time_or_its_frames(limits, frames):
    wire = Wire(Clock())
    emulator = Emulator(PROFILE, hold="NORMAL", rate_hz=2.0)
    assert emulator.serve(wire, speed=None, **limits).frames == frames


@pytest.mark.pty
def test_over_a_pseudo_terminal_every_byte_arrives():
    expected = b"".join(frame.data for frame in Emulator(PROFILE, seed=3).frames(20_000))
    got = bytearray()

    def read(port: str) -> None:
        with open_link(port) as link:
            while (chunk := link.read(5.0)) is not None:
                got.extend(chunk)
                if not chunk:
                    return

    with open_pty() as pair:
        reader = threading.Thread(target=read, args=(pair.port,))
        reader.start()
        served = Emulator(PROFILE, seed=3).serve(PtyLink(pair), speed=None, frames=20_000)
        assert pair.drain(10.0)
    reader.join(10.0)
    assert not reader.is_alive()
    assert bytes(got) == expected
    assert served.bytes == len(expected)
