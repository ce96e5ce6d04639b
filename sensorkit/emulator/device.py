"""An emulated device: a profile, a plan and a seed become frames and labels."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.frames import EmulatedFrame, FrameWriter, Served
from sensorkit.emulator.planning import place_live, readings_in, together
from sensorkit.emulator.sending import serve
from sensorkit.emulator.truth_file import TruthWriter
from sensorkit.errors import UsageError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.labels import label, sizes
from sensorkit.faults.placing import NS_PER_S, Placed, fault_streams
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.signal import apply_signal
from sensorkit.faults.transport import distort
from sensorkit.nearest import unknown
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel
from sensorkit.signals import States, Stay, Waveforms, healthy_sigma, quantize
from sensorkit.wire.checksum import Kind as ChecksumKind
from sensorkit.wire.links import Link

# Frames that are made in one go. Few, for while they are made the line waits: 64 take 0.4 ms.
PIECE = 64

VIRTUAL_START = 1_767_225_600 * NS_PER_S
"""2026-01-01T00:00:00Z, the moment an emulated device starts at where no clock is asked."""


class Emulator:
    r"""A device that measures, changes its state, breaks as planned, and speaks frames.

    Parameters
    ----------
    profile : Profile
        Every channel needs a waveform, and the device a frame format.
    plan : FaultPlan, optional
    seed : int
        Same seed, same bytes and same labels.
    rate_hz : float, optional
        Frames a second; the profile's where not given.
    hold : str, optional
        Stay in this state; the plan's where not given.
    start_ns : int
        When the device starts, for the times of the labels.
    duration_s : float, optional
        How long it will run, if that is known: faults without a start are placed over it.
    checksum : "none", "xor" or "crc16", optional
        The profile's where not given.
    sequence, uptime : bool
        Whether frames carry a counter (from 1) and the seconds since the start, if the profile
        has a place for them.

    Raises
    ------
    ProfileError
        If the profile cannot be emulated.
    PlanError
        If the plan cannot be placed.

    Notes
    -----
    The status word follows the values that are sent, the faulty ones, as the device itself
    knows no others. A silent state does not count frames; a silence of the line does, so it
    shows as a gap in the sequence.

    Examples
    --------
    >>> emulator = Emulator(Profile.load("serial_monitor"), plan=FaultPlan.load("forced_failure"))
    >>> next(emulator.frames()).data
    b'T:95.50,V:4.99,S:CRITICAL_TEMP,N:1,U:0.000*3802\n'
    """

    def __init__(
        self,
        profile: Profile,
        *,
        plan: FaultPlan | None = None,
        seed: int = 0,
        rate_hz: float | None = None,
        hold: str | None = None,
        start_ns: int = VIRTUAL_START,
        duration_s: float | None = None,
        checksum: ChecksumKind | None = None,
        sequence: bool = True,
        uptime: bool = True,
    ) -> None:
        if rate_hz is not None and not 1e-6 <= rate_hz <= 1e6:
            raise UsageError(f"a rate of {rate_hz:g} Hz is not possible; 0.000001 to 1000000 are")
        self.profile = profile
        self.start_ns = start_ns
        self.rate_hz = rate_hz or profile.rate_hz
        self.seed = seed
        self._frames = FrameWriter(
            profile, self.rate_hz, checksum=checksum, sequence=sequence, uptime=uptime
        )
        self._plan = plan or FaultPlan(faults=())
        hold = hold if hold is not None else self._plan.hold
        if hold is not None and hold not in profile.states:
            raise UsageError(f"profile {profile.name!r}: {unknown('state', hold, profile.states)}")
        self._held = hold is not None
        self._states = States(profile, seed, rate_hz=self.rate_hz, hold=hold)
        self._waveforms = Waveforms(profile, seed, rate_hz=self.rate_hz)
        self._sigmas = {
            c.name: healthy_sigma(c.waveform) for c in profile.channels if c.waveform is not None
        }
        self._placed = place_live(
            self._plan,
            profile,
            rate_hz=self.rate_hz,
            seed=seed,
            readings=readings_in(duration_s, self.rate_hz),
            stays=lambda n: [] if self._held else self._unusual(n),
        )
        self._groups = list(together(self._placed))
        self._row = 0
        self._sent = 0
        self._last = np.full(len(profile.channels), np.nan)
        self._ready: Iterator[EmulatedFrame] = iter(())

    def frames(self, n: int | None = None) -> Iterator[EmulatedFrame]:
        """Yield the next *n* frames, silent ones included; without *n* for ever.

        A second call goes on where the first one stopped.
        """
        for _ in itertools.count() if n is None else range(n):
            frame = next(self._ready, None)
            if frame is None:
                self._ready = iter(self._chunk())
                frame = next(self._ready)
            self._sent += 1
            yield frame

    def serve(
        self,
        link: Link,
        *,
        speed: float | None = 1.0,
        baud: int | None = None,
        packet_ms: float = 1.0,
        once: bool = False,
        truth: TruthWriter | None = None,
        duration_s: float | None = None,
        frames: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], int] | None = None,
    ) -> Served:
        """Send frames over *link* until *duration_s* or *frames* is reached or *stop* says so.

        Parameters
        ----------
        link : Link
        speed, baud, packet_ms, once, stop, clock, sleep
            As for `sensorkit.emulator.serve`.
        duration_s : float, optional
            Seconds of the device's time: at ten times the speed they take a tenth.
        frames : int, optional
            Silent ones count.
        truth : TruthWriter, optional
            Told of all that is sent, lost and injected, from the first frame to the end.
        wall_clock : callable, optional
            Nanoseconds UTC, as `time.time_ns`; asked once, just before the first frame, for the
            times of the labels and of the truth.
        """
        limits = [n for n in (frames, readings_in(duration_s, self.rate_hz)) if n is not None]

        def on_start() -> None:
            if wall_clock is not None:
                self.start_ns = wall_clock()
            if truth is not None:
                truth.start(self.start_ns)

        before = self._sent
        served = serve(
            self.frames(min(limits, default=None)),
            link,
            speed=speed,
            baud=baud,
            packet_ms=packet_ms,
            once=once,
            truth=truth,
            on_start=on_start,
            stop=stop,
            clock=clock,
            sleep=sleep,
        )
        # Frames that were made and never sent have no labels.
        self._sent = before + served.passed
        if truth is not None:
            for one in self.labels:
                truth.fault(one)
            truth.end(served)
        return served

    @property
    def labels(self) -> list[FaultLabel]:
        """The labels of what has begun so far, in order of time.

        A fault or state that still lasts ends, so far, with the last frame.
        """
        found = []
        for placed in self._placed:
            if placed.start_index < self._sent:
                name = placed.fault.channel
                found.append(
                    label(
                        placed,
                        device=self.profile.device,
                        start=self._time(placed.start_index),
                        end=self._time(min(placed.stop_index, self._sent) - 1),
                        sigma=self._sigmas[name] if name else None,
                        seed=self.seed,
                    )
                )
        stays = self._unusual(self._sent) if self._sent else []
        for number, stay in enumerate(stays, start=len(self._placed) + 1):
            found.append(
                FaultLabel(
                    id=number,
                    device=self.profile.device,
                    start=self._time(stay.start),
                    end=self._time(min(stay.stop, self._sent) - 1),
                    kind=stay.state.lower(),
                    channel=None,
                    layer="state",
                    magnitude=None,
                    magnitude_sigma=None,
                    seed=self.seed,
                )
            )
        return sorted(found, key=lambda one: (one.start, one.id))

    def _time(self, row: int) -> int:
        return self.start_ns + round(row * NS_PER_S / self.rate_hz)

    def _unusual(self, stop: int) -> list[Stay]:
        """Return the stays outside the first state that begin before reading *stop*."""
        stays = self._states.until(stop)
        return [s for s in stays if s.state != (self._states.usual or "") and s.stop > s.start]

    def _chunk(self) -> list[EmulatedFrame]:
        """Make the next frames: up to the next fault, or all of a group of faults at once.

        So that a fault is always worked out over all its readings, wherever the caller stops.
        """
        start = self._row
        while self._groups and self._groups[0][0].start_index < start:
            self._groups.pop(0)
        group = self._groups[0] if self._groups else []
        n = PIECE
        if group and group[0].start_index == start:
            n = max(placed.stop_index for placed in group) - start
        elif group:
            n, group = min(PIECE, group[0].start_index - start), []
        else:
            group = []
        self._row += n
        shift, silent = self._states.block(start, n)
        values = self._waveforms.block(n, shift)
        rows = np.arange(start, start + n)
        for placed in sorted(group, key=lambda one: one.id):
            if placed.fault.of.layer == "signal":
                self._break(values, rows, placed)
        made, sequence = self._frames.write(values, rows, silent)
        self._remember(values)
        frames = [
            EmulatedFrame(row / self.rate_hz, frame, None, count)
            for row, frame, count in zip(range(start, start + n), made, sequence, strict=True)
        ]
        for placed in group:
            if isinstance(placed.fault.of, TransportKind):
                covered = slice(placed.start_index - start, placed.stop_index - start)
                frames[covered] = self._over_the_line(frames[covered], placed, placed.fault.of)
        return frames

    def _over_the_line(
        self, frames: list[EmulatedFrame], placed: Placed, kind: TransportKind
    ) -> list[EmulatedFrame]:
        """Return *frames* as a fault of the line, or of the plug, lets them through."""
        arrived = distort([frame.data for frame in frames], placed, self._plan, self.seed)
        if kind.restarts:
            # What it would have sent while it was off was never made.
            self._frames.restart(placed.stop_index)
            return [
                EmulatedFrame(frame.at_s, data, plugged=not kind.unplugs)
                for frame, data in zip(frames, arrived, strict=True)
            ]
        return [
            frame._replace(data=data, made=frame.data, plugged=not kind.unplugs)
            for frame, data in zip(frames, arrived, strict=True)
        ]

    def _break(self, values: NDArray[np.float64], rows: NDArray[np.int64], placed: Placed) -> None:
        """Apply a signal fault to the values of its channel."""
        column = self.profile.channel_names.index(str(placed.fault.channel))
        low, high = placed.start_index - int(rows[0]), placed.stop_index - int(rows[0])
        earlier = values[:low, column]
        earlier = earlier[~np.isnan(earlier)]
        faulty = apply_signal(
            values[low:high, column],
            np.round(rows[low:high] * (NS_PER_S / self.rate_hz)).astype(np.int64),
            placed.fault,
            before=float(earlier[-1] if len(earlier) else self._last[column]),
            magnitude=sizes(placed, self._sigmas[str(placed.fault.channel)])[0],
            rng=fault_streams(self._plan, self.seed, placed.id)[1],
        )
        values[low:high, column] = quantize(faulty, self.profile.channels[column])

    def _remember(self, values: NDArray[np.float64]) -> None:
        """Keep the last value of each channel, for a step right after this chunk."""
        for column in range(values.shape[1]):
            there = values[~np.isnan(values[:, column]), column]
            if len(there):
                self._last[column] = there[-1]
