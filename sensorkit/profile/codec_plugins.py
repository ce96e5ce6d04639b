"""Frame formats of other packages: found through entry points, loaded when a profile names one."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sensorkit.errors import ProfileError

GROUP = "sensorkit.codecs"
"""Entry points: the name of a format -> `factory(profile, options)`, which makes its codec."""


def installed() -> dict[str, EntryPoint]:
    """Return the formats of installed packages, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load(name: str) -> Any:
    """Return the factory of the installed format *name*.

    Raises
    ------
    ProfileError
        If its package cannot be imported.
    """
    entry = installed()[name]
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ProfileError(
            f"frame format {name!r} is registered as {entry.value}, which cannot be loaded: "
            f"{error}; reinstall the package it comes from"
        ) from error
