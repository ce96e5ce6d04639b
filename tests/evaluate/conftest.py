"""Recordings with faults in their last part, and detectors whose behaviour is known."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pressure_limit import PressureLimit

from sensorkit.capture import write_recording
from sensorkit.profile import Profile
from sensorkit.readings import Event, FaultLabel, Readings, Words

collect_ignore_glob = ["metrics/reference/*.py"]  # they run elsewhere, with other packages

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01

PROFILE = {
    "name": "pump",
    "device": "pump-1",
    "rate_hz": 1.0,
    "heartbeat_s": 5.0,
    "channels": [
        {"name": "pressure", "unit": "bar"},
        {"name": "flow", "unit": "l/min"},
    ],
}


class Threshold(PressureLimit):
    """It remembers what it was fitted and calibrated on."""

    name = "threshold"
    fitted_on = calibrated_on = None

    def fit(self, readings):
        self.fitted_on = readings.time
        return self

    def calibrate(self, clean, false_alarms_per_day=1.0):
        self.calibrated_on = clean.time
        return self


@pytest.fixture(scope="session")
def threshold_detector():
    return Threshold


def _maker(folder):
    """Return a function that writes recordings of noise with bumps where faults are."""

    def make(
        name="rig", *, n=3000, faults=(), seed=0, devices=("pump-1",), rejections=(), events=()
    ):
        rng = np.random.default_rng(seed)
        time = START + np.arange(n) * SECOND
        values = np.asfortranarray(rng.normal(size=(n, 2)))
        device = Words.of([devices[i % len(devices)] for i in range(n)])
        kept = np.ones(n, dtype=bool)
        labels = []
        for number, (kind, first, length, size) in enumerate(faults, 1):
            rows = slice(first, first + length)
            if kind == "silence":
                kept[rows] = False
            else:
                values[rows, 0] += size
            labels.append(
                FaultLabel(
                    id=number,
                    device=devices[(number - 1) % len(devices)],
                    start=int(time[first]),
                    end=int(time[first + length - 1]),
                    kind=kind,
                    channel=None if kind == "silence" else "pressure",
                    layer="transport" if kind == "silence" else "signal",
                    magnitude=None if kind == "silence" else float(size),
                    magnitude_sigma=None if kind == "silence" else float(size),
                    seed=seed,
                )
            )
        readings = Readings.build(
            time[kept], values[kept], ["pressure", "flow"], device=device[kept]
        )
        return write_recording(
            folder / name,
            Profile.from_dict(PROFILE, "test"),
            readings,
            kind="injected",
            labels=labels,
            rejections=rejections,
            events=events,
        )

    return make


@pytest.fixture
def make_recording(tmp_path):
    return _maker(tmp_path)


@pytest.fixture(scope="session")
def recording_maker():
    return _maker


@pytest.fixture
def sequence_gap():
    return Event(START, "sequence_gap", 0, {"expected": 5, "got": 8, "lost": 3})


@pytest.fixture(scope="session")
def naive_vus():
    return _module("metrics/naive_vus.py").naive_vus


def _module(name) -> ModuleType:
    path = Path(__file__).parent / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
