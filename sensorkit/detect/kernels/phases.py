r"""Kernel: how far the newest values of a channel are from those at the same time on other days.

A day is cut into slots as long as the typical interval between readings, 288 (5 minutes) at
most; the value of a slot is the mean of its readings. The last m slots are compared with those
d days before, for d = 1..D and up to two slots sooner or later, by their root mean square
difference; the nearest counts. At least three in four of the m pairs must have values. Slots lie
in time, so that a gap shifts nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_NS = 86_400_000_000_000
MOST_SLOTS_A_DAY = 288

# Slots in a row that are compared: 80 minutes to 2 hours 40 minutes where they last 5 minutes.
LENGTHS = (16, 24, 32)
SHORTEST, MIDDLE, LONGEST = LENGTHS
TOLERANCE = 2
LEAST_PAIRS = 0.75

# So many positive steps in time tell the interval between readings; until then readings wait,
# at most so many (several may share a time).
STEPS_WANTED = 50
MOST_WAITING = 256

# A slot is judged from so much of its usual number of readings on: a mean of few is noise.
LEAST_READINGS = 0.5

SMALLEST_SQUARE = 1e-280
SMALLEST_VALUE = 1e-140
SMALLEST_SCALE = 1e-300

# Places in `at`: readings waiting, steps seen, time of the last reading, length of a slot in
# nanoseconds (0: not known yet), slots a day, number of the newest slot since 1970, readings in
# it, usual number of readings a slot (at least 1).
WAITING, STEPS, LAST, SLOT_NS, A_DAY, NEWEST, READINGS, USUAL = range(8)
PLACES = 8

# Rows of `slots`: value; the same, but NaN where it was not to be learned.
VALUE, KNOWN = 0, 1


def memory(days: int) -> tuple[Floats, Floats, Ints, Ints]:
    """Return the empty memory of one channel: slots, waiting values, their times and steps, place.

    Parameters
    ----------
    days : int
        How many days are compared with.
    """
    kept = days * MOST_SLOTS_A_DAY + LONGEST + 2 * TOLERANCE
    return (
        np.full((2, 2 * kept), np.nan),  # a ring laid twice, so that no slot lies across its end
        np.zeros((2, MOST_WAITING)),
        np.zeros((2, MOST_WAITING), dtype=np.int64),
        np.zeros(PLACES, dtype=np.int64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def place(
    time_ns: int,
    value: float,
    learn: bool,
    slots: Floats,
    waiting: Floats,
    times: Ints,
    at: Ints,
) -> bool:  # pragma: no cover - compiled
    """Put a reading into its slot; return whether it opened a new one.

    A reading of an earlier slot says that the clock was set back: that slot is the newest now,
    and what was said of it and of later ones is forgotten.
    """
    if at[SLOT_NS] > 0:
        at[LAST] = time_ns
        return _put(time_ns, value, learn, slots, at)
    if at[WAITING] > 0 and time_ns > at[LAST]:
        times[1, at[STEPS]] = time_ns - at[LAST]
        at[STEPS] += 1
    at[LAST] = time_ns
    if at[WAITING] < MOST_WAITING:
        times[0, at[WAITING]], waiting[0, at[WAITING]] = time_ns, value
        waiting[1, at[WAITING]] = 1.0 if learn else 0.0
    at[WAITING] = min(at[WAITING] + 1, MOST_WAITING)
    if at[STEPS] < STEPS_WANTED:
        return False
    step = max(np.sort(times[1, :STEPS_WANTED])[STEPS_WANTED // 2], 1)
    at[A_DAY] = min(max(round(DAY_NS / step), 1), MOST_SLOTS_A_DAY)
    at[SLOT_NS] = DAY_NS // at[A_DAY]
    at[USUAL] = max(round(at[SLOT_NS] / step), 1)
    at[NEWEST] = times[0, 0] // at[SLOT_NS] - 1
    for i in range(at[WAITING]):
        _put(times[0, i], waiting[0, i], waiting[1, i] > 0.0, slots, at)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _put(
    time_ns: int, value: float, learn: bool, slots: Floats, at: Ints
) -> bool:  # pragma: no cover - compiled
    kept = slots.shape[1] // 2
    slot, newest = time_ns // at[SLOT_NS], at[NEWEST]
    opened = bool(slot != newest)
    if opened:
        # What lies between was silent, or, with the clock set back, is still to come.
        first = newest + 1 if slot > newest else slot
        for stale in range(first, min(max(slot, newest), first + kept - 1) + 1):
            here = stale % kept
            slots[:, here] = math.nan
            slots[:, here + kept] = math.nan
        at[NEWEST], at[READINGS] = slot, 0
    here = at[NEWEST] % kept
    n = at[READINGS] + 1
    # The parts are added, not the difference: that may overflow.
    mean = value if n == 1 else slots[VALUE, here] * ((n - 1) / n) + value / n
    for twice in (here, here + kept):
        slots[VALUE, twice] = mean
        slots[KNOWN, twice] = mean if learn else math.nan
    at[READINGS] = n
    return opened


@njit(cache=True, nogil=True, error_model="numpy")
def ready(at: Ints) -> bool:  # pragma: no cover - compiled
    """Return whether the newest slot has readings enough to be judged."""
    return bool(at[SLOT_NS] > 0 and at[READINGS] >= LEAST_READINGS * at[USUAL])


@njit(cache=True, nogil=True, error_model="numpy")
def nearest(
    days: int, slots: Floats, at: Ints, distances: Floats
) -> None:  # pragma: no cover - compiled
    """Write the distance of the newest slots to the nearest of the same time, one a length.

    NaN while there is nothing to compare with.
    """
    _search(days, slots, at, 1.0, distances)
    kept = slots.shape[1] // 2
    end = at[NEWEST] % kept + kept
    size = 0.0
    for q in range(LONGEST):
        if abs(slots[VALUE, end - q]) > size:
            size = abs(slots[VALUE, end - q])
    for k in range(len(LENGTHS)):
        best = distances[k]
        if best == math.inf or (best < SMALLEST_SQUARE and size < SMALLEST_VALUE):
            size = SMALLEST_SCALE
            for j in range(kept):
                if abs(slots[VALUE, j]) > size:
                    size = abs(slots[VALUE, j])
            _search(days, slots, at, 0.25 / size, distances)
            for scaled in range(len(LENGTHS)):
                distances[scaled] = math.sqrt(distances[scaled]) * 4.0 * size
            return
    for k in range(len(LENGTHS)):
        distances[k] = math.sqrt(distances[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _search(
    days: int, slots: Floats, at: Ints, scale: float, distances: Floats
) -> None:  # pragma: no cover - compiled
    """Write the smallest mean square of each length, NaN where there is nothing to compare."""
    distances[:] = math.nan
    kept = slots.shape[1] // 2
    end = at[NEWEST] % kept + kept
    for day in range(1, days + 1):
        for shift in range(-TOLERANCE, TOLERANCE + 1):
            back = day * at[A_DAY] - shift
            if back < SHORTEST:
                continue
            total, pairs = 0.0, 0
            for q in range(LONGEST):
                apart = slots[VALUE, end - q] * scale - slots[KNOWN, end - q - back] * scale
                if not math.isnan(apart):
                    total += apart * apart
                    pairs += 1
                k = 0 if q == SHORTEST - 1 else 1 if q == MIDDLE - 1 else 2
                if q + 1 == LENGTHS[k] and back > q and pairs >= LEAST_PAIRS * (q + 1):
                    mean = total / pairs
                    if not mean >= distances[k]:  # the first is compared with NaN
                        distances[k] = mean


def check(slots: Floats, waiting: Floats, times: Ints, at: Ints) -> None:
    """Raise ValueError if these arrays could lead a kernel out of them."""
    if not (0 <= at[WAITING] <= MOST_WAITING and 0 <= at[STEPS] <= STEPS_WANTED):
        raise ValueError("a place lies outside the readings that wait")
    length, a_day = int(at[SLOT_NS]), int(at[A_DAY])
    if length and not (1 <= a_day <= MOST_SLOTS_A_DAY and length == DAY_NS // a_day):
        raise ValueError(f"{a_day} slots of {length} ns are not a day")
    if length < 0 or at[READINGS] < 0 or at[USUAL] < 0 or (times[1] < 0).any():
        raise ValueError("a length or a number is below 0")
    if np.isinf(slots).any() or not np.isfinite(waiting).all():
        raise ValueError("a value is infinite")
