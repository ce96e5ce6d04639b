"""The compiled part of the window: lines go in and out, findings become issues."""

from __future__ import annotations

from typing import Any

from sensorkit.quality import layout as lay
from sensorkit.quality.compiling import LARGEST_NS, compiled


@compiled
def note(
    known: Any, out: Any, issues: Any, slot: int, first: int, last: int, offset: int, n: int
) -> None:
    """Take note of a finding: it continues an open issue of its slot, or begins one."""
    row = issues[slot]
    line = known[lay.LINES]
    known[lay.OPENED] = 1
    if row[lay.I_LINES] > 0 and line - row[lay.I_LAST_LINE] <= known[lay.MERGE]:
        row[lay.I_FIRST_TIME] = min(row[lay.I_FIRST_TIME], first)
        row[lay.I_LAST_TIME] = max(row[lay.I_LAST_TIME], last)
        row[lay.I_LAST_OFFSET] = offset
        row[lay.I_COUNT] += n
        if row[lay.I_LAST_LINE] != line:
            row[lay.I_LINES] += 1
        row[lay.I_LAST_LINE] = line
        return
    if row[lay.I_LINES] > 0:
        out[known[lay.ISSUES], :] = row
        known[lay.ISSUES] += 1
    row[lay.I_SLOT] = slot
    row[lay.I_FIRST_TIME] = first
    row[lay.I_LAST_TIME] = last
    row[lay.I_FIRST_OFFSET] = row[lay.I_LAST_OFFSET] = offset
    row[lay.I_COUNT] = n
    row[lay.I_LINES] = 1
    row[lay.I_FIRST_LINE] = row[lay.I_LAST_LINE] = line


@compiled
def give_up(known: Any, out: Any, issues: Any, offset: int) -> int:
    """Call missing what a gap left out and no burst has brought; return how many frames."""
    n = known[lay.PENDING]
    if n > 0:
        first, last = known[lay.PENDING_FROM], known[lay.PENDING_TO]
        note(known, out, issues, lay.MISSING, first, last, offset, n)
        known[lay.PENDING] = 0
    return int(n)


@compiled
def count(sums: Any, which: int, channel: int, mask: int, sign: int) -> None:
    """Add a value, or take it away."""
    for d in range(lay.N_DIMENSIONS):
        if mask & (1 << d):
            sums[which, d, channel] += sign
    if mask:
        sums[which, lay.ANY, channel] += sign


@compiled
def push(
    known: Any, ring: Any, masks: Any, sums: Any, mask: Any, time: int, slots: int, rejected: int
) -> None:
    """Let a line into the window, and the oldest one out."""
    n, channels = len(ring), masks.shape[1]
    at = known[lay.LINES] % n
    if known[lay.FILLED] == n:
        known[lay.SLOTS] -= ring[at, lay.R_SLOTS]
        known[lay.REJECTED] -= ring[at, lay.R_REJECTED]
        for c in range(channels):
            if masks[at, c]:
                count(sums, 0, c, masks[at, c], -1)
    else:
        known[lay.FILLED] += 1
    ring[at, lay.R_TIME] = time
    ring[at, lay.R_SLOTS] = slots
    ring[at, lay.R_REJECTED] = rejected
    for c in range(channels):
        masks[at, c] = mask[c]
        if mask[c]:
            count(sums, 0, c, mask[c], 1)
            count(sums, 1, c, mask[c], 1)
    known[lay.SLOTS] += slots
    known[lay.REJECTED] += rejected
    known[lay.ALL_SLOTS] += slots
    known[lay.ALL_REJECTED] += rejected
    known[lay.LINES] += 1


@compiled
def hand_out(known: Any, ring: Any, sums: Any, windows: Any, time: int) -> None:
    """Write down the window as it stands, if it is time."""
    if known[lay.EVERY_LINES] > 0:
        if known[lay.LINES] % known[lay.EVERY_LINES]:
            return
    elif known[lay.EVERY_NS] > 0:
        # Also when the clock was set back: else there would be none until it has caught up.
        since = known[lay.NEXT_NS] - known[lay.EVERY_NS]
        if known[lay.LINES] > 1 and since <= time < known[lay.NEXT_NS]:
            return
        due = time + known[lay.EVERY_NS]
        known[lay.NEXT_NS] = due if due > time else LARGEST_NS
    else:
        return
    row = windows[known[lay.WINDOWS]]
    known[lay.WINDOWS] += 1
    row[lay.W_START] = ring[(known[lay.LINES] - known[lay.FILLED]) % len(ring), lay.R_TIME]
    row[lay.W_END] = time
    row[lay.W_LINES] = known[lay.FILLED]
    row[lay.W_SLOTS] = known[lay.SLOTS] + known[lay.PENDING]
    row[lay.W_REJECTED] = known[lay.REJECTED]
    row[lay.W_LINE] = known[lay.LINES]
    at = lay.WINDOW_HEAD
    for d in range(sums.shape[1]):
        for c in range(sums.shape[2]):
            row[at] = sums[0, d, c]
            at += 1


@compiled
def reject(
    known: Any,
    ring: Any,
    masks: Any,
    sums: Any,
    mask: Any,
    issues: Any,
    out: Any,
    windows: Any,
    line: Any,
) -> None:
    """Take a line that was no reading: time, offset, reason."""
    for c in range(len(mask)):
        mask[c] = 1 << lay.VALIDITY
    time = line[1]
    note(known, out, issues, lay.FIRST_REASON + line[3], time, time, line[2], 1)
    known[lay.REJECTED_SINCE] += 1
    push(known, ring, masks, sums, mask, time, 1, 1)
    hand_out(known, ring, sums, windows, time)
