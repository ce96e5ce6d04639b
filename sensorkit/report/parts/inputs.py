"""What the numbers of a report rest on: recordings, the grid, calibration, method, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import (
    NONE,
    count,
    day_and_minute,
    megabytes,
    number,
    percent,
    second,
    seconds,
)
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN, rows_cut
from sensorkit.faults.labels import size_text
from sensorkit.readings import parse_time

Report = Mapping[str, Any]

RECORDINGS_SHOWN = 12
"""With their division and faults; the table of capture quality and report.json have more."""
DEVICES_SHOWN = 20

STRETCHES = {
    "fit": "learned on",
    "calibrate": "thresholds frozen on",
    "test": "tested on",
}
STATUS = {"ok": "✓ ok", "failed": "✗ failed", "timeout": "✗ out of time"}
STARTED = {"run": "this run", "kept": "an earlier run"}


def grid(report: Report) -> dict[str, Any]:
    """Return how the cells of the grid ended, those that did not finish apart."""
    cells = report["cells"]
    times = [cell["seconds"] for cell in cells if cell["seconds"] is not None]
    peaks = [cell["peak_mb"] for cell in cells if cell["peak_mb"] is not None]
    kept = sum(cell["started_from"] == "kept" for cell in cells)
    done = sum(cell["status"] == "ok" for cell in cells)
    said = [f"{count(done)} of {count(len(cells))} cells finished"]
    said += [f"{count(kept)} taken over from an earlier run"] if kept else []
    said += [f"{seconds(sum(times))} of work"] if times else []
    said += [f"at most {megabytes(max(peaks))} of memory"] if peaks else []
    noted = [cell for cell in cells if cell["status"] != "ok" or cell["reason"]]
    shown = cells[:ROWS_SHOWN]
    cut = f"; the first {ROWS_SHOWN} of {len(cells)}" if len(cells) > ROWS_SHOWN else ""
    return {
        "sentence": f"{'; '.join(said)}.",
        "noted": [
            {
                "text": f"{STATUS[cell['status']]}: {cell['detector']} on {cell['recording']}: "
                f"{cell['reason']}",
                "failed": cell["status"] != "ok",
            }
            for cell in noted[:ROWS_SHOWN]
        ],
        "caption": f"Every cell: one detector on one recording{cut}",
        "columns": ("Detector", "Recording", "Ended", "Took", "Memory", "Worked out in"),
        "rows": [
            (
                cell["detector"],
                cell["recording"],
                STATUS[cell["status"]],
                seconds(cell["seconds"]),
                megabytes(cell["peak_mb"]),
                STARTED[cell["started_from"]],
            )
            for cell in shown
        ],
    }


def recordings(report: Report) -> list[dict[str, Any]]:
    """Return the facts, the division and the faults of each recording; at most so many."""
    return [_recording(recording) for recording in report["recordings"][:RECORDINGS_SHOWN]]


def recordings_cut(report: Report) -> str:
    """Return how many recordings are left out, in words; "" if none are."""
    n = len(report["recordings"])
    if n <= RECORDINGS_SHOWN:
        return ""
    return f"The first {RECORDINGS_SHOWN} of {count(n)} recordings; report.json has all."


def _channel(channel: Mapping[str, str]) -> str:
    """Return what a channel is: all figures call it by its name, which may say nothing.

    >>> _channel({"name": "sensor_4", "label": "T50", "unit": "°R"})
    'sensor_4: T50 (°R)'
    >>> _channel({"name": "supply_voltage", "label": "Supply voltage", "unit": ""})
    'Supply voltage'
    """
    name, label = channel["name"], channel["label"] or channel["name"]
    spelt_out = label.lower().replace(" ", "_") == name.lower()
    called = label if spelt_out else f"{name}: {label}"
    return f"{called} ({channel['unit']})" if channel["unit"] else called


def _recording(recording: Mapping[str, Any]) -> dict[str, Any]:
    channels = ", ".join(map(_channel, recording["channels"]))
    step = recording["step_median_s"]
    pairs = [
        ("Profile", recording["profile"]),
        ("Kind", recording["kind"] + (f", from {p}" if (p := recording["parent"]) else "")),
        ("Channels", channels),
        ("Readings", f"{count(recording['readings'])}, one every {seconds(step)} (median)"),
        ("Time", f"{second(recording['start'])} to {second(recording['end'])} UTC"),
        ("Clean hours", number(recording["clean_hours"])),
        ("Events", _counts(recording["events"])),
    ]
    if len(recording["devices"]) > 1:
        pairs.insert(1, ("Devices", _listed(recording["devices"])))
    faults = recording["faults"]
    by_kind = Counter(fault["kind"] for fault in faults)
    shown = "" if len(faults) <= ROWS_SHOWN else f", the first {ROWS_SHOWN} of {len(faults)}"
    return {
        "name": recording["name"],
        "pairs": pairs,
        "stretches": _stretches(recording),
        "faults_summary": f"{len(faults)} faults: {_counts(by_kind)}",
        "faults_caption": f"Faults injected{shown}",
        "faults": [_fault(fault) for fault in faults[:ROWS_SHOWN]],
    }


def _stretches(recording: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the three stretches with their share of the readings and the faults in each."""
    parts = recording["stretches"]
    readings = sum(part["readings"] for part in parts.values())
    return [
        {
            "name": name,
            "what": what,
            "hours": number(part["hours"]),
            "share": part["readings"] / readings if readings else 0.0,
            "row": (
                name,
                second(part["start"]),
                second(part["end"]),
                count(part["readings"]),
                number(part["hours"]),
                # Times of one form: their order is that of their letters.
                count(sum(part["start"] <= f["start"] <= part["end"] for f in recording["faults"])),
            ),
        }
        for name, what in STRETCHES.items()
        for part in [parts[name]]
    ]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - DEVICES_SHOWN
    return ", ".join(names[:DEVICES_SHOWN]) + (f" and {count(more)} more" if more > 0 else "")


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
        size_text(fault["kind"], fault["magnitude"]),
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
    return {
        "caption": f"what the clean stretch can say about false alarms{rows_cut(len(rows))}",
        "columns": columns,
        "rows": rows[:ROWS_SHOWN],
    }


def method(report: Report) -> list[str]:
    """Return how the numbers came about, in plain words and with the settings that were used."""
    s = report["settings"]
    rest = 1 - s["fit"] - s["calibrate"]
    return [
        f"Each recording is cut in three. Detectors learn from the first {percent(s['fit'])}. On "
        f"the next {percent(s['calibrate'])}, which is clean, each threshold is set for at most "
        f"{number(s['false_alarms_per_day'])} false alarms a day and then frozen. The last "
        f"{percent(rest)} is the test, and the only part with faults. No threshold or parameter "
        "was chosen on it; the recommendation was, so the figures of the recommended detector are "
        "somewhat flattering. Fixed rules keep the limits of the profile.",
        "A fault is found when an alert begins between its start and "
        f"{count(s['tolerance'])} readings after its end, and none was open when it started. Where "
        "one begins only after the end, it may answer to the signal's return and not to the fault; "
        "such faults count as found, and how many they are stands beside. An "
        "alert that touches no fault is a false alarm, counted over the test time outside all "
        "faults; so is one that was open before the test and lasts into that time. A missed fault "
        "counts in the delay as never found: where half or more are missed, there is no median.",
        f"{s['vus_variant']}. It does not depend on a threshold, and ranks the detectors; the "
        "other columns are what the frozen threshold gives. VUS-PR of other variants cannot be "
        "compared with it.",
        f"Intervals are 95 %; {s['resamples']} bootstrap draws over faults, nested in recordings, "
        "stand behind those of VUS-PR. p is that of the paired difference to the first detector: "
        "below 0.05 where the interval of the difference leaves 0 out, and never below "
        f"{number(2 / (s['resamples'] + 1), 2)}, the least that so many draws can show. A group "
        "goes down from its best detector to the first that differs from it; one further down may "
        "yet not differ, as its p says. Over 6 recordings or more, Wilcoxon tests with Holm's "
        "correction compare all pairs of detectors that are no baselines.",
        *_measured(report),
    ]


def _measured(report: Report) -> list[str]:
    grid = report["settings"]["detectability"]
    if grid is None:
        return []
    return [
        f"For the smallest faults, {count(grid['repeats'])} single faults of each of "
        f"{count(grid['sizes'])} sizes were injected into the fault-free part of the test, each at "
        "an onset of its own and the same for all detectors. Where an alert begins or is open "
        "without the fault too, the fault does not count. The curve is a logistic one on the "
        "logarithm of the size (MIL-HDBK-1823A), penalised after Firth; a90/95 is the upper end "
        "of the one-sided 95 % interval of the size that is found with 90 % probability. Intervals "
        "and bands are 95 % if the curve is logistic: a threshold in noise is not, and there the "
        "band holds the probability at about 5 to 8 of 10 sizes only (docs/detectability.md). "
        "Nothing is said beyond the sizes tried."
    ]


def provenance(report: Report) -> list[tuple[str, str]]:
    """Return where and from what the run was made."""
    run = report["run"]
    commit = run.get("git_commit") or "not in a git work tree"
    if run.get("git_dirty"):
        commit += ", with changes that are not committed: it alone does not give these numbers"
    pairs = [
        ("Run", run["id"]),
        ("Made", f"{day_and_minute(run['created_at'])}, in {seconds(run['duration_s'])}"),
        ("Commit", commit),
    ]
    machine = run.get("machine", {})
    if machine:
        pairs.append(("Machine", ", ".join(f"{k} {v}" for k, v in sorted(machine.items()))))
    seeds = run.get("seeds", {})
    if seeds:
        pairs.append(("Seeds", ", ".join(f"{k} {v}" for k, v in sorted(seeds.items()))))
    pairs.append(("Python", run["versions"].get("python", NONE)))
    return pairs


def hashes(report: Report) -> dict[str, Any]:
    """Return the table of what identifies the data."""
    recordings = report["recordings"]
    return {
        "caption": f"SHA-256 of the data{rows_cut(len(recordings))}",
        "columns": ("Recording", "Its readings and labels", "All of it (the manifest)"),
        "rows": [
            (recording["name"], recording["data_sha256"], recording["sha256"])
            for recording in recordings[:ROWS_SHOWN]
        ],
    }
