"""The rows that a foreign model or function gets to see: of one reading, or of several."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sensorkit.detect.kernels.changes import robust_sigma
from sensorkit.detect.parameters import unknown
from sensorkit.detect.streams import Floats

FEATURES = ("values", "differences", "both")

# Some models work in float32 and refuse what that cannot hold.
LARGEST_FEATURE = 1e30


class History:
    """The last readings of one device, without holes.

    A missing or infinite value is taken as the last one that was there; before there was any,
    as the usual one.

    Parameters
    ----------
    usual : array of float, shape (n_channels,)
    depth : int
        How many readings are remembered.

    Examples
    --------
    >>> history = History(np.array([5.0]), depth=1)
    >>> history.take(np.array([[np.nan], [7.0], [np.inf]])).ravel().tolist()
    [5.0, 7.0, 7.0]
    >>> history.take(np.array([[8.0]])).ravel().tolist()
    [7.0, 8.0]
    """

    def __init__(self, usual: Floats, depth: int) -> None:
        self._last = usual.copy()
        self._before = np.empty((0, len(usual)))
        self._depth = depth

    def take(self, values: Floats) -> Floats:
        """Return the readings remembered, at most *depth*, and those of *values* behind them."""
        joined = np.concatenate([self._before, self._filled(values)])
        self._before = joined[max(len(joined) - self._depth, 0) :].copy()
        return joined

    def _filled(self, values: Floats) -> Floats:
        there = np.isfinite(values)
        known = np.concatenate([self._last[np.newaxis], values])
        row = np.arange(1, len(known))[:, np.newaxis]
        latest = np.maximum.accumulate(np.where(there, row, 0), axis=0)
        filled = np.take_along_axis(known, latest, axis=0)
        if len(filled):
            self._last = filled[-1].copy()
        return filled


def windows(rows: Floats, length: int) -> Floats:
    """Return the last *length* rows at each row that has them, the latest last.

    Parameters
    ----------
    rows : array of float, shape (n, width)

    Returns
    -------
    array of float, shape (max(n - length + 1, 0), length, width)
        A copy.
    """
    if len(rows) < length:
        return np.empty((0, length, rows.shape[1]))
    return np.ascontiguousarray(sliding_window_view(rows, length, axis=0).transpose(0, 2, 1))


@dataclass
class Windows:
    """Readings as they are: shape (n, n_channels), or (n, length, n_channels)."""

    length: int | None

    @property
    def depth(self) -> int:
        """Return how many readings before it a row is made of."""
        return (self.length or 1) - 1

    def __call__(self, joined: Floats) -> Floats:
        """Return the rows of all readings but the first *depth*."""
        return joined.copy() if self.length is None else windows(joined, self.length)


@dataclass
class Embedding:
    """Readings as rows of features, each of the last *window* readings side by side.

    Parameters
    ----------
    features : str
        `values`, `differences` from the reading before, or `both`.
    window : int
        How many readings a row is made of, the latest included.

    Notes
    -----
    Features are centred on their median and divided by their robust standard deviation in the
    fit, so that none counts more because of its unit, and digits are left to models that work
    in float32. What is beyond 1e30 of it is taken as that.
    """

    features: str
    window: int
    centre: Floats = field(default_factory=lambda: np.empty(0))
    scale: Floats = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise unknown("kind of features", self.features, FEATURES)

    @property
    def depth(self) -> int:
        """Return how many readings before it a row is made of."""
        return self.window - 1 + (self.features != "values")

    def learn(self, values: list[Floats]) -> Floats:
        """Learn centre and scale; return the complete rows of the fit, standardized.

        Parameters
        ----------
        values : list of array of float, shape (n, n_channels)
            Of each device.
        """
        columns = [self._columns(np.where(np.isfinite(part), part, np.nan)) for part in values]
        each = [column[np.isfinite(column)] for column in np.concatenate(columns).T]
        self.centre = np.array([float(np.median(c)) if len(c) else 0.0 for c in each])
        self.scale = np.array([robust_sigma(column) for column in each])
        rows: Floats = np.concatenate([self._rows(part) for part in columns])
        return rows[np.isfinite(rows).all(axis=1)]

    def __call__(self, joined: Floats) -> Floats:
        """Return the rows of all readings but the first *depth*, shape (n, n_features)."""
        return self._rows(self._columns(joined))

    def _columns(self, values: Floats) -> Floats:
        if self.features == "values":
            return values
        with np.errstate(over="ignore"):
            differences: Floats = np.diff(values, axis=0)
        if self.features == "differences":
            return differences
        return np.concatenate([values[1:], differences], axis=1)

    def _rows(self, columns: Floats) -> Floats:
        with np.errstate(over="ignore"):
            standard = (columns - self.centre) / self.scale
        np.clip(standard, -LARGEST_FEATURE, LARGEST_FEATURE, out=standard)
        side_by_side = windows(standard, self.window)
        rows: Floats = side_by_side.reshape(len(side_by_side), self.window * len(self.centre))
        return rows
