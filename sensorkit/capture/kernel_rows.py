"""The compiled loop that writes rows of structured_metrics.csv: texts are copied, not formatted."""

from __future__ import annotations

from typing import Final

import numpy as np

from sensorkit.readings import NO_OFFSET, NO_SEQUENCE
from sensorkit.wire.compiling import compiled

STAMP_BYTES: Final = 27  # 2023-11-14T22:13:20.123456Z
FIXED_BYTES: Final = STAMP_BYTES + 2 * 20 + 5
"""Most bytes of a row beside its words and texts: two numbers of a sign and 19 digits, commas."""

_COMMA, _NEWLINE, _MINUS, _ZERO = 44, 10, 45, 48
STAMP: Final = np.frombuffer(b"0000-00-00T00:00:00.000000Z", dtype=np.uint8)
_SECOND, _DAY = 1_000_000_000, 86400


# The digits of 0..99. Unsigned numbers, for numba divides signed ones as Python does, which takes
# longer.
_PAIRS: Final = np.frombuffer(b"".join(b"%02d" % i for i in range(100)), dtype=np.uint8)
_TEN, _HUNDRED, _THOUSAND = np.uint64(10), np.uint64(100), np.uint64(1000)


@compiled(inline=True)
def _two(out, at, number):  # type: ignore[no-untyped-def]
    """Write a number below 100."""
    pair = 2 * np.int64(number)
    out[at] = _PAIRS[pair]
    out[at + 1] = _PAIRS[pair + 1]


@compiled()
def _date(out, days):  # type: ignore[no-untyped-def]
    """Write the date so many days after 1970-01-01.

    In years of 400 that begin in March, after Hinnant, "chrono-compatible low-level date
    algorithms", `civil_from_days`.
    """
    shifted = days + 719468
    era = shifted // 146097
    of_era = shifted - era * 146097
    years = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = years + era * 400 + (1 if month <= 2 else 0)
    for at, number in ((0, year // 100), (2, year % 100), (5, month), (8, day)):
        _two(out, at, number)


@compiled(inline=True)
def _number(out, at, number):  # type: ignore[no-untyped-def]
    """Write an integer; return where it stops."""
    if number < 0:
        out[at] = _MINUS
        at += 1
        number = -number
    left = np.uint64(number)
    stop = at + 1
    power = _TEN
    while left >= power:
        stop += 1
        power *= _TEN
    i = stop
    while left >= _TEN:
        i -= 2
        rest = left // _HUNDRED
        _two(out, i, left - rest * _HUNDRED)
        left = rest
    if i > at:
        out[at] = _ZERO + np.int64(left)
    return stop


@compiled(inline=True)
def _copy(out, at, data, start, stop):  # type: ignore[no-untyped-def]
    """Copy data[start:stop]; return where it stops."""
    for i in range(stop - start):
        out[at + i] = data[start + i]
    return at + stop - start


@compiled()
def write(  # type: ignore[no-untyped-def]
    out, stamp, time, sequence, offset, devices, device_words, device_pool,
    statuses, status_words, status_pool, data, starts, lengths,
):  # fmt: skip
    """Write a row a reading into *out*, which is large enough; return the bytes written.

    Parameters
    ----------
    out : array of uint8
    stamp : array of uint8, shape (27,)
        A copy of `STAMP`, to write times into.
    time, sequence, offset : arrays of int64, shape (n,)
    devices, statuses : arrays of int32, shape (n,)
        Rows of the words; -1, the last row, is the empty one.
    device_words, status_words : arrays of int64, shape (n_words + 1, 3)
        Start and stop of each in its pool.
    data, starts, lengths : see `Texts`; no length is below 0
    """
    day = second = last = np.int64(-(2**63))
    at = 0
    for row in range(len(time)):
        if time[row] != last or row == 0:
            last = time[row]
            now = last // _SECOND
            if now != second:
                second = now
                today = now // _DAY
                if today != day:
                    day = today
                    _date(stamp, day)
                of_day = now - today * _DAY
                hour, minute = of_day // 3600, of_day // 60 % 60
                for place, number in ((11, hour), (14, minute), (17, of_day % 60)):
                    _two(stamp, place, number)
            micro = (last - now * _SECOND) // 1000
            for place, number in (
                (20, micro // 10000),
                (22, micro // 100 % 100),
                (24, micro % 100),
            ):
                _two(stamp, place, number)
        for i in range(STAMP_BYTES):
            out[at + i] = stamp[i]
        at += STAMP_BYTES
        out[at] = _COMMA
        word = devices[row]
        at = _copy(out, at + 1, device_pool, device_words[word, 0], device_words[word, 1])
        out[at] = _COMMA
        at += 1
        if sequence[row] != NO_SEQUENCE:
            at = _number(out, at, sequence[row])
        for channel in range(starts.shape[1]):
            out[at] = _COMMA
            start = starts[row, channel]
            at = _copy(out, at + 1, data, start, start + lengths[row, channel])
        out[at] = _COMMA
        word = statuses[row]
        at = _copy(out, at + 1, status_pool, status_words[word, 0], status_words[word, 1])
        out[at] = _COMMA
        at += 1
        if offset[row] != NO_OFFSET:
            at = _number(out, at, offset[row])
        out[at] = _NEWLINE
        at += 1
    return at
