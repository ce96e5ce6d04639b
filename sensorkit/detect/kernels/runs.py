"""How far readings are past fixed limits, and since when: the compiled part of the rules.

All that a rule is stands in a row of two tables, and all that it has to remember in a row of
two others, so that a batch and a single reading are judged by the same code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

RANGE, RATE, RATE_PER_S, STUCK, HEARTBEAT, STATUS, MISSING = range(7)
"""Kinds of rules, as in column `KIND`."""

# Columns of the table of float64. The value must be from low to high; a breach is over when it
# is from low_back to high_back.
LOW, HIGH, LOW_BACK, HIGH_BACK, MARGIN = range(5)
FLOATS = 5

# Columns of the table of int64: kind, column of the values, limit of a run in readings (0: none)
# or in nanoseconds, and how long a breach has to last before it counts.
KIND, COLUMN, READINGS, LIMIT_NS, FOR_READINGS, FOR_NS = range(6)
INTS = 6

# What is remembered, float64: the last value, and the one before at an earlier time.
LAST, BEFORE = range(2)
# What is remembered, int64: readings in the run or breach, its first time, whether it counts,
# and the times of the two values.
COUNT, SINCE, COUNTS, LAST_NS, BEFORE_NS = range(5)
REMEMBERED_INTS = 5

KNOWN, LATEST = range(2)
"""In the clock of a device: whether there was a reading, and the time of the last one."""

SECOND_NS = 1e9

SMALLEST = math.nextafter(0.0, 1.0)
"""A score of at least this is a breach."""

# What a reading scores that no rule can judge: one margin inside.
UNJUDGED = -1.0

NONE = -math.inf
"""What a rule says that cannot judge a reading."""

NO_SAY = -1
"""In place of the readings in a run, for the same."""


def compiled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on first use, and keep the machine code on disk."""
    made: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")(kernel)
    return made


@compiled
def judge(time, columns, codes, said, floats, ints, values, counts, clock, scores, changes, lasted):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Score the next readings of a device by all rules, and remember what is needed.

    Parameters
    ----------
    time : array of int64, shape (n,)
        Nanoseconds.
    columns : array of float64, shape (n_channels, n)
    codes : array of int32, shape (n,)
        Of the status words; not looked at if no rule is about them.
    said : array of float64, shape (n_rules, n_words + 1)
        For each rule and word 1 if it raises it, else -1; NaN for no word, which is the last.
    floats, ints : array, shape (n_rules, FLOATS), (n_rules, INTS)
        The rules.
    values, counts : array of float64 and int64, shape (n_rules, ...)
        What is remembered.
    clock : array of int64, shape (2,)
    scores : array of float64, shape (n_rules, n)
        Written: distance past the limit in margins, above 0 exactly when breached.
    changes : array of float64, shape (n_rules, n or 0)
        Written, unless it has no columns: what a rate rule holds against its limit, signed.
    lasted : array of int64, shape (n_rules, n or 0, 2)
        Written likewise: time of the first reading of the run or breach, and readings in it, or
        `NO_SAY` where the rule cannot judge the reading.

    Returns
    -------
    float
        The largest score of the last reading.
    """
    for r in range(len(ints)):
        rule, memory, out = ints[r], counts[r], scores[r]
        kind = rule[KIND]
        if kind == HEARTBEAT:
            _heartbeat(time, rule[LIMIT_NS], floats[r, MARGIN], clock, out)
        elif kind == STUCK:
            _stuck(
                time,
                columns[rule[COLUMN]],
                rule,
                floats[r, MARGIN],
                values[r],
                memory,
                out,
                lasted[r],
            )
        elif kind == MISSING:
            _missing(time, columns[rule[COLUMN]], rule, floats[r, MARGIN], memory, out, lasted[r])
        elif kind == RANGE:
            _limited(time, columns[rule[COLUMN]], floats[r], rule, memory, out, lasted[r])
        else:
            if kind == RATE:
                _change(columns[rule[COLUMN]], values[r], out, changes[r])
            elif kind == RATE_PER_S:
                _speed(time, columns[rule[COLUMN]], values[r], memory, out, changes[r])
            else:
                for i in range(len(time)):
                    out[i] = said[r, codes[i]]
            _limited(time, out, floats[r], rule, memory, out, lasted[r])
    if len(time):
        clock[KNOWN], clock[LATEST] = 1, time[-1]
    _mark_unjudged(scores, lasted)
    return _fill_unjudged(scores)


@compiled
def _mark_unjudged(scores, lasted):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for r in range(len(lasted)):
        for i in range(lasted.shape[1]):
            if scores[r, i] == NONE:
                lasted[r, i, 1] = NO_SAY


@compiled
def _fill_unjudged(scores):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    most = NONE
    for i in range(scores.shape[1]):
        most = NONE
        for r in range(len(scores)):
            most = max(most, scores[r, i])
            if most > NONE and i + 1 < scores.shape[1]:
                break
        if most == NONE and len(scores):
            scores[0, i] = most = UNJUDGED
    return most


@compiled
def _past(value, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    below, above = low - value, value - high
    return below if below > above else above


@compiled
def _limited(time, x, floats, rule, memory, out, lasted):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Hold *x*, shape (n,), against low and high; *x* may be *out* itself."""
    low, high, margin = floats[LOW], floats[HIGH], floats[MARGIN]
    low_back, high_back = floats[LOW_BACK], floats[HIGH_BACK]
    if low_back == low and high_back == high and rule[FOR_READINGS] <= 1 and rule[FOR_NS] == 0:
        for i in range(len(out)):
            past = _past(x[i], low, high)
            score = past / margin
            score = SMALLEST if past > 0.0 and score <= 0.0 else score
            out[i] = score if score == score else NONE
        return
    for i in range(len(out)):
        value = x[i]
        if value != value:  # nothing is known of it: neither an end nor a part of the breach
            out[i] = NONE
            continue
        past = _past(value, low, high)
        if past > 0.0 or (memory[COUNT] > 0 and _past(value, low_back, high_back) > 0.0):
            if memory[COUNT] == 0 or time[i] < memory[SINCE]:
                memory[SINCE] = time[i]
            memory[COUNT] += 1
            if memory[COUNT] >= rule[FOR_READINGS] and time[i] - memory[SINCE] >= rule[FOR_NS]:
                memory[COUNTS] = 1
            if memory[COUNTS]:
                out[i] = max(past / margin, SMALLEST)
            else:
                out[i] = min(past / margin, 0.0)
        else:
            memory[COUNT] = memory[COUNTS] = 0
            out[i] = past / margin
        if len(lasted):
            lasted[i, 0], lasted[i, 1] = memory[SINCE], memory[COUNT]


@compiled
def _change(x, values, out, changes):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Write how large the change since the reading before is; NaN if one of the two is missing."""
    if not len(x):
        return
    out[0] = abs(x[0] - values[LAST])
    for i in range(1, len(x)):
        out[i] = abs(x[i] - x[i - 1])
    if len(changes):
        changes[0] = x[0] - values[LAST]
        for i in range(1, len(x)):
            changes[i] = x[i] - x[i - 1]
    values[LAST] = x[-1]


@compiled
def _speed(time, x, values, memory, out, changes):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Write how fast the value moves, per second since the last one of an earlier time."""
    for i in range(len(x)):
        now = time[i]
        if x[i] == x[i]:
            if now < memory[LAST_NS]:  # the clock was set back
                values[LAST] = values[BEFORE] = np.nan
            elif now > memory[LAST_NS]:
                values[BEFORE], memory[BEFORE_NS] = values[LAST], memory[LAST_NS]
        speed = (x[i] - values[BEFORE]) / ((now - memory[BEFORE_NS]) / SECOND_NS)
        if abs(x[i]) < np.inf:
            values[LAST], memory[LAST_NS] = x[i], now
        out[i] = abs(speed)
        if len(changes):
            changes[i] = speed


@compiled
def _run_past(now, rule, memory):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return how far a run is past its limit, in readings or in seconds."""
    if rule[READINGS]:
        return float(memory[COUNT] - rule[READINGS])
    return (now - memory[SINCE] - rule[LIMIT_NS]) / SECOND_NS


@compiled
def _stuck(time, x, rule, margin, values, memory, out, lasted):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Count equal values in a row; one that is missing is passed over."""
    for i in range(len(x)):
        if x[i] != x[i]:
            out[i] = NONE
            continue
        if x[i] != values[LAST]:
            values[LAST], memory[COUNT], memory[SINCE] = x[i], 0, time[i]
        elif time[i] < memory[SINCE]:  # the clock was set back
            memory[SINCE] = time[i]
        memory[COUNT] += 1
        past = _run_past(time[i], rule, memory)
        out[i] = max(past / margin, SMALLEST) if past > 0.0 else past / margin
        if len(lasted):
            lasted[i, 0], lasted[i, 1] = memory[SINCE], memory[COUNT]


@compiled
def _missing(time, x, rule, margin, memory, out, lasted):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Count readings in a row that have no value."""
    for i in range(len(x)):
        if x[i] == x[i]:
            memory[COUNT] = 0
        if memory[COUNT] == 0 or time[i] < memory[SINCE]:
            memory[SINCE] = time[i]
        if x[i] != x[i]:
            memory[COUNT] += 1
        past = _run_past(time[i], rule, memory)
        out[i] = max(past / margin, SMALLEST) if past > 0.0 else past / margin
        if len(lasted):
            lasted[i, 0], lasted[i, 1] = memory[SINCE], memory[COUNT]


@compiled
def _heartbeat(time, limit_ns, margin, clock, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Write by how much each reading came after the deadline."""
    for i in range(len(time)):
        before = time[i - 1] if i else clock[LATEST]
        past = (time[i] - before - limit_ns) / SECOND_NS
        out[i] = max(past / margin, SMALLEST) if past > 0.0 else past / margin
    if len(time) and not clock[KNOWN]:
        out[0] = NONE
