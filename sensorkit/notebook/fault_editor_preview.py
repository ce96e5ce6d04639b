"""What a fault plan does to a recording, seen before anything is written."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.capture import Recording
from sensorkit.capture.injected import inject_recording
from sensorkit.errors import PlanError
from sensorkit.faults import KINDS, FaultPlan, labels_frame, robust_sigma
from sensorkit.faults.base import Kind, TransportKind
from sensorkit.faults.signal import arrival_times, distort_values, injections, labels_of
from sensorkit.readings import Readings
from sensorkit.signals import quantize


@dataclass(frozen=True, eq=False)
class Faulted:
    """A recording with faults in it."""

    readings: Readings
    labels: pd.DataFrame
    first: int
    """The first reading that a fault touches, as a row of the healthy readings."""
    stop: int
    """The one after the last."""


class Preview:
    """Injects plans into one healthy recording, as `sensorkit inject` does.

    Faults of values, and silences, are injected in memory. Faults of bytes are injected into a
    copy in a temporary folder, for the lines have to be read again; that takes longer.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.readings = recording.readings()
        self._sigmas: dict[str, float] = {}

    def sigma(self, channel: str) -> float:
        """Return one robust sigma of *channel*, as plans mean it; 0 for one that never moves."""
        if channel not in self._sigmas:
            codes = self.readings.device.codes
            of_first = self.readings.channel(channel)[codes == codes[0]]
            self._sigmas[channel] = robust_sigma(of_first)
        return self._sigmas[channel]

    def of_first(self, readings: Readings) -> Readings:
        """Return the readings of the device that the faults are on, the first of the recording."""
        if len(readings.device.vocabulary) <= 1:
            return readings
        first = self.readings.device[:1].to_array()[0]
        mine: NDArray[np.bool_] = readings.device.to_array() == first
        return readings[mine]

    def refusal(self, kind: Kind) -> str | None:
        """Return why a fault of *kind* cannot be in this recording; None if it can."""
        if kind.needs_company and len(self.readings.channels) == 1:
            return "shows beside other channels only, and there is one"
        if not isinstance(kind, TransportKind):
            return None
        if kind.live:
            return "acts on the link or the device itself; only an emulated device can have it"
        if kind.needs_bytes and not self.recording.has_raw:
            how = self.recording.kind
            return f"acts on the bytes of frames, and this recording was {how}, not captured"
        return None

    def inject(self, plan: FaultPlan) -> Faulted:
        """Return the recording with the faults of *plan* in it.

        Raises
        ------
        PlanError
            If a fault cannot be placed, or cannot be in this recording.
        """
        healthy = self.readings
        used = {name for fault in plan.faults for name in fault.names}
        scales = {name: self.sigma(name) for name in used}
        faults = injections(healthy, plan, scales=scales)
        for number, fault in enumerate(plan.faults, 1):
            if (why := self.refusal(fault.of)) is not None:
                raise PlanError(f"fault {number} ({fault.kind}) {why}; take another kind")
        rows = np.concatenate([one.touched for one in faults] or [np.array([len(healthy)])])
        first, stop = int(rows.min()), int(rows.max()) + 1
        kinds = [one.placed.fault.of for one in faults]
        if any(isinstance(kind, TransportKind) and kind.needs_bytes for kind in kinds):
            return self._over_the_line(plan, first, stop)
        values, touched = distort_values(healthy, faults, plan, 0)
        for column, channel in enumerate(self.recording.profile.channels):
            hit = touched[:, column]
            if hit.any():
                values[hit, column] = quantize(values[hit, column], channel)
        keep: NDArray[np.bool_] = np.ones(len(healthy), dtype=np.bool_)
        for one, kind in zip(faults, kinds, strict=True):
            if isinstance(kind, TransportKind):
                keep[one.touched] = kind.delays
        late = replace(healthy, time=arrival_times(healthy, faults, plan, 0))
        labels = labels_frame(labels_of(late, faults, 0))
        return Faulted(replace(late, values=values)[keep], labels, first, stop)

    def _over_the_line(self, plan: FaultPlan, first: int, stop: int) -> Faulted:
        with tempfile.TemporaryDirectory(prefix="sensorkit-faults-") as folder:
            made = inject_recording(self.recording, plan, Path(folder) / "preview")
            return Faulted(made.readings(), made.labels(), first, stop)


def kinds_for(preview: Preview) -> tuple[list[str], dict[str, str]]:
    """Return the kinds of faults that a recording can have, and why it cannot have the others."""
    refused = {name: preview.refusal(kind) for name, kind in KINDS.items()}
    able = [name for name, why in refused.items() if why is None]
    return able, {name: why for name, why in refused.items() if why is not None}
