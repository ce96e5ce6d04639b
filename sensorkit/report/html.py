"""Render a run as pages that load nothing: report.html of a run, index.html of all of them.

Text of a device reaches a page only through autoescape or as JSON without a `<`, and the page's
policy (Content-Security-Policy) runs no script but the two that carry this page's nonce.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorkit.display.formats import NONE, day_and_minute, number, percent, seconds
from sensorkit.errors import UsageError
from sensorkit.report import inputs, measures, tables
from sensorkit.report.cases import closer_look, load_cases
from sensorkit.report.charts import comparison
from sensorkit.report.critical_difference import critical_difference
from sensorkit.report.curves import curves, left_out
from sensorkit.report.document import made_by, read_report
from sensorkit.report.examples import read_examples
from sensorkit.report.executed import render_notebooks
from sensorkit.report.files import INDEX, RUNS, read_json, write_text
from sensorkit.report.pages import page, plotly_asset, plotly_code
from sensorkit.report.smallest import NUMBERS, smallest

MARKS = {
    "passed": "✓ passed",
    "failed": "✗ failed",
    "aborted": "✗ stopped",
    "running": "… running or killed",
}


def render(run_dir: Path) -> Path:
    """Write report.html of the run in *run_dir*, and a page for each executed notebook.

    Returns
    -------
    Path
        The page. It stands in `<out>/runs/<id>/` and needs `<out>/assets/` beside.

    Raises
    ------
    UsageError
        If the run has no report, or one that does not fit the schema.
    """
    if (run_dir / "public.json").exists():
        from sensorkit.evaluate.public import PublicResults
        from sensorkit.report import public_page

        run = read_json(run_dir / "run.json")
        return public_page.render(run_dir, PublicResults.read(run_dir), run)
    values = _values(run_dir)
    plotly = plotly_asset(run_dir.parent.parent)
    render_notebooks(run_dir / "executed", plotly=f"../../../{plotly}", back="../report.html")
    text = page("report.html.j2", plotly=f"../../{plotly}", links=_links(run_dir), **values)
    write_text(run_dir / "report.html", text)
    return run_dir / "report.html"


def render_standalone(run_dir: Path) -> Path:
    """Write report-standalone.html: one file of some 5 MB, to be sent to somebody.

    Returns
    -------
    Path
        The page; it links to nothing.

    Raises
    ------
    UsageError
        As `render`.
    """
    values = _values(run_dir)
    text = page("report.html.j2", plotly="plotly.js", plotly_code=plotly_code(), links=[], **values)
    write_text(run_dir / "report-standalone.html", text)
    return run_dir / "report-standalone.html"


def _values(run_dir: Path) -> dict[str, Any]:
    """Return what the report shows, from report.json, cases.csv and examples.json."""
    report = read_report(run_dir)
    cases = load_cases(run_dir)
    row = tables.chosen(report)
    best = row["detector"] if row else NONE
    recommended = report["verdict"]["detector"] is not None
    heading = tables.heading(report)
    parameters = report["run"]["parameters"]
    return {
        "title": f"{heading}: sensorkit evaluation",
        "heading": heading,
        "run": report["run"],
        "created": day_and_minute(report["run"]["created_at"]),
        "verdict": report["verdict"],
        "sentences": tables.sentences(report),
        "compared": tables.comparison(report),
        "tiles": tables.tiles(report),
        "tiles_of": best if recommended else f"The best ranked one is {best}; its numbers",
        "warnings": tables.warnings(report),
        "ranking": tables.ranking(report),
        "ranking_caption": _ranking_caption(report),
        "vus_variant": report["settings"]["vus_variant"],
        "all_measures": measures.all_measures(report),
        "definitions": measures.definitions(),
        "ranks": critical_difference(report),
        "heat": tables.heat(report),
        "smallest": smallest(report),
        "smallest_numbers": NUMBERS,
        "curves": curves(report),
        "curves_left_out": left_out(report),
        "closer": closer_look(cases, best),
        "figures": comparison(report, cases),
        "examples": read_examples(run_dir),
        "examples_of": best,
        "recordings": inputs.recordings(report),
        "grid": inputs.grid(report),
        "calibration": inputs.calibration(report),
        "method": inputs.method(report),
        "provenance": inputs.provenance(report),
        "versions": sorted(report["run"]["versions"].items()),
        "parameters": json.dumps(parameters, indent=2, sort_keys=True, ensure_ascii=False),
    }


def _ranking_caption(report: Mapping[str, Any]) -> str:
    n = max((row["recordings"] for row in report["ranking"]), default=0)
    copies = max((row["copies"] for row in report["ranking"]), default=0)
    recordings = "1 recording" if n == 1 else f"{n} recordings"
    # Another seed or plan on the same base is no other recording.
    recordings += f", {copies} copies" if copies > n else ""
    return f"On {recordings}; 95 % intervals in brackets; the delay counts misses as never found"


FILES = (
    ("report.json", "every number of this page, with its schema in sensorkit/report/"),
    ("cases.csv", "one row for each detector and fault: found or missed, and after how long"),
    ("scores.npz", "the score of every reading of the test, by recording and detector"),
    ("run.json", "how the run went, notebook by notebook"),
    ("environment.json", "machine and packages"),
    ("parameters.json", "the parameters of each notebook"),
    ("log.txt", "what papermill and the kernels printed"),
)


def _links(run_dir: Path) -> list[dict[str, str]]:
    links = [
        {"href": name, "text": name, "what": what}
        for name, what in FILES
        if (run_dir / name).exists()
    ]
    for path in sorted((run_dir / "executed").glob("*.ipynb")):
        readable = path.with_suffix(".html")
        shown = readable if readable.exists() else path
        links.append(
            {
                "href": f"executed/{shown.name}",
                "text": shown.name,
                "what": "the notebook as it ran; the .ipynb is beside it",
            }
        )
    return links


def index(out: Path) -> Path:
    """Write `<out>/index.html`: all runs, newest first; those that failed with the reason.

    Returns
    -------
    Path
        The page.
    """
    rows = [_index_row(path.parent) for path in (out / RUNS).glob("*/run.json")]
    rows.sort(key=lambda row: row["id"], reverse=True)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / INDEX, page("index.html.j2", title="sensorkit runs", plotly="", runs=rows))
    return out / INDEX


def _index_row(run_dir: Path) -> dict[str, str]:
    """Return a run's line; a run.json that cannot be read, or an old one, is a line, too."""
    try:
        run = read_json(run_dir / "run.json")
    except UsageError as error:
        run = {"status": "failed", "reason": str(error)}
    status = str(run.get("status", "failed"))
    summary = run.get("summary") or {}
    href = "report.html" if (run_dir / "report.html").exists() else "run.json"
    created = run.get("created_at")
    return {
        "id": run_dir.name,
        "href": f"{RUNS}/{run_dir.name}/{href}",
        "created": day_and_minute(created) if created else run_dir.name,
        "status": status,
        "mark": MARKS.get(status, status),
        # A run that did not pass has no summary, so no numbers that could be of another version.
        "made_by": made_by(summary.get("schema_version")) if summary else "",
        "recordings": ", ".join(summary.get("recordings", [])) or NONE,
        "verdict": summary.get("verdict") or run.get("reason") or NONE,
        "recall": percent(summary.get("event_recall")),
        "false_alarms": number(summary.get("false_alarms_per_day"), 2),
        "commit": (run.get("git_commit") or NONE)[:7] + ("*" if run.get("git_dirty") else ""),
        "took": seconds(run.get("duration_s")),
    }
