"""A timeline for each device of a link: clocks, counters and heartbeats that know no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Event, Words
from sensorkit.wire.columns import Columns
from sensorkit.wire.timeline import BEFORE_ROWS, Timeline

Found = tuple[int, int, int, int, Event]
"""Read, row, when the device was heard before, its place among the devices, and the event."""


class Timelines:
    """Gives the frames of several devices their times, each by its own clock and counter.

    A device that its frames do not name is called None. Where it is not known who will speak, the
    first to do so takes over the waiting: a link on which nothing ever comes is silent, too.

    Parameters
    ----------
    heartbeat_ns, started_ns : int or None
        As for `Timeline`.
    expected : sequence of str
        Devices that are missed if they never speak.
    """

    def __init__(
        self, heartbeat_ns: int | None, started_ns: int | None, expected: Sequence[str] = ()
    ) -> None:
        self._heartbeat = heartbeat_ns
        names: Sequence[str | None] = expected or (None,)
        # In the order in which silences of one moment are told.
        self._lines = {name: Timeline(heartbeat_ns, started_ns) for name in names}
        self._waits = not expected

    @property
    def lost(self) -> int:
        """Return the frames that the counters say are missing, of all devices."""
        return sum([line.lost for line in self._lines.values()])

    @property
    def resets(self) -> int:
        """Return how often a device started anew."""
        return sum([line.resets for line in self._lines.values()])

    @property
    def silences(self) -> int:
        """Return how often a heartbeat was lost."""
        return sum([line.silences for line in self._lines.values()])

    @property
    def silent(self) -> tuple[str | None, ...]:
        """Return the devices whose heartbeat is lost right now."""
        return tuple([name for name, line in self._lines.items() if line.silent])

    def __len__(self) -> int:
        return len(self._lines)

    def now(self, now_ns: int) -> dict[str | None, int]:
        """Return the time of each device at the host's *now_ns*."""
        return {name: line.now(now_ns) for name, line in self._lines.items()}

    def silence(self, now_ns: int, offset: int) -> list[Event]:
        """Return the heartbeats that have been missed at the host's *now_ns*."""
        found: list[Found] = []
        for order, (name, line) in enumerate(self._lines.items()):
            heard = line.heard_ns or 0
            lost = line.silence(now_ns, offset)
            found += [(0, BEFORE_ROWS, heard, order, _of(name, event)) for event in lost]
        return _in_order(found)

    def follow(
        self, frames: Columns, received: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[Event]]:
        """Return the times of *frames* and what they show; see `Timeline.follow`.

        The events come in the order in which reads and frames show them, so that it does not
        depend on how many reads are taken at once.
        """
        if frames.device is None and self._lines.keys() == {None}:
            self._waits = self._waits and not len(frames)
            return self._lines[None].follow(frames, received, offsets)
        rows_of = _rows_by_device(frames)
        waited, until = self._meet(rows_of, frames)
        times = np.empty(len(frames), dtype=np.int64)
        found: list[Found] = []
        for order, (name, line) in enumerate(self._lines.items()):
            rows = rows_of.get(name, _NO_ROWS)
            times[rows], shown = line.trace(frames.of_rows(rows), received, offsets)
            for read, row, heard, event in shown:
                silent = row == BEFORE_ROWS
                unnamed = silent and line is waited and read <= until
                told = event if unnamed else _of(name, event)
                found.append((read, row if silent else int(rows[row]), heard, order, told))
        return times, _in_order(found)

    def _meet(
        self, rows_of: dict[str | None, NDArray[np.intp]], frames: Columns
    ) -> tuple[Timeline | None, int]:
        """Make a timeline for each new device.

        Returns
        -------
        waited : Timeline or None
            The one that waited for anybody until now.
        until : int
            The read that brought the first frame: silences up to there are nobody's.
        """
        waited, until = None, -1
        if self._waits and rows_of:
            self._waits = False
            first = next(iter(rows_of))
            waited, until = self._lines.pop(None), int(frames.read[0])
            self._lines[first] = waited
        for name in rows_of:
            if name not in self._lines:
                self._lines[name] = Timeline(self._heartbeat, None)
        return waited, until


_NO_ROWS = np.empty(0, dtype=np.intp)


def _rows_by_device(frames: Columns) -> dict[str | None, NDArray[np.intp]]:
    """Return the rows of each device, in the order in which they first speak."""
    told = Words.constant(None, len(frames)) if frames.device is None else frames.device
    codes, first = np.unique(told.codes, return_index=True)
    names = (*told.vocabulary, None)  # -1 is the last
    return {
        names[code]: np.flatnonzero(told.codes == code)
        for code in codes[np.argsort(first)].tolist()
    }


def _of(name: str | None, event: Event) -> Event:
    return event if name is None else replace(event, details={**event.details, "device": name})


def _in_order(found: list[Found]) -> list[Event]:
    # Events of one frame stay in the order in which it showed them: the sort is stable.
    return [event for *_, event in sorted(found, key=lambda one: one[:4])]
