"""Try a detector on windows with a fault in them, all in one pass over healthy readings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect import Detector
from sensorkit.detect.base import BaseDetector
from sensorkit.evaluate.detectability.single_faults import Faulty
from sensorkit.evaluate.watching import Watch
from sensorkit.readings import Alert, Readings

CHUNK = 50_000
"""Readings that pass at once; the clock may be looked at in between."""


class CannotCopy(Exception):  # noqa: N818 - says what to do, as its message does
    """The state of a detector cannot be copied."""


class Outcome(NamedTuple):
    """What became of the faults of one kind; arrays of shape (n_sizes, n_repeats)."""

    counts: NDArray[np.bool_]
    """No episode is open at the onset, and none begins in the window without the fault."""
    hit: NDArray[np.bool_]
    """An episode begins in the window, and none was open at its start."""
    delay_s: NDArray[np.float64]
    """From the onset to the beginning of the episode; inf for a miss."""
    chance: NDArray[np.bool_]
    """The window is hit without the fault."""


def try_windows(
    detector: Detector,
    lead: Sequence[Readings],
    series: Readings,
    windows: Sequence[Faulty],
    heartbeat_s: float | None,
    check_time: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Stream healthy readings through a detector, and at each onset a copy through the window.

    Parameters
    ----------
    detector : Detector
        Its stream is forgotten, before and after.
    lead : sequence of Readings
        What it has seen when *series* begins.
    series : Readings
        Of one device.
    windows : sequence of Faulty
        Faults in *series*.
    heartbeat_s : float or None
    check_time : callable, optional
        Told what has been done, between onsets.

    Raises
    ------
    CannotCopy
        If the detector cannot be copied. What it raises itself passes through.
    """
    run = _Run(detector, heartbeat_s, check_time or (lambda _: None), windows)
    for part in lead:
        run.passed(part)
    visits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, faulty in enumerate(windows):
        for (k, repeat), start in np.ndenumerate(faulty.start):
            visits[int(start)].append((number, k, repeat))
    at = 0
    for stop in sorted(visits):
        run.passed(series[slice(at, stop)])
        run.stop_at(int(series.time[stop - 1]), visits[stop])
        at = stop
    end = max((int(faulty.last.max()) + 1 for faulty in windows), default=0)
    run.passed(series[slice(at, end)])
    detector.reset()
    return run.outcomes()


class _Run:
    """One pass: the alerts without a fault, and those of the copies."""

    def __init__(
        self,
        detector: Detector,
        heartbeat_s: float | None,
        check_time: Callable[[str], None],
        windows: Sequence[Faulty],
    ) -> None:
        detector.reset()
        self._watch = Watch(detector, heartbeat_s)
        self._check_time = check_time
        self._windows = windows
        self._alerts: list[Alert] = []
        self._stops = 0
        # A detector of ours writes the end of an episode once; another may move it on and on.
        self._ends_are_final = isinstance(detector, BaseDetector)
        shapes = [faulty.start.shape for faulty in windows]
        self._began = [np.full(shape, -1, dtype=np.int64) for shape in shapes]
        self._in_alarm = [np.zeros(shape, dtype=np.bool_) for shape in shapes]

    def passed(self, readings: Readings) -> None:
        """Take the next readings, without a fault."""
        for start in range(0, len(readings), CHUNK):
            for begun in self._watch.feed(readings[slice(start, start + CHUNK)]):
                self._alerts += begun
            self._check_time(f"measured detectability at {self._stops} onsets")

    def stop_at(self, last_ns: int, visits: list[tuple[int, int, int]]) -> None:
        """Try the faults that begin after *last_ns*; the stream itself is left as it is."""
        self._stops += 1
        # One whose end has come, but was written down already, may still go on.
        in_alarm = any(alert.end is None or alert.end >= last_ns for alert in self._alerts)
        # Alerts are shared with the copies, which may end them.
        ends = [] if self._ends_are_final else [(alert, alert.end) for alert in self._alerts]
        for number, k, repeat in visits:
            if in_alarm:
                self._in_alarm[number][k, repeat] = True
            else:
                self._began[number][k, repeat] = self._tried(self._windows[number], k, repeat, ends)
        self._check_time(f"measured detectability at {self._stops} onsets")

    def _tried(
        self, faulty: Faulty, k: int, repeat: int, ends: list[tuple[Alert, int | None]]
    ) -> int:
        """Return when the episode that hits a fault begins; -1 for a miss."""
        start, end = int(faulty.start_ns[k, repeat]), int(faulty.end_ns[k, repeat])
        try:
            alone = self._watch.fork()
        except Exception as error:  # whatever a foreign detector holds
            raise CannotCopy(
                f"the state of {self._watch.detector.name} cannot be copied "
                f"({type(error).__name__}: {error}); let copy.deepcopy copy it"
            ) from error
        begun = [alert for found in alone.feed(faulty.window(k, repeat)) for alert in found]
        early = [alert.end for alert in begun if alert.start < start]
        early += [alert.end for alert, _ in ends]
        for alert, before in ends:
            alert.end = before
        if any(last is None or last >= start for last in early):
            return -1  # one was open
        return min((alert.start for alert in begun if start <= alert.start <= end), default=-1)

    def outcomes(self) -> list[Outcome]:
        """Return what became of each fault, when the readings after the last have passed."""
        starts = np.sort(np.array([alert.start for alert in self._alerts], dtype=np.int64))
        found = []
        for faulty, began, in_alarm in zip(self._windows, self._began, self._in_alarm, strict=True):
            chance = np.searchsorted(starts, faulty.start_ns, side="left") < np.searchsorted(
                starts, faulty.end_ns, side="right"
            )
            hit = began >= 0
            delay = np.where(hit, (began - faulty.start_ns) / 1e9, np.inf)
            found.append(Outcome(~chance & ~in_alarm, hit, delay, chance & ~in_alarm))
        return found
