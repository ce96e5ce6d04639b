"""Inject the faults of a plan into readings: values change, labels come with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.errors import PlanError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.labels import label, labels_frame, sizes
from sensorkit.faults.placing import (
    NS_PER_S,
    Placed,
    Taken,
    fault_streams,
    place,
    usual_period,
)
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.stretch import apply_signal, reach, robust_sigma
from sensorkit.faults.transport import distort_times, refuse_live
from sensorkit.nearest import unknown
from sensorkit.readings import FaultLabel, Readings
from sensorkit.readings.frames import WORDS

__all__ = [
    "Injection",
    "apply_signal",
    "arrival_times",
    "check_scale",
    "distort_values",
    "inject",
    "injections",
    "labels_of",
    "reach",
    "robust_sigma",
]


class Injection(NamedTuple):
    """A fault on its device, placed."""

    placed: Placed
    device: str
    rows: NDArray[np.int64]
    """The readings of the device, as rows of all readings."""
    sigma: float | None

    @property
    def touched(self) -> NDArray[np.int64]:
        """Return the rows it covers."""
        return self.rows[self.placed.start_index : self.placed.stop_index]


def injections(
    readings: Readings,
    plan: FaultPlan,
    seed: int = 0,
    *,
    scales: Mapping[str, float] | None = None,
    existing: Sequence[FaultLabel] = (),
) -> list[Injection]:
    """Give each fault of *plan* its device, its rows and its sigma, in the order of the plan.

    Parameters
    ----------
    readings : Readings
        Healthy, or with the faults of *existing*, which are kept away from.
    plan : FaultPlan
    seed : int
    scales : mapping of str to float, optional
        Sigma of a channel; the robust one of the device's readings where not given.
    existing : sequence of FaultLabel

    Raises
    ------
    PlanError
        If a fault names a device or channel that is not there, or cannot be placed.
    """
    if len(readings) == 0:
        raise PlanError("there is no reading to inject a fault into; give a recording with some")
    codes, vocabulary = readings.device.codes, (*readings.device.vocabulary, "")
    plan = plan.on(readings.channels)
    _, firsts = np.unique(codes, return_index=True)
    code_of = {vocabulary[codes[row]]: codes[row] for row in sorted(firsts.tolist())}
    devices = list(code_of)
    numbers_of: dict[str, list[int]] = {device: [] for device in devices}
    for number, fault in enumerate(plan.faults, start=1):
        device = devices[0] if fault.device is None else fault.device
        if device not in numbers_of:
            raise PlanError(f"fault {number} ({fault.title}): {unknown('device', device, devices)}")
        numbers_of[device].append(number)
    found = []
    for device, mine in numbers_of.items():
        if mine:
            rows = np.flatnonzero(codes == code_of[device])
            found += list(_on_device(readings, plan, seed, device, rows, mine, scales, existing))
    return sorted(found, key=lambda injection: injection.placed.id)


def _on_device(
    readings: Readings,
    plan: FaultPlan,
    seed: int,
    device: str,
    rows: NDArray[np.int64],
    numbers: list[int],
    scales: Mapping[str, float] | None,
    existing: Sequence[FaultLabel],
) -> Iterator[Injection]:
    """Place faults of the plan, by their places in it, on one device."""
    own = readings.values[rows]
    times = readings.time[rows]
    used = {name for number in numbers for name in plan.faults[number - 1].names}
    columns = {name: own[:, readings.channels.index(name)] for name in sorted(used)}
    taken = [
        Taken(
            int(np.searchsorted(times, old.start)),
            int(np.searchsorted(times, old.end, side="right")),
            f"the {old.kind} that the recording already has",
        )
        for old in existing
        if old.device == device
    ]
    present = {name: ~np.isnan(values) for name, values in columns.items()}
    sigmas: dict[str, float] = dict(scales or {})
    for placed in place(plan, times, seed=seed, only=numbers, present=present, taken=taken):
        name = placed.fault.channel
        if name is not None and name not in sigmas:
            sigmas[name] = robust_sigma(columns[name])
        sigma = sigmas.get(name or "")
        check_scale(placed, sigma)
        yield Injection(placed, device, rows, sigma)


def check_scale(placed: Placed, sigma: float | None) -> None:
    """Refuse a magnitude in sigmas of a channel that does not move."""
    if placed.fault.magnitude_sigma is not None and not sigma:
        raise PlanError(
            f"fault {placed.number} ({placed.fault.title}) is {placed.fault.magnitude_sigma:g} "
            "robust sigmas large, but the channel's sigma is 0 (half of its values are equal, or "
            "its waveform does not move); give the magnitude in the unit of the channel"
        )


def distort_values(
    readings: Readings,
    faults: Sequence[Injection],
    plan: FaultPlan,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Apply the signal faults among *faults*, in the order of the plan.

    Returns
    -------
    values : array of float64, shape (n, n_channels)
    touched : array of bool, shape (n, n_channels)
        Where a fault had a value in its hands, whether it changed it or not.
    """
    values = readings.values.copy(order="F")
    touched = np.zeros(values.shape, dtype=np.bool_, order="F")
    steps_s: dict[str, float] = {}
    for placed, device, rows, sigma in faults:
        name = placed.fault.channel
        if name is None:
            continue
        if device not in steps_s:
            steps_s[device] = usual_period(np.maximum.accumulate(readings.time[rows])) / NS_PER_S
        step_s = steps_s[device]
        column = readings.channels.index(name)
        covered = rows[placed.start_index : placed.stop_index]
        earlier = max(placed.start_index - reach(placed.fault, 1 / step_s), 0)
        faulty = apply_signal(
            values[covered, column],
            readings.time[covered],
            placed.fault,
            before=_last_value(values[:, column], rows[: placed.start_index]),
            magnitude=sizes(placed, sigma)[0],
            rng=fault_streams(plan, seed, placed.id)[1],
            history=values[rows[earlier : placed.start_index], column],
            step_s=step_s,
        )
        touched[covered, column] |= ~np.isnan(values[covered, column])
        values[covered, column] = faulty
    return values, touched


def arrival_times(
    readings: Readings, faults: Sequence[Injection], plan: FaultPlan, seed: int
) -> NDArray[np.int64]:
    """Return when the readings come, those late that a fault of the line holds up."""
    times = readings.time
    for placed, _, rows, _ in faults:
        kind = placed.fault.of
        if not (isinstance(kind, TransportKind) and kind.delays):
            continue
        if times is readings.time:
            times = times.copy()
        hit = rows[placed.start_index : placed.stop_index]
        times[hit] = distort_times(times[hit], placed, plan, seed)
        # Those behind it wait for the last one.
        behind = rows[placed.stop_index :]
        times[behind] = np.maximum(times[behind], times[hit[-1]])
    return times


def _last_value(values: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
    """Return the last of *values* at *rows* that is not missing; NaN if there is none."""
    for few in (rows[-100:], rows):
        there = values[few]
        there = there[~np.isnan(there)]
        if len(there):
            return float(there[-1])
    return float("nan")


def labels_of(
    readings: Readings,
    faults: Sequence[Injection],
    seed: int,
) -> list[FaultLabel]:
    """Return a label for each fault and channel: the first and last reading the fault touched.

    Those of one fault on several channels say the same times, those of the fault: that is how
    they are known to be one.
    """
    channels: dict[int, list[int]] = {}
    for placed, *_ in faults:
        if placed.fault.channel is not None:
            column = readings.channels.index(placed.fault.channel)
            channels.setdefault(placed.number, []).append(column)
    labels = []
    for injection in faults:
        rows = injection.touched
        if injection.placed.number in channels:
            hit = readings.values[rows][:, channels[injection.placed.number]]
            rows = rows[~np.isnan(hit).all(axis=1)]
        times = readings.time[rows]
        labels.append(
            label(
                injection.placed,
                device=injection.device,
                start=int(times.min()),
                end=int(times.max()),
                sigma=injection.sigma,
                seed=seed,
            )
        )
    return labels


@overload
def inject(
    readings: Readings,
    plan: FaultPlan,
    seed: int = 0,
    *,
    scales: Mapping[str, float] | None = None,
    decimals: Mapping[str, int] | None = None,
) -> tuple[Readings, pd.DataFrame]: ...


@overload
def inject(
    readings: pd.DataFrame,
    plan: FaultPlan,
    seed: int = 0,
    *,
    scales: Mapping[str, float] | None = None,
    decimals: Mapping[str, int] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]: ...


def inject(
    readings: Readings | pd.DataFrame,
    plan: FaultPlan,
    seed: int = 0,
    *,
    scales: Mapping[str, float] | None = None,
    decimals: Mapping[str, int] | None = None,
) -> tuple[Readings | pd.DataFrame, pd.DataFrame]:
    """Inject the faults of *plan*; the readings given are not changed.

    Parameters
    ----------
    readings : Readings or DataFrame
        Healthy ones, of one or several devices. A DataFrame has a DatetimeIndex and a column a
        channel; one comes back.
    plan : FaultPlan
    seed : int
        With the plan's own seed it fixes every place and every random value.
    scales : mapping of str to float, optional
        What one sigma of a channel is, for `magnitude_sigma`. Where not given: `robust_sigma`
        of the channel over all readings of the device.
    decimals : mapping of str to int, optional
        Faulty values of these channels are rounded so, or a fault could be told by its digits.

    Returns
    -------
    readings : Readings or DataFrame
        Fewer than given where a silence took some.
    labels : pandas.DataFrame
        The columns `LABEL_COLUMNS`; one row a fault, in the order of the plan.

    Raises
    ------
    PlanError
        If a fault cannot be placed, or acts on bytes, which readings no longer have.

    Examples
    --------
    >>> from sensorkit.faults import Fault
    >>> time = np.arange(300) * 1_000_000_000
    >>> healthy = Readings.build(time, np.zeros((300, 1)), ["T"])
    >>> plan = FaultPlan(faults=(Fault(kind="bias", channel="T", duration_s=5, magnitude=2.0),))
    >>> faulty, labels = inject(healthy, plan, seed=1)
    >>> float(faulty.values.sum()), labels["kind"].tolist()
    (10.0, ['bias'])
    """
    given = Readings.of(readings)
    faults = injections(given, plan, seed, scales=scales)
    keep = np.ones(len(given), dtype=np.bool_)
    for injection in faults:
        kind = injection.placed.fault.of
        if isinstance(kind, TransportKind):
            refuse_live(injection.placed)
            if kind.needs_bytes:
                raise PlanError(
                    f"fault {injection.placed.number} ({kind.name}) acts on the bytes of frames, "
                    "and readings have none; inject it into a captured recording, which has its "
                    "raw.log, or into the emulator"
                )
            keep[injection.touched] = kind.delays
    values, touched = distort_values(given, faults, plan, seed)
    for column, name in enumerate(given.channels):
        if decimals is not None and name in decimals:
            rows = touched[:, column]
            # Adding 0 turns -0.0 into 0.0: no sensor says "-0.00".
            values[rows, column] = np.round(values[rows, column], decimals[name]) + 0.0
    delayed = replace(given, time=arrival_times(given, faults, plan, seed))
    labels = labels_frame(labels_of(delayed, faults, seed))
    if isinstance(readings, pd.DataFrame):
        faulty = readings[keep].copy()
        columns = [name for name in readings.columns if str(name) not in WORDS]
        for name, column in zip(columns, values.T, strict=True):
            faulty[name] = column[keep]
        if delayed.time is not given.time:
            late = pd.DatetimeIndex(delayed.time[keep], tz="UTC", name=faulty.index.name)
            zone = getattr(readings.index, "tz", None)
            faulty.index = late.tz_convert(zone)
        return faulty, labels
    return replace(delayed, values=values)[keep], labels
