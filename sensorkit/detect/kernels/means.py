"""The trailing mean of a channel: numbers go in one by one, the mean of the last comes out."""

# The numbers of a channel are cut into blocks as long as the window, so that every window is the
# end of one block and the beginning of the next (see `sensorkit.detect.kernels.rolling.Trailing`).
# The sums over the ends are built up from zero when a block is whole, the one over the beginning
# while the next one fills: nothing is subtracted, so no rounding error outlives two windows.

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.lanes import inlined, kernel

Floats = NDArray[np.float64]

# Where the numbers of a channel stand in its row of the state; behind them comes the window: the
# numbers of the block that is being filled, then the sums of the ends of the block before it.
PLACE, FULL, SUM, NUMBERS = range(4)


def empty(channels: int, window: int) -> Floats:
    """Return a state in which nothing has been pushed, a row for each channel.

    Examples
    --------
    >>> state = empty(1, 2)
    >>> for x in (1.0, 3.0, 6.0):
    ...     push(x, state, 0)
    >>> mean(state, 0), count(state, 0)
    (4.5, 2)
    """
    return np.zeros((channels, NUMBERS + window))


@inlined
def push(x: float, state: Floats, c: int) -> None:  # pragma: no cover - compiled
    """Move the window of channel *c* on by a finite number."""
    place = int(state[c, PLACE])
    state[c, SUM] += x
    state[c, NUMBERS + place] = x
    state[c, PLACE] = place + 1.0
    if NUMBERS + place + 1 == state.shape[1]:
        _sum_ends(state, c)


@inlined
def count(state: Floats, c: int) -> int:  # pragma: no cover - compiled
    """Return how many numbers are in the window of channel *c*."""
    return state.shape[1] - NUMBERS if state[c, FULL] else int(state[c, PLACE])


@inlined
def mean(state: Floats, c: int) -> float:  # pragma: no cover - compiled
    """Return the mean of the window of channel *c*; NaN where it is empty."""
    total = state[c, SUM]
    if state[c, FULL]:
        total += state[c, NUMBERS + int(state[c, PLACE])]
    average: float = total / count(state, c)
    return average


@kernel
def _sum_ends(state: Floats, c: int) -> None:  # pragma: no cover - compiled
    """Put the sums of its ends in the place of the block; the next one is empty."""
    total = 0.0
    for j in range(state.shape[1] - 1, NUMBERS - 1, -1):
        total += state[c, j]
        state[c, j] = total
    state[c, SUM] = state[c, PLACE] = 0.0
    state[c, FULL] = 1.0
