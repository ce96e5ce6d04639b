"""Every measure of a report: its name, what it means in a sentence or two, and the table of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sensorkit.display.formats import fixed, interval, percent, rate, seconds
from sensorkit.evaluate.figures.choosing import across_cut, best_across

Report = Mapping[str, Any]

RECORDINGS_SHOWN = 12
"""Tables of all measures on a page; report.json has the rest."""


@dataclass(frozen=True)
class Measure:
    """A measure and how it is shown."""

    key: str
    """In `results[]` of report.json; the anchor of its definition, too."""
    name: str
    form: Callable[[float | None], str]
    meaning: str
    better: str
    """Which way is better: higher or lower."""
    open_end: str = "not known"
    """What a missing end of its interval means."""

    @property
    def anchor(self) -> str:
        """Return the id of the definition on the page."""
        return f"means-{self.key}"


def _share(value: float | None) -> str:
    return percent(value)


def _value(value: float | None) -> str:
    return fixed(value)


MEASURES = (
    Measure(
        "vus_pr",
        "VUS-PR",
        _value,
        "Volume under the precision-recall surface: how well the scores set faulty readings apart "
        "from healthy ones, over all thresholds and over buffers around each fault. 1 is perfect; "
        "what chance gets stands in the row of the detector random.",
        "higher",
    ),
    Measure(
        "average_precision",
        "Average precision",
        _value,
        "Area under the precision-recall curve of single readings, in steps. A score without "
        "information gets the share of faulty readings.",
        "higher",
    ),
    Measure(
        "vus_roc",
        "VUS-ROC",
        _value,
        "As VUS-PR with the ROC curve; 0.5 by chance. With rare faults it looks good early: many "
        "false alarms are still a small share of the healthy readings.",
        "higher",
    ),
    Measure(
        "roc_auc",
        "ROC-AUC",
        _value,
        "Probability that a faulty reading scores higher than a healthy one; 0.5 by chance.",
        "higher",
    ),
    Measure(
        "event_recall",
        "Faults found",
        _share,
        "Share of faults in whose window an alert begins while none was open at their start.",
        "higher",
    ),
    Measure(
        "event_precision",
        "Alerts that are right",
        _share,
        "Share of alerts that find a fault; repeats within one fault are left out.",
        "higher",
    ),
    Measure(
        "event_f1",
        "Event F1",
        _value,
        "Harmonic mean of faults found and alerts that are right; 0 where no fault is found.",
        "higher",
    ),
    Measure(
        "false_alarms_per_day",
        "False alarms a day",
        rate,
        "Alerts that touch no fault, for each day of clean test time. One that was open before the "
        "test counts if it lasts into clean time.",
        "lower",
    ),
    Measure(
        "time_in_false_alarm",
        "Time in false alarm",
        _share,
        "Share of the clean test time in which the score is at the threshold or above: an alarm "
        "that never ends is one false alarm, and all of the time.",
        "lower",
    ),
    Measure(
        "delay_median_s",
        "Median delay",
        seconds,
        "From a fault's start to its alert, by Kaplan and Meier. A missed fault counts as never "
        "found, so a detector that misses half of them has no median.",
        "lower",
        "not reached",
    ),
    Measure(
        "range_precision",
        "Range precision",
        _value,
        "For each stretch of flagged readings the share of it inside faults, averaged over the "
        "stretches (Tatbul et al., 2018).",
        "higher",
    ),
    Measure(
        "range_recall",
        "Range recall",
        _value,
        "For each fault the share of it that is flagged, averaged over the faults: how much of a "
        "fault is covered, not only that it is found.",
        "higher",
    ),
    Measure(
        "range_f1",
        "Range F1",
        _value,
        "Harmonic mean of range precision and range recall.",
        "higher",
    ),
    Measure(
        "affiliation_precision",
        "Affiliation precision",
        _value,
        "How near flagged readings are to the nearest fault, against flags set at random (Huet et "
        "al., 2022). About 0.5 by chance, so read it from there.",
        "higher",
    ),
    Measure(
        "affiliation_recall",
        "Affiliation recall",
        _value,
        "How near each fault is to flagged readings, against flags set at random.",
        "higher",
    ),
    Measure(
        "affiliation_f1",
        "Affiliation F1",
        _value,
        "Harmonic mean of affiliation precision and recall.",
        "higher",
    ),
    Measure(
        "point_precision",
        "Reading precision",
        _value,
        "Share of flagged readings that are faulty.",
        "higher",
    ),
    Measure(
        "point_recall",
        "Reading recall",
        _value,
        "Share of faulty readings that are flagged.",
        "higher",
    ),
    Measure(
        "point_f1",
        "Reading F1",
        _value,
        "Harmonic mean of the two, without point adjustment: counting a whole fault as found when "
        "one reading is flagged lets a random score win.",
        "higher",
    ),
)


def all_measures(report: Report) -> list[dict[str, Any]]:
    """Return a table of all measures for each recording: measures down, detectors across.

    The numbers are those over all fault kinds, best ranked detector first.
    """
    ranked = [row["detector"] for row in report["ranking"]]
    names = best_across(ranked)
    overall = {
        (row["recording"], row["detector"]): row
        for row in report["results"]
        if row["fault_kind"] is None
    }
    return [
        {
            "caption": f"All measures on {recording['name']}, over all fault kinds; 95 % intervals "
            f"in brackets{across_cut(ranked)}",
            "columns": names,
            "rows": [
                {
                    "name": measure.name,
                    "anchor": measure.anchor,
                    "better": measure.better,
                    "cells": [_cell(measure, overall[recording["name"], name]) for name in names],
                }
                for measure in MEASURES
            ],
        }
        for recording in report["recordings"][:RECORDINGS_SHOWN]
    ]


def _cell(measure: Measure, row: Mapping[str, Any]) -> dict[str, str]:
    if row["status"] != "ok":
        return {"value": "✗", "range": ""}
    return {
        "value": measure.form(row[measure.key]),
        "range": interval(row[f"{measure.key}_ci"], measure.form, measure.open_end),
    }
