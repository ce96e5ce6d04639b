"""An emulated device of one or several units: their frames in order of time, on any link."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.asked_for import fault_asked_for
from sensorkit.emulator.device import Speech
from sensorkit.emulator.fleet import Fleet, Frames
from sensorkit.emulator.frames import EmulatedFrame, Served
from sensorkit.emulator.listening import EmulatedReading, Listeners
from sensorkit.emulator.meter import Meter
from sensorkit.emulator.planning import readings_in
from sensorkit.emulator.plug import Pluggable, cannot_go_away
from sensorkit.emulator.running import Nowhere, Startable
from sensorkit.emulator.sending import serve
from sensorkit.emulator.truth_file import TruthWriter
from sensorkit.emulator.units import unit_names
from sensorkit.errors import PlanError, UsageError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.placing import NS_PER_S
from sensorkit.faults.plan import Fault, FaultPlan
from sensorkit.nearest import unknown
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel
from sensorkit.signals import healthy_sigmas
from sensorkit.wire.checksum import Kind as ChecksumKind
from sensorkit.wire.links import Link

VIRTUAL_START = 1_767_225_600 * NS_PER_S
"""2026-01-01T00:00:00Z, the moment an emulated device starts at where no clock is asked."""


class Emulator(Startable):
    r"""Units of a device that measure, change state, wear out, break, and speak frames.

    Parameters
    ----------
    profile : Profile, str or Path
        Or the name of a shipped one, or a YAML file. Every channel needs a waveform, and the
        device a frame format.
    units : int, optional
        How many there are: all that the profile names in `devices`, or one. Each has signals,
        states and a life of its own; disturbances they share. Their frames come in turn.
    rate_hz : float, optional
        Frames a second of each unit; the profile's where not given.
    plan : FaultPlan, optional
        A fault that names no device hits the first unit.
    seed : int
        Same seed, same bytes and same labels.
    hold : str, optional
        Stay in this state and do not wear; the plan's where not given.
    start_ns : int
        When the device starts, for the times of the labels.
    duration_s : float, optional
        How long it will run, if that is known: faults without a start are placed over it.
    checksum : "none", "xor" or "crc16", optional
        The profile's where not given.
    sequence, uptime : bool
        Whether frames carry a counter (from 1) and the seconds since the start, if the profile
        has a place for them.
    anomalies : float
        Share of the readings that is anomalous beside the plan, one reading at a time: those of
        the profile's `anomalies` that are momentary, by their weights; if it has none, spikes of 6
        to 10 sigmas on any channel.

    Attributes
    ----------
    profile, rate_hz, seed, start_ns
        As given.
    units : tuple of str
        What the units are called.

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

    All methods may be called from any thread while it runs. The same seed and the same faults
    injected at the same readings give the same bytes.

    Examples
    --------
    >>> emulator = Emulator("serial_monitor", plan=FaultPlan.load("forced_failure"))
    >>> next(emulator.frames()).data
    b'T:95.50,V:4.99,S:CRITICAL_TEMP,N:1,U:0.000*3802\n'

    >>> with Emulator("serial_monitor", units=2, rate_hz=100.0, hold="NORMAL") as pair:
    ...     pair.on_reading(lambda reading: seen.append(reading.device))
    ...     seen = []
    ...     pair.start(duration_s=0.02)
    ...     _ = pair.wait()
    >>> seen
    ['monitor-1', 'monitor-2', 'monitor-1', 'monitor-2']
    """

    def __init__(
        self,
        profile: Profile | str | Path,
        *,
        units: int | None = None,
        rate_hz: float | None = None,
        plan: FaultPlan | None = None,
        seed: int = 0,
        hold: str | None = None,
        start_ns: int = VIRTUAL_START,
        duration_s: float | None = None,
        checksum: ChecksumKind | None = None,
        sequence: bool = True,
        uptime: bool = True,
        anomalies: float = 0.0,
    ) -> None:
        if rate_hz is not None and not 1e-6 <= rate_hz <= 1e6:
            raise UsageError(f"a rate of {rate_hz:g} Hz is not possible; 0.000001 to 1000000 are")
        self.profile = profile if isinstance(profile, Profile) else Profile.load(profile)
        self.rate_hz = rate_hz or self.profile.rate_hz
        self.seed = seed
        self.units = unit_names(self.profile, units)
        given = plan or FaultPlan(faults=())
        self._sigmas = healthy_sigmas(self.profile)
        self._fleet = Fleet(
            self.profile,
            given.on(self.profile.channel_names),
            names=self.units,
            rate_hz=self.rate_hz,
            seed=seed,
            start_ns=start_ns,
            hold=self._checked(given.hold if hold is None else hold),
            readings=readings_in(duration_s, self.rate_hz),
            speech=Speech(checksum, sequence, uptime),
            anomalies=anomalies,
            sigmas=self._sigmas,
        )
        self._listeners = Listeners(self.profile.channel_names, self.units)
        self._meter = Meter(self._fleet.devices)
        self._link: Link | None = None
        super().__init__(self.profile.name)

    def __repr__(self) -> str:
        """Say what it emulates, and whether it is at work."""
        units = ", ".join(self.units[:3]) + (", ..." if len(self.units) > 3 else "")
        state = "" if self._link is None else f", at work on {self._link.name}"
        return f"<Emulator {self.profile.name}: {units} at {self.rate_hz:g} Hz{state}>"

    @property
    def start_ns(self) -> int:
        """When the device started, nanoseconds UTC; with a clock, that of the first frame."""
        return self._fleet.start_ns

    def frames(self, n: int | None = None) -> Frames:
        """Return an iterator over the next *n* frames, silent ones included; without *n* for ever.

        A second call goes on where the first one stopped.
        """
        return self._fleet.frames(n)

    def on_reading(self, listener: Callable[[EmulatedReading], object]) -> None:
        """Call *listener* with each reading whose frame is sent by `serve` or `start`.

        It is called in the thread that sends, which waits for it. A reading whose frame a fault
        swallows is not told; one whose frame arrives damaged is, with the fault. If *listener*
        raises, the emulator stops, and `wait` (or `serve`) raises.
        """
        self._listeners.add(listener)
        self._fleet.watch()

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
        sleep: Callable[[float], object] = time.sleep,
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
            Of all units together; silent ones count.
        truth : TruthWriter, optional
            Told of all that is sent, lost and injected, from the first frame to the end.
        wall_clock : callable, optional
            Nanoseconds UTC, as `time.time_ns`; asked once, just before the first frame, for the
            times of the labels and of the truth.

        Raises
        ------
        UsageError
            If several units are to share a link, and their frames do not say which is which; or
            if it is at work already.
        """
        self.check_link(link)
        each = readings_in(duration_s, self.rate_hz)
        limits = [n for n in (frames, each and each * len(self.units)) if n is not None]

        def on_start() -> None:
            if wall_clock is not None:
                self._fleet.start_ns = wall_clock()
            if truth is not None:
                truth.start(self.start_ns)

        with self._fleet.lock:
            if self._link is not None:
                raise UsageError(
                    f"the emulator of {self.profile.name} is at work on {self._link.name}; stop "
                    "it first, or make another one"
                )
            self._link = link
            self._meter.reset()
            before = [device.sent for device in self._fleet.devices]
        try:
            served = serve(
                self.frames(min(limits, default=None)),
                link,
                speed=speed,
                baud=baud,
                packet_ms=packet_ms,
                once=once,
                truth=truth,
                on_start=on_start,
                on_line=lambda ask: self._meter.start(ask, clock),
                passed=self._passed,
                stop=stop,
                clock=clock,
                sleep=sleep,
            )
        finally:
            with self._fleet.lock:
                self._link = None
                self._meter.stop()
                # Frames that were made and never sent have no labels.
                for device, sent, passed in zip(
                    self._fleet.devices, before, self._meter.passed, strict=True
                ):
                    device.sent = sent + passed
        if truth is not None:
            for one in self.labels:
                truth.fault(one)
            truth.end(served)
        return served

    def inject_anomaly(
        self,
        unit: int | str,
        kind: str,
        *,
        channel: str | None = None,
        magnitude: float | None = None,
        magnitude_sigma: float | None = None,
        duration_s: float | None = None,
    ) -> FaultLabel:
        """Let a fault begin with the next reading of a unit.

        Parameters
        ----------
        unit : int or str
            Its number, from 1, or its name.
        kind : str
            A kind of fault, or a name in the profile's `anomalies`.
        channel : str, optional
            The first one that moves, where neither this nor the profile says it.
        magnitude, magnitude_sigma : float, optional
            8 sigmas where nothing is said.
        duration_s : float, optional
            30 readings where nothing is said; one for a spike.

        Returns
        -------
        FaultLabel
            With the times of the first and the last reading that it will touch; of a fault on
            several channels, that of the first one. `labels` has all, cut to what is sent.

        Raises
        ------
        PlanError
            If there is no such fault, or it would meet another one or a silence: which, and until
            when.
        """
        fault = fault_asked_for(
            self.profile,
            kind,
            sigmas=self._sigmas,
            rate_hz=self.rate_hz,
            channel=channel,
            magnitude=magnitude,
            magnitude_sigma=magnitude_sigma,
            duration_s=duration_s,
        )
        return self._fleet.inject(unit, fault, self._refuse_plug)

    def metrics(self) -> dict[str, Any]:
        """Return how it is going, at any time.

        Returns
        -------
        dict
            `running`; `elapsed_s` since the first frame; `readings` made; `rate_hz` as achieved,
            of each unit; `frames`, `bytes` and `lost` on the link; and for each of `devices`
            its `readings`, its `anomalies` so far and what is `active` now.
        """
        with self._fleet.lock:
            return {"running": self._link is not None, **self._meter.read()}

    @property
    def labels(self) -> list[FaultLabel]:
        """The labels of what has begun so far, in order of time.

        A fault or state that still lasts ends, so far, with the last frame. Wear ends with the
        failure, even if that is still to come. Those of the plan have their place in it as id;
        all others count on from there as they begin.
        """
        return self._fleet.labels()

    def remaining_life(
        self, unit: int | str, time_ns: int | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the seconds from *time_ns* to the last reading of a unit before its failure.

        Parameters
        ----------
        unit : int or str
        time_ns : int or array of int64
            Nanoseconds UTC, from the first reading on.

        Returns
        -------
        array of float64
            In the shape of *time_ns*. NaN while it is repaired, inf if it does not wear out.
        """
        return self._fleet.remaining_life(unit, time_ns)

    def _checked(self, hold: str | None) -> str | None:
        if hold is not None and hold not in self.profile.states:
            problem = unknown("state", hold, self.profile.states)
            raise UsageError(f"profile {self.profile.name!r}: {problem}")
        return hold

    def check_link(self, link: Link) -> None:
        """Refuse several units on a link where nobody could tell them apart."""
        frame = self.profile.frame
        if len(self.units) == 1 or isinstance(link, Nowhere):
            return
        if frame is None or not frame.names_device:
            raise UsageError(
                f"profile {self.profile.name!r}: {len(self.units)} units cannot share a link, for "
                "a frame does not say which one it is of; add `device` to its `frame`, or serve "
                "one unit a link"
            )

    def _refuse_plug(self, fault: Fault) -> None:
        """Refuse to unplug a port that cannot go away."""
        kind, link = fault.of, self._link
        unplugs = isinstance(kind, TransportKind) and kind.unplugs
        if unplugs and link is not None and not isinstance(link, Pluggable):
            raise PlanError(cannot_go_away(link))

    def _passed(self, frame: EmulatedFrame) -> None:
        """Take note of a frame whose time has come."""
        self._meter.count(frame)
        if len(self._listeners):
            self._listeners.tell(frame, self.start_ns + round(frame.at_s * NS_PER_S))
