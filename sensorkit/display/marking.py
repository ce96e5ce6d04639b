"""Faults and alerts in a figure: shaded where they are, marked where they begin, told on hovering.

No two kinds of fault and no two detectors differ by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorkit.display.figure import ALERT, FAULT, Style, styles
from sensorkit.display.formats import seconds
from sensorkit.display.labelling import labelled, wrapped
from sensorkit.display.lines import stamps

MOST = 1000
"""Faults or alerts of one sort drawn in a row; more can neither be told apart nor drawn soon."""

PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")
"""How the kinds of fault are hatched, in order of appearance."""


@dataclass(frozen=True)
class Shade:
    """A fault: where it is, and what is told of it."""

    start_ns: int
    end_ns: int
    kind: str
    channel: str | None = None
    """None: in every row."""
    words: str = ""


@dataclass(frozen=True)
class Mark:
    """An alert: where it begins, and what is told of it."""

    start_ns: int
    detector: str
    channel: str | None = None
    end_ns: int | None = None
    critical: bool = False
    words: str = ""


def shaded(
    faults: Sequence[Shade], channel: str, bounds: tuple[float, float]
) -> Iterator[dict[str, Any]]:
    """Yield a plotly trace for each kind of fault that stands in the row of *channel*.

    Parameters
    ----------
    faults : sequence of Shade
    channel : str
    bounds : (float, float)
        The value axis, which a fault fills.
    """
    hatching = dict(zip(dict.fromkeys(one.kind for one in faults), PATTERNS * 9, strict=False))
    low, high = bounds
    for kind, own in _sorted_out(((one.kind, one) for one in faults), channel):
        shown = thinned(own)
        starts = stamps([one.start_ns for one in shown])
        ends = stamps([one.end_ns for one in shown])
        yield {
            "type": "scatter",
            "mode": "lines",
            "name": _named(kind, len(own), len(shown)),
            "legendgroup": f"fault {labelled(kind)}",
            "legendrank": 1100,
            "x": [x for s, e in zip(starts, ends, strict=True) for x in (s, s, e, e, s, None)],
            "y": [low, high, high, low, low, None] * len(shown),
            "text": [text for one in shown for text in [_of_fault(one)] * 6],
            "hoverinfo": "text",
            "hoveron": "points+fills",
            "fill": "toself",
            "fillcolor": Style(FAULT, "", "").veil(0.16),
            "fillpattern": {
                "shape": hatching.get(kind, ""),
                "fgcolor": FAULT,
                "fgopacity": 0.45,
                "bgcolor": Style(FAULT, "", "").veil(0.16),
                "size": 7,
                "solidity": 0.12,
            },
            "line": {"width": 1, "color": Style(FAULT, "", "").veil(0.5)},
        }


def marked(
    alerts: Sequence[Mark], channel: str, bounds: tuple[float, float]
) -> Iterator[dict[str, Any]]:
    """Yield a plotly trace for each detector that has an alert in the row of *channel*.

    A filled symbol is critical, an open one a warning; a line goes on to the end of the alert.
    """
    style = styles(list(dict.fromkeys(one.detector for one in alerts)))
    place = {name: k for k, name in enumerate(style)}
    low, high = bounds
    for detector, own in _sorted_out(((one.detector, one) for one in alerts), channel):
        shown = thinned(own)
        alone = len(style) == 1
        symbol = "triangle-down" if alone else style[detector].symbol
        colour = ALERT if alone else style[detector].colour
        n = len(shown)
        starts = stamps([one.start_ns for one in shown])
        ends = stamps([one.start_ns if one.end_ns is None else one.end_ns for one in shown])
        level = high - (high - low) * (0.04 + 0.07 * place[detector])
        yield {
            "type": "scatter",
            "mode": "lines+markers",
            "name": _named(f"alert: {detector}", len(own), n),
            "legendgroup": f"alert {labelled(detector)}",
            "legendrank": 1200,
            "x": [x for s, e in zip(starts, ends, strict=True) for x in (s, e, None)],
            "y": [level, level, None] * n,
            "text": [text for one in shown for text in [_of_alert(one)] * 3],
            "hoverinfo": "text",
            "line": {"color": colour, "width": 2},
            "marker": {
                "symbol": [s for one in shown for s in _symbols(symbol, one)],
                "size": [10, 0, 0] * n,
                "color": colour,
                "line": {"color": colour, "width": 1.5},
                "opacity": 1,
            },
        }


def thinned(items: Sequence[Any], most: int = MOST) -> list[Any]:
    """Return at most *most* of *items*, evenly taken.

    >>> thinned(range(10), 5)
    [0, 2, 4, 6, 9]
    """
    if len(items) <= most:
        return list(items)
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, most)]


def _sorted_out(named: Iterable[tuple[str, Any]], channel: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield each name with what it has in the row of *channel*."""
    found: dict[str, list[Any]] = {}
    for name, one in named:
        if one.channel in (None, channel):
            found.setdefault(name, []).append(one)
    yield from found.items()


def _named(name: str, there: int, drawn: int) -> str:
    return labelled(name) + (f" ({drawn:,} of {there:,} drawn)" if drawn < there else "")


def _symbols(symbol: str, alert: Mark) -> tuple[str, str, str]:
    return (symbol if alert.critical else f"{symbol}-open", symbol, symbol)


def _of_fault(one: Shade) -> str:
    lasts = seconds((one.end_ns - one.start_ns) / 1e9)
    return "<br>".join(
        [f"fault: {labelled(one.kind)}, {lasts}", *filter(None, [wrapped(one.words)])]
    )


def _of_alert(one: Mark) -> str:
    severity = "critical" if one.critical else "warning"
    lasts = "" if one.end_ns is None else f", {seconds((one.end_ns - one.start_ns) / 1e9)}"
    head = f"{labelled(one.detector)}: {severity}{lasts}"
    return "<br>".join([head, *filter(None, [wrapped(one.words)])])
