"""A capture that is killed, and one that is asked to stop: real processes on a real pty."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from sensorkit.capture import Recording
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

from sensorkit.wire.links import open_link, open_pty

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


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fsync", ["never", "always"])
def test_a_kill_loses_nothing_that_was_read(pair, start, frame, tmp_path, seed, fsync):
    rng = random.Random(seed)
    stream = b"".join(frame(i) + (b"noise \xff\n" if i % 50 == 0 else b"") for i in range(6000))
    # More than a pseudo-terminal holds: the capture is at work when it is killed.
    sent = stream[: rng.randrange(40_000, len(stream))]
    process = start("--fsync", fsync, "--detector", "none")
    send(pair, sent, process)
    process.kill()
    process.communicate()
    with open_link(pair.port) as link:
        left = b""
        while piece := link.read(0.05):
            left += piece

    raw = (tmp_path / "rec" / "raw.log").read_bytes()
    assert sent.startswith(raw)
    assert sent.endswith(left)
    # Killed between the two system calls, the bytes of one read are nowhere: at most what a
    # terminal hands out at once.
    assert 0 <= len(sent) - len(raw) - len(left) <= 4095

    recording = recover(tmp_path / "rec")
    assert recording.status == "aborted"
    assert (tmp_path / "rec" / "raw.log").read_bytes() == raw
    assert recording.verify() == []
    assert replay(recording) == []
    assert recording.counts["received_bytes"] == len(raw)
    good = sum(line.startswith(b"T:") for line in raw.split(b"\n")[:-1])
    assert len(recording.readings()) == good


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
