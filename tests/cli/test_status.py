"""The moving line, made from a recorder that is a few facts."""

from types import SimpleNamespace

import numpy as np
import pytest

from sensorkit.cli import app as cli
from sensorkit.cli.capture.status import Status
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.wire.stream import StreamCounts

S = 1_000_000_000
MONITOR = Profile.load("serial_monitor")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(tmp_path):
    return SimpleNamespace(
        writer=SimpleNamespace(profile=MONITOR, dir=tmp_path),
        counts=StreamCounts(),
        stream=SimpleNamespace(silent=False, silent_devices=()),
        lag_bytes=0,
        now=0,
    )


@pytest.fixture
def status(recorder, clock, monkeypatch):
    monkeypatch.setattr("sensorkit.capture.disk.free_bytes", lambda _: 50_000_000_000)
    return Status(recorder, clock)


def reading(second, *values):
    return Readings.build(np.array([second * S]), np.array([values]), MONITOR.channel_names)


def test_before_the_first_byte_it_waits(status):
    line = str(status.line(100))
    assert line.startswith("waiting  0.0 s  0 frames  0.0/s  0 rejected  0 lost")


def test_bytes_that_wait_for_the_parser_are_not_a_device_that_says_nothing(status, recorder):
    recorder.lag_bytes = 41
    assert str(status.line()).startswith("starting  ")


def test_bytes_that_are_no_frames_are_not_a_device_that_is_alive(status, recorder):
    recorder.counts.received_bytes = 300
    assert str(status.line()).startswith("waiting, no frame yet  ")


def test_a_device_that_never_spoke_is_silent_not_alive(status, recorder):
    recorder.stream.silent = True
    assert str(status.line()).startswith("SILENT  ")


def test_frames_values_and_bytes_are_shown(status, recorder, clock):
    recorder.counts = StreamCounts(
        received_bytes=1234, frames=1, rejected={"number": 2, "empty": 1}, lost=4
    )
    status.update(reading(5, 25.128, 5.0))
    clock.now += 2.0
    assert str(status.line(200)) == (
        "alive  2.0 s  1 frame  0.5/s  3 rejected  4 lost  temperature 25.13°C  voltage 5.00V  "
        "1.2 kB written  50.0 GB free"
    )


def test_a_silence_says_how_long(status, recorder):
    status.update(reading(5, 25.0, 5.0))
    recorder.stream.silent, recorder.now = True, 12 * S
    assert str(status.line()).startswith("SILENT for 7 s  ")


def test_a_lost_link_says_how_long(status, clock):
    status.lost_since = clock.now
    clock.now += 3.2
    assert str(status.line()).startswith("LINK LOST for 3 s  ")


def test_the_rate_is_that_of_the_last_seconds(status, recorder, clock):
    for second in range(10):
        clock.now = 100.0 + second
        recorder.counts.frames = 10 * second
        line = str(status.line(200))
    assert "  10.0/s  " in line
    for second in range(10, 15):
        clock.now = 100.0 + second
        line = str(status.line(200))
    assert "  0.0/s  " in line


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_what_does_not_fit_is_left_out_whole(status, recorder, width):
    status.update(reading(5, 25.0, 5.0))
    whole = str(status.line(1000)).split("  ")
    parts = str(status.line(width)).split("  ")
    assert parts == whole[: len(parts)]
    assert len("  ".join(parts)) <= max(width, len("  ".join(whole[:6])))


def test_a_parser_that_is_behind_says_so(status, recorder):
    recorder.lag_bytes = 12_300_000
    assert "parser 12.3 MB behind" in str(status.line(80))


def test_little_room_is_said_before_the_values(status, monkeypatch, clock):
    clock.now += 5
    monkeypatch.setattr("sensorkit.capture.disk.free_bytes", lambda _: 300_000_000)
    status.update(reading(5, 25.0, 5.0))
    line = str(status.line(200))
    assert line.index("only 300.0 MB free") < line.index("temperature")


def test_a_folder_that_is_gone_does_not_stop_the_line(recorder, clock, monkeypatch):
    def gone(_):
        raise FileNotFoundError

    monkeypatch.setattr("sensorkit.capture.disk.free_bytes", gone)
    assert "only 0 B free" in str(Status(recorder, clock).line(100))


def test_nothing_of_the_device_acts_on_the_terminal(status, recorder):
    odd = MONITOR.channels[0].model_copy(update={"unit": "\x1b[2J"})
    recorder.writer.profile = MONITOR.model_copy(update={"channels": (odd, MONITOR.channels[1])})
    status = Status(recorder, status._clock)
    status.update(reading(5, 25.0, 5.0))
    assert "\x1b" not in str(status.line(200))


@pytest.mark.parametrize(("n", "said"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames")])
def test_one_is_not_many(n, said):
    assert cli.counted(n, "frame") == said
