"""The verdict of a report: its sentence, the four numbers that matter, and what was required."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import interval, microseconds, number, rate, seconds, sized
from sensorkit.evaluate.caught import FIRST
from sensorkit.evaluate.figures import choosing
from sensorkit.evaluate.words import listed
from sensorkit.report import tables
from sensorkit.report.verdict import requirement_words as words
from sensorkit.report.verdict.requirements import hardest_of

Report = Mapping[str, Any]
Row = Mapping[str, Any]

COLUMNS = ("Required", "Had, 95 % interval", "Outcome")


def headline(report: Report) -> dict[str, Any]:
    """Return what the verdict of a report shows.

    Parameters
    ----------
    report : mapping
        As report.json.

    Returns
    -------
    dict
        `detector` (None: none can be recommended), `mark`, `sentences`, `compared`, `tiles_of`
        (whose numbers they are), `tiles`, `requirements` (None where nothing was required) and
        `warnings`.
    """
    row = choosing.chosen(report)
    name = report["verdict"]["detector"]
    rows = report.get("requirements", [])
    return {
        "detector": name,
        "mark": "✗ No detector can be recommended" if name is None else f"✓ Recommended: {name}",
        "sentences": tables.sentences(report),
        "compared": tables.comparison(report),
        "tiles_of": _tiles_of(name, row),
        "tiles": [] if row is None else _tiles(report, row, rows),
        "requirements": _table(rows) if rows else None,
        "warnings": tables.warnings(report),
    }


def _tiles_of(name: str | None, row: Row | None) -> str:
    if row is None:
        return ""
    return name or f"The best ranked one is {row['detector']}; its numbers"


def _tiles(report: Report, row: Row, requirements: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the four numbers; what was required of one stands with it."""
    name = row["detector"]
    mine = [one for one in requirements if one["detector"] == name]
    return [
        {
            "key": "smallest",
            "label": "Smallest faults caught",
            "lines": [_smallest(report, name, kind, mine) for kind in FIRST],
            "note": "90 % of such faults, at 95 % confidence",
        },
        _tile(
            "delay_median_s",
            "Median delay",
            seconds(row["delay_median_s"]),
            interval(row["delay_median_s_ci"], seconds),
            "a missed fault counts as never found",
            mine,
        ),
        _tile(
            "false_alarms_per_day",
            "False alarms a day",
            rate(row["false_alarms_per_day"]),
            interval(row["false_alarms_per_day_ci"], rate),
            _against(report["settings"]["false_alarms_per_day"], row["false_alarms_per_day_ci"]),
            mine,
        ),
        _cost(report, name, mine),
    ]


def _tile(
    key: str, label: str, value: str, bounds: str, note: str, mine: Sequence[Row]
) -> dict[str, Any]:
    wanted = [one for one in mine if one["metric"] == key and one["kind"] is None]
    line = {"value": value, "range": bounds, "wanted": _said(wanted)}
    return {"key": key, "label": label, "lines": [line], "note": note}


def _said(requirements: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            "met": one["met"],
            "shown": one["shown"],
            "text": f"wanted {words.wanted(one)}: {words.outcome(one)}",
        }
        for one in requirements
    ]


def _cost(report: Report, name: str, mine: Sequence[Row]) -> dict[str, Any]:
    value = next(d["microseconds_per_reading"] for d in report["detectors"] if d["name"] == name)
    pace = f"about {rate(1e6 / value)} readings a second" if value else "not measured"
    cost = microseconds(value)
    return _tile("microseconds_per_reading", "Cost per reading", cost, "", pace, mine)


def _against(budget: float, bounds: Sequence[float | None] | None) -> str:
    low = bounds[0] if bounds else None
    above = low is not None and low > budget
    return f"{'above the' if above else 'the'} budget {'of' if above else 'was'} {number(budget)}"


def _smallest(
    report: Report, detector: str, kind: str, requirements: Sequence[Row]
) -> dict[str, Any]:
    """Return what is caught of a kind, on the channel where that is hardest."""
    wanted = [
        one
        for one in requirements
        if one["kind"] == kind and one["metric"] in ("a90_95", "a90_95_sigma")
    ]
    tried = [
        entry
        for entry in report["detectability"]
        if entry["detector"] == detector and entry["kind"] == kind
    ]
    return {"name": kind, "range": "", "wanted": _said(wanted)} | _caught(tried)


def _caught(tried: Sequence[Row]) -> dict[str, str]:
    if not tried:
        return {"value": "not measured", "detail": ""}
    missed = [entry for entry in tried if entry["a90_95"] is None]
    if missed:
        reached = [entry for entry in tried if entry["a90_95"] is not None]
        detail = _missed(missed, tried)
        if reached:
            detail += f"; {listed([f'{_size(e)}{_on(e, tried)}' for e in hardest_of(reached)])}"
        return {"value": _why_not(missed), "detail": detail}
    hardest = hardest_of(tried)
    several = len({entry["channel"] for entry in tried}) > 1
    parts = [_sigmas(hardest[0])] if len(hardest) == 1 else []
    parts += [_on(hardest[0], tried).strip()] if len(hardest) == 1 else []
    parts += ["the hardest channel"] if several and len(hardest) == 1 else []
    value = " and ".join(
        f"{_size(entry)}{_on(entry, tried) if len(hardest) > 1 else ''}" for entry in hardest
    )
    return {"value": value, "detail": ", ".join(part for part in parts if part)}


def _missed(missed: Sequence[Row], tried: Sequence[Row]) -> str:
    """Return up to which size, and where; no size was tried where there was no room for one."""
    sized_ones = [f"{_up_to(e)}{_on(e, tried)}" for e in missed if e["largest"] is not None]
    places = [_on(e, tried).removeprefix(" on ") for e in missed if e["largest"] is None]
    named = [place for place in places if place]
    parts = [listed(sized_ones)] if sized_ones else []
    parts += (
        [f"no size on {listed(named)}" if sized_ones else f"on {listed(named)}"] if named else []
    )
    return "; ".join(parts)


def _why_not(missed: Sequence[Row]) -> str:
    found = {entry["status"] for entry in missed}
    if found <= {"ok", "all_found"}:
        return "not proven"
    return "could not be tried" if found == {"not_testable"} else "not reached"


def _size(entry: Row) -> str:
    at_most = "at most " if entry["status"] == "all_found" else ""
    return f"{at_most}{sized(entry['a90_95'], entry['unit'] or '')}"


def _up_to(entry: Row) -> str:
    return f"up to {sized(entry['largest'], entry['unit'] or '')}"


def _sigmas(entry: Row) -> str:
    found = entry["a90_95_sigma"]
    return "" if found is None else f"{number(found)} sigma"


def _on(entry: Row, tried: Sequence[Row]) -> str:
    """Return where a fault was; device and recording only where there are several."""
    parts = [] if entry["channel"] is None else [str(entry["channel"])]
    parts += [
        str(entry[key]) for key in ("device", "recording") if len({e[key] for e in tried}) > 1
    ]
    return f" on {', '.join(parts)}" if parts else ""


def _table(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the table of requirements."""
    short = len([row for row in rows if not row["met"]])
    met = f"{len(rows) - short} of {len(rows)} requirements met"
    return {
        "met": short == 0,
        "sentence": f"✓ {met}" if short == 0 else f"✗ {met}",
        "columns": COLUMNS,
        "rows": [
            {
                "title": words.title(row),
                "met": row["met"],
                "wanted": words.wanted(row),
                "had": words.had(row),
                "range": words.range_of(row),
                "where": row["where"],
                "outcome": words.outcome(row),
            }
            for row in rows[: choosing.ROWS_SHOWN]
        ],
        "cut": ""
        if len(rows) <= choosing.ROWS_SHOWN
        else f"; the first {choosing.ROWS_SHOWN}, report.json has all",
    }
