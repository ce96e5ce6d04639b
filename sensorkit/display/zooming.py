"""A figure that can be looked into: whoever zooms in gets as many points of that part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sensorkit.display.figure import Figure
from sensorkit.display.lines import Line, dotted

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go


def drawn(figure: Figure) -> go.Figure:
    """Return *figure* as plotly's; its text alternative is `layout.meta["alt"]`."""
    import plotly.graph_objects as go

    return go.Figure(**_told(figure))


def zoomable(figure: Figure, lines: Sequence[Sequence[Line]], points: int) -> go.FigureWidget:
    """Return *figure* as a widget that draws what is zoomed in on with more points.

    Parameters
    ----------
    figure : Figure
        Of `sensorkit.display.stack.stack`.
    lines : sequence of sequence of Line
        Row by row, what it was made of.
    points : int
        Of each line: so many as a whole, and so many where one looks.
    """
    import plotly.graph_objects as go

    widget = go.FigureWidget(**_told(figure))
    Zoom(widget, lines, points)
    return widget


class Zoom:
    """Redraws the lines of a figure when its time axis moves.

    Parameters
    ----------
    figure : FigureWidget or Figure
        Traces whose `meta` is [row, line] are the lines.
    lines : sequence of sequence of Line
    points : int
    """

    def __init__(self, figure: Any, lines: Sequence[Sequence[Line]], points: int) -> None:
        self._figure = figure
        self._lines = lines
        self._points = points
        self._window: tuple[float, float] | None = None
        if hasattr(figure.layout, "on_change"):
            # All rows have one time axis: whichever is moved, the first moves with it.
            figure.layout.on_change(self._moved, "xaxis.range")

    def to(self, start: Any, stop: Any) -> None:
        """Draw what lies from *start* to *stop* with as many points as there were for all.

        Parameters
        ----------
        start, stop : str, datetime or float
            As plotly says a time: ISO 8601 in UTC, or milliseconds.
        """
        window = (nanoseconds(start), nanoseconds(stop))
        if window == self._window:
            return
        self._window = window
        with self._figure.batch_update():
            for trace in self._figure.data:
                if isinstance(trace.meta, list | tuple):
                    row, n = trace.meta
                    line = self._lines[row][n]
                    x, y = line.thinned(self._points, window)
                    trace.update({"x": x, "y": y, **dotted(y)})

    def _moved(self, _layout: Any, edges: Sequence[Any] | None) -> None:
        if edges is not None and None not in edges:
            self.to(*edges)


def nanoseconds(time: Any) -> float:
    """Return a time as plotly says it in nanoseconds UTC.

    >>> nanoseconds("1970-01-01 00:00:01.5"), nanoseconds(1500.0)
    (1500000000, 1500000000.0)
    """
    if isinstance(time, int | float):
        return time * 1e6
    stamp = pd.Timestamp(time)
    return (stamp.tz_localize("UTC") if stamp.tz is None else stamp).as_unit("ns").value


def _told(figure: Figure) -> Mapping[str, Any]:
    layout = {**figure.spec["layout"], "meta": {"alt": figure.alt}}
    return {"data": figure.spec["data"], "layout": layout}
