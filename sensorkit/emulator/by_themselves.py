"""Anomalies that come by themselves, so that a given share of the readings is anomalous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from sensorkit.checked_yaml import describe
from sensorkit.errors import ProfileError, UsageError
from sensorkit.faults.base import KINDS
from sensorkit.faults.plan import Fault
from sensorkit.profile import Profile
from sensorkit.signals.streams import ANOMALY_STREAM, stream

MOST = 0.9
"""Largest share of anomalous readings."""

SPIKES = (6.0, 10.0)
"""Sizes in sigmas, of either sign, where the profile names no momentary anomalies."""


class _Choice(NamedTuple):
    fault: Fault | None
    """None: a spike on some channel."""
    weight: float


class Anomalies:
    """Draws one anomaly after the other for one unit, and the healthy readings between them.

    Each lasts one reading, and any reading is as likely to be one as any other. They are the
    momentary ones among the profile's `anomalies`, by their weights; of a profile that names
    none, spikes of 6 to 10 sigmas on any channel that moves.

    Parameters
    ----------
    profile : Profile
    share : float
        Of the readings, 0 to 0.9.
    sigmas : mapping of str to float
        Of each channel.
    seed : int
    unit : int
        From 1; each unit has its own.

    Raises
    ------
    UsageError
        If the share is none, or a spike would have no size.
    ProfileError
        If one of the profile's anomalies cannot be.
    """

    def __init__(
        self,
        profile: Profile,
        share: float,
        *,
        sigmas: Mapping[str, float],
        seed: int,
        unit: int,
    ) -> None:
        if not 0 <= share <= MOST:
            raise UsageError(
                f"a share of {share:g} anomalous readings is not possible; 0 to {MOST:g} is (0.05 "
                "is 5 %)"
            )
        self._share = share
        self._rng = stream(seed, ANOMALY_STREAM, unit=unit)
        self._moving = [name for name, sigma in sigmas.items() if sigma > 0]
        self._choices = [
            _Choice(_fault(profile, name), anomaly.weight)
            for name, anomaly in profile.anomalies.items()
            if anomaly.duration_s is None and KINDS[anomaly.kind].momentary
        ] or [_Choice(None, 1.0)]
        if share and self._choices[0].fault is None and not self._moving:
            raise UsageError(
                f"profile {profile.name!r}: no channel moves, so that a spike has no size; name "
                "`anomalies` of kind spike in the profile"
            )
        weights = np.array([choice.weight for choice in self._choices])
        self._chances = weights / weights.sum()

    def draw(self) -> tuple[int, Fault] | None:
        """Return how many healthy readings come first, and the fault; None if none comes."""
        if not self._share:
            return None
        healthy = int(self._rng.geometric(self._share)) - 1
        choice = self._choices[int(self._rng.choice(len(self._chances), p=self._chances))]
        return healthy, choice.fault or self._spike()

    def _spike(self) -> Fault:
        channel = self._moving[int(self._rng.integers(len(self._moving)))]
        size = float(self._rng.uniform(*SPIKES)) * float(self._rng.choice([-1.0, 1.0]))
        return Fault(kind="spike", channel=channel, magnitude_sigma=round(size, 3))


def _fault(profile: Profile, name: str) -> Fault:
    """Return the fault that an anomaly of the profile is."""
    wanted = profile.anomalies[name].fault()
    try:
        return Fault.model_validate(wanted)
    except ValidationError as error:
        problem = describe(error.errors()[0], wanted)
        raise ProfileError(f"profile {profile.name!r}: anomalies.{name}.{problem}") from error
