"""The folder of a run: run.json tells the truth at every moment, whatever happens inside.

It is written first and says `running`; then `passed`, `failed` with the reason, or `aborted`. A
run that was killed stays `running`, and the index says so.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sensorkit.errors
from sensorkit.errors import RunError, SensorkitError, UsageError
from sensorkit.report.ci.for_ci import Copies, write_for_ci
from sensorkit.report.files import LATEST, RUNS, new_run_id, write_json, write_text
from sensorkit.report.running import provenance
from sensorkit.report.running.notebooks import Outcome
from sensorkit.report.views.index_page import index

log = logging.getLogger(__name__)


class Stopped(KeyboardInterrupt):
    """SIGTERM; handled as Ctrl+C is."""


class RunFolder:
    """A run folder and what is known of the run so far.

    Parameters
    ----------
    out : Path
        Holds `runs/`, `index.html` and `assets/`.
    root : Path
        Of the project; its git state is noted.
    arguments : sequence of str
        The command line, for the report.
    copies : Copies, optional
        Where what is for CI goes, too.
    **facts
        What else run.json says.
    """

    def __init__(
        self,
        out: Path,
        root: Path,
        arguments: Sequence[str],
        *,
        copies: Copies | None = None,
        **facts: Any,
    ) -> None:
        now = datetime.now(UTC)
        self._copies = Copies() if copies is None else copies
        self._out = out
        self._started = time.monotonic()
        self.dir = out / RUNS / new_run_id(now)
        self._facts: dict[str, Any] = {
            "schema_version": 1,
            "id": self.dir.name,
            "created_at": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "command": provenance.command(arguments),
            **provenance.git(root),
            "pid": os.getpid(),
            "status": "running",
            "reason": "",
            "notebooks": [],
            "summary": {},
            **facts,
        }
        self.dir.mkdir(parents=True)
        self._save()

    @property
    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return round(time.monotonic() - self._started, 2)

    @contextlib.contextmanager
    def told_the_truth(self) -> Iterator[None]:
        """Keep run.json and the index true, whatever happens inside."""
        try:
            with _sigterm_stops():
                yield
        except KeyboardInterrupt as error:
            how = "SIGTERM" if isinstance(error, Stopped) else "Ctrl+C"
            self.end("aborted", f"stopped by {how}")
            raise
        except BaseException as error:
            known = isinstance(error, SensorkitError)
            self.end("failed", str(error) if known else f"{type(error).__name__}: {error}")
            raise

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Note how the notebooks went; raise if one failed."""
        self._facts["notebooks"] = [
            {"name": o.name, "status": o.status, "reason": o.reason, "seconds": round(o.seconds, 2)}
            for o in outcomes
        ]
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
        if failed:
            raise _error_of(failed[0])

    def end(self, status: str, reason: str = "") -> None:
        """Write how the run ended, for CI as well, and the index of all runs."""
        self._facts |= {"status": status, "reason": reason, "duration_s": self.seconds}
        self._save()
        index(self._out)
        write_for_ci(self.dir, self._facts, self._copies)
        # The last: what goes wrong before turns a run that had passed into a failed one.
        if status == "passed":
            write_text(self._out / LATEST, f"{self.dir.name}\n")
        log.info("run %s %s %s", self.dir.name, status, reason)

    def _save(self) -> None:
        write_json(self.dir / "run.json", self._facts)


def _error_of(outcome: Outcome) -> SensorkitError:
    """Return the error that a failed notebook means: wrong use stays wrong use."""
    kind = getattr(sensorkit.errors, outcome.error, None)
    if isinstance(kind, type) and issubclass(kind, UsageError):
        return kind(f"{outcome.message} (found by {outcome.name})")
    return RunError(outcome.reason)


@contextlib.contextmanager
def _sigterm_stops() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl+C does; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
