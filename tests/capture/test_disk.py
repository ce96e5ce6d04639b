"""Disks that fill up, fail or go away while a capture writes."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import time

import pytest

from sensorkit.capture import Recording, RecordingWriter, disk, layout, pump
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.capture.vouched import vouched
from sensorkit.errors import RunError

S = 1_000_000_000
START = 1_700_000_000 * S
PATIENCE_S = 30

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of so many bytes; needs root, and a system that lets root mount."""
    mounted = []

    def mount(size):
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount here")
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.decode().strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def capture_pty(tmp_path):
    """Run `sensorkit capture` on a pseudo-terminal; return the process and the device's end."""
    from sensorkit.wire.links import open_pty

    started = []

    def start(out, *options, limit=None):
        import resource

        pair = open_pty()

        def restrict():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit", "capture", pair.port, "--out", str(out), *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=restrict if limit else None,
        )
        started.append((process, pair))
        end = time.monotonic() + PATIENCE_S
        while not pair.has_reader():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
        return process, pair

    yield start
    for process, pair in started:
        process.kill()
        process.communicate()
        pair.close()


def feed(process, pair, stream, until=lambda sent: False):
    """Send until the capture has ended, all is sent, or *until* says so; return what was sent."""
    sent, end = 0, time.monotonic() + PATIENCE_S
    while process.poll() is None and sent < len(stream) and not until(sent):
        assert time.monotonic() < end
        sent += pair.master.write(stream[sent : sent + 4096])
    return stream[:sent]


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end


def check_recovers(folder, raw):
    """What is there must become a whole recording of these bytes."""
    assert vouched(folder).bad is None
    recording = recover(folder)
    assert b"".join(data for _, data in recording.raw()) == raw
    assert recording.verify() == []
    assert replay(recording) == []
    return recording


@needs_pty
@pytest.mark.pty
@pytest.mark.parametrize("limit", [20_000, 100_001])
def test_a_file_that_may_not_grow_ends_the_capture_with_a_sentence(
    capture_pty, capture, frame, tmp_path, limit
):
    capture([(0, frame(0) + frame(1))], name="compiled")  # under the limit no kernel could be kept
    process, pair = capture_pty(tmp_path / "rec", "--detector", "none", limit=limit)
    stream = b"".join(frame(i) for i in range(20_000))
    sent = feed(process, pair, stream)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, errors
    assert "rec: cannot be written: File too large; what was received until then is kept" in errors
    raw = (tmp_path / "rec" / "raw.log").read_bytes()
    assert sent.startswith(raw)
    assert len(raw) > limit / 3
    recording = check_recovers(tmp_path / "rec", raw)
    assert recording.status == "failed"
    assert "File too large" in recording.meta["reason"]


@needs_pty
@pytest.mark.pty
def test_a_capture_ends_in_good_order_while_there_is_still_room(capture_pty, frame, small_disk):
    out = small_disk("40m") / "rec"
    process, pair = capture_pty(out, "--detector", "none", "--profile", "serial_monitor")
    stream = b"".join(frame(i) for i in range(700_000))
    sent = feed(process, pair, stream)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, errors
    assert "is almost full: " in errors
    recording = Recording.open(out)
    assert recording.status == "failed"
    assert recording.whole
    assert recording.verify() == []
    assert sent.startswith((out / "raw.log").read_bytes())
    assert recording.counts["received_bytes"] == (out / "raw.log").stat().st_size > 1_000_000
    assert disk.free_bytes(out) > 1_000_000
    assert replay(recording) == []


@needs_pty
@pytest.mark.pty
def test_a_disk_that_is_filled_by_somebody_else_is_an_error_and_the_bytes_stay(
    capture_pty, frame, small_disk, tmp_path
):
    folder = small_disk("40m")
    process, pair = capture_pty(folder / "rec", "--detector", "none")
    stream = b"".join(frame(i) for i in range(50_000))
    feed(process, pair, stream, until=lambda sent: sent > 50_000)
    with contextlib.suppress(OSError), (folder / "hog").open("wb", buffering=0) as hog:
        while True:
            hog.write(bytes(1 << 16))
    with contextlib.suppress(OSError), (folder / "hog2").open("wb", buffering=0) as hog:
        while True:
            hog.write(b"x")
    feed(process, pair, stream[50_000:])
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, errors
    assert "almost full" in errors or "No space left on device" in errors
    for hog in ("hog", "hog2"):
        (folder / hog).unlink(missing_ok=True)
    raw = (folder / "rec" / "raw.log").read_bytes()
    if not Recording.open(folder / "rec").whole:
        check_recovers(folder / "rec", raw)
    assert Recording.open(folder / "rec").verify() == []


def test_a_disk_without_room_is_refused_before_anything_is_made(monitor, small_disk):
    folder = small_disk("20m")
    with pytest.raises(
        RunError, match=r"has room for 2\d\.\d MB only, and a capture needs 33\.6 MB"
    ):
        RecordingWriter(folder / "rec", monitor)
    assert list(folder.iterdir()) == []


@needs_pty
@pytest.mark.pty
@pytest.mark.parametrize("gone", ["rec", "raw.log", "raw.index.csv", "structured_metrics.csv"])
def test_a_recording_that_is_removed_under_the_capture_ends_it(capture_pty, frame, tmp_path, gone):
    folder = tmp_path / "rec"
    process, pair = capture_pty(folder, "--detector", "none")
    pair.master.write(frame(1))
    wait_for(lambda: (folder / "raw.log").exists() and (folder / "raw.log").stat().st_size)
    wait_for(lambda: "wall_ns" in (folder / "recording.json").read_text())  # written again early
    if gone == "rec":
        shutil.rmtree(folder)
    else:
        (folder / gone).unlink()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    name = "raw.log" if gone == "rec" else gone
    assert f"{name} was removed, moved or replaced while it was being written" in errors
    assert "Traceback" not in errors


def test_a_folder_that_takes_nothing_is_said_at_once(monitor, small_disk):
    folder = small_disk("100m")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(Exception, match=r"rec: cannot be made: Read-only file system; choose"):
        RecordingWriter(folder / "rec", monitor)


@pytest.mark.parametrize("nth", range(1, 12))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("half", [False, True])
def test_whichever_write_fails_what_was_written_is_kept(
    tmp_path, monitor, frame, list_link, monkeypatch, nth, code, half
):
    pieces = [(i, frame(i)) for i in range(1, 9)]
    link = list_link([*pieces, (9, None)])
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)
    real, calls = os.write, 0

    def write(fd, data):
        nonlocal calls
        calls += 1
        if calls < nth:
            return real(fd, data)
        if half and calls == nth and len(data) > 1:
            return real(fd, bytes(data)[: len(data) // 2])
        raise OSError(code, os.strerror(code))

    recorder = record(link, writer, clock=link.clock)
    monkeypatch.setattr(pump.os, "write", write)
    with pytest.raises(RunError, match=os.strerror(code)):
        list(recorder)
    monkeypatch.undo()
    assert recorder.status == "failed"
    raw = (writer.dir / "raw.log").read_bytes()
    assert b"".join(piece for _, piece in pieces).startswith(raw)
    recording = check_recovers(writer.dir, raw)
    assert recording.status == "failed"


@pytest.mark.parametrize("nth", range(1, 8))
def test_whichever_fsync_fails_is_said_and_what_is_there_is_kept(
    tmp_path, monitor, frame, list_link, monkeypatch, nth
):
    link = list_link([*[(i, frame(i)) for i in range(1, 5)], (9, None)])
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=0)
    recorder = record(link, writer, clock=link.clock)
    real, calls = pump.fdatasync, 0

    def sync(fd):
        nonlocal calls
        calls += 1
        if calls >= nth:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    monkeypatch.setattr(pump, "fdatasync", sync)
    with pytest.raises(RunError, match="Input/output error"):
        list(recorder)
    monkeypatch.undo()
    raw = (writer.dir / "raw.log").read_bytes()
    # Two for each read: the bytes of the one whose fsync failed are there all the same.
    assert raw == b"".join(frame(i) for i in range(1, (nth + 1) // 2 + 1))
    check_recovers(writer.dir, raw)


def test_a_failed_close_leaves_what_recover_finishes(
    tmp_path, monitor, frame, list_link, monkeypatch
):
    link = list_link([(1, frame(1)), (2, None)])
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)

    def full(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(layout, "write_manifest", full)
    with pytest.raises(RunError, match=r"No space left on device; what was received .* is kept"):
        list(record(link, writer, clock=link.clock))
    monkeypatch.undo()
    check_recovers(writer.dir, frame(1))
