"""Detectors by name: our own and those of installed packages, through entry points."""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sensorkit.detect.base import Detector
from sensorkit.detect.parameters import Parametrized, unknown
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile

GROUP = "sensorkit.detectors"


def names() -> list[str]:
    """Return the names of all detectors, sorted.

    Examples
    --------
    >>> {"forest", "rules", "sigma"} <= set(names())
    True
    """
    return sorted(_found())


def find(name: str) -> type[Detector]:
    """Return the class called *name*.

    Raises
    ------
    DetectorError
        If there is none, or its package cannot be imported.
    """
    found = _found()
    if name not in found:
        raise unknown("detector", name, found)
    try:
        kind: type[Detector] = found[name].load()
    except (ImportError, AttributeError) as error:
        raise DetectorError(
            f"detector {name!r} is registered as {found[name].value}, which cannot be loaded: "
            f"{error}; reinstall the package it comes from"
        ) from error
    return kind


def make(name: str, *, profile: Profile | None = None, **params: Any) -> Detector:
    """Return a new detector.

    Parameters
    ----------
    name : str
        One of `names()`.
    profile : Profile, optional
        Of the device. `rules` cannot do without; the others use its labels, units and decimals.
        A detector that takes none is made without.
    **params
        Its parameters.

    Raises
    ------
    DetectorError
        If the name or a parameter is unknown (the nearest is named), or a value is wrong.

    Examples
    --------
    >>> make("sigma", k=4)
    Sigma(window=50, k=4.0, minimum=10, baseline='rolling', centre='mean')
    """
    kind = find(name)
    if issubclass(kind, Parametrized):
        kind.check_names(params)
        return kind(profile=profile, **params)
    accepted = inspect.signature(kind).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        for param in params:
            if param not in accepted:
                known = [known for known in accepted if known != "profile"]
                raise unknown(f"{name} parameter", param, known)
    if "profile" in accepted:
        params["profile"] = profile
    return kind(**params)


def usual(profile: Profile, **changed: Any) -> Detector | None:
    """Return what watches a device where nobody names a detector.

    Parameters
    ----------
    profile : Profile
        Its `detector`; its rules where it has none.
    **changed
        Parameters in place of those that the profile gives.

    Returns
    -------
    Detector or None
        Not fitted. None if the profile has neither.

    Raises
    ------
    DetectorError
        If the profile names a detector or a parameter that there is not.

    Examples
    --------
    >>> usual(Profile.load("serial_monitor")).name
    'rules'
    """
    if profile.detector is None:
        return make("rules", profile=profile, **changed) if profile.rules else None
    wanted = profile.detector
    try:
        return make(wanted.name, profile=profile, **{**wanted.parameters, **changed})
    except DetectorError as error:
        raise DetectorError(
            f"profile {profile.name!r}: its detector cannot be made: {error}"
        ) from error


def _found() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        # Nobody can replace what a recording's report calls `sigma`.
        if entry.name not in found or entry.value.startswith("sensorkit."):
            found[entry.name] = entry
    return found
