"""The figures of a report, made of report.json and cases.csv."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.display.figure import ALERT, COLOURS, GREY, Figure, styles
from sensorkit.display.formats import fixed, interval, number, percent, rate, seconds
from sensorkit.evaluate.figures.choosing import ACROSS_SHOWN, across_cut, compared
from sensorkit.evaluate.figures.critical_difference import critical_difference
from sensorkit.evaluate.figures.curves import curves

Report = Mapping[str, Any]


def charts(report: Report, cases: pd.DataFrame) -> list[Figure]:
    """Return all figures of a report but the examples, those first that decide."""
    return [*comparison(report, cases), *critical_difference(report), *curves(report)]


def comparison(report: Report, cases: pd.DataFrame) -> list[Figure]:
    """Return the figures of what each detector did in the test."""
    return [_found_within(report, cases), _false_alarms(report), _vus_pr(report)]


LINES_SHOWN = 12
"""Lines of one figure that an eye can follow."""
STEPS = 1000
"""Points of a line of steps; what lies between them is narrower than a pixel."""


def _found_within(report: Report, cases: pd.DataFrame) -> Figure:
    every = compared(report)
    names = every[:LINES_SHOWN]
    cut = f"; the {LINES_SHOWN} best of {len(every)} detectors" if len(every) > len(names) else ""
    faults = cases[(cases["case"] == "fault") & (cases["status"] == "ok")]
    delays = {
        name: mine["delay_s"].fillna(np.inf).to_numpy(dtype=np.float64)
        for name in names
        if len(mine := faults[faults["detector"] == name])
    }
    marks = (1.0, 5.0, 10.0, 30.0, 60.0)
    rows = [
        (
            name,
            *(percent(float(np.mean(delay <= mark))) for mark in marks),
            percent(float(np.mean(np.isfinite(delay)))),
            str(len(delay)),
        )
        for name, delay in delays.items()
    ]
    found = "; ".join(f"{row[0]} {row[-2]}" for row in rows)
    return Figure(
        "found-within",
        "How soon faults are found: a line that stays below 100 % shows what was missed" + cut,
        f"Lines: share of faults found against time since the fault began. In the end: {found}.",
        found_within(delays, names),
        ("Detector", *(f"within {seconds(mark)}" for mark in marks), "at all", "Faults"),
        rows,
    )


def _false_alarms(report: Report) -> Figure:
    rows = report["ranking"][:ACROSS_SHOWN]
    budget = float(report["settings"]["false_alarms_per_day"])
    values = [row["false_alarms_per_day"] for row in rows]
    bounds = [row["false_alarms_per_day_ci"] for row in rows]
    ends = [end for pair in bounds if pair for end in pair if end is not None]
    largest = max([budget, *(v for v in values if v is not None), *ends])
    labels = [f"{rate(v)} a day {interval(b, rate)}" for v, b in zip(values, bounds, strict=True)]
    axis: dict[str, Any] = {"rangemode": "tozero"}
    if largest > 20 * budget:
        axis, values, bounds = _log_axis(budget, largest, values, bounds)
    spec = interval_chart(
        [row["detector"] for row in rows],
        values,
        bounds,
        title="false alarms a day",
        muted=[row["baseline"] for row in rows],
        axis=axis,
        labels=labels,
        mark=(budget, f"budget {number(budget)}"),
    )
    said = "; ".join(f"{row['detector']} {label}" for row, label in zip(rows, labels, strict=True))
    return Figure(
        "false-alarms",
        "What it costs: false alarms a day on clean data, with the 95 % interval and the budget"
        + across_cut(report["ranking"]),
        f"Dots with intervals: {said}. The budget is {number(budget)} a day.",
        spec,
        ("Detector", "False alarms a day", "95 % interval"),
        [
            (row["detector"], rate(v), interval(b, rate))
            for row in rows
            for v, b in [(row["false_alarms_per_day"], row["false_alarms_per_day_ci"])]
        ],
    )


def _log_axis(
    budget: float,
    largest: float,
    values: Sequence[float | None],
    bounds: Sequence[Sequence[float | None] | None],
) -> tuple[dict[str, Any], list[float | None], list[Sequence[float | None] | None]]:
    """Return a logarithmic axis whose left end stands for 0, and everything raised to it."""
    floor = budget / 100
    top = math.ceil(math.log10(largest * 1.1))
    decades = [10.0**n for n in range(math.floor(math.log10(floor)) + 1, top + 1)]
    axis = {
        "type": "log",
        "range": [math.log10(floor) - 0.1, top + 0.05],
        "tickvals": [floor, *decades],
        "ticktext": ["0", *(f"{decade:,g}" for decade in decades)],
    }

    def raised(value: float | None) -> float | None:
        return None if value is None else max(value, floor)

    return (
        axis,
        [raised(value) for value in values],
        [None if pair is None else [raised(end) for end in pair] for pair in bounds],
    )


def _vus_pr(report: Report) -> Figure:
    rows = report["ranking"][:ACROSS_SHOWN]
    labels = [f"{fixed(row['vus_pr'])} {interval(row['vus_pr_ci'], fixed)}" for row in rows]
    spec = interval_chart(
        [row["detector"] for row in rows],
        [row["vus_pr"] for row in rows],
        [row["vus_pr_ci"] for row in rows],
        title="VUS-PR",
        muted=[row["baseline"] for row in rows],
        axis={"range": [-0.02, 1.02]},
        labels=labels,
    )
    said = "; ".join(f"{row['detector']} {label}" for row, label in zip(rows, labels, strict=True))
    return Figure(
        "vus-pr",
        "How well the scores separate faults from health, whatever the threshold"
        + across_cut(report["ranking"]),
        f"Dots with intervals: VUS-PR of {said}.",
        spec,
        ("Detector", "VUS-PR", "95 % interval"),
        [
            (row["detector"], fixed(row["vus_pr"]), interval(row["vus_pr_ci"], fixed))
            for row in rows
        ],
    )


def interval_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[Sequence[float | None] | None],
    *,
    title: str,
    muted: Sequence[bool],
    axis: Mapping[str, Any],
    labels: Sequence[str],
    mark: tuple[float, str] | None = None,
) -> dict[str, Any]:
    """Return a dot and its 95 % interval for each name, the first on top.

    Parameters
    ----------
    muted : sequence of bool
        Baselines: grey and hollow.
    axis : mapping
        Settings of the x axis.
    labels : sequence of str
        What stands beside each dot.
    mark : (value, text), optional
        A line across, as a budget.
    """
    traces = []
    for hollow in (False, True):
        rows = [i for i, v in enumerate(values) if v is not None and muted[i] == hollow]
        if not rows:
            continue
        low, high = [], []
        for i in rows:
            value = values[i] or 0.0
            bounds = intervals[i] or (None, None)
            low.append(value - (value if bounds[0] is None else bounds[0]))
            high.append((value if bounds[1] is None else bounds[1]) - value)
        colour = GREY if hollow else COLOURS[0]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "baseline" if hollow else "detector",
                "x": [values[i] for i in rows],
                "y": [names[i] for i in rows],
                "text": [labels[i] for i in rows],
                "hovertemplate": "%{y}: %{text}<extra></extra>",
                "cliponaxis": False,
                "marker": {
                    "size": 10,
                    "color": colour,
                    "symbol": "circle-open" if hollow else "circle",
                    "line": {"width": 2, "color": colour},
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [max(0.0, h) for h in high],
                    "arrayminus": [max(0.0, v) for v in low],
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
            }
        )
    shapes, annotations = [], []
    if mark is not None:
        at, text = mark
        # On a log axis plotly reads a shape's place as a value, an annotation's as its logarithm.
        place = math.log10(at) if axis.get("type") == "log" else at
        shapes.append(
            {
                "type": "line",
                "x0": at,
                "x1": at,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": ALERT, "width": 1.5, "dash": "dash"},
            }
        )
        annotations.append(
            {
                "x": place,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "text": text,
                "showarrow": False,
                "font": {"size": 12, "color": ALERT},
            }
        )
    return {
        "data": traces,
        "layout": {
            "height": 74 + 34 * len(names),
            "showlegend": False,
            "margin": {"l": 96, "r": 18, "t": 24, "b": 48},
            "xaxis": {"title": {"text": title}, **axis},
            "yaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": list(reversed(names)),
                "range": [-0.6, len(names) - 0.4],
                "showgrid": True,
            },
            "shapes": shapes,
            "annotations": annotations,
        },
    }


def found_within(delays: Mapping[str, NDArray[np.float64]], names: Sequence[str]) -> dict[str, Any]:
    """Return the share of faults found within a time, a line a detector.

    Parameters
    ----------
    delays : mapping from detector to array of float
        Seconds from the fault's start to the alert; inf for a fault that was missed. A line
        that ends below 1 shows the misses.
    names : sequence of str
        All that are compared: a detector keeps its colour when another has no line.
    """
    finite = [d[np.isfinite(d)] for d in delays.values()]
    longest = max((float(d.max()) for d in finite if len(d)), default=1.0)
    look = styles(names)
    data = []
    for name, delay in delays.items():
        found = np.sort(delay[np.isfinite(delay)])
        share = np.arange(1, len(found) + 1) / max(len(delay), 1)
        kept = np.unique(np.linspace(0, len(found) - 1, STEPS).astype(np.intp))
        found, share = (found[kept], share[kept]) if len(found) > STEPS else (found, share)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": [0.0, *found.tolist(), longest],
                "y": [0.0, *share.tolist(), float(share[-1]) if len(share) else 0.0],
                "line": {
                    "shape": "hv",
                    "width": 2.2,
                    "color": look[name].colour,
                    "dash": look[name].dash,
                },
                "hovertemplate": "%{y:.0%} within %{x:.1f} s<extra>%{fullData.name}</extra>",
            }
        )
    return {
        "data": data,
        "layout": {
            "height": 360,
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.22, "x": 0},
            "margin": {"l": 58, "r": 18, "t": 14, "b": 48},
            "xaxis": {"title": {"text": "seconds after the fault began"}, "rangemode": "tozero"},
            "yaxis": {
                "title": {"text": "share of faults found"},
                "range": [-0.02, 1.02],
                "tickformat": ".0%",
            },
        },
    }
