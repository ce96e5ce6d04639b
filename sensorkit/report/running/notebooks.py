"""Start notebooks in processes of their own, follow them, and stop every one of them for sure."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self, cast

from sensorkit.errors import NotebookError
from sensorkit.report import parameters
from sensorkit.report.files import write_text

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long a worker may take to shut its kernel down before it is killed."""

ENVIRONMENT = {
    "SENSORKIT_QUIET": "1",
    "PYTHONHASHSEED": "0",
    # The settings of a run are its own: what is asked for in it goes by the name of an option.
    "SENSORKIT_CONFIG": "none",
    "SENSORKIT_PRESET": "",
    "TZ": "UTC",
    # One thread a notebook: they run side by side, and sums do not depend on the machine.
    "OMP_NUM_THREADS": "1",
    # The kernel of this environment, not one that the user's home offers under the same name.
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


@dataclass(frozen=True)
class Job:
    """A notebook to be executed."""

    notebook: Path
    parameters: Mapping[str, Any]
    output: Path
    """Where the executed notebook goes; `<name>.failed.ipynb` beside it when it failed."""
    timeout_s: float = 600.0

    @property
    def name(self) -> str:
        """Return the notebook's name without its suffix."""
        return self.notebook.stem


@dataclass(frozen=True)
class Outcome:
    """How a notebook ended."""

    name: str
    status: Literal["passed", "failed"]
    reason: str
    """Which cell and which error; empty when it passed."""
    seconds: float
    error: str = ""
    """Name of the exception class that the cell raised."""
    message: str = ""
    """Its text."""


Tell = Callable[[str, int, int], None]
"""Called with a notebook's name, the cell that begins and their number."""

Follow = Callable[[str, int, int, str], None]
"""Called with a notebook's name, how much of a long piece of work is done, of how much, and what
runs now."""

PROGRESS = "SENSORKIT_PROGRESS"
"""Names the file in which a notebook says how far a long piece of work is: `done of what` in a
line."""


def execute(
    chains: Sequence[Iterator[Job]],
    *,
    log_file: Path,
    tell: Tell | None = None,
    follow: Follow | None = None,
) -> list[Outcome]:
    """Execute chains of notebooks side by side, the jobs of a chain one after the other.

    A chain is asked for its next job when the one before has passed, so that a job may depend
    on what was written. The first failure stops everything else.

    Parameters
    ----------
    chains : iterators of Job
    log_file : Path
        Takes what papermill and the kernels print.
    tell : callable, optional
        Is told when a cell begins.
    follow : callable, optional
        Is told how far a long piece of work in a cell is, twice a second at most.

    Returns
    -------
    list of Outcome
        In the order in which they ended; the one that failed is the last.

    Raises
    ------
    NotebookError
        If a notebook cannot be read, or does not take a parameter it is given.
    """
    outcomes: list[Outcome] = []
    with log_file.open("ab") as log_to, _Crew(log_to) as crew:
        for chain in chains:
            crew.start(chain)
        while crew.workers:
            ended = crew.next_ended(tell, follow)
            outcomes.append(ended.outcome())
            if outcomes[-1].status == "failed":
                break
            crew.start(ended.chain)
    return outcomes


class _Worker:
    """A process at work on a job of a chain."""

    def __init__(self, job: Job, chain: Iterator[Job], log_to: IO[bytes]) -> None:
        self.job = job
        self.chain = chain
        self.cell = 0
        self.answer: dict[str, Any] = {}
        self._given = parameters.check(
            job.parameters, parameters.declared(job.notebook), job.notebook.name
        )
        job.output.parent.mkdir(parents=True, exist_ok=True)
        self._partial = job.output.with_name(f".{job.output.stem}.partial.ipynb")
        self._temporary = tempfile.TemporaryDirectory(
            prefix="sensorkit-", ignore_cleanup_errors=True
        )
        # A home that cannot be written, or a user's own start-up files, change nothing.
        own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), self._temporary.name)
        self._progress = Path(self._temporary.name) / "progress"
        self._said = ""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit.report.running.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_to,
            env={**os.environ, **ENVIRONMENT, **own, PROGRESS: str(self._progress)},
            # Not in the terminal's group: Ctrl+C is for the driver, which then stops the rest.
            start_new_session=True,
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        log.info("%s: started", job.name)

    @property
    def left_s(self) -> float:
        return self._started + self.job.timeout_s - time.monotonic()

    def listen(self, answers: queue.Queue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        """Hand the job over and put each answer into the queue, None after the last."""
        cells = parameters.read_notebook(self.job.notebook).cells
        code_cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
        message = {
            "notebook": str(self.job.notebook.resolve()),
            "output": str(self._partial.resolve()),
            "parameters": self._given,
            "code_cells": code_cells + bool(self._given),  # papermill inserts one with these
            "cell_timeout_s": self.job.timeout_s,
        }
        with contextlib.suppress(OSError):  # it has died; the end of its answers says so
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()
        with cast("IO[bytes]", self._process.stdout) as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # a line that was cut off by a kill
                    answers.put((self, json.loads(line)))
        answers.put((self, None))

    def progress(self) -> tuple[int, int, str] | None:
        """Return how far its work is, if that is news."""
        try:
            said = self._progress.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        found = re.fullmatch(r"(\d+) (\d+) (.*)\n", said)  # half a line is none
        if found is None or said == self._said:
            return None
        self._said = said
        return int(found[1]), int(found[2]), found[3]

    def ask_to_stop(self) -> None:
        """Close its stdin, which tells it to shut its kernel down."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; after *seconds* end it by force."""
        try:
            self._process.wait(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            log.warning("%s: did not stop and was killed", self.job.name)
            # Its kernel notices within a second that the parent is gone, and ends.
            self._process.kill()
            self._process.wait()
        self._temporary.cleanup()

    def outcome(self) -> Outcome:
        """Give the executed notebook its name, which says whether it passed, and report."""
        died = f"its process ended with exit code {self._process.returncode}"
        answer = self.answer or {"status": "failed", "reason": died}
        passed = answer["status"] == "passed"
        if self._partial.exists():
            output = self.job.output if passed else self.job.output.with_suffix(".failed.ipynb")
            _drop_papermill_record(self._partial)
            self._partial.replace(output)
        seconds = time.monotonic() - self._started
        log.info("%s: %s after %.1f s", self.job.name, answer["status"], seconds)
        return Outcome(
            self.job.name,
            "passed" if passed else "failed",
            "" if passed else f"{self.job.name}, {answer['reason']}",
            seconds,
            answer.get("error", ""),
            answer.get("message", ""),
        )


class _Crew:
    """The workers that are running; leaving the `with` block ends every one of them."""

    def __init__(self, log_to: IO[bytes]) -> None:
        self.workers: list[_Worker] = []
        self._log_to = log_to
        self._answers: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop(self.workers)

    def start(self, chain: Iterator[Job]) -> None:
        """Start the next job of *chain*, if it has one."""
        job = next(chain, None)
        if job is not None:
            worker = _Worker(job, chain, self._log_to)
            self.workers.append(worker)
            threading.Thread(target=worker.listen, args=(self._answers,), daemon=True).start()

    def next_ended(self, tell: Tell | None, follow: Follow | None = None) -> _Worker:
        """Wait until a worker has ended by itself or has had its time."""
        while True:
            next_late = min(self.workers, key=lambda worker: worker.left_s)
            if next_late.left_s <= 0:
                reason = f"not finished after {next_late.job.timeout_s:g} s"
                if next_late.cell:
                    reason = f"cell [{next_late.cell}]: {reason}"
                next_late.answer = {"status": "failed", "reason": reason}
                return self._end(next_late)
            try:
                worker, answer = self._answers.get(timeout=min(next_late.left_s, 0.5))
            except queue.Empty:
                for worker in self.workers if follow is not None else ():
                    if (news := worker.progress()) is not None and follow is not None:
                        follow(worker.job.name, *news)
                continue
            if worker not in self.workers:  # it was on its way when the worker was stopped
                continue
            if answer is None:
                return self._end(worker)
            if "cell" in answer:
                worker.cell = answer["cell"]
                if tell is not None:
                    tell(worker.job.name, answer["cell"], answer["of"])
            else:
                worker.answer = answer

    def _end(self, worker: _Worker) -> _Worker:
        self._stop([worker])
        self.workers.remove(worker)
        return worker

    def _stop(self, workers: Sequence[_Worker]) -> None:
        for worker in workers:
            worker.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        for worker in workers:
            worker.wait(deadline - time.monotonic())


def _drop_papermill_record(path: Path) -> None:
    """Drop papermill's own record: its exception is null after a timeout or a dead kernel."""
    try:
        notebook = parameters.read_notebook(path)
    except NotebookError:
        return
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
    write_text(path, json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
