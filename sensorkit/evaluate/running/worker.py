"""A process that tries cells, and whoever sees to it that it keeps to their limits."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import IO, Any, Self, cast

import cloudpickle  # type: ignore[import-untyped]

from sensorkit.errors import RunError
from sensorkit.evaluate.cell import Cell, Status, failed
from sensorkit.evaluate.rows import score_cell
from sensorkit.evaluate.running.grid import RAN, Outcome, Spec
from sensorkit.evaluate.running.memory import resident_mb
from sensorkit.evaluate.running.worker_process import Message, read_bytes, write_message
from sensorkit.evaluate.trial import Trial

LOOK_S = 0.02
"""How often time and memory are looked at."""

GRACE_S = 0.5
"""A cell that looks at the clock itself says where it was; this long it is left to."""


_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from sensorkit.evaluate.running import worker_process; worker_process.main()"
)
"""It finds what this process finds: a detector's module may lie beside a notebook."""


class _Gone(RunError):  # noqa: N818 - handled by whoever hired it
    """A worker was no longer there when its cell should have begun."""


class Worker:
    """A process of its own: it may hang, eat memory or die, and takes nothing else with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl+C is for us; and what a detector starts can be ended with it.
            start_new_session=True,
        )
        self._inbox: queue.Queue[Message | None] = queue.Queue()
        self._trial: Trial | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Return whether it can take another cell."""
        return self._process.poll() is None

    def attempt(self, spec: Spec, trial: Trial, kept: Cell | None = None) -> Outcome:
        """Try a cell within its limits; a worker that had to be stopped is not `alive` after.

        Raises
        ------
        RunError
            If sensorkit itself failed there; the text is its traceback.
        """
        if self._trial is not trial:
            self._send("trial", trial)
            self._trial = trial
        self._send("try", spec, kept)
        watch = _Watch(spec, self._process.pid, kept)
        while True:
            try:
                message = self._inbox.get(timeout=LOOK_S)
            except queue.Empty:
                ended = watch.look()
                if ended is None:
                    continue
                self.stop()
                return _judged(ended, trial, spec)
            if message is None:
                code = self._process.wait()
                self.stop()  # what it had started
                return _judged(watch.died(code), trial, spec)
            kind, *parts = message
            if kind == "done":
                return watch.finished(parts[0])
            if kind == "broken":
                raise RunError(f"{spec.title}: {parts[0]}")
            if kind == "unreadable":
                return _judged(watch.over(Status.FAILED, parts[0]), trial, spec)
            ended = watch.told(kind, *parts)
            if ended is not None:
                self.stop()
                return _judged(ended, trial, spec)

    def stop(self) -> None:
        """End it now, and all that it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast("IO[bytes]", pipe).close()

    def _send(self, *message: Any) -> None:
        # A process that has died says so by the end of its answers.
        with contextlib.suppress(OSError, ValueError):
            write_message(cast("IO[bytes]", self._process.stdin), message, cloudpickle.dumps)

    def _listen(self) -> None:
        answers = cast("IO[bytes]", self._process.stdout)
        with contextlib.suppress(OSError, ValueError):  # closed by `stop`
            while (data := read_bytes(answers)) is not None:
                self._inbox.put(cloudpickle.loads(data))
        self._inbox.put(None)


class _Watch:
    """What is known of the cell that a worker is at, and whether it keeps to its limits."""

    def __init__(self, spec: Spec, pid: int, kept: Cell | None) -> None:
        self._spec = spec
        self._kept = kept is not None
        self._pid = pid
        self._began: float | None = None
        self._running = False
        self._step = ""
        self._cell: Cell | None = None
        self._peak_mb = 0.0

    def told(self, kind: str, *parts: Any) -> Cell | None:
        """Take a message on the way; return the cell if it was over the limit on that way."""
        if kind == "began":
            self._began = time.monotonic()
            self._running = not self._kept  # which is only judged: its limits are behind it
            return None
        self._step, cell, peak_mb = parts
        self._peak_mb = max(self._peak_mb, peak_mb)
        self._running = self._step != RAN
        # Before its cell is taken: what was too much on the way there fails the cell, whether
        # detectability is to be measured after it or not.
        ended = self.too_large()
        self._cell = cell or self._cell
        return ended

    def look(self) -> Cell | None:
        """Return the cell that the limits end here; None while they are kept to."""
        if not self._running:
            return None
        self._peak_mb = max(self._peak_mb, resident_mb(self._pid))
        limit = self._spec.settings.timeout_s
        if limit is not None and self._seconds > limit + GRACE_S:
            reason = f"stopped after {self._seconds:.1f} s of {limit:g} s"
            return self.over(Status.TIMEOUT, f"{reason}{self._so_far}")
        return self.too_large()

    def too_large(self) -> Cell | None:
        """Return the cell as one that took too much memory; None if it did not."""
        limit = self._spec.settings.memory_mb
        if limit is None or self._peak_mb <= limit:
            return None
        reason = f"stopped at {self._peak_mb:.0f} MB of memory, {limit:g} MB are allowed"
        return self.over(Status.FAILED, f"{reason}{self._so_far}")

    def over(self, status: Status, reason: str) -> Cell:
        """Return the cell as it ends without its worker; what was finished is kept."""
        if self._cell is not None:
            return replace(
                self._cell,
                peak_mb=self._peak_mb,
                note=f"detectability was not measured: {reason}",
            )
        cell = failed(
            self._spec.recording, self._spec.entry.name, reason, status, seconds=self._seconds
        )
        return replace(cell, peak_mb=self._peak_mb)

    def died(self, code: int) -> Cell:
        """Return the cell whose worker has ended by itself with exit code *code*."""
        if self._began is None:
            raise _Gone(f"{self._spec.title}: its worker process did not start ({_exit(code)})")
        return self.over(Status.FAILED, f"its worker process {_exit(code)}{self._so_far}")

    def finished(self, outcome: Outcome) -> Outcome:
        """Return the outcome with its memory; a kept cell has that of its own run."""
        if outcome.cell.kept:
            return outcome
        return outcome._replace(cell=replace(outcome.cell, peak_mb=self._peak_mb))

    @property
    def _seconds(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began

    @property
    def _so_far(self) -> str:
        return f", having {self._step}" if self._step else ", before it was fitted"


def _judged(cell: Cell, trial: Trial, spec: Spec) -> Outcome:
    return Outcome(cell, score_cell(cell, trial, spec.settings))


def _exit(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    known = {one.value: one.name for one in signal.Signals}
    name = known.get(-code, f"signal {-code}")
    why = {
        "SIGKILL": " (the system was out of memory, or somebody killed it)",
        "SIGSEGV": " (a crash in compiled code)",
        "SIGABRT": " (compiled code gave up)",
    }
    return f"was ended by {name}{why.get(name, '')}"


class Crew:
    """Workers that are free; whoever has a cell takes one and brings it back.

    Leaving the `with` block ends all of them.
    """

    def __init__(self) -> None:
        self._free: list[Worker] = []
        self._all: list[Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers, in the middle of their work too; none is hired after."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            worker.stop()

    def attempt(self, spec: Spec, trial: Trial, kept: Cell | None = None) -> Outcome:
        """Try a cell in a free worker, or a new one; any number of threads may."""
        while True:
            worker, fresh = self._hire()
            try:
                outcome = worker.attempt(spec, trial, kept)
            except _Gone:
                if fresh:
                    raise
                continue
            if worker.alive:
                with self._lock:
                    self._free.append(worker)
            return outcome

    def _hire(self) -> tuple[Worker, bool]:
        """Return a worker, and whether it is a new one."""
        with self._lock:
            if self._closed:
                raise RunError("the benchmark was stopped")
            if self._free:
                return self._free.pop(), False
            self._all = [worker for worker in self._all if worker.alive]
            self._all.append(Worker())
            return self._all[-1], True
