"""Where the faults of a plan go: rows of readings, from the seed, never over one another."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import PlanError
from sensorkit.faults.fault import Fault, refuse_short
from sensorkit.faults.plan import FaultPlan, overlap_text

NS_PER_S = 1_000_000_000

# A fault may go where it costs room for another of its length only as long as room for so many
# times the faults placed so far is left. So at most a sixth of the room is ever wasted, while a
# few faults in a long window can be anywhere.
ROOM_TO_SPARE = 4

# Number in the seed sequence that keeps the streams of faults apart from those of waveforms.
FAULT_STREAMS = 1


class Placed(NamedTuple):
    """A fault on one channel and the rows [start_index, stop_index) of its device it covers."""

    fault: Fault
    id: int
    """The id of its label: faults are counted from 1 in the order of the plan, one that hits
    several channels once for each."""
    start_index: int
    stop_index: int
    place_in_plan: int | None = None
    """From 1; None: its id."""

    @property
    def number(self) -> int:
        """Return the place of the fault in the plan, from 1; parts of one fault share it."""
        return self.id if self.place_in_plan is None else self.place_in_plan


class Taken(NamedTuple):
    """Rows that are no longer free, and why."""

    start: int
    stop: int
    title: str
    remedy: str = "move it"
    """What can be done about a fault that lies there."""


def fault_streams(plan: FaultPlan, seed: int, fault_id: int) -> list[np.random.Generator]:
    """Return the streams of one fault: for its place, and for what it does.

    Each fault has its own, so that adding one to the end of a plan changes none before it.
    """
    sequence = np.random.SeedSequence((plan.seed, seed), spawn_key=(FAULT_STREAMS, fault_id))
    return [np.random.default_rng(child) for child in sequence.spawn(2)]


def usual_period(times_ns: NDArray[np.int64]) -> int:
    """Return the median time between readings in nanoseconds; 1 where there is none."""
    steps = np.diff(times_ns)
    steps = steps[steps > 0]
    return int(np.median(steps)) if len(steps) else 1


def place(
    plan: FaultPlan,
    times_ns: NDArray[np.int64],
    *,
    seed: int = 0,
    only: Iterable[int] | None = None,
    present: Mapping[str, NDArray[np.bool_]] | None = None,
    taken: Sequence[Taken] = (),
) -> list[Placed]:
    """Give every fault of *plan* its rows among the readings of one device.

    Parameters
    ----------
    plan : FaultPlan
        With `channels: all` written out; see `FaultPlan.on`.
    times_ns : array of int64, shape (n,)
        When the readings came. A time that goes back (a reset) counts as the latest so far.
    seed : int
        Beside the plan's own seed, what fixes the places.
    only : iterable of int, optional
        Places in the plan, from 1, of the faults to place: those of this device. All by default.
    present : mapping of str to array of bool, shape (n,), optional
        Where a channel has a value; a fault on it must touch some.
    taken : sequence of Taken
        Rows that faults must keep away from.

    Returns
    -------
    list of Placed
        All that were asked for, in the order of the plan: one for each channel of each fault.

    Raises
    ------
    PlanError
        If a fault cannot be placed: which one, what it needs and what there is.

    Notes
    -----
    Fault k is placed with regard to the faults before it in the plan alone, and drawn from a
    stream of its own: anywhere in the window while there is much room, and where it costs the
    least once there is not. Faults of one length therefore fit whenever they fill, gaps included,
    no more than five sixths of the window; placed blindly, they fill three quarters at best.
    """
    ground = _Ground(plan, times_ns, present or {})
    for span in taken:
        ground.take(span)
    wanted = set(only) if only is not None else None
    placed = []
    for number, group in itertools.groupby(plan.parts(), key=lambda part: part.number):
        if wanted is not None and number not in wanted:
            continue
        parts, fault = list(group), plan.faults[number - 1]
        if fault.start_s is not None:
            spot = ground.fixed(number, fault)
        else:
            rng = fault_streams(plan, seed, parts[0].id)[0]
            spot = ground.drawn(number, fault, rng)
        ground.add(spot)
        placed += [Placed(part.fault, part.id, spot.start, spot.stop, number) for part in parts]
    return placed


class _Spot(NamedTuple):
    """A fault of a plan, whatever its channels, and the rows it covers."""

    fault: Fault
    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class _Room:
    """The starts a fault may take in one free stretch, and the room each of them costs."""

    starts: NDArray[np.int64]
    cost: NDArray[np.int64]
    """Faults of the same length that would fit besides, and no longer do."""
    whole: int
    """Faults of the same length that fit into it."""


class _Ground:
    """The readings of a device while faults are being placed on them."""

    def __init__(
        self,
        plan: FaultPlan,
        times_ns: NDArray[np.int64],
        present: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        if len(times_ns) == 0:
            raise PlanError("there is no reading to place a fault on; give a recording with some")
        self._plan = plan
        self._present = present
        self._ns = np.maximum.accumulate(times_ns) - times_ns[0]
        self._period = usual_period(self._ns)
        self._length_ns = int(self._ns[-1]) + self._period
        self._spans: list[_Spot] = []
        self._taken: list[Taken] = []
        self._drawn = 0
        self._stops: dict[Any, tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}

    def take(self, span: Taken) -> None:
        self._taken.append(span)

    def add(self, spot: _Spot) -> None:
        self._spans.append(spot)

    def fixed(self, number: int, fault: Fault) -> _Spot:
        """Place a fault that says when it starts."""
        start_ns = round((fault.start_s or 0.0) * NS_PER_S)
        title = f"fault {number} ({fault.title})"
        if start_ns >= self._length_ns:
            raise PlanError(
                f"{title} starts at {fault.start_s:g} s, but the readings last "
                f"{self._length_ns / NS_PER_S:g} s; start it earlier or take a longer recording"
            )
        start = int(np.searchsorted(self._ns, start_ns, side="left"))
        stop = start + 1
        if fault.duration_s is not None:
            stop_ns = start_ns + round(fault.duration_s * NS_PER_S)
            if stop_ns > self._length_ns + self._period // 2:
                raise PlanError(
                    f"{title} lasts until {stop_ns / NS_PER_S:g} s, but the readings end at "
                    f"{self._length_ns / NS_PER_S:g} s; shorten it, start it earlier or take a "
                    "longer recording or run"
                )
            stop = int(np.searchsorted(self._ns, stop_ns, side="left"))
        spot = _Spot(fault, number, start, stop)
        if stop <= start or start >= len(self._ns):
            raise PlanError(
                f"{title} touches no reading: none came from {fault.start_s:g} s on for "
                f"{fault.duration_s or 0:g} s; move it or make it longer"
            )
        refuse_short(title, fault, stop - start)
        for name in fault.names:
            there = self._present.get(name)
            if there is not None and not there[start:stop].any():
                raise PlanError(
                    f"{title} touches no value: {name!r} is missing in all readings from "
                    f"{fault.start_s:g} s on for {fault.duration_s or 0:g} s; move it"
                )
        self._refuse_overlap(spot)
        return spot

    def _refuse_overlap(self, spot: _Spot) -> None:
        def seconds(start: int, stop: int) -> tuple[float, float]:
            end_ns = int(self._ns[stop]) if stop < len(self._ns) else self._length_ns
            return round(int(self._ns[start]) / NS_PER_S, 3), round(end_ns / NS_PER_S, 3)

        mine = (spot.number, spot.fault, *seconds(spot.start, spot.stop))
        for other in self._spans:
            apart = other.stop <= spot.start or spot.stop <= other.start
            if not apart and not self._plan.may_overlap(spot.fault, other.fault):
                theirs = (other.number, other.fault, *seconds(other.start, other.stop))
                hint = "; list faults that say when they start before those that do not"
                drawn = other.fault.start_s is None
                raise PlanError(overlap_text(mine, theirs) + (hint if drawn else ""))
        for span in self._taken:
            if span.start < spot.stop and spot.start < span.stop:
                start, stop = seconds(span.start, span.stop)
                raise PlanError(
                    f"fault {spot.number} ({spot.fault.title}, {mine[2]:g}-{mine[3]:g} s) overlaps "
                    f"{span.title} ({start:g}-{stop:g} s); {span.remedy}"
                )

    def drawn(self, number: int, fault: Fault, rng: np.random.Generator) -> _Spot:
        """Place a fault by the seed, at least the plan's gap away from any other."""
        first, last_ns = self._window()
        key = (fault.duration_s, fault.names)
        if key not in self._stops:
            self._stops[key] = self._all_stops(fault)
        stops, worth = self._stops[key]
        covered = stops - np.arange(len(stops))
        refuse_short(f"fault {number} ({fault.title})", fault, int(covered.max()))
        worth = worth & (covered >= fault.of.fewest)
        rooms = [
            room
            for low, high in self._free(first, int(np.searchsorted(self._ns, last_ns)))
            if (room := self._room(fault, stops, worth, low, high, last_ns)) is not None
        ]
        if not rooms:
            raise self._no_room(number, fault)
        starts = np.concatenate([room.starts for room in rooms])
        cost = np.concatenate([room.cost for room in rooms])
        left = sum(room.whole for room in rooms) - 1 - cost
        self._drawn += 1
        good = starts[(cost == cost.min()) | (left >= ROOM_TO_SPARE * self._drawn)]
        start = int(good[rng.integers(len(good))])
        return _Spot(fault, number, start, int(stops[start]))

    def _window(self) -> tuple[int, int]:
        """Return the first row of the window and its end in nanoseconds."""
        start_ns, stop_ns = 0.0, float(self._length_ns)
        if self._plan.window_s is not None:
            start_ns, stop_ns = (edge * NS_PER_S for edge in self._plan.window_s)
        elif self._plan.window_share is not None:
            start_ns, stop_ns = (edge * self._length_ns for edge in self._plan.window_share)
        return int(np.searchsorted(self._ns, start_ns)), min(round(stop_ns), self._length_ns)

    def _all_stops(self, fault: Fault) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return, for a start at each row, the stop, and whether enough values are touched.

        A fault has to touch half of the values that its duration means at their usual period:
        one that stood over a pause in the recording would be a label with nothing in it.
        """
        n = len(self._ns)
        everywhere = np.ones(n, dtype=np.bool_)
        channels = [self._present.get(name, everywhere) for name in fault.names] or [everywhere]
        if fault.duration_s is None:
            return np.arange(1, n + 1), np.logical_and.reduce(channels)
        duration = round(fault.duration_s * NS_PER_S)
        stops = np.searchsorted(self._ns, self._ns + duration, side="left").astype(np.int64)
        # Channels may come in readings of their own: it begins with a value of any of them.
        worth = np.logical_or.reduce(channels)
        for there in channels:
            enough = max(1, int(duration / usual_period(self._ns[there]) / 2))
            count = np.concatenate([[0], np.cumsum(there)])
            worth &= count[stops] - count[:-1] >= enough
        return stops, worth

    def _free(self, low: int, high: int) -> list[tuple[int, int]]:
        """Return the free stretches of rows [low, high), the gaps around faults taken off."""
        gap = self._plan.gap
        spans = [(span.start, span.stop) for span in self._spans]
        spans += [(span.start, span.stop) for span in self._taken]
        free = []
        for start, stop in sorted(spans):
            if start - gap > low:
                free.append((low, min(start - gap, high)))
            low = max(low, stop + gap)
        free.append((low, high))
        return [(start, stop) for start, stop in free if start < stop]

    def _room(
        self,
        fault: Fault,
        stops: NDArray[np.int64],
        worth: NDArray[np.bool_],
        low: int,
        high: int,
        last_ns: int,
    ) -> _Room | None:
        """Return the starts possible in rows [low, high), and what room each costs."""
        length_ns = 0 if fault.duration_s is None else round(fault.duration_s * NS_PER_S)
        fits = worth[low:high] & (stops[low:high] <= high)
        fits &= self._ns[low:high] + length_ns <= last_ns + self._period // 2
        starts = low + np.flatnonzero(fits)
        if len(starts) == 0:
            return None
        unit = int((stops[starts] - starts).max()) + self._plan.gap
        left, right = (starts - low) // unit, (high - stops[starts]) // unit
        whole = (high - low + self._plan.gap) // unit
        return _Room(starts, np.maximum(whole - 1 - left - right, 0), whole)

    def _no_room(self, number: int, fault: Fault) -> PlanError:
        first, last_ns = self._window()
        start_s = int(self._ns[min(first, len(self._ns) - 1)]) / NS_PER_S
        stop_s = last_ns / NS_PER_S
        gap_s = self._plan.gap * self._period / NS_PER_S
        lengths = [other.duration_s or self._period / NS_PER_S for other in self._plan.faults]
        need_s = sum(lengths) + gap_s * (len(lengths) - 1)
        free = self._free(first, int(np.searchsorted(self._ns, last_ns)))
        longest_s = max((high - low for low, high in free), default=0) * self._period / NS_PER_S
        return PlanError(
            f"fault {number} ({fault.title}, {lengths[number - 1]:g} s) cannot be placed: the "
            f"longest free stretch left has {longest_s:g} s; all {len(lengths)} faults of the plan "
            f"need {need_s:g} s with {gap_s:g} s between them, and the window from {start_s:g} to "
            f"{stop_s:g} s has {stop_s - start_s:g} s; give a longer recording, a wider window, a "
            "smaller gap, or fewer or shorter faults"
        )
