"""One emulated unit: a profile, a plan and a seed become its frames, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.breaking import Breaker, Scene
from sensorkit.emulator.by_themselves import Anomalies
from sensorkit.emulator.frames import EmulatedFrame, FrameWriter, Told
from sensorkit.emulator.planning import place_live
from sensorkit.emulator.schedule import Schedule
from sensorkit.errors import PlanError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.fault import refuse_short
from sensorkit.faults.placing import Placed
from sensorkit.faults.plan import Fault, FaultPlan
from sensorkit.profile import Profile
from sensorkit.signals import Course, Spell, Waveforms
from sensorkit.wire.checksum import Kind as ChecksumKind

# Frames that are made in one go. Few, for while they are made the line waits: 64 take 0.4 ms.
PIECE = 64

RECENT = 1000
"""Faults among which those of now are looked for."""

MOST_VALUES = 20_000_000
"""Values that a fault may cover which somebody asks for: they are worked out all at once."""


class Speech(NamedTuple):
    """How the units of an emulator write their frames."""

    checksum: ChecksumKind | None
    sequence: bool
    uptime: bool


class Device:
    """A unit that measures, changes its state, wears out, breaks as planned, and speaks frames.

    Parameters
    ----------
    profile : Profile
    plan : FaultPlan
        With `channels: all` written out.
    names : sequence of str
        What all units are called.
    unit : int
        Which one it is, from 1.
    phase_s : float
        When in its period it speaks.
    rate_hz : float
    seed : int
    hold : str or None
    readings : int or None
        How many it will give, if that is known.
    speech : Speech
    anomalies : float
        Share of the readings that is anomalous beside the plan.
    sigmas : mapping of str to float
        Of each healthy channel.
    """

    def __init__(
        self,
        profile: Profile,
        plan: FaultPlan,
        *,
        names: Sequence[str],
        unit: int,
        phase_s: float,
        rate_hz: float,
        seed: int,
        hold: str | None,
        readings: int | None,
        speech: Speech,
        anomalies: float,
        sigmas: Mapping[str, float],
    ) -> None:
        self.name, self.unit, self.phase_s = names[unit - 1], unit, phase_s
        self._rate, self._sigmas = rate_hz, sigmas
        self.course = Course(profile, seed, rate_hz=rate_hz, hold=hold, unit=unit)
        self._held = hold is not None
        self._waveforms = Waveforms(
            profile, seed, rate_hz=rate_hz, unit=unit, lives=self.course.lives
        )
        self._writer = FrameWriter(profile, rate_hz, device=self.name, **speech._asdict())
        placed = place_live(
            plan,
            profile,
            rate_hz=rate_hz,
            seed=seed,
            readings=readings,
            spells=lambda n: [] if self._held else self.course.spells(n),
            units=names,
            unit=unit - 1,
        )
        self._breaker = Breaker(
            profile, plan, placed=placed, seed=seed, rate_hz=rate_hz, sigmas=sigmas
        )
        drawn = Anomalies(profile, anomalies, sigmas=sigmas, seed=seed, unit=unit)
        self._schedule = Schedule(placed, drawn, unit=unit, silence=self._silence)
        self.row = 0
        """The next reading that has not been handed out."""
        self.sent = 0
        """Readings whose frames are sent, as far as that is known."""
        self._watched = False
        self._scene: Scene | None = None
        self._spare: tuple[NDArray[np.float64], NDArray[np.bool_]] | None = None
        self._made: deque[EmulatedFrame] = deque()
        # The frames made last: where they begin, how far they go, and where the writer was before.
        self._begin = self._end = 0
        self._place = self._writer.place
        self._not_before_s = self._held_up_s = 0.0

    def peek(self) -> EmulatedFrame:
        """Return the next frame, which stays the next one."""
        if not self._made:
            self._go_on()
        return self._made[0]

    def take(self) -> EmulatedFrame:
        """Return the next frame; silent ones included."""
        if not self._made:
            self._go_on()
        self.row = self.sent = self.row + 1
        return self._made.popleft()

    def watch(self) -> None:
        """Tell the reading behind each frame from now on."""
        if not self._watched:
            self._watched = True
            self._again()

    @property
    def begun(self) -> list[Placed]:
        """Return the faults that have begun in what is sent, in order of time."""
        return [one for one in self._schedule.begun if one.start_index < self.sent]

    @property
    def faults_so_far(self) -> int:
        """Return how many faults have begun in what is sent; one on several channels is one."""
        recent = self._schedule.begun[-RECENT:]
        to_come = {one.number for one in recent if one.start_index >= self.sent}
        return self._schedule.count - len(to_come)

    @property
    def active(self) -> list[str]:
        """Return what the last reading sent is under: faults as people say it, states, wear."""
        row = self.sent - 1
        faults = [
            one.fault.title
            for one in self._schedule.begun[-RECENT:]
            if one.start_index <= row < one.stop_index
        ]
        return faults + [one.kind for one in self.course.spells(self.sent, max(row, 0))]

    def time_s(self, row: int) -> float:
        """Return when a reading is due, in seconds since the emulator started."""
        return row / self._rate + self.phase_s

    def room_for(self, fault: Fault, readings: int) -> None:
        """Refuse a fault that cannot begin now.

        Raises
        ------
        PlanError
            If it would act on a channel that another fault has or will have meanwhile, or falls
            into a silence, or is too long.
        """
        start, stop = self.row, self.row + readings
        title = f"{self.name}: {fault.of.one.removesuffix(fault.kind)}{fault.title}"
        channels = len(self._sigmas)
        if readings * channels > MOST_VALUES:
            raise PlanError(
                f"{title} over {readings} readings is too long to begin while the device runs; "
                f"{MOST_VALUES // channels} are possible: shorten it, or put it into a plan"
            )
        refuse_short(title, fault, readings)
        running = self._scene.faults if self._scene is not None else []
        other = next(
            (one for one in running if one.stop_index > start and one.start_index < stop
             and fault.meets(one.fault)),
            None,
        ) or self._schedule.clash(fault, start, stop)  # fmt: skip
        if other is not None:
            begins_s, ends_s = self.time_s(other.start_index), self.time_s(other.stop_index)
            now_s = self.time_s(start)
            when = f"lasts until {ends_s:g} s, another {ends_s - now_s:g} s"
            if other.start_index > start:
                when = f"comes at {begins_s:g} s, in {begins_s - now_s:g} s, and lasts until "
                when += f"{ends_s:g} s"
            raise PlanError(
                f"{title} would overlap the {other.fault.title} that {when}; wait for its end, "
                "shorten the new one, or take another channel or unit"
            )
        for part in fault.parts():
            if part.magnitude_sigma is not None and not self._sigmas[str(part.channel)]:
                raise PlanError(
                    f"{title} of {part.magnitude_sigma:g} sigmas has no size, for {part.channel} "
                    "does not move; give the magnitude in its unit"
                )
        quiet = self._silent_spell(start, stop)
        if quiet is not None:
            raise PlanError(
                f"{title} would fall into {quiet.title} of {self.time_s(quiet.start):g} to "
                f"{self.time_s(quiet.stop):g} s, when the device says nothing; wait, or shorten it"
            )

    def add(self, placed: list[Placed]) -> None:
        """Let faults begin with the next reading; `room_for` has found room."""
        scene, row = self._scene, self.row
        if scene is None or row == scene.stop:
            self._schedule.add(placed)
            return
        if not scene.faults:
            # The rest of it is made anew, with the faults.
            done = row - scene.start
            self._breaker.remember(scene.values[:done])
            counted = int(np.count_nonzero(~scene.silent[self._begin - scene.start : done]))
            self._writer.go_back(self._place, counted)
            self._not_before_s = self._held_up_s
            self._spare = (scene.healthy[done:], scene.silent[done:])
            self._scene, self._end = None, row
            self._made.clear()
            self._schedule.add(placed)
            return
        scene.faults += placed
        self._schedule.note(placed)
        more, stop = self._schedule.absorb(max(scene.stop, placed[0].stop_index))
        scene.faults += more
        self._schedule.note(more)
        if stop > scene.stop:
            healthy, silent = self._measure(scene.stop, stop - scene.stop)
            scene.healthy = np.concatenate([scene.healthy, healthy])
            scene.silent = np.concatenate([scene.silent, silent])
        self._breaker.break_values(scene)
        self._again()

    def _silence(self, start: int, stop: int) -> int | None:
        spell = self._silent_spell(start, stop)
        return None if spell is None else spell.stop

    def _silent_spell(self, start: int, stop: int) -> Spell | None:
        """Return the first silence that falls into readings [start, stop)."""
        for spell in self.course.spells(stop, start):
            if spell.silent and spell.stop > start:
                return spell
        return None

    def _go_on(self) -> None:
        """Make the next frames."""
        scene = self._scene
        if scene is None or self._end == scene.stop:
            scene = self._scene = self._next_scene(scene)
        self._begin = self._end
        self._place, self._held_up_s = self._writer.place, self._not_before_s
        self._make(scene)

    def _next_scene(self, last: Scene | None) -> Scene:
        """Work out the next readings: up to the next fault, or all of faults that touch.

        So that a fault is always worked out over all its readings, wherever the caller stops.
        """
        if last is not None:
            self._breaker.remember(last.values)
        row = self._end
        faults, stop = self._schedule.begin(row, PIECE)
        healthy, silent = self._measure(row, stop - row)
        scene = Scene(row, healthy, silent, faults)
        self._breaker.break_values(scene)
        return scene

    def _measure(self, row: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the healthy values and the silence of the next *n* readings, from *row* on."""
        if self._spare is None:
            shift, silent = self.course.block(row, n)
            return self._waveforms.block(n, shift), silent
        values, silent = self._spare
        self._spare = (values[n:], silent[n:]) if len(values) > n else None
        if len(values) >= n:
            return values[:n], silent[:n]
        more, quiet = self._measure(row + len(values), n - len(values))
        return np.concatenate([values, more]), np.concatenate([silent, quiet])

    def _again(self) -> None:
        """Make the frames again that have been made and not handed out."""
        if not self._made or self._scene is None:
            return
        self._writer.go_back(self._place)
        self._not_before_s = self._held_up_s
        self._make(self._scene)
        for _ in range(self.row - self._begin):
            self._made.popleft()

    def _make(self, scene: Scene) -> None:
        """Make the frames from `_begin` on."""
        start = self._begin
        over = scene.line_fault(start)
        stop = min(start + PIECE, scene.until(start)) if over is None else over.stop_index
        rows = np.arange(start, stop)
        inside = slice(start - scene.start, stop - scene.start)
        values, silent = scene.values[inside], scene.silent[inside]
        written = self._writer.write(values, rows, silent)
        rate, phase_s, unit = self._rate, self.phase_s, self.unit
        frames = [
            EmulatedFrame(row / rate + phase_s, frame, None, count, True, unit)
            for row, frame, count in zip(
                range(start, stop), written.frames, written.sequence, strict=True
            )
        ]
        if self._watched:
            frames = [
                frame._replace(told=Told(row, word, next(iter(scene.kinds(number)), None)))
                if frame.data
                else frame
                for frame, row, word, number in zip(
                    frames, values, written.words, range(start, stop), strict=True
                )
            ]
        if over is not None:
            frames = self._breaker.over_the_line(frames, over)
            kind = over.fault.of
            if isinstance(kind, TransportKind) and kind.restarts:
                self._writer.restart(stop)
        if over is not None or frames[0].at_s < self._not_before_s:
            # A frame that was held up holds up those behind it.
            frames = [frame._replace(at_s=max(frame.at_s, self._not_before_s)) for frame in frames]
            self._not_before_s = frames[-1].at_s
        self._made = deque(frames)
        self._end = stop
