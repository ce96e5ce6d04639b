"""Mean and standard deviation of trailing windows, right at any offset and after any glitch."""

from __future__ import annotations

import math

import numpy as np

from sensorkit.detect.kernels.departures import Baseline, Floats, end_to_end
from sensorkit.detect.kernels.lanes import (
    WIDTH,
    at_least,
    behind,
    between,
    gather,
    inlined,
    kernel,
    load,
    scatter,
    splat,
    store,
)
from sensorkit.detect.kernels.windows import (
    FLOOR,
    FULL,
    LARGEST_SQUARE,
    NUMBERS,
    PIVOT,
    PLACE,
    RUN,
    SMALLEST_SQUARE,
    measure,
    push,
    sum_ends,
)


class Trailing(Baseline):
    r"""The last values of each channel, their mean and their standard deviation.

    Parameters
    ----------
    channels : int
    window : int
        How many values of a channel count, at least 2.
    minimum : int
        With fewer values than this, there are no moments: the score is 0.
    floor : array of float, shape (channels,), optional
        Smallest standard deviation believed, in the unit of the channel; 0 by default.

    Notes
    -----
    The values of a channel, those that are not finite left out, are cut into blocks as long as
    the window. Then every window is the end of one block and the beginning of the next [1]_:
    the sums over the ends are built up from zero when a block is whole, those over the
    beginnings while the next one fills. Nothing is ever subtracted, so that what has left the
    window has left no trace. (Running sums lose all digits at an offset of 1e9, and stay wrong
    after one glitch of 1e9.)

    Deviations :math:`d` are from the last value of the earlier block: it is in every window of
    the pair, so no deviation is larger than the range of its window. With :math:`n` values,
    :math:`A = \sum d` and :math:`B = \sum d^2`, a value that deviates by :math:`d` scores

    .. math:: z = |n d - A| / \sqrt{\max(n B - A^2, n^2 f^2)}

    The variance is at least 1/(2n) of the squared range, so that the difference costs at most
    a factor of 2n in accuracy: two of sixteen digits for a window of 50 at the worst (with a
    glitch in it), and none for noise. Where the squares overflow or underflow, the window is
    computed anew from scaled deviations; a window of equal values is told by counting them,
    and has a spread of exactly 0.

    Blocks begin where the stream does, and all paths round alike: scores do not depend on how
    the readings are cut, to the last bit.

    References
    ----------
    .. [1] M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular
       and octagonal kernels", Pattern Recognition Letters 13 (1992), 517-521; for sums, the
       queue made of two stacks.

    Examples
    --------
    >>> trailing = Trailing(1, window=2, minimum=2)
    >>> trailing.judge(np.array([[1.0], [3.0], [6.0]])).tolist()
    [[0.0], [0.0], [4.0]]
    """

    def __init__(
        self, channels: int, *, window: int, minimum: int, floor: Floats | None = None
    ) -> None:
        self._minimum = minimum
        self.state = np.zeros((channels, NUMBERS + 4 * window))
        if floor is not None:
            self.state[:, FLOOR] = floor

    def judge_one(self, values: Floats, *, learn: bool = True) -> float:
        return _judge_one(values, int(learn), self._minimum, self.state)

    def _judge(
        self, values: Floats, learn: bool, scores: Floats, departure: Floats, spread: Floats
    ) -> None:
        _judge(
            end_to_end(values),
            int(learn),
            self._minimum,
            self.state,
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
    window = (state.shape[1] - NUMBERS) // 4
    several = WIDTH * window
    n = len(values) // max(channels, 1)
    wanted = len(departures) > 0
    ends = np.empty(2 * several if learn and n >= several else 0)
    for c in range(channels):
        at, end = c * n, (c + 1) * n
        while at < end:
            stop = at + 1
            if learn and state[c, FULL] and not state[c, PLACE] and at + several <= end:
                stop = at + several
                if _judge_blocks(values, at, state, c, ends, scores, departures, spreads):
                    at = stop
            while at < stop:
                z, departure, spread = _judge_value(values[at], learn, minimum, state, c)
                scores[at] = z
                if wanted:
                    departures[at], spreads[at] = departure, spread
                at += 1


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
    enough = state[c, FULL] or state[c, PLACE] >= minimum
    if math.isnan(x) or (math.isinf(x) and not enough):
        return 0.0, np.nan, np.nan
    if math.isinf(x):
        return np.inf, x, np.nan
    moments = measure(x, state, c) if enough else (0.0, np.nan, np.nan)
    if learn:
        push(x, state, c)
    return moments


@kernel
def _judge_blocks(
    values: Floats,
    at: int,
    state: Floats,
    c: int,
    ends: Floats,
    scores: Floats,
    departures: Floats,
    spreads: Floats,
) -> bool:  # pragma: no cover - compiled
    """Score `WIDTH` whole blocks side by side, then learn them; do neither if one is doubtful.

    Each lane is a block. A value that is not finite makes its own score doubtful.
    """
    window = (state.shape[1] - NUMBERS) // 4
    several = WIDTH * window
    sums, squares = NUMBERS + 2 * window, NUMBERS + 3 * window
    pivot = gather(values, at + window - 1, window)
    a = b = splat(0.0)
    for j in range(window - 1, -1, -1):
        d = gather(values, at + j, window) - pivot
        a = a + d
        b = b + d * d
        store(ends, j * WIDTH, a)
        store(ends, several + j * WIDTH, b)
    n, smallest = splat(float(window)), splat(window * state[c, FLOOR])
    smallest = smallest * smallest
    low, high, below = splat(SMALLEST_SQUARE), splat(LARGEST_SQUARE), splat(-1.0)
    sure = splat(1.0)
    pivot = behind(state[c, PIVOT], pivot)
    a = b = splat(0.0)
    for j in range(window):
        d = gather(values, at + j, window) - pivot
        whole_a = a + behind(state[c, sums + j], load(ends, j * WIDTH))
        whole_b = b + behind(state[c, squares + j], load(ends, several + j * WIDTH))
        variance = at_least(n * whole_b - whole_a * whole_a, smallest)
        away = n * d - whole_a
        root = math.sqrt(variance)
        z = abs(away) / root
        sure = between(low, variance, high, between(below, z, high, sure))
        scatter(scores, at + j, window, z)
        if len(departures):
            scatter(departures, at + j, window, away / n)
            scatter(spreads, at + j, window, root / n)
        a = a + d
        b = b + d * d
    store(ends, 0, sure)
    for lane in range(WIDTH):
        if not ends[lane]:
            return False
    stop = at + several
    for j in range(window):
        state[c, NUMBERS + j] = values[stop - window + j]
    sum_ends(state, c)
    run = 1
    while run < window and values[stop - 1 - run] == values[stop - 1]:
        run += 1
    state[c, RUN] = run
    return True
