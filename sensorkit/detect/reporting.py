"""Alerts as the entries of anomaly_report.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sensorkit.detect.base import LARGEST
from sensorkit.readings import Alert, isoformat


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
