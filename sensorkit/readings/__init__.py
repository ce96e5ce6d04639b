"""The facts that every part exchanges: readings, rejections, events, alerts and fault labels."""

from sensorkit.readings.batch import NO_OFFSET, NO_SEQUENCE, Readings
from sensorkit.readings.facts import Alert, Event, FaultLabel, Rejection, RejectReason, Severity
from sensorkit.readings.times import isoformat, parse_time
from sensorkit.readings.words import Words

__all__ = [
    "NO_OFFSET",
    "NO_SEQUENCE",
    "Alert",
    "Event",
    "FaultLabel",
    "Readings",
    "RejectReason",
    "Rejection",
    "Severity",
    "Words",
    "isoformat",
    "parse_time",
]
