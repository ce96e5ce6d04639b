"""A detectability curve at a glance: what it says in words, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensorkit.display.cards import Card, Table
from sensorkit.display.figure import GREY, Figure, styles
from sensorkit.display.formats import NONE, count, interval, percent, seconds, sized
from sensorkit.display.labelling import cut, labelled
from sensorkit.evaluate.detectability.points import (
    SHARE_AND_DELAY,
    on_axis,
    point_row,
    share,
    size_axis,
    size_hover,
)

if TYPE_CHECKING:
    from sensorkit.evaluate.detectability.pod import Detectability

COLUMNS = ("size", "in sigmas", "found", "share", "excluded", "median delay")


def title(found: Detectability) -> str:
    """Return detector, kind and channel in words."""
    where = f" on {cut(found.channel)}" if found.channel else ""
    return f"{cut(found.detector)}: {found.kind.replace('_', ' ')}{where}"


def card(found: Detectability) -> Card:
    """Return what is shown of *found*."""
    curve, unit = found.curve, found.unit

    def with_unit(size: float) -> str:
        return sized(size, unit)

    def said(size: float | None, bounds: tuple[float | None, float | None]) -> str:
        if size is None:
            return NONE
        return f"{sized(size, unit)} {interval(bounds, with_unit)}".strip()

    proven = f"{sized(curve.a90_95, unit)}" if curve.a90_95 is not None else NONE
    facts = [
        ("status", str(found.status).replace("_", " ")),
        ("because", found.reason or ""),
        ("found half the time", said(curve.a50, curve.a50_ci)),
        ("found 9 times in 10", said(curve.a90, curve.a90_ci)),
        ("the same with 95 % confidence", proven),
        ("median delay there", seconds(found.delay_at_a90_s)),
        ("hit by chance", percent(found.chance)),
        ("each fault lasts", "" if found.duration_s is None else seconds(found.duration_s)),
        ("faults of each size", f"{found.repeats}, at {count(found.onsets)} onsets in all"),
        ("device", found.device),
    ]
    return Card("Detectability", title(found), facts, [Table("sizes tried", COLUMNS, rows(found))])


def rows(found: Detectability) -> list[tuple[str, ...]]:
    """Return a row of text for each size tried."""
    return [point_row(point, found.unit) for point in found.points]


def figure(found: Detectability, height: int) -> Figure:
    """Return the curve with its band over the shares, and the delays below it."""
    style = styles([found.detector])[found.detector]
    name = labelled(found.detector)
    points = [point for point in found.points if point["faults"]]
    late = [point for point in points if point["delay_median_s"] is not None]
    band, curve = found.curve.band, found.curve
    line = {"color": style.colour, "width": 2}
    marker = {"color": style.colour, "symbol": style.symbol, "size": 9}
    sizes = [on_axis(one.size, found.unit) for one in band]
    at = size_hover(found.unit)
    edge = {"type": "scatter", "mode": "lines", "x": sizes, "hoverinfo": "skip"}
    data: list[dict[str, Any]] = []
    if band:
        veil = {"fill": "tonexty", "fillcolor": style.veil(0.18), "line": {"width": 0}}
        data = [
            {**edge, "y": [one.low for one in band], "line": {"width": 0}, "showlegend": False},
            {**edge, "y": [one.high for one in band], **veil, "name": "95 % band"},
            {**edge, "y": [one.probability for one in band], "line": line, "name": "curve"},
        ]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "faults found",
            "x": [on_axis(point["size"], found.unit) for point in points],
            "y": [share(point) for point in points],
            "customdata": [[point["hits"], point["faults"]] for point in points],
            "hovertemplate": f"%{{customdata[0]}} of %{{customdata[1]}} at {at}"
            f"<extra>{name}</extra>",
            "marker": marker,
        }
    )
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "median delay",
            "yaxis": "y2",
            "x": [on_axis(point["size"], found.unit) for point in late],
            "y": [point["delay_median_s"] for point in late],
            "hovertemplate": f"%{{y:.3g}} s at {at}<extra>{name}</extra>",
            "marker": {**marker, "symbol": "square-open"},
            "line": {**line, "dash": "dot"},
        }
    )
    shapes = [_level()]
    if curve.a90_95 is not None:
        shapes.append(_upright(on_axis(curve.a90_95, found.unit)))
    said = f"{sized(curve.a90_95, found.unit)}" if curve.a90_95 is not None else "no size tried"
    return Figure(
        "detectability",
        title(found),
        f"{title(found)}. Share of faults found against their size, and below it the median delay. "
        f"Found 9 times in 10, with 95 % confidence: {said}.",
        {"data": data, "layout": _layout(found, height, shapes)},
        COLUMNS,
        rows(found),
    )


def _level() -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": 0.9,
        "y1": 0.9,
        "line": {"color": GREY, "dash": "dot", "width": 1},
    }


def _upright(size: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": size,
        "x1": size,
        "y0": 0,
        "y1": 1,
        "line": {"color": GREY, "dash": "dash", "width": 1},
        "label": {
            "text": "9 in 10, with 95 % confidence",
            "textposition": "start",
            "textangle": 0,
            "xanchor": "left",
            "font": {"size": 11},
        },
    }


def _layout(found: Detectability, height: int, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [point["size"] for point in found.points] or [2.0]
    return {
        "title": {"text": labelled(title(found)), "x": 0, "xref": "paper", "font": {"size": 15}},
        "height": height,
        "margin": {"l": 64, "r": 14, "t": 48, "b": 48},
        "legend": {"orientation": "h", "y": -0.16, "x": 0, "yanchor": "top"},
        "shapes": shapes,
        "xaxis": size_axis(sizes, found.unit, found.kind),
        **SHARE_AND_DELAY,
    }
