"""Figures: a life as it was foretold, with interval and truth; ours beside what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.figure import ALERT, GREY, SIGNAL, Figure, Style
from sensorkit.display.formats import number
from sensorkit.display.labelling import cut, labelled
from sensorkit.display.zooming import drawn
from sensorkit.errors import DetectorError
from sensorkit.prognosis.life import Life
from sensorkit.prognosis.literature import published
from sensorkit.prognosis.remaining_life import RemainingLife

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Floats = NDArray[np.float64]

POINTS = 600
"""Points of each line; a page is no wider."""

VEIL = 0.2


def figure(life: Life, detector: RemainingLife) -> Figure:
    """Return the figure of a life, watched from its first reading on.

    Parameters
    ----------
    life : Life
        One that was not learned from; else the figure flatters.
    detector : RemainingLife
        Fitted; its stream is forgotten.

    Raises
    ------
    DetectorError
        If the life has no reading, or the detector was not fitted.
    """
    if not len(life.readings):
        raise DetectorError("the life has no reading; there is nothing to draw")
    detector.reset()
    predicted = detector.predict(life.readings)
    detector.reset()
    low, high = detector.interval(predicted)
    rows = np.unique(np.linspace(0, len(predicted) - 1, POINTS).astype(np.int64))
    left = life.left
    unit, device = detector.unit, cut(life.device, 40)
    begun = np.flatnonzero(predicted <= detector.limit)
    lead = float(left[begun[0]]) if len(begun) else None
    warned = f"warned {number(lead)} {unit} before" if lead is not None else "did not warn"
    return Figure(
        "remaining-life",
        f"{device}: what was predicted, with the {100 * detector.coverage:.0f} % interval, and "
        f"what was left; it {warned} the failure",
        f"Lines: predicted and true remaining life of {device} against the time to its failure. "
        f"At {number(detector.limit)} {unit} it warns; it {warned}.",
        {
            "data": _lines(left[rows], predicted[rows], low[rows], high[rows], detector.cap),
            "layout": _layout(detector),
        },
        (f"Left ({unit})", f"Predicted ({unit})", "Low", "High"),
        [
            tuple(number(float(column[row])) for column in (left, predicted, low, high))
            for row in rows[:: max(len(rows) // 12, 1)]
        ],
    )


def plot(life: Life, detector: RemainingLife) -> go.Figure:
    """Return the figure of a life for a notebook; see `figure`."""
    return drawn(figure(life, detector))


def beside_published(table: pd.DataFrame | None = None) -> go.Figure:
    """Return the published RMSE of FD001 as a figure, with ours beside it where it was measured.

    Parameters
    ----------
    table : DataFrame, optional
        Of `sensorkit.prognosis.trial.Trial.table`, for FD001.
    """
    rows = [(name, row["rmse"], 0.0, 0.0, GREY) for name, row in published().iterrows()]
    for name, row in () if table is None else table.iterrows():
        down, up = row["rmse"] - row["rmse_low"], row["rmse_high"] - row["rmse"]
        rows.append((str(name).replace("_", " "), row["rmse"], up, down, SIGNAL))
    rows.sort(key=lambda row: row[1], reverse=True)
    names, values, ups, downs, colours = (list(column) for column in zip(*rows, strict=True))
    said = "; ".join(f"{name} {value:.1f}" for name, value in zip(names, values, strict=True))
    return drawn(
        Figure(
            "beside-published",
            "RMSE on the test of FD001 in cycles: published in grey, ours in blue with its 95 % "
            "interval over engines",
            f"Dots: {said}.",
            {
                "data": [
                    {
                        "type": "scatter", "mode": "markers", "x": values, "y": names,
                        "marker": {"color": colours, "size": 10},
                        "error_x": {"type": "data", "array": ups, "arrayminus": downs},
                    }
                ],
                "layout": {
                    "xaxis": {"title": {"text": "RMSE (cycles)"}, "rangemode": "tozero"},
                    "yaxis": {"automargin": True},
                    "margin": {"l": 16, "r": 16, "t": 16, "b": 56},
                    "height": 300,
                },
            },
        )
    )  # fmt: skip


def _lines(left: Floats, predicted: Floats, low: Floats, high: Floats, cap: float) -> list[Any]:
    veil = Style(SIGNAL, "solid", "circle").veil(VEIL)
    band = {
        "x": [*left.tolist(), *left[::-1].tolist()],
        "y": [*high.tolist(), *low[::-1].tolist()],
        "fill": "toself",
        "fillcolor": veil,
        "line": {"width": 0},
        "mode": "lines",
        "name": "interval",
        "hoverinfo": "skip",
    }
    told = {
        "x": left.tolist(),
        "y": predicted.tolist(),
        "mode": "lines",
        "line": {"color": SIGNAL, "width": 2},
        "name": "predicted",
    }
    true = {
        "x": left.tolist(),
        "y": np.minimum(left, cap).tolist(),
        "mode": "lines",
        "line": {"color": GREY, "width": 2, "dash": "dash"},
        "name": "left (capped)",
    }
    return [{"type": "scatter", **trace} for trace in (band, told, true)]


def _layout(detector: RemainingLife) -> dict[str, Any]:
    unit = labelled(detector.unit)
    said = f"warns at {number(detector.limit)} {unit}"
    return {
        "xaxis": {"title": {"text": f"time to the failure ({unit})"}, "autorange": "reversed"},
        "yaxis": {
            "title": {"text": f"remaining life ({unit})"},
            "range": [0.0, 1.08 * detector.cap],
        },
        "shapes": [
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": detector.limit,
                "y1": detector.limit, "line": {"color": ALERT, "width": 1.5, "dash": "dot"},
            }
        ],
        "annotations": [
            {
                "xref": "paper", "x": 0, "xanchor": "left", "y": detector.limit,
                "yanchor": "bottom", "text": said, "showarrow": False,
                "font": {"color": ALERT},
            }
        ],
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 64, "r": 16, "t": 40, "b": 56},
        "height": 380,
    }  # fmt: skip
