"""A campaign of faults that fits the end of a recording, be it long or short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import Recording
from sensorkit.capture.injected import inject_recording
from sensorkit.errors import UsageError
from sensorkit.faults import FaultPlan, robust_sigma
from sensorkit.faults.plan import GAP_READINGS
from sensorkit.nearest import unknown
from sensorkit.readings import Readings

FILLED = 0.6
"""Largest share of the test that faults and the gaps between them may take: the rest is where
false alarms are counted."""

SHORTEST = 5
"""Readings that a fault is never cut below."""


class _Size(NamedTuple):
    """How large a campaign is."""

    repeats: int
    durations: tuple[int, ...]
    """Readings."""
    sizes_sigma: tuple[float, ...]
    gap: int
    """Readings between two faults."""


class Variant(NamedTuple):
    """A recording, and the faults that a copy of it gets."""

    recording: Recording
    plan: FaultPlan | None
    """None: it has labels already, and is taken as it is."""
    seed: int
    name: str
    """Of the copy."""

    def inject(self, folder: Path) -> Recording:
        """Return the copy, written below *folder*; or the recording, if it is taken as it is."""
        if self.plan is None:
            return self.recording
        return inject_recording(self.recording, self.plan, folder / self.name, seed=self.seed)


def variants(
    recordings: Sequence[Recording],
    *,
    plans: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    **size: Any,
) -> list[Variant]:
    """Return the copies that are made of *recordings*: one for each plan and seed.

    Copies of one recording share its readings: they show how much the places of the faults
    matter, and are no independent recordings.

    Parameters
    ----------
    recordings : sequence of Recording
        Healthy ones; one that has labels is taken as it is.
    plans : sequence of str
        Names or paths; none is a campaign.
    seeds : sequence of int
    **size
        Of the campaign, as `campaign` takes it.

    Raises
    ------
    UsageError, PlanError
        As `campaign` and `FaultPlan.load`.
    """
    found = []
    for recording in recordings:
        if not recording.labels().empty:
            found.append(Variant(recording, None, seeds[0], recording.name))
            continue
        for plan in plans or [""]:
            for seed in seeds:
                parts = [recording.name, "faults"]
                parts += [Path(plan).stem] if len(plans) > 1 else []
                parts += [str(seed)] if len(seeds) > 1 else []
                made = FaultPlan.load(plan) if plan else campaign(recording, seed=seed, **size)
                found.append(Variant(recording, made, seed, "-".join(parts)))
    return found


def campaign(
    recording: Recording,
    *,
    clean: float,
    kinds: Sequence[str],
    sizes_sigma: Sequence[float],
    durations: Sequence[int],
    repeats: int,
    seed: int,
    channels: Sequence[str] = (),
) -> FaultPlan:
    """Return a plan of every kind on every channel, placed in the last part of *recording*.

    Where it does not fit, it is made smaller: first fewer repeats, then closer and shorter
    faults, then the middle size only.

    Parameters
    ----------
    recording : Recording
        Healthy.
    clean : float
        Share of the readings, from the start, that stays without faults.
    kinds : sequence of str
    sizes_sigma : sequence of float
        In robust sigmas of the channel.
    durations : sequence of int
        Readings; the recording's median step makes them seconds.
    repeats : int
        How often each combination is wanted.
    seed : int
    channels : sequence of str
        Those that get faults; none named is all that vary.

    Raises
    ------
    UsageError
        If a channel is not in the recording or never moves, or not even the smallest campaign
        fits; the message says how many readings would do.
    PlanError
        If a kind is unknown.
    """
    readings = recording.readings()
    start_s, step_s, n_test = _test(readings, clean)
    moving = [name for name in readings.channels if robust_sigma(readings.channel(name)) > 0]
    for name in channels:
        if name not in readings.channels:
            known = readings.channels
            raise UsageError(f"recording {recording.name!r}: {unknown('channel', name, known)}")
        if name not in moving:
            raise UsageError(
                f"recording {recording.name!r}: channel {name!r} never moves, so a fault has no "
                "size in its sigmas; leave it out"
            )
    needed = 0
    for size in _smaller_and_smaller(repeats, durations, sizes_sigma):
        plan = FaultPlan.campaign(
            kinds,
            channels or moving,
            sizes_sigma=size.sizes_sigma,
            durations_s=[readings_ * step_s for readings_ in size.durations],
            repeats=size.repeats,
            window_s=None if start_s is None else (start_s, start_s + n_test * 10 * step_s),
            seed=seed,
            gap=size.gap,
        )
        needed = sum(
            max(1, round((fault.duration_s or 0) / step_s)) + size.gap for fault in plan.faults
        )
        if needed <= FILLED * n_test:
            return _until_the_end(plan, readings)
    enough = math.ceil(needed / FILLED / (1 - clean)) + 1
    raise UsageError(
        f"recording {recording.name!r} has {len(readings)} readings, {n_test} of them for the "
        f"test; {len(plan.faults)} faults, as few as can be, need at least {enough} readings; "
        "record for longer, or name fewer kinds"
    )


def _test(readings: Readings, clean: float) -> tuple[float | None, float, int]:
    """Return where the test begins (seconds after the first reading), the step and its length.

    Step and length are those of the device that the faults go to: the first.
    """
    codes = readings.device.codes
    own = codes == codes[0] if len(codes) else np.empty(0, dtype=np.bool_)
    first = int(len(readings) * clean)
    time: NDArray[np.int64] = np.maximum.accumulate(readings.time)
    steps = np.diff(time[own])
    step_s = float(np.median(steps[steps > 0])) / 1e9 if (steps > 0).any() else 1.0
    if not 0 < first < len(readings):
        return None, step_s, 0
    # Frames of one read share a time: the test begins for sure with the next one.
    later = time[first:] > time[first - 1]
    first += int(np.argmax(later))
    return float(time[first] - time[0]) / 1e9, step_s, int((later & own[-len(later) :]).sum())


def _until_the_end(plan: FaultPlan, readings: Readings) -> FaultPlan:
    """Let the window end with the recording."""
    if plan.window_s is None:
        return plan
    end_s = float(readings.time.max() - readings.time[0]) / 1e9
    return plan.model_copy(update={"window_s": (plan.window_s[0], end_s)})


def _smaller_and_smaller(
    repeats: int, durations: Sequence[int], sizes_sigma: Sequence[float]
) -> Iterator[_Size]:
    sizes, lasting = tuple(sizes_sigma), tuple(durations)
    for fewer in range(repeats, 0, -1):
        yield _Size(fewer, lasting, sizes, GAP_READINGS)
    for gap in (GAP_READINGS // 2, GAP_READINGS // 2, GAP_READINGS // 4, GAP_READINGS // 4):
        yield _Size(1, lasting, sizes, gap)
        lasting = tuple(sorted({max(SHORTEST, duration // 2) for duration in lasting}))
    middle = sizes[len(sizes) // 2 :][:1]
    yield _Size(1, lasting, middle, GAP_READINGS // 4)
    yield _Size(1, lasting[:1], middle, GAP_READINGS // 4)
