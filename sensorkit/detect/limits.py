"""How far readings are past fixed limits, and when a heartbeat is lost; one device each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels import runs
from sensorkit.detect.kernels.runs import SMALLEST
from sensorkit.detect.streams import LARGEST, Arrays, Floats, Judged, Stream
from sensorkit.profile.rules import Rule
from sensorkit.readings import Alert, Readings

__all__ = ["SMALLEST", "Heartbeat", "LimitStream", "Limits"]

SECOND_NS = 1_000_000_000

# No time is longer: 146 years in nanoseconds, half of what an int64 holds.
LONGEST_NS = 1 << 62

KINDS = {
    "range": runs.RANGE,
    "rate": runs.RATE,
    "stuck": runs.STUCK,
    "heartbeat": runs.HEARTBEAT,
    "status": runs.STATUS,
    "missing": runs.MISSING,
}


class Limits:
    """The rules of a device as tables (see `sensorkit.detect.kernels.runs`), shared by its streams.

    Parameters
    ----------
    rules : sequence of Rule
    channels : sequence of str
        What readings have; the channels of all rules are among them.
    """

    def __init__(self, rules: Sequence[Rule], channels: Sequence[str]) -> None:
        self.rules = tuple(rules)
        self.floats = np.array([_floats(rule) for rule in rules]).reshape(-1, runs.FLOATS)
        table = [_ints(rule, channels) for rule in rules]
        self.ints = np.array(table, dtype=np.int64).reshape(-1, runs.INTS)
        self._about_status = any(rule.kind == "status" for rule in rules)
        self.silent = np.full((len(rules), 1), np.nan)
        """What rules make of a reading without a status word."""

    def said(self, vocabulary: tuple[str, ...]) -> Floats:
        """Return what each rule makes of each status word: see `kernels.runs.judge`."""
        if not self._about_status:
            return self.silent
        said = [[1.0 if w in rule.words else -1.0 for w in vocabulary] for rule in self.rules]
        return np.column_stack([np.reshape(said, (len(self.rules), -1)), self.silent])


def _floats(rule: Rule) -> list[float]:
    """Return the limits; an infinite value is beyond a limit that is not there."""
    low, high = rule.low, rule.high
    if rule.kind == "rate":
        low, high = None, rule.limit
    if rule.kind == "status":
        low, high = None, 0.0
    low = -LARGEST if low is None else low
    high = LARGEST if high is None else high
    return [low, high, low + rule.hysteresis, high - rule.hysteresis, rule.margin]


def _ints(rule: Rule, channels: Sequence[str]) -> list[int]:
    kind = KINDS[rule.kind]
    if kind == runs.RATE and rule.per == "second":
        kind = runs.RATE_PER_S
    column = -1 if rule.channel is None else channels.index(rule.channel)
    longest = rule.limit if rule.kind == "heartbeat" else rule.seconds
    lasting = (rule.for_readings or 1, nanoseconds(rule.for_s))
    return [kind, column, rule.readings or 0, nanoseconds(longest), *lasting]


def nanoseconds(seconds: float | None) -> int:
    """Return *seconds* as whole nanoseconds that fit in an int64; 0 for None."""
    return round(min((seconds or 0.0) * SECOND_NS, LONGEST_NS))


class LimitStream(Stream):
    """What rules have to remember of a device: the last values, runs, and when they began."""

    def __init__(self, limits: Limits) -> None:
        n = len(limits.rules)
        self._limits = limits
        self._values = np.full((n, 2), np.nan)
        self._counts = np.zeros((n, runs.REMEMBERED_INTS), dtype=np.int64)
        self._clock = np.zeros(2, dtype=np.int64)
        self._flagged = np.zeros(n, dtype=np.bool_)
        self.heartbeats = {
            track: Heartbeat(rule)
            for track, rule in enumerate(limits.rules)
            if rule.kind == "heartbeat"
        }
        self._one = np.empty(1, dtype=np.int64), np.full(1, -1, dtype=np.int32), np.empty((n, 1))
        self._nothing = np.empty((n, 0)), np.empty((n, 0, 2), dtype=np.int64)

    def judge(self, readings: Readings) -> Judged:
        """Score by all rules, shape (n, n_rules): above 0 is past the limit.

        A rule that cannot judge a reading says -inf. Facts: `previous`, shape (n,), the time of
        the reading before; shape (n, n_rules) `change`, signed, of a rate rule, and `since` and
        `run`, time of the first reading of a run or breach and the number of readings in it, or
        `kernels.runs.NO_SAY` where the rule cannot judge the reading.
        """
        n, rules = len(readings), len(self._limits.rules)
        scores = np.empty((rules, n))
        if not self.explaining:
            self._judge(readings, scores, *self._nothing)
            return Judged(scores.T)
        facts: Arrays = {"previous": self._previous(readings.time)}
        changes, lasted = np.full((rules, n), np.nan), np.zeros((rules, n, 2), dtype=np.int64)
        self._judge(readings, scores, changes, lasted)
        facts |= {"change": changes.T, "since": lasted[:, :, 0].T, "run": lasted[:, :, 1].T}
        return Judged(scores.T, facts)

    def _judge(
        self, readings: Readings, scores: Floats, changes: Floats, lasted: NDArray[np.int64]
    ) -> None:
        status = readings.status
        columns = np.ascontiguousarray(readings.values.T)
        said = self._limits.said(status.vocabulary)
        self._run(readings.time, columns, status.codes, said, scores, changes, lasted)

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Return the largest score of one reading, which has no status word; then learn it."""
        time, codes, scores = self._one
        time[0] = time_ns
        said = self._limits.silent
        return self._run(time, values.reshape(-1, 1), codes, said, scores, *self._nothing)

    def _run(
        self,
        time: NDArray[np.int64],
        columns: Floats,
        codes: NDArray[np.int32],
        said: Floats,
        scores: Floats,
        changes: Floats,
        lasted: NDArray[np.int64],
    ) -> float:
        rules = self._limits
        most: float = runs.judge(
            time, columns, codes, said, rules.floats, rules.ints,
            self._values, self._counts, self._clock, scores, changes, lasted,
        )  # fmt: skip
        for heartbeat in self.heartbeats.values():
            heartbeat.last = int(self._clock[runs.LATEST])
        return most

    def bridged(self, flags: NDArray[np.bool_], run: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return *flags* with those of the last reading judged where a rule has no say.

        Parameters
        ----------
        flags : array of bool, shape (n, n_rules)
            Of the next readings to be grouped into episodes.
        run : array of int64, shape (n, n_rules)
            The fact of this name.
        """
        judged = run != runs.NO_SAY
        if not judged.all():
            # The row in [before, *flags] to take each flag from: 0 is before these readings.
            row = np.arange(1, len(flags) + 1)[:, np.newaxis]
            source = np.maximum.accumulate(np.where(judged, row, 0), axis=0)
            flags = np.take_along_axis(np.vstack([self._flagged, flags]), source, axis=0)
        if len(flags):
            self._flagged = flags[-1].copy()
        return flags

    def end_breaches(self) -> None:
        """Take no reading to come for a part of what is breached now."""
        self._flagged[:] = False

    def listen(self, time_ns: int) -> None:
        """Count the heartbeats from *time_ns* on, unless a reading has come already."""
        if not self._clock[runs.KNOWN]:
            self._clock[:] = 1, time_ns
            for heartbeat in self.heartbeats.values():
                heartbeat.last = time_ns

    def _previous(self, time: NDArray[np.int64]) -> NDArray[np.int64]:
        first = self._clock[runs.LATEST :] if self._clock[runs.KNOWN] else time[:1]
        return np.concatenate([first, time[:-1]])[: len(time)]


class Heartbeat:
    """The deadline of one heartbeat rule and one device.

    Its episodes begin without a reading: they start when the deadline passes, and end with the
    reading that comes.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.last: int | None = None
        """Time of the last reading, or since when the device is listened to."""
        self._limit_ns = nanoseconds(rule.limit)
        self._lost: Alert | None = None
        self._now = 0

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
        self._now = time_ns
        if self.last is None or self._lost is not None or time_ns < self.last + self._limit_ns:
            return []
        self._lost = begin(self.rule, self.last + self._limit_ns)
        return [self._lost]

    def close(self) -> None:
        """End the silence at the time told last."""
        if self._lost is not None:
            self._lost.end = max(self._lost.start, self._now)
            self._lost = None
