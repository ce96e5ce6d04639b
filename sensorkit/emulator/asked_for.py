"""A fault that somebody asks a running device for: by its kind, or by a name of the profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sensorkit.checked_yaml import describe
from sensorkit.errors import PlanError
from sensorkit.faults.base import KINDS
from sensorkit.faults.fault import Fault, resolved
from sensorkit.nearest import unknown
from sensorkit.profile import Profile

USUAL_SIGMAS = 8.0
"""Size of a fault in robust sigmas where none is given: no detector should miss it."""

USUAL_READINGS = 30
"""How many readings it lasts where no duration is given."""

USUAL_LATE = 5
"""Readings that values or frames come late where it is not said how much."""


def fault_asked_for(
    profile: Profile,
    kind: str,
    *,
    sigmas: Mapping[str, float],
    rate_hz: float,
    channel: str | None = None,
    magnitude: float | None = None,
    magnitude_sigma: float | None = None,
    duration_s: float | None = None,
) -> Fault:
    """Return the fault; what is not said is taken from the profile, or is the usual.

    Parameters
    ----------
    profile : Profile
    kind : str
        A kind of fault, or one of the profile's `anomalies`.
    sigmas : mapping of str to float
        Of each channel.
    rate_hz : float
    channel, magnitude, magnitude_sigma, duration_s
        As in a plan.

    Raises
    ------
    PlanError
        If there is no such kind, or it cannot be so.

    Examples
    --------
    >>> profile = Profile.load("serial_monitor")
    >>> fault = fault_asked_for(profile, "bias", sigmas={"voltage": 0.02}, rate_hz=1.0)
    >>> fault.title, fault.magnitude_sigma, fault.duration_s
    ('bias on voltage', 8.0, 30.0)
    """
    named = profile.anomalies.get(kind)
    if named is None and kind not in KINDS:
        known = [*profile.anomalies, *KINDS]
        raise PlanError(unknown("kind of fault", kind, known))
    wanted: dict[str, Any] = {"kind": kind} if named is None else named.fault()
    if channel is not None:
        wanted["channel"] = channel
        wanted.pop("channels", None)
        if isinstance(wanted.get("magnitude"), dict):
            wanted["magnitude"] = wanted["magnitude"].get(channel)
    if magnitude is not None or magnitude_sigma is not None:
        wanted |= {"magnitude": magnitude, "magnitude_sigma": magnitude_sigma}
    if duration_s is not None:
        wanted["duration_s"] = duration_s
    if wanted["kind"] in KINDS:
        _add_usual(wanted, profile, sigmas, rate_hz)
    try:
        return resolved(Fault.model_validate(wanted), profile.channel_names)
    except ValidationError as error:
        raise PlanError(f"{kind}: {describe(error.errors()[0], wanted)}") from error
    except ValueError as error:
        raise PlanError(f"{kind}: {error}") from error


def _add_usual(
    wanted: dict[str, Any], profile: Profile, sigmas: Mapping[str, float], rate_hz: float
) -> None:
    """Add to what is *wanted* of a fault what nobody has said."""
    kind = KINDS[wanted["kind"]]
    if kind.layer == "signal" and not {"channel", "channels"} & wanted.keys():
        telling = profile.campaign.channels if profile.campaign is not None else ()
        moving = [name for name in (*telling, *sigmas) if sigmas[name] > 0]
        wanted["channel"] = next(iter([*moving, *sigmas]))
    if not kind.momentary and wanted.get("duration_s") is None:
        wanted["duration_s"] = USUAL_READINGS / rate_hz
    sized = any(wanted.get(name) is not None for name in ("magnitude", "magnitude_sigma"))
    if kind.magnitude is None or not kind.magnitude.required or sized:
        return
    if kind.magnitude.unit == "channel":
        wanted["magnitude_sigma"] = USUAL_SIGMAS
    elif kind.magnitude.unit == "seconds":
        wanted["magnitude"] = USUAL_LATE / rate_hz
