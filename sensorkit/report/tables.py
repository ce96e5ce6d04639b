"""What a report says of the detectors, as rows of text made of report.json; no number is new."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sensorkit.display.formats import (
    NONE,
    count,
    fixed,
    interval,
    microseconds,
    number,
    percent,
    probability,
    rate,
    seconds,
)
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN, rows_cut

Report = Mapping[str, Any]


def _cell(
    value: str,
    bounds: Any = None,
    form: Callable[[float], str] = number,
    open_end: str = "not known",
) -> dict[str, str]:
    return {"value": value, "range": interval(bounds, form, open_end)}


def heading(report: Report) -> str:
    """Return what the report is about."""
    names = [recording["parent"] or recording["name"] for recording in report["recordings"]]
    if len(names) > 2:
        return f"{len(names)} recordings"
    return " and ".join(names) or "No recording"


def sentences(report: Report) -> tuple[str, str]:
    """Return the first sentence of the verdict, and the rest of it.

    >>> sentences({"verdict": {"sentence": "a is best (0.5). It finds 9 faults."}})
    ('a is best (0.5).', 'It finds 9 faults.')
    """
    first, *rest = re.split(r"(?<=\.) (?=[A-Z])", report["verdict"]["sentence"], maxsplit=1)
    return first, "".join(rest)


def comparison(report: Report) -> str:
    """Return how the first two compare, in numbers; "" where nothing could be compared."""
    found = report["verdict"]["comparison"]
    if found is None:
        return ""
    said = (
        f"VUS-PR of {found['first']} less that of {found['second']}: "
        f"{_signed(found['difference'])} {interval(found['ci'], _signed)}".rstrip()
    )
    if found["p_value"] is not None:
        p = probability(found["p_value"])
        said += f", p {p.replace('<', '< ')}" if p.startswith("<") else f", p = {p}"
    said += f", on {count(found['faults'])} fault{'' if found['faults'] == 1 else 's'}"
    match found["faults_needed"]:
        case None:
            return f"{said}; no number of faults in reason would tell the two apart."
        case 0:
            return f"{said}."
        case needed:
            more = number(needed, 2)
            return f"{said}; about {more} more of the same mix would tell the two apart."


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def warnings(report: Report) -> list[str]:
    """Return what a reader must know before trusting the numbers."""
    found = []
    budget = report["settings"]["false_alarms_per_day"]
    clean = [
        c["clean_hours"]
        for detector in report["detectors"]
        for c in detector["calibrations"]
        if c["extrapolated"]
    ]
    if clean and "extrapolated" not in report["verdict"]["sentence"]:
        found.append(
            f"False alarms are extrapolated: thresholds were set on {number(min(clean))} clean "
            f"hours, and a budget of {number(budget)} a day is only observed on "
            f"{number(72 / budget)} hours or more."
        )
    unfinished = [r for r in report["recordings"] if r["status"] != "complete"]
    found += [f"Recording {r['name']} is {r['status']}, not complete." for r in unfinished]
    failed = sum(cell["status"] != "ok" for cell in report["cells"])
    if failed:
        cells = "cell" if failed == 1 else "cells"
        found.append(
            f"{failed} {cells} of the grid did not finish; they are marked ✗ and count as such."
        )
    return found


def ranking(report: Report) -> list[dict[str, Any]]:
    """Return the rows of the detector table, best first."""
    detectors = {detector["name"]: detector for detector in report["detectors"]}
    rows = []
    for row in report["ranking"][:ROWS_SHOWN]:
        detector = detectors[row["detector"]]
        group = row["group"]
        false_alarms = row["false_alarms_per_day"]
        cells = [
            _cell(fixed(row["vus_pr"]), row["vus_pr_ci"], fixed),
            _cell(probability(row["p_value"])),
            _cell(fixed(row["average_precision"]), row["average_precision_ci"], fixed),
            _cell(percent(row["event_recall"]), row["event_recall_ci"], percent),
            _cell(rate(false_alarms), row["false_alarms_per_day_ci"], rate),
            _cell(percent(row["time_in_false_alarm"]), row["time_in_false_alarm_ci"], percent),
            _cell(seconds(row["delay_median_s"]), row["delay_median_s_ci"], seconds, "not reached"),
            _cell(microseconds(detector["microseconds_per_reading"])),
        ]
        rows.append(
            {
                "detector": row["detector"],
                "baseline": row["baseline"],
                "best": row["detector"] == report["verdict"]["detector"],
                "failed": f"{row['failed']} failed" if row["failed"] else "",
                "note": row["note"] or "",
                "group": NONE if group is None else _letter(group),
                "cells": cells,
            }
        )
    return rows


def _letter(group: int) -> str:
    return chr(ord("A") + group - 1) if group <= 26 else str(group)


def heat(report: Report) -> dict[str, Any]:
    """Return the table of detectors and fault kinds: the share found, pooled over recordings."""
    kinds = sorted({row["fault_kind"] for row in report["results"]} - {None})
    found: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for row in report["results"]:
        found.setdefault((row["detector"], row["fault_kind"]), []).append(row)
    rows = []
    for rank in report["ranking"][:ROWS_SHOWN]:
        name = rank["detector"]
        cells = [_heat_cell(found.get((name, kind), [])) for kind in (*kinds, None)]
        rows.append({"detector": name, "baseline": rank["baseline"], "cells": cells})
    late = any(cell["late"] for row in rows for cell in row["cells"])
    return {
        "kinds": [*kinds, "all kinds"],
        "rows": rows,
        "late": late,
        "cut": rows_cut(len(report["ranking"])),
    }


def _heat_cell(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the cell of one detector and kind from its rows, one a recording."""
    done = [row for row in results if row["status"] == "ok"]
    failed = [row["reason"] or row["status"] for row in results if row["status"] != "ok"]
    hit = sum(row["faults_hit"] or 0 for row in done)
    faults = sum(row["faults"] for row in done)
    late = sum(row["faults_hit_after_end"] or 0 for row in done)
    cell: dict[str, Any] = {
        "share": 0.0,
        "title": "; ".join(failed[:3]),
        "late": f"{count(late)} after it was over" if late else "",
    }
    if faults:
        cell |= {"share": hit / faults, "text": percent(hit / faults), "detail": f"{hit}/{faults}"}
    else:
        cell |= {"text": "✗" if failed else NONE, "detail": "none" if not failed else ""}
    if failed:
        cell["detail"] = f"{cell['detail']} failed".strip() if not faults else f"{cell['detail']} ✗"
    return cell
