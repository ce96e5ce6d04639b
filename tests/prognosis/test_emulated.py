"""Remaining life on emulated turbofans: learned from some, told of others, live and in time."""

import functools

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.cli import app
from sensorkit.emulator.emulator import Emulator
from sensorkit.errors import UsageError
from sensorkit.prognosis import RemainingLife, lives, rmse
from sensorkit.prognosis.emulated import emulated

LIMIT, CAP = 600.0, 2000.0
RATE = 0.1


@functools.cache
def learned():
    readings, labels = emulated(units=12, hours=3, rate_hz=RATE, seed=1)
    return RemainingLife(limit_s=LIMIT, cap_s=CAP, trees=40, rate=0.1, rows=3000).fit(
        readings, labels
    )


@pytest.fixture
def detector():
    found = learned()
    found.reset()
    return found


def test_readings_and_failures_are_those_of_the_emulator():
    readings, labels = emulated(units=3, hours=2, rate_hz=RATE, seed=4)
    emulator = Emulator("turbofan", units=3, rate_hz=RATE, seed=4)
    sent = [frame for frame in emulator.frames(3 * 720) if frame.data]
    assert len(readings) == len(sent)
    told = [(one.device, one.end - one.start) for one in labels]
    assert told == [
        (one.device, one.end - one.start) for one in emulator.labels if one.kind == "wear"
    ]
    assert set(readings.device.vocabulary) == {"engine-1", "engine-2", "engine-3"}


def test_a_device_that_does_not_wear_is_refused():
    with pytest.raises(UsageError, match="'serial_monitor' has no life"):
        emulated("serial_monitor")


def test_engines_it_has_not_seen_are_told_better_than_by_the_mean(detector):
    readings, labels = emulated(units=8, hours=3, rate_hz=RATE, seed=2)
    predicted = detector.predict(readings)
    of_device = {
        name: predicted[readings.device.to_array() == name] for name in readings.device.vocabulary
    }
    found, true = [], []
    for life in lives(readings, labels):
        own = readings[readings.device.to_array() == life.device]
        rows = np.isin(own.time, life.readings.time)
        found.append(of_device[life.device][rows])
        true.append(np.minimum(life.left, CAP))
    found, true = np.concatenate(found), np.concatenate(true)
    assert rmse(found, true) < 0.75 * rmse(np.full(len(true), true.mean()), true)


def test_live_the_prediction_falls_and_the_alert_comes_before_the_failure(
    detector, tmp_path, monkeypatch, capsys
):
    """Frames over a link, `sensorkit capture --detector FILE`, and what the recording says."""
    model = detect.save(detector, tmp_path / "life")
    emulator = Emulator("turbofan", units=2, rate_hz=RATE, seed=7)
    line = tmp_path / "line"
    line.write_bytes(b"".join(frame.data for frame in emulator.frames(2 * 420)))
    words = ["capture", f"file:{line}", "--profile", "turbofan", "--detector", str(model)]
    monkeypatch.setattr("sys.argv", ["sensorkit", *words, "--out", str(tmp_path / "seen")])
    with pytest.raises(SystemExit) as stopped:
        app.main()
    assert not stopped.value.code, capsys.readouterr().err

    captured = Recording.open(tmp_path / "seen").readings()
    names = captured.device.to_array()
    failed = {one.device: one for one in reversed(emulator.labels) if one.kind == "wear"}
    alerts = capsys.readouterr().out
    for name in ("engine-1", "engine-2"):
        own = captured[names == name]
        # The frames say how long the device runs; the recording says when that was.
        age = (own.time - own.time[0]) / 1e9 + (0.0 if name == "engine-1" else 6.18)
        fails = (failed[name].end - emulator.start_ns) / 1e9
        rows = age <= fails + 1.0
        left = detector.predict(own[rows])
        assert left[age[rows] < fails - 2500].mean() > 1200
        assert left[-5:].mean() < 300
        begun = age[rows][np.flatnonzero(left <= LIMIT)[0]]
        assert 100 < fails - begun < 1500
        assert f"REMAINING_LIFE_LOW  {name}: About " in alerts
