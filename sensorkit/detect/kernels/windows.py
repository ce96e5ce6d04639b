"""The trailing window of a channel: values go in one by one, its moments come out."""

# The kernels work on a channel's row of a state of shape (channels, NUMBERS + 4 window); what it
# is and why it is right is told in `sensorkit.detect.kernels.rolling.Trailing`. The row is named
# by its index, because numba counts the references to every slice of an array.

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.lanes import inlined, kernel

Floats = NDArray[np.float64]

# Squares outside of these bounds may have lost digits to underflow, or overflowed.
SMALLEST_SQUARE = 1e-200
LARGEST_SQUARE = 1e200

# Above this, a difference of two values may overflow; of their quarters it cannot.
LARGE_VALUE = 1e300

# Where the numbers of a channel stand in its row of the state; behind them come, each as long as
# the window: the last whole block, the block that is being filled, and the sums of the ends of
# the last whole block, of deviations and of their squares.
PLACE, FULL, RUN, PIVOT, SUM, SQUARES, FLOOR, NUMBERS = range(8)


@inlined
def push(x: float, state: Floats, c: int) -> None:  # pragma: no cover - compiled
    """Move the window of channel *c* on by a finite value."""
    window = (state.shape[1] - NUMBERS) // 4
    place = int(state[c, PLACE])
    filled = NUMBERS + window
    if not place and not state[c, FULL]:
        state[c, PIVOT] = x
    # At the start of a block this is the end of the one before; before the first value, where
    # no run has begun, either way leads to a run of 1.
    state[c, RUN] = state[c, RUN] + 1.0 if x == state[c, filled + place - 1] else 1.0
    d = x - state[c, PIVOT]
    state[c, SUM] += d
    state[c, SQUARES] += d * d
    state[c, filled + place] = x
    state[c, PLACE] = place + 1.0
    if place + 1 == window:
        for j in range(window):
            state[c, NUMBERS + j] = state[c, filled + j]
        sum_ends(state, c)


@kernel
def sum_ends(state: Floats, c: int) -> None:  # pragma: no cover - compiled
    """Sum up the ends of the last whole block; the next one is empty."""
    window = (state.shape[1] - NUMBERS) // 4
    sums, squares = NUMBERS + 2 * window, NUMBERS + 3 * window
    pivot = state[c, NUMBERS + window - 1]
    a = b = 0.0
    for j in range(window - 1, -1, -1):
        d = state[c, NUMBERS + j] - pivot
        a += d
        b += d * d
        state[c, sums + j] = a
        state[c, squares + j] = b
    state[c, PIVOT] = pivot
    state[c, SUM] = state[c, SQUARES] = state[c, PLACE] = 0.0
    state[c, FULL] = 1.0


@inlined
def measure(
    x: float, state: Floats, c: int
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return score, departure and spread of a finite value behind the window of channel *c*."""
    window = (state.shape[1] - NUMBERS) // 4
    place = int(state[c, PLACE])
    n, a, b = float(place), state[c, SUM], state[c, SQUARES]
    if state[c, FULL]:
        n = float(window)
        a += state[c, NUMBERS + 2 * window + place]
        b += state[c, NUMBERS + 3 * window + place]
    d = x - state[c, PIVOT]
    smallest = n * state[c, FLOOR]
    smallest *= smallest
    variance = n * b - a * a
    variance = smallest if variance < smallest else variance
    away = n * d - a
    root = math.sqrt(variance)
    z = abs(away) / root
    if SMALLEST_SQUARE < variance < LARGEST_SQUARE and z < LARGEST_SQUARE:
        return z, away / n, root / n
    return _measure_anew(x, state, c)


@kernel
def _measure_anew(
    x: float, state: Floats, c: int
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return what `measure` does, whatever the size of the values."""
    window = (state.shape[1] - NUMBERS) // 4
    # In the order of time; before the first block is whole there is only the one being filled.
    end = NUMBERS + window + int(state[c, PLACE])
    first = end - window if state[c, FULL] else NUMBERS + window
    n = end - first
    pivot = state[c, end - 1]
    flat = state[c, RUN] >= n
    largest = max(abs(x), abs(pivot))
    if not flat:
        for j in range(first, end):
            largest = max(largest, abs(state[c, j]))
    part = 0.25 if largest > LARGE_VALUE else 1.0
    departure, spread, scale = x * part - pivot * part, 0.0, 0.0
    if not flat:
        for j in range(first, end):
            scale = max(scale, abs(state[c, j] * part - pivot * part))
    if scale > 0.0:
        mean = square = 0.0
        for j in range(first, end):
            mean += (state[c, j] * part - pivot * part) / scale / n
        for j in range(first, end):
            d = (state[c, j] * part - pivot * part) / scale - mean
            square += d * d / n
        departure, spread = departure / scale - mean, math.sqrt(square)
    else:
        scale = 1.0
    spread = max(spread, state[c, FLOOR] * part / scale)
    z = abs(departure) / spread if departure else 0.0
    return z, departure * scale / part, spread * scale / part
