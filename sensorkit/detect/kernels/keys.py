"""Keys: float32 as unsigned integers in the same order, for comparing them with thresholds.

A row of a tree goes left if its float32 is at most the float64 threshold, which is so exactly if
it is at most the largest float32 that is not above the threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.lanes import kernel

Bits = NDArray[np.uint32]
Keys = NDArray[np.uint32]

HIGHEST = 2**32 - 1
"""No row is above this key."""


def keys_of(numbers: NDArray[np.float32]) -> Keys:
    """Return unsigned integers in the order of *numbers*, equal where those are equal.

    >>> keys_of(np.array([-np.inf, -1.0, -0.0, 0.0, 1e-45, np.inf], dtype=np.float32)).tolist()
    [8388607, 1082130431, 2147483648, 2147483648, 2147483649, 4286578688]
    """
    keys = np.empty(len(numbers), dtype=np.uint32)
    to_keys(np.ascontiguousarray(numbers).view(np.uint32), keys)
    return keys


def at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is at most each threshold."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    below: NDArray[np.float32] = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, below, near)


@kernel
def to_keys(bits: Bits, keys: Keys) -> bool:  # pragma: no cover - compiled
    """Write the keys of float32 given as their bits; return whether one is NaN."""
    nan = False
    for i in range(len(bits)):
        b = bits[i]
        size = b & np.uint32(0x7FFFFFFF)
        nan |= size > np.uint32(0x7F800000)
        if size == np.uint32(0):  # -0.0 equals 0.0
            b = np.uint32(0)
        keys[i] = b | np.uint32(0x80000000) if b < np.uint32(0x80000000) else ~b
    return nan
