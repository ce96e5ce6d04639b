"""Alerts as the entries of anomaly_report.json, and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from sensorkit.detect.streams import LARGEST
from sensorkit.readings import Alert, isoformat

COLUMNS = (
    "start",
    "end",
    "detector",
    "type",
    "severity",
    "device",
    "channel",
    "value",
    "score",
    "description",
)
"""Of the table of alerts."""


def to_frame(alerts: Iterable[Alert]) -> pd.DataFrame:
    """Return *alerts* as a table, a row each, in the order given; also what `plot` takes.

    Returns
    -------
    DataFrame
        `start` and `end` (UTC; NaT while the episode is open), `detector`, `type`, `severity`,
        `device`, `channel`, `value`, `score`, `description`. What there is not is missing.

    Examples
    --------
    >>> from sensorkit.readings import Severity
    >>> hot = Alert(0, "THRESHOLD_BREACH_TEMP", Severity.CRITICAL, "Hot.", "rules", "monitor-1")
    >>> to_frame([hot])[["start", "severity", "description"]].values.tolist()
    [[Timestamp('1970-01-01 00:00:00+0000', tz='UTC'), 'CRITICAL', 'Hot.']]
    """
    rows = list(alerts)
    found = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    table: dict[str, Any] = {}
    for name, values in found.items():
        if name in ("start", "end"):
            times = np.array(
                [np.iinfo(np.int64).min if time is None else time for time in values], np.int64
            )  # the least integer is what NaT is made of
            table[name] = pd.DatetimeIndex(times.view("datetime64[ns]"), tz="UTC")
        elif name in ("value", "score"):
            numbers = [np.nan if value is None else float(value) for value in values]
            table[name] = np.array(numbers, dtype=np.float64)
        else:
            table[name] = pd.Series([None if v is None else str(v) for v in values], dtype=object)
    return pd.DataFrame(table, columns=list(COLUMNS))


def report(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """Return *alerts* ready for JSON, one dict each, in the order given.

    Returns
    -------
    list of dict
        `timestamp` and `end` (ISO 8601 UTC; None while the episode is open), `type`,
        `severity`, `description`, `channel`, `value`, `score`, `detector`, `device`. A number
        that JSON has no word for (infinity, NaN) is None.

    Examples
    --------
    >>> from sensorkit.readings import Severity
    >>> hot = Alert(0, "THRESHOLD_BREACH_TEMP", Severity.CRITICAL, "Hot.", "rules", "monitor-1")
    >>> report([hot])[0]["timestamp"], report([hot])[0]["severity"]
    ('1970-01-01T00:00:00.000000Z', 'CRITICAL')
    """
    return [
        {
            "timestamp": isoformat(alert.start),
            "type": alert.type,
            "severity": str(alert.severity),
            "description": alert.description,
            "end": None if alert.end is None else isoformat(alert.end),
            "channel": alert.channel,
            "value": _finite(alert.value),
            "score": _finite(alert.score),
            "detector": alert.detector,
            "device": alert.device,
        }
        for alert in alerts
    ]


def _finite(number: float | None) -> float | None:
    # `LARGEST` stands for an infinite score.
    return float(number) if number is not None and abs(number) < LARGEST else None
