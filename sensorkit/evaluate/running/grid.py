"""The grid of a benchmark: every detector on every recording, each cell a pure function."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sensorkit import detect
from sensorkit.errors import SensorkitError, UsageError
from sensorkit.evaluate.cell import Cell, Tell, run_cell
from sensorkit.evaluate.evaluation import SERIES
from sensorkit.evaluate.rows import Scored, score_cell
from sensorkit.evaluate.settings import KIND, Settings
from sensorkit.evaluate.trial import Trial
from sensorkit.profile import Profile

NAME = re.compile(r"[A-Za-z][\w.-]*")
"""What columns and files can be called."""


RAN = "run to its end"
"""The step after which the detector's time and memory are no longer counted."""


@dataclass(frozen=True)
class Entry:
    """A detector in the table: one of a registered kind, or an object of the user's."""

    name: str
    kind: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    own: detect.Detector | None = None

    def make(self, profile: Profile) -> detect.Detector:
        """Return a new detector; one of the user's is copied."""
        if self.kind is None:
            return copy.deepcopy(self.own)  # type: ignore[return-value]
        return detect.make(self.kind, profile=profile, **self.parameters)

    def described(self, profile: Profile) -> dict[str, Any]:
        """Return the parameters the detector says it has, or those it was given."""
        alias = {KIND: self.kind} if self.kind not in (None, self.name) else {}
        try:
            says: Any = getattr(self.make(profile), "get_params", None)
            return alias | dict(says() if says is not None else self.parameters)
        except Exception:  # as in `_check_made`
            return alias | dict(self.parameters)


@dataclass(frozen=True)
class Spec:
    """One cell: what is tried on which recording. Small; the readings are in the trial."""

    recording: str
    entry: Entry
    settings: Settings

    @property
    def title(self) -> str:
        """Return the cell's name for people."""
        return f"{self.entry.name} on {self.recording}"


class Outcome(NamedTuple):
    """What a cell came to."""

    cell: Cell
    scored: Scored


def entries(
    settings: Settings, own: Mapping[str, detect.Detector], profiles: Sequence[Profile]
) -> list[Entry]:
    """Return the detectors of the table, the user's own first and baselines last.

    Raises
    ------
    UsageError
        If a name stands for two detectors or cannot be a column, or a registered detector does
        not exist or does not take its parameters.
    """
    chosen = settings.resolved(profiles)
    clash = sorted(set(chosen) & set(own))
    if clash:
        raise UsageError(
            f"detector {clash[0]!r} stands in the settings and among your own; "
            "give yours another name"
        )
    found = [Entry(name, own=detector) for name, detector in own.items()]
    for name, given in chosen.items():
        kind = str(given.get(KIND, name))
        parameters = {key: value for key, value in given.items() if key != KIND}
        found.append(Entry(name, kind, parameters))
    registered = detect.names()
    for entry in found:
        if NAME.fullmatch(entry.name) is None or entry.name in SERIES:
            raise UsageError(
                f"a detector of yours is called {entry.name!r}; a letter, then letters, digits, "
                f"_ . - are wanted, and none of {', '.join(SERIES)}"
            )
        if entry.kind not in (None, entry.name) and entry.name in registered:
            raise UsageError(
                f"detectors.{entry.name}: is called like a detector that it is not (its kind is "
                f"{entry.kind!r}); give it another name"
            )
        for profile in profiles:
            _check_made(entry, profile)
    return found


def attempt(
    spec: Spec,
    trial: Trial,
    *,
    kept: Cell | None = None,
    clock: Callable[[], float],
    tell: Tell | None = None,
) -> Outcome:
    """Try one cell, and judge it; a kept one is only judged.

    The same on any machine, in any process, after any other cell: it depends on nothing but its
    arguments.
    """
    if kept is not None:
        return Outcome(kept, score_cell(kept, trial, spec.settings))
    with steady(_dice(spec, trial)):
        make = lambda: spec.entry.make(trial.profile)  # noqa: E731 - one line says it
        cell = run_cell(spec.entry.name, make, trial, spec.settings, clock, tell)
    if tell is not None:
        tell(RAN, None)
    return Outcome(cell, score_cell(cell, trial, spec.settings))


def _dice(spec: Spec, trial: Trial) -> bytes:
    """Return what the dice of a cell are cast from: only what is in the key it is kept under.

    So neither names nor `Settings.seed`: a kept cell is taken under other ones too.
    """
    kind = spec.entry.kind or spec.entry.name
    hashed = hashlib.sha256(f"{kind} {sorted(spec.entry.parameters.items())!r}".encode())
    learned = trial.stretches["fit"]
    for array in (learned.time, learned.values):
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.digest()


@contextlib.contextmanager
def steady(dice: bytes) -> Iterator[None]:
    """Let nothing outside decide the numbers: neither dice nor threads.

    Models of others may throw the process's dice (scikit-learn without a random_state does), and
    a sum over more threads has other last digits.
    """
    seed = int.from_bytes(hashlib.sha256(dice).digest()[:4], "little")
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is theirs
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


def _check_made(entry: Entry, profile: Profile) -> None:
    """Let a wrong name or parameter be said before any work is done."""
    try:
        entry.make(profile)
    except SensorkitError:
        raise
    except Exception:
        # A detector of somebody else may raise anything: that is a failed cell, not the end.
        return
