"""Channels over time, one above the other: faults shaded, alerts marked, one time axis for all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorkit.display.figure import SIGNAL, Figure, styles
from sensorkit.display.formats import number
from sensorkit.display.labelling import cut, labelled
from sensorkit.display.lines import Line, dotted, stamps
from sensorkit.display.marking import Mark, Shade, marked, shaded
from sensorkit.display.placing import Placing
from sensorkit.display.thinning import MAX_POINTS

ALL_POINTS = 24_000
"""Points of all lines together; a line has at most `MAX_POINTS` of them, and at least these."""
FEWEST_POINTS = 400

# Shares of the range of the values, left free above and below them.
BELOW, ABOVE = 0.06, 0.16

TIME = "%{x|%Y-%m-%d %H:%M:%S.%L}"


@dataclass(frozen=True, eq=False)
class Row:
    """A channel: what each device says of it."""

    channel: str
    unit: str
    lines: Sequence[Line]

    def bounds(self) -> tuple[float, float]:
        """Return the axis: all values, with room for marks above them."""
        low, high = math.inf, -math.inf
        for line in self.lines:
            known = line.values[np.isfinite(line.values)]
            if len(known):
                low, high = min(low, float(known.min())), max(high, float(known.max()))
        if low > high:
            return 0.0, 1.0
        span = (high - low) or abs(high) * 0.1 or 1.0
        return low - BELOW * span, high + ABOVE * span


@dataclass(frozen=True, eq=False)
class States:
    """The status of a device: where each word begins (nanoseconds UTC), and the last one ends."""

    device: str
    start_ns: Sequence[int]
    words: Sequence[str]
    end_ns: int


def points_for(lines: int) -> int:
    """Return how many points each of so many lines has.

    >>> [points_for(n) for n in (1, 24, 500)]
    [2000, 1000, 400]
    """
    return min(MAX_POINTS, max(FEWEST_POINTS, ALL_POINTS // max(lines, 1)))


def stack(
    rows: Sequence[Row],
    *,
    faults: Sequence[Shade] = (),
    alerts: Sequence[Mark] = (),
    states: Sequence[States] = (),
    title: str = "",
    height: int | None = None,
    points: int | None = None,
) -> Figure:
    """Return the figure of *rows*, one above the other on one time axis.

    Parameters
    ----------
    rows : sequence of Row
    faults : sequence of Shade
        Stand in the row of their channel; those without one in every row.
    alerts : sequence of Mark
        The same.
    states : sequence of States
        Drawn in a strip above the rows.
    title : str
    height : int, optional
        Pixels; by default what so many rows want.
    points : int, optional
        Of each line; by default what so many lines can have.

    Returns
    -------
    Figure
        Its `spec` holds values as numpy arrays. The traces of `data` whose
        `meta` is a pair (row, line) are the lines.
    """
    lines = [line for row in rows for line in row.lines]
    points = points_for(len(lines)) if points is None else points
    placing = Placing(len(rows), strip=bool(states), height=height)
    style = styles(list(dict.fromkeys(line.device for line in lines)))
    several = len(style) > 1
    data: list[dict[str, Any]] = []
    for one in states:
        colour = style[one.device].colour if several else SIGNAL
        data.append({**_strip(one, colour), **placing.axes_of(0)})
    for k, row in enumerate(rows):
        bounds = row.bounds()
        axes = placing.axes_of(k + bool(states))
        placing.name(k + bool(states), row.channel, row.unit, bounds)
        found = list(shaded(faults, row.channel, bounds))
        for n, line in enumerate(row.lines):
            x, y = line.thinned(points)
            who = labelled(line.device, 24) if several else ""
            colour = style[line.device].colour if several else SIGNAL
            drawn = dotted(y)
            found.append(
                {
                    "type": "scatter",
                    **drawn,
                    "marker": {**drawn["marker"], "color": colour},
                    "name": labelled(line.device),
                    "legendgroup": f"device {labelled(line.device)}",
                    "legendrank": 1000 if several else None,
                    "meta": [k, n],
                    "x": x,
                    "y": y,
                    "line": {
                        "color": colour,
                        "dash": style[line.device].dash if several else "solid",
                        "width": 1.2,
                    },
                    "connectgaps": False,
                    "hovertemplate": f"{TIME}<br>%{{y}} {labelled(row.unit)}<extra>{who}</extra>",
                }
            )
        found += marked(alerts, row.channel, bounds)
        data += [{**one, **axes} for one in found]
    legend = _into_the_legend(data, several)
    return Figure(
        name="signals",
        caption=title,
        alt=_alt(title, rows, faults, alerts),
        spec={"data": data, "layout": placing.layout(title, _span(lines), legend=legend)},
        columns=("channel", "unit", "device", "readings", "missing", "least", "mean", "greatest"),
        rows=[_facts(row, line) for row in rows for line in row.lines],
    )


def _strip(states: States, colour: str) -> dict[str, Any]:
    """Return the line of the status words, a step at each change."""
    words = [labelled(word, 16) for word in states.words]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": labelled(states.device),
        "legendgroup": f"device {labelled(states.device)}",
        "x": stamps([*states.start_ns, states.end_ns]),
        "y": [*words, words[-1]],
        "line": {"color": colour, "width": 3, "shape": "hv"},
        "hovertemplate": f"{TIME}<br>%{{y}}<extra>status</extra>",
    }


def _into_the_legend(data: Sequence[dict[str, Any]], several: bool) -> bool:
    """Let each group stand in the legend once; tell whether there is one at all."""
    seen: set[str] = set()
    for trace in data:
        group = trace["legendgroup"]
        wanted = several or not group.startswith("device ")
        trace["showlegend"] = wanted and group not in seen
        seen.add(group)
    return any(trace["showlegend"] for trace in data)


def _span(lines: Sequence[Line]) -> tuple[int, int]:
    known = [line.timeline.time_ns for line in lines if len(line.timeline)]
    if not known:
        return 0, 1_000_000_000
    first, last = min(int(t.min()) for t in known), max(int(t.max()) for t in known)
    return (first, last) if first < last else (first - 1_000_000_000, last + 1_000_000_000)


def _alt(title: str, rows: Sequence[Row], faults: Sequence[Shade], alerts: Sequence[Mark]) -> str:
    """Say what the figure shows to who cannot see it."""
    names = [cut(row.channel) for row in rows]
    shown = ", ".join(names) if len(names) <= 6 else f"{names[0]} to {names[-1]}"
    several = "" if len(names) == 1 else f"{len(names)} channels: "
    parts = [f"{several}{shown}"]
    for what, done, items in (
        ("fault", "shaded", [one.kind for one in faults]),
        ("alert", "marked", [one.detector for one in alerts]),
    ):
        of = ", ".join(f"{cut(name)} {n}" for name, n in Counter(items).most_common(5))
        many = what if len(items) == 1 else f"{what}s"
        parts.append(f"{len(items)} {many} {done}" + (f" ({of})" if items else ""))
    return f"{cut(title, 120) or 'Signals'}. {'; '.join(parts)}."


def _facts(row: Row, line: Line) -> tuple[str, ...]:
    known = line.values[np.isfinite(line.values)]
    least, mean, greatest = (
        (float(known.min()), float(known.mean()), float(known.max())) if len(known) else (None,) * 3
    )
    return (
        cut(row.channel),
        cut(row.unit),
        cut(line.device),
        f"{len(line.values):,}",
        f"{len(line.values) - len(known):,}",
        number(least, 5),
        number(mean, 5),
        number(greatest, 5),
    )
