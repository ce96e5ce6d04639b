"""What is seen of a recording that grows."""

import json

import numpy as np
import pytest

from sensorkit.notebook import live_tail
from sensorkit.notebook.live_tail import Tail
from sensorkit.profile import Profile
from sensorkit.readings import isoformat

START = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
PROFILE = Profile.load("serial_monitor")
HEADER = b"timestamp,device,sequence,temperature,voltage,status,offset\n"


class Clocks:
    def __init__(self):
        self.s = 0.0

    def tail(self, folder, window_s=60.0):
        return Tail(
            folder,
            PROFILE,
            window_s,
            clock=lambda: self.s,
            now=lambda: (
                (folder / "structured_metrics.csv").stat().st_mtime_ns + round(self.s * SECOND)
                if (folder / "structured_metrics.csv").exists()
                else round(self.s * SECOND)
            ),
        )


def row(second, temperature=25.0, status="NORMAL"):
    stamp = isoformat(START + round(second * SECOND))
    return f"{stamp},monitor-1,{round(second)},{temperature},5.0,{status},0\n".encode()


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "structured_metrics.csv"
    path.write_bytes(HEADER)
    return path


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def test_rows_are_seen_once_and_a_row_that_is_half_written_when_it_is_whole(tmp_path, metrics):
    tail = Clocks().tail(tmp_path)
    append(metrics, row(0) + row(1)[:20])
    assert tail.look()
    assert tail.frames == 1
    append(metrics, row(1)[20:])
    tail.look()
    assert not tail.look()

    assert tail.frames == 2
    assert tail.points.time.tolist() == [START, START + SECOND]
    assert tail.points.values.tolist() == [[25.0, 5.0], [25.0, 5.0]]
    tail.close()


def test_nothing_is_there_before_the_recording_is(tmp_path):
    tail = Clocks().tail(tmp_path / "later")

    assert not tail.look()
    assert (tail.frames, tail.rate, tail.state, len(tail.points)) == (0, 0.0, "waiting", 0)


def test_rejected_lines_and_lost_frames_are_counted(tmp_path, metrics):
    tail = Clocks().tail(tmp_path)
    gap = {"kind": "sequence_gap", "details": {"expected": 3, "got": 7, "lost": 4}}
    (tmp_path / "events.jsonl").write_text(json.dumps(gap) + "\n")
    (tmp_path / "parser_errors.log").write_bytes(b"a\tb\tc\td\n" * 3 + b"half")
    tail.look()

    assert (tail.rejected, tail.lost) == (3, 4)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("NORMAL", "NORMAL"),
        ("WARNING_TEMP", "WARNING"),
        ("CRITICAL_VOLTAGE", "CRITICAL"),
        ("", "alive"),
        ("ODD", "ODD"),
    ],
)
def test_the_state_is_that_of_the_last_status_word(tmp_path, metrics, word, state):
    tail = Clocks().tail(tmp_path)
    append(metrics, row(0, status=word))
    tail.look()

    assert tail.state == state


def test_a_device_that_misses_its_heartbeat_is_offline_and_since_when_is_known(tmp_path, metrics):
    clocks = Clocks()
    tail = clocks.tail(tmp_path)
    append(metrics, row(0))
    tail.look()
    clocks.s = 4.9
    assert tail.state == "NORMAL"
    clocks.s = 5.1  # its profile allows 5 s

    assert tail.state == "OFFLINE"
    assert tail.silent_s == pytest.approx(5.1)


def test_a_lost_link_is_offline_until_it_is_back(tmp_path, metrics):
    tail = Clocks().tail(tmp_path)
    append(metrics, row(0))
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps({"kind": "link_lost", "details": {"why": "gone"}}) + "\n")
    tail.look()
    assert tail.state == "OFFLINE"
    append(events, json.dumps({"kind": "link_back", "details": {}}).encode() + b"\n")
    tail.look()

    assert tail.state == "NORMAL"


def test_frames_a_second_are_those_of_the_last_seconds(tmp_path, metrics):
    clocks = Clocks()
    tail = clocks.tail(tmp_path)
    append(metrics, b"".join(row(i) for i in range(1000)))
    tail.look()
    for second in range(1, 8):
        clocks.s = second
        append(metrics, b"".join(row(1000 + 10 * second + i) for i in range(10)))
        tail.look()

    assert tail.rate == pytest.approx(10.0)


def test_readings_older_than_the_window_are_forgotten(tmp_path, metrics):
    tail = Clocks().tail(tmp_path, window_s=10)
    for second in range(100):
        append(metrics, row(second))
        tail.look()

    assert tail.points.time.min() == START + 89 * SECOND


def test_a_spike_among_many_readings_is_drawn(tmp_path, metrics):
    rows = [row(i / 100, temperature=99.0 if i == 777 else 25.0) for i in range(2000)]
    append(metrics, b"".join(rows))
    tail = Clocks().tail(tmp_path)
    tail.look()

    assert tail.frames == 2000
    assert len(tail.points) < 300
    assert tail.points.values[:, 0].max() == 99.0


def test_what_comes_too_fast_is_counted_and_said_and_only_the_newest_is_drawn(
    tmp_path, metrics, monkeypatch
):
    monkeypatch.setattr(live_tail, "PARSED_BYTES", 1000)
    append(metrics, b"".join(row(i) for i in range(100)))
    tail = Clocks().tail(tmp_path)
    tail.look()

    assert tail.frames == 100
    assert 80 <= tail.undrawn < 100
    assert len(tail.points) == 100 - tail.undrawn
    assert tail.points.time[-1] == START + 99 * SECOND


def test_a_missing_value_is_a_gap_and_hostile_words_are_words(tmp_path, metrics):
    tail = Clocks().tail(tmp_path)
    append(metrics, row(0, temperature=""))
    append(metrics, row(1, status='"<img src=x onerror=alert(1)>,""=cmd()"""'))
    tail.look()

    assert np.isnan(tail.points.values[0, 0])
    assert tail.word == '<img src=x onerror=alert(1)>,"=cmd()"'
