"""Render a run as pages that load nothing: report.html, and a page for each notebook.

Text of a device reaches a page only through autoescape or as JSON without a `<`, and the page's
policy (Content-Security-Policy) runs no script but the two that carry this page's nonce.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorkit.display.formats import day_and_minute
from sensorkit.evaluate.figures import choosing
from sensorkit.evaluate.figures.charts import comparison
from sensorkit.evaluate.figures.critical_difference import critical_difference
from sensorkit.evaluate.figures.curves import band_of, curves_in_two, left_out
from sensorkit.evaluate.figures.smallest import NUMBERS, smallest
from sensorkit.report import measures, tables
from sensorkit.report.cases import load_cases
from sensorkit.report.changes.history import changes
from sensorkit.report.ci.for_ci import LATER
from sensorkit.report.document import read_report
from sensorkit.report.files import read_json, write_text
from sensorkit.report.pages import page, plotly_asset, plotly_code
from sensorkit.report.parts import captured, inputs
from sensorkit.report.parts.examples import examples, read_kept
from sensorkit.report.parts.worst import worst
from sensorkit.report.terms import definitions
from sensorkit.report.verdict.headline import headline
from sensorkit.report.views.executed import render_notebooks


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
        from sensorkit.report.views import public_page

        run = read_json(run_dir / "run.json")
        return public_page.render(run_dir, PublicResults.read(run_dir), run)
    values = _values(run_dir, links=True)
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
    values = _values(run_dir, links=False)
    text = page("report.html.j2", plotly="plotly.js", plotly_code=plotly_code(), links=[], **values)
    write_text(run_dir / "report-standalone.html", text)
    return run_dir / "report-standalone.html"


def _values(run_dir: Path, *, links: bool) -> dict[str, Any]:
    """Return what the report shows, from report.json, cases.csv and examples.json.

    Parameters
    ----------
    run_dir : Path
    links : bool
        Whether the page stands beside the other files of the run, and may link to them.
    """
    report = read_report(run_dir)
    cases = load_cases(run_dir)
    kept = read_kept(run_dir)
    heading = tables.heading(report)
    first_curves, more_curves = curves_in_two(report)
    capture_figures, capture_cut = captured.over_time(report)
    return {
        "title": f"{heading}: sensorkit evaluation",
        "heading": heading,
        "run": report["run"],
        "created": day_and_minute(report["run"]["created_at"]),
        "verdict_box": headline(report),
        "changes": changes(run_dir, report),
        "ranking": tables.ranking(report),
        "ranking_caption": _ranking_caption(report),
        "vus_variant": report["settings"]["vus_variant"],
        "all_measures": measures.all_measures(report),
        "grid": inputs.grid(report),
        "ranks": critical_difference(report),
        "heat": tables.heat(report),
        "smallest": smallest(report),
        "smallest_numbers": NUMBERS,
        "curves": first_curves,
        "more_curves": more_curves,
        "curves_band": band_of(report),
        "curves_left_out": left_out(report),
        "figures": comparison(report, cases),
        "worst": worst(kept, cases, choosing.compared(report), links=links, run_dir=run_dir),
        "examples": examples(kept),
        "captured": captured.captured(report),
        "capture_figures": capture_figures,
        "capture_cut": capture_cut,
        "recordings": inputs.recordings(report),
        "recordings_cut": inputs.recordings_cut(report),
        "calibration": inputs.calibration(report),
        "method": inputs.method(report),
        "definitions": definitions(),
        "provenance": inputs.provenance(report),
        "hashes": inputs.hashes(report),
        "versions": sorted(report["run"]["versions"].items()),
        "parameters": _parameters(report),
    }


def _parameters(report: Mapping[str, Any]) -> str:
    given = report["run"]["parameters"]
    return json.dumps(given, indent=2, sort_keys=True, ensure_ascii=False)


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
    ("config.yaml", "all that was in force, as sensorkit evaluate --config takes it"),
    ("summary.md", "the verdict and the tables in Markdown, for a pull request"),
    ("junit.xml", "requirements, cells and notebooks as test cases, for CI"),
    ("run.json", "how the run went, notebook by notebook"),
    ("environment.json", "machine and packages"),
    ("parameters.json", "the parameters of each notebook"),
    ("log.txt", "what papermill and the kernels printed"),
)


def _links(run_dir: Path) -> list[dict[str, str]]:
    links = [
        {"href": name, "text": name, "what": what}
        for name, what in FILES
        if (run_dir / name).exists() or name in LATER
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
