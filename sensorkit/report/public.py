"""Judge detectors on a public data set: notebook 05, its results, and a page with the evidence.

As for the main job, run.json is written first and tells the truth at every moment: `running`,
then `passed`, `failed` with the reason, or `aborted`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sensorkit.errors
from sensorkit import datasets
from sensorkit.detect.registry import find
from sensorkit.errors import RunError, SensorkitError, UsageError
from sensorkit.evaluate.public import PublicResults, protocol
from sensorkit.evaluate.public.sources import GENERATED
from sensorkit.report import html, notebooks, provenance, public_page
from sensorkit.report.files import (
    LATEST,
    RUNS,
    new_run_id,
    project_root,
    write_json,
    write_text,
)
from sensorkit.report.notebooks import Job, Outcome, Tell
from sensorkit.report.run import Stopped, sigterm_stops

NOTEBOOK = "05_public_benchmarks"
TIMEOUT_S = 7200.0


def evaluate_public(
    name: str,
    folder: Path | None = None,
    detectors: Sequence[str] = (),
    limit: int | None = None,
    out: Path = Path("reports"),
    *,
    seed: int = 0,
    workers: int = 1,
    arguments: Sequence[str] = ("evaluate",),
    timeout_s: float = TIMEOUT_S,
    tell: Tell | None = None,
) -> Path:
    """Judge detectors on a public data set and return the folder of the run.

    Parameters
    ----------
    name : str
        One of `sensorkit.evaluate.public.names()`.
    folder : Path, optional
        Where the set lies; else where `sensorkit datasets path` finds it.
    detectors : sequence of str
        As `sensorkit detect --help` names them; none is the cheap ones of the kit.
    limit : int, optional
        Judge the first so many series only.
    out : Path
        Holds `runs/`, `index.html` and `assets/`.
    seed, workers : int
        As `public_benchmark` has them.
    arguments : sequence of str
        The command line, for the report.
    timeout_s : float
        Of the notebook.
    tell : callable, optional
        Is told when a cell of the notebook begins.

    Returns
    -------
    Path
        It holds run.json, public.json (everything that was found), series.csv (one row a series
        and detector), the executed notebook, and report.html.

    Raises
    ------
    UsageError
        If there is no protocol or detector of a name, or the set is not here; nothing is written
        then.
    RunError
        If the run failed; run.json says why.
    KeyboardInterrupt
        After Ctrl+C or SIGTERM; run.json says `aborted`.
    """
    protocol(name)
    for detector in detectors:
        find(detector)
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; a number of series from 1 on is wanted")
    if name == GENERATED:
        place = ""
    else:
        place = str((datasets.path(name) if folder is None else folder).resolve())
    given = {
        "dataset": name,
        "folder": place,
        "detectors": list(detectors),
        "limit": limit or 0,
        "seed": seed,
        "workers": workers,
    }
    run = _Run(name, given, out, arguments)
    job = Job(
        project_root() / "notebooks" / f"{NOTEBOOK}.ipynb",
        {**given, "out_dir": str(run.dir.resolve())},
        run.dir / "executed" / f"{NOTEBOOK}.ipynb",
        timeout_s,
    )
    with run.told_the_truth():
        outcomes = notebooks.execute([iter([job])], log_file=run.dir / "log.txt", tell=tell)
        run.finish(outcomes)
    return run.dir


class _Run:
    """A run folder and what is known of the run so far."""

    def __init__(
        self, name: str, given: dict[str, Any], out: Path, arguments: Sequence[str]
    ) -> None:
        now = datetime.now(UTC)
        self._out = out
        self._started = time.monotonic()
        self._facts: dict[str, Any] = {
            "schema_version": 1,
            "id": new_run_id(now),
            "kind": "public",
            "created_at": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "command": provenance.command(arguments),
            **provenance.git(project_root()),
            "pid": os.getpid(),
            "status": "running",
            "reason": "",
            "dataset": name,
            "parameters": given,
            "versions": provenance.versions(),
            "notebooks": [],
            "summary": {"recordings": [f"{name} (public)"]},
        }
        self.dir = out / RUNS / str(self._facts["id"])
        self.dir.mkdir(parents=True)
        self._save()

    @contextmanager
    def told_the_truth(self) -> Iterator[None]:
        """Keep run.json and the index true, whatever happens inside."""
        try:
            with sigterm_stops():
                yield
        except KeyboardInterrupt as error:
            how = "SIGTERM" if isinstance(error, Stopped) else "Ctrl+C"
            self._end("aborted", f"stopped by {how}")
            raise
        except BaseException as error:
            known = isinstance(error, SensorkitError)
            self._end("failed", str(error) if known else f"{type(error).__name__}: {error}")
            raise

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Read what the notebook wrote, render the page, and only then say `passed`."""
        self._facts["notebooks"] = [
            {"name": o.name, "status": o.status, "reason": o.reason, "seconds": round(o.seconds, 2)}
            for o in outcomes
        ]
        for outcome in outcomes:
            if outcome.status == "failed":
                raise _error_of(outcome)
        results = PublicResults.read(self.dir)
        write_json(self.dir / "environment.json", provenance.environment())
        self._facts["duration_s"] = round(time.monotonic() - self._started, 2)
        public_page.render(self.dir, results, self._facts)
        self._facts["summary"]["verdict"] = results.sentence
        self._end("passed", "")

    def _end(self, status: str, reason: str) -> None:
        self._facts |= {
            "status": status,
            "reason": reason,
            "duration_s": round(time.monotonic() - self._started, 2),
        }
        self._save()
        if status == "passed":
            write_text(self._out / LATEST, f"{self.dir.name}\n")
        html.index(self._out)

    def _save(self) -> None:
        write_json(self.dir / "run.json", self._facts)


def _error_of(outcome: Outcome) -> SensorkitError:
    """Return the error that a failed notebook means: wrong use stays wrong use."""
    kind = getattr(sensorkit.errors, outcome.error, None)
    if isinstance(kind, type) and issubclass(kind, UsageError):
        return kind(f"{outcome.message} (found by {outcome.name})")
    return RunError(outcome.reason)
