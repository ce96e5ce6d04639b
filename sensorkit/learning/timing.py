"""How often a device speaks, and how long it may be silent."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile.rules import Positive

NS = 1e9
USUAL = (0.5, 1.5)
"""An interval of so many medians is one between two readings in a row."""
BATCHED_SHARE = 0.1
"""With more equal times than this, frames come several a read: only their number tells the rate."""
MOST_STEPS = 8
"""A longer gap counts as so many readings: a break is not filled up."""
EVEN_WITHIN = 1e-3
"""A rate this near to a round one is taken for it: clocks of devices are not better."""

HEARTBEAT_LONGEST = 2.0
"""A silence of so many times the longest healthy one is none."""
HEARTBEAT_MEDIANS = 5.0
"""Nor is one of so many usual intervals."""
BREAK_MEDIANS = 20.0
BREAK_SHARE = 1e-3
"""Longer intervals are breaks of the recording if they are so rare (or a single one)."""

SLOWEST_HZ, FASTEST_HZ = 1e-6, 1e6
"""What an emulated device can do."""


class Timing(NamedTuple):
    """When the readings of one device came."""

    rate_hz: float | None
    """None where the times do not tell."""
    positions: NDArray[np.int64]
    """Where each reading stands on an even grid, from 0."""
    heartbeat_s: Positive | None
    longest_s: float
    """Longest interval that is no break."""
    intervals: int
    """How many the rate comes from."""
    breaks: int
    batched: bool

    @property
    def size(self) -> int:
        """Return the length of the grid."""
        return int(self.positions[-1]) + 1 if len(self.positions) else 0


def timing(times: NDArray[np.int64]) -> Timing:
    """Return the timing of readings at *times*, nanoseconds.

    Examples
    --------
    >>> found = timing(np.array([0, 1, 2, 4, 5, 6]) * 500_000_000)
    >>> found.rate_hz, found.positions.tolist(), found.heartbeat_s
    (2.0, [0, 1, 2, 4, 5, 6], 2.5)
    """
    order = np.arange(len(times), dtype=np.int64)
    steps = np.diff(times).astype(np.float64) / NS
    forward = steps[steps > 0]
    if not len(forward):
        return Timing(None, order, None, 0.0, 0, 0, False)
    batched = len(steps) - len(forward) > BATCHED_SHARE * len(steps)
    median = float(np.median(forward))
    breaks = forward > BREAK_MEDIANS * median
    if breaks.sum() > max(1.0, BREAK_SHARE * len(forward)):
        breaks[:] = False
    going = forward[~breaks]
    longest = float(going.max(initial=median))
    heartbeat = max(HEARTBEAT_LONGEST * longest, HEARTBEAT_MEDIANS * median)
    if batched:
        period = float(going.sum()) / max(len(steps) - int(breaks.sum()), 1)
        positions = order
    else:
        usual = going[(going >= USUAL[0] * median) & (going <= USUAL[1] * median)]
        period = float(usual.mean()) if len(usual) else median
        counts = np.clip(np.rint(steps / period), 1, MOST_STEPS).astype(np.int64)
        positions = np.concatenate([[0], np.cumsum(counts)])
    rate = min(max(1 / period, SLOWEST_HZ), FASTEST_HZ)
    return Timing(
        even(rate),
        positions,
        rounded_up(heartbeat),
        longest,
        len(forward),
        int(breaks.sum()),
        batched,
    )


def even(rate: float) -> float:
    """Return the round rate, or that of a round period, near *rate*; else *rate* with 6 digits.

    >>> even(1.0004), even(0.03333), even(7.13)
    (1.0, 0.03333333333333333, 7.13)
    """
    for digits in (1, 2):
        for near in (_digits(rate, digits), 1 / _digits(1 / rate, digits)):
            if abs(near / rate - 1) < EVEN_WITHIN:
                return near
    return _digits(rate, 6)


def rounded_up(seconds: float) -> float:
    """Return *seconds* with two digits, not less.

    >>> rounded_up(2.5), rounded_up(10.01), rounded_up(0.0234)
    (2.5, 11.0, 0.024)
    """
    size = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return _digits(math.ceil(round(seconds / size, 6)) * size, 2)


def _digits(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")
