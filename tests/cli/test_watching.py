"""What a user is told while a capture does not go well, once each."""

import os
from types import SimpleNamespace

import pytest

from sensorkit.cli.capture import watching
from sensorkit.cli.capture.watching import (
    ENOUGH_LINES,
    QUIET_S,
    Hints,
    is_garbage,
    look_at,
    warn_of_others,
)
from sensorkit.wire.holders import Holder
from sensorkit.wire.stream import StreamCounts


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def said(monkeypatch):
    texts = []
    monkeypatch.setattr(watching, "hint", texts.append)
    return texts


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(tmp_path):
    (tmp_path / "raw.log").write_bytes(b"12;5\r\n" * 50)
    return SimpleNamespace(
        link=SimpleNamespace(name="/dev/ttyUSB0"),
        writer=SimpleNamespace(dir=tmp_path, profile=SimpleNamespace(name="mine")),
        counts=StreamCounts(),
        lag_bytes=0,
    )


@pytest.fixture
def hints(recorder, clock):
    return Hints(recorder, 115200, clock)


def test_a_device_that_says_nothing_is_asked_about_once(hints, clock, said):
    hints.look()
    clock.now = QUIET_S - 0.1
    hints.look()
    assert said == []
    for _ in range(3):
        clock.now += QUIET_S
        hints.look()
    assert len(said) == 1
    assert "/dev/ttyUSB0: nothing has come for 5 s; check the cable" in said[0]


def test_bytes_that_wait_for_the_parser_have_come(recorder, hints, clock, said):
    recorder.lag_bytes, clock.now = 100, QUIET_S
    hints.look()
    assert said == []


def test_a_socket_that_says_nothing_may_be_busy_with_another_reader(recorder, hints, clock, said):
    recorder.link.name = "socket://127.0.0.1:7000"
    clock.now = QUIET_S
    hints.look()
    assert "connected, but nothing has come for 5 s" in said[0]
    assert "may be busy with another" in said[0]


@pytest.mark.parametrize("name", ["pty:/dev/pts/3", "listen://127.0.0.1:0", "-", "file:x"])
def test_a_link_that_waits_for_somebody_is_left_to_wait(recorder, hints, clock, said, name):
    recorder.link.name = name
    clock.now = QUIET_S
    hints.look()
    assert said == []


def test_garbage_is_said_while_it_runs_and_once(recorder, hints, said):
    for lines in range(5, 100, 5):
        recorder.counts = StreamCounts(received_bytes=6 * lines, rejected={"field_syntax": lines})
        hints.look()
    (text,) = said
    assert text.startswith(f"/dev/ttyUSB0: 0 of the last {ENOUGH_LINES} lines could be read; ")
    assert "they look like 2 columns with ';', as format csv reads: 12;5" in text


def test_a_few_bad_lines_are_bad_luck(recorder, hints, said):
    recorder.counts = StreamCounts(received_bytes=99, rejected={"number": ENOUGH_LINES - 1})
    hints.look()
    recorder.counts = StreamCounts(received_bytes=9999, frames=100, rejected={"number": 30})
    hints.look()
    assert said == []


def test_a_link_that_goes_bad_after_hours_is_noticed(recorder, hints, said):
    recorder.counts = StreamCounts(received_bytes=100_000, frames=5000)
    hints.look()
    assert said == []
    recorder.counts = StreamCounts(received_bytes=101_000, frames=5000, rejected={"encoding": 25})
    hints.look()
    assert len(said) == 1


def test_bytes_without_a_line_end_are_garbage_too(recorder, hints, said):
    recorder.counts = StreamCounts(received_bytes=1499)
    hints.look()
    assert said == []
    recorder.counts = StreamCounts(received_bytes=1500)
    hints.look()
    assert "/dev/ttyUSB0: 1500 bytes and no line end; " in said[0]


def test_of_a_file_only_the_summary_speaks(recorder, hints, said):
    recorder.link.name = "file:log.txt"
    recorder.counts = StreamCounts(received_bytes=9999, rejected={"encoding": 100})
    hints.look()
    assert said == []


@pytest.mark.parametrize(
    ("frames", "rejected", "garbage"),
    [(0, 20, True), (0, 0, True), (1, 20, True), (2, 18, False), (20, 0, False)],
)
def test_garbage_is_when_less_than_a_tenth_is_read(frames, rejected, garbage):
    assert is_garbage(frames, rejected) is garbage


def test_the_newest_raw_file_is_looked_at(recorder, tmp_path):
    (tmp_path / "raw.0002.log").write_bytes(b"$GPGGA,1*00\r\n" * 9)
    assert look_at(tmp_path, None).shape == "NMEA sentences, as format nmea reads"


def test_another_reader_is_named_but_not_our_own_pump(monkeypatch, said):
    monkeypatch.setattr(
        "sensorkit.wire.holders.holders", lambda _: [Holder(5, "pump", os.getpid())]
    )
    warn_of_others("/dev/ttyUSB0")
    assert said == []
    monkeypatch.setattr("sensorkit.wire.holders.holders", lambda _: [Holder(7, "cat", 1)])
    warn_of_others("/dev/ttyUSB0")
    assert said == [
        "/dev/ttyUSB0: cat (process 7) has it open too; two readers each get half of the bytes: "
        "close it"
    ]
    warn_of_others("socket://127.0.0.1:7000")
    assert len(said) == 1
