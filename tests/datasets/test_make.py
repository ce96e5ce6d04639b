"""The recordings of datasets/ are what the emulator makes, to the byte."""

import runpy
from pathlib import Path

import pytest

from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
from sensorkit.faults import FaultPlan

DATASETS = Path(__file__).parents[2] / "datasets"
NAMES = ("serial_monitor_healthy", "serial_monitor_faulted")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in NAMES
        for path in (folder / name).iterdir()
        if path.is_file()
    }


def test_they_are_made_again_byte_for_byte(tmp_path):
    main = runpy.run_path(str(DATASETS / "make.py"))["main"]
    main(tmp_path)
    assert files(tmp_path) == files(DATASETS)
    main(tmp_path)  # over those that are there
    assert files(tmp_path) == files(DATASETS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_together_they_are_small():
    assert sum(map(len, files(DATASETS).values())) < 600_000


@pytest.mark.parametrize("name", NAMES)
def test_they_verify_and_replay(name):
    recording = Recording.open(DATASETS / name)
    assert recording.verify() == []
    assert replay(recording) == []


def test_the_healthy_one_is_healthy():
    recording = Recording.open(DATASETS / NAMES[0])
    readings = recording.readings()
    assert len(readings) == 2700
    assert set(readings.status.to_array()) == {"NORMAL"}
    assert recording.has_raw
    assert len(recording.errors()) == len(recording.labels()) == 0
    assert [event["kind"] for event in recording.events()] == ["link_opened"]


def test_the_faulted_one_has_every_kind_of_mixed_and_a_clean_first_half():
    recording = Recording.open(DATASETS / NAMES[1])
    labels, times = recording.labels(), recording.readings().time
    assert set(labels["kind"]) == {fault.kind for fault in FaultPlan.load("mixed").faults}
    assert labels["start"].min().value - times[0] > 0.5 * (times[-1] - times[0])
