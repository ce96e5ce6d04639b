"""The figures and tables of a notebook: the charts of the report, what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from sensorkit.capture import Recording
from sensorkit.display.zooming import drawn
from sensorkit.evaluate.figures import charts as report_charts

if TYPE_CHECKING:  # its compiled parts take a second to load, and most notebooks need none
    from sensorkit.evaluate import Evaluation


def charts(results: Evaluation) -> dict[str, go.Figure]:
    """Return the figures of the HTML report of *results*, by name."""
    made = report_charts.charts(results.to_dict(), results.cases)
    return {one.name: drawn(one) for one in made}


def summary(recordings: Sequence[Recording]) -> pd.DataFrame:
    """Return what each of *recordings* holds, one row each."""
    rows = []
    for recording in recordings:
        counts = recording.counts
        readings = recording.readings()
        hours = float(np.ptp(readings.time)) / 3.6e12 if len(readings) else 0.0
        rows.append(
            {
                "recording": recording.name,
                "kind": recording.kind,
                "status": recording.status,
                "readings": len(readings),
                "hours": round(hours, 2),
                "rejected": sum(counts.get("rejected", {}).values()),
                "lost": counts.get("lost", 0),
                "faults": len(recording.labels()),
            }
        )
    return pd.DataFrame(rows).set_index("recording")
