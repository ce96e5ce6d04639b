"""Which faults of one unit come when: those planned, those asked for, and those by themselves."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable

from sensorkit.emulator.by_themselves import Anomalies
from sensorkit.faults.placing import Placed
from sensorkit.faults.plan import Fault

BY_THEMSELVES = 1 << 40
"""Ids from here on: of anomalies that come by themselves. They only fix the random stream; what a
label is called is decided when the anomaly has begun."""


class Schedule:
    """The faults of one unit in order of time.

    Parameters
    ----------
    placed : iterable of Placed
        Those of the plan.
    anomalies : Anomalies
        What comes by itself keeps away from all others, and from silence.
    unit : int
        From 1.
    silence : callable
        Returns the end of a silence that falls into readings [start, stop), None if there is none.
    """

    def __init__(
        self,
        placed: Iterable[Placed],
        anomalies: Anomalies,
        *,
        unit: int,
        silence: Callable[[int, int], int | None],
    ) -> None:
        self._coming = sorted(placed, key=lambda one: one.start_index)
        self.begun: list[Placed] = []
        """In order of time; the last of them may be about to begin."""
        self.count = 0
        """Of those; a fault on several channels is one."""
        self._anomalies = anomalies
        self._silence = silence
        self._next_id = BY_THEMSELVES * (1 + unit)
        self._own: Placed | None = None
        self._draw(0)

    def begin(self, row: int, most: int) -> tuple[list[Placed], int]:
        """Return the faults that begin with *row*, and the reading they are over with.

        Faults that overlap or touch belong together. If none begins: no faults, and the reading
        with which the next one does, at most *most* away.
        """
        self._settle_own(row)
        first = min(
            [one.start_index for one in (*self._coming[:1], self._own) if one is not None],
            default=row + most,
        )
        if first > row:
            return [], min(first, row + most)
        if self._own is not None and self._own.start_index == row:
            group, stop = [self._own], self._own.stop_index
            self._next_id += 1
            self._draw(stop)
        else:
            group, stop = self.absorb(row)
        self.note(group)
        return group, stop

    def absorb(self, stop: int) -> tuple[list[Placed], int]:
        """Take the planned faults that begin until *stop*, or until those are over."""
        group: list[Placed] = []
        while self._coming and self._coming[0].start_index <= stop:
            group.append(self._coming.pop(0))
            stop = max(stop, group[-1].stop_index)
        return group, stop

    def add(self, placed: Iterable[Placed]) -> None:
        """Take faults that have been asked for."""
        for one in placed:
            bisect.insort(self._coming, one, key=lambda other: other.start_index)

    def note(self, placed: list[Placed]) -> None:
        """Take note of faults that begin."""
        self.begun += placed
        self.count += len({one.number for one in placed})

    def clash(self, fault: Fault, start: int, stop: int) -> Placed | None:
        """Return a fault to come that acts on the same channel in readings [start, stop)."""
        for other in self._coming:
            if other.start_index >= stop:
                break
            if other.stop_index > start and fault.meets(other.fault):
                return other
        return None

    def _draw(self, row: int) -> None:
        """Draw what comes by itself after *row*."""
        drawn = self._anomalies.draw()
        self._own = None
        if drawn is not None:
            healthy, fault = drawn
            self._own = Placed(fault, self._next_id, row + healthy, row + healthy + 1)

    def _settle_own(self, row: int) -> None:
        """Move what comes by itself out of the way of all else, if it is next."""
        while (own := self._own) is not None:
            start = max(own.start_index, row)
            if self._coming and self._coming[0].start_index < start:
                return  # that comes first
            later = self._silence(start, start + 1)
            if self._coming and self._coming[0].start_index == start:
                later = start + 1
            self._own = own._replace(start_index=later or start, stop_index=(later or start) + 1)
            if later is None:
                return
