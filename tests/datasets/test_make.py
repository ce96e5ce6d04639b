"""The recordings of datasets/ are what the emulator makes, to the byte."""

import runpy
from pathlib import Path

import pytest

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
from sensorkit.faults import FaultPlan

DATASETS = Path(__file__).parents[2] / "datasets"
MAKE = runpy.run_path(str(DATASETS / "make.py"))
DEVICES = MAKE["DEVICES"]
NAMES = MAKE["RECORDINGS"]


def files(folder: Path, names=NAMES) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in names
        for path in (folder / name).iterdir()
        if path.is_file()
    }


def by_name(device) -> str:
    return device.profile


def test_they_are_made_again_byte_for_byte(tmp_path):
    MAKE["main"](tmp_path)
    assert files(tmp_path) == files(DATASETS)
    MAKE["main"](tmp_path)  # over those that are there
    assert files(tmp_path) == files(DATASETS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_every_folder_is_one_of_them_and_told_in_the_readme():
    readme = (DATASETS / "README.md").read_text(encoding="utf-8")
    there = sorted(path.name for path in DATASETS.iterdir() if (path / "recording.json").exists())
    assert there == sorted(NAMES)
    assert all(f"| `{name}` |" in readme for name in NAMES)


@pytest.mark.parametrize("device", DEVICES, ids=by_name)
def test_a_pair_is_small(device):
    assert sum(map(len, files(DATASETS, device.names).values())) < 700_000


@pytest.mark.parametrize("name", NAMES)
def test_they_verify_and_replay(name):
    recording = Recording.open(DATASETS / name)
    assert recording.verify() == []
    assert replay(recording) == []


@pytest.mark.parametrize("device", DEVICES, ids=by_name)
def test_the_healthy_one_is_healthy(device):
    recording = Recording.open(DATASETS / device.names[0])
    readings = recording.readings()
    assert len(readings) == device.frames
    assert set(readings.status.to_array()) == {"NORMAL"}
    assert len(set(readings.device.to_array())) == device.units
    assert recording.has_raw
    assert len(recording.errors()) == len(recording.labels()) == 0
    assert [event["kind"] for event in recording.events()] == ["link_opened"]
    assert detect.make("rules", profile=recording.profile).alerts(readings) == []


@pytest.mark.parametrize("device", DEVICES, ids=by_name)
def test_the_faulted_one_has_every_kind_of_its_plan_and_a_clean_first_half(device):
    recording = Recording.open(DATASETS / device.names[1])
    labels, times = recording.labels(), recording.readings().time
    plan = FaultPlan.load(device.plan)
    assert set(labels["kind"]) == {fault.kind for fault in plan.faults}
    assert len(labels) == len(plan.parts())
    middle = times.min() + 0.5 * (times.max() - times.min())
    # The units of a device take turns: the half of one may begin a period earlier.
    assert labels["start"].min().value > middle - 1e9 / recording.profile.rate_hz


def test_a_front_passes_where_a_detector_learns():
    readings = Recording.open(DATASETS / "weather_healthy").readings()
    pressure = readings.channel("pressure")[: len(readings) // 2]
    assert pressure.max() - pressure.min() > 8.0


def test_the_worn_engines_fail_and_are_replaced():
    recording = Recording.open(DATASETS / "turbofan_worn")
    readings, labels = recording.readings(), recording.labels()
    worn = labels[labels["kind"] == "wear"]
    last = readings.time.max()
    failed = worn[worn["end"].astype("int64") < last - 20e9]
    assert set(failed["device"]) == {"engine-1", "engine-2", "engine-3"}
    (egt,) = [i for i, name in enumerate(readings.channels) if name == "sensor_4"]
    device = readings.device.to_array()
    for label in failed.itertuples():
        own = device == label.device
        end, start = label.end.value, label.start.value
        seconds = (readings.time - start) / 1e9
        new = readings.values[own & (seconds < 0) & (seconds > -30), egt]
        done = readings.values[own & (readings.time <= end) & (readings.time > end - 5e9), egt]
        assert done.mean() - new.mean() > 12.0
        silent = own & (readings.time > end) & (readings.time < end + 9e9)
        assert not silent.any()
    # The rules miss an engine that is silent, and nothing else that is not there.
    events = [event["kind"] for event in recording.events()]
    assert events.count("heartbeat_lost") >= len(failed)
