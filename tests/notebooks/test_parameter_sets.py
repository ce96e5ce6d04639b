"""Every notebook holds what it claims with other parameters than its own, too.

Two sets each: one that takes another way through it, and one that is odd: a short recording of
one channel, a file instead of a port, no labels, nothing that goes wrong. papermill runs them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.importing import import_csv
from sensorkit.evaluate import Evaluation, Settings, benchmark
from sensorkit.report.files import project_root, read_json
from sensorkit.report.parameters import check, declared, read_notebook
from sensorkit.report.running.campaign import variants
from sensorkit.report.running.notebooks import ENVIRONMENT
from sensorkit.report.running.worker import execute

pytestmark = pytest.mark.slow

ROOT = project_root()
HEALTHY = ROOT / "datasets" / "serial_monitor_healthy"
FAULTED = ROOT / "datasets" / "serial_monitor_faulted"

TANK = """\
name: tank
device: tank-1
rate_hz: 2.0
heartbeat_s: 5.0
frame: {format: json, uptime: up, sequence: n}
channels:
  - name: level
    unit: cm
    decimals: 1
    plausible: [0, 400]
    waveform: {level: 180.0, noise: {sigma: 0.8, ar1: 0.5}, step: 0.1}
rules:
  - {type: THRESHOLD_BREACH_LEVEL, kind: range, channel: level, high: 300, severity: CRITICAL}
"""


@pytest.fixture(scope="module")
def tank(tmp_path_factory):
    """Return the path of the profile of a device with one channel that says JSON."""
    path = tmp_path_factory.mktemp("tank") / "tank.yaml"
    path.write_text(TANK)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a table as a spreadsheet in Germany writes it; one row of it is no reading."""
    rng = np.random.default_rng(3)
    values = 2.5 + np.cumsum(rng.normal(0, 0.004, 900)) * 0.2 + rng.normal(0, 0.02, 900)
    times = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(900), unit="s")
    rows = [
        f"{n};{time:%d.%m.%Y %H:%M:%S};{value:.3f}".replace(".", ",").replace(
            f"{time:%d,%m,%Y}", f"{time:%d.%m.%Y}"
        )
        for n, (time, value) in enumerate(zip(times, values, strict=True))
    ]
    rows[100] = "100;01.03.2026 00:01:40;kaputt"
    path = tmp_path_factory.mktemp("pump") / "pumpe.csv"
    path.write_text("Nr;Zeit;Druck [bar]\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pump(table):
    """Return a short recording of one channel, without a rule."""
    return import_csv(table, time="Zeit", leave_out=["Nr"], out=table.parent / "pump").dir


@pytest.fixture(scope="module")
def broken_pump(pump):
    """Return a copy of it with faults."""
    size = {"sizes_sigma": [6.0], "durations": [15], "repeats": 1}
    kinds = ["bias", "stuck", "spike"]
    variant = variants([Recording.open(pump)], seeds=[2], kinds=kinds, clean=0.6, **size)[0]
    return variant.inject(pump.parent).dir


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Make a function that executes a notebook as a run does, and returns its side files."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))

    def _run(name, **given):
        notebook = ROOT / "notebooks" / f"{name}.ipynb"
        known = declared(notebook)
        out = tmp_path / "out"
        own = {"out_dir": str(out)} if "out_dir" in known else {}
        cells = read_notebook(notebook).cells
        job = {
            "notebook": str(notebook),
            "output": str(tmp_path / f"{name}.ipynb"),
            "parameters": check({**given, **own}, known, notebook.name),
            "code_cells": sum(cell.cell_type == "code" for cell in cells) + 1,
            "cell_timeout_s": 120.0,
        }
        answer = execute(job, lambda _: None)
        assert answer["status"] == "passed", f"{answer['reason']}; {answer.get('message')}"
        return out

    return _run


def said(out):
    """Return all that an executed notebook printed."""
    notebook = read_notebook(next(out.parent.glob("*.ipynb")))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def test_quickstart_with_other_faults_detectors_and_seed(run):
    kinds = ["bias", "stuck"]
    out = run("00_quickstart", seconds=60, seed=3, kinds=kinds, detectors=["sigma", "volatility"])

    assert len(Recording.open(out / "quickstart").readings()) == 55
    labels = Recording.open(out / "serial_monitor_healthy-faults").labels()
    assert set(labels["kind"]) == set(kinds)


def test_quickstart_on_a_short_recording_of_one_channel(run, pump):
    given = {"kinds": ["noise", "drift"], "size_sigma": 10, "detectors": ["guard"]}
    out = run("00_quickstart", recording=str(pump), seconds=25, **given)

    assert set(Recording.open(out / "pump-faults").labels()["channel"]) == {"Druck"}


def test_capture_of_two_devices_at_once(run, tank):
    out = run("01_capture", profiles={"serial_monitor": 0.05, str(tank): 0.02}, seed=4)

    folders = [Path(folder) for folder in read_json(out / "captured.json")["recordings"]]
    assert [folder.name for folder in folders] == ["serial_monitor", "tank"]
    counts = [len(Recording.open(folder).readings()) for folder in folders]
    assert counts == [180, 144]


def test_capture_looks_at_recordings_that_are_there(run, pump):
    out = run("01_capture", recordings=[str(pump), str(FAULTED)])

    assert read_json(out / "captured.json")["recordings"] == [str(pump), str(FAULTED)]


def test_injecting_a_plan_with_faults_of_the_line(run):
    out = run("02_inject_faults", plan="mixed", fit=0.2, calibrate=0.2, seed=7)

    (folder,) = read_json(out / "injected.json")["recordings"]
    labels = Recording.open(folder).labels()
    assert {"corrupt", "truncate", "silence", "drift"} <= set(labels["kind"])
    assert Recording.open(folder).counts["rejected"]


def test_injecting_two_seeds_into_a_short_recording_of_one_channel(run, pump):
    kinds = ["stuck", "silence"]
    out = run("02_inject_faults", recordings=[str(pump)], kinds=kinds, durations=[5], seeds=[1, 2])

    folders = read_json(out / "injected.json")["recordings"]
    one, other = (Recording.open(folder).labels() for folder in folders)
    assert set(one["kind"]) == set(other["kind"]) == set(kinds)
    assert one["start"].tolist() != other["start"].tolist()


def test_benchmark_of_two_of_a_kind_with_the_published_thresholds(run, broken_pump):
    detectors = {"sigma": {"k": 4.0}, "long": {"detector": "sigma", "window": 100}}
    given = {"fit": 0.3, "calibrate": 0.3, "thresholds": 250, "detectors": detectors}
    out = run(
        "03_benchmark", recordings=[str(broken_pump)], keep=str(broken_pump / "kept"), **given
    )

    results = Evaluation.read(out)
    assert {"sigma", "long"} <= {row["detector"] for row in results.ranking}
    assert results.settings["thresholds"] == 250
    assert {row["fault_kind"] for row in results.results} == {None, "bias", "stuck", "spike"}


def test_benchmark_of_a_recording_without_a_single_label_counts_false_alarms(run, pump):
    out = run("03_benchmark", recordings=[str(pump)], detectors={"sigma": {}})

    rows = {row["detector"]: row for row in Evaluation.read(out).results}
    assert rows["sigma"]["faults"] == 0
    assert rows["never"]["false_alarms"] == 0


def test_report_of_results_that_are_there(run, broken_pump, tmp_path):
    recording = Recording.open(broken_pump)
    settings = Settings(fit=0.3, calibrate=0.3, detectors={"sigma": {}}, resamples=100)
    benchmark([recording], settings).write(tmp_path / "results")

    run("04_report", results=str(tmp_path / "results"))

    text = said(tmp_path / "out")
    assert "0 curves" in text
    assert "detectability" not in text


def test_report_of_a_recording_of_one_channel(run, broken_pump, tmp_path):
    run("04_report", recording=str(broken_pump))

    assert "on Druck" in said(tmp_path / "out") or "detectability-0" in said(tmp_path / "out")


def test_public_benchmark_of_some_series_with_named_detectors(run):
    given = {"detectors": ["sigma", "rules"], "limit": 3, "seed": 5, "resamples": 200}
    out = run("05_public_benchmarks", **given)

    assert {row["detector"] for row in read_json(out / "public.json")["rows"]} >= {"sigma", "rules"}
    assert pd.read_csv(out / "series.csv")["series"].nunique() == 3


def test_public_benchmark_of_one_series_says_that_one_carries_nothing(run):
    out = run("05_public_benchmarks", detectors=["guard"], limit=1, resamples=100)

    assert pd.read_csv(out / "series.csv")["series"].nunique() == 1


def test_own_device_from_a_file_of_bytes_and_a_german_table(run, table):
    raw = "file:" + str(HEALTHY / "raw.log")
    given = {"table": str(table), "time_column": "Zeit", "leave_out": ["Nr"], "seconds": 60}
    out = run("06_own_device", port=raw, **given)

    own, imported = (Recording.open(f) for f in read_json(out / "captured.json")["recordings"])
    assert len(own.readings()) == len(Recording.open(HEALTHY).readings())
    assert (len(imported.readings()), imported.counts["rejected"]) == (899, {"number": 1})


def test_own_device_with_a_profile_of_its_own_and_no_table(run, tank, pump):
    given = {"profile": str(tank), "table": "", "seconds": 300.0}
    out = run("06_own_device", recordings=[str(pump)], **given)

    folders = read_json(out / "captured.json")["recordings"]
    assert [Recording.open(folder).profile.name for folder in folders] == ["pumpe", "tank"]


def test_detectability_of_faults_that_take_readings_away(run):
    given = {"channel": "voltage", "kinds": ["noise", "silence"], "detectors": ["rules", "guard"]}
    out = run("07_detectability", repeats=10, duration=30, **given)

    rows = read_json(out / "detectability.json")["rows"]
    assert {row["channel"] for row in rows} == {"voltage", None}
    assert {row["unit"] for row in rows if row["kind"] == "silence"} == {"s"}


def test_detectability_on_a_short_recording_of_one_channel(run, pump):
    given = {"kinds": ["bias"], "detectors": ["sigma", "last_value"], "repeats": 10, "duration": 10}
    out = run("07_detectability", recording=str(pump), fit=0.4, calibrate=0.2, **given)

    rows = read_json(out / "detectability.json")["rows"]
    assert [row["detector"] for row in rows] == ["sigma", "last_value", "always"]


def test_live_monitor_with_another_detector_and_plan(run):
    given = {"detector": "last_value", "faults": "forced_failure", "seconds": 60, "speed": 200}
    out = run("08_live_monitor", **given)

    facts = read_json(out / "watched.json")
    assert facts["summary"]["frames"] == 55
    assert facts["same"] == sum(facts["summary"]["alerts"].values()) > 0


def test_live_monitor_of_a_device_in_which_nothing_goes_wrong(run):
    given = {"detector": "rules", "faults": "", "seconds": 90, "speed": 1000}
    out = run("08_live_monitor", **given)

    assert read_json(out / "watched.json")["summary"]["alerts"] == {}
    assert detect.load(out / "chosen.detector").name == "rules"


def test_own_detector_on_a_short_recording_of_one_channel(run, pump):
    given = {"kinds": ["stuck", "noise"], "window": 10, "beside": ["sigma"], "size_sigma": 8}
    out = run("09_own_detector", recording=str(pump), duration=30, **given)

    assert {"stillness", "ewma"} <= {row["detector"] for row in Evaluation.read(out).ranking}


def test_own_detector_without_the_fault_it_was_made_for(run):
    given = {"kinds": ["bias"], "weight": 0.3, "beside": ["mewma"], "duration": 20, "seed": 5}
    out = run("09_own_detector", size_sigma=12, **given)

    assert {row["fault_kind"] for row in Evaluation.read(out).results} == {None, "bias"}


LATHE = """\
name: lathe
device: lathe-1
rate_hz: 1.0
channels:
  - name: vibration
    unit: mm/s
    decimals: 2
    waveform: {level: 2.0, unit_sigma: 0.1, noise: {sigma: 0.1}}
  - {name: load, unit: "%", decimals: 1, waveform: {level: 60.0, noise: {sigma: 1.0}}}
frame: {format: json, device: id, uptime: up, sequence: n}
life: {mean_s: 600, spread: 0.1, onset: [0.3, 0.5], shape: 2.0, shift: {vibration: 1.5}}
"""


def test_remaining_life_of_a_device_of_ones_own(run, tmp_path):
    path = tmp_path / "lathe.yaml"
    path.write_text(LATHE)
    given = {"hours": 0.6, "rate_hz": 0.5, "limit_s": 100.0, "cap_s": 300.0, "window": 20}
    out = run("10_remaining_life", profile=str(path), subset="", seed=3, **given)

    life = detect.load(out / "life.detector")
    assert (life.limit, life.profile.name) == (100.0, "lathe")


def test_remaining_life_beside_nobody_with_other_engines(run):
    given = {"beside": [], "units": 6, "limit_s": 400.0, "seed": 9, "subset": ""}
    out = run("10_remaining_life", **given)

    (row,) = read_json(out / "remaining_life.json")["leads"]
    assert row["detector"] == "remaining_life"
    assert row["false_alarms"] < 1


def test_a_claim_that_does_not_hold_fails_the_notebook(run):
    # The last fault lasts until the end: nobody is there to say that it was over.
    with pytest.raises(AssertionError, match=r"cell \[\d+\]: AssertionError: .*RAPID_CHANGE"):
        run("00_quickstart", seconds=13)
