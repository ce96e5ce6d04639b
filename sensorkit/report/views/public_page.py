"""report.html of a public benchmark: our table, the published rows, and how both came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorkit import datasets
from sensorkit.display.figure import Figure
from sensorkit.display.formats import NONE, day_and_minute, fixed, interval, number
from sensorkit.evaluate.figures.charts import interval_chart
from sensorkit.evaluate.figures.critical_difference import too_few
from sensorkit.evaluate.public import PublicResults
from sensorkit.evaluate.public.sources import GENERATED
from sensorkit.report.ci.for_ci import LATER
from sensorkit.report.files import write_text
from sensorkit.report.pages import page, plotly_asset
from sensorkit.report.parts.inputs import provenance
from sensorkit.report.views.executed import render_notebooks


def render(run_dir: Path, results: PublicResults, run: Mapping[str, Any]) -> Path:
    """Write report.html of a public benchmark, and a page for the executed notebook.

    Parameters
    ----------
    run_dir : Path
        Stands in `<out>/runs/`; the page needs `<out>/assets/`.
    results : PublicResults
    run : mapping
        What run.json holds.
    """
    plotly = plotly_asset(run_dir.parent.parent)
    render_notebooks(run_dir / "executed", plotly=f"../../../{plotly}", back="../report.html")
    text = page(
        "public.html.j2",
        title=f"{results.title}: sensorkit public benchmark",
        plotly=f"../../{plotly}",
        results=results,
        run=run,
        created=day_and_minute(run["created_at"]),
        columns=ours_columns(results),
        rows=ours_rows(results),
        published=published_table(results),
        chart=chart(results),
        failures=failures(results),
        cliques=cliques(results),
        about=[*about(results.dataset), *_made(run)],
        links=links(run_dir),
    )
    write_text(run_dir / "report.html", text)
    return run_dir / "report.html"


def ours_columns(results: PublicResults) -> list[str]:
    """Return the head of our table; what is chosen on labels is marked."""
    marked = [
        c["title"] + (f", {c['unit']}" if c["unit"] else "") + (" *" if c["labels"] else "")
        for c in results.columns
    ]
    return ["Detector", "Rank among published", *marked]


def ours_rows(results: PublicResults) -> list[dict[str, Any]]:
    """Return our table: each figure, and below it its interval."""
    return [
        {
            "detector": row["detector"],
            "chance": row["role"] == "chance",
            "failed": f"{row['failed']} of {row['failed'] + row['series']} failed"
            if row["failed"]
            else "",
            "rank": f"{row['rank']} of {row['rank_of']}" if row["rank"] else "not comparable",
            "places": places(row),
            "cells": [
                {
                    "value": figure_of(row, column),
                    "range": bounds_of(row, column),
                }
                for column in results.columns
            ],
        }
        for row in results.rows
    ]


def places(row: Mapping[str, Any]) -> str:
    """Return the best and the worst place that the interval of the figure allows; "" without one.

    >>> places({"rank": 1, "rank_ci": [1, 4]}), places({"rank": 2, "rank_ci": [2, 2]})
    ('1 to 4 by its interval', 'by all of its interval')
    """
    bounds = row.get("rank_ci")
    if not row["rank"] or bounds is None:
        return ""
    best, worst = bounds
    return "by all of its interval" if best == worst else f"{best} to {worst} by its interval"


def _form(column: Mapping[str, Any]) -> Callable[[float | None], str]:
    return fixed if column.get("share", True) else number


def figure_of(row: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Return a figure: a share with as many decimals as its interval and its neighbours have."""
    return _form(column)(row.get(column["key"]))


def bounds_of(row: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Return the interval of a figure in brackets, nothing where there is none."""
    return interval(row.get(f"{column['key']}_ci"), _form(column))


def told(row: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Return a figure with its interval.

    >>> told({"f1": 0.8111, "f1_ci": [0.7, 0.9]}, {"key": "f1", "share": True})
    '0.811 [0.700, 0.900]'
    """
    return f"{figure_of(row, column)} {bounds_of(row, column)}".rstrip()


def published_table(results: PublicResults) -> dict[str, Any]:
    """Return columns and rows of what is published, best first; columns without a value go."""
    keys = [
        column["key"]
        for column in results.columns
        if any(row.get(column["key"]) is not None for row in results.published)
    ]
    titles = {column["key"]: column["title"] for column in results.columns}
    by = next((key for key in (results.comparable, results.headline) if key in keys), None)
    listed = sorted(
        results.published,
        key=lambda row: -(row[by] if by and row.get(by) is not None else float("-inf")),
    )
    rows = [
        [
            row["method"],
            *(number(row.get(key), 4) for key in keys),
            "same" if row["comparable"] else "another",
            row["threshold_from"] or NONE,
            row["note"] or NONE,
        ]
        for row in listed
    ]
    sources = list(dict.fromkeys((row["source"], row["version"]) for row in listed))
    return {
        "columns": ["Method", *(titles[key] for key in keys), "Protocol", "Threshold from", "Note"],
        "rows": rows,
        "numeric": list(range(1, len(keys) + 1)),
        # As long as their authors made them.
        "wrap": [len(keys) + 2, len(keys) + 3],
        "sources": [f"{source} ({version})" if version else source for source, version in sources],
    }


def chart(results: PublicResults) -> Figure | None:
    """Return the headline of each detector with its interval; None where nobody has one."""
    column = next(c for c in results.columns if c["key"] == results.headline)
    shown = [row for row in results.rows if row.get(results.headline) is not None]
    if not shown:
        return None
    shown = sorted(shown, key=lambda row: -row[results.headline])
    names = [row["detector"] for row in shown]
    values = [row[results.headline] for row in shown]
    labels = [told(row, column) for row in shown]
    spec = interval_chart(
        names,
        values,
        [row.get(f"{results.headline}_ci") for row in shown],
        title=column["title"],
        muted=[row["role"] == "chance" for row in shown],
        axis={},
        labels=labels,
        mark=_mark(results),
    )
    said = "; ".join(f"{name} {label}" for name, label in zip(names, labels, strict=True))
    return Figure(
        "headline",
        f"{column['title']}, with the 95 % interval over series; hollow dots are chance",
        f"Dots with intervals: {said}.",
        spec,
        ("Detector", column["title"]),
        [list(pair) for pair in zip(names, labels, strict=True)],
    )


def _mark(results: PublicResults) -> tuple[float, str] | None:
    """Return the best published figure where the headline is the one that is published."""
    if results.headline != results.comparable or not results.settings["whole"]:
        return None
    known = [
        row
        for row in results.published
        if row["comparable"] and row.get(results.headline) is not None
    ]
    if not known:
        return None
    best = max(known, key=lambda row: row[results.headline])
    return best[results.headline], f"best published: {best['method']}"


def failures(results: PublicResults) -> list[str]:
    """Return what failed, detector by detector, with the reason."""
    return [
        f"{row['detector']}: {row['failed']} of {row['failed'] + row['series']} series: "
        f"{row['reason']}"
        for row in results.rows
        if row["failed"]
    ]


def cliques(results: PublicResults) -> list[str]:
    """Return the groups of detectors that mean ranks cannot tell apart."""
    found = results.critical_difference
    if found is None:
        return []
    ranks = ", ".join(f"{one['detector']} {one['mean_rank']:.2f}" for one in found["ranks"])
    groups = [", ".join(clique) for clique in found["cliques"] if len(clique) > 1]
    why = too_few(found, "independent series") if "least_p_holm" in found else ""
    return [
        f"Mean ranks over {found['recordings']} independent series: {ranks}.",
        *([f"Here {why}."] if why else []),
        *(f"Cannot be told apart (Wilcoxon, Holm, 5 %): {group}." for group in groups),
    ]


def about(name: str) -> list[tuple[str, str]]:
    """Return what the card of the set says; nothing for the generated one."""
    if name == GENERATED:
        return []
    card = datasets.card(name)
    return [
        ("Licence", card.licence),
        ("Home page", card.homepage),
        ("Citation", card.citation),
        *((f"Flaw {n}", flaw) for n, flaw in enumerate(card.flaws, 1)),
    ]


def _made(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return when and from what the run was made, as the report of any run says it."""
    seeds = {key: value for key, value in run.get("parameters", {}).items() if key == "seed"}
    return provenance({"run": {**run, "seeds": seeds}})


def links(run_dir: Path) -> Sequence[tuple[str, str]]:
    """Return the files of the run that are there, and what they hold."""
    files = (
        ("public.json", "every number of this page"),
        ("series.csv", "one row for each series and detector"),
        ("summary.md", "the verdict in Markdown, for a pull request"),
        ("junit.xml", "the run and its notebook as test cases, for CI"),
        ("run.json", "how the run went"),
        ("environment.json", "machine and packages"),
        ("executed/05_public_benchmarks.html", "the notebook as it ran"),
        ("log.txt", "what the kernel printed"),
    )
    return [(name, what) for name, what in files if (run_dir / name).exists() or name in LATER]
