"""A fault plan at a glance: its faults as a table, and what they would do to given readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from sensorkit.display.cards import Card, Table, shortened
from sensorkit.display.formats import count, number, seconds, sized
from sensorkit.faults.base import TransportKind
from sensorkit.faults.signal import distort_values, injections, labels_of
from sensorkit.profile import Profile
from sensorkit.readings import Readings

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sensorkit.faults.plan import Fault, FaultPlan

COLUMNS = ("fault", "channel", "device", "start", "duration", "size", "onset")


class Source(Protocol):
    """A recording: readings, and the profile of the device."""

    @property
    def profile(self) -> Profile:
        """The device, with the units of its channels."""
        ...

    def readings(self) -> Readings:
        """Return the readings."""
        ...


def card(plan: FaultPlan) -> Card:
    """Return what is shown of *plan*."""
    window = plan.window_s or plan.window_share
    unit = " s" if plan.window_s else " of the length"
    facts = [
        ("about", plan.description),
        ("seed", str(plan.seed)),
        ("device held in", plan.hold or ""),
        ("placed within", "" if window is None else f"{window[0]:g} to {window[1]:g}{unit}"),
        ("readings between two", count(plan.gap)),
        ("overlap", "where channels differ" if plan.overlap == "channels" else ""),
    ]
    rows = [_row(fault) for fault in plan.faults]
    table = Table("faults", COLUMNS, shortened(rows, 40), words=len(COLUMNS))
    n = len(plan.faults)
    return Card("Fault plan", f"of {count(n)} {'fault' if n == 1 else 'faults'}", facts, [table])


def _row(fault: Fault) -> tuple[str, ...]:
    return (
        fault.kind,
        ", ".join(fault.names) or "all",
        fault.device or "the first",
        "by the seed" if fault.start_s is None else f"{fault.start_s:g} s",
        "one reading" if fault.duration_s is None else seconds(fault.duration_s),
        _size(fault),
        fault.onset,
    )


def _size(fault: Fault) -> str:
    if fault.magnitude_sigma is not None:
        return f"{number(fault.magnitude_sigma)} sigma"
    if isinstance(fault.magnitude, dict):
        return ", ".join(f"{name} {number(size)}" for name, size in fault.magnitude.items())
    if fault.magnitude is not None:
        unit = fault.of.magnitude.unit if fault.of.magnitude is not None else "channel"
        return sized(fault.magnitude, {"channel": "", "seconds": "s"}.get(unit, unit))
    return "" if fault.value is None else f"at {number(fault.value)}"


def plot(
    plan: FaultPlan,
    on: Readings | pd.DataFrame | Source,
    channels: str | Sequence[str] | None,
    *,
    seed: int,
    height: int | None,
    interactive: bool | None,
) -> go.Figure | go.FigureWidget:
    """Return the figure of *on* with the faults of *plan* in it; see `FaultPlan.plot`."""
    units: dict[str, str] = {}
    if isinstance(on, Readings | pd.DataFrame):
        healthy = Readings.of(on)
    else:
        healthy = on.readings()
        units = {one.name: one.unit for one in on.profile.channels}
    faults = injections(healthy, plan, seed)
    values, _ = distort_values(healthy, faults, plan, seed)
    for one in faults:
        # What is lost or garbled on the line is missing from the readings.
        if isinstance(one.placed.fault.of, TransportKind):
            values[one.touched] = float("nan")
    faulty = Readings.build(
        healthy.time, values, healthy.channels, device=healthy.device, status=healthy.status
    )
    n = len(faults)
    return faulty.plot(
        channels,
        labels=labels_of(healthy, faults, seed),
        units=units,
        title=f"{count(n)} {'fault' if n == 1 else 'faults'} of the plan, seed {seed}",
        height=height,
        interactive=interactive,
    )
