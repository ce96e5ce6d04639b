"""A recording made ready for the benchmark: three stretches, its faults, one series a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.capture import Recording
from sensorkit.errors import UsageError
from sensorkit.evaluate.events import (
    EventTable,
    clean_time,
    fault_windows,
    match,
    nanoseconds,
    point_labels,
    within,
)
from sensorkit.evaluate.settings import Settings
from sensorkit.faults.labels import faults_of
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings, Words, isoformat

STRETCHES = ("fit", "calibrate", "test")


class Unit(NamedTuple):
    """The readings of one device in the test stretch."""

    device: str
    rows: NDArray[np.int64]
    """Which rows of the test stretch, by time."""
    time: NDArray[np.int64]
    faults: NDArray[np.int64]
    """Which rows of the labels."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What every detector is tried on, for one recording.

    Series over the test stretch (`time`, `known`, scores) run device by device, each by time:
    `order` takes them there from the order of arrival. So a buffer or window never mixes
    devices, but for the seam.
    """

    name: str
    profile: Profile
    stretches: dict[str, Readings]
    labels: pd.DataFrame
    """Of the test stretch, one row a fault; one on several channels is one fault."""
    units: tuple[Unit, ...]
    known: NDArray[np.bool_]
    """Faulty readings, shape (n_test,)."""
    window: NDArray[np.int64]
    """Of each fault, shape (n_faults, 2)."""

    @property
    def order(self) -> NDArray[np.int64]:
        """Return where each row of a series stands in the test stretch."""
        return np.concatenate([unit.rows for unit in self.units])

    @property
    def time(self) -> NDArray[np.int64]:
        """Return the times of a series, nanoseconds UTC."""
        return np.concatenate([unit.time for unit in self.units])

    @property
    def devices(self) -> NDArray[np.str_]:
        """Return the device of each row of a series."""
        return np.repeat(
            [unit.device for unit in self.units], [len(unit.rows) for unit in self.units]
        )

    @property
    def kinds(self) -> list[str]:
        """Return the fault kinds in the test stretch, sorted."""
        return sorted(self.labels["kind"].unique())

    def of_kind(self, kind: str | None) -> NDArray[np.bool_]:
        """Return which faults are of *kind* (None: all), shape (n_faults,)."""
        if kind is None:
            return np.ones(len(self.labels), dtype=np.bool_)
        return np.asarray(self.labels["kind"] == kind)

    def span(self, device: str, start: int, end: int) -> slice:
        """Return the part of a series that lies between two times, inclusive."""
        at = 0
        for unit in self.units:
            # With one device, whatever a detector calls it is that one.
            if unit.device == device or len(self.units) == 1:
                first = int(np.searchsorted(unit.time, start, side="left"))
                return slice(at + first, at + int(np.searchsorted(unit.time, end, side="right")))
            at += len(unit.rows)
        return slice(0, 0)

    def view(self, kind: str | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what a row of *kind* looks at: which readings, and which of those are faulty.

        Readings in the windows of other kinds are left out, unless a fault of this kind
        claims them.
        """
        of = self.of_kind(kind)
        known, other = [], []
        for unit in self.units:
            mine, others = unit.faults[of[unit.faults]], unit.faults[~of[unit.faults]]
            known.append(point_labels(self.labels.iloc[mine], unit.time))
            other.append(within(unit.time, self.window[others]))
        faulty = np.concatenate(known)
        kept = faulty | ~np.concatenate(other)
        return kept, faulty[kept]

    def match(self, alerts: list[Alert], tolerance: int) -> tuple[EventTable, list[Alert]]:
        """Match alerts with faults; the table's rows follow the labels and the alerts returned."""
        tables, ordered = [], []
        known = {unit.device: i for i, unit in enumerate(self.units)}
        for i, unit in enumerate(self.units):
            # An alert of a device that sent nothing in the test still has to count somewhere.
            mine = [alert for alert in alerts if known.get(alert.device, 0) == i]
            ordered += mine
            labels = self.labels.iloc[unit.faults]
            tables.append(match(mine, labels, unit.time, tolerance=tolerance))
        back = np.argsort(np.concatenate([unit.faults for unit in self.units]), kind="stable")
        return EventTable.concat(tables).reordered(back), ordered


def prepare(recording: Recording, settings: Settings) -> Trial:
    """Cut a recording into fit, calibrate and test, and check that faults are in the test only.

    Raises
    ------
    UsageError
        If a stretch is left without readings, a fault lies in the fit or calibrate stretch, or
        one is of a device that sent nothing in the test.
    """
    readings = recording.readings()
    cut = [0, *(int(len(readings) * share) for share in _shares(settings)), len(readings)]
    stretches = {name: readings[slice(cut[i], cut[i + 1])] for i, name in enumerate(STRETCHES)}
    for name, part in stretches.items():
        if len(part) < 2:
            raise UsageError(
                f"recording {recording.name!r} has {len(readings)} readings, which leaves "
                f"{len(part)} for the {name} stretch; record for longer or change the shares"
            )
    labels = faults_of(recording.labels())
    _check_clean(recording.name, labels, stretches)
    units = tuple(_units(recording.name, stretches["test"], labels, recording.profile.device))
    known = np.concatenate([point_labels(labels.iloc[u.faults], u.time) for u in units])
    window = np.zeros((len(labels), 2), dtype=np.int64)
    for unit in units:
        mine = labels.iloc[unit.faults]
        window[unit.faults], _ = fault_windows(mine, unit.time, settings.tolerance)
    return Trial(
        name=recording.name,
        profile=recording.profile,
        stretches=stretches,
        labels=labels,
        units=units,
        known=known,
        window=window,
    )


def covered_hours(readings: Readings, default_device: str) -> float:
    """Return the hours that the readings cover, gaps left out, devices added up."""
    none = np.zeros((0, 2), dtype=np.int64)
    spans = (clean_time(np.sort(time), none) for _, _, time in by_device(readings, default_device))
    return sum(spans) / 3.6e12


def by_device(
    readings: Readings, default: str
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield each device: its name, its rows by time, and their times."""
    for code in np.unique(readings.device.codes).tolist():
        rows = np.flatnonzero(readings.device.codes == code)
        time = readings.time[rows]
        order = np.argsort(time, kind="stable")
        yield _name(readings.device, code, default), rows[order], time[order]


def _shares(settings: Settings) -> tuple[float, float]:
    return settings.fit, settings.fit + settings.calibrate


def _name(words: Words, code: int, default: str) -> str:
    return words.vocabulary[code] if code >= 0 else default


def _check_clean(name: str, labels: pd.DataFrame, stretches: dict[str, Readings]) -> None:
    begin, test = stretches["fit"].time[0], stretches["test"].time[0]
    calibrate = stretches["calibrate"].time
    start = nanoseconds(labels["start"])
    early = np.flatnonzero(start <= calibrate.max())
    if not len(early):
        return
    row = int(early[np.argmin(start[early])])
    fault = labels.iloc[row]
    stretch = "fit" if start[row] < calibrate[0] else "calibrate"
    raise UsageError(
        f"recording {name!r}: fault {fault['id']} ({fault['kind']}, "
        f"{isoformat(int(start[row]))}) lies in the {stretch} stretch, but faults may only begin "
        f"in the test, from {isoformat(int(test))} on; place them at least "
        f"{(test - begin) / 1e9:.0f} s after the start, or make fit and calibrate smaller"
    )


def _units(name: str, test: Readings, labels: pd.DataFrame, default: str) -> Iterator[Unit]:
    devices = list(by_device(test, default))
    known = [device for device, _, _ in devices]
    for fault in labels.itertuples():
        if fault.device not in known:
            raise UsageError(
                f"recording {name!r}: fault {fault.id} ({fault.kind}) is of device "
                f"{fault.device!r}, but the test has readings of {', '.join(known)} only; "
                "correct labels.csv or record that device as well"
            )
    for device, rows, time in devices:
        yield Unit(device, rows, time, np.flatnonzero(np.asarray(labels["device"] == device)))
