"""Runs of consecutive ones: where each begins and stops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class Runs(NamedTuple):
    """The runs of ones in an array, from the first to the last; two never touch."""

    start: Rows
    """Row of the first one of each, shape (k,)."""
    stop: Rows
    """Row after its last one, shape (k,)."""


def runs(ones: NDArray[np.bool_]) -> Runs:
    """Return the runs of True in *ones*, shape (n,).

    Examples
    --------
    >>> start, stop = runs(np.array([True, True, False, True]))
    >>> start.tolist(), stop.tolist()
    ([0, 3], [2, 4])
    """
    edges = np.flatnonzero(np.diff(ones, prepend=False, append=False))
    return Runs(edges[::2], edges[1::2])
