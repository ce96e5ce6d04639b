"""An evaluation at a glance: the verdict, the ranking with its intervals, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensorkit.display.cards import Card, Table, shortened
from sensorkit.display.figure import Figure
from sensorkit.display.formats import count, fixed, interval, percent, rate, seconds
from sensorkit.errors import UsageError
from sensorkit.evaluate.figures.charts import charts as drawn
from sensorkit.nearest import unknown

if TYPE_CHECKING:
    from sensorkit.evaluate.evaluation import Evaluation

COLUMNS = ("detector", "group", "VUS-PR", "faults found", "false alarms a day", "median delay")


def card(found: Evaluation) -> Card:
    """Return what is shown of *found*."""
    recordings = [str(one["name"]) for one in found.recordings]
    faults = int((found.cases["case"] == "fault").sum()) if len(found.cases) else 0
    per_detector = faults // max(len(found.detectors), 1)
    facts = [
        ("verdict", str(found.verdict.get("sentence") or "")),
        ("recordings", ", ".join(recordings[:6]) + (" and more" if len(recordings) > 6 else "")),
        ("faults", count(per_detector)),
        ("figures", "evaluation.plot(name), for the names in evaluation.figures"),
    ]
    failed = [one for one in found.cells if one.get("status") != "ok"]
    tables = [
        Table(
            "ranking, best first; in brackets 95 % intervals; in one group nothing tells them "
            "apart",
            COLUMNS,
            shortened([_row(row) for row in found.ranking]),
        ),
        Table(
            "cells that failed",
            ("detector", "recording", "status", "reason"),
            shortened([_cell(one) for one in failed]),
            words=4,
        ),
    ]
    return Card("Evaluation", _amount(found), facts, tables)


def _amount(found: Evaluation) -> str:
    n, m = len(found.detectors), len(found.recordings)
    return f"of {n} {'detector' if n == 1 else 'detectors'} on {m} " + (
        "recording" if m == 1 else "recordings"
    )


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    alarms, bounds = rate(row["false_alarms_per_day"]), row["false_alarms_per_day_ci"]
    return (
        str(row["detector"]) + (" (baseline)" if row["baseline"] else ""),
        str(row["group"] or ""),
        f"{fixed(row['vus_pr'])} {interval(row['vus_pr_ci'], fixed)}".strip(),
        f"{percent(row['event_recall'])} {interval(row['event_recall_ci'], percent)}".strip(),
        f"{alarms} {interval(bounds, rate)}".strip(),
        f"{seconds(row['delay_median_s'])} {interval(row['delay_median_s_ci'], seconds)}".strip(),
    )


def _cell(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(cell.get(key) or "") for key in ("detector", "recording", "status", "reason"))


def charts(found: Evaluation) -> list[Figure]:
    """Return the figures that a report of *found* has."""
    return drawn(found.to_dict(), found.cases)


def chosen(figures: Sequence[Figure], name: str | None) -> Figure:
    """Return the figure called *name*, or the first.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    by_name = {one.name: one for one in figures}
    if name is not None and name not in by_name:
        raise UsageError(unknown("figure", name, by_name))
    return figures[0] if name is None else by_name[name]
