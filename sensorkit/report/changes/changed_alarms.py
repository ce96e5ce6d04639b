"""False alarms that only one of two runs has; what both raised says nothing of a difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.evaluate.clean import alarm_places, clean_time
from sensorkit.evaluate.events import nanoseconds
from sensorkit.evaluate.statistics import bunching
from sensorkit.report.changes.two_runs import TwoRuns

Times = NDArray[np.int64]


def alone(two: TwoRuns, detector: str, pair: tuple[str, str]) -> tuple[Times, Times]:
    """Return when the alarms began that only one run has: those that overlap in time are one."""
    sides = []
    for side, name in zip((two.before, two.after), pair, strict=True):
        rows = side.by_detector.get(detector, {}).get(name)
        sides.append([] if rows is None else _alarms(rows[rows["case"] == "false_alarm"]))
    one, other = sides
    only: tuple[list[int], list[int]] = ([], [])
    i = j = 0
    while i < len(one) and j < len(other):
        mine, theirs = one[i], other[j]
        if (mine[0], mine[2]) < (theirs[0], theirs[1]):  # over before the other began
            only[0].append(mine[1])
            i += 1
        elif (theirs[0], theirs[2]) < (mine[0], mine[1]):
            only[1].append(theirs[1])
            j += 1
        else:
            i, j = i + 1, j + 1
    only[0].extend(alarm[1] for alarm in one[i:])
    only[1].extend(alarm[1] for alarm in other[j:])
    return np.array(only[0], dtype=np.int64), np.array(only[1], dtype=np.int64)


def _alarms(rows: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Return device, start and end of each alarm, in that order; an open one never ends."""
    never = np.iinfo(np.int64).max
    starts = nanoseconds(pd.to_datetime(rows["start"], utc=True))
    ends = pd.to_datetime(rows["end"], utc=True)
    closed = ends.notna().to_numpy()
    until = np.where(closed, nanoseconds(ends.fillna(pd.Timestamp(0, tz="UTC"))), never)
    return sorted(zip(map(str, rows["device"]), starts.tolist(), until.tolist(), strict=True))


def bunched(two: TwoRuns, detector: str, alarms: Sequence[tuple[str, Times]]) -> float:
    """Return the bunching of alarms within recordings, weighted by how many each has."""
    total = whole = 0.0
    for recording, starts in alarms:
        if not len(starts):
            continue
        time = (two.after.scores or {})[recording]["time"].to_numpy(dtype=np.int64)
        rows = two.after.by_detector[detector][recording]
        faults = rows[rows["case"] == "fault"]
        window = np.column_stack(
            [
                nanoseconds(pd.to_datetime(faults[name], utc=True))
                for name in ("start", "window_end")
            ]
        )
        # Devices stand one after the other; of several, all count on the clock of all.
        time = np.sort(time)
        places = alarm_places(starts, time, window)
        whole += len(starts)
        total += len(starts) * bunching(places / 1e9, clean_time(time, window) / 1e9)
    return total / whole if whole else 1.0
