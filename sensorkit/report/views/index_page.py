"""index.html: all runs, those of the same data together, and those that failed with the reason."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sensorkit.display.formats import NONE, day_and_minute, interval, percent, rate, seconds
from sensorkit.report.changes.change import ALIKE, BETTER, SAME, WORSE
from sensorkit.report.changes.compare_page import FOLDER, MARKS
from sensorkit.report.document import made_by
from sensorkit.report.files import INDEX, RUNS, write_text
from sensorkit.report.pages import page
from sensorkit.report.run_facts import Facts, number_of, read_facts, run_folders, text_of, texts_of

SHOWN = 200
"""Runs on the page, the newest; all stand in the folder."""

STATUS = {
    "passed": "✓ passed",
    "failed": "✗ failed",
    "aborted": "✗ stopped",
    "running": "… running or killed",
}

WORDS = (BETTER, WORSE, f"{BETTER} and {WORSE}", ALIKE, SAME)


def index(out: Path) -> Path:
    """Write `<out>/index.html` and return it; of each run only run.json is read.

    Parameters
    ----------
    out : Path
        Holds `runs/`.
    """
    folders = run_folders(out)
    runs = [read_facts(folder) for folder in folders[:SHOWN]]
    rows = [_row(out, run) for run in runs]
    out.mkdir(parents=True, exist_ok=True)
    text = page(
        "index.html.j2",
        title="sensorkit runs",
        plotly="",
        groups=_groups(runs, rows),
        total=len(folders),
        shown=len(runs),
        unfinished=sum(run.status != "passed" for run in runs),
        pair=_pair(runs),
        comparisons=_comparisons(out),
    )
    write_text(out / INDEX, text)
    return out / INDEX


def _comparisons(out: Path) -> list[dict[str, str]]:
    """Return the pages that `sensorkit compare --html` has left, the newest runs first."""
    pages = sorted((path.name for path in (out / FOLDER).glob("*.html")), reverse=True)
    return [
        {"href": f"{FOLDER}/{quote(os.fsencode(name))}", "name": name.removesuffix(".html")}
        for name in pages[:SHOWN]
    ]


def _groups(runs: Sequence[Facts], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs of each data together, the group with the newest run first."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, run in enumerate(runs):
        found.setdefault(_group_of(run), []).append(place)
    titles = {key: _title(key, rows[places[0]]) for key, places in found.items()}
    lasts = {key: seconds(runs[places[0]].number("duration_s")) for key, places in found.items()}
    return [
        {
            "title": titles[key] + _apart(key, titles, lasts),
            "data": ", ".join(text[:12] for text in key[1:4]) + (", ..." if len(key) > 4 else ""),
            "of_data": key[0] == "data",
            "rows": [rows[place] for place in places],
        }
        for key, places in found.items()
    ]


def _group_of(run: Facts) -> tuple[str, ...]:
    """Return what a run is grouped by: its data, its public set, or that it has no result."""
    if run.status != "passed":
        return ("unfinished",)
    if run.data:
        return ("data", *run.data)
    return ("other", *texts_of(run.summary.get("recordings")))


def _title(key: tuple[str, ...], row: Mapping[str, Any]) -> str:
    match key[0]:
        case "unfinished":
            return "Runs without a result"
        case "data":
            return str(row["recordings"])
    return ", ".join(key[1:]) or "Other runs"


def _apart(
    key: tuple[str, ...],
    titles: Mapping[tuple[str, ...], str],
    lasts: Mapping[tuple[str, ...], str],
) -> str:
    """Return what tells a group from others with its title; "" where nothing has to.

    How long the recordings are, if that is enough, else how the hash of their data begins.
    """
    alike = [
        other
        for other, title in titles.items()
        if title == titles[key] and other[0] == "data" and other != key
    ]
    if key[0] != "data" or not alike:
        return ""
    said = "" if lasts[key] == NONE else f", {lasts[key]}"
    if said and lasts[key] not in [lasts[other] for other in alike]:
        return said
    return f"{said}, data {key[1][:8]}"


def _row(out: Path, run: Facts) -> dict[str, Any]:
    """Return a run's line; one that cannot be read, or an old one, is a line, too."""
    summary = run.summary
    name = quote(os.fsencode(run.id))
    href = "report.html" if (out / RUNS / run.id / "report.html").exists() else "run.json"
    recordings = texts_of(summary.get("recordings"))
    shown = recordings if len(recordings) < 4 else [*recordings[:3], f"{len(recordings) - 3} more"]
    return {
        "id": run.id,
        "href": f"{RUNS}/{name}/{href}",
        "created": day_and_minute(run.created_at) if run.created_at else run.id,
        "status": run.status if run.status in STATUS else "failed",
        "mark": STATUS.get(run.status, run.status),
        # A run that did not pass has no summary, so no numbers that could be of another version.
        "made_by": made_by(summary.get("schema_version")) if summary and not run.kind else "",
        "recordings": ", ".join(shown) or NONE,
        "verdict": (verdict := text_of(summary.get("verdict"))) or run.reason or NONE,
        "detector": (detector := text_of(summary.get("detector"))),
        "of": detector if detector != verdict else "",
        "recall": percent(run.number("event_recall")),
        "recall_ci": interval(run.interval("event_recall"), percent),
        "false_alarms": rate(run.number("false_alarms_per_day")),
        "false_alarms_ci": interval(run.interval("false_alarms_per_day"), rate),
        "change": _change(summary),
        "required": _required(summary),
        "commit": (run.commit or NONE)[:7],
        "dirty": run.dirty,
        "took": seconds(run.duration_s),
    }


def _change(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return what became of the figures since the run before of the same data, with a mark."""
    told = summary.get("change")
    told = told if isinstance(told, Mapping) else {}
    word = told.get("word")
    if word not in WORDS:
        return {"mark": "", "word": NONE, "before": ""}
    mark = "".join(MARKS[part] for part in word.split(" and "))
    return {
        "mark": mark,
        "word": "the same" if word == SAME else word,
        "before": text_of(told.get("before")),
    }


def _required(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many requirements were met, and whether all were."""
    told = summary.get("requirements")
    told = told if isinstance(told, Mapping) else {}
    met, of = number_of(told.get("met")), number_of(told.get("of"))
    if met is None or not of:
        return {"text": NONE, "all": None}
    return {"text": f"{met:.0f} of {of:.0f}", "all": met >= of}


def _pair(runs: Sequence[Facts]) -> list[str]:
    """Return the two newest runs of the same data, the older first: what can be compared."""
    seen: dict[tuple[str, ...], str] = {}
    for run in runs:
        key = tuple(run.data)
        if run.status != "passed" or not key:
            continue
        if key in seen:
            return [run.id, seen[key]]
        seen[key] = run.id
    return []
