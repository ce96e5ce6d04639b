"""The faults of a serial line, part 2: what ports, devices and machines do.

Each is tried on a real `sensorkit capture` on a pseudo-terminal, where every byte that was written
is known. What a pseudo-terminal does not have is said in the test.
"""

import errno
import os
import resource
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.cli import main
from sensorkit.emulator import Emulator
from sensorkit.emulator.plug import plug_pty
from sensorkit.emulator.truth import compare
from sensorkit.emulator.truth_file import Truth, TruthWriter
from sensorkit.errors import LinkError
from sensorkit.profile import Profile
from sensorkit.wire.links import PtyLink, open_link
from sensorkit.wire.posix import open_port

pytestmark = pytest.mark.pty

SHIPPED = Path(__file__).parents[2] / "sensorkit" / "profiles" / "serial_monitor.yaml"


def inputs(pair) -> int:
    """The input modes of the port as the capture has set them."""
    fd = os.open(pair.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return termios.tcgetattr(fd)[0]
    finally:
        os.close(fd)


class Watched(TruthWriter):
    """Asks something after each frame."""

    passed = 0

    def __init__(self, path, ask):
        super().__init__(path)
        self.ask = ask

    def frame(self, *facts):
        super().frame(*facts)
        self.passed += 1
        self.ask(self.passed)


def serve(pair, tmp_path, *, ask=lambda passed: None, frames=1000, **options):
    """Emulate a device on a line with a baud rate; *ask* is told how many frames have passed."""
    emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", seed=3)
    with Watched(tmp_path / "truth.jsonl", ask) as truth:
        served = emulator.serve(PtyLink(pair), speed=None, frames=frames, truth=truth, **options)
    assert pair.drain(30)
    return Truth.load(tmp_path / "truth.jsonl"), served


@pytest.fixture
def pump_of(patient):
    """Find the process that reads the port for a capture, once it has begun."""

    def find(process) -> int:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

        def pumps() -> list[int]:
            return [
                int(child)
                for child in children.read_text().split()
                if b"pump.py" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]

        patient(lambda: len(pumps()) == 1, process)
        return pumps()[0]

    return find


def stopped_between(pids: list[int], first: int, last: int):
    """Stop processes while these frames pass."""

    def ask(passed: int) -> None:
        if passed in (first, last):
            for pid in pids:
                os.kill(pid, signal.SIGSTOP if passed == first else signal.SIGCONT)

    return ask


def test_fault_02_a_pause_in_a_frame_does_not_make_two_of_it(capture, pair, frames):
    sent = frames(3)
    running = capture(pair.port, pair.has_reader)
    # Each half is on disk before the next one is sent: the capture has long looked at it.
    running.send(pair, sent[0][:20])
    running.send(pair, sent[0][20:] + sent[1][:1])
    running.send(pair, sent[1][1:])
    running.send(pair, sent[2])
    got = running.outcome(sent)
    assert (got.sequence, got.reasons) == ([1, 2, 3], [])
    got.check()


def test_fault_13_a_plug_that_is_pulled_out_costs_nothing_that_was_read(
    capture, frames, tmp_path, patient
):
    sent = frames(200)
    device = plug_pty(tmp_path / "port")
    try:
        running = capture(str(tmp_path / "port"), device.has_reader, "--reconnect")
        running.send(device.link.pair, b"".join(sent))
        device.unplug()
        patient(lambda: "link_lost" in running.events(), running.process)
        got = running.outcome(sent)
    finally:
        device.close()
    assert got.code == 0
    assert got.sequence == list(range(1, 201))
    (lost,) = [event for event in got.recording.events() if event["kind"] == "link_lost"]
    assert lost["offset"] == sum(map(len, sent))
    got.check()


def test_fault_13_a_device_that_goes_for_good_fails_the_capture(capture, frames, pair):
    sent = frames(50)
    running = capture(pair.port, pair.has_reader, "--frames", 1000)
    running.send(pair, b"".join(sent) + b"T:85.5,V:")
    pair.master.close()
    got = running.outcome(sent, [*sent[:-1], sent[-1] + b"T:85.5,V:"], how=None)
    assert got.code == 1
    assert "after 50 of 1000 frames" in got.errors
    assert got.recording.counts["tail_bytes"] == 9
    assert got.sequence == list(range(1, 51))


def test_fault_14_it_comes_back_under_another_number_behind_its_link(
    capture, frames, truth, tmp_path, patient
):
    sent = frames(300)
    port = tmp_path / "by-id"
    device = plug_pty(port)
    try:
        first = str(port.readlink())
        running = capture(str(port), device.has_reader, "--reconnect")
        running.send(device.link.pair, b"".join(sent[:100]) + sent[100][:10])
        device.unplug()
        patient(lambda: "link_lost" in running.events(), running.process)
        second = device.replug()
        patient(device.has_reader, running.process)
        # What the device has sent since in vain is lost, and its beginning is the end of a frame.
        running.send(device.link.pair, sent[150][10:] + b"".join(sent[151:]))
        got = running.outcome(
            sent,
            truth(
                [*sent[:101], *sent[150:]],
                [*sent[:100], sent[100][:10], sent[150][10:], *sent[151:]],
            ),
        )
    finally:
        device.close()
    assert os.path.realpath(second) == second != first
    assert got.sequence == [*range(1, 101), *range(152, 301)]
    assert got.reasons == ["cut", "partial_start"]
    assert got.kinds[:3] == ["link_opened", "link_lost", "link_back"]
    assert got.score.counted_lost == 51
    got.check()


def test_fault_16_a_second_reader_is_refused_and_the_first_has_every_frame(
    capture, frames, pair, tmp_path
):
    sent = frames(400)
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(sent[:200]))
    second = subprocess.run(
        [sys.executable, "-m", "sensorkit", "capture", pair.port, "--out", tmp_path / "second"],
        capture_output=True,
        text=True,
        check=False,
    )
    running.send(pair, b"".join(sent[200:]))
    got = running.outcome(sent)
    assert second.returncode == 2
    assert "is in use" in second.stderr
    assert not (tmp_path / "second").exists()
    assert got.sequence == list(range(1, 401))
    got.check()


def test_fault_17_a_device_that_is_silent_is_lost_after_its_heartbeat(
    capture, frames, pair, tmp_path, patient
):
    impatient = tmp_path / "impatient.yaml"
    text = SHIPPED.read_text()
    assert "heartbeat_s: 5.0" in text
    impatient.write_text(text.replace("heartbeat_s: 5.0", "heartbeat_s: 0.5"))
    sent = frames(2, uptime=False)
    running = capture(pair.port, pair.has_reader, "--profile", impatient)
    running.send(pair, sent[0])
    patient(lambda: "heartbeat_lost" in running.events(), running.process)
    running.send(pair, sent[1])
    got = running.outcome(sent)
    events = {event["kind"]: event for event in got.recording.events()}
    assert events["heartbeat_lost"]["details"]["after_s"] == 0.5
    assert events["heartbeat_back"]["details"]["silent_s"] > 0.5
    got.check()


def test_fault_18_flow_control_bytes_are_data_and_not_swallowed(capture, frames, pair):
    sent = frames(40)
    line = [*sent]
    line[10] = line[10].replace(b"T:", b"T:\x11").replace(b".", b"\x13.", 1)
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(line))
    assert not inputs(pair) & (termios.IXON | termios.IXOFF)
    got = running.outcome(sent, line)
    # Swallowed, they would have left a right frame: T:85.5 out of T:<XON>85<XOFF>.5.
    assert (got.reasons, len(got.sequence)) == (["encoding"], 39)
    got.check()


def test_fault_19_a_port_that_was_left_cooked_is_made_raw(capture, frames, pair, patient):
    fd = os.open(pair.device, os.O_RDWR | os.O_NOCTTY)
    cooked = termios.tcgetattr(fd)
    cooked[0] |= termios.ICRNL | termios.IXON | termios.BRKINT
    cooked[3] |= termios.ICANON | termios.ECHO | termios.ISIG
    termios.tcsetattr(fd, termios.TCSANOW, cooked)
    sent = [frame[:-1] + b"\r\n" for frame in frames(20)]
    long = b"\x03\x04\x7f" + b"x" * 6000 + b"\r\n"

    def is_raw() -> bool:
        return not termios.tcgetattr(fd)[3] & termios.ICANON

    try:
        running = capture(pair.port, is_raw)
    finally:
        os.close(fd)
    running.send(pair, b"".join(sent) + long)
    got = running.outcome(sent, [*sent[:-1], sent[-1] + long])
    assert (got.recording.dir / "raw.log").read_bytes() == b"".join(sent) + long
    assert got.sequence == list(range(1, 21))
    assert pair.master.read(0) == b""  # no echo has gone back to the device
    assert got.score.wrong == 0


def test_fault_20_bytes_that_a_slow_reader_loses_are_lost_frames_and_no_wrong_ones(
    capture, pair, tmp_path, pump_of
):
    running = capture(pair.port, pair.has_reader)
    pids = [running.process.pid, pump_of(running.process)]
    # 800 frames are 36 kB; a pseudo-terminal holds 14 to 21.
    said, served = serve(pair, tmp_path, ask=stopped_between(pids, 100, 900), baud=460_800)
    got = running.outcome([], said)
    assert served.dropped > 10_000
    assert got.score.dropped_bytes == served.dropped
    assert got.score.lost > 200
    assert got.score.intact + got.score.damaged + got.score.lost == 1000
    assert got.score.counted_lost == got.score.not_accepted == 1000 - got.score.intact
    # What is left of two frames on either side of a gap is one line, and no reading.
    assert len(got.reasons) >= 1
    got.check()


def test_fault_20_a_driver_that_counts_overruns_is_asked(tmp_path, pair):
    # A pseudo-terminal has no TIOCGICOUNT: a link that counts stands in for the driver.
    class Port:
        name, mid_stream, dropped, left = "port", False, 0, 5

        def read(self, timeout):
            self.left -= 1
            self.dropped += 7 * (self.left == 3)
            clock.now += 2_000_000_000
            return b"" if self.left else None

        def overruns(self):
            return self.dropped

        def write(self, data):
            return 0

        def close(self):
            pass

    class Clock:
        now = 1_700_000_000_000_000_000

        def __call__(self):
            return self.now

    clock, port = Clock(), Port()
    with open_port(pair.device, baud=9600, exclusive=True) as real:
        assert real.overruns() is None
    writer = RecordingWriter(
        tmp_path / "rec", Profile.load("serial_monitor"), link={"url": "port", "baud": 1},
        started_ns=clock(), fsync=None,
    )  # fmt: skip
    for _ in record(port, writer, clock=clock):
        pass
    (overrun,) = [e for e in Recording.open(writer.dir).events() if e["kind"] == "overrun"]
    assert overrun["details"]["bytes"] == 7


@pytest.mark.parametrize(("baud", "pump_too"), [(460_800, False), (115_200, True)])
def test_fault_21_a_stall_loses_nothing_and_moves_no_time(
    capture, pair, tmp_path, pump_of, baud, pump_too
):
    running = capture(pair.port, pair.has_reader)
    # A stall of what parses may last for ever: 36 kB pass while it is stopped, and are on disk.
    # Of the pump, as long as a pseudo-terminal has room: 100 frames are 5 kB.
    pids = [running.process.pid, *([pump_of(running.process)] if pump_too else [])]
    ask = stopped_between(pids, 100, 200 if pump_too else 900)
    said, served = serve(pair, tmp_path, ask=ask, baud=baud)
    got = running.outcome([], said)
    assert served.dropped == 0
    assert got.sequence == list(range(1, 1001))
    # The device's own clock says when each was, though many came at once: 1 s apart.
    times = got.recording.readings().time
    assert set((times[1:] - times[:-1]).tolist()) == {1_000_000_000}
    received = [at for at, _ in got.recording.raw()]
    assert received == sorted(received)
    got.check()


def test_fault_22_frames_that_come_in_packets_are_put_together(capture, pair, tmp_path):
    running = capture(pair.port, pair.has_reader)
    said, _ = serve(pair, tmp_path, frames=500, baud=115_200, packet_ms=16.0)
    got = running.outcome([], said)
    lengths = [len(chunk) for _, chunk in got.recording.raw()]
    assert got.sequence == list(range(1, 501))
    assert max(lengths) >= 150  # three frames and a piece of another
    assert sum(length % 47 != 0 for length in lengths) > len(lengths) / 2
    got.check()


def test_fault_23_a_wall_clock_that_is_set_is_an_event_and_moves_no_time(tmp_path, frames):
    # The clock of this machine stays as it is: two counters stand in for it.
    class Clocks:
        now = 0
        wall_is_ahead = 1_700_000_000_000_000_000

        def monotonic(self):
            return self.now

        def wall(self):
            return self.now + self.wall_is_ahead

    class Port:
        name, mid_stream = "port", False
        lines = frames(12, uptime=False)

        def read(self, timeout):
            clocks.now += 1_100_000_000
            if len(self.lines) == 8:
                clocks.wall_is_ahead += 3600 * 10**9
            if len(self.lines) == 4:
                clocks.wall_is_ahead -= 7200 * 10**9
            return self.lines.pop(0) if self.lines else None

        def write(self, data):
            return 0

        def close(self):
            pass

    clocks = Clocks()
    clock = AnchoredClock(clocks.wall, clocks.monotonic)
    writer = RecordingWriter(
        tmp_path / "rec", Profile.load("serial_monitor"), link={"url": "port", "baud": 1},
        started_ns=clock(), fsync=None,
    )  # fmt: skip
    for _ in record(Port(), writer, clock=clock):
        pass
    recording = Recording.open(writer.dir)
    steps = [e["details"]["step_s"] for e in recording.events() if e["kind"] == "clock_step"]
    assert steps == [pytest.approx(3600), pytest.approx(-7200)]
    times = recording.readings().time
    assert set((times[1:] - times[:-1]).tolist()) == {1_100_000_000}
    assert replay(recording) == []


def test_fault_26_a_full_disk_ends_the_capture_and_spoils_nothing(capture, frames, pair):
    sent = frames(4000)
    running = capture(
        pair.port,
        pair.has_reader,
        # No file may grow beyond this, as if the disk ended there.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    data = b"".join(sent)
    while data and running.process.poll() is None:
        data = data[pair.master.write(data[:2000]) :]
    code, _, errors = running.stop(None)
    assert code == 1
    assert errors.count("sensorkit: ") == 1
    assert "raw.log" in errors or "disk" in errors
    raw = (running.folder / "raw.log").read_bytes()
    assert b"".join(sent).startswith(raw)
    assert len(raw) <= 100_000
    recording = Recording.open(running.folder)
    if not recording.whole:
        recording = recover(running.folder)
    assert recording.verify() == []
    assert replay(recording) == []
    rows = recording.readings()
    assert rows.sequence.tolist() == list(range(1, len(rows) + 1))


def test_fault_27_a_kill_loses_nothing_that_was_read(capture, frames, truth, pair):
    sent = frames(2000)
    running = capture(pair.port, pair.has_reader)
    stream = b"".join(sent)
    running.send(pair, stream[:60_000], wait=False)
    os.kill(running.process.pid, signal.SIGKILL)
    running.stop(None)
    left = b""
    # What nobody has read is still in the pseudo-terminal; the pump ends with its capture.
    with open_link(pair.port, exclusive=False) as link:
        while piece := link.read(0.5):
            left += piece
    raw = running.raw
    assert raw + left == stream[:60_000]
    recording = recover(running.folder)
    assert recording.status == "aborted"
    score = compare(truth(sent, sent), recording)
    assert score.ok
    assert score.accepted == raw.count(b"\n")
    assert recording.verify() == []
    assert replay(recording) == []


def test_fault_28_a_raw_log_that_is_taken_away_is_noticed(capture, frames, pair, patient):
    sent = frames(100)
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(sent[:50]))
    (running.folder / "raw.log").unlink()
    patient(lambda: running.process.poll() is not None)
    code, _, errors = running.stop(None)
    assert code == 1
    assert "raw.log" in errors


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (errno.EACCES, "no permission to open it"),
        (errno.ENOENT, "there is no such port"),
        (errno.EBUSY, "is in use"),
        (errno.EIO, "cannot be opened"),
    ],
)
def test_fault_29_a_port_that_cannot_be_opened_says_what_to_do(monkeypatch, number, wanted):
    # Whoever is root may open everything: the refusal of the system is made.
    def refuse(path, flags):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("sensorkit.wire.posix.os.open", refuse)
    with pytest.raises(LinkError) as caught:
        open_link("/dev/ttyUSB99")
    assert str(caught.value).startswith(f"/dev/ttyUSB99: {wanted}")
    assert ";" in str(caught.value)


def test_fault_29_a_port_that_is_not_there_leaves_no_folder(monkeypatch, capsys, tmp_path):
    folder = str(tmp_path / "rec")
    monkeypatch.setattr(sys, "argv", ["sensorkit", "capture", "/dev/ttyUSB99", "--out", folder])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "there is no such port" in capsys.readouterr().err
    assert not Path(folder).exists()


def test_fault_30_the_port_is_no_controlling_terminal_that_could_hang_up(
    capture, frames, pair, patient
):
    sent = frames(20)
    # A session leader without a terminal gets the first that it opens, but for O_NOCTTY.
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(sent))
    assert os.getsid(running.process.pid) == running.process.pid
    terminal = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()[4]
    assert terminal == "0"
    pair.master.close()
    got = running.outcome(sent, how=None)
    assert got.code == 0  # not -1, killed by SIGHUP
    assert got.sequence == list(range(1, 21))
    got.check()


def test_fault_31_a_break_is_a_byte_and_no_signal(capture, frames, pair):
    # A pseudo-terminal carries no break; a port that is set like this gives a NUL for it.
    sent = frames(20)
    line = [*sent]
    line[10] = b"\0" + line[10]
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(line))
    assert not inputs(pair) & (
        termios.BRKINT | termios.IGNBRK | termios.PARMRK | termios.ISTRIP | termios.INPCK
    )
    got = running.outcome(sent, line)
    assert (got.reasons, len(got.sequence)) == (["encoding"], 19)


def test_fault_32_nothing_is_ever_sent_to_the_device(capture, frames, pair):
    sent = frames(50)
    running = capture(pair.port, pair.has_reader)
    running.send(pair, b"".join(sent))
    assert pair.master.read(0) == b""
    running.outcome(sent).check()
    # A device that echoes has nothing to echo.
    assert pair.master.read(0) == b""


def test_fault_33_a_start_and_an_end_in_the_middle_of_a_frame_are_no_readings(
    capture, frames, pair
):
    sent = frames(30)
    running = capture(pair.port, pair.has_reader)
    line = [sent[0][9:], *sent[1:-1], sent[-1][:12]]
    running.send(pair, b"".join(line))
    got = running.outcome(sent, line)
    assert got.reasons == ["partial_start"]
    assert got.sequence == list(range(2, 30))
    assert got.recording.counts["tail_bytes"] == 12
    assert (got.score.counted_lost, got.score.wrong) == (0, 0)
    got.check()
