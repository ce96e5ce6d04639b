"""The main job, with its own notebooks and kernels, on an hour of the emulated device."""

import json

import pytest

from sensorkit.report.document import problem
from sensorkit.report.running.job import NOTEBOOKS, Config
from sensorkit.report.running.run import evaluate

pytestmark = [pytest.mark.slow, pytest.mark.pty]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run; a folder's name may hold what a template or a shell reads."""
    return evaluate(Config(quick=True), tmp_path_factory.mktemp("a {b} c") / "reports")


def test_everything_a_run_promises_is_there(run):
    names = {path.name for path in run.iterdir()}

    assert names >= {
        *("run.json", "report.json", "report.html", "results.json", "cases.csv", "scores.npz"),
        *(
            "parameters.json",
            "environment.json",
            "executed",
            "junit.xml",
            "summary.md",
            "config.yaml",
            "recordings",
            "log.txt",
        ),
    }
    executed = {path.name for path in (run / "executed").iterdir()}
    assert executed == {f"{name}.{end}" for name in NOTEBOOKS for end in ("ipynb", "html")}
    assert not list(run.rglob("*.tmp")) + list(run.rglob("*.partial*"))
    facts = json.loads((run / "run.json").read_text())
    assert facts["status"] == "passed"
    assert {notebook["status"] for notebook in facts["notebooks"]} == {"passed"}


def test_the_report_fits_its_schema_and_the_kernels_had_nothing_to_complain_about(run):
    assert problem(json.loads((run / "report.json").read_text())) is None
    assert (run / "log.txt").read_text() == ""


@pytest.mark.browser
def test_its_pages_draw_everything_offline(run, browser):
    pages = [run / "report.html", *sorted((run / "executed").glob("*.html"))]

    for page in pages:
        for width in (1200, 390):
            browser.open(page, width=width)
            data = browser.evaluate("({...document.documentElement.dataset})")
            assert data["drawn"] == data["figures"]
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert browser.complaints() == []
            assert len(browser.requests()) == 2
