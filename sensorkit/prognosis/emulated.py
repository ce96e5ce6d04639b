"""Lives of an emulated device, without waiting for them: readings, and when each unit failed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sensorkit.emulator.emulator import Emulator
from sensorkit.emulator.listening import EmulatedReading
from sensorkit.errors import UsageError
from sensorkit.profile import Profile
from sensorkit.prognosis.life import KIND, LAYER
from sensorkit.readings import FaultLabel, Readings
from sensorkit.readings.words import Words


def emulated(
    profile: Profile | str | Path = "turbofan",
    *,
    units: int = 10,
    hours: float = 2.0,
    rate_hz: float | None = None,
    seed: int = 0,
) -> tuple[Readings, list[FaultLabel]]:
    """Let an emulated device wear out, as fast as this machine can.

    Parameters
    ----------
    profile : Profile, str or Path
        With a `life`; or the name of a shipped one, or a YAML file.
    units : int
        How many there are; each fails on its own, and comes back as new.
    hours : float
        Of the device's time.
    rate_hz : float, optional
        Readings a second of each unit; the profile's where not given.
    seed : int

    Returns
    -------
    readings : Readings
        Of all units, in order of time.
    labels : list of FaultLabel
        Of the kind `wear`: what `RemainingLife.fit` and `lives` want to know. The last failure of a
        unit may lie after the last reading.

    Raises
    ------
    UsageError
        If nothing wears out.

    Examples
    --------
    >>> readings, labels = emulated(units=2, hours=1.5, rate_hz=0.05, seed=1)
    >>> sorted({label.device for label in labels})
    ['engine-1', 'engine-2']
    """
    known = profile if isinstance(profile, Profile) else Profile.load(profile)
    if known.life is None:
        raise UsageError(
            f"profile {known.name!r} has no life: nothing wears out; add one, or take turbofan"
        )
    emulator = Emulator(known, units=units, rate_hz=rate_hz, seed=seed)
    heard: list[EmulatedReading] = []
    emulator.on_reading(heard.append)
    emulator.start(duration_s=hours * 3600.0, speed=None)
    emulator.wait()
    channels = tuple(channel.name for channel in known.channels)
    values = np.array([tuple(one.values.values()) for one in heard]).reshape(-1, len(channels))
    readings = Readings.build(
        np.array([one.time_ns for one in heard], dtype=np.int64),
        values,
        channels,
        device=Words.of(one.device for one in heard),
        status=Words.of(one.status for one in heard),
    )
    labels = [one for one in emulator.labels if one.layer == LAYER and one.kind == KIND]
    return readings, labels
