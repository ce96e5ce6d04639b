"""What a recording lost, counted apart from what faults tore out of it."""

import numpy as np
import pytest

from sensorkit.capture import write_recording
from sensorkit.evaluate import Settings
from sensorkit.evaluate.quality import capture_quality
from sensorkit.evaluate.trial import prepare
from sensorkit.profile import Profile
from sensorkit.readings import Event, FaultLabel, Readings, Rejection, RejectReason

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
N = 1000
SETTINGS = Settings(fit=0.3, calibrate=0.3, tolerance=2)
FAULT = (800, 820)
"""Seconds from the start; inside the test."""


@pytest.fixture
def record(tmp_path):
    """Return a function: seconds, values, and what else there is, to the quality of a recording."""

    def quality(seconds=None, values=None, *, sequenced=True, **content):
        seconds = np.arange(N, dtype=np.float64) if seconds is None else seconds
        time = START + np.round(seconds * SECOND).astype(np.int64)
        values = np.full((len(time), 2), 20.0) if values is None else values
        sequence = np.arange(len(time)) if sequenced else None
        readings = Readings.build(
            time, values, ["temperature", "voltage"], device="monitor-1", sequence=sequence
        )
        first, last = (START + at * SECOND for at in FAULT)
        fault = FaultLabel(
            1, "monitor-1", first, last, "drift", "temperature", "signal", 1.0, 2.0, seed=1
        )
        recording = write_recording(
            tmp_path / "bench",
            Profile.load("serial_monitor"),
            readings,
            kind="imported",
            labels=[fault],
            **content,
        )
        trial = prepare(recording, SETTINGS)
        return capture_quality(recording, recording.readings(), trial)

    return quality


def at(seconds):
    return START + int(seconds * SECOND)


def rejection(seconds, reason):
    return Rejection(at(seconds), 0, reason, b"T:8")


def gap_event(seconds, lost):
    return Event(at(seconds), "sequence_gap", 0, {"expected": 1, "got": 1 + lost, "lost": lost})


def test_a_healthy_recording_has_nothing_to_tell(record):
    quality = record()

    assert quality["frames"] == N
    assert quality["lost"] == quality["checksum_errors"] == quality["gaps"] == 0
    assert quality["rejected"] == {}
    assert quality["over_time"] == []
    assert quality["jitter"] == 0.0
    assert quality["step_p5_s"] == quality["step_p95_s"] == quality["step_largest_s"] == 1.0


def test_what_a_fault_tore_out_is_counted_apart(record):
    values = np.full((N, 2), 20.0)
    values[100, 0] = values[805, 1] = values[810] = np.nan
    quality = record(
        values=values,
        rejections=[rejection(50, RejectReason.CHECKSUM), rejection(810, RejectReason.SYNTAX)],
        events=[gap_event(60, 4), gap_event(815, 30)],
    )

    assert quality["missing"] == 1
    assert quality["missing_share"] == 1 / (2 * N)
    assert quality["rejected"] == {"checksum": 1}
    assert quality["checksum_errors"] == 1
    assert quality["lost"] == 4
    assert quality["events"] == {"sequence_gap": 1}
    assert quality["in_faults"] == {"rejected": 1, "lost": 30, "gaps": 0, "missing": 3}
    assert quality["frames"] == N + 2


def test_a_silence_belongs_to_its_fault_though_only_the_reading_after_shows_it(record):
    # Nothing came between the fault's start and 30 s after it.
    seconds = np.concatenate([np.arange(FAULT[0]), np.arange(FAULT[0] + 30, N + 30)]).astype(float)
    quality = record(seconds=seconds, events=[gap_event(FAULT[0] + 30, 30)])

    assert quality["gaps"] == quality["lost"] == 0
    assert quality["in_faults"]["gaps"] == 1
    assert quality["in_faults"]["lost"] == 30


def test_a_gap_outside_the_faults_has_its_length_and_its_place(record):
    seconds = np.arange(N, dtype=float)
    seconds[200:] += 60.0
    quality = record(seconds=seconds)

    assert quality["gaps"] == 1
    assert quality["gap_s"] == quality["gap_longest_s"] == 61.0
    (part,) = quality["over_time"]
    assert part["gaps"] == 1
    assert part["start"] <= "2026-01-01T00:04:20.000000Z" <= part["end"]


def test_what_cannot_be_known_is_null_and_not_0(record):
    assert record(sequenced=False)["lost"] is None


def test_jitter_is_the_range_of_quantiles_over_the_median_step(record):
    rng = np.random.default_rng(5)
    steps = 1.0 + rng.uniform(-0.1, 0.1, N - 1)
    steps[10] = 5.0  # one late reading does not decide
    quality = record(seconds=np.concatenate([[0.0], np.cumsum(steps)]))

    assert quality["jitter"] == pytest.approx(0.18, abs=0.02)
    assert quality["step_largest_s"] == pytest.approx(5.0)


def test_headers_and_empty_lines_are_no_frames(record):
    lines = [rejection(1, RejectReason.HEADER), rejection(2, RejectReason.EMPTY)]
    quality = record(rejections=lines)

    assert quality["frames"] == N
    assert quality["rejected"] == {}
