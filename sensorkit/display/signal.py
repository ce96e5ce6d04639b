"""The signal of a channel as a plotly.js description: faults shaded, alerts marked, gaps open.

Data in, dictionaries out: nothing here needs plotly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.figure import ALERT, FAULT, SIGNAL
from sensorkit.display.labelling import labelled, titled
from sensorkit.display.lines import Line, Timeline, dotted
from sensorkit.display.thinning import MAX_POINTS


def times(time_ns: NDArray[np.int64], origin_ns: int | None = None) -> list[Any]:
    """Return times as plotly reads them: ISO 8601 UTC, or seconds since *origin_ns*."""
    if origin_ns is not None:
        seconds: list[float] = np.round((time_ns - origin_ns) / 1e9, 3).tolist()
        return seconds
    stamps: list[str] = np.datetime_as_string(time_ns.view("datetime64[ns]"), unit="ms").tolist()
    return stamps


def signal_trace(
    time_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    name: str,
    *,
    origin_ns: int | None = None,
    points: int = MAX_POINTS,
) -> dict[str, Any]:
    """Return the line of one channel; missing values and missing readings are gaps in it."""
    time, drawn = Line(name, Timeline(time_ns), values).drawn(points)
    dots = dotted(drawn)
    dots["marker"]["color"] = SIGNAL
    return {
        "type": "scatter",
        **dots,
        "name": labelled(name),
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
            "yaxis": {"title": {"text": titled(channel, unit)}},
            "shapes": [] if faults_ns is None else fault_shapes(faults_ns, origin_ns),
        },
    }
