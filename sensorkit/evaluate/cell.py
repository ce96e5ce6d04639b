"""One cell of the grid: a detector fitted, calibrated and tried on one recording."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect import CalibrationResult, Detector
from sensorkit.evaluate.detectability import measure
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.trial import Trial
from sensorkit.evaluate.watching import watch
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
    detectability: tuple[dict[str, Any], ...] = ()
    """Rows of `Evaluation.detectability`."""
    note: str | None = None
    """Why a part is missing that does not make the cell a failed one."""
    seconds: float = math.nan
    peak_mb: float = math.nan
    """Resident memory of the worker process at its largest; NaN where there was none."""
    kept: bool = False
    """It was finished by an earlier run."""

    @property
    def ok(self) -> bool:
        """Return whether there are numbers."""
        return self.status is Status.OK


Tell = Callable[[str, Cell | None], None]
"""Called after each step: what is done, and the cell once it is finished but for detectability."""


class _TimeUp(Exception):  # noqa: N818 - no error of the detector
    """The cell has used up its time."""


def run_cell(
    name: str,
    make: Callable[[], Detector],
    trial: Trial,
    settings: Settings,
    clock: Callable[[], float],
    tell: Tell | None = None,
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
    tell : callable, optional
        Is told what is done after each step.
    """
    started = clock()

    def check_time(step: str) -> None:
        if tell is not None:
            tell(step, None)
        limit, used = settings.timeout_s, clock() - started
        if limit is not None and used > limit:
            raise _TimeUp(f"stopped after {used:.1f} s of {limit:g} s, having {step}")

    try:
        detector = make()
        cell = _run(name, detector, trial, settings, clock, check_time)
    except _TimeUp as up:
        return failed(trial.name, name, str(up), Status.TIMEOUT, clock() - started)
    # A detector may raise anything, and call exit; the grid goes on without it.
    except (Exception, SystemExit) as error:
        return failed(trial.name, name, _in_a_line(error), Status.FAILED, clock() - started)
    if settings.detectability is not None:
        if tell is not None:
            tell("raised its alerts", replace(cell, seconds=clock() - started))
        cell = _with_detectability(cell, detector, trial, settings)
    return replace(cell, seconds=clock() - started)


def failed(
    recording: str, detector: str, reason: str, status: Status, seconds: float = math.nan
) -> Cell:
    """Return a cell without numbers."""
    return Cell(recording, detector, status, reason, seconds=seconds)


def _in_a_line(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return " ".join(text.split())


def _with_detectability(cell: Cell, detector: Detector, trial: Trial, settings: Settings) -> Cell:
    try:
        return replace(cell, detectability=tuple(measure(detector, trial, settings)))
    # The cell has its numbers, and keeps them.
    except (Exception, SystemExit) as error:
        return replace(cell, note=f"detectability was not measured: {_in_a_line(error)}")


def _run(
    name: str,
    detector: Detector,
    trial: Trial,
    settings: Settings,
    clock: Callable[[], float],
    check_time: Callable[[str], None],
) -> Cell:
    clean, test = trial.stretches["calibrate"], trial.stretches["test"]
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
    for found in watch(detector, [*_chunks(clean), *_chunks(test)], trial.profile.heartbeat_s):
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
