"""Lines over time: open where readings are missing, thinned as a whole, finer where one looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.thinning import MAX_POINTS, downsample

GAP_STEPS = 5
"""A step longer than so many usual ones breaks the line."""

Rows = slice | NDArray[np.intp]


def stamps(time_ns: NDArray[np.int64] | Sequence[int]) -> list[str]:
    """Return times as plotly reads them best: ISO 8601 in UTC, with microseconds.

    A number would do as well, until a figure is redrawn: plotly then looks at the values to say
    what kind of axis it is.

    >>> stamps([1_500_000_000])
    ['1970-01-01T00:00:01.500000']
    """
    time = np.asarray(time_ns, dtype=np.int64).view("datetime64[ns]")
    said: list[str] = np.datetime_as_string(time, unit="us").tolist()
    return said


def dotted(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return how plotly draws a line: with a dot for each value that stands alone between gaps.

    A line goes through two values, so that plotly would not show it at all.

    >>> dotted(np.array([1.0, 2.0, np.nan, 3.0]))
    {'mode': 'lines+markers', 'marker': {'size': [0, 0, 0, 5]}}
    """
    alone = np.isfinite(values)
    joined = alone[1:] & alone[:-1]
    alone[1:] &= ~joined
    alone[:-1] &= ~joined
    # None at all is the rule, and thousands of dots without a size would still be drawn.
    size = np.where(alone, 5, 0).tolist() if alone.any() else 5
    return {"mode": "lines+markers" if alone.any() else "lines", "marker": {"size": size}}


class Timeline:
    """When the readings of a device came, and where one of them does not follow on the other.

    Parameters
    ----------
    time_ns : array of int64, shape (n,)
        Nanoseconds UTC, in the order of arrival; equal times are normal.

    Attributes
    ----------
    breaks : array of int, shape (m,)
        Rows before which the line is open: after a silence, or a step back in time.
    """

    def __init__(self, time_ns: NDArray[np.int64]) -> None:
        self.time_ns = time_ns
        steps = np.diff(time_ns)
        forward = steps[steps > 0]
        usual = np.median(forward) if len(forward) else 1
        self.breaks = np.flatnonzero((steps > GAP_STEPS * usual) | (steps < 0)) + 1
        self._rising = not (steps < 0).any()

    def __len__(self) -> int:
        return len(self.time_ns)

    def rows(self, start_ns: float, stop_ns: float) -> Rows:
        """Return the rows from *start_ns* to *stop_ns*, and one more on either side.

        >>> Timeline(np.arange(10)).rows(3, 5)
        slice(2, 7, None)
        """
        # As whole numbers, or numpy would make all times floats first.
        start_ns, stop_ns = math.ceil(start_ns), math.floor(stop_ns)
        if self._rising:
            first = int(np.searchsorted(self.time_ns, start_ns, side="left"))
            last = int(np.searchsorted(self.time_ns, stop_ns, side="right"))
            return slice(max(first - 1, 0), last + 1)
        inside = (self.time_ns >= start_ns) & (self.time_ns <= stop_ns)
        inside[:-1] |= inside[1:]
        return np.flatnonzero(inside)


@dataclass(frozen=True, eq=False)
class Line:
    """What one device says of one channel.

    Attributes
    ----------
    device : str
    timeline : Timeline
    values : array of float, shape (n,)
    """

    device: str
    timeline: Timeline
    values: NDArray[np.float64]
    _whole: dict[int, NDArray[np.intp]] = field(default_factory=dict, repr=False)

    def thinned(
        self, points: int = MAX_POINTS, window_ns: tuple[float, float] | None = None
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Return what is drawn: times as plotly reads them, and values; see `drawn`.

        Examples
        --------
        >>> line = Line("a", Timeline(np.arange(100_000)), np.arange(1e5))
        >>> [len(line.thinned(50, window)[0]) for window in (None, (0, 20))]
        [50, 71]
        """
        time_ns, values = self.drawn(points, window_ns)
        return stamps(time_ns), values

    def drawn(
        self, points: int = MAX_POINTS, window_ns: tuple[float, float] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the points of the line: nanoseconds UTC, and values.

        The smallest and the largest value of each part are kept, so every spike is seen. NaN stands
        between readings that do not follow on each other, and for what is no number.

        Parameters
        ----------
        points : int
            The whole line has about so many, and so has the part in *window_ns*.
        window_ns : (float, float), optional
            Where one looks: from, to.
        """
        # The whole stays the same from one zoom to the next.
        if points not in self._whole:
            self._whole[points] = downsample(self.values, points)
        rows = self._whole[points]
        if window_ns is not None:
            inside = self.timeline.rows(*window_ns)
            finer = downsample(self.values[inside], points)
            there = finer + inside.start if isinstance(inside, slice) else inside[finer]
            rows = np.union1d(rows, there)
        time = self.timeline.time_ns[rows]
        values = np.where(np.isfinite(self.values[rows]), self.values[rows], np.nan)
        stretch = np.searchsorted(self.timeline.breaks, rows, side="right")
        opened = np.flatnonzero(np.diff(stretch)) + 1
        return np.insert(time, opened, time[opened - 1]), np.insert(values, opened, np.nan)
