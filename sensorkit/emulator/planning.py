"""Where the faults of a plan go on a device that has not run yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from sensorkit.errors import PlanError, UsageError
from sensorkit.faults.placing import NS_PER_S, Placed, Taken, place
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.signal import check_scale
from sensorkit.nearest import unknown
from sensorkit.profile import Profile
from sensorkit.signals import Spell, healthy_sigmas
from sensorkit.signals.course import WEAR

# Readings that a plan is placed on at most; a few arrays of eight bytes each.
MOST_READINGS = 50_000_000


def readings_in(duration_s: float | None, rate_hz: float) -> int | None:
    """Return how many readings fall into *duration_s*, at least one; None for no end.

    >>> readings_in(2.5, 2.0), readings_in(0.3, 10.0)
    (5, 3)
    """
    if duration_s is None:
        return None
    if not 0 < duration_s <= 1e9:
        raise UsageError(
            f"a duration of {duration_s:g} s is not possible; it must be above 0 and at most 1e9; "
            "leave it out to go on for ever"
        )
    # Less than a thousandth of a reading is what multiplying adds, not one more reading.
    return max(math.ceil(duration_s * rate_hz - 1e-3), 1)


def place_live(
    plan: FaultPlan,
    profile: Profile,
    *,
    rate_hz: float,
    seed: int,
    readings: int | None,
    spells: Callable[[int], list[Spell]],
    units: Sequence[str],
    unit: int,
) -> list[Placed]:
    """Give each fault of *plan* that one unit has its readings.

    Parameters
    ----------
    plan : FaultPlan
        With `channels: all` written out.
    profile : Profile
    rate_hz : float
    seed : int
    readings : int or None
        How many the device will give, if that is known.
    spells : callable
        Returns what is unhealthy and begins before a reading. Faults keep away from states and
        repairs; a unit that wears out can have them.
    units : sequence of str
        What all units are called.
    unit : int
        Which one it is, from 0. The first one has the faults that name none.

    Raises
    ------
    PlanError
        If a fault cannot be placed: which one and why.
    """
    own = []
    for number, fault in enumerate(plan.faults, start=1):
        title = f"fault {number} ({fault.title})"
        if fault.device is not None and fault.device not in units:
            raise PlanError(f"{title}: {unknown('device', fault.device, units)}")
        if (units[0] if fault.device is None else fault.device) != units[unit]:
            continue
        own.append(number)
        if fault.start_s is None and readings is None and plan.window_s is None:
            raise PlanError(
                f"{title} has no start, and it is not known how long the device will run; say "
                "`start_s`, or give the plan a `window_s`, or the run a duration"
            )
    if not own:
        return []
    n = _reach(plan, rate_hz) if readings is None else readings
    if n > MOST_READINGS:
        raise PlanError(
            f"the plan reaches over {n} readings; it can be placed on {MOST_READINGS} at most: "
            "narrow its window, or make the run shorter or slower"
        )
    times = np.round(np.arange(n) * (NS_PER_S / rate_hz)).astype(np.int64)
    remedy = "move it, take another seed, or hold the device in its first state"
    taken = [
        Taken(spell.start, min(spell.stop, n), spell.title, remedy)
        for spell in spells(n)
        if spell.kind != WEAR
    ]
    sigmas = healthy_sigmas(profile)
    placed = place(plan, times, seed=seed, only=own, taken=taken)
    for one in placed:
        check_scale(one, sigmas.get(one.fault.channel or ""))
    return placed


def _reach(plan: FaultPlan, rate_hz: float) -> int:
    """Return how many readings it takes to the end of the plan."""
    ends = [(fault.start_s or 0) + (fault.duration_s or 1 / rate_hz) for fault in plan.faults]
    if plan.window_s is not None and any(fault.start_s is None for fault in plan.faults):
        ends.append(plan.window_s[1])
    return math.ceil(max(ends) * rate_hz) + 1
