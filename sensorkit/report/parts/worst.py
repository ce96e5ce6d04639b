"""The worst misses and false alarms of a detector: which, where, and what they look like."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from sensorkit.display.formats import NONE, count, number, second, seconds
from sensorkit.faults.labels import size_text
from sensorkit.report.parts.excerpts import figure, score_of

SHOWN = 10
"""With a plot each; cases.csv has all."""

OTHERS_SHOWN = 8
"""Other detectors with a table each."""

MISSES_ORDER = "the largest in robust sigmas first, then those that lasted longest"
ALARMS_ORDER = "the highest score above the threshold first, then those that lasted longest"


def misses(cases: pd.DataFrame, detector: str) -> pd.DataFrame:
    """Return the faults that *detector* missed, the worst first.

    The largest in robust sigmas come first, then those without such a size; among equals the
    longest, then the earliest.
    """
    mine = _of(cases, detector, "fault")
    missed = mine[~mine["hit"].fillna(False).astype(bool)]
    return _ordered(missed, missed["magnitude_sigma"].abs())


def false_alarms(cases: pd.DataFrame, detector: str) -> pd.DataFrame:
    """Return the false alarms of *detector*, the worst first.

    Those whose highest score goes farthest above the threshold come first; among equals the
    longest, then the earliest. One that had not ended counts as the longest.
    """
    mine = _of(cases, detector, "false_alarm")
    return _ordered(mine, mine["peak_score"] - mine["threshold"])


def _of(cases: pd.DataFrame, detector: str, case: str) -> pd.DataFrame:
    rows = (cases["detector"] == detector) & (cases["status"] == "ok") & (cases["case"] == case)
    return cases[rows]


def _ordered(cases: pd.DataFrame, badness: pd.Series[float]) -> pd.DataFrame:
    began = pd.to_datetime(cases["start"], format="ISO8601", utc=True)
    ended = pd.to_datetime(cases["end"], format="ISO8601", utc=True)
    lasted = (ended - began).dt.total_seconds().fillna(np.inf)
    order = pd.DataFrame(
        {"bad": badness.astype("float64"), "lasted": lasted, "began": began}, index=cases.index
    ).sort_values(["bad", "lasted", "began"], ascending=[False, False, True], na_position="last")
    return cases.loc[order.index]


def worst(
    kept: Mapping[str, Any],
    cases: pd.DataFrame,
    names: Sequence[str],
    *,
    links: bool,
    run_dir: Path = Path(),
) -> dict[str, Any] | None:
    """Return what the page shows of the worst; None for a run that kept no detector's.

    Parameters
    ----------
    kept : mapping
        As `read_kept` returns it.
    cases : DataFrame
        cases.csv.
    names : sequence of str
        Detectors to show besides, in this order.
    links : bool
        Whether the folder of the run is beside the page.
    run_dir : Path
        Where it is, for the commands that show a recording in it.
    """
    detector = kept["detector"]
    if not detector:
        return None
    missed, alarms = misses(cases, detector), false_alarms(cases, detector)
    of = len(_of(cases, detector, "fault"))
    others = [name for name in names if name != detector]
    return {
        "detector": detector,
        "parts": [
            {
                "id": "misses",
                "title": f"{_ten(missed)} of {count(len(missed))} missed faults"
                if len(missed) > SHOWN
                else f"Missed faults: {count(len(missed))} of {count(of)}",
                "order": MISSES_ORDER,
                "none": f"{detector} missed none of {count(of)} faults.",
                "shown": _shown("miss", kept["misses"], kept, run_dir if links else None),
                "table": _missed_table(missed, detector),
            },
            {
                "id": "worst-false-alarms",
                "title": f"{_ten(alarms)} of {count(len(alarms))} false alarms"
                if len(alarms) > SHOWN
                else f"False alarms: {count(len(alarms))}",
                "order": ALARMS_ORDER,
                "none": f"{detector} raised none in the test.",
                "shown": _shown("alarm", kept["false_alarms"], kept, run_dir if links else None),
                "table": _alarms_table(alarms, _of(cases, detector, "fault"), detector),
            },
        ],
        "others": [_other(cases, name) for name in others[:OTHERS_SHOWN]],
        "others_cut": f"{OTHERS_SHOWN} of {len(others)} other detectors; cases.csv has all."
        if len(others) > OTHERS_SHOWN
        else "",
    }


def _ten(cases: pd.DataFrame) -> str:
    return f"The {SHOWN} worst" if len(cases) > SHOWN else ""


def _shown(
    name: str,
    excerpts: Sequence[Mapping[str, Any]],
    kept: Mapping[str, Any],
    run_dir: Path | None,
) -> list[dict[str, Any]]:
    return [
        {
            "figure": figure(f"{name}-{n}", kept["detector"], excerpt),
            "facts": ", ".join(filter(None, (_when(excerpt), score_of(excerpt)))),
            "recording": excerpt["recording"],
            **_where(kept["folders"].get(excerpt["recording"]), run_dir),
        }
        for n, excerpt in enumerate(excerpts)
    ]


def _when(excerpt: Mapping[str, Any]) -> str:
    fault = "" if excerpt["fault"] is None else f"fault {excerpt['fault']}, "
    return f"{fault}{second(excerpt['start'])} UTC"


def _where(place: Mapping[str, str] | None, run_dir: Path | None) -> dict[str, str]:
    """Return the link to a recording that lies in the run, and the command that shows any."""
    if place is None or run_dir is None:
        return {"href": "", "command": ""}
    inside = place.get("inside")
    path = place["path"] if inside is None else str(run_dir / inside)
    href = "" if inside is None else quote(f"{inside}/")
    return {"href": href, "command": f"sensorkit show {shlex.quote(path)}"}


def _other(cases: pd.DataFrame, name: str) -> dict[str, Any]:
    faults = _of(cases, name, "fault")
    missed, alarms = misses(cases, name), false_alarms(cases, name)
    return {
        "summary": f"{name}: {count(len(missed))} of {count(len(faults))} missed, "
        f"{count(len(alarms))} false alarm{'' if len(alarms) == 1 else 's'}",
        "tables": [
            table
            for rows, table in (
                (missed, _missed_table(missed, name)),
                (alarms, _alarms_table(alarms, faults, name)),
            )
            if len(rows)
        ],
    }


def _missed_table(missed: pd.DataFrame, detector: str) -> dict[str, Any]:
    return {
        "caption": f"Faults that {detector} missed: {MISSES_ORDER}{_cut(missed)}",
        "columns": (
            *("Fault", "Recording", "Kind", "Channel", "Size", "In sigmas", "Start (UTC)"),
            *("Lasted", "Highest score", "Threshold"),
        ),
        "rows": [
            (
                str(row.fault),
                row.recording,
                str(row.kind).replace("_", " "),
                row.channel if isinstance(row.channel, str) else "all",
                size_text(str(row.kind), _there(row.magnitude)),
                number(_there(row.magnitude_sigma)),
                second(str(row.start)),
                _lasted(row),
                number(_there(row.peak_score)),
                number(_there(row.threshold)),
            )
            for row in missed.head(SHOWN).itertuples()
        ],
        "numeric": (4, 5, 7, 8, 9),
    }


def _alarms_table(alarms: pd.DataFrame, faults: pd.DataFrame, detector: str) -> dict[str, Any]:
    return {
        "caption": f"Alerts of {detector} that touch no fault: {ALARMS_ORDER}{_cut(alarms)}",
        "columns": (
            *("Start (UTC)", "Recording", "Alert", "Channel", "Lasted", "Highest score"),
            *("Threshold", "After the last fault's window"),
        ),
        "rows": [
            (
                second(str(row.start)),
                row.recording,
                row.alert_type,
                row.alert_channel if isinstance(row.alert_channel, str) else NONE,
                _lasted(row),
                number(_there(row.peak_score)),
                number(_there(row.threshold)),
                seconds(_since_last_window(row, faults)),
            )
            for row in alarms.head(SHOWN).itertuples()
        ],
        "numeric": (4, 5, 6, 7),
    }


def _lasted(row: Any) -> str:
    if pd.isna(row.end):
        return "not ended"
    return seconds(float((pd.Timestamp(row.end) - pd.Timestamp(row.start)).total_seconds()))


def _since_last_window(alarm: Any, faults: pd.DataFrame) -> float | None:
    """Return the seconds since the last fault's window closed: what a detector still remembers."""
    mine = faults[(faults["recording"] == alarm.recording) & (faults["device"] == alarm.device)]
    ended = pd.to_datetime(mine["window_end"], format="ISO8601", utc=True)
    began = pd.Timestamp(alarm.start)
    before = ended[ended < began]
    return None if before.empty else float((began - before.max()).total_seconds())


def _there(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _cut(rows: pd.DataFrame) -> str:
    return f"; {SHOWN} of {count(len(rows))}, cases.csv has all" if len(rows) > SHOWN else ""
