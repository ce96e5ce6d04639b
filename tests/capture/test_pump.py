"""The pump reads whatever the recorder does, and the recorder takes all from its files."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.pump_process import PumpProcess
from sensorkit.capture.raw_log import Rotate
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.errors import LinkError, LinkLost

if sys.platform == "win32":
    pytest.skip("the pump is for POSIX systems", allow_module_level=True)

from sensorkit.wire.links import open_link, open_pty

pytestmark = pytest.mark.pty

PATIENCE_S = 30


def feed(pair, data):
    end = time.monotonic() + PATIENCE_S
    while data:
        assert time.monotonic() < end
        data = data[pair.master.write(data[:4096]) :]


@pytest.fixture
def pair():
    with open_pty() as pair:
        yield pair


@pytest.fixture
def make(tmp_path, monitor):
    """Make a recorder of a link, whose reads are the pump's."""
    made = []

    def run(link, *, fsync=None, rotate=None, **options):
        clock = AnchoredClock()
        writer = RecordingWriter(
            tmp_path / "rec", monitor, started_ns=clock(), fsync=fsync, rotate=rotate
        )
        recorder = record(link, writer, clock=clock, **options)
        made.append(recorder)
        return recorder

    yield run
    for recorder in made:
        recorder.close()
        recorder.link.close()


def run_to_the_end(recorder):
    total = sum(map(len, recorder))
    recording = Recording.open(recorder.writer.dir)
    assert recording.verify() == replay(recording) == []
    assert total == recording.counts["frames"]
    return recording


def test_the_bytes_are_kept_exactly_and_the_readings_are_those_of_replay(pair, make, frame):
    recorder = make(open_link(pair.port), frames=500)
    stream = b"".join(frame(i) + b"noise\xff\n" for i in range(500))
    feed(pair, stream)
    recording = run_to_the_end(recorder)
    assert (recording.dir / "raw.log").read_bytes() == stream
    assert recording.counts["rejected"] == {"encoding": 500}
    assert recording.status == "complete"
    received = [at for at, _ in recording.raw()]
    assert received == sorted(received)
    assert recording.meta["clock"]["wall_ns"] == recorder.clock.anchor["wall_ns"]


def test_bytes_that_came_before_the_capture_began_are_in_it(pair, make, frame):
    link = open_link(pair.port)
    feed(pair, frame(1) + frame(2))
    recording = run_to_the_end(make(link, frames=2))
    assert recording.readings().sequence.tolist() == [1, 2]


def test_the_port_is_read_while_the_recorder_does_something_else(pair, make, frame):
    """A detector that takes for ever, a garbage collection, an fsync: the recorder is not asked."""
    recorder = make(open_link(pair.port), frames=5000)
    stream = b"".join(frame(i) for i in range(5000))
    feed(pair, stream)  # ten times what a pseudo-terminal holds, and nobody has iterated yet
    raw, end = recorder.writer.dir / "raw.log", time.monotonic() + PATIENCE_S
    while raw.stat().st_size < len(stream):
        assert time.monotonic() < end
    assert recorder.counts.received_bytes == 0
    recording = run_to_the_end(recorder)
    assert recording.counts["frames"] == 5000
    assert recording.counts["lost"] == 0


def in_the_files(recorder, stream):
    """Wait until the pump has read all of *stream*, which nobody decodes."""
    raw, end = recorder.writer.dir / "raw.log", time.monotonic() + PATIENCE_S
    while raw.stat().st_size < len(stream):
        assert time.monotonic() < end


def test_recorder_and_pump_never_wait_for_each_other(pair, make, frame, monkeypatch):
    """The pump has more to say than its socket takes, the recorder more orders than that takes."""
    monkeypatch.setattr("sensorkit.capture.intake.BLOCK_BYTES", 4096)
    monkeypatch.setattr("sensorkit.capture.host_watch.ROOM_S", 0)
    recorder = make(open_link(pair.port))
    stream = b"".join(frame(i) for i in range(120_000))
    feed(pair, stream)
    in_the_files(recorder, stream)
    pair.close()
    ended = []
    thread = threading.Thread(target=lambda: ended.append(run_to_the_end(recorder)), daemon=True)
    thread.start()
    thread.join(4 * PATIENCE_S)
    assert ended
    assert ended[0].counts["frames"] == 120_000


def test_a_lag_at_the_end_is_no_silence_of_the_device(pair, make, frame, monitor):
    recorder = make(open_link(pair.port))
    heartbeat = recorder.writer.profile.heartbeat_s
    stream = b"".join(frame(i) for i in range(2000))
    feed(pair, stream)
    in_the_files(recorder, stream)
    pair.close()
    for _ in recorder:
        time.sleep(heartbeat + 0.5)  # a detector at work
        break
    recorder.close()
    recording = Recording.open(recorder.writer.dir)
    assert recording.counts["frames"] == 2000
    assert "heartbeat_lost" not in recording.counts["events"]
    assert replay(recording) == []


def test_an_interrupt_in_the_middle_of_a_block_leaves_it_to_recover(pair, make, frame, monkeypatch):
    monkeypatch.setattr("sensorkit.capture.intake.BLOCK_BYTES", 4096)
    recorder = make(open_link(pair.port))
    stream = b"".join(frame(i) for i in range(2000))
    feed(pair, stream)
    in_the_files(recorder, stream)
    feed_reads, calls = recorder.stream.feed_reads, []

    def interrupted(*block):
        batch = feed_reads(*block)
        calls.append(len(batch.readings))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return batch

    monkeypatch.setattr(recorder.stream, "feed_reads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_to_the_end(recorder)
    recorder.close()
    assert not Recording.open(recorder.writer.dir).whole
    recording = recover(recorder.writer.dir)
    assert recording.counts["frames"] == 2000
    assert recording.verify() == replay(recording) == []


def test_a_stopped_capture_does_not_stop_the_reading(pair, frame, tmp_path):
    command = [sys.executable, "-m", "sensorkit", "capture", pair.port, "--out", "rec"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    raw, stream = tmp_path / "rec" / "raw.log", b"".join(frame(i) for i in range(3000))
    end = time.monotonic() + PATIENCE_S
    feed(pair, frame(0))
    while not (raw.exists() and raw.stat().st_size):
        assert time.monotonic() < end
    process.send_signal(signal.SIGSTOP)
    feed(pair, stream)
    while raw.stat().st_size < len(frame(0)) + len(stream):
        assert time.monotonic() < end
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    recording = Recording.open(tmp_path / "rec")
    assert recording.counts["frames"] == 3001
    assert recording.verify() == replay(recording) == []


def test_a_far_end_that_closes_is_the_end_after_its_last_byte(pair, make, frame):
    recorder = make(open_link(pair.port))
    feed(pair, frame(1) + frame(2) + b"T:2")
    assert pair.drain(PATIENCE_S)
    pair.close()
    recording = run_to_the_end(recorder)
    assert (recording.status, recording.meta["reason"]) == (
        "complete",
        "the far end closed the link",
    )
    assert recording.counts["tail_bytes"] == 3


def test_a_device_that_goes_is_a_loss_with_all_that_it_said(pair, make, frame):
    link = open_link(pair.port)
    link._ends = False  # as with a USB adapter
    recorder = make(link)
    feed(pair, frame(1) + b"T:2")
    assert pair.drain(PATIENCE_S)
    pair.close()
    with pytest.raises(LinkLost, match="the device went away; check the cable and its power"):
        list(recorder)
    recording = Recording.open(recorder.writer.dir)
    assert recording.status == "failed"
    assert recording.counts["frames"] == 1
    assert recording.counts["rejected"] == {"cut": 1}
    assert replay(recording) == []


def test_a_link_that_comes_back_goes_on_in_the_same_recording(pair, make, frame):
    again = open_pty()
    answers = [LinkError("no such port"), open_link(again.port)]

    def reopen():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        feed(again, frame(7))
        return answer

    recorder = make(open_link(pair.port), reopen=reopen, sleep=lambda s: None, frames=2)
    feed(pair, frame(1) + b"T:2")
    assert pair.drain(PATIENCE_S)
    pair.close()
    recording = run_to_the_end(recorder)
    again.close()
    assert [event["kind"] for event in recording.events()][:3] == [
        "link_opened",
        "link_lost",
        "link_back",
    ]
    assert recording.readings().sequence.tolist() == [1, 7]
    assert recording.counts["rejected"] == {"cut": 1}


@pytest.mark.parametrize("again", [False, True])
def test_a_pump_that_dies_is_a_lost_link_and_another_may_go_on(pair, make, frame, again):
    def reopen():
        return open_link(pair.port, exclusive=False)

    recorder = make(
        open_link(pair.port), reopen=reopen if again else None, sleep=lambda s: None, frames=3
    )
    feed(pair, frame(1))
    killed = False
    with pytest.raises(LinkLost, match=r"ended by itself \(SIGKILL\)") if not again else _nothing():
        for _ in recorder:
            if recorder.counts.frames == 1 and not killed:
                killed = True
                os.kill(recorder._intake._pump.pid, signal.SIGKILL)
                feed(pair, frame(2) + frame(3))
    recording = Recording.open(recorder.writer.dir)
    kinds = [event["kind"] for event in recording.events()]
    assert kinds == ["link_opened", "link_lost", *(["link_back"] if again else [])]
    assert recording.counts["frames"] == (3 if again else 1)
    assert recording.verify() == replay(recording) == []


class _nothing:  # noqa: N801 - stands where pytest.raises does
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def test_a_connection_is_pumped_too(make, frame):
    stream = b"".join(frame(i) for i in range(3000))
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_link(f"socket://127.0.0.1:{server.getsockname()[1]}")
        far, _ = server.accept()
    recorder = make(link)
    with far:
        far.sendall(stream)
    recording = run_to_the_end(recorder)
    assert (recording.dir / "raw.log").read_bytes() == stream
    assert recording.meta["reason"] == "the far end closed the link"


def test_a_pty_that_waits_for_its_writer_is_pumped_too(make, frame):
    link = open_link("pty:")
    recorder = make(link, frames=2)
    for i in (1, 2):  # opened, written and closed twice
        fd = os.open(link.pair.device, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, frame(i))
        end = time.monotonic() + PATIENCE_S
        raw = recorder.writer.dir / "raw.log"
        while raw.stat().st_size < i * len(frame(1)):
            assert time.monotonic() < end
        os.close(fd)
    recording = run_to_the_end(recorder)
    assert recording.counts["frames"] == 2


def test_the_size_that_was_asked_for_ends_it(pair, make, frame):
    recorder = make(open_link(pair.port), max_bytes=5000)
    feed(pair, b"".join(frame(i) for i in range(300)))
    recording = run_to_the_end(recorder)
    assert (recording.status, recording.meta["reason"]) == ("complete", "the size was reached")
    assert 5000 <= recording.counts["received_bytes"] <= 5000 + 4095


def test_the_pump_goes_on_in_the_next_raw_file(pair, make, frame):
    recorder = make(open_link(pair.port), frames=2000, rotate=Rotate(max_bytes=9000), fsync=0.01)
    stream = b"".join(frame(i) for i in range(2000))
    feed(pair, stream)
    recording = run_to_the_end(recorder)
    names = sorted(path.name for path in recording.dir.glob("raw*.log"))
    assert len(names) > 5
    assert b"".join(data for _, data in recording.raw()) == stream


def test_silence_moves_the_heartbeat_on_only_as_far_as_nothing_came(pair, make, frame, monitor):
    profile = monitor.model_copy(update={"heartbeat_s": 0.3})
    monitor.__dict__.update(profile.__dict__)
    recorder = make(open_link(pair.port), frames=2)
    feed(pair, frame(1, uptime=False))
    for _ in recorder:
        if recorder.stream.silent:
            feed(pair, frame(2, uptime=False))
    recording = Recording.open(recorder.writer.dir)
    kinds = [event["kind"] for event in recording.events()]
    assert kinds[-2:] == ["heartbeat_lost", "heartbeat_back"]
    assert replay(recording) == []


def test_a_pump_without_orders_ends_with_whoever_started_it():
    pump = PumpProcess()
    process = pump._process
    pump.close()
    assert process.returncode == 0


def test_a_pump_whose_recorder_is_gone_ends_by_itself(tmp_path):
    code = (
        "import os, sys; from sensorkit.capture.pump_process import PumpProcess\n"
        "p = PumpProcess(); print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    try:
        handle = os.pidfd_open(pid)
    except (ProcessLookupError, AttributeError):
        return  # it has ended already, or the system has no handle to wait by
    try:
        assert select.select([handle], [], [], PATIENCE_S)[0]
    finally:
        os.close(handle)


def test_signals_are_the_recorders_to_deal_with(pair, make, frame):
    recorder = make(open_link(pair.port), frames=2)
    feed(pair, frame(1))
    signalled = False
    for _ in recorder:
        if recorder.counts.frames == 1 and not signalled:
            signalled = True
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                os.kill(recorder._intake._pump.pid, getattr(signal, name))
            feed(pair, frame(2))
    assert recorder.status == "complete"
