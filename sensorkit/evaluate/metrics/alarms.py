"""What an operator sees, from labels and flags: faults found, delays, false alarms.

Consecutive flags are one episode, consecutive labels one fault. Episodes are matched with faults by
the rule of `sensorkit.evaluate.events`, the one that benchmarks use:

- The window of a fault lasts from its first reading to the n-th after its last (`tolerance`).
- A fault is hit when an episode begins in its window and none was open at its first reading.
- Later episodes in the window of a hit fault are repeats and count neither for nor against.
- An episode that meets a window in any other way is touching; all others are false alarms.

Readings are taken to be equally far apart. A benchmark knows their times, gaps and devices; use it
where there are some.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sensorkit.evaluate.clean import false_alarm_time
from sensorkit.evaluate.events import EventTable, match
from sensorkit.evaluate.metrics.checks import (
    labels_and_flags,
    positive_seconds,
    some_fault,
    whole_number,
)
from sensorkit.evaluate.statistics import censored_median
from sensorkit.readings import Alert, Severity
from sensorkit.runs import runs

# Readings are matched as if there were one a second, so that seconds are rows.
ROW_NS = 1_000_000_000


class EventScores(NamedTuple):
    """Counted by fault and by episode, at one threshold."""

    precision: float
    """Hitting episodes / (hitting, touching and false ones); NaN without an episode."""
    recall: float
    """Faults hit / faults."""
    f1: float
    """Harmonic mean of both; 0 where nothing is hit."""
    hits: int
    """Faults hit."""
    faults: int
    episodes: int
    """Those that precision is a share of: all but repeats."""
    false_alarms: int


@dataclass(frozen=True)
class FalseAlarms:
    """Episodes that meet no fault, and the time without a fault."""

    count: int
    clean_hours: float
    """Hours outside the windows of all faults."""
    per_hour: float
    """NaN without clean time, as `per_day`."""
    per_day: float
    time_share: float
    """Time in false alarm: share of the clean time that is flagged, by whatever episode."""


def event_scores(labels: ArrayLike, flags: ArrayLike, *, tolerance: int = 0) -> EventScores:
    """Return precision, recall and F1 of events.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 where a reading is faulty.
    flags : array of 0/1 or bool, shape (n,)
        1 where a reading is flagged.
    tolerance : int
        Readings after a fault in which an episode may still begin. Benchmarks take 10.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, nothing is labelled, or *tolerance* is no
        whole number from 0 on. A recording without a fault has `false_alarms`.

    Notes
    -----
    Others count a fault as found when any reading in it is flagged (Orion's overlapping segments,
    dtaianomaly's event-wise metrics). An alarm that was on already then finds every fault, and
    one that is always on has the recall 1. Here it must begin with the fault, as what an
    operator reacts to is the beginning of an alarm.

    Precision and recall count different things, episodes and faults, so that one long episode
    that hits two faults is one hit for precision and two for recall.

    Examples
    --------
    The first episode hits the first fault, the second is a false alarm, the second fault is missed.

    >>> labels = [0, 1, 1, 1, 0, 0, 0, 0, 1, 1]
    >>> flags_ = [0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    >>> event_scores(labels, flags_)
    EventScores(precision=0.5, recall=0.5, f1=0.5, hits=1, faults=2, episodes=2, false_alarms=1)
    """
    known, flagged = labels_and_flags(labels, flags)
    some_fault(known)
    table = _table(known, flagged, tolerance)
    hits, faults, episodes = int(table.hit.sum()), len(table.hit), table.episodes()
    precision = table.hits() / episodes if episodes else math.nan
    recall = hits / faults
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return EventScores(precision, recall, f1, hits, faults, episodes, table.false_alarms)


def detection_delays(
    labels: ArrayLike, flags: ArrayLike, *, period: float, tolerance: int = 0
) -> NDArray[np.float64]:
    """Return the wait from the first reading of each fault to the episode that hits it.

    Parameters
    ----------
    labels, flags : array of 0/1 or bool, shape (n,)
    period : float
        Seconds between readings.
    tolerance : int
        Readings after a fault in which an episode may still begin.

    Returns
    -------
    array of float, shape (n_faults,)
        Seconds; inf for a fault that was missed. Empty without a fault.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, there is no reading, *period* is not above
        0, or *tolerance* is no whole number from 0 on.

    Notes
    -----
    NAB [1]_ maps the delay to a score by a sigmoid over the window. Seconds are returned here: a
    plant engineer sets the acceptable delay, not the metric. Merlion's mean time to detect leaves
    misses out, so that a detector that finds little looks fast; `median_delay` keeps them.

    References
    ----------
    .. [1] A. Lavin and S. Ahmad, "Evaluating real-time anomaly detection algorithms - the Numenta
       Anomaly Benchmark", ICMLA 2015, arXiv:1510.03336.

    Examples
    --------
    >>> labels = [0, 1, 1, 1, 0, 0, 1, 0]
    >>> flags_ = [0, 0, 0, 1, 0, 0, 0, 1]
    >>> detection_delays(labels, flags_, period=0.5).tolist()
    [1.0, inf]
    >>> detection_delays(labels, flags_, period=0.5, tolerance=1).tolist()
    [1.0, 0.5]
    """
    seconds = positive_seconds(period, "period")
    known, flagged = labels_and_flags(labels, flags)
    return _table(known, flagged, tolerance).delay_s * seconds


def median_delay(
    labels: ArrayLike, flags: ArrayLike, *, period: float, tolerance: int = 0
) -> float:
    """Return the Kaplan-Meier median of the delays, with every miss counted as one.

    Parameters and errors as in `detection_delays`.

    Returns
    -------
    float
        Seconds; inf where half of the faults or more are missed, NaN without a fault.

    Notes
    -----
    A fault that is over is found by nobody any more: its miss stays one for ever. Only a fault
    whose window is cut off by the last reading is censored there, as it might still have been
    found (`sensorkit.evaluate.statistics.censored_median`; E. L. Kaplan and P. Meier, JASA 53,
    1958).

    Examples
    --------
    >>> labels = [0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0]
    >>> flags_ = [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    >>> median_delay(labels, flags_, period=10)  # 0 s, 20 s and a miss
    20.0
    """
    seconds = positive_seconds(period, "period")
    known, flagged = labels_and_flags(labels, flags)
    table = _table(known, flagged, tolerance)
    return float(censored_median(table.delay_s, table.watched_s)[0]) * seconds


def false_alarms(
    labels: ArrayLike, flags: ArrayLike, *, period: float, tolerance: int = 0
) -> FalseAlarms:
    """Return how often and how long there was an alarm without a fault.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        May be all 0: a healthy recording is what false alarms are best counted on.
    flags : array of 0/1 or bool, shape (n,)
    period : float
        Seconds between readings.
    tolerance : int
        Readings after a fault that still belong to it.

    Returns
    -------
    FalseAlarms
        Rates and share are NaN where no time is clean.

    Raises
    ------
    ValueError
        As `detection_delays`.

    Notes
    -----
    A count alone can be bought: an alarm that never ends is at most one false alarm, and none
    where it reaches into a fault. So `time_share` counts all clean time in alarm, that of touching
    episodes and of hits that outlast their window too; it is 1 for a detector that always alarms.
    n readings cover n - 1 periods; an alarm lasts until the reading after its last flag, a window
    until the last reading in it.

    Examples
    --------
    A reading a minute; the alarm of the fault stays on for two minutes after it.

    >>> labels = np.zeros(600, dtype=bool)
    >>> labels[300:310] = True
    >>> flags_ = np.zeros(600, dtype=bool)
    >>> flags_[100:103] = flags_[305:312] = True
    >>> found = false_alarms(labels, flags_, period=60)
    >>> found.count, round(found.clean_hours, 2), round(found.per_day, 2)
    (1, 9.83, 2.44)
    >>> round(found.time_share, 4)  # 3 + 3 of 590 minutes
    0.0102
    """
    seconds = positive_seconds(period, "period")
    known, flagged = labels_and_flags(labels, flags)
    table = _table(known, flagged, tolerance)
    hours = table.clean_ns / ROW_NS * seconds / 3600
    per_hour = table.false_alarms / hours if hours else math.nan
    taken = int(false_alarm_time(flagged, _time(len(known)), table.window).sum())
    share = taken / table.clean_ns if table.clean_ns else math.nan
    return FalseAlarms(table.false_alarms, hours, per_hour, 24 * per_hour, share)


def _table(labels: NDArray[np.bool_], flags: NDArray[np.bool_], tolerance: int) -> EventTable:
    """Match episodes with faults, in rows for seconds."""
    readings = whole_number(tolerance, "tolerance", "readings")
    faults, episodes = runs(labels), runs(flags)
    ends = pd.DataFrame({"start": faults.start, "end": faults.stop - 1}) * ROW_NS
    alerts = [
        Alert(start * ROW_NS, "", Severity.WARNING, "", "", "", end=(stop - 1) * ROW_NS)
        for start, stop in zip(episodes.start.tolist(), episodes.stop.tolist(), strict=True)
    ]
    return match(alerts, ends, _time(len(labels)), tolerance=readings)


def _time(n: int) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) * ROW_NS
