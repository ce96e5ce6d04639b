"""Walk down isolation trees fast: several rows at once, or one look-up where that is enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.keys import HIGHEST, Bits, Keys, at_most, keys_of, to_keys
from sensorkit.detect.kernels.lanes import inlined, kernel
from sensorkit.detect.kernels.tables import Table, isolation

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAF = -1
"""As a child: there is none."""

# Rows, or trees for a single row, that are walked at once: a step of one waits for memory
# while the others go on. With 4 the processor waits, with 16 it runs out of registers. The
# kernels below have as many variables, and the roots are filled up to a multiple of it.
AT_ONCE = 8

# The keys of so many rows of a dozen features stay in the fastest cache (32 kB).
ROWS_AT_ONCE = 512

# Making a table costs as much as walking so many rows (measured: 3 000 to 7 000).
TABLE_PAYS_FROM = 4096


class Walker:
    """Trees packed for walking, and the table that replaces the walk where there is one column.

    Both ways give the same scores, bit for bit, so it does not matter when the table is made.

    Parameters
    ----------
    feature, left, right : array of int32, shape (n_nodes,)
    threshold, length : array of float64, shape (n_nodes,)
    roots : array of int64, shape (n_trees,)
    normal : float
    features : int
        All as in `sensorkit.detect.kernels.trees.Trees`, and checked.

    Notes
    -----
    A node is three numbers side by side: key, left child, feature. The right child comes after
    the left one, so a step is one comparison and one addition, without a jump. Every row takes
    as many steps as its tree is deep: a leaf has the highest key and is its own left child.
    """

    def __init__(
        self,
        feature: NDArray[np.int32],
        threshold: Floats,
        left: NDArray[np.int32],
        right: NDArray[np.int32],
        length: Floats,
        roots: NDArray[np.int64],
        *,
        normal: float,
        features: int,
    ) -> None:
        self.features = features
        self.trees = len(roots)
        self.most = self.trees * normal  # sum of path lengths that scores 0.5
        self._walked = 0
        self._table: Table | None = None
        nodes = len(feature)
        missing = -self.trees % AT_ONCE  # trees of one leaf of length 0 fill up the last group
        self.nodes = np.empty(3 * (nodes + 1), dtype=np.uint32)
        self.lengths = np.zeros(nodes + 1)
        self.roots = np.full(self.trees + missing, nodes, dtype=np.uint32)
        self.depths = np.zeros(self.trees + missing, dtype=np.int64)
        self.nodes[-3:] = HIGHEST, nodes, 0
        keys = keys_of(at_most(threshold))
        _pack(feature, keys, left, right, length, roots, self.nodes, self.lengths, self.roots,
              self.depths)  # fmt: skip

    def score(self, rows: NDArray[np.float32]) -> Floats:
        """Return the isolation scores of *rows*, shape (n, n_features); ValueError for a NaN."""
        scores = np.empty(len(rows))
        # Writeable, or numba would compile the kernels for read-only rows as well.
        bits = np.require(rows, np.float32, ["C", "W"]).view(np.uint32).reshape(-1)
        table = self._pays(len(rows))
        if table is not None:
            nan = table.look_up(bits, scores)
        else:
            nan = _walk(bits, self.features, self.nodes, self.lengths, self.roots, self.depths,
                        self.trees, self.most, scores)  # fmt: skip
        if nan:
            raise ValueError("a row to score holds NaN; put something in its place")
        return scores

    def _pays(self, rows: int) -> Table | None:
        """Return the table, if it is there or is worth making now."""
        if self.features != 1:
            return None
        self._walked += rows
        if self._table is None and self._walked >= TABLE_PAYS_FROM:
            self._table = Table(self.nodes, self.lengths, self.roots[: self.trees], self.most)
        return self._table


# In the kernels indexes are unsigned: for signed ones numba asks each time whether they are
# counted from the end, which doubles the time of a step.


@kernel
def _pack(
    feature: NDArray[np.int32],
    keys: Keys,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    length: Floats,
    roots: Ints,
    nodes: Bits,
    lengths: Floats,
    starts: Bits,
    depths: Ints,
) -> None:  # pragma: no cover - compiled
    """Write the nodes tree by tree and level by level, so that siblings are neighbours."""
    source = np.empty(len(feature), dtype=np.int64)  # node of the trees -> where it came from
    made = 0
    for t in range(len(roots)):
        starts[t] = made
        source[made] = roots[t]
        node, made = made, made + 1
        last_of_level = node
        while node < made:
            old = source[node]
            inner = left[old] != LEAF
            nodes[3 * node] = keys[old] if inner else np.uint32(HIGHEST)
            nodes[3 * node + 1] = made if inner else node
            nodes[3 * node + 2] = feature[old] if inner else 0
            lengths[node] = length[old]
            if inner:
                source[made], source[made + 1] = left[old], right[old]
                made += 2
            if node == last_of_level and node + 1 < made:
                last_of_level = made - 1
                depths[t] += 1
            node += 1


@inlined
def _next(
    nodes: Bits, keys: Keys, row: np.uint64, node: np.uint64
) -> np.uint64:  # pragma: no cover - compiled
    at = node * np.uint64(3)
    key = keys[row + np.uint64(nodes[at + np.uint64(2)])]
    return np.uint64(nodes[at + np.uint64(1)]) + np.uint64(key > nodes[at])


@kernel
def path_of_one(
    keys: Keys, row: np.uint64, nodes: Bits, lengths: Floats, roots: Bits, depths: Ints
) -> float:  # pragma: no cover - compiled
    """Return the sum of the path lengths of one row: trees at once, added in their order."""
    total = 0.0
    for t in range(0, len(roots), 8):
        a, b, c, d = (
            np.uint64(roots[t]), np.uint64(roots[t + 1]),
            np.uint64(roots[t + 2]), np.uint64(roots[t + 3]),
        )  # fmt: skip
        e, f, g, h = (
            np.uint64(roots[t + 4]), np.uint64(roots[t + 5]),
            np.uint64(roots[t + 6]), np.uint64(roots[t + 7]),
        )  # fmt: skip
        for _ in range(depths[t : t + 8].max()):
            a, b = _next(nodes, keys, row, a), _next(nodes, keys, row, b)
            c, d = _next(nodes, keys, row, c), _next(nodes, keys, row, d)
            e, f = _next(nodes, keys, row, e), _next(nodes, keys, row, f)
            g, h = _next(nodes, keys, row, g), _next(nodes, keys, row, h)
        for node in (a, b, c, d, e, f, g, h):
            total += lengths[node]
    return total


@kernel
def _paths_of_many(
    keys: Keys, features: int, nodes: Bits, lengths: Floats, root: int, depth: int, totals: Floats
) -> None:  # pragma: no cover - compiled
    """Add the path lengths in one tree; *totals* has a multiple of 8 rows."""
    n, step = np.uint64(len(totals)), np.uint64(features)
    i, one = np.uint64(0), np.uint64(1)
    while i < n:
        a = b = c = d = e = f = g = h = np.uint64(root)
        ra = i * step
        rb = ra + step
        rc = rb + step
        rd = rc + step
        re = rd + step
        rf = re + step
        rg = rf + step
        rh = rg + step
        for _ in range(depth):
            a, b = _next(nodes, keys, ra, a), _next(nodes, keys, rb, b)
            c, d = _next(nodes, keys, rc, c), _next(nodes, keys, rd, d)
            e, f = _next(nodes, keys, re, e), _next(nodes, keys, rf, f)
            g, h = _next(nodes, keys, rg, g), _next(nodes, keys, rh, h)
        for node in (a, b, c, d, e, f, g, h):
            totals[i] += lengths[node]
            i += one


@kernel
def _walk(
    bits: Bits,
    features: int,
    nodes: Bits,
    lengths: Floats,
    roots: Bits,
    depths: Ints,
    trees: int,
    most: float,
    scores: Floats,
) -> bool:  # pragma: no cover - compiled
    """Score rows, block by block; return whether one holds NaN."""
    keys = np.empty(ROWS_AT_ONCE * features, dtype=np.uint32)
    nan = False
    for start in range(0, len(scores), ROWS_AT_ONCE):
        totals = scores[start : start + ROWS_AT_ONCE]
        n = len(totals)
        nan |= to_keys(bits[start * features : (start + n) * features], keys)
        groups = n - n % AT_ONCE
        totals[:] = 0.0
        for t in range(trees):
            _paths_of_many(keys, features, nodes, lengths, roots[t], depths[t], totals[:groups])
        for i in range(groups, n):
            totals[i] = path_of_one(keys, np.uint64(i * features), nodes, lengths, roots, depths)
        for i in range(n):
            totals[i] = isolation(totals[i], most)
    return nan
