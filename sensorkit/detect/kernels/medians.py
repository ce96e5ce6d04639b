"""Median and median absolute deviation of trailing windows: what a few outliers cannot move."""

from __future__ import annotations

import math

import numpy as np

from sensorkit.detect.kernels.changes import SIGMA_PER_MAD
from sensorkit.detect.kernels.departures import Baseline, Floats, end_to_end
from sensorkit.detect.kernels.lanes import inlined, kernel
from sensorkit.detect.kernels.windows import LARGE_VALUE

# Where the numbers of a channel stand in its row of the state; behind them come the values of
# the window in the order of time, round and round, and the same in the order of size.
COUNT, PLACE, FLOOR, NUMBERS = range(4)


class TrailingMedian(Baseline):
    r"""The last values of each channel, their median and their median absolute deviation.

    Parameters
    ----------
    channels : int
    window : int
        How many values of a channel count, at least 2.
    minimum : int
        With fewer values than this, the score is 0.
    floor : array of float, shape (channels,), optional
        Smallest spread believed, in the unit of the channel; 0 by default.

    Notes
    -----
    The spread is 1.4826 times the median absolute deviation, which estimates the standard
    deviation of normal values [1]_; it is 0 where more than half of the values are equal.

    The window is kept in the order of size: a value goes out and one comes in by moving what
    lies between them. The k values nearest to the median lie side by side in that order, so
    the k-th smallest deviation is found by bisection, without a second sort.

    References
    ----------
    .. [1] F. R. Hampel, "The influence curve and its role in robust estimation", Journal of the
       American Statistical Association 69 (1974), 383-393.

    Examples
    --------
    >>> trailing = TrailingMedian(1, window=5, minimum=5)
    >>> trailing.moments(np.array([[1.0], [2.0], [3.0], [4.0], [1e9], [3.0]])).departure[-1]
    array([0.])
    """

    def __init__(
        self, channels: int, *, window: int, minimum: int, floor: Floats | None = None
    ) -> None:
        self._minimum = minimum
        self._state = np.zeros((channels, NUMBERS + 2 * window))
        if floor is not None:
            self._state[:, FLOOR] = floor

    def judge_one(self, values: Floats, *, learn: bool = True) -> float:
        return _judge_one(values, int(learn), self._minimum, self._state)

    def _judge(
        self, values: Floats, learn: bool, scores: Floats, departure: Floats, spread: Floats
    ) -> None:
        _judge(
            end_to_end(values),
            int(learn),
            self._minimum,
            self._state,
            end_to_end(scores),
            end_to_end(departure),
            end_to_end(spread),
        )


@kernel
def _judge(
    values: Floats,
    learn: int,
    minimum: int,
    state: Floats,
    scores: Floats,
    departures: Floats,
    spreads: Floats,
) -> None:  # pragma: no cover - compiled
    """Score every value of every channel; the last two arrays may be empty."""
    channels = len(state)
    n = len(values) // max(channels, 1)
    for c in range(channels):
        for at in range(c * n, (c + 1) * n):
            z, departure, spread = _judge_value(values[at], learn, minimum, state, c)
            scores[at] = z
            if len(departures):
                departures[at], spreads[at] = departure, spread


@kernel
def _judge_one(
    values: Floats, learn: int, minimum: int, state: Floats
) -> float:  # pragma: no cover - compiled
    most = 0.0
    for c in range(len(state)):
        z, _, _ = _judge_value(values[c], learn, minimum, state, c)
        most = max(most, z)
    return most


@inlined
def _judge_value(
    x: float, learn: int, minimum: int, state: Floats, c: int
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return score, departure and spread of one value, then learn it."""
    enough = state[c, COUNT] >= minimum
    if math.isnan(x) or (math.isinf(x) and not enough):
        return 0.0, np.nan, np.nan
    if math.isinf(x):
        return np.inf, x, np.nan
    moments = _measure(x, state, c) if enough else (0.0, np.nan, np.nan)
    if learn:
        _push(x, state, c)
    return moments


@inlined
def _measure(
    x: float, state: Floats, c: int
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    window = (state.shape[1] - NUMBERS) // 2
    n, first = int(state[c, COUNT]), NUMBERS + window
    largest = max(abs(x), abs(state[c, first]), abs(state[c, first + n - 1]))
    # Differences of values may overflow; of their quarters they cannot.
    part = 0.25 if largest > LARGE_VALUE else 1.0
    # The median lies above its lower neighbour by half a step: the sum of the two would be
    # rounded at an offset of 1e9.
    pivot = state[c, first + (n - 1) // 2] * part
    half = (state[c, first + n // 2] * part - pivot) / 2.0
    mad = _deviation(pivot, half, part, state, c, (n - 1) // 2)
    if n % 2 == 0:
        mad += (_deviation(pivot, half, part, state, c, n // 2) - mad) / 2.0
    departure = (x * part - pivot) - half
    spread = max(SIGMA_PER_MAD * mad, state[c, FLOOR] * part)
    z = abs(departure) / spread if departure else 0.0
    return z, departure / part, spread / part


@inlined
def _deviation(
    pivot: float, half: float, part: float, state: Floats, c: int, rank: int
) -> float:  # pragma: no cover - compiled
    """Return the absolute deviation from pivot + half that *rank* others are below."""
    window = (state.shape[1] - NUMBERS) // 2
    n, first = int(state[c, COUNT]), NUMBERS + window
    # The rank + 1 nearest values begin where the farthest one changes sides.
    low, high = 0, n - 1 - rank
    while low < high:
        middle = (low + high) // 2
        below = half - (state[c, first + middle] * part - pivot)
        above = (state[c, first + middle + rank + 1] * part - pivot) - half
        if below > above:
            low = middle + 1
        else:
            high = middle
    below = half - (state[c, first + low] * part - pivot)
    above = (state[c, first + low + rank] * part - pivot) - half
    farthest: float = max(below, above)
    return farthest


@inlined
def _push(x: float, state: Floats, c: int) -> None:  # pragma: no cover - compiled
    """Take a finite value into the window, and the oldest one out of a full one."""
    window = (state.shape[1] - NUMBERS) // 2
    count, place = int(state[c, COUNT]), int(state[c, PLACE])
    first = NUMBERS + window
    if count < window:
        hole = last = count
        state[c, COUNT] = count + 1.0
    else:
        hole, last = _position(state[c, NUMBERS + place], state, c), count - 1
    while hole > 0 and state[c, first + hole - 1] > x:
        state[c, first + hole] = state[c, first + hole - 1]
        hole -= 1
    while hole < last and state[c, first + hole + 1] < x:
        state[c, first + hole] = state[c, first + hole + 1]
        hole += 1
    state[c, first + hole] = x
    state[c, NUMBERS + place] = x
    state[c, PLACE] = 0.0 if place + 1 == window else place + 1.0


@inlined
def _position(x: float, state: Floats, c: int) -> int:  # pragma: no cover - compiled
    """Return where a value of a full window stands in the order of size."""
    window = (state.shape[1] - NUMBERS) // 2
    first = NUMBERS + window
    low, high = 0, window - 1
    while low < high:
        middle = (low + high) // 2
        if state[c, first + middle] < x:
            low = middle + 1
        else:
            high = middle
    return low
