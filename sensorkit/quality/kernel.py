"""The compiled walk over the lines of a device: each value is flawless, or flawed in what.

One line after the other, all that is known of the past in arrays: what comes out cannot depend on
how the lines were cut into batches. All counts are integers, so that sums do not depend on it
either.
"""

from __future__ import annotations

import math
from typing import Any

from sensorkit.quality import layout as lay
from sensorkit.quality.compiling import compiled, passed
from sensorkit.quality.kernel_expected import as_expected
from sensorkit.quality.kernel_window import give_up, hand_out, note, push, reject


@compiled
def learn(known: Any, steps: Any, step: int) -> None:
    """Learn the period from the first steps: their median."""
    steps[known[lay.LEARNED]] = step
    known[lay.LEARNED] += 1
    if known[lay.LEARNED] == lay.LEARN:
        for i in range(1, lay.LEARN):  # sorted by insertion
            value, j = steps[i], i
            while j > 0 and steps[j - 1] > value:
                steps[j] = steps[j - 1]
                j -= 1
            steps[j] = value
        known[lay.PERIOD] = steps[lay.LEARN // 2]
        late = lay.LATE_PERIODS * known[lay.PERIOD]
        known[lay.LATE_NS] = int(min(late, 4e18)) + lay.SPREAD_NS


@compiled
def same_as_last(values: Any, i: int, lasts: Any) -> bool:
    """Return whether a frame has the very values of the one before."""
    for c in range(len(values)):
        v = values[c, i]
        if v != lasts[c] and not (math.isnan(v) and math.isnan(lasts[c])):
            return False
    return True


@compiled
def walk(
    known: Any,
    ring: Any,
    masks: Any,
    sums: Any,
    mask: Any,
    recent: Any,
    steps: Any,
    runs: Any,
    held: Any,
    spec: Any,
    limits: Any,
    allowed: Any,
    remembered: Any,
    lasts: Any,
    seen: Any,
    tally: Any,
    issues: Any,
    out: Any,
    windows: Any,
    time: Any,
    values: Any,
    sequence: Any,
    offset: Any,
    status: Any,
    words: Any,
    rejected: Any,
    events: Any,
) -> bool:
    """Judge readings, rejected lines and events in the order in which they came.

    Parameters
    ----------
    known, ring, masks, sums, mask, recent, steps : arrays
        What is remembered: `layout`; the window; its flaws; scratch; last counters; first steps.
    runs : array of int64, shape (2, n_channels)
        Readings with one value, and how many are healthy (0: any number).
    held : array of float64, shape (4, n_channels)
        Last value, lowest and highest plausible one, value of the last frame.
    spec, limits, allowed, remembered, lasts, seen, tally : arrays
        The expectations and what is remembered of each.
    issues : array of int64, shape (n_slots, ISSUE)
        The open ones.
    out, windows : arrays of int64
        Issues that are over and windows that are due are written there.
    time, values, sequence, offset : arrays
        The readings of one device; `values` has a row a channel.
    status : array of int8, shape (n,)
        Code of the status word, less than -1 where it is none of the profile's.
    words : array of int8, shape (n, n_status_expectations)
        1 or 0 where the status word is or is not one of those expected; -1 without one.
    rejected : array of int64, shape (n_rejected, 4)
        Row that the line came before, time, offset, reason.
    events : array of int64, shape (n_events, 5)
        Row that it came before, time, offset, slot, dimension or -1.

    Returns
    -------
    bool
        Whether all was judged; else *out* or *windows* is full, and it goes on when called again.
    """
    channels, n = values.shape
    n_expected = len(spec)
    first_channel = len(issues) - n_expected - lay.PER_CHANNEL * channels
    first_expected = len(issues) - n_expected
    i, r, v_at = known[lay.ROW], known[lay.AT_REJECTED], known[lay.AT_EVENT]
    known[lay.ISSUES] = known[lay.WINDOWS] = 0
    while True:
        if known[lay.ISSUES] + len(issues) > len(out) or known[lay.WINDOWS] + 1 > len(windows):
            known[lay.ROW], known[lay.AT_REJECTED], known[lay.AT_EVENT] = i, r, v_at
            return False
        # What came before the next reading. An event goes first: it says what the lines show.
        if v_at < len(events) and events[v_at, 0] <= i:
            if r < len(rejected) and rejected[r, 0] <= i and rejected[r, 2] < events[v_at, 2]:
                reject(known, ring, masks, sums, mask, issues, out, windows, rejected[r])
                r += 1
                continue
            event = events[v_at]
            v_at += 1
            if event[3] == lay.RESTART and known[lay.LAST_SEQUENCE] >= 0:
                continue  # the counter tells
            note(known, out, issues, event[3], event[1], event[1], event[2], 1)
            if event[4] >= 0:
                known[lay.EVENT_BITS] |= 1 << event[4]
            continue
        if r < len(rejected) and rejected[r, 0] <= i:
            reject(known, ring, masks, sums, mask, issues, out, windows, rejected[r])
            r += 1
            continue
        if i >= n:
            break
        t, s, at = time[i], sequence[i], offset[i]
        known[lay.LAST_OFFSET] = at
        whole = known[lay.EVENT_BITS]  # flaws of all values of the frame
        known[lay.EVENT_BITS] = 0
        extra = 0  # frames that should have come before this one

        # The counter of the device.
        last, lost = known[lay.LAST_SEQUENCE], 0
        twice = late_frame = anew = False
        if s >= 0:
            if last >= 0 and s <= last:
                if s == last:
                    twice = True
                elif s > 1 and last - s <= lay.RECENT:
                    for k in range(lay.RECENT):
                        twice = twice or recent[k] == s
                    late_frame = not twice
                elif not (s == 0 and (last == 255 or last == 65535 or last == 4294967295)):
                    anew = True
            elif last >= 0 and s > last + 1:
                lost = s - last - 1
            if not (twice or late_frame):
                known[lay.LAST_SEQUENCE] = s
            if anew:
                for k in range(lay.RECENT):
                    recent[k] = -1
                whole |= 1 << lay.CONSISTENCY
                note(known, out, issues, lay.RESET, t, t, at, 1)
            if not twice:
                recent[known[lay.RECENT_AT]] = s
                known[lay.RECENT_AT] = (known[lay.RECENT_AT] + 1) % lay.RECENT
            if late_frame:
                whole |= 1 << lay.CONSISTENCY
                note(known, out, issues, lay.ORDER, t, t, at, 1)

        # The time.
        before, step = known[lay.LAST_TIME], 0
        gap = 0
        period = known[lay.PERIOD]
        if known[lay.HAS_TIME] and not twice:
            step = passed(before, t)
            if step < 0:
                whole |= 1 << lay.CONSISTENCY
                note(known, out, issues, lay.BACKWARDS, t, before, at, 1)
            elif step == 0 and at < 0:
                # Frames of one read share its time; a table that states times has no reads.
                whole |= 1 << lay.UNIQUENESS
                note(known, out, issues, lay.SAME_TIME, t, t, at, 1)
            elif period > 0:
                soon = step < lay.EARLY_PERIODS * period
                if (
                    s < 0
                    and at >= 0
                    and step < lay.REPEAT_PERIODS * period
                    and known[lay.PENDING] == 0
                    and period > 2 * lay.SPREAD_NS
                    and (status[i] == known[lay.LAST_STATUS] and same_as_last(values, i, held[3]))
                ):
                    twice = True
                elif step > known[lay.LATE_NS]:
                    gap = int(min(round(step / period), 4e15)) - 1
                    # Frames that the counter skipped, or lines that were rejected, took their time.
                    between = lost if s > last >= 0 else known[lay.REJECTED_SINCE]
                    if step - min(between, gap) * period > known[lay.LATE_NS]:
                        whole |= 1 << lay.TIMELINESS
                        note(known, out, issues, lay.LATE, before, t, at, 1)
                elif soon and known[lay.PENDING] > 0:
                    known[lay.PENDING] -= 1  # held up on the way, not lost
                    whole |= 1 << lay.TIMELINESS
                    note(known, out, issues, lay.LATE, t, t, at, 1)
                else:
                    extra += give_up(known, out, issues, at)
            elif step > 0:
                learn(known, steps, step)
        if twice:
            whole |= 1 << lay.UNIQUENESS
            note(known, out, issues, lay.DUPLICATE, t, t, at, 1)
            whole = 1 << lay.UNIQUENESS  # what it says has been judged
        else:
            known[lay.LAST_TIME] = t
            known[lay.HAS_TIME] = 1
            if gap > 0 or lost > 0 or step < 0:
                extra += give_up(known, out, issues, at)
            if lost > 0:
                room = lay.FAR_FRAMES
                if period > 0 and step >= 0 and before != t:
                    room = int(min(2.0 * step / period, 4e15)) + lay.RECENT
                if lost > room:
                    whole |= 1 << lay.CONSISTENCY
                    note(known, out, issues, lay.JUMP, t, t, at, 1)
                    lost = 0
            broken = known[lay.REJECTED_SINCE]
            known[lay.REJECTED_SINCE] = 0
            if lost > broken:
                extra += lost - broken
                note(
                    known,
                    out,
                    issues,
                    lay.MISSING,
                    before if known[lay.LINES] else t,
                    t,
                    at,
                    lost - broken,
                )
            # A line that was rejected has come: it is invalid, not missing.
            known[lay.PENDING] += max(gap - max(lost, broken), 0) if gap > 0 else 0
            if gap > 0:
                known[lay.PENDING_FROM], known[lay.PENDING_TO] = before, t

        if status[i] < -1 and not twice:
            whole |= 1 << lay.VALIDITY
            note(known, out, issues, lay.STATUS, t, t, at, 1)
        known[lay.LAST_STATUS] = status[i]

        # The values.
        for c in range(channels):
            mask[c] = whole
            v = values[c, i]
            held[3, c] = v
            if twice:
                continue
            slot = first_channel + lay.PER_CHANNEL * c
            if math.isnan(v):
                mask[c] |= 1 << lay.COMPLETENESS
                note(known, out, issues, slot + lay.ABSENT, t, t, at, 1)
            elif not held[1, c] <= v <= held[2, c]:
                mask[c] |= 1 << lay.VALIDITY
                note(known, out, issues, slot + lay.IMPLAUSIBLE, t, t, at, 1)
            else:
                runs[0, c] = runs[0, c] + 1 if v == held[0, c] else 1
                held[0, c] = v
                if 0 < runs[1, c] < runs[0, c]:
                    mask[c] |= 1 << lay.CONSISTENCY
                    note(known, out, issues, slot + lay.STUCK, t, t, at, 1)
        if not twice:
            for e in range(n_expected):
                kind, c = spec[e, lay.E_KIND], spec[e, lay.E_COLUMN]
                if kind == lay.STATUS_ONE_OF:
                    ok = int(words[i, c])
                    dimension, first, stop = lay.VALIDITY, 0, channels
                else:
                    v, other = values[c, i], math.nan
                    if (
                        kind > lay.ONE_OF
                        and kind != lay.NOT_NULL
                        and not held[1, c] <= v <= held[2, c]
                    ):
                        continue  # no value the sensor can say, and told as that
                    if kind >= lay.GE:
                        k = spec[e, lay.E_OTHER]
                        if held[1, k] <= values[k, i] <= held[2, k]:
                            other = values[k, i]
                    ok = as_expected(spec, limits, allowed, remembered, lasts, seen, e, t, v, other)
                    dimension = lay.CONSISTENCY
                    if kind == lay.BETWEEN or kind == lay.ONE_OF:
                        dimension = lay.VALIDITY
                    elif kind == lay.NOT_NULL:
                        dimension = lay.COMPLETENESS
                    elif kind == lay.UNIQUE:
                        dimension = lay.UNIQUENESS
                    first, stop = c, c + 1
                if ok < 0:
                    continue
                tally[e, lay.JUDGED] += 1
                tally[e, lay.HELD] += ok
                if ok:
                    continue
                note(known, out, issues, first_expected + e, t, t, at, 1)
                for k in range(first, stop):
                    mask[k] |= 1 << dimension
                if kind >= lay.GE:
                    mask[spec[e, lay.E_OTHER]] |= 1 << dimension

        known[lay.ALL_READINGS] += 1
        push(known, ring, masks, sums, mask, t, 1 + extra, 0)
        hand_out(known, ring, sums, windows, t)
        i += 1
    known[lay.ROW] = known[lay.AT_REJECTED] = known[lay.AT_EVENT] = 0
    return True
