"""What passes between a detector and its streams, one stream a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.episodes import Episodes
from sensorkit.readings import Readings, Severity

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
Rows = slice | NDArray[np.intp]


def split(readings: Readings) -> list[tuple[str | None, Rows, Readings]]:
    """Return the name, the rows and the readings of each device in a batch.

    Nearly always there is one: its readings are the batch itself, no copy.
    """
    codes, names = readings.device.codes, [*readings.device.vocabulary, None]  # -1 is the last
    if not len(codes):
        return []
    if (codes == codes[0]).all():
        return [(names[codes[0]], slice(None), readings)]
    parts = ((code, np.flatnonzero(codes == code)) for code in np.unique(codes).tolist())
    return [(names[code], rows, readings[rows]) for code, rows in parts]


class Track(NamedTuple):
    """One thing a detector watches; each device has its own episodes of it."""

    type: str
    channel: str | None


@dataclass(frozen=True)
class Judged:
    """What a stream found out about a batch."""

    scores: Floats
    """Shape (n, n_tracks); a reading's score is the largest of its row."""
    facts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What the descriptions of alerts need to know, one row per reading."""


class Finding(NamedTuple):
    """What an alert says of the reading that opened the episode."""

    description: str
    severity: Severity
    channel: str | None
    value: float | None


class Stream(Protocol):
    """What a detector remembers of one device; memory bounded, whatever comes."""

    def judge(self, readings: Readings) -> Judged:
        """Score the readings of one device, then learn them."""
        ...


@dataclass
class DeviceStream:
    """One device's stream and its open episodes."""

    name: str
    stream: Stream
    episodes: Episodes
