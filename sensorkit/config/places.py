"""Which sensorkit.yaml holds, and whether it is a file that can be read in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FILE = "sensorkit.yaml"
VARIABLE = "SENSORKIT_CONFIG"
NONE = "none"
"""Given instead of a path: no file, not even the one in the current folder."""


class Place(NamedTuple):
    """A configuration file, and who named it."""

    path: Path
    named_by: str
    """"--config", the environment variable, or "the current folder"."""


def found(given: str | None, environment: Mapping[str, str], folder: Path) -> Place | None:
    """Return the file that holds: the one of `--config`, of the environment, or in *folder*.

    Parameters
    ----------
    given : str, optional
        What `--config` says.
    environment : mapping
    folder : Path
        The current one.

    Examples
    --------
    >>> found(None, {"SENSORKIT_CONFIG": "/etc/kit.yaml"}, Path(".")).named_by
    'SENSORKIT_CONFIG'
    >>> found("none", {"SENSORKIT_CONFIG": "/etc/kit.yaml"}, Path(".")) is None
    True
    """
    for name, named_by in ((given, "--config"), (environment.get(VARIABLE), VARIABLE)):
        if name:
            return None if name == NONE else Place(Path(name).expanduser(), named_by)
    here = folder / FILE
    # A broken link is a file that somebody wanted to hold.
    return Place(here, "the current folder") if here.exists() or here.is_symlink() else None


def starter() -> str:
    """Return the commented file that `sensorkit config init` writes."""
    return Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
