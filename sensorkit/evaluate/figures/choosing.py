"""Which detectors and how many rows are shown, when there are more than a reader can take in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import count

ROWS_SHOWN = 200
"""A page with tens of thousands of rows freezes the browser; the files hold the rest."""
ACROSS_SHOWN = 20
"""Detectors that stand side by side in a table or figure; more cannot be told apart there."""

Report = Mapping[str, Any]


def chosen(report: Report) -> Mapping[str, Any] | None:
    """Return the row of the recommended detector, or of the best one that is no baseline."""
    rows = report["ranking"]
    name = report["verdict"]["detector"]
    for row in rows:
        if row["detector"] == name or (name is None and not row["baseline"]):
            found: Mapping[str, Any] = row
            return found
    return None


def compared(report: Report) -> list[str]:
    """Return the detectors that figures show, best first; the tables have the baselines, too."""
    names = [row["detector"] for row in report["ranking"] if not row["baseline"]]
    return names or [row["detector"] for row in report["ranking"]]


def best_across(names: Sequence[str]) -> list[str]:
    """Return the first of *names*, as many as can stand side by side."""
    return list(names[:ACROSS_SHOWN])


def across_cut(names: Sequence[object]) -> str:
    """Return how many detectors are left out side by side, in words; "" if none are."""
    if len(names) <= ACROSS_SHOWN:
        return ""
    return f"; the {ACROSS_SHOWN} best of {count(len(names))} detectors, report.json has all"


def rows_cut(rows: int) -> str:
    """Return how many rows are left out, in words; "" if none are."""
    return f"; the first {ROWS_SHOWN} of {count(rows)}, report.json has all" * (rows > ROWS_SHOWN)
