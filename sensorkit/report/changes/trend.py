"""How the main figures went over the last runs of the same data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sensorkit.display.figure import COLOURS, SYMBOLS, Figure
from sensorkit.display.formats import (
    NONE,
    day_and_minute,
    fixed,
    interval,
    microseconds,
    percent,
    rate,
    seconds,
)
from sensorkit.report.files import RUNS
from sensorkit.report.run_facts import Facts, text_of

TREND_RUNS = 20
"""Runs in a trend; more could not be read on a page."""


class Line(NamedTuple):
    """A figure whose trend is shown."""

    key: str
    name: str
    form: Callable[[float | None], str]
    axis: dict[str, Any]


LINES = (
    Line("event_recall", "Faults found", percent, {"range": [-0.04, 1.04], "tickformat": ".0%"}),
    Line("false_alarms_per_day", "False alarms a day", rate, {"rangemode": "tozero"}),
    Line("delay_median_s", "Median delay", seconds, {"rangemode": "tozero", "ticksuffix": " s"}),
    Line("vus_pr", "VUS-PR", fixed, {"range": [-0.04, 1.04]}),
    Line(
        "microseconds_per_reading",
        "Time a reading",
        microseconds,
        {"rangemode": "tozero", "ticksuffix": " \N{MICRO SIGN}s"},
    ),
)


def trend(runs: Sequence[Facts], out: Path) -> dict[str, Any] | None:
    """Return the trend over *runs*, the oldest first; None with fewer than two.

    Returns
    -------
    dict or None
        `figures`, one a figure; `note`, whose they are; `columns` and `rows`, one a run, with the
        place of its report.
    """
    if len(runs) < 2:
        return None
    return {
        "figures": [_figure(line, runs) for line in LINES],
        "note": _note(runs),
        "columns": [line.name for line in LINES],
        "rows": [_row(place, run, out) for place, run in enumerate(runs, start=1)],
    }


def _row(place: int, run: Facts, out: Path) -> dict[str, Any]:
    page = out / RUNS / run.id / "report.html"
    return {
        "number": place,
        "id": run.id,
        "href": f"../{quote(run.id)}/report.html" if page.exists() else "",
        "created": when(run),
        "detector": detector(run),
        "cells": [
            {
                "value": line.form(run.number(line.key)),
                "range": interval(run.interval(line.key), line.form),
            }
            for line in LINES
        ],
    }


def when(run: Facts) -> str:
    """Return when a run began, or its name where it does not say."""
    return day_and_minute(run.created_at) if run.created_at else run.id


def detector(run: Facts) -> str:
    """Return the detector whose figures the summary has."""
    return text_of(run.summary.get("detector")) or NONE


def _figure(line: Line, runs: Sequence[Facts]) -> Figure:
    values = [run.number(line.key) for run in runs]
    bounds = [run.interval(line.key) for run in runs]
    said = [
        f"{line.form(value)} {interval(pair, line.form)}".rstrip()
        for value, pair in zip(values, bounds, strict=True)
    ]
    places = list(range(1, len(runs) + 1))
    shown = [i for i, value in enumerate(values) if value is not None]
    ends = f", from {said[shown[0]]} to {said[shown[-1]]}" if shown else ""
    symbols = _symbols(runs)
    spec = {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [places[i] for i in shown],
                "y": [values[i] for i in shown],
                "text": [f"{detector(runs[i])}: {said[i]}<br>{runs[i].id}" for i in shown],
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"color": COLOURS[0], "width": 2},
                "marker": {
                    "color": COLOURS[0],
                    "symbol": [symbols[i] for i in shown],
                    "size": [7] * (len(shown) - 1) + [11] if shown else 7,
                },
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_arm(values[i], bounds[i], 1) for i in shown],
                    "arrayminus": [_arm(values[i], bounds[i], 0) for i in shown],
                    "color": COLOURS[0],
                    "thickness": 1.2,
                    "width": 3,
                },
            }
        ],
        "layout": {
            "height": 190,
            "showlegend": False,
            "margin": {"l": 52, "r": 10, "t": 8, "b": 34},
            "xaxis": {
                "title": {"text": "run"},
                "range": [0.5, len(runs) + 0.5],
                "tickvals": places if len(places) <= 10 else places[::-2][::-1],
                "zeroline": False,
            },
            "yaxis": dict(line.axis),
        },
    }
    return Figure(
        f"trend-{line.key.replace('_', '-')}",
        line.name,
        f"Line with 95 % intervals: {line.name.lower()} over {len(runs)} runs{ends}.",
        spec,
        ("Run", "When", "Detector", f"{line.name} [95 % interval]"),
        [
            (str(place), when(run), detector(run), text)
            for place, run, text in zip(places, runs, said, strict=True)
        ],
    )


def _symbols(runs: Sequence[Facts]) -> list[str]:
    """Return a symbol for each run, by its detector: a line may go from one to another."""
    names = list(dict.fromkeys(detector(run) for run in runs))
    return [SYMBOLS[names.index(detector(run)) % len(SYMBOLS)] for run in runs]


def _note(runs: Sequence[Facts]) -> str:
    """Say where the detector changes; "" where it is always the same.

    The figures of two detectors are no trend of either.
    """
    names = [detector(run) for run in runs]
    said = [
        f"from run {place} on of {name}"
        for place, (before, name) in enumerate(itertools.pairwise(names), start=2)
        if name != before
    ]
    if not said:
        return f"All of {names[0]}."
    return f"The figures are of {names[0]} first, {', '.join(said)}: each has its own symbol."


def _arm(value: float | None, ends: tuple[float | None, float | None] | None, side: int) -> float:
    """Return how far an interval reaches beyond its value; an open end is not drawn."""
    end = None if ends is None else ends[side]
    return 0.0 if end is None or value is None else max(0.0, end - value if side else value - end)
