r"""Kernel: how far the newest values of a channel are from any that came before in a row.

The distance of the newest m values from m others in a row is their root mean square difference,

.. math:: d_m(j)^2 = \frac{1}{m} \sum_{q=0}^{m-1} (x_{i-q} - x_{j-q})^2

and the nearest of the last N counts, those that overlap the newest left out. Values are compared
as they are: brought to one mean and spread (as matrix profiles do) they would hide a wrong level
or gain, which is what a faulty sensor has.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Values in a row that are compared. Three lengths, because each misses what another sees, and
# the mean of three depends less on their choice.
LENGTHS = (3, 4, 6)
SHORTEST, MIDDLE, LONGEST = LENGTHS

LANES = 256

# Squares of smaller differences lose digits, down to 1e-162, of which the square is 0; the
# largest has no square from 1e154 on.
SMALLEST_SQUARE = 1e-280
SMALLEST_VALUE = 1e-140
SMALLEST_SCALE = 1e-300

# Places in `at`: end of the values kept.
END = 0


def memory(recent: int) -> tuple[Floats, Floats, Ints, Floats]:
    """Return the empty memory of one channel: values, bars, place, lanes.

    Parameters
    ----------
    recent : int
        How many earlier subsequences are compared with.
    """
    kept = 2 * (recent + LONGEST)  # twice, so that what is kept moves down only now and then
    return (
        np.zeros(kept),
        np.zeros(kept),
        np.zeros(1, dtype=np.int64),
        np.empty((len(LENGTHS), LANES)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def nearest(
    value: float,
    learn: bool,
    values: Floats,
    bars: Floats,
    at: Ints,
    lanes: Floats,
    distances: Floats,
) -> None:  # pragma: no cover - compiled
    """Append a value; write the distance of the newest values to the nearest, one a length.

    Parameters
    ----------
    value : float
        Finite.
    learn : bool
        Whether later values may be compared with those that end here.
    values, bars, at, lanes
        See `memory`; `bars` is infinite where nothing may be compared.
    distances : array of float, shape (3,)
        In the unit of the values; NaN while there is nothing to compare with.
    """
    kept = len(values) // 2
    i = at[END]
    if i == len(values):
        for j in range(kept - 1):
            values[j] = values[j + i - kept + 1]
            bars[j] = bars[j + i - kept + 1]
        i = kept - 1
    values[i], bars[i] = value, 0.0 if learn else math.inf
    at[END] = i + 1
    low = max(LONGEST - 1, i - kept + LONGEST)
    _search(values, bars, i, low, 1.0, lanes, distances)
    size = 0.0
    for q in range(min(LONGEST, i + 1)):
        size = max(size, abs(values[i - q]))
    for k in range(len(LENGTHS)):
        best = distances[k]
        if best == math.inf or (best < SMALLEST_SQUARE and size < SMALLEST_VALUE):
            return _search_scaled(values, bars, i, low, lanes, distances)
    for k in range(len(LENGTHS)):
        distances[k] = math.sqrt(distances[k] / LENGTHS[k])
    return None


@njit(cache=True, nogil=True, error_model="numpy")
def _search_scaled(
    values: Floats, bars: Floats, i: int, low: int, lanes: Floats, distances: Floats
) -> None:  # pragma: no cover - compiled
    """Search anew with values brought to at most 1/4, where squares cannot overflow."""
    size = SMALLEST_SCALE
    for j in range(low - LONGEST + 1, i + 1):
        size = max(size, abs(values[j]))
    _search(values, bars, i, low, 0.25 / size, lanes, distances)
    for k in range(len(LENGTHS)):
        best = distances[k]
        # Still infinite: all there is to compare with is barred.
        distances[k] = math.nan if best == math.inf else math.sqrt(best / LENGTHS[k]) * 4.0 * size


@njit(cache=True, nogil=True, error_model="numpy")
def _search(
    values: Floats, bars: Floats, i: int, low: int, scale: float, lanes: Floats, distances: Floats
) -> None:  # pragma: no cover - compiled
    """Write the smallest sum of squares of each length, NaN where there is nothing to compare."""
    distances[:] = math.nan
    if i - SHORTEST < low:
        return
    lanes[:] = math.inf
    x0, x1, x2 = values[i] * scale, values[i - 1] * scale, values[i - 2] * scale
    x3, x4, x5 = values[i - 3] * scale, values[i - 4] * scale, values[i - 5] * scale
    last = i - LONGEST + 1  # of those that may be compared in all lengths, exclusive
    for start in range(low, last, LANES):
        stop = min(start + LANES, last)
        v0, v1, v2 = values[start:stop], values[start - 1 : stop - 1], values[start - 2 : stop - 2]
        v3, v4 = values[start - 3 : stop - 3], values[start - 4 : stop - 4]
        v5, bar = values[start - 5 : stop - 5], bars[start:stop]
        least0, least1, least2 = lanes[0], lanes[1], lanes[2]
        for k in range(stop - start):
            total = (x0 - v0[k] * scale) ** 2 + bar[k]
            total += (x1 - v1[k] * scale) ** 2
            total += (x2 - v2[k] * scale) ** 2
            least0[k] = total if total < least0[k] else least0[k]
            total += (x3 - v3[k] * scale) ** 2
            least1[k] = total if total < least1[k] else least1[k]
            total += (x4 - v4[k] * scale) ** 2
            total += (x5 - v5[k] * scale) ** 2
            least2[k] = total if total < least2[k] else least2[k]
    for j in range(max(low, last), i - SHORTEST + 1):  # too near for the longest
        total = bars[j]
        for q in range(MIDDLE):
            total += (values[i - q] * scale - values[j - q] * scale) ** 2
            if q == SHORTEST - 1:
                lanes[0, 0] = min(lanes[0, 0], total)
        if j <= i - MIDDLE:
            lanes[1, 0] = min(lanes[1, 0], total)
    for k in range(len(LENGTHS)):
        if i - LENGTHS[k] >= low:
            distances[k] = lanes[k].min()


def check(values: Floats, bars: Floats, at: Ints, lanes: Floats) -> None:  # noqa: ARG001
    """Raise ValueError if these arrays could lead the kernel out of them."""
    if not 0 <= at[END] <= len(values):
        raise ValueError("the end of the values lies outside them")
    if not np.isfinite(values).all() or np.isnan(bars).any():
        raise ValueError("a value is not finite")
