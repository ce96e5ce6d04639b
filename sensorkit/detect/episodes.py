"""Group flagged readings into episodes: one alert each, however long it lasts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Alert


class Episodes:
    """The episodes of one device, one open at most per track.

    An episode opens at the first flagged reading. Up to *merge* unflagged readings in a row
    belong to it; one more, and it is over. It ends with its last flagged reading: that time is
    then written to the alert that was handed out when it opened.

    Parameters
    ----------
    tracks : int
        How many things the detector watches side by side.
    merge : int
        Longest run of unflagged readings inside an episode.
    """

    def __init__(self, tracks: int, merge: int) -> None:
        self._merge = merge
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
            if self._open[track] is not None:
                first = int(rows[0]) if len(rows) else len(time)
                if self._quiet[track] + first > self._merge:
                    self._close(track)
            if not len(rows):
                self._quiet[track] += len(time)
                continue
            cuts = np.flatnonzero(np.diff(rows) > self._merge + 1)
            firsts = rows[np.concatenate([[0], cuts + 1])].tolist()
            lasts = rows[np.concatenate([cuts, [-1]])].tolist()
            for first, last in zip(firsts, lasts, strict=True):
                if self._open[track] is None:
                    alert = self._open[track] = begin(first, track)
                    begun.append((first, alert))
                self._last[track] = int(time[last])
                self._quiet[track] = len(time) - 1 - last
                # Another run follows, or enough unflagged readings do.
                if last != lasts[-1] or self._quiet[track] > self._merge:
                    self._close(track)
        return begun

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
