"""The main job on data that nobody made for it: a user's own CSV, from import to report."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.data, pytest.mark.slow]

SETS = {
    "arduino_station": ("arduino_station/station_arduino.csv", "time"),
    "machine_temperature": (
        "nab/data/realKnownCause/machine_temperature_system_failure.csv",
        "timestamp",
    ),
    "intel_mote": ("debruijn_faults/intel/clean/Node01_clean.txt", "timestamp"),
}


def sensorkit(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sensorkit", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def rows(path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace") as file:
        return sum(1 for line in file if line.strip()) - 1


@pytest.mark.parametrize("name", SETS)
def test_the_main_job_runs_on_a_users_own_csv(sensorkit_data, tmp_path, name):
    file, time = SETS[name]
    recording = tmp_path / name
    done = sensorkit("import", sensorkit_data / file, "--time", time, "--out", recording)
    assert done.returncode == 0, done.stderr
    counts = json.loads((recording / "recording.json").read_text(encoding="utf-8"))["counts"]
    assert counts["frames"] + sum(counts["rejected"].values()) == rows(sensorkit_data / file)
    assert sensorkit("verify", recording).returncode == 0

    grid = "detectability={kinds: [spike, drift, stuck], sizes: 5, repeats: 8}"
    done = sensorkit(
        "evaluate", "--recording", recording, "--set", grid, "--out", tmp_path / "reports"
    )
    assert done.returncode == 0, done.stderr
    (report,) = tmp_path.glob("reports/runs/*/report.json")
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["recordings"][0]["readings"] > 0.9 * counts["frames"]
    assert {row["status"] for row in found["results"]} == {"ok"}
    assert sum(len(r["faults"]) for r in found["recordings"]) >= 20
    assert {row["kind"] for row in found["detectability"]} == {"spike", "drift", "stuck"}
    html = report.with_name("report.html").read_text(encoding="utf-8")
    assert found["verdict"]["sentence"].split(" ")[0] in html
