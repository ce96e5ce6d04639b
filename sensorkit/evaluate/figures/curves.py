"""The probability that a fault is found, and how soon, against its size: a figure for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from sensorkit.display.figure import GREY, Figure, Style, styles
from sensorkit.evaluate.caught import FIRST
from sensorkit.evaluate.detectability.points import (
    SHARE_AND_DELAY,
    on_axis,
    point_row,
    share,
    size_axis,
    size_hover,
)
from sensorkit.evaluate.figures.choosing import chosen, compared
from sensorkit.evaluate.figures.smallest import (
    Entry,
    Place,
    Several,
    outcome,
    places_of,
    said_place,
)

Report = Mapping[str, Any]

LINES_SHOWN = 12
"""Detectors in one figure that an eye can follow."""
CURVES_SHOWN = 24
"""A page with hundreds of figures takes minutes to draw; report.json has all of them."""


def curves(report: Report) -> list[Figure]:
    """Return a figure for each kind and channel: probability and delay against size."""
    first, rest = curves_in_two(report)
    return [*first, *rest]


def curves_in_two(report: Report) -> tuple[list[Figure], list[Figure]]:
    """Return the figures of the kinds that the verdict names, and those of all others."""
    look = styles(compared(report)[:LINES_SHOWN])
    row = chosen(report)
    best = "" if row is None else row["detector"]
    several = Several.of(places_of(report))
    first: list[Figure] = []
    rest: list[Figure] = []
    drawn = sorted(_drawn(report).items(), key=lambda one: _turn(one[0]))
    for n, (place, entries) in enumerate(islice(drawn, CURVES_SHOWN)):
        told = first if place[2] in FIRST else rest
        told.append(_curve(n, place, several, entries, look, best))
    return first, rest


def _turn(place: Place) -> int:
    """Return when a kind's turn is: those that the verdict names, then the others as they come."""
    return FIRST.index(place[2]) if place[2] in FIRST else len(FIRST)


def left_out(report: Report) -> str:
    """Return how many curves are not drawn, in words; "" if all are."""
    n = len(_drawn(report))
    return f"The first {CURVES_SHOWN} of {n} are drawn." if n > CURVES_SHOWN else ""


def band_of(report: Report) -> str:
    """Return what the bands of the curves are, in words; "" if none is drawn."""
    row = chosen(report)
    name = "" if row is None else row["detector"]
    drawn = (entries.get(name) for entries in islice(_drawn(report).values(), CURVES_SHOWN))
    if not any(entry and entry["band"] for entry in drawn):
        return ""
    return f"Shaded is the 95 % band of {name}, if its curve is logistic."


def _drawn(report: Report) -> dict[Place, dict[str, Entry]]:
    """Return what there is to draw; what cannot be tested has too few faults to show a share of."""
    names = compared(report)[:LINES_SHOWN]
    drawn = {
        place: {
            name: entries[name]
            for name in names
            if name in entries
            and entries[name]["status"] != "not_testable"
            and any(point["faults"] for point in entries[name]["points"])
        }
        for place, entries in places_of(report).items()
    }
    return {place: entries for place, entries in drawn.items() if entries}


def _curve(
    n: int,
    place: Place,
    several: Several,
    entries: Mapping[str, Entry],
    look: Mapping[str, Style],
    best: str,
) -> Figure:
    there = said_place(place, several)
    one = next(iter(entries.values()))
    counted = [p["faults"] for entry in entries.values() for p in entry["points"]]
    sizes = [p["size"] for entry in entries.values() for p in entry["points"]]
    each = (
        f"{min(counted)}" if min(counted) == max(counted) else f"{min(counted)} to {max(counted)}"
    )
    data = []
    for name, entry in entries.items():
        data += _traces(name, entry, look[name], band=name == best)
    said = "; ".join(f"{name} {outcome(entry)['value']}" for name, entry in entries.items())
    band = f"; shaded: band of {best}" if best in entries and entries[best]["band"] else ""
    return Figure(
        f"detectability-{n}",
        f"{there[0].upper()}{there[1:]}: a point is {each} faults{band}",
        f"Lines: probability of being found against the size of a {there}; below, the median "
        f"delay. Smallest found with 90 %, at 95 % confidence if the curve is logistic: {said}.",
        {"data": data, "layout": _layout(one, sizes)},
        ("Detector", "Size", "In sigmas", "Found", "Share", "Excluded", "Median delay"),
        [
            (
                name,
                *point_row(point, entry["unit"]),
            )
            for name, entry in entries.items()
            for point in entry["points"]
        ],
    )


def _traces(name: str, entry: Entry, style: Style, *, band: bool) -> list[dict[str, Any]]:
    points = [point for point in entry["points"] if point["faults"]]
    late = [point for point in points if point["delay_median_s"] is not None]
    shared = {"type": "scatter", "name": name, "legendgroup": name, "showlegend": False}
    line = {"color": style.colour, "dash": style.dash, "width": 2}
    marker = {"color": style.colour, "symbol": style.symbol, "size": 8}
    curve = entry["band"]
    unit = entry["unit"]
    sizes = [on_axis(row["size"], unit) for row in curve]
    at = size_hover(unit)
    traces: list[dict[str, Any]] = []
    if band and curve:
        edge = {**shared, "mode": "lines", "x": sizes, "line": {"width": 0}, "hoverinfo": "skip"}
        traces.append({**edge, "y": [row["low"] for row in curve]})
        filled = {"fill": "tonexty", "fillcolor": style.veil(0.18)}
        traces.append({**edge, "y": [row["high"] for row in curve], **filled})
    if curve:
        traces.append(
            {
                **shared,
                "mode": "lines",
                "x": sizes,
                "y": [row["probability"] for row in curve],
                "customdata": [[row["low"], row["high"]] for row in curve],
                "hovertemplate": "%{y:.0%} [%{customdata[0]:.0%}, %{customdata[1]:.0%}] at "
                f"{at}<extra>%{{fullData.name}}</extra>",
                "line": line,
            }
        )
    traces.append(
        {
            **shared,
            "mode": "markers" if curve else "lines+markers",
            "x": [on_axis(point["size"], unit) for point in points],
            "y": [share(point) for point in points],
            "customdata": [[point["hits"], point["faults"]] for point in points],
            "hovertemplate": f"%{{customdata[0]}} of %{{customdata[1]}} at {at}"
            "<extra>%{fullData.name}</extra>",
            "marker": marker,
            "line": {**line, "width": 1},
            "showlegend": not late,
        }
    )
    if late:
        traces.append(
            {
                **shared,
                "mode": "lines+markers",
                "yaxis": "y2",
                "x": [on_axis(point["size"], unit) for point in late],
                "y": [point["delay_median_s"] for point in late],
                "hovertemplate": f"%{{y:.3g}} s at {at}<extra>%{{fullData.name}}</extra>",
                "marker": marker,
                "line": {**line, "width": 1.5},
                "showlegend": True,
            }
        )
    return traces


def _layout(one: Entry, sizes: Sequence[float]) -> dict[str, Any]:
    return {
        "height": 400,
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.2, "x": 0, "font": {"size": 12}},
        "margin": {"l": 58, "r": 12, "t": 10, "b": 40},
        "xaxis": size_axis(sizes, one["unit"], one["kind"]),
        **SHARE_AND_DELAY,
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": 0.9,
                "y1": 0.9,
                "line": {"color": GREY, "width": 1.2, "dash": "dot"},
            }
        ],
    }
