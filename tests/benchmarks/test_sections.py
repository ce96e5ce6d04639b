"""The benchmark measures what it says: on small runs, with truth to compare with."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

from capturing import frames, readers, sections, wire

from sensorkit.profile import Profile
from sensorkit.wire.stream import FrameStream

pytestmark = pytest.mark.pty

ROOT = Path(__file__).parents[2]
BAUD = 921_600


@pytest.fixture
def short(tmp_path):
    path = tmp_path / "short.yaml"
    path.write_text(frames.SHORT_PROFILE, encoding="utf-8")
    return path


def test_the_short_frames_have_thirty_bytes_and_are_all_read(short):
    data = frames.short(0, 500)
    assert data.startswith(b"N:0000000,T:20.0,V:4.5,S:WARN\n")
    assert len(data) == 30 * 500
    readings = FrameStream(Profile.load(short)).feed(0, data).readings
    assert readings.sequence.tolist() == list(range(500))


def test_one_of_a_hundred_frames_can_be_damaged(short):
    stream = FrameStream(Profile.load(short))
    stream.feed(0, frames.damaged(0, 500))
    assert (stream.counts.frames, stream.counts.rejected) == (495, {"encoding": 5})


def test_the_default_frames_have_their_checksum():
    data = frames.default(frames.FIRST_DEFAULT, 500)
    assert len(data) == 49 * 500
    stream = FrameStream(Profile.load("serial_monitor"))
    assert len(stream.feed(0, data).readings) == 500
    assert stream.counts.lost == stream.counts.resets == 0


def test_a_writer_that_nobody_reads_drops_what_does_not_fit(tmp_path):
    data = frames.short(0, 4000)
    with wire.Wire() as link:
        wire.paced(link, data, 30, 40_000, tmp_path / "told.npz").join()
        told = np.load(tmp_path / "told.npz")
        assert link.waiting() > 0
    # A terminal holds some 14 to 21 kB.
    assert len(data) - 22_000 < told["dropped"] < len(data) - 12_000
    assert (np.diff(told["times"]) >= 0).all()


def test_the_waits_are_those_from_the_write_to_the_first_sight():
    written = np.array([0, 1, 2, 3]) * 1_000_000
    seen = np.array([[5_000_000, sections.PRIMER + 1], [9_000_000, sections.PRIMER + 3]])
    told = sections.latencies(written, seen, np.array([0, 1, 3]))  # frame 2 was lost
    assert told["max_ms"] == 6.0
    assert told["p50_ms"] == 5.0


@pytest.mark.slow
def test_a_stopped_recorder_loses_nothing(short, tmp_path):
    """A second of it is 92 kB, and a terminal holds 20: it would cost 38 % of the frames."""
    told = sections.rate(readers.OURS, tmp_path, short, BAUD, 2.0, stall_s=1.0)
    # A machine that is busy may keep the pump waiting, but not for a second.
    assert told["lost_percent"] < 5
    assert told["max_ms"] > 800  # it was stopped indeed


@pytest.mark.slow
def test_a_naive_reader_that_is_stopped_loses_what_comes_meanwhile(short, tmp_path):
    told = sections.rate(readers.NAIVE_FLUSHED, tmp_path, short, BAUD, 2.0, stall_s=1.0)
    assert told["lost_percent"] > 20


@pytest.mark.slow
def test_memory_does_not_grow_with_what_has_come(short, tmp_path):
    told = sections.soak(tmp_path, short, 1_500_000, sample_s=0.1)
    assert told["largest_lag_frames"] > 0  # the writer is faster than the parser
    assert told["highest_mb"] - told["first_mb"] < 40


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_its_figures(tmp_path):
    out = tmp_path / "figures.json"
    small = ["--only", "replay", "--frames", "5000", "--rounds", "1", "--json", str(out)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "capture.py"), *small],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("rebuilt and compared") == 4
    assert '"frames_per_s"' in out.read_text(encoding="utf-8")
