"""Lives: stretches of readings that end with a failure, and what was left at each reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.detect.streams import split
from sensorkit.errors import DetectorError
from sensorkit.readings import FaultLabel, Readings

LAYER, KIND = "state", "wear"
"""The labels of an emulated device that wears out: from the onset of wear to the failure."""


class Life(NamedTuple):
    """One life, or what was seen of it."""

    device: str
    readings: Readings
    left: NDArray[np.float64]
    """Seconds to the failure at each reading, shape (n,)."""
    onset: float
    """Seconds before the failure at which wear began; infinite where nobody says."""


def lives(
    readings: Readings, labels: pd.DataFrame | Iterable[FaultLabel] | None = None
) -> list[Life]:
    """Cut readings into lives.

    Parameters
    ----------
    readings : Readings
        Of one device or several.
    labels : DataFrame or iterable of FaultLabel, optional
        Those of a recording. The ones of layer `state` and kind `wear` say when each device
        failed: a life goes from the failure before (or the first reading) to its own. What comes
        after the last failure of a device is left out: nobody knows how long it would have lasted.
        Without labels every device fails with its last reading.

    Returns
    -------
    list of Life
        Device by device, in order of time.

    Raises
    ------
    DetectorError
        If no label says of a failure, or no life has two readings at different times.

    Examples
    --------
    >>> two = Readings.build(np.arange(4) * 10**9, np.zeros((4, 1)), ["t"], device="pump-1")
    >>> (life,) = lives(two)
    >>> life.left.tolist()
    [3.0, 2.0, 1.0, 0.0]
    """
    told = None if labels is None else _failures(labels)
    found = []
    for device, _, part in split(readings):
        name = "" if device is None else device
        if told is None:
            ends = [(int(part.time.max()), np.inf)] if len(part) else []
        else:
            ends = told.get(name, [])
        before = np.iinfo(np.int64).min
        for end, onset in ends:
            rows = np.flatnonzero((part.time > before) & (part.time <= end))
            before = end
            own = part[rows]
            if len(own) > 1 and np.ptp(own.time) > 0:
                found.append(Life(name, own, (end - own.time) / 1e9, onset))
    if not found:
        why = "no device has two readings at different times"
        if told is not None and not told:
            why = f"no label of layer {LAYER!r} and kind {KIND!r} says when a device failed"
        elif told is not None:
            why = f"labels tell of failures of {', '.join(sorted(told))}, the readings of none"
        raise DetectorError(
            f"there is no life to learn from: {why}; give readings that run to a failure, and "
            "labels where a device fails and goes on"
        )
    return found


def units(found: Sequence[Life]) -> list[int]:
    """Return a number a life, the same for those that are held out together.

    That of its device, for its lives are not independent; where there are fewer than five devices
    to hold out, each life its own.
    """
    names = sorted({life.device for life in found})
    if len(names) < min(len(found), 5):
        return list(range(len(found)))
    return [names.index(life.device) for life in found]


def typical_interval(found: Sequence[Life]) -> float:
    """Return the median seconds from a reading to the next."""
    steps = np.concatenate([np.diff(life.readings.time) for life in found]) / 1e9
    return float(np.median(steps[steps > 0]))


def _failures(
    labels: pd.DataFrame | Iterable[FaultLabel],
) -> dict[str, list[tuple[int, float]]]:
    """Return time and onset (seconds before) of each failure, by device, in order."""
    if isinstance(labels, pd.DataFrame):
        wanted = labels[(labels["layer"] == LAYER) & (labels["kind"] == KIND)]
        rows = [
            (str(device), _ns(start), _ns(end))
            for device, start, end in zip(
                wanted["device"], wanted["start"], wanted["end"], strict=True
            )
        ]
    else:
        rows = [
            (one.device, one.start, one.end)
            for one in labels
            if one.layer == LAYER and one.kind == KIND
        ]
    found: dict[str, list[tuple[int, float]]] = {}
    for device, start, end in sorted(rows, key=lambda row: row[2]):
        found.setdefault(device, []).append((end, (end - start) / 1e9))
    return found


def _ns(time: object) -> int:
    """Return a time of a table of labels as nanoseconds UTC."""
    return int(time) if isinstance(time, int | np.integer) else int(pd.Timestamp(time).value)  # type: ignore[arg-type]
