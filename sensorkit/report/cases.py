"""cases.csv: each fault and each false alarm behind the numbers of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from sensorkit.display.formats import NONE, number, second, seconds
from sensorkit.errors import UsageError
from sensorkit.evaluate.evaluation import read_cases

SHOWN = 20


def load_cases(run_dir: Path) -> pd.DataFrame:
    """Return the cases of a run.

    Raises
    ------
    UsageError
        If they cannot be read.
    """
    path = run_dir / "cases.csv"
    try:
        return read_cases(path)
    except (OSError, ValueError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what a run writes"
        raise UsageError(f"{path}: cannot be read: {reason}") from error


def closer_look(cases: pd.DataFrame, detector: str) -> list[dict[str, Any]]:
    """Return the tables of what *detector* missed and of its false alarms, the worst first."""
    mine = cases[(cases["detector"] == detector) & (cases["status"] == "ok")]
    faults = mine[mine["case"] == "fault"]
    missed = faults[~faults["hit"].fillna(False)]
    alarms = mine[mine["case"] == "false_alarm"]
    return [
        _missed(missed, len(faults), detector),
        _false_alarms(alarms, faults, detector),
    ]


def _missed(missed: pd.DataFrame, of: int, detector: str) -> dict[str, Any]:
    worst = missed.sort_values(
        "magnitude_sigma", ascending=False, key=pd.Series.abs, na_position="last"
    )
    rows = [
        (
            str(row.fault),
            row.recording,
            row.kind,
            row.channel if isinstance(row.channel, str) else "all",
            number(_there(row.magnitude)),
            number(_there(row.magnitude_sigma)),
            second(str(row.start)),
            number(_there(row.peak_score)),
            number(_there(row.threshold)),
        )
        for row in worst.head(SHOWN).itertuples()
    ]
    return {
        "summary": f"What {detector} missed: {len(missed)} of {of} faults",
        "caption": f"Missed faults, the largest first{_cut(missed)}",
        "columns": (
            *("Fault", "Recording", "Kind", "Channel", "Size", "In sigmas", "Start (UTC)"),
            *("Highest score", "Threshold"),
        ),
        "rows": rows,
        "numeric": (4, 5, 7, 8),
    }


def _false_alarms(alarms: pd.DataFrame, faults: pd.DataFrame, detector: str) -> dict[str, Any]:
    worst = alarms.sort_values("peak_score", ascending=False)
    rows = [
        (
            second(str(row.start)),
            row.recording,
            row.alert_type,
            row.alert_channel if isinstance(row.alert_channel, str) else NONE,
            number(_there(row.peak_score)),
            number(_there(row.threshold)),
            seconds(_since_last_window(row, faults)),
        )
        for row in worst.head(SHOWN).itertuples()
    ]
    return {
        "summary": f"False alarms of {detector}: {len(alarms)}",
        "caption": f"Alerts that touch no fault, the highest score first{_cut(alarms)}",
        "columns": (
            *("Start (UTC)", "Recording", "Alert", "Channel", "Highest score", "Threshold"),
            "After the last fault's window",
        ),
        "rows": rows,
        "numeric": (4, 5, 6),
    }


def _since_last_window(alarm: Any, faults: pd.DataFrame) -> float | None:
    """Return the seconds since the last fault's window closed: what a detector still remembers."""
    ended = pd.to_datetime(faults.loc[faults["recording"] == alarm.recording, "window_end"])
    began = pd.Timestamp(alarm.start)
    before = ended[ended < began]
    return None if before.empty else float((began - before.max()).total_seconds())


def _there(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _cut(rows: pd.DataFrame) -> str:
    return f"; the first {SHOWN} of {len(rows)}, cases.csv has all" if len(rows) > SHOWN else ""
