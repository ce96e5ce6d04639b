"""Match alerts with faults: what was hit, how late, and how often nothing was there.

The rule, for one device:

- The *window* of a fault lasts from its start to the n-th reading after its end (`tolerance`).
- A fault is *hit* when an episode begins in its window and none was open at its start.
- The first episode to begin in the window of a hit fault is the *hit*; later ones are *repeats*.
- An episode that meets a window in any other way is *touching*: it began too early to say
  anything of this fault, or another one was open already.
- All others are *false alarms*, counted over the covered time outside the windows.
- An episode that began before the readings is a false alarm if it is still open at a reading
  outside the windows: it is a false alarm that never ended. Otherwise it is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.detect.calibration import DAY_NS
from sensorkit.evaluate.clean import clean_time, false_alarm_time, gaps
from sensorkit.readings import Alert

__all__ = [
    "EventTable",
    "Role",
    "clean_time",
    "false_alarm_time",
    "fault_windows",
    "gaps",
    "match",
    "nanoseconds",
    "point_labels",
    "within",
]

HOUR_NS = DAY_NS // 24
NO_EPISODE = -1
NO_FAULT = -1


class Role(StrEnum):
    """What an episode turned out to be."""

    HIT = "hit"
    REPEAT = "repeat"
    TOUCHING = "touching"
    FALSE_ALARM = "false_alarm"
    EARLIER = "earlier"  # it began before the test and was over before any clean reading of it


@dataclass(frozen=True, eq=False)
class EventTable:
    """Faults and episodes, matched; rows in the order of the labels and alerts given.

    Attributes
    ----------
    hit : array of bool, shape (n_faults,)
    delay_s : array of float, shape (n_faults,)
        Seconds from the fault's start to the beginning of the hit; inf for a miss.
    watched_s : array of float, shape (n_faults,)
        How long a miss is known to be one: inf, because a fault that is over is found by nobody
        any more; for a window that the end of the readings cuts off, the seconds until there.
    window : array of int64, shape (n_faults, 2)
        First and last nanosecond of each window (inclusive).
    episode : array of int64, shape (n_faults,)
        Index of the alert that hit it; `NO_EPISODE`.
    role : array of Role, shape (n_alerts,)
    fault : array of int64, shape (n_alerts,)
        The fault an episode belongs to: the one it hits, or the last one whose window it begins
        in, or the first one it reaches; `NO_FAULT`.
    clean_ns : int
        Covered time outside all windows.
    after_end : array of bool, shape (n_faults,)
        The hit began when the fault was over: what was noticed may be the jump back, not the
        fault. One that left no reading is over with the first reading after it, which shows it.
    """

    hit: NDArray[np.bool_]
    delay_s: NDArray[np.float64]
    watched_s: NDArray[np.float64]
    window: NDArray[np.int64]
    episode: NDArray[np.int64]
    role: NDArray[np.object_]
    fault: NDArray[np.int64]
    clean_ns: int
    after_end: NDArray[np.bool_]

    @property
    def clean_hours(self) -> float:
        """Return the covered hours outside all windows."""
        return self.clean_ns / HOUR_NS

    @property
    def false_alarms(self) -> int:
        """Return how many episodes touch no window."""
        return self.count(Role.FALSE_ALARM)

    def count(self, role: Role) -> int:
        """Return how many episodes have this role."""
        return int((self.role == role).sum())

    def hits(self, of: NDArray[np.bool_] | None = None) -> int:
        """Return how many episodes hit a fault, or one of the faults that *of* selects."""
        chosen = self.hit if of is None else self.hit & of
        return len(np.unique(self.episode[chosen]))

    def episodes(self, of: NDArray[np.bool_] | None = None) -> int:
        """Return how many episodes precision is a share of: hits, touching and false alarms.

        Repeats are left out: a detector that starts anew every minute of a fault would look
        precise. With *of*, episodes that belong to other faults are left out as well.
        """
        touching = self.role == Role.TOUCHING
        if of is not None:
            touching &= np.isin(self.fault, np.flatnonzero(of))
        return self.hits(of) + int(touching.sum()) + self.false_alarms

    def reordered(self, rows: NDArray[np.int64]) -> EventTable:
        """Return the table with its faults in another order; *rows* says which comes where."""
        place = np.argsort(rows)
        fault = self.fault.copy()
        some = fault >= 0
        fault[some] = place[fault[some]]
        return replace(
            self,
            hit=self.hit[rows],
            delay_s=self.delay_s[rows],
            watched_s=self.watched_s[rows],
            window=self.window[rows],
            episode=self.episode[rows],
            fault=fault,
            after_end=self.after_end[rows],
        )

    @classmethod
    def concat(cls, tables: Sequence[EventTable]) -> Self:
        """Join the tables of several devices; clean time adds up."""
        faults = np.cumsum([0, *(len(table.hit) for table in tables)])
        alerts = np.cumsum([0, *(len(table.role) for table in tables)])
        return cls(
            hit=np.concatenate([table.hit for table in tables]),
            delay_s=np.concatenate([table.delay_s for table in tables]),
            watched_s=np.concatenate([table.watched_s for table in tables]),
            window=np.concatenate([table.window for table in tables]),
            episode=np.concatenate(
                [_shift(t.episode, at) for t, at in zip(tables, alerts, strict=False)]
            ),
            role=np.concatenate([table.role for table in tables]),
            fault=np.concatenate(
                [_shift(t.fault, at) for t, at in zip(tables, faults, strict=False)]
            ),
            clean_ns=sum(table.clean_ns for table in tables),
            after_end=np.concatenate([table.after_end for table in tables]),
        )


def match(
    alerts: Sequence[Alert], labels: pd.DataFrame, time: NDArray[np.int64], *, tolerance: int = 10
) -> EventTable:
    """Match the alerts of one device with its faults.

    Parameters
    ----------
    alerts : sequence of Alert
        In any order. One without an end was open to the last. One that begins before
        `time[0]` is a false alarm if it lasts to a clean reading, and hides a fault at whose
        start it is open; otherwise it is not counted.
    labels : DataFrame
        With columns `start` and `end`, UTC, inclusive.
    time : array of int64, shape (n,)
        Nanoseconds UTC of the device's readings in the test stretch.
    tolerance : int
        Readings after the end of a fault in which an episode may still begin.

    Raises
    ------
    ValueError
        If there is no reading, or *tolerance* is negative.

    Examples
    --------
    >>> from sensorkit.readings import Severity
    >>> second = 1_000_000_000
    >>> labels = pd.DataFrame({"start": [20 * second], "end": [29 * second]})
    >>> labels = labels.apply(pd.to_datetime, utc=True)
    >>> alerts = [
    ...     Alert(at * second, "A", Severity.WARNING, "", "sigma", "pump", end=at * second)
    ...     for at in (5, 22, 25)
    ... ]
    >>> table = match(alerts, labels, np.arange(60) * second)
    >>> table.delay_s.tolist(), [str(role) for role in table.role]
    ([2.0], ['false_alarm', 'hit', 'repeat'])
    """
    if not len(time):
        raise ValueError("there is no reading to match alerts over; give the time of the test")
    time = np.sort(time)
    window, closed = fault_windows(labels, time, tolerance)
    starts = np.array([alert.start for alert in alerts], dtype=np.int64)
    # An episode that nobody closed lasts beyond every window.
    latest = np.iinfo(np.int64).max
    ends = np.array([latest if a.end is None else a.end for a in alerts], dtype=np.int64)

    order = np.argsort(starts, kind="stable")
    begun, lasting = starts[order], np.maximum.accumulate(ends[order]) if len(order) else ends
    first = np.searchsorted(begun, window[:, 0], side="left")
    stop = np.searchsorted(begun, window[:, 1], side="right")
    was_open = np.zeros(len(window), dtype=np.bool_)
    some = first > 0
    was_open[some] = lasting[first[some] - 1] >= window[some, 0]
    hit = (stop > first) & ~was_open
    episode = np.full(len(window), NO_EPISODE, dtype=np.int64)
    episode[hit] = order[first[hit]]

    role, fault = _roles(starts, ends, window, hit, episode)
    _take_earlier(role, fault, starts, ends, time, window)
    after_end = np.zeros(len(window), dtype=np.bool_)
    after_end[hit] = starts[episode[hit]] > _shown_until(labels, time)[hit]
    delay = np.full(len(window), math.inf)
    delay[hit] = (starts[episode[hit]] - window[hit, 0]) / 1e9
    watched = np.where(closed, math.inf, np.maximum(time[-1] - window[:, 0], 0) / 1e9)
    return EventTable(
        hit=hit,
        delay_s=delay,
        watched_s=watched,
        window=window,
        episode=episode,
        role=role,
        fault=fault,
        clean_ns=clean_time(time, window),
        after_end=after_end,
    )


def fault_windows(
    labels: pd.DataFrame, time: NDArray[np.int64], tolerance: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the window of each fault, shape (n_faults, 2), and whether the readings close it.

    A window ends with the *tolerance*-th reading after the fault. A fault that left no reading
    (silence) has its window reach at least the next one, which is the first to show it.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance}, a number of readings from 0 on is wanted")
    start, end = nanoseconds(labels["start"]), nanoseconds(labels["end"])
    after = np.searchsorted(time, end, side="right")
    silent = np.searchsorted(time, start, side="left") == after
    last = after + np.where(silent, max(tolerance, 1), tolerance) - 1
    closed = last < len(time)
    reached = time[np.minimum(last, len(time) - 1)]
    return np.column_stack([start, np.maximum(end, reached)]), closed


def point_labels(labels: pd.DataFrame, time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which readings of one device are faulty, shape (n,).

    A reading within [start, end] of a label is. Of a fault that left no reading the first one
    after it is: it is the one that shows it.

    Parameters
    ----------
    labels : DataFrame
        With columns `start` and `end`, UTC, inclusive.
    time : array of int64, shape (n,)
        Nanoseconds UTC, not decreasing.
    """
    first = np.searchsorted(time, nanoseconds(labels["start"]), side="left")
    stop = np.searchsorted(time, nanoseconds(labels["end"]), side="right")
    return _spans(first, np.maximum(stop, first + 1), len(time))


def within(time: NDArray[np.int64], window: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which times, not decreasing, lie in any of the windows, shape (n_windows, 2)."""
    first = np.searchsorted(time, window[:, 0], side="left")
    return _spans(first, np.searchsorted(time, window[:, 1], side="right"), len(time))


def nanoseconds(times: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    """Return UTC times as nanoseconds since 1970, shape (n,)."""
    stamps = pd.DatetimeIndex(pd.to_datetime(times, utc=True))
    return np.asarray(stamps.as_unit("ns").asi8, dtype=np.int64)


def _roles(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    window: NDArray[np.int64],
    hit: NDArray[np.bool_],
    episode: NDArray[np.int64],
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    role = np.full(len(starts), Role.FALSE_ALARM, dtype=object)
    fault = np.full(len(starts), NO_FAULT, dtype=np.int64)
    by_start = np.argsort(window[:, 0], kind="stable")
    opens, closes = window[by_start].T
    # The first window that an episode reaches: the first to close at its start or later, if that
    # one has opened by its end.
    first = np.searchsorted(np.maximum.accumulate(closes), starts, side="left")
    touching = first < np.searchsorted(opens, ends, side="right")
    role[touching], fault[touching] = Role.TOUCHING, by_start[first[touching]]
    # The last window in which it begins: the last to open, or the nearest that outlasts that one.
    last = np.searchsorted(opens, starts, side="right") - 1
    outlasting = _outlasting(closes)
    while len(over := np.flatnonzero((last >= 0) & (np.append(closes, 0)[last] < starts))):
        last[over] = outlasting[last[over]]
    inside = np.flatnonzero(last >= 0)
    fault[inside] = by_start[last[inside]]
    role[inside] = Role.TOUCHING
    role[inside[hit[fault[inside]]]] = Role.REPEAT
    role[episode[hit]] = Role.HIT
    fault[episode[hit]] = np.flatnonzero(hit)
    return role, fault


def _take_earlier(
    role: NDArray[np.object_],
    fault: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    time: NDArray[np.int64],
    window: NDArray[np.int64],
) -> None:
    """Set the role of episodes that began before the first reading."""
    earlier = starts < time[0]
    if not earlier.any():
        return
    clean = time[~within(time, window)]
    never_ended = earlier & (ends >= clean[0]) if len(clean) else np.zeros_like(earlier)
    role[earlier], fault[never_ended] = Role.EARLIER, NO_FAULT
    role[never_ended] = Role.FALSE_ALARM


def _shown_until(labels: pd.DataFrame, time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the end of each fault; of one that left no reading, the time of the next one."""
    start, end = nanoseconds(labels["start"]), nanoseconds(labels["end"])
    after = np.searchsorted(time, end, side="right")
    silent = (np.searchsorted(time, start, side="left") == after) & (after < len(time))
    return np.where(silent, time[np.minimum(after, len(time) - 1)], end)


def _outlasting(closes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each window, by start, the last one before it that closes later; -1 for none."""
    before = np.full(len(closes), -1, dtype=np.int64)
    candidates: list[int] = []
    for i, close in enumerate(closes.tolist()):
        while candidates and closes[candidates[-1]] <= close:
            candidates.pop()
        if candidates:
            before[i] = candidates[-1]
        candidates.append(i)
    return before


def _spans(first: NDArray[np.int64], stop: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    change = np.zeros(n + 1, dtype=np.int64)
    np.add.at(change, np.minimum(first, n), 1)
    np.add.at(change, np.minimum(stop, n), -1)
    return np.cumsum(change[:-1]) > 0


def _shift(index: NDArray[np.int64], by: int) -> NDArray[np.int64]:
    return np.where(index < 0, index, index + by)
