"""Group flagged readings into episodes: one alert each, however long it lasts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Alert

SECOND_NS = 1_000_000_000


class Episodes:
    """The episodes of one device, one open at most per track.

    An episode opens at the first flagged reading. Up to *merge* unflagged readings in a row
    belong to it; one more, and it is over, but not before it is *refractory_s* old: what is
    flagged until then belongs to it as well. It ends with its last flagged reading: that time
    is then written to the alert that was handed out when it opened.

    Parameters
    ----------
    tracks : int
        How many things the detector watches side by side.
    merge : int
        Longest run of unflagged readings inside an episode.
    refractory_s : float
        Seconds from the beginning of an episode until the next one may begin.
    """

    def __init__(self, tracks: int, merge: int, refractory_s: float = 0.0) -> None:
        self._merge = merge
        self._refractory_ns = round(refractory_s * SECOND_NS)
        self._open: list[Alert | None] = [None] * tracks
        self._last = [0] * tracks  # time of the last flagged reading
        self._quiet = [0] * tracks  # unflagged readings since

    def update(
        self,
        time: NDArray[np.int64],
        flags: NDArray[np.bool_],
        begin: Callable[[int, int], Alert],
    ) -> list[tuple[int, Alert]]:
        """Take the next readings and return the episodes that begin with them.

        Parameters
        ----------
        time : array of int64, shape (n,)
            Nanoseconds UTC.
        flags : array of bool, shape (n, n_tracks)
        begin : callable
            Makes the alert of an episode from the row and the track it opens at.

        Returns
        -------
        list of (row, alert)
            Track by track.
        """
        begun: list[tuple[int, Alert]] = []
        for track in range(flags.shape[1]):
            rows = np.flatnonzero(flags[:, track])
            seen = 0  # rows of the batch that have been dealt with
            for first, last in runs(rows, self._merge):
                self._quiet[track] += first - seen
                if self._is_over(track, int(time[first])):
                    self._close(track)
                if self._open[track] is None:
                    alert = self._open[track] = begin(first, track)
                    begun.append((first, alert))
                self._last[track], self._quiet[track] = int(time[last]), 0
                seen = last + 1
            self._quiet[track] += len(time) - seen
            if len(time) and self._is_over(track, int(time[-1])):
                self._close(track)
        return begun

    def _is_over(self, track: int, now: int) -> bool:
        alert = self._open[track]
        if alert is None or self._quiet[track] <= self._merge:
            return False
        # A clock that was set back to before the alert says nothing of how old it is.
        return not 0 <= now - alert.start < self._refractory_ns

    def close(self) -> None:
        """End what is open: no more readings will come."""
        for track in range(len(self._open)):
            self._close(track)

    def _close(self, track: int) -> None:
        alert = self._open[track]
        if alert is not None:
            # A clock that was set back must not make an episode end before it began.
            alert.end = max(alert.start, self._last[track])
        self._open[track] = None


def runs(rows: NDArray[np.intp], merge: int) -> list[tuple[int, int]]:
    """Return the first and last row of each run of flagged *rows*, *merge* others between at most.

    >>> runs(np.array([0, 1, 5, 9]), 3)
    [(0, 9)]
    """
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(rows) > merge + 1)
    firsts = rows[np.concatenate([[0], cuts + 1])]
    lasts = rows[np.concatenate([cuts, [-1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
