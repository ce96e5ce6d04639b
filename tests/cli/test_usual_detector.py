"""The detector that a profile names is used where the user names none, and the output says so."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sensorkit.profile import SHIPPED

DATASETS = Path(__file__).parents[2] / "datasets"
NAMED = "the profile 'fermenter' names the detector ensemble: combine any, members rules, sigma"


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    return typing(capsys)


@pytest.fixture
def faulted(tmp_path):
    return shutil.copytree(DATASETS / "fermenter_faulted", tmp_path / "faulted")


def types(found):
    return {alert["type"] for alert in found}


def test_detect_takes_it_without_a_fit_and_says_so(run, faulted, tmp_path):
    report = tmp_path / "report.json"
    code, printed, _ = run("detect", faulted, "--out", report)
    assert code == 0
    assert NAMED in printed
    assert "fitted" not in printed
    assert "in 2388 readings" in printed  # none of them is kept for a fit
    found = json.loads(report.read_text(encoding="utf-8"))
    assert {"THRESHOLD_BREACH_FERMENTER_TEMP", "STUCK_FERMENTER_PH", "ANOMALY_ENSEMBLE"} <= types(
        found
    )


def test_detect_of_a_session_names_the_detector_of_each_profile(run, tmp_path):
    devices = []
    for name, profile in (("tank", "fermenter"), ("box", "serial_monitor")):
        shutil.copytree(DATASETS / f"{profile}_healthy", tmp_path / "line" / name)
        own = {"name": name, "link": "-", "profile": profile, "baud": 9600, "folder": name}
        devices.append({**own, "status": "complete", "reason": "", "counts": None})
    start = "2026-01-01T00:00:00Z"
    whole = {"schema_version": 1, "name": "line", "status": "complete", "reason": ""}
    told = {**whole, "started": start, "ended": start, "devices": devices}
    (tmp_path / "line" / "session.json").write_text(json.dumps(told))
    code, printed, _ = run("detect", tmp_path / "line")
    assert code == 0
    assert "by ensemble and rules in" in printed


def test_detect_changes_its_parameters_and_fits_it_where_asked(run, faulted):
    code, printed, _ = run(
        "detect", faulted, "--set", "members={rules: {}, sigma: {k: 50}}", "--fit-on",
        DATASETS / "fermenter_healthy",
    )  # fmt: skip
    assert code == 0
    assert "ensemble is fitted on" in printed
    assert "ANOMALY_ENSEMBLE" not in printed
    assert "THRESHOLD_BREACH_FERMENTER_TEMP" in printed


def test_detect_by_name_goes_before_it(run, faulted):
    _, printed, _ = run("detect", faulted, "--detector", "rules")
    assert NAMED not in printed
    assert "alerts by rules" in printed


def test_capture_watches_with_it(run, tmp_path):
    frames = DATASETS / "fermenter_healthy" / "raw.log"
    # Without its checksum a frame may be changed; all go without.
    lines = [line.partition(b"*")[0] for line in frames.read_bytes().splitlines()[:200]]
    lines[150] = lines[150].replace(b"temp=3", b"temp=4")
    (tmp_path / "spoilt.txt").write_bytes(b"\n".join(lines) + b"\n")
    code, printed, _ = run(
        "capture", f"file:{tmp_path / 'spoilt.txt'}", "--profile", "fermenter", "--out",
        tmp_path / "captured", "--json",
    )  # fmt: skip
    assert code == 0
    said = json.loads(printed)["alerts"]
    assert "ANOMALY_ENSEMBLE" in types(said)


def test_capture_falls_back_to_the_rules_where_it_has_to_be_fitted(run, tmp_path):
    profile = yaml.safe_load((SHIPPED / "fermenter.yaml").read_text(encoding="utf-8"))
    profile["detector"] = {"name": "mewma"}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    code, _, told = run(
        "capture", f"file:{DATASETS / 'fermenter_healthy' / 'raw.log'}", "--profile", path, "--out",
        tmp_path / "captured",
    )  # fmt: skip
    assert code == 0
    assert "(mewma) has to be fitted first, so the rules watch" in told


def test_detect_fits_one_that_has_to_be_on_the_first_part(run, tmp_path, faulted):
    meta = json.loads((faulted / "recording.json").read_text(encoding="utf-8"))
    meta["profile"]["detector"] = {"name": "mewma"}
    (faulted / "recording.json").write_text(json.dumps(meta), encoding="utf-8")
    code, printed, _ = run("detect", faulted, "--out", tmp_path / "report.json")
    assert code == 0
    assert "names the detector mewma" in printed
    assert "mewma is fitted on the first 30% of this recording" in printed
