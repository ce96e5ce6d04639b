"""What an emulated unit has measured last: as much as a fault may want to know."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray


class History:
    """The last readings of a unit, and the last value of each channel.

    Parameters
    ----------
    channels : int
    least : int
        So many readings are kept at least, once there have been as many.
    """

    def __init__(self, channels: int, least: int) -> None:
        self.last = np.full(channels, np.nan)
        """The last value of each channel that was not missing."""
        self._least = least
        self._pieces: deque[NDArray[np.float64]] = deque()
        self._kept = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take the next readings, shape (n, n_channels)."""
        if len(values) == 0:
            return
        there = ~np.isnan(values)
        if there[-1].all():
            self.last = values[-1].copy()
        else:
            for column in np.flatnonzero(there.any(axis=0)).tolist():
                self.last[column] = values[there[:, column], column][-1]
        self._pieces.append(values[-self._least :])
        self._kept += len(self._pieces[-1])
        while self._kept - len(self._pieces[0]) >= self._least:
            self._kept -= len(self._pieces.popleft())

    def tail(self, column: int, n: int) -> NDArray[np.float64]:
        """Return the last *n* values of a channel, the newest last; fewer if there are no more."""
        pieces: list[NDArray[np.float64]] = []
        for piece in reversed(self._pieces):
            if n <= 0:
                break
            pieces.append(piece[-n:, column])
            n -= len(pieces[-1])
        return np.concatenate(pieces[::-1]) if pieces else np.empty(0)
