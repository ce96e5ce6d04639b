"""The rows of results.json, made of one cell."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.cases import CASE_COLUMNS, Row, alarm_cases, fault_cases
from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.clean import alarm_places, clean_time, false_alarm_time
from sensorkit.evaluate.events import EventTable, Role
from sensorkit.evaluate.flagged import FLAG_FIGURES, flag_figures, flag_intervals
from sensorkit.evaluate.metrics import average_precision, roc_auc, vus
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.statistics import (
    Interval,
    bunching,
    censored_median,
    median_delay_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.statistics.blocks import FIGURES, Draws, bootstrap
from sensorkit.evaluate.statistics.nested import share_interval
from sensorkit.evaluate.trial import Trial
from sensorkit.readings import Alert
from sensorkit.runs import runs

__all__ = ["CASE_COLUMNS", "Scored", "event_f1", "event_f1_interval", "score_cell"]

Floats = NDArray[np.float64]

COUNTED = ("faults_hit", "faults_hit_after_end", "episodes", "false_alarms", "clean_hours")
EVENT_FIGURES = (
    "event_recall",
    "event_precision",
    "event_f1",
    "false_alarms_per_day",
    "time_in_false_alarm",
    "delay_median_s",
)


class Scored(NamedTuple):
    """What a cell comes to."""

    rows: list[Row]
    """Of results.json: over all kinds, then kind by kind."""
    cases: list[Row]
    draws: Draws | None
    """Bootstrap values over all kinds, paired with those of other detectors."""
    delays: tuple[Floats, Floats]
    """Delay and watch of each fault, as `EventTable` has them."""
    false_seconds: Floats = np.empty(0)
    """Clean seconds of each run of flags that has some."""
    bunched: float = 1.0
    """What `bunching` says of the false alarms."""


def score_cell(cell: Cell, trial: Trial, settings: Settings) -> Scored:
    """Return all that is said of a cell; a failed one has its rows, without numbers."""
    kinds: list[str | None] = [None, *trial.kinds]
    if not cell.ok:
        rows = [_empty_row(cell, trial, kind) for kind in kinds]
        nothing = np.empty(0)
        return Scored(rows, fault_cases(cell, trial, None, ()), None, (nothing, nothing))
    table, alerts = trial.match(list(cell.alerts), settings.tolerance)
    seconds, bunched = _false_seconds(cell, trial), _bunched(table, alerts, trial)
    rows, overall = [], None
    for number, kind in enumerate(kinds):
        # The same for every detector, so that their draws are paired.
        rng = np.random.default_rng([settings.seed, number, *trial.name.encode()])
        row = _empty_row(cell, trial, kind) | _event_numbers(
            table, seconds, bunched, trial, kind, settings, rng
        )
        draws = None
        if trial.of_kind(kind).any():
            points, draws = _point_numbers(cell, trial, kind, settings, rng)
            row |= points
        rows.append(row)
        overall = draws if kind is None else overall
    cases = [*fault_cases(cell, trial, table, alerts), *alarm_cases(cell, trial, table, alerts)]
    return Scored(rows, cases, overall, (table.delay_s, table.watched_s), seconds, bunched)


def event_f1(hit: float, faults: float, hits: float, episodes: float) -> float | None:
    """Return the harmonic mean of event recall and event precision; None without a fault.

    0 where nothing is hit, as without an episode.

    Parameters
    ----------
    hit, faults : float
        Recall is their ratio.
    hits, episodes : float
        Precision is theirs; one episode that hits two faults is one hit here.
    """
    if not faults:
        return None
    if not hit:
        return 0.0
    recall, precision = hit / faults, hits / episodes
    return 2 * recall * precision / (recall + precision)


def event_f1_interval(f1: list[float], trials: list[float]) -> Interval:
    """Return the interval of an event F1 from those of each recording.

    F1 is 2 J / (1 + J) with J = hits / (faults + episodes that hit none), a share, so its interval
    is that of J turned into F1. *trials* are the denominators of J. It covers more often than it
    says: the number of faults is fixed, not drawn.
    """
    shares = np.array(f1) / (2 - np.array(f1))
    low, high = share_interval(shares * trials, trials)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def _empty_row(cell: Cell, trial: Trial, kind: str | None) -> Row:
    figures = (*EVENT_FIGURES, *FIGURES, *FLAG_FIGURES)
    return {
        "recording": cell.recording,
        "detector": cell.detector,
        "fault_kind": kind,
        "status": str(cell.status),
        "reason": cell.reason,
        "faults": int(trial.of_kind(kind).sum()),
        **dict.fromkeys(COUNTED),
        **{key: None for name in figures for key in (name, f"{name}_ci")},
    }


def _event_numbers(
    table: EventTable,
    false_seconds: Floats,
    bunched: float,
    trial: Trial,
    kind: str | None,
    settings: Settings,
    rng: np.random.Generator,
) -> Row:
    of = trial.of_kind(kind)
    n, hit = int(of.sum()), int(table.hit[of].sum())
    episodes, hits = table.episodes(of), table.hits(of)
    days = table.clean_hours / 24
    delays, watched = table.delay_s[of], table.watched_s[of]
    f1 = event_f1(hit, n, hits, episodes)
    return {
        "faults_hit": hit,
        "faults_hit_after_end": int(table.after_end[of].sum()),
        "episodes": episodes,
        "false_alarms": table.false_alarms,
        "clean_hours": table.clean_hours,
        "event_recall": hit / n if n else None,
        "event_recall_ci": wilson_interval(hit, n) if n else None,
        "event_precision": hits / episodes if episodes else None,
        "event_precision_ci": wilson_interval(hits, episodes) if episodes else None,
        "event_f1": f1,
        "event_f1_ci": None if f1 is None else event_f1_interval([f1], [n + episodes - hits]),
        "false_alarms_per_day": table.false_alarms / days if days else None,
        "false_alarms_per_day_ci": (
            poisson_interval(table.false_alarms / bunched, days / bunched) if days else None
        ),
        **_time_in_false_alarm(false_seconds, days * 86_400, bunched),
        "delay_median_s": float(censored_median(delays, watched)[0]),
        "delay_median_s_ci": median_delay_interval(
            delays, watched, weights=resample(n, settings.resamples, rng)
        ),
    }


def _time_in_false_alarm(seconds: Floats, clean: float, bunched: float) -> Row:
    if not clean:
        return {}
    low, high = weighted_poisson_interval(seconds, clean, bunched)
    return {
        "time_in_false_alarm": min(float(seconds.sum()) / clean, 1.0),
        # Without any such time nobody knows how long an alarm would have lasted.
        "time_in_false_alarm_ci": (low, min(high, 1.0) if len(seconds) else math.inf),
    }


def _false_seconds(cell: Cell, trial: Trial) -> Floats:
    """Return the clean seconds of each run of flags, device by device."""
    at, found = 0, [np.empty(0)]
    for unit in trial.units:
        flags = cell.flags[at : at + len(unit.rows)]
        found.append(false_alarm_time(flags, unit.time, trial.window[unit.faults]) / 1e9)
        at += len(unit.rows)
    return np.concatenate(found)


def _bunched(table: EventTable, alerts: list[Alert], trial: Trial) -> float:
    """Return the bunching of the false alarms: of each device, by how many it has."""
    known = {unit.device: i for i, unit in enumerate(trial.units)}
    false = [a for a, role in zip(alerts, table.role, strict=True) if role == Role.FALSE_ALARM]
    total = 0.0
    for i, unit in enumerate(trial.units):
        # As in `Trial.match`, an alert of an unknown device belongs to the first.
        starts = [alert.start for alert in false if known.get(alert.device, 0) == i]
        window = trial.window[unit.faults]
        places = alarm_places(np.array(starts, dtype=np.int64), unit.time, window)
        total += len(starts) * bunching(places / 1e9, clean_time(unit.time, window) / 1e9)
    return total / len(false) if false else 1.0


def _point_numbers(
    cell: Cell, trial: Trial, kind: str | None, settings: Settings, rng: np.random.Generator
) -> tuple[Row, Draws | None]:
    kept, faulty = trial.view(kind)
    if not faulty.any():  # a silence with which the recording ends leaves no reading
        return {}, None
    scores, flags = cell.scores[kept], cell.flags[kept]
    volume = vus(faulty, scores, buffer=settings.buffer, thresholds=settings.thresholds)
    exact = {
        "vus_pr": volume.pr,
        "vus_roc": volume.roc,
        "average_precision": average_precision(faulty, scores),
        "roc_auc": math.nan if faulty.all() else roc_auc(faulty, scores),
        **flag_figures(faulty, flags),
    }
    weights = resample(len(runs(faulty).start), settings.resamples, rng)
    draws = bootstrap(faulty, scores, buffer=settings.buffer, exact=exact, weights=weights)
    intervals = draws.intervals() | flag_intervals(faulty, flags, exact, weights)
    row: Row = {name: None if math.isnan(value) else value for name, value in exact.items()}
    return row | {f"{name}_ci": found for name, found in intervals.items()}, draws
