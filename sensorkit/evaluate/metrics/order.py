"""Ranks among many scores: a stable sort from high to low, and counts without sorting."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

DIGIT = 11
"""Bits a pass of the sort looks at: 2048 counters stay in the first-level cache."""

PASSES = 6
"""Of 11 bits each: 66, so all of a float64."""

MOST_BUCKETS = 1 << 18
"""Of the table that tells where to begin a search: 1 MB stays in the second-level cache."""


def falling(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order of *scores* from high to low; equal scores stay in the order they have.

    The bits of a float64, with the sign turned, are ordered like the number, so they are sorted
    11 at a time from the last on: O(n), and the same on every machine, which the sorts of numpy
    promise only for the slower stable one.

    Parameters
    ----------
    scores : array of float, shape (n,)
        No NaN; infinities are ordered like any number, 0 and -0 are equal.

    Examples
    --------
    >>> falling(np.array([1.0, 3.0, -np.inf, 3.0, -2.0])).tolist()
    [1, 3, 0, 4, 2]
    """
    # Adding 0 makes 0 of -0, whose bits differ.
    return _falling((scores + 0.0).view(np.int64))


def count_reaching(
    scores: NDArray[np.float64], limits: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each limit how many scores are at or above it, and how many above.

    O(n log m) for m limits, in practice O(n): a table over the middle of the limits says between
    which of them to search. Scores are not sorted.

    Parameters
    ----------
    scores : array of float, shape (n,)
    limits : array of float, shape (m,)
        Rising, all different, m > 0. No NaN in either.

    Examples
    --------
    >>> reaching, above = count_reaching(np.array([5.0, 1.0, 3.0, 3.0]), np.array([2.0, 3.0]))
    >>> reaching.tolist(), above.tolist()
    ([3, 3], [3, 1])
    """
    # Without the outermost hundredth one glitch would squeeze all others into one bucket.
    cut = len(limits) // 100
    low, high = float(limits[cut]), float(limits[-1 - cut])
    buckets = min(len(scores) // 4 + 1, MOST_BUCKETS)
    width = high - low
    scale = buckets / width if width > 0.0 else 0.0
    if not (math.isfinite(low) and math.isfinite(scale)):
        low, scale = 0.0, 0.0  # all in one bucket: a plain search
    below, equal = _count(scores, limits, low, scale, buckets)
    reaching = len(scores) - below
    return reaching, reaching - equal


@njit(cache=True, nogil=True, error_model="numpy")
def _falling(bits: NDArray[np.int64]) -> NDArray[np.int64]:  # pragma: no cover - compiled
    n = len(bits)
    counts = np.zeros((PASSES, 1 << DIGIT), dtype=np.int64)
    keys = np.empty(n, dtype=np.uint64)
    mask = np.uint64((1 << DIGIT) - 1)
    for i in range(n):
        # Negative numbers have their bits in the wrong order, so theirs are turned; then all are
        # turned but the sign, for the highest to come first.
        bit = bits[i]
        key = np.uint64(bit ^ ((bit >> 63) & 0x7FFFFFFFFFFFFFFF) ^ 0x7FFFFFFFFFFFFFFF)
        keys[i] = key
        for p in range(PASSES):
            counts[p, (key >> np.uint64(DIGIT * p)) & mask] += 1
    order = np.arange(n)
    other_keys = np.empty(n, dtype=np.uint64)
    other_order = np.empty(n, dtype=np.int64)
    for p in range(PASSES):
        shift = np.uint64(DIGIT * p)
        place = counts[p]
        if n == 0 or place[(keys[0] >> shift) & mask] == n:
            continue  # one digit for all
        total = 0
        for digit in range(1 << DIGIT):
            here = place[digit]
            place[digit] = total
            total += here
        for i in range(n):
            digit = (keys[i] >> shift) & mask
            to = place[digit]
            place[digit] = to + 1
            other_keys[to] = keys[i]
            other_order[to] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
    return order


@njit(cache=True, nogil=True, error_model="numpy")
def _count(  # pragma: no cover - compiled
    scores: NDArray[np.float64],
    limits: NDArray[np.float64],
    low: float,
    scale: float,
    buckets: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each limit how many scores are below it, and how many equal to it."""
    m = len(limits)
    first = np.zeros(buckets + 1, dtype=np.int32)  # limits in the buckets before
    for k in range(m):
        first[_bucket(limits[k], low, scale, buckets) + 1] += 1
    for b in range(buckets):
        first[b + 1] += first[b]
    reached = np.zeros(m + 1, dtype=np.int64)  # scores that reach so many limits
    equal = np.zeros(m, dtype=np.int64)
    for i in range(len(scores)):
        x = scores[i]
        b = _bucket(x, low, scale, buckets)
        left, right = first[b], first[b + 1]
        if left < right:
            before = left
            while left < right:
                middle = (left + right) >> 1
                if limits[middle] <= x:
                    left = middle + 1
                else:
                    right = middle
            if left > before and limits[left - 1] == x:
                equal[left - 1] += 1
        reached[left] += 1
    return np.cumsum(reached)[:m], equal


@njit(cache=True, nogil=True, error_model="numpy")
def _bucket(  # pragma: no cover - compiled
    x: float, low: float, scale: float, buckets: int
) -> int:
    """Return the bucket of *x*: never falling as x rises, rounding or not; NaN is in the first."""
    at = (x - low) * scale
    if not at > 0.0:
        return 0
    return buckets - 1 if at >= buckets else int(at)
