"""`sensorkit evaluate` and `sensorkit demo` from nothing to a report, through real processes."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

import sensorkit.report

SCHEMA = Path(sensorkit.report.__file__).with_name("report.schema.json")


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sensorkit", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.pty
def test_the_main_job_leaves_a_report_that_can_be_traced(tmp_path):
    done = run("evaluate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = (
        tmp_path / "reports" / "runs" / (tmp_path / "reports" / "latest.txt").read_text().strip()
    )
    assert str(folder.relative_to(tmp_path) / "report.html") in done.stdout

    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["status"] == "passed"
    assert {path.stem for path in folder.glob("executed/*.ipynb")} == {
        "00_quickstart",
        "01_capture",
        "02_inject_faults",
        "03_benchmark",
        "04_report",
    }
    assert run("verify", next(folder.glob("recordings/*")), cwd=tmp_path).returncode == 0

    cases = pd.read_csv(folder / "cases.csv")
    overall = [row for row in report["results"] if row["fault_kind"] is None]
    assert len(overall) == len(report["detectors"]) >= 7
    for row in overall:
        mine = cases[cases["detector"] == row["detector"]]
        faults = mine[mine["case"] == "fault"]
        assert row["faults"] == len(faults) > 100
        assert row["event_recall"] == pytest.approx((faults["hit"].astype(str) == "True").mean())
        assert row["false_alarms"] == (mine["case"] == "false_alarm").sum()


@pytest.mark.slow
@pytest.mark.pty
def test_the_demo_shows_the_four_alerts(tmp_path):
    done = run("demo", "--out", "shown", "--speed", "5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "shown/derived/anomaly_report.json").read_text("utf-8"))
    assert [(alert["type"], alert["severity"], alert["description"]) for alert in report] == [
        (
            "THRESHOLD_BREACH_TEMP",
            "CRITICAL",
            "Temperature 95.50°C exceeded threshold of 80.0°C.",
        ),
        (
            "THRESHOLD_BREACH_VOLTAGE",
            "CRITICAL",
            "Voltage 6.10V was outside the normal range of 4.5V-5.5V.",
        ),
        (
            "RAPID_CHANGE_TEMP",
            "WARNING",
            "Temperature changed by -70.50°C, exceeding the rate-of-change threshold of 15.0°C.",
        ),
        (
            "HEARTBEAT_LOSS",
            "CRITICAL",
            "No data received for 5.0 seconds. Device may be offline.",
        ),
    ]
    for alert in report:
        assert done.stdout.count(alert["description"]) == 2  # as it happened, and in the report
    assert run("verify", "shown", cwd=tmp_path).returncode == 0
    assert run("replay", "shown", cwd=tmp_path).returncode == 0
