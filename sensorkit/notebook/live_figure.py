"""The figure of a live plot: a row a channel, what was said of it marked, gaps left open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from sensorkit.display.figure import ALERT, COLOURS
from sensorkit.display.labelling import labelled, titled, wrapped
from sensorkit.display.lines import Line, Timeline, dotted, stamps
from sensorkit.display.thinning import MAX_POINTS
from sensorkit.notebook.live_capture import Said
from sensorkit.notebook.live_tail import Points
from sensorkit.notebook.widget_style import on_any_background
from sensorkit.profile import Profile

ROW_PIXELS = 130
EDGE_PIXELS = 60

ALL_POINTS = 4 * MAX_POINTS
"""Of all lines together, so that a device with many channels is no heavier for the page."""

MARKED = 200
"""Alerts that are marked, the newest."""


class LiveFigure:
    """A figure that is brought up to date as readings come.

    Traces 0, 2, 4 ... are the lines of the channels, 1, 3, 5 ... the marks of alerts.

    Parameters
    ----------
    profile : Profile
    moving : bool
        As a widget of JupyterLab; else a plain figure.
    """

    def __init__(self, profile: Profile, *, moving: bool) -> None:
        self._profile = profile
        self._channel_of = {rule.type: rule.channel for rule in profile.rules}
        self._points = min(MAX_POINTS, ALL_POINTS // len(profile.channels))
        kind = go.FigureWidget if moving else go.Figure
        self.figure: go.Figure = kind(_traces(profile), _layout(profile, moving=moving))

    def draw(self, points: Points, alerts: Iterable[Said], alt: str, *, several: bool) -> None:
        """Show *points* and mark *alerts*, in one message.

        Parameters
        ----------
        several : bool
            Whether more than one device speaks; their readings are then not joined by lines.
        """
        figure = self.figure
        marked = [alert for alert in alerts if len(points) and alert.time_ns >= points.time[0]]
        timeline = Timeline(points.time)
        with figure.batch_update():
            for i, channel in enumerate(self._profile.channels):
                values = points.values[:, i]
                line, marks = figure.data[2 * i], figure.data[2 * i + 1]
                x, y = Line("", timeline, values).thinned(self._points)
                dots = {"mode": "markers", "marker": {"size": 3}} if several else dotted(y)
                line.update({"x": x, "y": y, **dots})
                mine = [alert for alert in marked if self._channel(alert) in (None, channel.name)]
                marks.x, marks.y, marks.text = _marks(mine[-MARKED:], points.time, values)
            figure.layout.meta = {"alt": alt}

    def _channel(self, alert: Said) -> str | None:
        """Return the channel of an alert; None for one of all, or where nobody has said it yet."""
        return alert.channel or self._channel_of.get(alert.type)


def _marks(
    alerts: list[Said], time: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[list[str], NDArray[np.float64], list[str]]:
    """Return x, y and text of marks, each on the line where its alert began."""
    at = np.array([alert.time_ns for alert in alerts], dtype=np.int64)
    there = np.flatnonzero(np.isfinite(values))
    if not len(there) or not len(at):
        return [], np.empty(0), []
    near = there[np.clip(np.searchsorted(time[there], at), 0, len(there) - 1)]
    # Plotly's texts may hold a few tags, so what a device has said is escaped here as well.
    said = (f"{alert.severity} {alert.type}: {alert.description}" for alert in alerts)
    return stamps(at), values[near], [wrapped(text) for text in said]


def _traces(profile: Profile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for i, channel in enumerate(profile.channels, 1):
        colour = COLOURS[(i - 1) % len(COLOURS)]
        axis = "y" if i == 1 else f"y{i}"
        shared = {"type": "scatter", "x": [], "y": [], "xaxis": "x", "yaxis": axis}
        found.append(
            {
                **shared,
                "name": labelled(channel.name),
                "mode": "lines",
                "line": {"color": colour, "width": 1.3},
                "marker": {"color": colour, "size": 3},
                "connectgaps": False,
            }
        )
        found.append(
            {
                **shared,
                "name": "alert",
                "mode": "markers",
                "marker": {"symbol": "triangle-down", "size": 12, "color": ALERT},
                "hovertemplate": "%{x}<br>%{text}<extra></extra>",
                "text": [],
            }
        )
    return found


def _layout(profile: Profile, *, moving: bool) -> dict[str, Any]:
    n = len(profile.channels)
    layout: dict[str, Any] = {
        "height": ROW_PIXELS * n + EDGE_PIXELS,
        "showlegend": False,
        "autosize": True,
        "margin": {"l": 64, "r": 16, "t": 12, "b": 48},
        "uirevision": "keep",
        "xaxis": {
            "type": "date",
            "anchor": "y" if n == 1 else f"y{n}",
            "title": {"text": "UTC", "standoff": 4},
        },
    }
    for i, channel in enumerate(profile.channels, 1):
        top = 1 - (i - 1) / n
        layout["yaxis" if i == 1 else f"yaxis{i}"] = {
            "title": {"text": titled(channel.name, channel.unit, "<br>")},
            "domain": [max(top - 0.92 / n, 0), top],
            "anchor": "x",
        }
    return on_any_background(layout) if moving else layout
