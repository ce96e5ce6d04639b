"""Readings as a figure: a row a channel, a line a device, faults and alerts where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sensorkit import surroundings
from sensorkit.display import stack as stacked
from sensorkit.display.formats import count, number
from sensorkit.display.labelling import cut
from sensorkit.display.lines import Line, Timeline
from sensorkit.display.marking import Mark, Shade
from sensorkit.display.zooming import drawn, zoomable
from sensorkit.readings.facts import Alert, FaultLabel, Severity

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sensorkit.readings.batch import Readings

MOST_CHANGES = 500
"""Changes of the status that are drawn; one that changes with every reading says nothing."""

Labels = pd.DataFrame | Iterable[FaultLabel]
Alerts = pd.DataFrame | Iterable[Alert]


def plot(
    readings: Readings,
    channels: Sequence[str],
    *,
    labels: Labels | None,
    alerts: Alerts,
    units: Mapping[str, str],
    title: str,
    height: int | None,
    points: int | None,
    interactive: bool | None,
) -> go.Figure | go.FigureWidget:
    """Return the figure of *readings*; see `sensorkit.readings.Readings.plot`."""
    parts = _devices(readings)
    timelines = {name: Timeline(part.time) for name, part in parts.items()}
    rows = [
        stacked.Row(
            channel,
            units.get(channel, ""),
            [Line(name, timelines[name], part.channel(channel)) for name, part in parts.items()],
        )
        for channel in channels
    ]
    within = (int(readings.time.min()), int(readings.time.max())) if len(readings) else (0, 0)
    lines = [row.lines for row in rows]
    each = stacked.points_for(sum(map(len, lines))) if points is None else points
    figure = stacked.stack(
        rows,
        faults=[] if labels is None else _shades(labels, channels, units, within),
        alerts=_marks(alerts, channels, within),
        states=_states(parts),
        title=title or _title(readings, parts),
        height=height,
        points=each,
    )
    if interactive is None:
        interactive = surroundings.in_notebook() and len(readings) > each
    if interactive and not surroundings.quiet():
        return zoomable(figure, lines, each)
    return drawn(figure)


def _devices(readings: Readings) -> dict[str, Readings]:
    codes, vocabulary = readings.device.codes, readings.device.vocabulary
    if not len(readings):
        return {"device": readings}
    if (codes == codes[0]).all():
        return {vocabulary[codes[0]] if codes[0] >= 0 else "device": readings}
    return {
        vocabulary[code] if code >= 0 else "(no name)": readings[np.flatnonzero(codes == code)]
        for code in dict.fromkeys(codes.tolist())
    }


def _title(readings: Readings, parts: Mapping[str, Readings]) -> str:
    names = [cut(name, 24) for name in parts]
    who = ", ".join(names) if len(names) <= 3 else f"{len(names)} devices"
    n = len(readings)
    return f"{who}: {count(n)} {'reading' if n == 1 else 'readings'}"


def _states(parts: Mapping[str, Readings]) -> list[stacked.States]:
    """Return the status of each device over time, if it ever changes and means something."""
    found = []
    for name, part in parts.items():
        codes = part.status.codes
        if not len(codes):
            continue
        begins = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
        if len(begins) > MOST_CHANGES:
            return []
        words = [*part.status.vocabulary, "none"]
        found.append(
            stacked.States(
                name,
                part.time[begins].tolist(),
                [words[code] for code in codes[begins].tolist()],
                int(part.time[-1]),
            )
        )
    return found if any(len(one.words) > 1 for one in found) else []


def _shades(
    labels: Labels, channels: Sequence[str], units: Mapping[str, str], within: tuple[int, int]
) -> list[Shade]:
    frame = labels if isinstance(labels, pd.DataFrame) else pd.DataFrame(map(vars, labels))
    found = []
    for row in _rows(frame, "labels", ("start", "end")):
        channel = row.get("channel")
        shade = Shade(
            row["start"],
            row["end"],
            str(row.get("kind") or "fault"),
            channel,
            _of_label(row, units.get(channel or "", "")),
        )
        if channel in (None, *channels) and shade.end_ns >= within[0] <= within[1]:
            found.append(shade)
    return [one for one in found if one.start_ns <= within[1] and one.end_ns >= within[0]]


def _of_label(row: Mapping[str, Any], unit: str) -> str:
    """Say what is known of a fault beside its kind and length."""
    parts = []
    if (size := row.get("magnitude")) is not None:
        parts.append(f"size {number(size)} {unit}".rstrip())
    if (sigmas := row.get("magnitude_sigma")) is not None:
        parts.append(f"{number(sigmas)} sigma")
    if row.get("device"):
        parts.append(f"device {row['device']}")
    return ", ".join(parts)


def _marks(alerts: Alerts, channels: Sequence[str], within: tuple[int, int]) -> list[Mark]:
    frame = alerts if isinstance(alerts, pd.DataFrame) else pd.DataFrame(map(vars, alerts))
    return [
        Mark(
            row["start"],
            str(row.get("detector") or "alert"),
            row.get("channel"),
            row.get("end"),
            row.get("severity") == Severity.CRITICAL,
            str(row.get("description") or ""),
        )
        for row in _rows(frame, "alerts", ("start",))
        if row.get("channel") in (None, *channels)
        and row["start"] <= within[1]
        and (row.get("end") or row["start"]) >= within[0]
    ]


def _rows(frame: pd.DataFrame, what: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings: times as nanoseconds, None for what is missing."""
    if not len(frame):
        return []
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ValueError(
            f"the table of {what} has no column {missing[0]!r}; it has "
            f"{', '.join(map(str, frame.columns))}, and {', '.join(wanted)} are wanted"
        )
    columns = {}
    for name in frame.columns:
        column = frame[name]
        known = column.notna()
        if name in ("start", "end"):
            column = pd.to_datetime(column, utc=True).dt.as_unit("ns").astype("int64")
        if name in wanted and not known.all():
            raise ValueError(
                f"the table of {what} has no {name} in row {int(known.argmin())}; give it one, or "
                f"leave out that row: {what}[{what}[{name!r}].notna()]"
            )
        columns[str(name)] = [
            value if there else None
            for value, there in zip(column.tolist(), known.tolist(), strict=True)
        ]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
