"""The rows of results.json and cases.csv, made of one cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.evaluate.blocks import Draws, bootstrap
from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.events import EventTable, Role
from sensorkit.evaluate.metrics import average_precision, point_scores, roc_auc, vus
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.statistics import (
    censored_median,
    median_delay_interval,
    poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.trial import Trial
from sensorkit.readings import Alert, isoformat

Row = dict[str, Any]

COUNTED = ("faults_hit", "episodes", "false_alarms", "clean_hours")
INTERVALS = (
    "vus_pr",
    "average_precision",
    "event_recall",
    "event_precision",
    "false_alarms_per_day",
    "delay_median_s",
)
SHARES = ("vus_roc", "roc_auc", "point_precision", "point_recall", "point_f1")

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
    "delay_s",
    "watched_s",
    "episode",
    "alert_type",
    "alert_channel",
    "peak_score",
    "threshold",
    "clean_hours",
)


class Scored(NamedTuple):
    """What a cell comes to."""

    rows: list[Row]
    """Of results.json: over all kinds, then kind by kind."""
    cases: list[Row]
    draws: Draws | None
    """Bootstrap values over all kinds, paired with those of other detectors."""
    delays: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Delay and watch of each fault, as `EventTable` has them."""


def score_cell(cell: Cell, trial: Trial, settings: Settings) -> Scored:
    """Return all that is said of a cell; a failed one has its rows, without numbers."""
    kinds: list[str | None] = [None, *trial.kinds]
    if not cell.ok:
        rows = [_empty_row(cell, trial, kind) for kind in kinds]
        nothing = np.empty(0)
        return Scored(rows, _fault_cases(cell, trial, None, ()), None, (nothing, nothing))
    table, alerts = trial.match(list(cell.alerts), settings.tolerance)
    rows, overall = [], None
    for number, kind in enumerate(kinds):
        # The same for every detector, so that their draws are paired.
        rng = np.random.default_rng([settings.seed, number, *trial.name.encode()])
        row = _empty_row(cell, trial, kind) | _event_numbers(table, trial, kind, settings, rng)
        draws = None
        if trial.of_kind(kind).any():
            points, draws = _point_numbers(cell, trial, kind, settings, rng)
            row |= points
        rows.append(row)
        overall = draws if kind is None else overall
    cases = [*_fault_cases(cell, trial, table, alerts), *_alarm_cases(cell, trial, table, alerts)]
    return Scored(rows, cases, overall, (table.delay_s, table.watched_s))


def _empty_row(cell: Cell, trial: Trial, kind: str | None) -> Row:
    intervals = {key: None for name in INTERVALS for key in (name, f"{name}_ci")}
    return {
        "recording": cell.recording,
        "detector": cell.detector,
        "fault_kind": kind,
        "status": str(cell.status),
        "reason": cell.reason,
        "faults": int(trial.of_kind(kind).sum()),
        **dict.fromkeys(COUNTED),
        **intervals,
        **dict.fromkeys(SHARES),
    }


def _event_numbers(
    table: EventTable, trial: Trial, kind: str | None, settings: Settings, rng: np.random.Generator
) -> Row:
    of = trial.of_kind(kind)
    n, hit = int(of.sum()), int(table.hit[of].sum())
    episodes, hits = table.episodes(of), table.hits(of)
    days = table.clean_hours / 24
    delays, watched = table.delay_s[of], table.watched_s[of]
    return {
        "faults_hit": hit,
        "episodes": episodes,
        "false_alarms": table.false_alarms,
        "clean_hours": table.clean_hours,
        "event_recall": hit / n if n else None,
        "event_recall_ci": wilson_interval(hit, n) if n else None,
        "event_precision": hits / episodes if episodes else None,
        "event_precision_ci": wilson_interval(hits, episodes) if episodes else None,
        "false_alarms_per_day": table.false_alarms / days if days else None,
        "false_alarms_per_day_ci": poisson_interval(table.false_alarms, days) if days else None,
        "delay_median_s": float(censored_median(delays, watched)[0]),
        "delay_median_s_ci": median_delay_interval(
            delays, watched, resamples=settings.resamples, rng=rng
        ),
    }


def _point_numbers(
    cell: Cell, trial: Trial, kind: str | None, settings: Settings, rng: np.random.Generator
) -> tuple[Row, Draws | None]:
    kept, faulty = trial.view(kind)
    if not faulty.any():  # a silence with which the recording ends leaves no reading
        return {}, None
    scores = cell.scores[kept]
    volume = vus(faulty, scores, buffer=settings.buffer, thresholds=settings.thresholds)
    precision = average_precision(faulty, scores)
    draws = bootstrap(
        faulty,
        scores,
        buffer=settings.buffer,
        vus_pr=volume.pr,
        average_precision=precision,
        resamples=settings.resamples,
        rng=rng,
    )
    volume_ci, precision_ci = draws.intervals()
    at_threshold = point_scores(faulty, cell.flags[kept])
    return {
        "vus_pr": volume.pr,
        "vus_pr_ci": volume_ci,
        "vus_roc": volume.roc,
        "average_precision": precision,
        "average_precision_ci": precision_ci,
        "roc_auc": None if faulty.all() else roc_auc(faulty, scores),
        "point_precision": at_threshold.precision,
        "point_recall": at_threshold.recall,
        "point_f1": at_threshold.f1,
    }, draws


def _fault_cases(
    cell: Cell, trial: Trial, table: EventTable | None, alerts: list[Alert] | tuple[()]
) -> list[Row]:
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
                episode = int(table.episode[i])
                alert = alerts[episode]
                case |= {
                    "episode": episode,
                    "alert_type": alert.type,
                    "alert_channel": _text(alert.channel),
                }
        cases.append(case)
    return cases


def _alarm_cases(cell: Cell, trial: Trial, table: EventTable, alerts: list[Alert]) -> list[Row]:
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
