"""What a report shows, as rows of text made of report.json; nothing is computed anew here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sensorkit.readings import parse_time
from sensorkit.report.formats import (
    NONE,
    count,
    day_and_minute,
    fixed,
    interval,
    number,
    percent,
    second,
    seconds,
)

ROWS_SHOWN = 200
"""A page with tens of thousands of rows freezes the browser; the files hold the rest."""

Report = Mapping[str, Any]


def _cell(value: str, bounds: Any = None, form: Callable[[float], str] = number) -> dict[str, str]:
    return {"value": value, "range": interval(bounds, form)}


def heading(report: Report) -> str:
    """Return what the report is about."""
    names = [recording["parent"] or recording["name"] for recording in report["recordings"]]
    if len(names) > 2:
        return f"{len(names)} recordings"
    return " and ".join(names) or "No recording"


def chosen(report: Report) -> Mapping[str, Any] | None:
    """Return the row of the recommended detector, or of the best one that is no baseline."""
    rows = report["ranking"]
    name = report["verdict"]["detector"]
    for row in rows:
        if row["detector"] == name or (name is None and not row["baseline"]):
            found: Mapping[str, Any] = row
            return found
    return None


def found_of(report: Report, detector: str, kind: str | None = None) -> tuple[int, int]:
    """Return the faults that *detector* found and those injected, over all recordings."""
    rows = [
        row
        for row in report["results"]
        if row["detector"] == detector and row["fault_kind"] == kind and row["status"] == "ok"
    ]
    return sum(row["faults_hit"] or 0 for row in rows), sum(row["faults"] for row in rows)


def tiles(report: Report) -> list[dict[str, str]]:
    """Return the main numbers of the recommended detector."""
    row = chosen(report)
    if row is None:
        return []
    hit, faults = found_of(report, row["detector"])
    budget = report["settings"]["false_alarms_per_day"]
    return [
        {
            "label": "Faults found",
            "value": percent(row["event_recall"]),
            "range": interval(row["event_recall_ci"], percent),
            "note": f"{hit} of {faults} injected",
        },
        {
            "label": "False alarms a day",
            "value": number(row["false_alarms_per_day"], 2),
            "range": interval(row["false_alarms_per_day_ci"], _two),
            "note": _against(budget, row["false_alarms_per_day_ci"]),
        },
        {
            "label": "Median delay",
            "value": seconds(row["delay_median_s"]),
            "range": "",
            "note": "a missed fault counts as never found",
        },
        {
            "label": "VUS-PR",
            "value": fixed(row["vus_pr"]),
            "range": interval(row["vus_pr_ci"], fixed),
            "note": "1 is perfect, whatever the threshold",
        },
    ]


def _against(budget: float, bounds: Sequence[float | None] | None) -> str:
    low = bounds[0] if bounds else None
    above = low is not None and low > budget
    return f"{'above the' if above else 'the'} budget {'of' if above else 'was'} {number(budget)}"


def sentences(report: Report) -> tuple[str, str]:
    """Return the first sentence of the verdict, and the rest of it.

    >>> sentences({"verdict": {"sentence": "a is best (0.5). It finds 9 faults."}})
    ('a is best (0.5).', 'It finds 9 faults.')
    """
    first, *rest = re.split(r"(?<=\.) (?=[A-Z])", report["verdict"]["sentence"], maxsplit=1)
    return first, "".join(rest)


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
    failed = sum(row["failed"] for row in report["ranking"])
    if failed:
        cells = "cell" if failed == 1 else "cells"
        found.append(f"{failed} {cells} of the grid failed; they are marked ✗ and count as such.")
    return found


def ranking(report: Report) -> list[dict[str, Any]]:
    """Return the rows of the detector table, best first."""
    detectors = {detector["name"]: detector for detector in report["detectors"]}
    rows = []
    for row in report["ranking"]:
        detector = detectors[row["detector"]]
        group = row["group"]
        false_alarms = row["false_alarms_per_day"]
        cells = [
            _cell(fixed(row["vus_pr"]), row["vus_pr_ci"], fixed),
            _cell(fixed(row["average_precision"])),
            _cell(percent(row["event_recall"]), row["event_recall_ci"], percent),
            _cell(number(false_alarms, 2), row["false_alarms_per_day_ci"], _two),
            _cell(seconds(row["delay_median_s"])),
            _cell(_microseconds(detector["microseconds_per_reading"])),
        ]
        rows.append(
            {
                "detector": row["detector"],
                "baseline": row["baseline"],
                "best": row["detector"] == report["verdict"]["detector"],
                "failed": f"{row['failed']} failed" if row["failed"] else "",
                "group": NONE if group is None else _letter(group),
                "cells": cells,
            }
        )
    return rows


def _two(value: float) -> str:
    return number(value, 2)


def _microseconds(value: float | None) -> str:
    return NONE if value is None else f"{number(value, 2)} µs"


def _letter(group: int) -> str:
    return chr(ord("A") + group - 1) if group <= 26 else str(group)


def heat(report: Report) -> dict[str, Any]:
    """Return the table of detectors and fault kinds: the share found, pooled over recordings."""
    kinds = sorted({row["fault_kind"] for row in report["results"]} - {None})
    failures = [
        f"{row['detector']}, {row['fault_kind'] or 'all kinds'}, {row['recording']}: "
        f"{row['reason'] or row['status']}"
        for row in report["results"]
        if row["status"] != "ok"
    ]
    rows = []
    for rank in report["ranking"]:
        name = rank["detector"]
        cells = [_heat_cell(report, name, kind) for kind in (*kinds, None)]
        rows.append({"detector": name, "baseline": rank["baseline"], "cells": cells})
    return {"kinds": [*kinds, "all kinds"], "rows": rows, "failures": failures[:ROWS_SHOWN]}


def _heat_cell(report: Report, detector: str, kind: str | None) -> dict[str, Any]:
    failed = [
        row["reason"] or row["status"]
        for row in report["results"]
        if row["detector"] == detector and row["fault_kind"] == kind and row["status"] != "ok"
    ]
    hit, faults = found_of(report, detector, kind)
    cell: dict[str, Any] = {"share": 0.0, "title": "; ".join(failed)}
    if faults:
        cell |= {"share": hit / faults, "text": percent(hit / faults), "detail": f"{hit}/{faults}"}
    else:
        cell |= {"text": "✗" if failed else NONE, "detail": "none" if not failed else ""}
    if failed:
        cell["detail"] = f"{cell['detail']} failed".strip() if not faults else f"{cell['detail']} ✗"
    return cell


def recordings(report: Report) -> list[dict[str, Any]]:
    """Return the quality, the division and the faults of each recording."""
    return [_recording(recording) for recording in report["recordings"]]


def _recording(recording: Mapping[str, Any]) -> dict[str, Any]:
    rejected = recording["rejected"]
    missing = {name: n for name, n in recording["missing"].items() if n}
    channels = ", ".join(
        f"{label} ({unit})" if unit else label
        for channel in recording["channels"]
        for label, unit in [(channel["label"] or channel["name"], channel["unit"])]
    )
    step = recording["step_median_s"]
    pairs = [
        ("Profile", recording["profile"]),
        ("Kind", recording["kind"] + (f", from {p}" if (p := recording["parent"]) else "")),
        ("Channels", channels),
        ("Readings", f"{count(recording['readings'])}, one every {seconds(step)} (median)"),
        ("Time", f"{second(recording['start'])} to {second(recording['end'])} UTC"),
        ("Clean hours", number(recording["clean_hours"])),
        ("Frames rejected", _counts(rejected)),
        ("Frames lost", f"{count(recording['lost'])} by sequence number"),
        ("Gaps", f"{count(recording['gaps'])}, {seconds(recording['gap_s'])} in all"),
        ("Missing values", _counts(missing)),
        ("Events", _counts(recording["events"])),
        ("SHA-256", recording["sha256"]),
    ]
    if len(recording["devices"]) > 1:
        pairs.insert(1, ("Devices", ", ".join(recording["devices"])))
    stretches = [
        (name, second(part["start"]), second(part["end"]), count(part["readings"]), hours)
        for name in ("fit", "calibrate", "test")
        for part in [recording["stretches"][name]]
        for hours in [number(part["hours"])]
    ]
    faults = recording["faults"]
    by_kind = Counter(fault["kind"] for fault in faults)
    shown = "" if len(faults) <= ROWS_SHOWN else f", the first {ROWS_SHOWN} of {len(faults)}"
    return {
        "name": recording["name"],
        "pairs": pairs,
        "stretches": stretches,
        "faults_summary": f"{len(faults)} faults: {_counts(by_kind)}",
        "faults_caption": f"Faults injected{shown}",
        "faults": [_fault(fault) for fault in faults[:ROWS_SHOWN]],
    }


def _threshold(value: float | None) -> str:
    # The smallest number there is says "anything beyond a limit".
    return "above 0" if value is not None and 0 < value < 1e-300 else number(value)


def _counts(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    return ", ".join(f"{name.replace('_', ' ')} {count(n)}" for name, n in sorted(counts.items()))


def _fault(fault: Mapping[str, Any]) -> Sequence[str]:
    lasted = (parse_time(fault["end"]) - parse_time(fault["start"])) / 1e9
    return (
        str(fault["id"]),
        fault["kind"],
        fault["channel"] or "all",
        number(fault["magnitude"]),
        number(fault["magnitude_sigma"]),
        second(fault["start"]),
        seconds(lasted),
    )


def calibration(report: Report) -> dict[str, Any]:
    """Return what each frozen threshold rests on."""
    columns = (
        "Detector",
        "Recording",
        "Threshold",
        "Clean hours",
        "Alarms there",
        "95 % upper bound a day",
        "Budget",
    )
    rows = [
        (
            detector["name"],
            c["recording"],
            _threshold(c["threshold"]),
            number(c["clean_hours"]),
            count(c["alarms"]),
            number(c["upper_95_per_day"], 2),
            {True: "extrapolated", False: "observed", None: NONE}[c["extrapolated"]],
        )
        for detector in report["detectors"]
        for c in detector["calibrations"]
    ]
    return {"columns": columns, "rows": rows[:ROWS_SHOWN]}


def method(report: Report) -> list[str]:
    """Return how the numbers came about, in plain words and with the settings that were used."""
    s = report["settings"]
    rest = 1 - s["fit"] - s["calibrate"]
    return [
        f"Each recording is cut in three. Detectors learn from the first {percent(s['fit'])}. On "
        f"the next {percent(s['calibrate'])}, which is clean, each threshold is set for at most "
        f"{number(s['false_alarms_per_day'])} false alarms a day and then frozen. The last "
        f"{percent(rest)} is the test, and the only part with faults; nothing was chosen on it. "
        "Fixed rules keep the limits of the profile.",
        "A fault is found when an alert begins between its start and "
        f"{count(s['tolerance'])} readings after its end, and none was open when it started. An "
        "alert that touches no fault is a false alarm, counted over the test time outside all "
        "faults. A missed fault counts in the delay as never found: where half or more are "
        "missed, there is no median.",
        f"{s['vus_variant']}. It does not depend on a threshold, and ranks the detectors; the "
        "other columns are what the frozen threshold gives. VUS-PR of other variants cannot be "
        "compared with it.",
        f"Intervals are 95 %: Wilson for shares, exact Poisson for false alarms, {s['resamples']} "
        "bootstrap draws over faults for the rest. Detectors are in one group when the interval "
        "of their paired difference holds 0.",
    ]


def provenance(report: Report) -> list[tuple[str, str]]:
    """Return where and from what the run was made."""
    run = report["run"]
    commit = run["git_commit"] or "not in a git work tree"
    if run.get("git_dirty"):
        commit += ", with changes that are not committed"
    pairs = [("Run", run["id"]), ("Made", day_and_minute(run["created_at"])), ("Commit", commit)]
    pairs += [(f"Recording {r['name']}", r["sha256"]) for r in report["recordings"]]
    machine = run.get("machine", {})
    if machine:
        pairs.append(("Machine", ", ".join(f"{k} {v}" for k, v in sorted(machine.items()))))
    seeds = run.get("seeds", {})
    if seeds:
        pairs.append(("Seeds", ", ".join(f"{k} {v}" for k, v in sorted(seeds.items()))))
    pairs.append(("Python", run["versions"].get("python", NONE)))
    return pairs


def summary(report: Report) -> dict[str, Any]:
    """Return what the index of runs says of this one."""
    row = chosen(report) or {}
    return {
        "recordings": [r["parent"] or r["name"] for r in report["recordings"]],
        "verdict": report["verdict"]["detector"] or "none can be recommended",
        "event_recall": row.get("event_recall"),
        "false_alarms_per_day": row.get("false_alarms_per_day"),
    }
