"""Runs of several devices, side by side: what is shared, and that one failure stops no other."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sensorkit.errors import ProfileError, UsageError
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.ci.junit import junit
from sensorkit.report.ci.junit_of_several import merged
from sensorkit.report.files import read_json
from sensorkit.report.running import several
from sensorkit.report.running.job import Config
from sensorkit.report.running.one_of_several import as_message, from_message
from sensorkit.report.running.several import Ended, divided, evaluate_several, failed

CHILD = """
import json, os, sys, time
from pathlib import Path
message = json.loads(sys.stdin.readline())
name, out = message["config"]["profile"], Path(message["out"])
def say(**what): print(json.dumps(what), flush=True)
say(notebook="01_capture", cell=1, of=3)
if name == "fermenter":
    os._exit(9)
if name == "turbofan":
    time.sleep(60)
run = out / "runs" / f"20260101T000000Z-{name}"
run.mkdir(parents=True)
facts = {"schema_version": 1, "id": run.name, "created_at": "2026-01-01T00:00:00.000000Z",
         "command": "c", "status": "passed", "reason": "", "duration_s": 1.0, "summary": {},
         "notebooks": [], "given": message["config"]}
(run / "run.json").write_text(json.dumps(facts))
(run / "summary.md").write_text(f"summary of {name}")
(run / "junit.xml").write_text(Path(__file__).with_name("junit.xml").read_text())
say(status="passed", run=str(run))
"""


@pytest.fixture
def children(monkeypatch, tmp_path):
    """Let each run be a process that runs nothing, and say what it was asked for."""
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    passed = junit({"id": "x", "status": "passed", "duration_s": 1.0}, None)
    (tmp_path / "junit.xml").write_text(passed)
    started = []
    popen = subprocess.Popen

    def start(command, **options):
        assert command[1:] == ["-m", "sensorkit.report.running.one_of_several"]
        started.append(popen([sys.executable, str(path)], **options))
        return started[-1]

    monkeypatch.setattr(several.subprocess, "Popen", start)
    monkeypatch.setattr(several, "look_at_input", lambda config, parameters: None)
    return started


def asked(*names, **others):
    return {name: Config(profile=name, **others) for name in names}


def test_one_that_dies_stops_no_other_and_is_told_with_its_exit_code(children, tmp_path):
    said = []

    found = evaluate_several(
        asked("serial_monitor", "fermenter", "weather"),
        tmp_path / "out",
        said=lambda name, what: said.append((name, what.get("status") or what["notebook"])),
    )

    assert [(one.name, one.status) for one in found] == [
        ("serial_monitor", "passed"),
        ("fermenter", "failed"),
        ("weather", "passed"),
    ]
    assert found[1].reason == "its process ended with exit code 9"
    assert str(failed(found)) == "1 of 3 runs failed: fermenter"
    assert sorted(said) == sorted(
        (name, what)
        for name, end in [
            ("serial_monitor", "passed"),
            ("fermenter", "failed"),
            ("weather", "passed"),
        ]
        for what in ("01_capture", end)
    )


def test_the_first_that_passed_is_the_latest_and_all_stand_on_the_page(children, tmp_path):
    out = tmp_path / "out"

    evaluate_several(asked("fermenter", "weather", "serial_monitor"), out)

    assert (out / "latest.txt").read_text() == "20260101T000000Z-weather\n"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "20260101T000000Z-serial_monitor" in page
    assert "20260101T000000Z-weather" in page


def test_the_quickstart_runs_once_and_the_cells_are_cleared_once(children, tmp_path):
    out = tmp_path / "out"
    (out / "cells").mkdir(parents=True)
    (out / "cells" / "key-check.npz").touch()

    evaluate_several(asked("serial_monitor", "weather", fresh=True), out)

    assert not (out / "cells" / "key-check.npz").exists()
    given = {
        name: read_json(out / "runs" / f"20260101T000000Z-{name}" / "run.json")["given"]
        for name in ("serial_monitor", "weather")
    }
    assert [one["quickstart"] for one in given.values()] == [True, False]
    assert [one["fresh"] for one in given.values()] == [False, False]


def test_what_is_for_ci_is_of_all_runs(children, tmp_path):
    copies = Copies(tmp_path / "j.xml", tmp_path / "s.md")

    evaluate_several(asked("weather", "fermenter", "serial_monitor"), tmp_path / "o", copies=copies)

    suites = ET.parse(tmp_path / "j.xml").getroot()
    assert [suite.get("name").split()[0] for suite in suites] == [
        "weather",
        "serial_monitor",
        "fermenter",
    ]
    assert (suites.get("tests"), suites.get("errors")) == ("3", "1")
    assert (tmp_path / "s.md").read_text() == "summary of weather\nsummary of serial_monitor\n"


def test_one_that_cannot_be_used_stops_all_before_any_begins(tmp_path):
    with pytest.raises(ProfileError, match="did you mean 'fermenter'"):
        evaluate_several(asked("serial_monitor", "fermentor"), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_the_cores_are_shared_unless_somebody_says_how():
    two = [Config(), Config(settings={"workers": 5}), Config(settings={"03_benchmark.workers": 6})]

    first, second, third = divided(two, 8)

    assert first.settings == {"workers": 2}
    assert (second, third) == (two[1], two[2])
    assert divided([Config()] * 4, 2)[0].settings == {"workers": 1}


def test_what_is_asked_for_arrives_as_it_was_sent(tmp_path):
    config = Config(
        recordings=(tmp_path / "a",),
        settings={"seed": "2", "kinds": ["spike"]},
        require=("guard.event_recall>=0.5",),
        arguments=("evaluate", "--quick"),
        quick=True,
    )

    again, out = from_message(json.loads(json.dumps(as_message(config, tmp_path))))

    assert out == tmp_path
    assert again == replace(
        config,
        require=list(config.require),
        arguments=list(config.arguments),
    )


def test_suites_of_two_devices_have_no_test_of_one_name():
    one = junit({"id": "x", "status": "passed", "duration_s": 2.0}, None)

    suites = ET.fromstring(merged({"a": one, "b": one}, {"c": "</error>\x00"}))

    names = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
    assert len(names) == len(set(names)) == 3
    assert (suites.get("tests"), suites.get("errors"), suites.get("time")) == ("3", "1", "2.000")


def test_nothing_failed_is_no_error(tmp_path):
    assert failed([Ended("a", tmp_path, "passed", "", 0, 1.0)]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_every_run(children, tmp_path, monkeypatch):
    def interrupt(name, what):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(several, "STOP_S", 0.2)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        evaluate_several(asked("turbofan"), tmp_path / "out", said=interrupt)

    assert time.monotonic() - began < 30
    assert [child.poll() is not None for child in children] == [True]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_ends_with_the_driver_and_says_that_it_was_aborted(tmp_path):
    """The real process, stopped while its first notebook runs."""
    child = subprocess.Popen(
        [sys.executable, "-m", "sensorkit.report.running.one_of_several"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    message = as_message(Config(quick=True, quickstart=False), tmp_path)
    child.stdin.write(json.dumps(message).encode() + b"\n")
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["notebook"] == "01_capture"

    child.stdin.close()  # as when the driver is killed
    said = [json.loads(line) for line in child.stdout]
    child.stdout.close()
    child.wait(timeout=30)

    assert said[-1]["status"] == "aborted"
    run = Path(said[-1]["run"])
    assert read_json(run / "run.json")["status"] == "aborted"


def test_what_is_no_folder_of_runs_is_the_users_mistake_not_a_traceback(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises((UsageError, OSError)):
        evaluate_several(
            asked("serial_monitor"), tmp_path / "o", copies=Copies(tmp_path / "file" / "j.xml")
        )
