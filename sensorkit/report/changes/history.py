"""The runs before this one: which is the base, what changed since, and how the figures went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sensorkit.display.formats import day_and_minute
from sensorkit.errors import SensorkitError, UsageError
from sensorkit.evaluate.figures import choosing
from sensorkit.report.changes import compare_page
from sensorkit.report.changes.compare import compare
from sensorkit.report.changes.trend import TREND_RUNS, trend
from sensorkit.report.changes.two_runs import Side, data_of
from sensorkit.report.document import read_report
from sensorkit.report.files import RUNS, find_run, read_json, write_json
from sensorkit.report.run_facts import Facts, read_facts, run_folders

Report = Mapping[str, Any]

BASE = "base"
"""In run.json: the run that was named to compare with."""

FIGURES = ("event_recall", "false_alarms_per_day", "delay_median_s", "vus_pr")
"""Of the summary, each with its interval."""


def summary(report: Report) -> dict[str, Any]:
    """Return what run.json says of a report: all that the index and a trend need.

    `detector` is the recommended one, or the best ranked where none is; the figures are its own.
    """
    row = choosing.chosen(report) or {}
    detector = row.get("detector")
    speeds = (d["microseconds_per_reading"] for d in report["detectors"] if d["name"] == detector)
    required = report.get("requirements") or []
    return {
        "schema_version": report["schema_version"],
        "recordings": [r["parent"] or r["name"] for r in report["recordings"]],
        "data": data_of(report),
        "duration_s": sum(r["duration_s"] or 0.0 for r in report["recordings"]),
        "verdict": report["verdict"]["detector"] or "none can be recommended",
        "detector": detector,
        **{key: row.get(key) for name in FIGURES for key in (name, f"{name}_ci")},
        "microseconds_per_reading": next(speeds, None),
        "requirements": {"met": sum(bool(r["met"]) for r in required), "of": len(required)},
    }


def named_run(name: str, out: Path) -> Path:
    """Return the folder of a run: a path, an id, the beginning of one, or `latest`.

    Raises
    ------
    UsageError
        If there is no such run, or several ids begin so.
    """
    try:
        return find_run(name, out)
    except UsageError:
        begins = [folder for folder in run_folders(out) if name and folder.name.startswith(name)]
        if len(begins) == 1:
            return begins[0]
        if not begins:
            raise
    shown = ", ".join(folder.name for folder in begins[:5])
    raise UsageError(
        f"{len(begins)} runs begin with {name!r} ({shown}{', ...' if len(begins) > 5 else ''}); "
        "give more of the id"
    )


def look_at_base(name: str, out: Path) -> str:
    """Return how run.json names the base *name*: its id, or its folder where it is elsewhere.

    Raises
    ------
    UsageError
        If there is no such run, or nothing can be compared with it.
    """
    folder = named_run(name, out)
    Side.read(folder)
    same_place = folder.resolve().parent == (out / RUNS).resolve()
    return folder.name if same_place else str(folder.resolve())


def name_base(run_dir: Path, base: str) -> None:
    """Write into run.json which run a run is compared with from now on, and what changed since.

    Raises
    ------
    UsageError
        If it is the run itself, or the run has no report.
    """
    if base in (run_dir.name, str(run_dir.resolve())):
        raise UsageError(f"--base {base}: is the run itself; name an earlier one")
    report = read_report(run_dir)
    facts = read_json(run_dir / "run.json")
    told = {key: value for key, value in facts.get("summary", {}).items() if key != "change"}
    write_json(run_dir / "run.json", {**facts, BASE: base})
    # The index reads no more than this, and says the same as the page.
    named = {**facts, BASE: base, "summary": told | since_base(run_dir, report)}
    write_json(run_dir / "run.json", named)


def since_base(run_dir: Path, report: Report) -> dict[str, Any]:
    """Return what the summary says of the base: which run, and what changed; {} without one."""
    found = changes(run_dir, report)
    if found is None or not found["word"]:
        return {}
    return {"change": {key: found[key] for key in ("base", "word", "before")}}


def changes(run_dir: Path, report: Report) -> dict[str, Any] | None:
    """Return what a report says of the runs before; None for the first run of its data.

    The base is the run that `--base` named, else the newest earlier one in the same folder that
    passed and is of the same data. One that cannot be read is passed over, unless it was named.

    Parameters
    ----------
    run_dir : Path
        Stands in `<out>/runs/`.
    report : mapping
        report.json of that run.

    Returns
    -------
    dict or None
        `state`: compared, different (of other data) or unreadable (a named base). `base`, `href`,
        `created` and `why` say which run it is, `sentence` and `view` what changed, `word` what
        became of the chosen detector, `before` which other one the base chose; `trend` is None
        with fewer than two runs.
    """
    out = run_dir.parent.parent
    facts = _facts_of(run_dir)
    earlier = list(_earlier(out, run_dir, report))
    found = _against(run_dir, facts, earlier, out)
    own = Facts.of(run_dir.name, {**facts, "summary": summary(report), "status": "passed"})
    said = trend([*reversed(earlier[: TREND_RUNS - 1]), own], out)
    return None if found is None else {"names": compare_page.NAMES, "trend": said, **found}


def _facts_of(run_dir: Path) -> dict[str, Any]:
    try:
        return read_json(run_dir / "run.json")
    except UsageError:  # a report is readable without it
        return {}


def _earlier(out: Path, run_dir: Path, report: Report) -> Iterator[Facts]:
    """Yield the earlier runs of the same data that passed, newest first."""
    mine = (report["run"]["created_at"], run_dir.name)
    data = data_of(report)
    found = [
        facts
        for folder in run_folders(out)
        if folder.name != run_dir.name
        and (facts := read_facts(folder)).status == "passed"
        and facts.data == data
        and (facts.created_at, facts.id) < mine
    ]
    yield from sorted(found, key=lambda facts: (facts.created_at, facts.id), reverse=True)


def _against(
    run_dir: Path, facts: Mapping[str, Any], earlier: Sequence[Facts], out: Path
) -> dict[str, Any] | None:
    """Return what changed since the base; None without one."""
    named = facts.get(BASE)
    if isinstance(named, str) and named:
        try:
            return _compared(named_run(named, out), run_dir, out, "named with --base")
        except (SensorkitError, OSError, LookupError, TypeError, ValueError) as error:
            return _unreadable(named, str(error), "named with --base")
    for candidate in earlier:
        try:
            base = out / RUNS / candidate.id
            return _compared(base, run_dir, out, "the newest earlier run of the same data")
        # Whatever became of an earlier run, the report of this one is made.
        except (SensorkitError, OSError, LookupError, TypeError, ValueError):
            continue
    if not earlier:
        return None
    return _unreadable("", "none of the earlier runs of these data can be read", "earlier runs")


def _unreadable(base: str, reason: str, why: str) -> dict[str, Any]:
    return {
        "state": "unreadable",
        "base": base,
        "href": "",
        "created": "a run that cannot be read",
        "why": why,
        "sentence": f"Not compared: {reason}",
        "word": "",
        "before": None,
        "view": None,
    }


def _compared(base: Path, run_dir: Path, out: Path, why: str) -> dict[str, Any]:
    comparison = _comparison(base, run_dir, _stamp(base), _stamp(run_dir))
    there = base.resolve().parent == (out / RUNS).resolve()
    before = comparison["base"]["chosen"]
    linked = there and (base / "report.html").exists()
    return {
        "state": "compared" if comparison["comparable"] else "different",
        "base": comparison["base"]["id"],
        "href": f"../{quote(base.name)}/report.html" if linked else "",
        "created": day_and_minute(comparison["base"]["created_at"]),
        "why": why,
        "sentence": comparison["sentence"],
        "word": said_in_a_word(comparison),
        "before": before if before != comparison["run"]["chosen"] else None,
        "view": compare_page.view(comparison),
    }


# The page and the summary of a run both ask, and drawing blocks of the test takes a while.
@lru_cache(maxsize=4)
def _comparison(base: Path, run_dir: Path, *_stamps: int) -> dict[str, Any]:
    return compare(base, run_dir)


def _stamp(run_dir: Path) -> int:
    """Return when the report of a run was written; another one is compared anew."""
    return (run_dir / "report.json").stat().st_mtime_ns


def said_in_a_word(comparison: Mapping[str, Any]) -> str:
    """Return what became of the figures of the detector that the run chose; "" of none."""
    name = comparison["run"]["chosen"]
    rows = (row["word"] for row in comparison["detectors"] if row["detector"] == name)
    return next(rows, "")
