"""A comparison of two runs in words: tables for pages and for the terminal, and a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorkit.display.figure import Figure
from sensorkit.display.formats import (
    NONE,
    day_and_minute,
    fixed,
    microseconds,
    number,
    percent,
    rate,
    seconds,
    visible,
)
from sensorkit.evaluate.figures.charts import interval_chart
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN
from sensorkit.evaluate.words import listed
from sensorkit.report.changes.change import ALIKE, BETTER, NOT_COMPARED, SAME, WORSE
from sensorkit.report.files import write_text
from sensorkit.report.pages import page, plotly_asset, plotly_code

FOLDER = "compare"
"""Of the pages of comparisons, beside that of the runs."""

MARKS = {BETTER: "▲", WORSE: "▼", ALIKE: "≈", SAME: "=", NOT_COMPARED: NONE}
SHORT = {SAME: "the same"}
"""In cells; beside the table stands what it means."""
CLASSES = {BETTER: "better", WORSE: "worse"}
MAIN = (
    "vus_pr",
    "event_recall",
    "false_alarms_per_day",
    "delay_median_s",
    "microseconds_per_reading",
)

Row = Mapping[str, Any]

WHAT_WORDS_MEAN = (
    (BETTER, "the 95 % interval of the change leaves out no change, and lies on the good side"),
    (WORSE, "it lies on the bad side"),
    (ALIKE, "it holds no change: chance does as much, or nothing was resampled"),
    (SAME, "scores, alarms and faults found are equal in every digit, so the change is exactly 0"),
    (NOT_COMPARED, "there is no fair comparison, as of a time measured once; the note says why"),
)


def view(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a comparison, in words.

    Returns
    -------
    dict
        `main`: a row for each detector, with a cell for each of `MAIN`; `worse`: whether a figure
        of a recommended detector, or of a best ranked one, is; `still`: baselines that
        have no row, as nothing of them changed; `sizes`: rows of the smallest faults found;
        `changed`: what else differs, in tables of name, before and after.
    """
    chosen = {comparison[side]["chosen"] for side in ("base", "run")}
    rows = comparison["detectors"]
    first = [row for row in rows if row["detector"] in chosen]
    rows = [*first, *(row for row in rows if row not in first)]
    still = [row["detector"] for row in rows if _still(row)]
    return {
        "main": [
            {
                "detector": row["detector"],
                "baseline": row["baseline"],
                "chosen": _chosen(comparison, row["detector"]),
                "word": row["word"],
                "cells": [cell(f) for key in MAIN for f in row["figures"] if f["figure"] == key],
            }
            for row in rows
            if not _still(row)
        ],
        "worse": any(row["detector"] in chosen and WORSE in row["word"] for row in rows),
        "still": f"Baselines that are the same: {listed(still)}." if still else "",
        "sizes": [
            {"detector": row["detector"], "name": f["name"], **cell(f)}
            for row in rows
            for f in row["figures"]
            if f["figure"] not in MAIN
        ][:ROWS_SHOWN],
        "changed": _changed(comparison),
        "words": [(f"{MARKS[word]} {word}", meaning) for word, meaning in WHAT_WORDS_MEAN],
        "judged": sum(
            f["word"] not in (SAME, NOT_COMPARED) for row in rows for f in row["figures"]
        ),
    }


def _still(row: Row) -> bool:
    """Return whether a row says nothing: a baseline that is what it was."""
    return row["baseline"] and row["word"] in (SAME, NOT_COMPARED)


def _chosen(comparison: Mapping[str, Any], name: str) -> str:
    """Say whether a detector is the recommended one, or the best ranked where none is."""
    said = []
    for side, when in (("run", ""), ("base", " before")):
        if comparison[side]["chosen"] == name:
            kind = "recommended" if comparison[side]["recommended"] else "best ranked"
            said.append(f"{kind}{when}")
    return said[0] if said else ""


def cell(figure: Row) -> dict[str, str]:
    """Return what a cell says of a figure: now, before, the change, and the word for it."""
    form = FORMS.get(figure["figure"])
    if form is not None:
        now, was = form(figure["after"]), form(figure["before"])
    else:
        was, now = figure["said"]
    return {
        "now": now,
        "was": was,
        "change": _change(figure) if figure["word"] != SAME else "",
        "mark": MARKS[figure["word"]],
        "word": SHORT.get(figure["word"], figure["word"]),
        "class": CLASSES.get(figure["word"], ""),
        "note": figure["note"],
    }


def _change(figure: Row) -> str:
    """Return the change with its interval, in the unit of the figure."""
    form = SIGNED.get(figure["figure"], _times)
    value = NONE if figure["change"] is None else form(figure["change"])
    if figure["ci"] is None:
        return "" if value == NONE else value
    low, high = ("open" if end is None else form(end) for end in figure["ci"])
    unit = " points" if figure["figure"] == "event_recall" else ""
    return f"{value} [{low}, {high}]{unit}"


def _sign(value: float, text: str) -> str:
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{text}"


def _points(share: float) -> str:
    value = abs(100 * share)
    return _sign(share, f"{value:.0f}" if value >= 1 or not value else f"{value:.1g}")


def _thousandths(value: float) -> str:
    small = 0 < abs(value) < 0.0005
    return _sign(value, number(abs(value), 1) if small else fixed(abs(value)))


def _times(factor: float) -> str:
    return f"\N{MULTIPLICATION SIGN}{number(factor, 2)}"


FORMS: Mapping[str, Callable[[float | None], str]] = {
    "vus_pr": fixed,
    "event_recall": percent,
    "false_alarms_per_day": rate,
    "delay_median_s": lambda value: "not reached" if value is None else seconds(value),
    "microseconds_per_reading": microseconds,
}

SIGNED: Mapping[str, Callable[[float], str]] = {
    "vus_pr": _thousandths,
    "event_recall": _points,
    "false_alarms_per_day": lambda value: _sign(value, rate(abs(value))),
    "delay_median_s": lambda value: _sign(value, seconds(abs(value))),
}

NAMES = ("VUS-PR", "Faults found", "False alarms a day", "Median delay", "Time a reading")


def _changed(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what else differs, each table with its caption; only those with rows."""
    tried = [(name, NONE, "tried") for name in comparison["came"]]
    tried += [(name, "tried", NONE) for name in comparison["went"]]
    all_tables = [
        ("Detectors that came or went", tried),
        ("Parameters of detectors", _rows(comparison["parameters"])),
        ("Settings", _rows(comparison["settings"])),
        ("Commit, versions and machine", _rows(comparison["provenance"])),
        (
            "Recordings that only one of the two has",
            [
                (recording["name"], *side(recording["data_sha256"][:12]))
                for key, side in (
                    ("only_in_base", lambda text: (text, NONE)),
                    ("only_in_run", lambda text: (NONE, text)),
                )
                for recording in comparison["data"][key]
            ],
        ),
    ]
    return [
        {"caption": caption, "rows": rows[:ROWS_SHOWN], "cut": max(0, len(rows) - ROWS_SHOWN)}
        for caption, rows in all_tables
        if rows
    ]


def _rows(entries: Sequence[Row]) -> list[tuple[str, str, str]]:
    return [(e["name"], _value(e["before"]), _value(e["after"])) for e in entries]


def _value(value: Any) -> str:
    if value is None:
        return NONE
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}\N{HORIZONTAL ELLIPSIS}"


def figures(comparison: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of a comparison: the change of each detector with its interval."""
    found = []
    for key, title in (
        ("vus_pr", "change of VUS-PR"),
        ("event_recall", "change of the share of faults found"),
        ("false_alarms_per_day", "change of false alarms a day"),
    ):
        rows = [
            (row["detector"], row["baseline"], f)
            for row in comparison["detectors"]
            for f in row["figures"]
            if f["figure"] == key and f["change"] is not None and not _still(row)
        ]
        if not any(f["change"] or any(f["ci"] or ()) for _, _, f in rows):
            continue
        said = [f"{_change(f)}, {f['word']}" for _, _, f in rows]
        spec = interval_chart(
            [name for name, _, _ in rows],
            [f["change"] for _, _, f in rows],
            [f["ci"] for _, _, f in rows],
            title=title,
            muted=[baseline for _, baseline, _ in rows],
            axis={},
            labels=said,
            mark=(0.0, "no change"),
        )
        found.append(
            Figure(
                f"change-{key.replace('_', '-')}",
                f"{title[0].upper()}{title[1:]} from the base to this run, 95 % intervals",
                "Dots with intervals: "
                + "; ".join(
                    f"{name} {text}" for (name, _, _), text in zip(rows, said, strict=True)
                ),
                spec,
                ("Detector", "Change [95 % interval]", "Word"),
                [(name, _change(f), f["word"]) for name, _, f in rows],
            )
        )
    return found


def write(comparison: Mapping[str, Any], out: Path, *, standalone: bool = False) -> Path:
    """Write the page of a comparison into `<out>/compare/` and return it.

    Parameters
    ----------
    comparison : mapping
        As `sensorkit.report.changes.compare` returns it.
    out : Path
        Holds `runs/` and `assets/`.
    standalone : bool
        One file that links to nothing.
    """
    base, run = comparison["base"], comparison["run"]
    name = f"{base['id']}-{run['id']}"
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f"{name}-standalone.html" if standalone else f"{name}.html")
    text = page(
        "compare.html.j2",
        title=f"{base['id']} and {run['id']}: sensorkit comparison",
        plotly="plotly.js" if standalone else f"../{plotly_asset(out)}",
        plotly_code=plotly_code() if standalone else None,
        comparison=comparison,
        view=view(comparison),
        names=NAMES,
        figures=figures(comparison),
        runs=[_run(comparison[side], out, linked=not standalone) for side in ("base", "run")],
    )
    write_text(path, text)
    return path


def _run(run: Mapping[str, Any], out: Path, *, linked: bool) -> dict[str, str]:
    there = (out / "runs" / run["id"] / "report.html").exists()
    return {
        "id": run["id"],
        "href": f"../runs/{run['id']}/report.html" if linked and there else "",
        "created": day_and_minute(run["created_at"]),
        "commit": (run["git_commit"] or NONE)[:12] + (", changed" if run["git_dirty"] else ""),
        "recommended": run["recommended"] or "none",
        "command": run["command"],
    }


def text(comparison: Mapping[str, Any]) -> str:
    """Return the comparison for a terminal: a table of figures, and what else differs.

    What a device or a plan said is made visible, not obeyed.
    """
    shown = view(comparison)
    lines = []
    for row in shown["main"]:
        role = f" ({row['chosen']})" if row["chosen"] else ""
        lines.append(f"{row['detector']}{role}")
        cells = [*zip(NAMES, row["cells"], strict=True)]
        cells += [(s["name"], s) for s in shown["sizes"] if s["detector"] == row["detector"]]
        lines += _aligned(
            [
                (
                    f"  {name}",
                    f"{c['was']} -> {c['now']}" if c["was"] != c["now"] else c["now"],
                    c["change"],
                    c["word"] + (f" ({c['note']})" if c["note"] else ""),
                )
                for name, c in cells
            ]
        )
    for table in shown["changed"]:
        lines.append(table["caption"])
        lines += _aligned([(f"  {name}", f"{was} -> {now}") for name, was, now in table["rows"]])
        lines += [f"  ... {table['cut']} more, --json has all"] if table["cut"] else []
    return "\n".join(visible(line).replace("\n", "\\n") for line in lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(part) for part in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
