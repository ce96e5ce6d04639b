"""Where the rows of a figure stand: axes one above the other, zoomed together, a slider below."""

from __future__ import annotations

from typing import Any

from sensorkit.display.figure import GREY
from sensorkit.display.labelling import labelled
from sensorkit.display.lines import stamps

# Pixels.
GAP, TOP, LEFT, RIGHT, STRIP = 22, 64, 64, 14, 40
TICKS, SLIDER, LEGEND, BOTTOM = 50, 40, 44, 14
HEIGHTS = ((1, 240), (3, 170), (8, 124))
LEAST_HEIGHT = 78


class Placing:
    """The axes of a figure of several rows.

    Parameters
    ----------
    rows : int
    strip : bool
        Above the rows stands a low one with words instead of values.
    height : int, optional
        Of the figure in pixels; by default each row has what so many rows want.
    """

    def __init__(self, rows: int, *, strip: bool = False, height: int | None = None) -> None:
        usual = next((pixels for most, pixels in HEIGHTS if rows <= most), LEAST_HEIGHT)
        self._pixels: list[float] = [*[STRIP] * strip, *[usual] * rows]
        around = TOP + BOTTOM + SLIDER + TICKS + LEGEND
        between = GAP * (len(self._pixels) - 1)
        if height is not None and rows:
            least = 24 * rows
            free = max(height - around - between - STRIP * strip, least)
            self._pixels = [STRIP] * strip + [free / rows] * rows
        self.plot_height = max(sum(self._pixels) + between, 1)
        self.height = round(self.plot_height + around)
        self._axes: dict[str, Any] = {}
        self._headings: list[dict[str, Any]] = []
        self._strip = strip
        for k in range(len(self._pixels)):
            self._place(k)

    def axes_of(self, row: int) -> dict[str, str]:
        """Return the axes that the traces of a row name; the strip is row 0."""
        return {"xaxis": _axis("x", row), "yaxis": _axis("y", row)}

    def name(self, row: int, name: str, unit: str, bounds: tuple[float, float]) -> None:
        """Say what stands in a row: its heading, the unit at its axis, and how far that goes."""
        self._axes[_axis("yaxis", row)] |= {
            "title": {"text": labelled(unit, 12), "standoff": 6},
            "range": list(bounds),
        }
        self._headings[row]["text"] = f"<b>{labelled(name)}</b>"

    def layout(self, title: str, span_ns: tuple[int, int], *, legend: bool) -> dict[str, Any]:
        """Return the layout of the whole figure, which shows *span_ns*."""
        for axis in (axis for name, axis in self._axes.items() if name.startswith("x")):
            axis["range"] = stamps(span_ns)
            if "rangeslider" in axis:  # plotly would leave room for marks at its ends
                axis["rangeslider"]["range"] = stamps(span_ns)
        return {
            "title": {
                "text": f"{labelled(title, 90)}<br><sub>times in UTC</sub>",
                "font": {"size": 15},
                "x": 0,
                "xanchor": "left",
                "xref": "paper",
                "y": 1,
                "yanchor": "top",
                "yref": "container",
                "pad": {"t": 14},
            },
            "height": self.height - (0 if legend else LEGEND),
            "margin": {
                "l": LEFT,
                "r": RIGHT,
                "t": TOP,
                # plotly puts the ticks and the slider on top of it.
                "b": BOTTOM + (LEGEND if legend else 0),
            },
            "hovermode": "closest",
            "showlegend": legend,
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": -(TICKS + SLIDER + BOTTOM) / self.plot_height,
                "yanchor": "top",
            },
            "annotations": self._headings,
            **self._axes,
        }

    def _place(self, row: int) -> None:
        top = self.plot_height - sum(self._pixels[:row]) - GAP * row
        bottom = top - self._pixels[row]
        last = row == len(self._pixels) - 1
        x: dict[str, Any] = {
            "type": "date",
            "anchor": _axis("y", row),
            "showticklabels": last,
            "showgrid": True,
        }
        if row:
            x["matches"] = "x"
        if last:
            x["rangeslider"] = {
                "visible": True,
                "thickness": SLIDER / (self.plot_height + TICKS + SLIDER),
                "bordercolor": GREY,
                "borderwidth": 1,
            }
        y: dict[str, Any] = {
            "anchor": _axis("x", row),
            "domain": [max(bottom, 0) / self.plot_height, min(top / self.plot_height, 1)],
            # With a slider plotly would fix it.
            "fixedrange": False,
            "nticks": max(3, int(self._pixels[row] // 30)),
            "zeroline": False,
        }
        if self._strip and not row:
            y |= {"type": "category", "tickfont": {"size": 10}}
        self._axes[_axis("xaxis", row)], self._axes[_axis("yaxis", row)] = x, y
        self._headings.append(
            {
                "text": "<b>status</b>",
                "xref": "paper",
                "yref": "paper",
                "x": 0,
                "xanchor": "left",
                "y": top / self.plot_height,
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 12},
            }
        )


def _axis(name: str, row: int) -> str:
    """Return what plotly calls the axis of a row: x, x2, x3.

    >>> _axis("x", 0), _axis("yaxis", 2)
    ('x', 'yaxis3')
    """
    return name if row == 0 else f"{name}{row + 1}"
