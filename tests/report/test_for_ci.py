"""What a run was required to find, and what it leaves for CI, from the question to the files."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sensorkit.errors import RunError, UsageError
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.files import read_json
from sensorkit.report.running import job, notebooks
from sensorkit.report.running import run as runs
from sensorkit.report.running.job import Config
from sensorkit.report.running.notebooks import Outcome
from sensorkit.report.running.run_folder import RunFolder


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (Config(require=["forst.vus_pr>=0.5"]), "unknown detector 'forst'; .* 'forest'"),
        (Config(require=["forest.vus_pr>=50"]), "is a share, from 0 to 1"),
        (Config(require=["forest.vus_pr.drft>=0.5"]), "kind of fault in this run 'drft'; .* 'drif"),
        (Config(require=["forest.vus_pr.gain>=0.5"]), "unknown kind of fault in this run 'gain'"),
        (Config(require=["forest.a90.drift<=9"], quick=True), "leave --quick out"),
        (Config(require=["forest.a90.drift<=9"]), r"different units \(V and °C\)"),
        (Config(require=["forest.a90.drift.temp<=9"]), "unknown channel 'temp'"),
        (
            Config(faults="forced_failure", require=["forest.vus_pr.noise>=1"]),
            "unknown kind of fault in this run 'noise'; there are",
        ),
        (Config(copies=Copies(junit=Path("/proc/no/j.xml"))), "--junit /proc/no/j.xml: cannot be"),
        (Config(copies=Copies(summary=Path("/"))), "--summary /: cannot be written: Is a direct"),
    ],
)
def test_what_cannot_be_required_is_said_before_anything_is_written(tmp_path, config, told):
    with pytest.raises(UsageError, match=told):
        runs.evaluate(config, tmp_path / "reports")

    assert not (tmp_path / "reports").exists()


def test_what_was_required_stands_in_the_report_and_asks_for_itself_again(tmp_path, executed):
    asked = Config(require=["best.vus_pr>=0.5", "sigma.event_recall.drift>=0.999"])

    folder = runs.evaluate(asked, tmp_path)

    required = read_json(folder / "report.json")["requirements"]
    assert [(row["detector"], row["met"]) for row in required] == [
        ("forest", True),
        ("sigma", False),
    ]
    assert read_json(folder / "run.json")["status"] == "passed"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "✗ 1 of 2 requirements met" in page
    again = job.asked_for(folder / "config.yaml", require=["sigma.vus_pr>=0.1", asked.require[0]])
    assert again.require == (*asked.require, "sigma.vus_pr>=0.1")


def test_a_run_leaves_its_tests_and_its_summary_and_copies_where_they_are_wanted(
    tmp_path, executed
):
    wanted = tmp_path / "results" / "junit.xml"
    said = tmp_path / "step.md"
    said.write_text("before\n")
    asked = Config(require=["sigma.vus_pr>=0.99"], copies=Copies(wanted, said))

    folder = runs.evaluate(asked, tmp_path / "reports")

    tests = (folder / "junit.xml").read_text(encoding="utf-8")
    assert ET.fromstring(tests.encode()).get("failures") == "1"
    assert wanted.read_text(encoding="utf-8") == tests
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## ✓ Recommended: forest")
    assert said.read_text(encoding="utf-8") == f"before\n{summary}"


def test_a_run_that_failed_leaves_them_as_well(tmp_path, monkeypatch):
    def execute(chains, *, log_file, tell=None, follow=None):
        return [Outcome("01_capture", "failed", "cell [4]: no\x1b", 1.0, "ValueError", "no")]

    monkeypatch.setattr(notebooks, "execute", execute)
    copies = Copies(tmp_path / "junit.xml", tmp_path / "step.md")

    with pytest.raises(RunError):
        runs.evaluate(Config(copies=copies), tmp_path / "reports")

    root = ET.fromstring((tmp_path / "junit.xml").read_bytes())
    assert (root.get("tests"), root.get("errors")) == ("2", "2")
    said = (tmp_path / "step.md").read_text(encoding="utf-8")
    assert "Reason: cell &#91;4&#93;: no&#92;x1b" in said


def test_a_run_whose_files_for_ci_cannot_be_written_is_failed_and_not_the_latest(tmp_path):
    gone = tmp_path / "gone"
    run = RunFolder(tmp_path, tmp_path, (), copies=Copies(junit=gone / "junit.xml"))

    with pytest.raises(FileNotFoundError), run.told_the_truth():
        run.end("passed")

    assert read_json(run.dir / "run.json")["status"] == "failed"
    assert not (tmp_path / "latest.txt").exists()
