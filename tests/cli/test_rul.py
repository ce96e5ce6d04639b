"""`sensorkit rul`, as a user types it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.capture.importing import import_csv

sys.path.insert(0, str(Path(__file__).parents[1] / "prognosis"))
from wearing import machine


@pytest.fixture
def rul(typing, capsys):
    """Run `sensorkit rul ...`; return exit code, output and errors."""
    return typing(capsys, "rul")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Return twelve recordings of machines that ran to their failure."""
    folder = tmp_path_factory.mktemp("worn")
    made = []
    for k in range(12):
        readings = machine(k)
        frame = readings.to_frame()[["heat", "flow"]]
        frame.index.name = "time"
        table = folder / f"machine-{k}.csv"
        frame.to_csv(table)
        given = {"time": "time", "device": f"machine-{k}"}
        made.append(import_csv(table, out=folder / f"machine-{k}", **given).dir)
    return made


SMALL = ("--limit", "15", "--cap", "50", "--window", "15")


def test_it_learns_from_recordings_and_keeps_the_detector(rul, recordings, tmp_path):
    kept = tmp_path / "life"
    status, said, _ = rul(*recordings, "--to-failure", *SMALL, "--save", kept)
    assert status == 0
    assert "learned from 12 lives of 12 devices (each ends with its last reading)" in said
    assert "It predicts up to 50 s and warns at 15 s. On devices that were held out" in said
    loaded = detect.load(kept)
    assert loaded.limit == 15.0
    assert np.isfinite(loaded.error)


def test_for_machines_it_prints_json(rul, recordings):
    status, said, _ = rul(*recordings[:3], "--to-failure", *SMALL, "--json")
    found = json.loads(said)
    assert status == 0
    assert (found["lives"], found["devices"], found["labelled"]) == (3, 3, False)
    assert found["half_widths_s"] == [None] * 5  # three lives do not tell
    assert found["error_s"] > 0


def test_labels_of_a_recording_tell_when_its_engines_failed(rul):
    worn = Path(__file__).parents[2] / "datasets" / "turbofan_worn"
    status, said, _ = rul(worn, "--window", "30", "--json")
    found = json.loads(said)
    assert status == 0
    assert (found["lives"], found["devices"], found["labelled"]) == (6, 3, True)
    assert found["error_s"] < 0.5 * found["cap_s"]
    status, _, told = rul(worn, "--to-failure")
    assert status == 2
    assert "leave out --to-failure" in told


def test_recordings_without_a_failure_are_not_taken_for_lives(rul, recordings):
    status, _, told = rul(recordings[0])
    assert status == 2
    assert "no label tells when a device failed" in told
    assert "--to-failure" in told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["FD009"], "FD009"),
        (["FD001", "FD002"], "one subset of C-MAPSS at a time"),
        (["FD001", "--limit", "20"], "is judged as it is documented"),
        (["FD001", "--save", "no/such/folder/life"], "its folder is not there"),
        (["FD001", "--data", "nowhere"], "FD001 is not here: train_FD001.txt"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(rul, words, why):
    status, said, told = rul(*words)
    assert status == 2
    assert said == ""
    assert why in told.replace("\n", " ")
    assert "Traceback" not in told


def test_recordings_of_other_devices_are_refused(rul, recordings):
    healthy = Path(__file__).parents[2] / "datasets" / "serial_monitor_healthy"
    status, _, told = rul(recordings[0], healthy, "--to-failure")
    assert status == 2
    assert "lives of the same kind of device are wanted" in told


@pytest.mark.data
@pytest.mark.slow
def test_a_subset_of_cmapss_is_judged_beside_trivial_guesses(rul, sensorkit_data):
    status, said, _ = rul("FD001")
    lines = said.splitlines()
    assert status == 0
    assert [line.split("  ")[0] for line in lines[2:6]] == [
        "constant", "median life", "linear", "boosted trees",
    ]  # fmt: skip
    assert "capped at 125" in said
