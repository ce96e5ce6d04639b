"""The scores of a forest on one feature, looked up in a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.keys import Bits, Keys, to_keys
from sensorkit.detect.kernels.lanes import inlined, kernel

Floats = NDArray[np.float64]

# A finer table no longer fits into the second cache together with what it points to.
MOST_CELLS = 1 << 17

# Rows whose keys are made at once.
ROWS_AT_ONCE = 512


class Table:
    """The score as a function of the only column there is: constant between thresholds.

    Parameters
    ----------
    nodes, lengths, roots, most
        As in `sensorkit.detect.kernels.walks.Walker`, of trees with one feature; the roots
        without those that only fill up a group.

    Attributes
    ----------
    keys : array of uint32, shape (m,)
        All thresholds, ascending.
    scores : array of float64, shape (m + 1,)
        Score i is that of rows above the first i thresholds and at most the next one.
    first : array of int32, shape (n_cells + 1,)
        Thresholds below each cell. Cells have equal numbers of float32 in them, and so are
        finer near 0: a grid of equal widths would be stretched by one glitch of 1e9.
    low, shift : int
        Key `k` is in cell `(k - low) >> shift`.
    """

    def __init__(self, nodes: Bits, lengths: Floats, roots: Bits, most: float) -> None:
        node = nodes.reshape(-1, 3)
        inner = node[:, 1] != np.arange(len(node))
        self.keys = np.unique(node[inner, 0])
        if not len(self.keys):  # every tree is a leaf: any threshold will do
            self.keys = np.zeros(1, dtype=np.uint32)
        self.low = int(self.keys[0])
        reach = int(self.keys[-1]) - self.low + 1
        self.shift = max(reach.bit_length() - MOST_CELLS.bit_length() + 1, 0)
        cells = (self.keys - np.uint32(self.low)) >> np.uint32(self.shift)
        self.first = np.zeros((reach >> self.shift) + 2, dtype=np.int32)
        np.cumsum(np.bincount(cells, minlength=len(self.first) - 1), out=self.first[1:])
        self.scores = np.empty(len(self.keys) + 1)
        _tabulate(nodes, lengths, roots, most, self.keys, self.first, self.low, self.shift,
                  self.scores)  # fmt: skip

    def look_up(self, bits: Bits, scores: Floats) -> bool:
        """Write the scores of float32, given as their bits; return whether one is NaN."""
        return _look_up(bits, self.keys, self.scores, self.first, self.low, self.shift, scores)


@inlined
def isolation(length: float, most: float) -> float:  # pragma: no cover - compiled
    """Return the score for a sum of path lengths over the trees."""
    # Trees of a single row have no path at all: scikit-learn then says 2 ** -1.
    return 2.0 ** (-(length / most)) if most > 0.0 else 0.5


@inlined
def _find(
    key: np.uint32, keys: Keys, first: NDArray[np.int32], low: np.uint32, shift: np.uint64
) -> np.uint64:  # pragma: no cover - compiled
    """Return how many of *keys* are below *key*."""
    if key <= keys[0]:
        return np.uint64(0)
    last = np.uint64(len(keys) - 1)
    if key > keys[last]:
        return last + np.uint64(1)
    cell = np.uint64(key - low) >> shift
    a = np.uint64(first[cell])
    n = np.uint64(first[cell + np.uint64(1)]) - a
    # Halving without a jump: which half it is, is as likely as not.
    while n > np.uint64(0):
        half = (n + np.uint64(1)) >> np.uint64(1)
        a += half * np.uint64(keys[a + half - np.uint64(1)] < key)
        n -= half
    return a


@kernel
def _look_up(
    bits: Bits,
    keys: Keys,
    values: Floats,
    first: NDArray[np.int32],
    low: int,
    shift: int,
    scores: Floats,
) -> bool:  # pragma: no cover - compiled
    nan = False
    mine = np.empty(ROWS_AT_ONCE, dtype=np.uint32)
    for start in range(0, len(scores), ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, len(scores) - start)
        nan |= to_keys(bits[start : start + n], mine)
        for i in range(n):
            at = _find(mine[i], keys, first, np.uint32(low), np.uint64(shift))
            scores[start + i] = values[at]
    return nan


@kernel
def _tabulate(
    nodes: Bits,
    lengths: Floats,
    roots: Bits,
    most: float,
    keys: Keys,
    first: NDArray[np.int32],
    low: int,
    shift: int,
    scores: Floats,
) -> None:  # pragma: no cover - compiled
    """Add up, tree by tree, the path length in each interval between two thresholds."""
    n = len(lengths)
    begin, end = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    scores[:] = 0.0
    for t in range(len(roots)):
        root = np.int64(roots[t])
        begin[root], end[root] = 0, len(scores)
        node, made = root, root + 1
        while node < made:
            left = np.int64(nodes[3 * node + 1])
            if left == node:
                for i in range(begin[node], end[node]):
                    scores[i] += lengths[node]
            else:
                at = _find(nodes[3 * node], keys, first, np.uint32(low), np.uint64(shift))
                cut = np.int64(at)
                begin[left], end[left] = begin[node], min(end[node], cut + 1)
                begin[left + 1], end[left + 1] = max(begin[node], cut + 1), end[node]
                made = left + 2
            node += 1
    for i in range(len(scores)):
        scores[i] = isolation(scores[i], most)
