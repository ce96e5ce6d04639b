"""The compiled walk over a block of bytes: lines, and what the usual ones among them say.

One function for all profiles: what follows what stands in the tables of `usual_line`. A line that
is not exactly the usual one is listed, not judged; the codec judges it. Nothing here allocates.
"""

from __future__ import annotations

import numpy as np

from sensorkit.wire.compiling import compiled
from sensorkit.wire.grammar import MAX_UPTIME_S
from sensorkit.wire.kernel_layout import (
    AT_READ,
    BYTES,
    CHECKED,
    COMMENT,
    DEMANDED,
    DEVICE,
    DIGITS,
    END,
    FOLLOWS,
    KEYED,
    KIND,
    LAST_DEVICE,
    LAST_WORD,
    LENGTH,
    LIMIT,
    NONE,
    ODD,
    OVERLONG,
    PASSED_OVER,
    PASSING_OVER,
    POSITION,
    READ,
    REQUIRED,
    SEPARATOR,
    SEQUENCE,
    SIGNED,
    START,
    STATUS,
    TERMINATORS,
    UNCHECKED,
    UNUSUAL,
    UPTIME,
)
from sensorkit.wire.kernel_text import decimal, find, quotient, same, sum_is_right, word

_LF, _CR = 10, 13


@compiled(inline=True)
def _usual(  # type: ignore[no-untyped-def]
    data, begin, fields, pool, missing, words, devices, absent, low, high, setup, state,
    row, facts, values, starts, lengths,
):  # fmt: skip
    """Read the usual line that begins at *begin* into *row*; return where its text stops, or -1."""
    n_fields = len(fields)
    stop_sign = pool[setup[SEPARATOR]]
    separator = setup[SEPARATOR + 1] - setup[SEPARATOR]
    digits = setup[DIGITS]
    if setup[COMMENT + 1] > setup[COMMENT] and same(
        data, begin, pool, setup[COMMENT], setup[COMMENT + 1]
    ):
        return -1
    facts[SEQUENCE, row] = NONE
    facts[UPTIME, row] = NONE
    facts[STATUS, row] = NONE
    facts[DEVICE, row] = NONE
    for i in range(len(absent)):
        values[absent[i], row] = np.nan
        starts[row, absent[i]] = 0
        lengths[row, absent[i]] = 0
    at = begin
    before = n_fields
    seen = 0
    solid = setup[KEYED] != 0  # something else than blanks
    while True:
        field = state[FOLLOWS + before]
        if field == n_fields or not same(data, at, pool, fields[field, 3], fields[field, 4]):
            field = 0
            while field < n_fields and not (
                setup[KEYED] and same(data, at, pool, fields[field, 3], fields[field, 4])
            ):
                field += 1
            if field == n_fields:
                return -1
            state[FOLLOWS + before] = field
        bit = 1 << field
        if seen & bit:
            return -1
        seen |= bit
        start = at + fields[field, 4] - fields[field, 3]
        at = start
        kind = fields[field, 0]
        if kind <= 2:  # a number of some kind
            stop, number, power, negative = decimal(data, start)
            if stop < 0:
                stop = start
                while 32 <= data[stop] <= 126 and data[stop] != stop_sign:
                    if digits and data[stop] == 42:
                        break
                    stop += 1
                known = stop == start and not fields[field, 2]
                if kind == 0 and not known:
                    for i in range(len(missing)):
                        if missing[i, 1] - missing[i, 0] == stop - start and same(
                            data, start, pool, missing[i, 0], missing[i, 1]
                        ):
                            known = True
                            break
                if not known:
                    return -1
                if stop > start:
                    solid = True
                at = stop
                if kind == 0:
                    channel = fields[field, 1]
                    values[channel, row] = np.nan
                    starts[row, channel] = start
                    lengths[row, channel] = 0
            else:
                at = stop
                solid = True
                if kind == 0:
                    channel = fields[field, 1]
                    value = quotient(number, power)
                    if negative:
                        value = -value
                    if value < low[channel] or value > high[channel]:
                        return -1
                    values[channel, row] = value
                    starts[row, channel] = start
                    lengths[row, channel] = stop - start
                elif kind == 1:
                    if power or negative:
                        return -1
                    facts[SEQUENCE, row] = number
                else:
                    value = quotient(number, power)
                    if (negative and value != 0.0) or value > MAX_UPTIME_S:
                        return -1
                    # As `timeline` rounds it: to whole microseconds, halves to even.
                    facts[UPTIME, row] = np.int64(np.rint(value * 1e6)) * 1000
        else:
            stop = start
            while 32 <= data[stop] <= 126 and data[stop] != stop_sign:
                if digits and data[stop] == 42:
                    break
                stop += 1
            at = stop
            if kind == 3:
                if len(words) == 0:
                    return -1
                code = word(data, start, stop, pool, words, state[LAST_WORD])
                if code < 0 or stop == start:
                    return -1
                state[LAST_WORD] = code
                facts[STATUS, row] = code
                solid = True
            elif kind == 5:
                if len(devices) == 0:
                    return -1
                code = word(data, start, stop, pool, devices, state[LAST_DEVICE])
                if code < 0:
                    return -1
                state[LAST_DEVICE] = code
                facts[DEVICE, row] = code
                solid = True
        if not same(data, at, pool, setup[SEPARATOR], setup[SEPARATOR + 1]):
            break
        at += separator
        before = field
    if (seen & setup[REQUIRED]) != setup[REQUIRED] or not solid:
        return -1
    facts[KIND, row] = UNCHECKED
    if digits and data[at] == 42:
        if not sum_is_right(data, begin, at, digits):
            return -1
        facts[KIND, row] = CHECKED
        at += 1 + digits
    elif setup[DEMANDED]:
        return -1
    return at


@compiled()
def decode(  # type: ignore[no-untyped-def]
    data, ends, fields, pool, missing, words, devices, absent, low, high, setup, state,
    facts, values, starts, lengths,
):  # fmt: skip
    """Walk over *data* from state[POSITION] until its end or until the rows are full.

    Parameters
    ----------
    data : array of uint8, shape (n + 1,)
        A line end follows the n bytes, so that no loop has to look for the end of the array.
    ends : array of int64, shape (n_reads,)
        Where each read ends in *data*.
    fields, pool, missing, words, devices, absent : see `usual_line.Table`
    low, high : arrays of float64, shape (n_channels,)
        A value beyond them makes the line unusual.
    setup, state : arrays of int64
    facts, values, starts, lengths : arrays to fill
        Shapes (N_FACTS, n_rows), (n_channels, n_rows), (n_rows, n_channels), the same.

    Returns
    -------
    lines : int
        How many rows are filled; in their order on the wire.
    """
    n = len(data) - 1
    end_byte, limit = setup[END], setup[LIMIT]
    takes_cr = end_byte == _LF
    at, read = state[POSITION], state[AT_READ]
    rows = 0
    state[ODD] = state[SIGNED] = state[BYTES] = 0
    if state[PASSING_OVER]:
        end = find(data, at, n, end_byte)
        state[PASSED_OVER] += end - at
        at = end
        if end < n:
            state[TERMINATORS] += 1
            state[PASSING_OVER] = 0
            at += 1
    while at < n and rows < facts.shape[1]:
        stop = _usual(
            data, at, fields, pool, missing, words, devices, absent, low, high, setup, state,
            rows, facts, values, starts, lengths,
        )  # fmt: skip
        end = stop
        if stop >= 0:
            if takes_cr and data[stop] == _CR and stop < n:
                end = stop + 1
            if data[end] != end_byte:
                stop = -1
        if stop < 0:
            end = find(data, at, n, end_byte)
            stop = end
            if takes_cr and end > at and data[end - 1] == _CR:
                stop = end - 1
            facts[KIND, rows] = UNUSUAL
        if end - at > limit:
            state[PASSED_OVER] += end - at - limit
            stop = at + limit
            facts[KIND, rows] = OVERLONG
        elif end == n:
            break
        else:
            state[TERMINATORS] += end + 1 - stop
        shown = stop if facts[KIND, rows] == OVERLONG else end
        while ends[read] <= shown and read + 1 < len(ends):
            read += 1
        facts[START, rows] = at
        facts[LENGTH, rows] = stop - at
        facts[READ, rows] = read
        kind = facts[KIND, rows]
        if kind >= UNUSUAL:
            state[ODD] += 1
        else:
            state[SIGNED] += kind
            state[BYTES] += stop - at
        rows += 1
        at = end
        if end == n:
            state[PASSING_OVER] = 1
            break
        if kind == OVERLONG:
            state[TERMINATORS] += 1
        at += 1
    state[POSITION] = at
    state[AT_READ] = read
    return rows
