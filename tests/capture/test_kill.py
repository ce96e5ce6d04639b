"""A capture that is killed, and one that is asked to stop: real processes on a real pty."""

import contextlib
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensorkit.capture import Recording, layout
from sensorkit.capture.disk import lock
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.capture.vouched import vouched

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

from sensorkit.wire.links import open_pty
from sensorkit.wire.posix import make_raw

pytestmark = pytest.mark.pty

PATIENCE_S = 30


@pytest.fixture
def pair():
    with open_pty() as pair:
        yield pair


@pytest.fixture
def start(pair, tmp_path):
    """Start `sensorkit capture` on the pair and wait until it has the port open."""
    processes = []

    def run(*options):
        process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit", "capture", pair.port, "--out", "rec", *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        end = time.monotonic() + PATIENCE_S
        while not pair.has_reader():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def send(pair, data, process):
    end = time.monotonic() + PATIENCE_S
    while data:
        assert process.poll() is None
        assert time.monotonic() < end
        data = data[pair.master.write(data[:4096]) :]


class Wire:
    """A pseudo-terminal whose both ends are held here: what nobody has read stays in it."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        make_raw(self.slave, 115200)
        for fd in (self.master, self.slave):
            os.set_blocking(fd, False)
        self.port = os.ttyname(self.slave)
        self.sent = 0

    def feed(self, stream):
        """Send as much as there is room for, or wait a moment for some."""
        if not select.select([], [self.master], [], 0.001)[1]:
            return
        with contextlib.suppress(BlockingIOError):
            while self.sent < len(stream):
                self.sent += os.write(self.master, stream[self.sent : self.sent + 4096])

    def left(self, expected):
        """Return what is still in it; what is on its way is waited for."""
        left = b""
        while len(left) < expected and select.select([self.slave], [], [], 1)[0]:
            left += os.read(self.slave, 65536)
        with contextlib.suppress(BlockingIOError):
            left += os.read(self.slave, 65536)
        return left

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """Start captures on ports, as fast as a fork is."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forked_captures.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def capture(port, out, fsync=1.0, rotate=None):
        told = {"port": port, "out": str(out), "fsync": fsync, "rotate": rotate}
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield capture
    process.communicate()


def make_stream(frame, seed):
    """Return 1 MB of frames and noise of which no two stretches are the same."""
    rng = random.Random(seed)
    noise = (rng.randbytes(7) + b"\xff\n" if i % 50 == 0 else b"" for i in range(20000))
    return b"".join(frame(i) + more for i, more in enumerate(noise))


def size_of(folder):
    """Return the bytes in all raw files."""
    with contextlib.suppress(FileNotFoundError):
        return sum((folder / name).stat().st_size for name in layout.raw_names(folder))
    return 0


def raw_of(folder):
    return b"".join((folder / name).read_bytes() for name in layout.raw_names(folder))


def is_written(folder):
    """Return whether somebody still writes: the lock on raw.log goes with its last writer."""
    if not (folder / "raw.log").exists():
        return False
    with (folder / "raw.log").open("rb") as raw:
        return not lock(raw.fileno())


def check_finished(folder, raw, frame):
    """It must become a whole recording of exactly these bytes."""
    recording = recover(folder)
    assert raw_of(folder) == raw
    assert recording.verify() == []
    assert vouched(folder).bad is None
    assert replay(recording) == []
    assert recording.counts["received_bytes"] == len(raw)
    good = sum(line.startswith(b"T:") and line.endswith(b"\r") for line in raw.split(b"\n")[:-1])
    assert recording.counts["frames"] == good
    assert sum(recording.counts["rejected"].values()) == raw.count(b"\n") - good
    return recording


# (seconds between fsyncs, rotation)
OPTIONS = [(None, None), (1.0, None), (0.01, None), (0, None), (1.0, (9000, None))]
KILLS = int(os.environ.get("SENSORKIT_KILLS", "200"))


@pytest.mark.slow
def test_killing_the_capture_at_any_moment_loses_nothing_that_was_read(forked, frame, tmp_path):
    """Sent is raw.log and what is still in the port, to the byte, each time."""
    rng = random.Random(20261121)
    stream = make_stream(frame, 1)
    mid_flight = 0
    for trial in range(KILLS):
        folder, wire = tmp_path / f"rec{trial}", Wire()
        options = rng.choice(OPTIONS)
        # A moment is a number of bytes: sent, or on disk.
        after = int(10 ** rng.uniform(0, 5.5))
        of_disk = rng.random() < 0.5
        pid = forked(wire.port, folder, *options)
        while (size_of(folder) if of_disk else wire.sent) < after:
            wire.feed(stream)
            assert wire.sent < len(stream) or not of_disk
        os.kill(pid, signal.SIGKILL)
        while is_written(folder):
            wire.feed(stream)  # the device does not stop for it
        raw = raw_of(folder) if folder.exists() else b""
        left = wire.left(wire.sent - len(raw))
        assert raw + left == stream[: wire.sent], (trial, options, after, of_disk)
        mid_flight += bool(raw) and bool(left)
        if (folder / "recording.json").exists():
            check_finished(folder, raw, frame)
        shutil.rmtree(folder, ignore_errors=True)
        wire.close()
    assert mid_flight > KILLS / 3  # the moments are in the middle of it, not before or after


@pytest.mark.parametrize("trial", range(8))
def test_killing_the_pump_loses_at_most_the_read_it_held(forked, frame, wire, tmp_path, trial):
    stream, folder = make_stream(frame, trial), tmp_path / "rec"
    pid = forked(wire.port, folder, 1.0, (9000, None) if trial % 2 else None)
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while size_of(folder) < 10_000 * (trial + 1):
        wire.feed(stream)
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    manifest, end = folder / "manifest-sha256.txt", time.monotonic() + PATIENCE_S
    while not manifest.exists():
        assert time.monotonic() < end
    recording, raw = Recording.open(folder), raw_of(folder)
    left = wire.left(wire.sent - len(raw))
    sent = stream[: wire.sent]
    assert sent.startswith(raw)
    assert sent.endswith(left)
    assert 0 <= len(sent) - len(raw) - len(left) <= 4095  # what a terminal hands out at once
    assert recording.status == "failed"
    assert "the process that read the port ended by itself (SIGKILL)" in recording.meta["reason"]
    assert recording.verify() == []
    assert replay(recording) == []
    assert recording.counts["received_bytes"] == len(raw)
    assert [event["kind"] for event in recording.events()][-1] == "link_lost"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_recording_in_good_order(pair, start, frame, tmp_path, name):
    process = start()
    sent = b"".join(frame(i) for i in range(200))
    send(pair, sent, process)
    assert pair.drain(PATIENCE_S)
    os.kill(process.pid, getattr(signal, name))
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "200 frames, 0 lines rejected" in output
    recording = Recording.open(tmp_path / "rec")
    assert (recording.status, recording.meta["reason"]) == ("complete", "stopped by the user")
    assert (recording.dir / "raw.log").read_bytes() == sent
    assert recording.verify() == []
    assert replay(recording) == []


def test_while_it_runs_it_can_be_read_but_not_recovered(pair, start, frame, tmp_path):
    process = start()
    send(pair, frame(1), process)
    raw, end = tmp_path / "rec" / "raw.log", time.monotonic() + PATIENCE_S
    while not (raw.exists() and raw.read_bytes() == frame(1)):
        assert time.monotonic() < end
    done = subprocess.run(
        [sys.executable, "-m", "sensorkit", "recover", "rec"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "sensorkit: rec: is still being written; stop the capture first\n"
