"""Data quality as a figure: the score and each dimension over time, the issues marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sensorkit.display.lines import Line, Timeline
from sensorkit.display.marking import Mark
from sensorkit.display.stack import Row, stack
from sensorkit.display.zooming import drawn
from sensorkit.quality.checks import DIMENSIONS, Issue
from sensorkit.quality.follower import Window
from sensorkit.quality.showing import where

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCORE = "score"


def plot(
    name: str, windows: Sequence[Window], issues: Sequence[Issue], *, height: int | None
) -> go.Figure:
    """Return the figure: a row for the score and one a dimension, a line a device.

    An issue is marked in the row of its dimension where it begins; what it is stands in the hover.
    """
    devices = dict.fromkeys(one.device for one in windows)
    lines: dict[str, list[Line]] = {row: [] for row in (SCORE, *DIMENSIONS)}
    for device in devices:
        own = [one for one in windows if one.device == device]
        timeline = Timeline(np.array([one.end for one in own], dtype=np.int64))
        scores = [{SCORE: one.scores.score, **one.scores.dimensions} for one in own]
        for row, found in lines.items():
            values = np.array([score[row] for score in scores])
            found.append(Line(device or "sender not known", timeline, values))
    marks = [
        Mark(
            one.start,
            one.check,
            channel=one.dimension,
            end_ns=one.end,
            critical=one.severity == "CRITICAL",
            words=_words(one, several=len(devices) > 1),
        )
        for one in issues
    ]
    figure = stack(
        [Row(row, "", found) for row, found in lines.items()],
        alerts=marks,
        title=f"Data quality of {name}",
        height=height,
    )
    for trace in figure.spec["data"]:  # what is marked here is no alert
        if str(trace["legendgroup"]).startswith("alert "):
            trace["name"] = str(trace["name"]).replace("alert: ", "", 1)
    said = figure.alt.replace(" alert marked", " issue marked").replace(" alerts m", " issues m")
    made = drawn(replace(figure, alt=said))
    worst = min([one.scores.score for one in windows if one.scores.score >= 0], default=100.0)
    # Rows that can be compared; above 100 there is room for a mark, and no tick.
    made.update_yaxes(range=[max(worst - 8.0, -4.0), 109.0])
    return made


def _words(issue: Issue, *, several: bool) -> str:
    """Return what stands in the hover: what was found, and whose it is."""
    place = where(issue, several=several)
    return f"{issue.told} ({place})" if place else issue.told
