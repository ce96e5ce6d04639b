"""One cell of the grid: a detector fitted, calibrated and tried on one recording."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect import CalibrationResult, Detector
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.trial import Trial
from sensorkit.readings import Alert, Readings, isoformat

CHUNK = 50_000
"""Readings scored at once; the clock is looked at in between."""


class Status(StrEnum):
    """How a cell ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, eq=False)
class Cell:
    """What a detector did on a recording; without numbers where it failed.

    Attributes
    ----------
    scores : array of float, shape (n_test,)
        In the order of the trial's series.
    flags : array of bool, shape (n_test,)
        Scores that reach the frozen threshold.
    """

    recording: str
    detector: str
    status: Status
    reason: str | None = None
    threshold: float = math.nan
    calibration: CalibrationResult | None = None
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    flags: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    alerts: tuple[Alert, ...] = ()
    microseconds_per_reading: float = math.nan

    @property
    def ok(self) -> bool:
        """Return whether there are numbers."""
        return self.status is Status.OK


class _TimeUp(Exception):  # noqa: N818 - no error of the detector
    """The cell has used up its time."""


def run_cell(
    name: str,
    make: Callable[[], Detector],
    trial: Trial,
    settings: Settings,
    clock: Callable[[], float],
) -> Cell:
    """Fit, calibrate and try one detector; whatever it raises becomes the reason of the cell.

    The test follows the calibration stretch without a break, as it does in time: detectors come
    to its first reading warm, and with the episodes they have open. Labels are not looked at.

    Parameters
    ----------
    name : str
    make : callable
        Returns a new detector.
    trial : Trial
    settings : Settings
    clock : callable
        Seconds, as `time.perf_counter`.
    """
    started = clock()

    def check_time(step: str) -> None:
        limit, used = settings.timeout_s, clock() - started
        if limit is not None and used > limit:
            raise _TimeUp(f"stopped after {used:.1f} s of {limit:g} s, having {step}")

    try:
        return _run(name, make, trial, settings, clock, check_time)
    except _TimeUp as up:
        return Cell(trial.name, name, Status.TIMEOUT, str(up))
    except Exception as error:  # a detector may raise anything; the grid goes on without it
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Cell(trial.name, name, Status.FAILED, " ".join(reason.split()))


def _run(
    name: str,
    make: Callable[[], Detector],
    trial: Trial,
    settings: Settings,
    clock: Callable[[], float],
    check_time: Callable[[str], None],
) -> Cell:
    clean, test = trial.stretches["calibrate"], trial.stretches["test"]
    detector = make()
    detector.fit(trial.stretches["fit"])
    check_time("fitted")
    detector.calibrate(clean, settings.false_alarms_per_day)
    check_time("calibrated")
    threshold = float(detector.threshold_)

    detector.reset()
    for part in _chunks(clean):
        detector.score(part)
        check_time("scored clean readings")
    parts, spent = [], 0.0
    for part in _chunks(test):
        before = clock()
        parts.append(_checked(detector.score(part), len(part)))
        spent += clock() - before
        check_time(f"scored {sum(map(len, parts))} of {len(test)} test readings")
    scores = np.concatenate(parts)[trial.order]

    detector.reset()
    alerts = []
    for found in _watch(detector, [*_chunks(clean), *_chunks(test)], trial.profile.heartbeat_s):
        alerts += _checked_alerts(found)
        check_time("looked for alerts")
    return Cell(
        recording=trial.name,
        detector=name,
        status=Status.OK,
        threshold=threshold,
        # What a user's own detector calls so may be anything.
        calibration=c if isinstance(c := _calibration(detector), CalibrationResult) else None,
        scores=scores,
        flags=scores >= threshold,
        # Detectors write the end of an episode to the alert they handed out.
        alerts=tuple(copy.copy(alert) for alert in alerts),
        microseconds_per_reading=spent / len(test) * 1e6,
    )


def _calibration(detector: Any) -> Any:
    return getattr(detector, "calibration_", None)


def _chunks(readings: Readings) -> Iterator[Readings]:
    for start in range(0, len(readings), CHUNK):
        yield readings[slice(start, start + CHUNK)]


def _watch(
    detector: Detector, batches: list[Readings], heartbeat_s: float | None
) -> Iterator[list[Alert]]:
    """Yield what begins, calling `advance` at each heartbeat deadline as the recorder does."""
    limit = math.inf if heartbeat_s is None else round(heartbeat_s * 1e9)
    last: int | None = None
    for batch in batches:
        steps = np.diff(batch.time, prepend=batch.time[0] if last is None else last)
        late = np.flatnonzero(steps > limit)
        for start, stop in zip([0, *late], [*late, len(batch)], strict=True):
            if stop > start:
                yield detector.alerts(batch[slice(start, stop)])
                last = int(batch.time[stop - 1])
            if stop < len(batch) and last is not None:
                yield detector.advance(last + int(limit))
    yield detector.finish()


def _checked(scores: Any, n: int) -> NDArray[np.float64]:
    array = np.asarray(scores, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"its scores have shape {array.shape} for {n} readings; ({n},) is wanted")
    missing = np.flatnonzero(np.isnan(array))
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {n} scores are NaN, the first at test reading {missing[0]}; "
            "a reading that cannot be judged scores low, not NaN"
        )
    return array


def _checked_alerts(found: Any) -> list[Alert]:
    alerts = list(found)
    for alert in alerts:
        if not isinstance(alert, Alert):
            raise TypeError(f"it raised {alert!r:.80}; an Alert is wanted")
        if alert.end is not None and alert.end < alert.start:
            raise ValueError(f"its alert of {isoformat(alert.start)} ends before it begins")
    return alerts
