"""A run on a public data set: what is written, and when it says `passed`."""

import json
import re

import pytest

from sensorkit.errors import RunError, UsageError
from sensorkit.evaluate.public import public_benchmark
from sensorkit.report.files import project_root, read_json
from sensorkit.report.parameters import check, declared
from sensorkit.report.running import notebooks
from sensorkit.report.running.notebooks import Outcome
from sensorkit.report.running.public import NOTEBOOK, evaluate_public
from sensorkit.report.views import public_page

PATH = project_root() / "notebooks" / f"{NOTEBOOK}.ipynb"


@pytest.fixture(scope="module")
def results():
    return public_benchmark("generated", detectors=["sigma", "rules"], resamples=50)


@pytest.fixture
def executed(monkeypatch, results):
    """Execute nothing: write what the notebook would have written, and remember the job."""
    jobs = []

    def execute(chains, *, log_file, tell=None):
        (job,) = [job for chain in chains for job in chain]
        check(job.parameters, declared(job.notebook), job.notebook.name)
        jobs.append(job)
        job.output.parent.mkdir(parents=True)
        job.output.write_text(PATH.read_text(encoding="utf-8"), encoding="utf-8")
        results.write(log_file.parent)
        return [Outcome(job.name, "passed", "", 1.0)]

    monkeypatch.setattr(notebooks, "execute", execute)
    return jobs


def test_a_run_leaves_its_results_and_a_page(executed, tmp_path):
    folder = evaluate_public("generated", detectors=["sigma", "rules"], out=tmp_path)
    run = read_json(folder / "run.json")
    assert run["status"] == "passed"
    assert run["summary"]["verdict"] == read_json(folder / "public.json")["sentence"]
    assert (tmp_path / "latest.txt").read_text().strip() == folder.name
    assert folder.name in (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in ("series.csv", "environment.json", "report.html"):
        assert (folder / name).stat().st_size > 0
    (job,) = executed
    assert job.parameters["detectors"] == ["sigma", "rules"]


def test_the_page_shows_every_detector_and_every_warning(executed, results, tmp_path):
    folder = evaluate_public("generated", out=tmp_path)
    page = (folder / "report.html").read_text(encoding="utf-8")
    for row in results.rows:
        assert row["detector"] in page
    for line in (*results.warnings, *results.protocol):
        assert line in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)  # it loads nothing from elsewhere


def test_published_rows_stand_beside_ours_with_source_and_note(results, tmp_path):
    from dataclasses import replace

    from sensorkit.datasets.leaderboards import published
    from sensorkit.evaluate.public.skab import Skab

    rows = [
        {"detector": "mine", "role": "ours", "status": "partial", "failed": 2, "series": 32}
        | {"reason": "no <b>reason</b>", "rank": None, "rank_of": None, "f1": 0.5}
    ]
    skab = replace(
        results,
        dataset="skab",
        title=Skab.title,
        columns=[column.to_dict() for column in Skab.columns],
        headline="f1",
        comparable="f1",
        rows=rows,
        published=published("skab"),
        settings={"series": 34, "whole": True},
    )
    run = {"id": "x", "created_at": "2026-01-01T00:00:00Z", "duration_s": 1.0, "command": "c"}
    folder = tmp_path / "runs" / "x"
    (folder / "executed").mkdir(parents=True)
    run |= {"versions": {}, "git_commit": "0123456789", "git_dirty": True}
    run |= {"machine": {"cpus": 2}, "parameters": {"seed": 7}}
    page = public_page.render(folder, skab, run).read_text(encoding="utf-8")

    for said in ("0123456789, with changes that are not committed", "cpus 2", "seed 7"):
        assert f"<dd>{said}" in page
    assert "Conv-AE" in page
    assert "looks 30 rows ahead" in page
    assert "github.com/waico/SKAB/blob/b2c0d46c" in page
    assert "✗ 2 of 34 failed" in page
    assert "no &lt;b&gt;reason" in page
    assert "GPL-3.0" in page


def test_a_notebook_that_fails_makes_a_failed_run_with_its_reason(monkeypatch, tmp_path):
    def execute(chains, **_):
        return [Outcome(NOTEBOOK, "failed", "05, cell 4: ValueError: boom", 1.0, "ValueError")]

    monkeypatch.setattr(notebooks, "execute", execute)
    with pytest.raises(RunError, match="cell 4: ValueError: boom"):
        evaluate_public("generated", out=tmp_path)
    (run,) = tmp_path.glob("runs/*/run.json")
    facts = json.loads(run.read_text())
    assert (facts["status"], facts["reason"]) == ("failed", "05, cell 4: ValueError: boom")
    assert not (tmp_path / "latest.txt").exists()


def test_a_run_that_is_stopped_says_so(monkeypatch, tmp_path):
    def execute(chains, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(notebooks, "execute", execute)
    with pytest.raises(KeyboardInterrupt):
        evaluate_public("generated", out=tmp_path)
    (run,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(run.read_text())["status"] == "aborted"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "skap"}, "skab"),
        ({"name": "generated", "detectors": ["sigmaa"]}, "sigma"),
        ({"name": "generated", "limit": 0}, "limit is 0"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(tmp_path, asked, said):
    with pytest.raises(UsageError, match=said):
        evaluate_public(**asked, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_set_that_is_not_here_is_told_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="sensorkit datasets fetch nab"):
        evaluate_public("nab", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
