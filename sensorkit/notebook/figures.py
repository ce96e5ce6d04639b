"""The figures and tables of a notebook: signals, the charts of the report, what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from sensorkit.capture import Recording
from sensorkit.display import signal
from sensorkit.readings import Alert, Readings
from sensorkit.report import charts as report_charts

if TYPE_CHECKING:  # its compiled parts take a second to load, and most notebooks need none
    from sensorkit.evaluate import Evaluation


def charts(results: Evaluation) -> dict[str, go.Figure]:
    """Return the figures of the HTML report by name."""
    made = report_charts.charts(results.to_dict(), results.cases)
    return {one.name: _figure(one.spec, one.alt) for one in made}


def _figure(spec: Mapping[str, Any], alt: str) -> go.Figure:
    # The alternative text goes along where a page can find it; plotly keeps `meta` as it is.
    return go.Figure(data=spec["data"], layout={**spec["layout"], "meta": {"alt": alt}})


def summary(recordings: Sequence[Recording]) -> pd.DataFrame:
    """Return what each recording holds, one row each."""
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


def plot(
    readings: Readings,
    channel: str,
    *,
    unit: str = "",
    labels: pd.DataFrame | None = None,
    alerts: Iterable[Alert] = (),
    height: int = 320,
) -> go.Figure:
    """Return the figure of one channel: faults shaded, the start of each alert marked.

    Long series are thinned so that every spike is still seen.

    Parameters
    ----------
    readings : Readings
    channel : str
    unit : str
        Stands at the axis.
    labels : DataFrame, optional
        As `Recording.labels` gives; faults on other channels are left out.
    alerts : iterable of Alert
        Those of other channels are left out.
    height : int
        Pixels.
    """
    alert_ns = [alert.start for alert in alerts if alert.channel in (None, channel)]
    spans = np.empty((0, 2), dtype=np.int64)
    if labels is not None:
        shown = labels[labels["channel"].isna() | (labels["channel"] == channel)]
        ends = [shown[end].dt.as_unit("ns").astype("int64") for end in ("start", "end")]
        spans = np.stack(ends, axis=1)
    spec = signal.signal(
        readings.time,
        readings.channel(channel),
        channel=channel,
        unit=unit,
        faults_ns=spans,
        alerts_ns=np.array(alert_ns, dtype=np.int64),
        height=height,
    )
    alt = f"{channel}: {len(readings)} readings, {len(spans)} faults shaded, {len(alert_ns)} alerts"
    return _figure(spec, alt)
