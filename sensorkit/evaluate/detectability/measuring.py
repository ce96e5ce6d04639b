"""The smallest fault that a detector finds: single faults of growing size in healthy readings.

Every fault has an onset of its own. The readings are streamed through the detector once, and at
each onset a copy of its state goes on alone, over the window of the fault with the fault in it:
from there to some readings after its end. Detectors promise that scores depend neither on the cut
nor on what comes later, so this equals injecting each fault into the whole recording, and costs
windows instead of recordings.

A fault is hit by the rule of `sensorkit.evaluate.events`: an episode begins in its window and none
was open at its start. It does not count where the same window has an episode without the fault, or
one is open at its onset: what would have been said anyway is no detection. So `always` is not
testable, and `random` finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.detect import Detector
from sensorkit.detect.streams import split
from sensorkit.errors import UsageError
from sensorkit.evaluate.detectability.arguments import (
    affected_channel,
    check_company,
    check_counts,
    check_sigma,
    median,
    why_no_grid,
)
from sensorkit.evaluate.detectability.fault_sizes import (
    SizeMaker,
    Sizes,
    find_kind,
    profile_channel,
    silences,
)
from sensorkit.evaluate.detectability.pod import Detectability, summed_up, untestable
from sensorkit.evaluate.detectability.single_faults import Faulty, Ground, spread
from sensorkit.evaluate.detectability.windows import CannotCopy, try_windows
from sensorkit.evaluate.settings import DetectabilityGrid, Settings
from sensorkit.evaluate.trial import Trial, Unit
from sensorkit.faults.base import Kind, size_unit
from sensorkit.faults.signal import robust_sigma
from sensorkit.nearest import unknown
from sensorkit.profile import Profile
from sensorkit.readings import Readings

LEAD_IN = 1000
"""Readings of a recording that only warm a detector up where no others are given."""


def detectability(
    detector: Detector,
    healthy: Readings | pd.DataFrame,
    kind: str,
    magnitudes: Sequence[float] | None = None,
    repeats: int = 20,
    *,
    channel: str | None = None,
    sigma: float | None = None,
    duration: int = 60,
    tolerance: int = 10,
    before: Readings | pd.DataFrame | None = None,
    profile: Profile | None = None,
    seed: int = 0,
) -> Detectability:
    """Measure how large a fault has to be for a detector to find it.

    Parameters
    ----------
    detector : Detector
        Fitted and calibrated on other readings. Its stream is forgotten.
    healthy : Readings or DataFrame
        Of one device, without faults. A DataFrame has a DatetimeIndex and a column a channel.
    kind : str
        A fault of values, or one that takes readings away (`silence`).
    magnitudes : sequence of float, optional
        The sizes: in the unit of the channel (or of the kind: factors above 1 for a `gain`, which
        goes down by their reciprocals), or seconds for kinds whose size is how long they last,
        rounded to whole readings. Equal ones are one. Else a grid of eight, evenly on a log
        scale: 0.5 to 20 robust sigmas, factors that move the median by as much, or 1 to 240
        readings.
    repeats : int
        Faults of each size; those of a kind with a sign go up and down in turns.
    channel : str, optional
        The only one there is where not given; none for a kind that takes readings away.
    sigma : float, optional
        What one sigma of the channel is, from 0 on; its robust one in *healthy* where not given.
    duration : int
        Readings that a fault lasts whose size is none; of a momentary kind (`spike`) always 1.
    tolerance : int
        Readings after a fault's end in which an episode may still begin, of a momentary kind and of
        one that leaves no readings. Any other has to be found while it lasts: its end, a jump back
        to healthy values, is no part of it.
    before : Readings or DataFrame, optional
        What came before *healthy*; without, its first part (at most a fourth of it, and 1000
        readings) only warms the detector up.
    profile : Profile, optional
        Gives units, how values are rounded, and the heartbeat.
    seed : int
        Of the onsets and of what faults draw; not of the detector.

    Returns
    -------
    Detectability
        The curve, what was tried and found at each size, and whether a size may be claimed.

    Raises
    ------
    UsageError
        If the kind, channel, magnitudes or another argument make no sense for these readings. What
        the detector raises passes through.

    Examples
    --------
    >>> from sensorkit import detect
    >>> rng = np.random.default_rng(1)
    >>> time = np.arange(20_000) * 1_000_000_000
    >>> noise = Readings.build(time, rng.normal(20, 1, (20_000, 1)), ["T"])
    >>> mewma = detect.make("mewma").fit(noise[:5000]).calibrate(noise[5000:10_000])
    >>> drift = detectability(mewma, noise[10_000:], "drift")
    >>> str(drift.status), round(drift.curve.a90, 1), round(drift.curve.a90_95, 1)
    ('ok', 1.2, 1.5)
    """
    check_counts(
        repeats=(repeats, 1), duration=(duration, 1), tolerance=(tolerance, 0), seed=(seed, 0)
    )
    own = profile.device if profile is not None else "device"
    healthy = Readings.of(healthy, device=own)
    parts = split(healthy)
    if len(parts) != 1:
        had = f"of {len(parts)} devices, and one is wanted; select its rows" if parts else "empty"
        raise UsageError(f"detectability: the healthy readings are {had}")
    device = parts[0][0] or own
    of = find_kind(kind)
    name = affected_channel(of, healthy, channel)
    check_company(of, healthy.channels)
    first = 0 if before is not None else min(LEAD_IN, len(healthy) // 4)
    ground = Ground(healthy, first=first)
    if sigma is not None:
        check_sigma(sigma)
    elif name is not None:
        sigma = robust_sigma(healthy.channel(name))
    maker = SizeMaker(ground.period_s, duration, profile, sigma, _level(healthy, name))
    sizes = maker.grid(of, name) if magnitudes is None else maker.given(of, name, magnitudes)
    if sizes is None:
        raise UsageError(
            f"detectability: {why_no_grid(healthy, name, sigma, repr(name))}, so there is no grid "
            "of sizes; give magnitudes in its unit"
        )
    plan = _Plan(ground, device, (sizes,), repeats, tolerance, profile, seed)
    lead = [] if before is None else [Readings.of(before, device=device)]
    return plan.measured(detector, lead)[0]


def measure(
    detector: Detector,
    trial: Trial,
    settings: Settings,
    *,
    check_time: Callable[[str], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure all kinds and channels of `settings.detectability` on the test stretch of a trial.

    Parameters
    ----------
    detector : Detector
        Fitted and calibrated on the other two stretches; its stream is forgotten. It comes to the
        test stretch warm, having seen the calibration stretch.
    trial : Trial
        Faults go where it has none.
    settings : Settings
    check_time : callable, optional
        Told, between onsets, what has been done; may raise.

    Returns
    -------
    list of dict
        Rows of `detectability` in report.json: kind by kind, each on every channel that varies in
        the fit stretch, one device after the other. Empty if `settings.detectability` is None.

    Raises
    ------
    UsageError
        If a kind or channel of the settings is unknown, or cannot be measured.
    """
    grid = settings.detectability
    if grid is None:
        return []
    check_grid(grid, trial.stretches["test"].channels)
    rows = []
    for unit in trial.units:
        fit, lead, test = (_of_unit(part, unit, trial) for part in trial.stretches.values())
        ground = Ground(test, taken=trial.window[unit.faults])
        wanted = list(_wanted(grid, fit))
        sizes = [
            SizeMaker(
                ground.period_s, grid.duration, trial.profile, sigma, _level(fit, name), grid
            ).grid(kind, name)
            for kind, name, sigma in wanted
        ]
        tried = tuple(one for one in sizes if one is not None)
        plan = _Plan(
            ground, unit.device, tried, grid.repeats, settings.tolerance, trial.profile,
            settings.seed,
        )  # fmt: skip
        measured = iter(plan.measured(detector, [lead], check_time))
        for (kind, name, sigma), one in zip(wanted, sizes, strict=True):
            found = (
                next(measured)
                if one is not None
                else _still(detector, unit, kind, name, trial, why_no_grid(fit, name, sigma))
            )
            rows.append({"recording": trial.name, **found.to_dict()})
    return rows


def _wanted(
    grid: DetectabilityGrid, fit: Readings
) -> Iterator[tuple[Kind, str | None, float | None]]:
    """Yield each kind, channel and robust sigma: of the channels named, or all that vary."""
    varies = [name for name in fit.channels if _varies(fit.channel(name))]
    for kind in map(find_kind, grid.kinds):
        if silences(kind):
            yield kind, None, None
            continue
        for name in grid.channels or varies:
            yield kind, name, robust_sigma(fit.channel(name))


def _level(readings: Readings, name: str | None) -> float | None:
    return None if name is None else median(readings.channel(name))


def _varies(values: NDArray[np.float64]) -> bool:
    known = values[~np.isnan(values)]
    return len(known) > 0 and bool((known != known[0]).any())


def _still(
    detector: Detector, unit: Unit, kind: Kind, name: str | None, trial: Trial, why: str
) -> Detectability:
    """Return the row of a channel that has no grid of sizes."""
    known = profile_channel(trial.profile, name)
    reason = f"{why}: no grid of sizes"
    unit_of_size = size_unit(kind.name, "" if known is None else known.unit)
    return untestable(detector.name, unit.device, kind.name, name, unit_of_size, reason)


def check_grid(grid: DetectabilityGrid, channels: Sequence[str]) -> None:
    """Raise UsageError if *grid* names a kind that cannot be measured, or none of *channels*."""
    for name in grid.channels:
        if name not in channels:
            raise UsageError(f"detectability: {unknown('channel', name, channels)}")
    for name in grid.kinds:
        check_company(find_kind(name), channels)


@dataclass(frozen=True)
class _Plan:
    """All faults of one device, and where they go."""

    ground: Ground
    device: str
    sizes: tuple[Sizes, ...]
    repeats: int
    tolerance: int
    profile: Profile | None
    seed: int

    def measured(
        self,
        detector: Detector,
        lead: Sequence[Readings],
        check_time: Callable[[str], None] | None = None,
    ) -> list[Detectability]:
        """Try them all in one pass over the readings."""
        placed = [self._placed(sizes) for sizes in self.sizes]
        windows = [faulty for faulty, _ in placed if faulty is not None]
        heartbeat_s = None if self.profile is None else self.profile.heartbeat_s
        try:
            outcomes = try_windows(
                detector, lead, self.ground.series, windows, heartbeat_s, check_time
            )
        except CannotCopy as error:
            return [self._untestable(detector, sizes, str(error)) for sizes in self.sizes]
        waiting = iter(outcomes)
        return [
            self._untestable(detector, sizes, note)
            if faulty is None
            else summed_up(detector.name, self.device, faulty, next(waiting), note, self.seed)
            for sizes, (faulty, note) in zip(self.sizes, placed, strict=True)
        ]

    def _placed(self, sizes: Sizes) -> tuple[Faulty | None, str]:
        """Return the windows of one kind and channel, and what is to be said of their places."""
        # One set of onsets for all kinds, unless the longest fault leaves too little room.
        longest = int(max(one.rows.max() for one in self.sizes))
        starts, room = self._room(sizes.channel, longest)
        if room < self.repeats:
            longest = int(sizes.rows.max())
            starts, room = self._room(sizes.channel, longest)
        if not len(starts):
            return None, (
                f"nowhere do the readings have room for {longest} readings of fault and "
                f"{self.tolerance} after it, away from other faults and pauses; record for longer"
            )
        rng = np.random.default_rng(np.random.SeedSequence(self.seed))
        most = max(len(one.size) for one in self.sizes)
        onsets = spread(starts, most, self.repeats, rng)[: len(sizes.size)]
        seeds = rng.integers(2**31, size=(most, self.repeats))[: len(sizes.size)]
        note = ""
        if room < self.repeats:
            note = (
                f"the readings have room for {room} windows of the longest fault side by side: the "
                f"{self.repeats} faults of a size, at {len(np.unique(onsets))} onsets in all, "
                "overlap in time and prove less than their number says"
            )
        known = profile_channel(self.profile, sizes.channel)
        # An injected drift jumps back when it is over, and a real one does not: what lasts has to
        # be found while it does.
        tolerance = 0 if sizes.shown_while_it_lasts else self.tolerance
        faulty = Faulty(self.ground, sizes, onsets, seeds, tolerance=tolerance, channel=known)
        return faulty, note

    def _room(self, channel: str | None, longest: int) -> tuple[NDArray[np.int64], int]:
        """Return where faults may begin, and how many fit side by side, at most the repeats."""
        starts = self.ground.starts(channel, longest, self.tolerance)
        return starts, self.ground.side_by_side(starts, longest, self.tolerance, self.repeats)

    def _untestable(self, detector: Detector, sizes: Sizes, reason: str) -> Detectability:
        return untestable(
            detector.name, self.device, sizes.kind.name, sizes.channel, sizes.unit, reason
        )


def _of_unit(readings: Readings, unit: Unit, trial: Trial) -> Readings:
    """Return the readings of one device, in the order they came."""
    mine = [
        np.arange(len(readings))[rows]
        for name, rows, _ in split(readings)
        if (name or trial.profile.device) == unit.device or len(trial.units) == 1
    ]
    if len(mine) == 1 and len(mine[0]) == len(readings):
        return readings
    return readings[np.sort(np.concatenate([np.empty(0, dtype=np.int64), *mine]))]
