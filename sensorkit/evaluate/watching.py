"""Run a detector over readings as the recorder does, and split off copies that go on alone."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sensorkit.detect import Detector
from sensorkit.detect.base import BaseDetector
from sensorkit.readings import Alert, Readings


class Watch:
    """A detector under which readings pass; `advance` is called at each heartbeat deadline.

    Parameters
    ----------
    detector : Detector
        As it is: fitted, calibrated, its stream where it shall go on.
    heartbeat_s : float or None
        Seconds without a reading after which it is told so; None: never.
    """

    def __init__(self, detector: Detector, heartbeat_s: float | None) -> None:
        self.detector = detector
        self._limit = math.inf if heartbeat_s is None else round(heartbeat_s * 1e9)
        self._last: int | None = None

    def feed(self, readings: Readings) -> Iterator[list[Alert]]:
        """Take the next readings; yield what begins, between the deadlines that pass in them.

        Nothing is done before it is asked for.
        """
        if not len(readings):
            return
        before = readings.time[0] if self._last is None else self._last
        late = np.flatnonzero(np.diff(readings.time, prepend=before) > self._limit)
        for start, stop in zip([0, *late], [*late, len(readings)], strict=True):
            if stop > start:
                yield self.detector.alerts(readings[slice(start, stop)])
                self._last = int(readings.time[stop - 1])
            if stop < len(readings) and self._last is not None:
                yield self.detector.advance(self._last + int(self._limit))

    def finish(self) -> list[Alert]:
        """Say that no more readings come; return what begins by that."""
        return self.detector.finish()

    def fork(self) -> Watch:
        """Return a watch that goes on from here alone: what it is fed does not reach this one."""
        twin = copy.copy(self)
        twin.detector = fork(self.detector)
        return twin


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
