"""The figure of the fault editor: the signal healthy and faulty, and what each detector said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sensorkit.display.figure import ALERT, GREY, SIGNAL
from sensorkit.display.labelling import labelled, titled
from sensorkit.display.signal import fault_shapes, signal_trace
from sensorkit.evaluate.events import Role, nanoseconds
from sensorkit.notebook.fault_editor_judges import Verdict
from sensorkit.notebook.widget_style import on_any_background
from sensorkit.readings import Readings

SIGNAL_PIXELS = 240
LANE_PIXELS = 34

AROUND = 150
"""Readings shown before the first and after the last fault, at least."""

ROLES = (
    # What it is called, of which roles, colour, symbol, dash: never told by colour alone.
    ("found", (Role.HIT,), "#2e7d32", "circle", "solid"),
    ("false alarm", (Role.FALSE_ALARM,), ALERT, "x", "dot"),
    ("other alert", (Role.REPEAT, Role.TOUCHING, Role.EARLIER), GREY, "line-ns-open", "dash"),
)


class EditorFigure:
    """Healthy and faulty signal of one channel, and a lane for each detector under it.

    Parameters
    ----------
    lanes : sequence of str
        Names of the detectors.
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        self.figure: go.Figure = go.Figure(_traces(), _layout(lanes))

    def move(self) -> None:
        """Become a widget of JupyterLab, with what has been drawn so far.

        A widget that is empty at first may stay so: what is sent before the page has loaded plotly
        is lost.
        """
        plain = self.figure.to_plotly_json()
        self.figure = go.FigureWidget(plain["data"], on_any_background(plain["layout"]))

    def draw(
        self,
        healthy: Readings,
        faulty: Readings,
        labels: pd.DataFrame,
        verdicts: Sequence[Verdict],
        *,
        channel: str,
        unit: str,
        alt: str,
    ) -> None:
        """Show one channel around the faults, in one message.

        Parameters
        ----------
        healthy, faulty : Readings
            Of the test.
        labels : DataFrame
        verdicts : sequence of Verdict
        channel, unit : str
            What is shown.
        alt : str
            The same in a sentence.
        """
        spans = np.stack([nanoseconds(labels[end]) for end in ("start", "end")], axis=1)
        view = _view(healthy.time, spans)
        figure = self.figure
        with figure.batch_update():
            for trace, readings in zip(figure.data[:2], (healthy, faulty), strict=True):
                inside = (readings.time >= view[0]) & (readings.time <= view[1])
                made = signal_trace(
                    readings.time[inside], readings.channel(channel)[inside], channel
                )
                trace.update({key: made[key] for key in ("x", "y", "mode")})
                trace.marker.size = made["marker"]["size"]
            for trace, (_, roles, *_) in zip(figure.data[2:], ROLES, strict=True):
                trace.x, trace.y, trace.text = _episodes(verdicts, roles, view)
            figure.layout.shapes = [
                {**shape, "yref": "y domain"} for shape in fault_shapes(_drawn(spans, healthy.time))
            ]
            figure.layout.yaxis.title.text = titled(channel, unit)
            figure.layout.meta = {"alt": alt}


def _drawn(spans: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the spans with those of a single reading made as wide as a reading lasts."""
    step = int(np.median(np.diff(time))) if len(time) > 1 else 0
    wide = spans.copy()
    short = spans[:, 1] - spans[:, 0] < step
    wide[short, 0] -= step // 2
    wide[short, 1] += step // 2
    return wide


def _view(time: NDArray[np.int64], spans: NDArray[np.int64]) -> tuple[int, int]:
    """Return first and last nanosecond to show: all of the test, or what is around the faults."""
    if not len(spans):
        return int(time[0]), int(time[-1])
    first, last = np.searchsorted(time, [spans[:, 0].min(), spans[:, 1].max()])
    around = max(AROUND, (last - first) // 2)
    return int(time[max(first - around, 0)]), int(time[min(last + around, len(time) - 1)])


def _episodes(
    verdicts: Sequence[Verdict], roles: Sequence[Role], view: tuple[int, int]
) -> tuple[list[str | None], list[str | None], list[str]]:
    """Return x, y and text of bars: each alert of these roles from its start to its end."""
    x: list[str | None] = []
    y: list[str | None] = []
    text: list[str] = []
    for verdict in verdicts:
        for alert, role in zip(verdict.alerts, verdict.table.role, strict=True):
            end = view[1] if alert.end is None else alert.end
            if role not in roles or end < view[0] or alert.start > view[1]:
                continue
            edges = np.clip([alert.start, end], *view).view("datetime64[ns]")
            x += [*np.datetime_as_string(edges, unit="ms").tolist(), None]
            y += [*[labelled(verdict.detector)] * 2, None]
            text += [*[labelled(alert.type)] * 2, ""]
    return x, y, text


def _traces() -> list[dict[str, Any]]:
    signals = [
        {
            "name": "healthy",
            "line": {"color": GREY, "width": 1, "dash": "dot"},
            "marker": {"color": GREY},
        },
        {
            "name": "with the faults",
            "line": {"color": SIGNAL, "width": 1.4},
            "marker": {"color": SIGNAL},
        },
    ]
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "connectgaps": False, "x": [], "y": [], **one}
        for one in signals
    ]
    for name, _, colour, symbol, dash in ROLES:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [],
                "y": [],
                "text": [],
                "yaxis": "y2",
                "connectgaps": False,
                "line": {"color": colour, "width": 5, "dash": dash},
                "marker": {"color": colour, "symbol": symbol, "size": 10},
                "hovertemplate": "%{y}: %{text}<br>%{x}<extra></extra>",
            }
        )
    return traces


def _layout(lanes: Sequence[str]) -> dict[str, Any]:
    below = LANE_PIXELS * max(len(lanes), 1)
    share = below / (SIGNAL_PIXELS + below)
    return {
        "height": SIGNAL_PIXELS + below + 110,
        "autosize": True,
        "margin": {"l": 80, "r": 16, "t": 36, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"type": "date", "anchor": "y2", "title": {"text": "UTC", "standoff": 4}},
        "yaxis": {"title": {"text": ""}, "domain": [share + 0.04, 1.0], "anchor": "x"},
        "yaxis2": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [labelled(name) for name in reversed(lanes)],
            "range": [-0.6, len(lanes) - 0.4],
            "domain": [0.0, share],
            "anchor": "x",
        },
    }
