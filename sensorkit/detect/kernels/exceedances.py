"""Kernels of the running tail: measure a score against those before it, then remember it.

A tail is three arrays: `ordered` holds the scores remembered by size, `recent` the same by time
in a ring, `waiting` those that are not yet to be compared with, by time in a ring. `at` says
where: see `COUNT`, `NEXT`, `WAITING`, `LATEST`. The equations stand in `sensorkit.detect.tails`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.detect.kernels import LARGEST

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_IMPROBABLE = 30.0
"""Improbabilities end here: one reading in 1e30 is never, and sums of several stay readable."""

TAIL_SHARE = 0.02
FEWEST_IN_TAIL = 10
FEWEST_SCORES = 50

# A score is remembered as at most what would be this improbable. One glitch then raises the
# mean excess of a tail of 120 by a fifth at most and does not blind the next 6000 readings;
# scores that keep coming so high move it twice as far every six or so.
REMEMBERED_IMPROBABILITY = 10.0

# Places in `at`: scores remembered, place of the next in `recent`, scores waiting, place of the
# next in `waiting`.
COUNT, NEXT, WAITING, LATEST = 0, 1, 2, 3
PLACES = 4


@njit(cache=True, nogil=True, error_model="numpy")
def judge_all(
    scores: Floats,
    learn: bool,
    ordered: Floats,
    recent: Floats,
    waiting: Floats,
    at: Ints,
    improbable: Floats,
) -> None:  # pragma: no cover - compiled
    """Judge one score after the other into *improbable*."""
    for i in range(len(scores)):
        improbable[i] = judge(scores[i], learn, ordered, recent, waiting, at)


@njit(cache=True, nogil=True, error_model="numpy")
def judge(
    score: float, learn: bool, ordered: Floats, recent: Floats, waiting: Floats, at: Ints
) -> float:  # pragma: no cover - compiled
    """Return the improbability of a score, then take it in unless told not to."""
    improbable, remembered = measure(score, ordered, at)
    if learn and abs(score) < LARGEST:
        take_in(remembered, ordered, recent, waiting, at)
    return improbable


@njit(cache=True, nogil=True, error_model="numpy")
def measure(
    score: float, ordered: Floats, at: Ints
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the improbability of a score, and as what it is to be remembered."""
    if not score > -LARGEST:
        return 0.0, score
    if score >= LARGEST:
        return MOST_IMPROBABLE, score
    n = at[COUNT]
    if n < FEWEST_SCORES:
        return 0.0, score
    k = max(FEWEST_IN_TAIL, int(TAIL_SHARE * n))
    start = ordered[n - k - 1]
    if score <= start:
        as_high = n - count_below(ordered, n, score)
        return math.log10((n + 1.0) / (as_high + 1.0)), score
    excess = _half_mean_excess(ordered, n, k)
    if not excess > 0.0:
        return MOST_IMPROBABLE, score
    least = tail_begins(at)
    improbable = least + (0.5 * score - 0.5 * start) / excess / math.log(10.0)
    if improbable > REMEMBERED_IMPROBABILITY:
        most = 0.5 * start + (REMEMBERED_IMPROBABILITY - least) * math.log(10.0) * excess
        score = min(score, 2.0 * min(most, 0.49 * LARGEST))  # halves: the whole may overflow
    return min(improbable, MOST_IMPROBABLE), score


@njit(cache=True, nogil=True, error_model="numpy")
def tail_begins(at: Ints) -> float:  # pragma: no cover - compiled
    """Return the improbability at which the tail begins; ranks tell those below."""
    n = max(at[COUNT], FEWEST_SCORES)
    return math.log10(n / max(FEWEST_IN_TAIL, int(TAIL_SHARE * n)))


@njit(cache=True, nogil=True, error_model="numpy")
def _half_mean_excess(ordered: Floats, n: int, k: int) -> float:  # pragma: no cover - compiled
    """Return half the mean excess of the k largest of n over the next: the whole may overflow."""
    start = 0.5 * ordered[n - k - 1]
    mean = 0.0
    for i in range(n - k, n):
        mean += (0.5 * ordered[i] - start) / k
    return min(mean, LARGEST)


@njit(cache=True, nogil=True, error_model="numpy")
def count_below(ordered: Floats, n: int, score: float) -> int:  # pragma: no cover - compiled
    """Return how many of the first n, which are in order, are below *score*."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < score:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def take_in(
    score: float, ordered: Floats, recent: Floats, waiting: Floats, at: Ints
) -> None:  # pragma: no cover - compiled
    """Let a score wait, and remember the one that has waited long enough."""
    if len(waiting):
        here = at[LATEST]
        score, waiting[here] = waiting[here], score
        at[LATEST] = here + 1 if here + 1 < len(waiting) else 0
        if at[WAITING] < len(waiting):
            at[WAITING] += 1
            return
    remember(score, ordered, recent, at)


@njit(cache=True, nogil=True, error_model="numpy")
def remember(
    score: float, ordered: Floats, recent: Floats, at: Ints
) -> None:  # pragma: no cover - compiled
    """Remember a score; the oldest makes room for it."""
    n, here = at[COUNT], at[NEXT]
    place = count_below(ordered, n, score)
    if n < len(recent):
        free = n
        at[COUNT] = n + 1
    else:
        free = count_below(ordered, n, recent[here])
    if free < place:
        place -= 1
        shifted = ordered[free : place + 1]  # indices that start at 0 make it one copy, 8 x faster
        for i in range(len(shifted) - 1):
            shifted[i] = shifted[i + 1]
    else:
        shifted = ordered[place : free + 1][::-1]
        for i in range(len(shifted) - 1):
            shifted[i] = shifted[i + 1]
    ordered[place] = score
    recent[here] = score
    at[NEXT] = here + 1 if here + 1 < len(recent) else 0


def check(ordered: Floats, recent: Floats, waiting: Floats, at: Ints) -> None:
    """Raise ValueError if these arrays of one tail could lead a kernel out of them."""
    n = int(at[COUNT])
    full = n == len(recent)
    places = 0 <= at[NEXT] < len(recent) and 0 <= at[LATEST] < max(len(waiting), 1)
    if not (0 <= n <= len(recent) and places and 0 <= at[WAITING] <= len(waiting)):
        raise ValueError("a place lies outside a tail")
    if not (full or at[NEXT] == n):
        raise ValueError("a tail has a hole")
    if not all(np.isfinite(part).all() for part in (ordered, recent, waiting)):
        raise ValueError("a tail is not finite")
    if (ordered[:n] != np.sort(recent[:n])).any():
        raise ValueError("a tail is not in order")
