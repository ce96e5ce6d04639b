"""Which detector `sensorkit detect` runs: by name, from a file, or what the profile says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.capture import Recording
    from sensorkit.detect import Detector


def is_file(wanted: str) -> bool:
    """Return whether *wanted* is a saved detector, no name of one."""
    from sensorkit import detect as detection

    return wanted not in detection.names() and Path(wanted).exists()


def choose(
    wanted: str | None, settings: list[str], recording: Recording, *, fitted: bool
) -> Detector:
    """Return the detector that the options ask for."""
    from sensorkit import detect as detection

    profile = recording.profile
    if wanted is None:
        chosen = detection.usual(profile, **_parameters(settings))
        if chosen is None:
            raise UsageError(
                f"{recording.dir}: its profile {profile.name!r} has no rules to go by; name a "
                "detector: --detector sigma"
            )
        return chosen
    if not is_file(wanted):
        return detection.make(wanted, profile=profile, **_parameters(settings))
    if settings or fitted:
        raise UsageError(
            f"{wanted} is a saved detector, fitted with its parameters set; leave out --set and "
            "--fit-on, or give a detector by name"
        )
    return detection.load(wanted)


def of_profile(recording: Recording) -> str:
    """Say which detector the profile names."""
    usual = recording.profile.detector
    assert usual is not None  # noqa: S101 - asked for only then
    said = ", ".join(f"{name} {_shown(value)}" for name, value in usual.parameters.items())
    return f"the profile {recording.profile.name!r} names the detector {usual.name}" + (
        f": {said}" if said else ""
    )


def _shown(value: Any) -> str:
    """Return a parameter as people read it.

    >>> _shown({"rules": {}, "sigma": {"k": 3}})
    'rules, sigma (k 3)'
    """
    if not isinstance(value, Mapping):
        return str(value)
    parts = []
    for name, inner in value.items():
        told = ", ".join(f"{key} {_shown(one)}" for key, one in inner.items()) if inner else ""
        parts.append(f"{name} ({told})" if told else str(name))
    return ", ".join(parts)


def _parameters(settings: list[str]) -> dict[str, Any]:
    """Return PARAM=VALUE as names and values: a number, or a mapping, where it reads as one.

    >>> _parameters(["window=20", "k=2.5", "members={sigma: {k: 4}}"])
    {'window': 20, 'k': 2.5, 'members': {'sigma': {'k': 4}}}
    """
    parameters: dict[str, Any] = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not sign or not name:
            raise UsageError(f"--set {setting}: PARAM=VALUE is wanted, as --set window=20")
        if name == "profile":
            raise UsageError("--set profile: the profile is that of the recording")
        parameters[name] = _value(setting, text)
        if name == "members":
            _check_members(setting, parameters[name])
    return parameters


def _value(setting: str, text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return _mapping(setting, text) if text.lstrip().startswith("{") else text


def _mapping(setting: str, text: str) -> Any:
    """Return what stands in braces, as YAML, of which JSON is a part."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        detail = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UsageError(
            f"--set {setting}: is not readable as a mapping ({detail}); put the whole in single "
            "quotes, as --set 'members={sigma: {k: 4}, mewma: {}}', with a space after each colon"
        ) from error


def _check_members(setting: str, members: object) -> None:
    if isinstance(members, Mapping) and all(
        isinstance(params, Mapping) and not any(":" in str(name) for name in params)
        for params in members.values()
    ):
        return
    raise UsageError(
        f"--set {setting}: detectors with their parameters are wanted, as --set "
        "'members={sigma: {k: 4}, mewma: {}}', with {} for the defaults and a space after each "
        "colon"
    )
