"""Where rejected lines and events stand among the readings, as the kernel takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.quality import layout
from sensorkit.quality.checks import DIMENSIONS, EVENTS, NO_FRAMES, REASONS
from sensorkit.quality.follower import NO_LINES
from sensorkit.readings import Event, Readings, Rejection

EVENT_SLOTS = {check.name: layout.CLOCK_STEP + i for i, check in enumerate(EVENTS)}
EVENT_BITS = {
    check.name: -1 if check.name == "overrun" else DIMENSIONS.index(check.dimension)
    for check in EVENTS
}
"""What an event flaws in the next reading. Not an overrun: what it cost is seen in the lines."""
REASON_CODES = {reason: i for i, reason in enumerate(REASONS)}


def lines_of(rejections: Iterable[Rejection]) -> NDArray[np.int64]:
    """Return rejected lines as the kernel takes them, by where they stood."""
    rows = [
        (0, one.time, one.offset, REASON_CODES[one.reason])
        for one in rejections
        if one.reason not in NO_FRAMES
    ]
    if not rows:
        return NO_LINES
    found = np.array(rows, dtype=np.int64)
    return found[np.argsort(found[:, 2], kind="stable")]


def placed(lines: NDArray[np.int64], part: Readings) -> NDArray[np.int64]:
    """Return *lines* with the row that each came before."""
    if len(lines):
        lines[:, 0] = rows_of(lines[:, 2], lines[:, 1], part)
    return lines


def rows_of(
    offset: NDArray[np.int64], time: NDArray[np.int64], part: Readings
) -> NDArray[np.int64]:
    """Return the rows of the readings that come after these places; by time without places."""
    if len(part) and part.offset[0] >= 0:
        rows = np.searchsorted(part.offset, offset, side="left")
    else:
        rows = np.searchsorted(np.maximum.accumulate(part.time), time, side="left")
    return rows.astype(np.int64)


def placed_events(events: Sequence[Event], part: Readings) -> NDArray[np.int64]:
    """Return the events that count as the kernel takes them."""
    rows = [
        (0, one.time, one.offset, EVENT_SLOTS[one.kind], EVENT_BITS[one.kind]) for one in events
    ]
    found = np.array(rows, dtype=np.int64)
    found[:, 0] = rows_of(found[:, 2], found[:, 1], part)
    return found[np.argsort(found[:, 0], kind="stable")]
