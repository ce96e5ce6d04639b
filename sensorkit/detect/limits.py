"""How far readings are past fixed limits, and when a heartbeat is lost; one device each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.streams import Floats, Judged, Stream
from sensorkit.profile import Rule
from sensorkit.readings import Alert, Readings

SECOND_NS = 1_000_000_000

SMALLEST = math.nextafter(0.0, 1.0)
"""A score of at least this is a breach."""

# What a reading scores that no rule can judge: one margin inside.
UNJUDGED = -1.0


class LimitStream(Stream):
    """What rules have to remember of a device: the last values, and when they came."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._last_values: dict[str, float] = {}
        self._last_time: int | None = None
        self.heartbeats = {
            track: Heartbeat(rule) for track, rule in enumerate(rules) if rule.kind == "heartbeat"
        }

    def judge(self, readings: Readings) -> Judged:
        """Score by all rules, shape (n, n_rules): above 0 is past the limit.

        A rule that cannot judge a reading says -inf. Facts: `previous`, shape (n,), the time of
        the reading before; `change <track>`, shape (n,), for each rate rule.
        """
        previous, known = self._previous(readings.time)
        facts: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {"previous": previous}
        scores = np.full((len(readings), len(self._rules)), -np.inf, order="F")
        changes: dict[str, Floats] = {}
        for track, rule in enumerate(self._rules):
            if rule.kind == "heartbeat":
                past = self.heartbeats[track].past(readings.time, previous)
                past[: 0 if known else 1] = -np.inf
            elif rule.kind == "range":
                past = past_range(readings.channel(str(rule.channel)), rule)
            else:
                channel = str(rule.channel)
                if channel not in changes:
                    changes[channel] = self._changes(channel, readings.channel(channel))
                facts[f"change {track}"] = changes[channel]
                past = np.abs(changes[channel]) - float(rule.limit or 0.0)
            scores[:, track] = in_margins(past, rule.margin)
        scores[np.isneginf(scores).all(axis=1), 0] = UNJUDGED
        return Judged(scores, facts)

    def listen(self, time_ns: int) -> None:
        """Count the heartbeats from *time_ns* on, unless a reading has come already."""
        if self._last_time is None:
            self._last_time = time_ns
            for heartbeat in self.heartbeats.values():
                heartbeat.last = time_ns

    def _previous(self, time: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
        known = self._last_time is not None
        first = self._last_time if self._last_time is not None else int(time[0])
        self._last_time = int(time[-1])
        for heartbeat in self.heartbeats.values():
            heartbeat.last = self._last_time
        return np.concatenate([np.array([first], dtype=np.int64), time[:-1]]), known

    def _changes(self, channel: str, values: Floats) -> Floats:
        last = self._last_values.get(channel, np.nan)
        self._last_values[channel] = float(values[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # inf - inf is no change
            return np.diff(values, prepend=last)


def past_range(values: Floats, rule: Rule) -> Floats:
    """Return how far values are outside low..high, in their unit; NaN where one is missing."""
    below = -np.inf if rule.low is None else rule.low - values
    above = -np.inf if rule.high is None else values - rule.high
    past = np.maximum(below, above)
    return np.where(np.isnan(values), np.nan, past)


def in_margins(past: Floats, margin: float) -> Floats:
    """Return the distance past a limit in margins: above 0 exactly where *past* is.

    NaN, where there is nothing to judge, becomes -inf.

    >>> in_margins(np.array([5e-324, 0.0, -2.0, np.nan]), 4.0).tolist()
    [5e-324, 0.0, -0.5, -inf]
    """
    with np.errstate(over="ignore"):
        scores = past / margin
    np.maximum(scores, SMALLEST, out=scores, where=past > 0)
    scores[np.isnan(scores)] = -np.inf
    return scores


class Heartbeat:
    """The deadline of one heartbeat rule and one device.

    Its episodes begin without a reading: they start when the deadline passes, and end with the
    reading that comes.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.last: int | None = None
        """Time of the last reading, or since when the device is listened to."""
        self._limit_ns = round(float(rule.limit or 0.0) * SECOND_NS)
        self._lost: Alert | None = None
        self._now = 0

    def past(self, time: NDArray[np.int64], previous: NDArray[np.int64]) -> Floats:
        """Return by how many seconds each reading came after the deadline, shape (n,)."""
        late: Floats = (time - previous - self._limit_ns) / SECOND_NS
        return late

    def heard(
        self,
        time: NDArray[np.int64],
        previous: NDArray[np.int64],
        late: NDArray[np.bool_],
        begin: Callable[[Rule, int], Alert],
    ) -> list[tuple[int, Alert]]:
        """Take the next readings; return (row, alert) of the silences before them.

        The alert that `silence` has begun ends with the first row and is not repeated.
        """
        rows = np.flatnonzero(late).tolist()
        if self._lost is not None:
            self._lost.end = max(self._lost.start, int(time[0]))
            self._lost = None
            rows = rows[1:] if rows[:1] == [0] else rows
        begun = []
        for row in rows:
            alert = begin(self.rule, int(previous[row]) + self._limit_ns)
            alert.end = int(time[row])
            begun.append((row, alert))
        return begun

    def silence(self, time_ns: int, begin: Callable[[Rule, int], Alert]) -> list[Alert]:
        """Take that nothing came up to and including *time_ns*; return the alert that begins."""
        self._now = max(self._now, time_ns)
        if self.last is None or self._lost is not None or time_ns < self.last + self._limit_ns:
            return []
        self._lost = begin(self.rule, self.last + self._limit_ns)
        return [self._lost]

    def close(self) -> None:
        """End the silence at the latest time told."""
        if self._lost is not None:
            self._lost.end = max(self._lost.start, self._now)
            self._lost = None
