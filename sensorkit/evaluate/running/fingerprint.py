"""What a cell depends on, as one hash: readings, detector, settings, and all code behind them."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

import sensorkit
from sensorkit.detect.registry import find
from sensorkit.errors import DetectorError
from sensorkit.evaluate.running.grid import Spec
from sensorkit.evaluate.trial import Trial
from sensorkit.readings import Readings, Words

FORMAT = 1
"""Of the kept file and of this hash; a new one makes all that was kept before unknown."""

ASIDE = (
    "__main__.py",
    "cli",
    "datasets",
    "evaluate/lead_times.py",
    "evaluate/public",
    "notebook",
    "prognosis/__init__.py",
    "prognosis/fleet.py",
    "prognosis/trial.py",
    "report",
)
"""Parts of sensorkit on which no cell depends: none of the others imports them."""

PACKAGES = ("numba", "llvmlite", "numpy", "pandas", "scikit-learn", "scipy")
"""Whose version may change a number."""

JUDGING = ("buffer", "thresholds", "resamples", "tolerance", "seed")
"""Settings that come in when a cell is judged, after it has run; judging is always done anew."""

LIMITS = ("timeout_s", "memory_mb")
"""Settings that decide whether a cell ends, not what it finds."""


def trial_digest(trial: Trial) -> str:
    """Return the hash of what a detector may see: the readings by stretch, and the profile.

    Labels are not in it, because a detector does not see them.
    """
    hashed = hashlib.sha256(_json(trial.profile.to_dict()))
    for name, readings in trial.stretches.items():
        hashed.update(name.encode())
        _add(hashed, readings)
    return hashed.hexdigest()


def cell_key(spec: Spec, trial: Trial, digest: str) -> str | None:
    """Return the hash under which a cell can be kept; None where there is no honest one.

    A detector that came as an object has none: its code and what it holds cannot be hashed for
    sure. Neither has a detector of another package whose source cannot be read.

    Parameters
    ----------
    spec : Spec
    trial : Trial
    digest : str
        `trial_digest` of it.
    """
    kind = spec.entry.kind
    code = None if kind is None else _code_of(kind)
    if code is None:
        return None
    settings = spec.settings.model_dump(mode="json", exclude={"detectors", *LIMITS})
    facts: dict[str, Any] = {
        "format": FORMAT,
        "readings": digest,
        "detector": kind,
        "parameters": dict(spec.entry.parameters),
        "code": code,
        "versions": _versions(),
    }
    if spec.settings.detectability is None:
        facts["settings"] = {k: v for k, v in settings.items() if k not in JUDGING}
    else:
        # Faults are put where no labelled one is; all settings may have a say in it.
        labels = trial.labels.to_csv(index=False, lineterminator="\n")
        facts |= {"settings": settings, "labels": labels, "window": trial.window.tolist()}
    return hashlib.sha256(_json(facts)).hexdigest()


def _add(hashed: Any, readings: Readings) -> None:
    hashed.update(_json([len(readings), list(readings.channels)]))
    for array in (readings.time, readings.values, readings.sequence, readings.offset):
        hashed.update(np.ascontiguousarray(array.T).tobytes())
    for words in (readings.device, readings.status):
        _add_words(hashed, words)


def _add_words(hashed: Any, words: Words) -> None:
    hashed.update(_json(list(words.vocabulary)))
    hashed.update(np.ascontiguousarray(words.codes).tobytes())


@functools.cache
def _code_of(kind: str) -> str | None:
    """Return the hash of sensorkit's code, and of the package that a detector comes from."""
    own = Path(sensorkit.__file__).parent
    hashed = hashlib.sha256(_sources(own, ASIDE))
    try:
        top = find(kind).__module__.partition(".")[0]
    except DetectorError:
        return None
    if top == "sensorkit":
        return hashed.hexdigest()
    source = getattr(sys.modules.get(top), "__file__", None)
    if source is None or Path(source).suffix != ".py":
        return None
    place = Path(source)
    hashed.update(_sources(place.parent) if place.name == "__init__.py" else place.read_bytes())
    return hashed.hexdigest()


def _sources(folder: Path, without: tuple[str, ...] = ()) -> bytes:
    hashed = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if not any(name == part or name.startswith(f"{part}/") for part in without):
            hashed.update(f"{name}\0".encode())
            hashed.update(path.read_bytes())
            hashed.update(b"\0")
    return hashed.digest()


@functools.cache
def _versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {
        "python": platform.python_version(),
        "machine": f"{sys.platform} {platform.machine()}",
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr).encode()
