"""What the forest looks at: five features of each channel, made reading by reading."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.changes import robust_sigma
from sensorkit.detect.kernels.keys import Bits, to_keys
from sensorkit.detect.kernels.lanes import inlined, kernel
from sensorkit.detect.kernels.tables import isolation
from sensorkit.detect.kernels.walks import Ints, path_of_one

Floats = NDArray[np.float64]

FEATURES = ("value", "jump", "departure", "volatility", "long_volatility")
"""Per channel, in this order."""
EACH = len(FEATURES)
VOLATILITY = FEATURES.index("volatility")  # from there on, the trees see the logarithm

# The features of fewer values say more about chance than about the device; and the jump is from
# the median of so many. Of five values, two may be wrong.
FEWEST_VALUES = 5

# Twice as many steps tell noise of a third of the usual size from the usual more surely.
LONG = 2

# Where the numbers stand in a channel's row of the values; behind them come the values of the
# window in the order of size, infinity before and behind them, and in the order of time.
COUNT, PLACE, LOW = range(3)

# Where the numbers stand in a channel's row of the steps; behind them come, each as long as the
# window, the block of steps that is being filled, and the sums of the ends of the one before.
FILLED, FULL, SUM, STEPS = range(4)

# scikit-learn casts to float32 and refuses what that cannot hold.
LARGEST_FEATURE = 1e30

# The features of so many readings of a few channels stay in the cache until they are used.
ROWS_AT_ONCE = 2048

# A volatility below this share of the usual one is as good as none.
SMALLEST_VOLATILITY = 1e-3

# A foreign reading's feature lies within this many times the healthy half range.
FOREIGN_REACH = 5.0

# That range leaves out this share on either side: a glitch in the fit must not stretch it.
FOREIGN_TAIL = 0.001


class FeatureStream:
    """The last values of each channel of one device, and the features made of them.

    Parameters
    ----------
    channels : int
    window : int
        How many previous values of a channel the rolling features look at, at least five.

    Notes
    -----
    Values are kept in the order of time and in the order of size, for the medians. There a value
    goes out and one comes in without a branch, all places at once: that is three times as fast
    as to look for the two places and to move what lies between.

    Steps from value to value are summed up in blocks as long as the window, as by `Trailing`:
    nothing is ever subtracted, so what has left the window has left no trace. Blocks begin where
    the stream does: features do not depend on how the readings are cut, to the last bit.
    """

    def __init__(self, channels: int, window: int) -> None:
        self.windows = np.full((channels, LOW + 2 * window + 2), np.inf)
        self.windows[:, : LOW + 1] = 0.0, 0.0, -np.inf
        self.steps = np.zeros((channels, STEPS + 2 * window))
        self.long_steps = np.zeros((channels, STEPS + 2 * LONG * window))

    def features(self, values: Floats) -> Floats:
        """Return the features, shape (5 n_channels, n), NaN where there is none; move on.

        Parameters
        ----------
        values : array of float, shape (n, n_channels)
        """
        features = np.empty((EACH * len(self.windows), len(values)))
        features[::EACH] = values.T
        _put_features(self.windows, self.steps, self.long_steps, features)
        return features


@dataclass(frozen=True, eq=False)
class Standard:
    """What is usual for the features: puts them on one scale, about 0, for the trees.

    Attributes
    ----------
    centre, scale : array of float64, shape (5 n_channels,)
        Median and robust standard deviation; of the logarithm for volatilities.
    least : array of float64, shape (n_channels,)
        Volatility below which there is none.
    columns : array of int64, shape (n_features,)
        Which of the five features of each channel the trees look at.
    """

    centre: Floats
    scale: Floats
    least: Floats
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, features: Floats, columns: NDArray[np.int64]) -> Standard:
        """Learn from features of healthy readings, shape (5 n_channels, n)."""
        least = np.array([least_volatility(channel) for channel in features[VOLATILITY::EACH]])
        features = features.copy()
        for k in range(VOLATILITY, EACH):
            features[k::EACH] = np.log(np.maximum(features[k::EACH], least[:, np.newaxis]))
        finite = [feature[np.isfinite(feature)] for feature in features]
        centre = np.array([np.median(feature) if len(feature) else 0.0 for feature in finite])
        return cls(centre, np.array([robust_sigma(c) for c in finite]), least, columns)

    def rows(self, features: Floats) -> NDArray[np.float32]:
        """Return the rows for the trees, shape (n, n_features), of features as they came.

        A feature that is not there is put at its median.
        """
        rows = np.empty((features.shape[1], len(self.columns)), dtype=np.float32)
        _standardize(features, self.centre, self.scale, self.least, self.columns, rows)
        return rows

    def __deepcopy__(self, memo: dict[int, Any]) -> Standard:
        return self  # it never changes


def least_volatility(volatilities: Floats) -> float:
    """Return the volatility of a channel below which there is none, in its unit.

    Parameters
    ----------
    volatilities : array of float, shape (n,)
        In healthy readings; NaN where there is none.
    """
    positive = volatilities[(volatilities > 0) & np.isfinite(volatilities)]
    least = SMALLEST_VOLATILITY * float(np.median(positive)) if len(positive) else 0.0
    return least if least > 0.0 else 1.0


def sample_features(
    parts: list[Floats], *, window: int, most: int, rng: np.random.Generator
) -> Floats:
    """Return the features of at most so many readings, shape (5 n_channels, n), in their order.

    Parameters
    ----------
    parts : list of array of float, shape (n_readings, n_channels)
        Values of each device.
    window, most : int
    rng : numpy.random.Generator
        Draws the readings, if there are more than *most*.
    """
    n, first = sum(map(len, parts)), 0
    chosen = np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)
    found = []
    for values in parts:
        stream = FeatureStream(values.shape[1], window)
        for start in range(0, len(values), ROWS_AT_ONCE):
            block = stream.features(values[start : start + ROWS_AT_ONCE])
            low, high = np.searchsorted(chosen, [first, first + block.shape[1]])
            found.append(block[:, chosen[low:high] - first])
            first += block.shape[1]
    return np.concatenate(found, axis=1)


def foreign_rows(
    rows: NDArray[np.float32], n: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return *n* of *rows* with one feature each moved anywhere within five times its range.

    Parameters
    ----------
    rows : array of float32, shape (n_rows, n_features)
    n : int
    rng : numpy.random.Generator
    """
    low, high = np.quantile(rows, [FOREIGN_TAIL, 1.0 - FOREIGN_TAIL], axis=0)
    middle, reach = (low + high) / 2.0, FOREIGN_REACH * (high - low) / 2.0
    foreign = rows[rng.integers(len(rows), size=n)]
    feature = rng.integers(rows.shape[1], size=n)
    foreign[np.arange(n), feature] = middle[feature] + reach[feature] * rng.uniform(-1.0, 1.0, n)
    return foreign


@kernel
def _put_features(
    windows: Floats, steps: Floats, long_steps: Floats, features: Floats
) -> None:  # pragma: no cover - compiled
    """Write the features of all values of all channels behind them, and take the values in."""
    rest = np.empty(_length(windows) + 1)
    for c in range(len(windows)):
        for i in range(features.shape[1]):
            _put_and_push(windows, steps, long_steps, rest, c, features, i)


@inlined
def _put_and_push(
    windows: Floats,
    steps: Floats,
    long_steps: Floats,
    rest: Floats,
    c: int,
    features: Floats,
    i: int,
) -> None:  # pragma: no cover - compiled
    """Write the features of reading *i* of channel *c*, whose value stands there; take it in."""
    first = EACH * c
    value, count = features[first, i], windows[c, COUNT]
    volatility = long_volatility = np.nan
    if count and np.isfinite(value):
        step = abs(value - _back(windows, c, 1))
        volatility = _push_step(step, steps, c)
        long_volatility = _push_step(step, long_steps, c)
    if count >= FEWEST_VALUES and np.isfinite(value):
        features[first + 1, i] = value - _median_of_five(windows, c)
        features[first + 2, i] = _departure(value, windows, c)
        features[first + 3, i], features[first + 4, i] = volatility, long_volatility
    else:
        for k in range(first + 1, first + EACH):
            features[k, i] = np.nan
    if np.isfinite(value):
        _push(value, windows, c, rest)


@inlined
def _push_step(step: float, steps: Floats, c: int) -> float:  # pragma: no cover - compiled
    """Take in the size of a step; return the mean of the last ones, of this one as well."""
    window = (steps.shape[1] - STEPS) // 2
    place, ends = int(steps[c, FILLED]), STEPS + window
    steps[c, STEPS + place] = step
    place += 1
    total = steps[c, SUM] + step
    if place < window:
        steps[c, FILLED], steps[c, SUM] = place, total
        # Before the first block is whole, the ends are zero.
        return float((total + steps[c, ends + place]) / (window if steps[c, FULL] else place))
    end = 0.0
    for j in range(window - 1, -1, -1):
        end += steps[c, STEPS + j]
        steps[c, ends + j] = end
    steps[c, FILLED], steps[c, FULL], steps[c, SUM] = 0.0, 1.0, 0.0
    return float(total / window)


@inlined
def _departure(value: float, windows: Floats, c: int) -> float:  # pragma: no cover - compiled
    """Return how far *value* is from the median of the window of channel *c*."""
    count = int(windows[c, COUNT])
    lower, upper = windows[c, LOW + (count + 1) // 2], windows[c, LOW + 1 + count // 2]
    # Half of each may be subtracted, the sum of the two would be rounded at an offset of 1e9.
    return float((value - lower) - (0.5 * upper - 0.5 * lower))


@inlined
def _median_of_five(windows: Floats, c: int) -> float:  # pragma: no cover - compiled
    """Return the median of the last five values of channel *c*."""
    v, w = _back(windows, c, 1), _back(windows, c, 2)
    x, y = _back(windows, c, 3), _back(windows, c, 4)
    # The smallest and the largest of four cannot be it: it is the middle one of the other three.
    low, high = max(min(v, w), min(x, y)), min(max(v, w), max(x, y))
    z = _back(windows, c, 5)
    return float(max(min(low, high), min(max(low, high), z)))


@inlined
def _back(windows: Floats, c: int, k: int) -> float:  # pragma: no cover - compiled
    """Return the k-th last value of channel *c*."""
    at, length = int(windows[c, PLACE]) - k, _length(windows)
    return float(windows[c, LOW + 2 + length + (at if at >= 0 else at + length)])


@inlined
def _length(windows: Floats) -> int:  # pragma: no cover - compiled
    """Return how many values a window has."""
    return int((windows.shape[1] - LOW - 2) // 2)


@inlined
def _push(
    value: float, windows: Floats, c: int, rest: Floats
) -> None:  # pragma: no cover - compiled
    """Take a finite value into the window of channel *c*, and the oldest one out.

    A window that is not yet full is filled up with infinity. *rest* is memory for the others.
    """
    length, place = _length(windows), int(windows[c, PLACE])
    at = LOW + 2 + length + place
    oldest, windows[c, at] = windows[c, at], value
    windows[c, PLACE] = 0.0 if place + 1 == length else place + 1.0
    windows[c, COUNT] = min(windows[c, COUNT] + 1.0, float(length))
    # From the oldest value on, all move down by one place.
    for j in range(length + 1):
        here, above = windows[c, LOW + j], windows[c, LOW + j + 1]
        rest[j] = above if here >= oldest else here
    # From the new value on, all move up again: each place gets the middle one of three.
    for j in range(length):
        below, here = rest[j], rest[j + 1]
        here = value if value < here else here
        windows[c, LOW + j + 1] = below if below > here else here


@kernel
def _standardize(
    features: Floats,
    centre: Floats,
    scale: Floats,
    least: Floats,
    columns: Ints,
    rows: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    for k in range(len(columns)):
        j = columns[k]
        middle, width, smallest = centre[j], scale[j], least[j // EACH]
        logarithm = j % EACH >= VOLATILITY
        for i in range(len(rows)):
            feature = features[j, i]
            if logarithm:  # NaN is not below anything
                feature = math.log(smallest if feature < smallest else feature)
            standard = (feature - middle) / width
            standard = 0.0 if np.isnan(standard) else standard
            standard = LARGEST_FEATURE if standard > LARGEST_FEATURE else standard
            rows[i, k] = -LARGEST_FEATURE if standard < -LARGEST_FEATURE else standard


@kernel
def judge_one(
    values: Floats,
    windows: Floats,
    steps: Floats,
    long_steps: Floats,
    centre: Floats,
    scale: Floats,
    least: Floats,
    columns: Ints,
    nodes: Bits,
    lengths: Floats,
    roots: Bits,
    depths: Ints,
    most: float,
) -> float:  # pragma: no cover - compiled
    """Return the score of one reading, as its features, standardized, and a walk give it."""
    features = np.empty((EACH * len(values), 1))
    rest = np.empty(_length(windows) + 1)
    infinite = False
    for c in range(len(values)):
        features[EACH * c, 0] = values[c]
        infinite |= np.isinf(values[c])
        _put_and_push(windows, steps, long_steps, rest, c, features, 0)
    rows = np.empty((1, len(columns)), dtype=np.float32)
    _standardize(features, centre, scale, least, columns, rows)
    keys = np.empty(len(columns), dtype=np.uint32)
    to_keys(rows[0].view(np.uint32), keys)
    path = path_of_one(keys, np.uint64(0), nodes, lengths, roots, depths)
    return np.inf if infinite else isolation(path, most)
