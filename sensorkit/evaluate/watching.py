"""Run a detector over readings as the recorder does, and split off copies that go on alone."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sensorkit.detect import Detector
from sensorkit.detect.base import BaseDetector
from sensorkit.detect.protocol import advance
from sensorkit.readings import Alert, Readings


class Watch:
    """A detector under which readings pass; `advance` is called at each heartbeat deadline.

    Each device has deadlines of its own, as in a capture: one that falls silent while others
    speak is missed before the first reading of any that is later than its deadline.

    Parameters
    ----------
    detector : Detector
        As it is: fitted, calibrated, its stream where it shall go on.
    heartbeat_s : float or None
        Seconds without a reading of a device after which it is told so; None: never.
    """

    def __init__(self, detector: Detector, heartbeat_s: float | None) -> None:
        self.detector = detector
        self._deadlines = None if heartbeat_s is None else Deadlines(round(heartbeat_s * 1e9))

    def feed(self, readings: Readings) -> Iterator[list[Alert]]:
        """Take the next readings; yield what begins, between the deadlines that pass in them.

        Nothing is done before it is asked for.
        """
        at = 0
        for row, deadline, device in self._deadlines.passed(readings) if self._deadlines else ():
            if row > at:
                yield self.detector.alerts(readings[slice(at, row)])
                at = row
            yield advance(self.detector, deadline, device)
        if len(readings) > at:
            yield self.detector.alerts(readings[at:])

    def finish(self) -> list[Alert]:
        """Say that no more readings come; return what begins by that."""
        return self.detector.finish()

    def fork(self) -> Watch:
        """Return a watch that goes on from here alone: what it is fed does not reach this one."""
        twin = copy.copy(self)
        twin.detector = fork(self.detector)
        twin._deadlines = None if self._deadlines is None else self._deadlines.fork()
        return twin


class Deadlines:
    """When each device is missed: *limit_ns* after its last reading.

    The clocks of devices on one link may differ. Where one is behind the others when it speaks, it
    is missed so much later by theirs; its own next reading shows its silence in any case.
    """

    def __init__(self, limit_ns: int) -> None:
        self._limit = limit_ns
        self._last: dict[str | None, int] = {}
        self._due: dict[str | None, int] = {}
        """By the clock of the others; only of devices that are not missed yet."""

    def fork(self) -> Deadlines:
        """Return deadlines that go on from here alone."""
        twin = Deadlines(self._limit)
        twin._last, twin._due = self._last.copy(), self._due.copy()
        return twin

    def passed(self, readings: Readings) -> list[tuple[int, int, str | None]]:
        """Return the deadlines that pass in these readings: row, time, and whose it is.

        A deadline is told before its row. With one device it is that of all: None.
        """
        if not len(readings):
            return []
        names, codes = (*readings.device.vocabulary, None), readings.device.codes  # -1 is the last
        if self._last.keys() <= {names[codes[0]]} and (codes == codes[0]).all():
            return self._of_one(names[codes[0]], readings)
        return self._of_several([names[code] for code in codes.tolist()], readings)

    def _of_one(self, name: str | None, readings: Readings) -> list[tuple[int, int, str | None]]:
        before = self._last.get(name, int(readings.time[0]))
        late = np.flatnonzero(np.diff(readings.time, prepend=before) > self._limit)
        previous = np.concatenate([[before], readings.time])[late]
        self._last[name] = int(readings.time[-1])
        self._due[name] = self._last[name] + self._limit
        deadlines = (previous + self._limit).tolist()
        return [(row, time, None) for row, time in zip(late.tolist(), deadlines, strict=True)]

    def _of_several(
        self, names: list[str | None], readings: Readings
    ) -> list[tuple[int, int, str | None]]:
        limit, last, due = self._limit, self._last, self._due
        soonest: float = min(due.values(), default=math.inf)
        found: list[tuple[int, int, str | None]] = []
        for row, (name, time) in enumerate(zip(names, readings.time.tolist(), strict=True)):
            late = name in due and time - last[name] > limit
            if time > soonest or late:
                missed = [one for one, by in due.items() if time > by or (late and one == name)]
                for one in sorted(missed, key=last.__getitem__):
                    found.append((row, last[one] + limit, one))
                    del due[one]
                soonest = min(due.values(), default=math.inf)
            last[name] = time
            # Not of those who are missed: a clock far ahead may have gone with its device.
            due[name] = max([time, *[last[one] for one in due]]) + limit
            soonest = min(soonest, due[name])
        return found


def watch(
    detector: Detector, batches: Iterable[Readings], heartbeat_s: float | None
) -> Iterator[list[Alert]]:
    """Run a detector over all readings to the end; yield what begins, step by step."""
    passing = Watch(detector, heartbeat_s)
    for batch in batches:
        yield from passing.feed(batch)
    yield passing.finish()


def fork(detector: Detector) -> Detector:
    """Return a detector in the same state whose stream goes on alone.

    What the fit learned is shared, so that a forest is not copied for every window. Alerts that
    were handed out are shared too: an episode that is open has one alert, whoever ends it. Of a
    detector that is none of `BaseDetector` everything is copied, by `copy.deepcopy`.
    """
    if not isinstance(detector, BaseDetector):
        return copy.deepcopy(detector)
    twin = copy.copy(detector)
    memo: dict[int, Any] = {id(one): one for one in detector.frozen()}
    # The state of a stream is in its devices alone; an ensemble's members find theirs through them.
    twin._devices = copy.deepcopy(detector._devices, memo)
    return twin
