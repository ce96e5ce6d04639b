"""What detectors say of a faulty recording, at once: they go on from where they were healthy.

Each detector is fitted and calibrated once, on the stretches that the benchmark takes for it, and
then runs over the healthy test, leaving copies of itself on the way. A plan is judged from the last
copy before its first fault, so that what lies before is never scored again.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.errors import UsageError
from sensorkit.evaluate.events import EventTable, Role, match
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.trial import Trial, by_device, prepare
from sensorkit.evaluate.watching import Watch
from sensorkit.faults.labels import faults_of
from sensorkit.notebook.fault_editor_preview import Faulted
from sensorkit.readings import Alert, Readings

COPIES = 64
"""Copies that a detector leaves on its way; so far apart that state takes little memory."""

EXACT_READINGS = 20_000
"""Up to so many readings after the copy are scored to the end. In a longer test only those until
`SETTLING` after the last fault are: what is alerted after that is taken from the healthy run."""

SETTLING = 2_000

CHUNK = 2_000


@dataclass(frozen=True, eq=False)
class Verdict:
    """What one detector says."""

    detector: str
    alerts: list[Alert]
    table: EventTable
    """Its rows follow the labels, and `alerts`."""

    @property
    def roles(self) -> list[str]:
        """Return what each alert turned out to be."""
        return [str(role) for role in self.table.role]


@dataclass(frozen=True, eq=False)
class _Copy:
    row: int
    """Of the test: what it has not seen yet."""
    watch: Watch
    said: list[Alert]
    open: list[Alert]
    """Those of *said* that were not over. Alerts are shared by all copies, so that one that goes
    on has to find them as they were."""


class Judge:
    """One detector, warm, with copies of itself along the healthy test."""

    def __init__(self, detector: detect.Detector, trial: Trial, settings: Settings) -> None:
        self.name = detector.name
        detector.fit(trial.stretches["fit"])
        detector.calibrate(trial.stretches["calibrate"], settings.false_alarms_per_day)
        detector.reset()
        watch = Watch(detector, trial.profile.heartbeat_s)
        said: list[Alert] = []
        _feed(watch, trial.stretches["calibrate"], said)
        test = trial.stretches["test"]
        every = max(len(test) // COPIES, 1)
        self._copies = []
        for row in range(0, len(test), every):
            still = [alert for alert in said if alert.end is None]
            self._copies.append(_Copy(row, watch.fork(), list(said), still))
            _feed(watch, test[slice(row, row + every)], said)
        said += watch.finish()
        self.healthy = [copy.copy(alert) for alert in said]

    def alerts(self, test: Readings, first: int, stop: int) -> tuple[list[Alert], bool]:
        """Return all alerts over *test*, which is as it was before row *first*, and after *stop*.

        Returns
        -------
        alerts : list of Alert
        exact : bool
            Whether all was scored; else what begins long after the faults is of the healthy run.
        """
        start = max((one for one in self._copies if one.row <= first), key=lambda one: one.row)
        for alert in start.open:
            alert.end = None
        end = len(test)
        exact = end - start.row <= EXACT_READINGS
        if not exact:
            end = min(stop + SETTLING, end)
        watch, said = start.watch.fork(), list(start.said)
        _feed(watch, test[slice(start.row, end)], said)
        said += watch.finish()
        found = [copy.copy(alert) for alert in said]
        if end < len(test):
            last = int(test.time[end - 1])
            found += [copy.copy(alert) for alert in self.healthy if alert.start > last]
        return found, exact or end == len(test)


class Bench:
    """Detectors that wait for a faulty recording.

    Parameters
    ----------
    recording : Recording
        Without faults.
    detectors : sequence of str or Detector
    settings : Settings
        The stretches, the budget of false alarms and the tolerance.

    Raises
    ------
    UsageError
        If it has faults already, or is too short.
    """

    def __init__(
        self,
        recording: Recording,
        detectors: Sequence[str | detect.Detector],
        settings: Settings,
    ) -> None:
        if len(recording.labels()):
            raise UsageError(
                f"{recording.dir}: has {len(recording.labels())} faults already; give the healthy "
                "recording that they were injected into"
            )
        self.settings = settings
        self.trial = prepare(recording, settings)
        self.begin = sum(len(self.trial.stretches[name]) for name in ("fit", "calibrate"))
        """The first row of the test."""
        made = [
            detect.make(one, profile=recording.profile) if isinstance(one, str) else one
            for one in detectors
        ]
        # Copies share their alerts, so one plan is judged at a time.
        self._lock = threading.Lock()
        self.judges = [Judge(copy.deepcopy(one), self.trial, settings) for one in made]

    def judge(self, faulted: Faulted) -> tuple[list[Verdict], bool]:
        """Return what each detector says, and whether all of the test was scored for it."""
        test = faulted.readings[slice(self.begin, None)]
        first, stop = faulted.first - self.begin, faulted.stop - self.begin
        verdicts, all_exact = [], True
        for judge in self.judges:
            with self._lock:
                alerts, exact = judge.alerts(test, min(first, len(test)), stop)
            verdicts.append(self._matched(judge.name, alerts, faults_of(faulted.labels), test))
            all_exact &= exact
        return verdicts, all_exact

    def _matched(
        self, name: str, alerts: list[Alert], labels: pd.DataFrame, test: Readings
    ) -> Verdict:
        """Match device by device, as the benchmark does."""
        tables, ordered, rows = [], [], []
        devices = list(by_device(test, self.trial.profile.device))
        known = {device: i for i, (device, _, _) in enumerate(devices)}
        for i, (device, _, time) in enumerate(devices):
            mine = [alert for alert in alerts if known.get(alert.device, 0) == i]
            of = np.flatnonzero(np.asarray(labels["device"] == device))
            ordered += mine
            rows.append(of)
            tables.append(match(mine, labels.iloc[of], time, tolerance=self.settings.tolerance))
        back = np.argsort(np.concatenate(rows), kind="stable")
        return Verdict(name, ordered, EventTable.concat(tables).reordered(back))


COLUMNS = ("detector", "fault", "kind", "channel", "found", "delay_s", "false_alarms")


def rows_of(verdicts: Sequence[Verdict], labels: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each detector and fault: whether it was found, how late, and what else.

    Without any fault there is a row for each detector, with its false alarms.

    `false_alarms` are those of the detector in the whole test, away from every fault.
    """
    rows: list[dict[str, Any]] = []
    for verdict in verdicts:
        elsewhere = verdict.table.count(Role.FALSE_ALARM)
        named = zip(labels["id"].tolist(), labels["kind"], labels["channel"], strict=True)
        for i, (number, kind, channel) in enumerate(named):
            found = bool(verdict.table.hit[i])
            rows.append(
                {
                    "detector": verdict.detector,
                    "fault": number,
                    "kind": kind,
                    # What a label has none of is None or NaN; that depends on pandas.
                    "channel": channel if isinstance(channel, str) else "",
                    "found": found,
                    "delay_s": round(float(verdict.table.delay_s[i]), 3) if found else None,
                    "false_alarms": elsewhere,
                }
            )
        if not len(labels):
            rows.append({"detector": verdict.detector, "false_alarms": elsewhere})
    return rows


def _feed(watch: Watch, readings: Readings, said: list[Alert]) -> None:
    for start in range(0, len(readings), CHUNK):
        for found in watch.feed(readings[slice(start, start + CHUNK)]):
            said += found
