"""The rows of cases.csv, made of one cell: each fault, each false alarm, each touching episode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.events import EventTable, Role
from sensorkit.evaluate.trial import Trial
from sensorkit.readings import Alert, isoformat

Row = dict[str, Any]

CASE_COLUMNS = (
    "case",  # fault | false_alarm | touching
    "recording",
    "detector",
    "status",
    "device",
    "fault",
    "kind",
    "channel",
    "layer",
    "magnitude",
    "magnitude_sigma",
    "start",
    "end",
    "window_end",
    "hit",
    "after_end",
    "delay_s",
    "watched_s",
    "episode",
    "alert_type",
    "alert_channel",
    "peak_score",
    "threshold",
    "clean_hours",
)


def fault_cases(
    cell: Cell, trial: Trial, table: EventTable | None, alerts: list[Alert] | tuple[()]
) -> list[Row]:
    """Return a case for each fault; without hits where the cell failed (*table* is None)."""
    cases = []
    for i, fault in enumerate(trial.labels.to_dict("records")):
        case = _case(cell, "fault", fault["device"]) | {
            "fault": int(fault["id"]),
            "kind": fault["kind"],
            "channel": _text(fault["channel"]),
            "layer": fault["layer"],
            "magnitude": fault["magnitude"],
            "magnitude_sigma": fault["magnitude_sigma"],
            "start": isoformat(pd.Timestamp(fault["start"]).value),
            "end": isoformat(pd.Timestamp(fault["end"]).value),
            "window_end": isoformat(int(trial.window[i, 1])),
        }
        if table is not None:
            hit = bool(table.hit[i])
            case |= {
                "hit": hit,
                "delay_s": float(table.delay_s[i]),
                "watched_s": float(table.watched_s[i]),
                "peak_score": _peak(cell, trial, fault["device"], *trial.window[i]),
                "clean_hours": table.clean_hours,
            }
            if hit:
                case["after_end"] = bool(table.after_end[i])
                episode = int(table.episode[i])
                alert = alerts[episode]
                case |= {
                    "episode": episode,
                    "alert_type": alert.type,
                    "alert_channel": _text(alert.channel),
                }
        cases.append(case)
    return cases


def alarm_cases(cell: Cell, trial: Trial, table: EventTable, alerts: list[Alert]) -> list[Row]:
    """Return a case for each episode that hit no fault."""
    names = {Role.FALSE_ALARM: "false_alarm", Role.TOUCHING: "touching"}
    cases = []
    for i, (alert, role) in enumerate(zip(alerts, table.role, strict=True)):
        if role not in names:
            continue
        case = _case(cell, names[role], alert.device) | {
            "start": isoformat(alert.start),
            "end": None if alert.end is None else isoformat(alert.end),
            "episode": i,
            "alert_type": alert.type,
            "alert_channel": _text(alert.channel),
            "peak_score": _alert_peak(cell, trial, alert),
            "clean_hours": table.clean_hours,
        }
        if role is Role.TOUCHING:
            fault = trial.labels.iloc[int(table.fault[i])]
            case |= {"fault": int(fault["id"]), "kind": fault["kind"]}
        cases.append(case)
    return cases


def _case(cell: Cell, case: str, device: str) -> Row:
    return dict.fromkeys(CASE_COLUMNS) | {
        "case": case,
        "recording": cell.recording,
        "detector": cell.detector,
        "status": str(cell.status),
        "device": device,
        "threshold": cell.threshold,
    }


def _alert_peak(cell: Cell, trial: Trial, alert: Alert) -> float | None:
    end = np.iinfo(np.int64).max if alert.end is None else alert.end
    peak = _peak(cell, trial, alert.device, alert.start, end)
    return alert.score if peak is None else peak


def _peak(cell: Cell, trial: Trial, device: str, start: int, end: int) -> float | None:
    """Return the highest score between two times, inclusive; None where there is no reading."""
    scores = cell.scores[trial.span(device, start, end)]
    return float(scores.max()) if len(scores) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
