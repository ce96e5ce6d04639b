"""What a run came from: commit, packages, machine, command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorkit import __version__

PACKAGES = (
    "ipykernel",
    "jupyter_client",
    "nbclient",
    "numba",
    "numpy",
    "pandas",
    "papermill",
    "plotly",
    "scikit-learn",
    "scipy",
)


def versions() -> dict[str, str]:
    """Return Python, sensorkit and the packages that numbers depend on."""
    found = {"python": platform.python_version(), "sensorkit": __version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def environment() -> dict[str, Any]:
    """Return every installed package and the machine, for environment.json."""
    packages = {
        distribution.metadata["Name"]: distribution.version
        for distribution in importlib.metadata.distributions()
    }
    return {"packages": packages, "machine": machine()}


def machine() -> dict[str, Any]:
    """Return what may change a speed: no name of the machine or of its user."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cpus": os.cpu_count() or 1,
    }


def git(folder: Path) -> dict[str, Any]:
    """Return `git_commit` and `git_dirty` of the work tree; None where there is none."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    # A copy without .git inside another project's work tree has no commit of its own.
    own = top is not None and Path(top.strip()).resolve() == folder.resolve()
    commit = _git(folder, "rev-parse", "HEAD") if own else None
    status = _git(folder, "status", "--porcelain") if commit else None
    return {
        "git_commit": commit.strip() if commit else None,
        "git_dirty": None if status is None else bool(status.strip()),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            # Only look: another git at work in the same tree must not find a lock.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def command(arguments: Sequence[str]) -> str:
    """Return the command line as it can be typed again."""
    return shlex.join(["sensorkit", *arguments])


def seeds(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return the seed of each notebook that has one."""
    return {name: given["seed"] for name, given in parameters.items() if "seed" in given}
