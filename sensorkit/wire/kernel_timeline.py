"""The compiled part of the timeline: frames that show nothing but their time.

It stops before a frame, or a read, that shows an event or a doubt; `Timeline` takes that one, and
the kernel goes on behind it. What it does take, it takes as `Timeline.place` would.
"""

from __future__ import annotations

from typing import Final

from sensorkit.readings import NO_SEQUENCE
from sensorkit.wire.columns import NO_UPTIME
from sensorkit.wire.compiling import compiled
from sensorkit.wire.timeline import LATE_FRAMES, LATEST, UNKNOWN

# Places in `state`.
HEARTBEAT, TIME, LAST_READ, SEQUENCE, UPTIME, BEFORE, DOUBTED, ZERO, IS_SILENT = range(9)

# Places in `at`: where to go on.
READ: Final = 0
ROW: Final = 1
LOOKED: Final = 2
"""1 when the read has been looked at for a silence before it."""

# Why it stopped.
DONE: Final = 0
SILENT: Final = 1
"""A heartbeat was missed before the read."""
SHOWS: Final = 2
"""The frame in ROW shows something."""


@compiled()
def follow(state, at, received, read, sequence, uptime, times):  # type: ignore[no-untyped-def]
    """Fill *times* from `at` on; return why it stopped, and where in *at*.

    Parameters
    ----------
    state : array of int64, shape (9,)
    at : array of int64, shape (3,)
    received : array of int64, shape (n_reads,)
    read, sequence, uptime : arrays of int64, shape (n,)
        As in `Columns`.
    times : array of int64, shape (n,)
    """
    heartbeat = state[HEARTBEAT]
    time, last_read = state[TIME], state[LAST_READ]
    row = at[ROW]
    why = DONE
    for r in range(at[READ], len(received)):
        got = received[r]
        if not at[LOOKED]:
            at[LOOKED] = 1
            if heartbeat != UNKNOWN and not state[IS_SILENT] and time != UNKNOWN:
                now = time + max(got - last_read, 0)
                if now - time > heartbeat:
                    at[READ] = r
                    why = SILENT
                    break
        while row < len(read) and read[row] == r:
            number, up = sequence[row], uptime[row]
            last, last_up = state[SEQUENCE], state[UPTIME]
            counts = number != NO_SEQUENCE and last != UNKNOWN
            late = (
                counts
                and number <= last
                and (
                    (number == last and up in (NO_UPTIME, last_up))
                    or (1 < number < last <= number + LATE_FRAMES)
                )
            )
            if not late:
                if state[DOUBTED] != UNKNOWN or (counts and number > last + 1):
                    why = SHOWS
                elif up != NO_UPTIME and last_up != UNKNOWN:
                    if up < last_up:
                        why = SHOWS
                elif counts and number <= last:
                    why = SHOWS
            if state[ZERO] == UNKNOWN:
                if up != NO_UPTIME:
                    zero = (got if time == UNKNOWN else max(got, time)) - up
                    new = zero + up
                else:
                    zero = UNKNOWN
                    new = got
            else:
                zero = state[ZERO]
                if up != NO_UPTIME:
                    new = zero + up if zero <= LATEST - up else LATEST + 1
                elif time == UNKNOWN:
                    new = got
                else:
                    new = time + max(got - last_read, 0)
            if time != UNKNOWN:
                if new < time:
                    new = time
                elif new > LATEST:
                    new = LATEST
                if heartbeat != UNKNOWN and (state[IS_SILENT] or new - time > heartbeat):
                    why = SHOWS
            if why != DONE:
                break
            if not late:
                if number != NO_SEQUENCE:
                    state[SEQUENCE] = number
                if up != NO_UPTIME:
                    state[BEFORE] = last_up
                    state[UPTIME] = up
            state[ZERO] = zero
            time, last_read = new, got
            times[row] = new
            row += 1
        if why != DONE:
            at[READ] = r
            break
        at[LOOKED] = 0
    state[TIME], state[LAST_READ] = time, last_read
    at[ROW] = row
    return why
