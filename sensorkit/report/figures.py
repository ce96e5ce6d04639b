"""Figures as plain plotly.js descriptions: data in, dictionaries out, no colours of a theme.

A page sets text, grid and background from its own style (light, dark, print); a notebook from
its template. A figure always brings a sentence for those who cannot see it, and its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Six hues (blue, ochre, rose, green, violet, teal) of 3:1 against both white and near black, chosen
# so that the two most alike lie as far apart as can be (OKLab), seen with and without red or green.
COLOURS = ("#3364db", "#bd871c", "#bb4271", "#317d01", "#b673f3", "#279da8")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GREY = "#7c7f86"
FAULT = "#d1660a"
ALERT = "#c2255c"
SIGNAL = "#1f77c9"

GAP_STEPS = 5
"""A step longer than so many usual ones breaks the line."""

MAX_POINTS = 2000
"""Points a line is drawn with; a screen has fewer columns."""


@dataclass(frozen=True)
class Figure:
    """A figure and what stands beside it."""

    name: str
    caption: str
    alt: str
    """What it shows, in a sentence."""
    spec: Mapping[str, Any]
    """`data` and `layout` for Plotly.newPlot."""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    """Its numbers, for the table beside it."""


@dataclass(frozen=True)
class Style:
    """How one detector is drawn, in every figure of a page: no two differ by colour alone."""

    colour: str
    dash: str
    symbol: str

    def veil(self, opacity: float) -> str:
        """Return the colour as plotly fills with it.

        >>> Style("#1f77c9", "solid", "circle").veil(0.2)
        'rgba(31, 119, 201, 0.2)'
        """
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red}, {green}, {blue}, {opacity:g})"


def styles(names: Sequence[str]) -> dict[str, Style]:
    """Return the style of each name, by its place; colours come again after six, dashes shifted.

    >>> styles(["guard", "sigma"])["sigma"]
    Style(colour='#bd871c', dash='dash', symbol='square')
    """
    n = len(COLOURS)
    return {
        name: Style(COLOURS[i % n], DASHES[(i + i // n) % len(DASHES)], SYMBOLS[i % len(SYMBOLS)])
        for i, name in enumerate(names)
    }


def downsample(values: NDArray[np.float64], points: int = MAX_POINTS) -> NDArray[np.intp]:
    """Return the rows to draw so that every spike is still there.

    The series is cut into `points // 2` parts and the smallest and the largest value of each is
    kept; a part without values keeps its first row, so that a gap stays a gap.

    Parameters
    ----------
    values : array of float, shape (n,)
        NaN where there is no value.
    points : int
        At most about this many rows are returned.

    Returns
    -------
    array of int, shape (m,), rising

    Examples
    --------
    >>> values = np.zeros(10_000)
    >>> values[4321] = 9.0
    >>> 4321 in downsample(values, 100)
    True
    """
    n = len(values)
    if n <= points:
        return np.arange(n)
    edges = np.linspace(0, n, max(points // 2, 1) + 1).astype(np.intp)
    parts = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    missing = np.isnan(values)
    # Sorted by part and then by value: the ends of each part's run are its extremes.
    low = np.lexsort((np.where(missing, np.inf, values), parts))[edges[:-1]]
    high = np.lexsort((np.where(missing, -np.inf, values), parts))[edges[1:] - 1]
    return np.unique(np.concatenate([low, high, [0, n - 1]]))


def times(time_ns: NDArray[np.int64], origin_ns: int | None = None) -> list[Any]:
    """Return times as plotly reads them: ISO 8601 UTC, or seconds since *origin_ns*."""
    if origin_ns is not None:
        seconds: list[float] = np.round((time_ns - origin_ns) / 1e9, 3).tolist()
        return seconds
    stamps: list[str] = np.datetime_as_string(time_ns.view("datetime64[ns]"), unit="ms").tolist()
    return stamps


def _with_gaps(
    time_ns: NDArray[np.int64], rows: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the times of *rows* with one more wherever readings are missing, and which those are.

    A line would otherwise cross a silence as if there had been readings.
    """
    steps = np.diff(time_ns)
    usual = np.median(steps[steps > 0]) if (steps > 0).any() else 1
    stretch = np.concatenate([[0], np.cumsum(steps > GAP_STEPS * usual)])[rows]
    breaks = np.flatnonzero(np.diff(stretch)) + 1
    added = np.zeros(len(rows), dtype=np.bool_)
    return (
        np.insert(time_ns[rows], breaks, time_ns[rows][breaks - 1] + 1),
        np.insert(added, breaks, True),
    )


def signal_trace(
    time_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    name: str,
    *,
    origin_ns: int | None = None,
    points: int = MAX_POINTS,
) -> dict[str, Any]:
    """Return the line of one channel; missing values and missing readings are gaps in it."""
    rows = downsample(values, points)
    time, added = _with_gaps(time_ns, rows)
    drawn = np.full(len(time), np.nan)
    drawn[~added] = values[rows]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times(time, origin_ns),
        "y": [round(value, 6) if math.isfinite(value) else None for value in drawn.tolist()],
        "line": {"color": SIGNAL, "width": 1.2},
        "connectgaps": False,
    }


def fault_shapes(spans_ns: NDArray[np.int64], origin_ns: int | None = None) -> list[dict[str, Any]]:
    """Return a shaded box for each row (start, end) of *spans_ns*, shape (n_faults, 2)."""
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": start,
            "x1": end,
            "y0": 0,
            "y1": 1,
            "fillcolor": FAULT,
            "opacity": 0.22,
            "line": {"width": 1, "color": FAULT},
            "layer": "below",
        }
        for start, end in (times(span, origin_ns) for span in spans_ns)
    ]


def signal(
    time_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    channel: str,
    unit: str,
    faults_ns: NDArray[np.int64] | None = None,
    alerts_ns: NDArray[np.int64] | None = None,
    origin_ns: int | None = None,
    height: int = 260,
    points: int = MAX_POINTS,
) -> dict[str, Any]:
    """Return the figure of one channel: faults shaded, the start of each alert marked.

    Parameters
    ----------
    time_ns : array of int64, shape (n,)
        Nanoseconds UTC.
    values : array of float, shape (n,)
    channel, unit : str
        Stand at the axis.
    faults_ns : array of int64, shape (n_faults, 2), optional
        Start and end of each fault.
    alerts_ns : array of int64, optional
    origin_ns : int, optional
        The time axis counts seconds from there; by default it shows dates.
    height : int
        Pixels.
    points : int
        The line is thinned to about so many.
    """
    finite = values[np.isfinite(values)]
    top, span = (float(finite.max()), float(np.ptp(finite))) if len(finite) else (1.0, 1.0)
    data = [signal_trace(time_ns, values, channel, origin_ns=origin_ns, points=points)]
    if alerts_ns is not None and len(alerts_ns):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "alert",
                "x": times(alerts_ns, origin_ns),
                "y": [top + 0.08 * (span or 1.0)] * len(alerts_ns),
                "marker": {"symbol": "triangle-down", "size": 11, "color": ALERT},
            }
        )
    return {
        "data": data,
        "layout": {
            "height": height,
            "showlegend": False,
            "margin": {"l": 58, "r": 12, "t": 10, "b": 36},
            "xaxis": {"type": "date"} if origin_ns is None else {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": f"{channel} ({unit})" if unit else channel}},
            "shapes": [] if faults_ns is None else fault_shapes(faults_ns, origin_ns),
        },
    }
