"""The main job for several devices: one run each, in processes side by side.

Each run is what `evaluate` makes of one device; they share the cores and the folder of finished
cells. One that fails does not stop the others; the end of this process stops all.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Self, cast

from joblib import cpu_count

from sensorkit.errors import RunError
from sensorkit.evaluate.running.kept import Kept
from sensorkit.report.ci.for_ci import JUNIT, SUMMARY, Copies
from sensorkit.report.ci.junit_of_several import merged
from sensorkit.report.files import LATEST, project_root, write_text
from sensorkit.report.running.job import Config, in_force, look_at_input, plan_parameters
from sensorkit.report.running.one_of_several import as_message
from sensorkit.report.running.run import CELLS
from sensorkit.report.views.index_page import index

log = logging.getLogger(__name__)

PER_CORE = 2
"""Runs side by side a core: while one starts a kernel another computes, and more would only take
memory (about 0.6 GB each)."""

STOP_S = 10.0
"""How long a run may take to stop its notebooks and to say so before it is killed."""

Said = Callable[[str, Mapping[str, Any]], None]
"""Called with the name of a device and what its run says: a cell that begins, or how far it is."""


@dataclass(frozen=True)
class Ended:
    """How the run of one device ended."""

    name: str
    """Of its profile, as it was asked for."""
    run: Path | None
    """Its folder; None if there is none."""
    status: str
    """passed, failed or aborted."""
    reason: str
    exit_code: int
    seconds: float


def divided(configs: Sequence[Config], cpus: int) -> list[Config]:
    """Return *configs* with the processes that try detectors shared between them.

    >>> [config.settings["workers"] for config in divided([Config(), Config()], 4)]
    [2, 2]
    """
    each = max(1, cpus // max(1, len(configs)))
    return [
        config
        if any(key.rpartition(".")[2] == "workers" for key in config.settings)
        else replace(config, settings={"workers": each, **config.settings})
        for config in configs
    ]


def evaluate_several(
    configs: Mapping[str, Config],
    out: Path = Path("reports"),
    *,
    copies: Copies | None = None,
    said: Said | None = None,
) -> list[Ended]:
    """Run the main job for each of *configs* and return how each ended, in their order.

    Parameters
    ----------
    configs : mapping
        Name of a device -> what is asked for.
    out : Path
        As `evaluate` takes it.
    copies : Copies, optional
        Where what is for CI goes, of all runs together.
    said : callable, optional
        Is told what the runs say.

    Raises
    ------
    UsageError
        If one of them cannot be used; nothing is run and nothing is written then.
    KeyboardInterrupt
        After Ctrl+C; each run.json says `aborted`.
    """
    root = project_root() / "notebooks"
    for config in configs.values():
        look_at_input(config, in_force(plan_parameters(config, root), root))
    copies = Copies() if copies is None else copies
    copies.look_at()
    if any(config.fresh for config in configs.values()):
        Kept(out / CELLS).clear()  # once: a run that began has cells of its own there
    # The quickstart does not depend on the device: once is enough.
    own = [
        replace(config, fresh=False, quickstart=config.quickstart and not place)
        for place, config in enumerate(configs.values())
    ]
    shared = divided(own, cpu_count())
    with _Crew(out) as crew:
        ended = crew.run(dict(zip(configs, shared, strict=True)), said)
    found = [ended[name] for name in configs]
    index(out)  # each wrote it while others were still running
    passed = [one.run for one in found if one.status == "passed" and one.run is not None]
    if passed:
        write_text(out / LATEST, f"{passed[0].name}\n")
    _write_copies(found, copies)
    return found


def _write_copies(found: Sequence[Ended], copies: Copies) -> None:
    """Write what is for CI, of all runs together."""
    folders = {one.name: one.run for one in found if one.run is not None}
    if copies.junit is not None:
        texts = {
            name: (folder / JUNIT).read_text(encoding="utf-8")
            for name, folder in folders.items()
            if (folder / JUNIT).is_file()
        }
        write_text(copies.junit, merged(texts, {o.name: o.reason for o in found if o.run is None}))
    if copies.summary is not None:
        with copies.summary.open("a", encoding="utf-8") as file:
            for folder in folders.values():
                if (folder / SUMMARY).is_file():
                    file.write((folder / SUMMARY).read_text(encoding="utf-8") + "\n")


class _One:
    """A process that runs the job of one device."""

    def __init__(self, name: str, config: Config, out: Path) -> None:
        self.name = name
        self.answer: dict[str, Any] = {}
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit.report.running.one_of_several"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl+C in a terminal is for this process, which then stops the rest.
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        with contextlib.suppress(OSError):  # it has died; the end of its answers says so
            self._stdin.write(json.dumps(as_message(config, out)).encode() + b"\n")
            self._stdin.flush()

    def listen(self, answers: queue.Queue[tuple[_One, dict[str, Any] | None]]) -> None:
        """Put each answer into the queue, None after the last."""
        with cast("IO[bytes]", self._process.stdout) as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # a line that was cut off by a kill
                    answers.put((self, json.loads(line)))
        answers.put((self, None))

    def ask_to_stop(self) -> None:
        """Close its stdin, which tells it to end as after Ctrl+C."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; after *seconds* end it by force."""
        try:
            self._process.wait(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            log.warning("%s: did not stop and was killed", self.name)
            self._process.kill()  # its notebooks notice that, and end
            self._process.wait()

    def ended(self) -> Ended:
        """Return how it ended."""
        died = f"its process ended with exit code {self._process.returncode}"
        answer = self.answer or {"status": "failed", "reason": died, "exit_code": 1}
        run = answer.get("run")
        return Ended(
            self.name,
            Path(run) if run else None,
            answer["status"],
            answer.get("reason", ""),
            answer.get("exit_code", 0),
            round(time.monotonic() - self._started, 2),
        )


class _Crew:
    """The runs that are going on; leaving the `with` block ends every one of them."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._running: list[_One] = []
        self._answers: queue.Queue[tuple[_One, dict[str, Any] | None]] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._running:
            one.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        for one in self._running:
            one.wait(deadline - time.monotonic())

    def run(self, configs: Mapping[str, Config], said: Said | None) -> dict[str, Ended]:
        """Run all, so many at a time, and return how they ended."""
        waiting = list(configs.items())
        ended: dict[str, Ended] = {}
        most = max(2, PER_CORE * cpu_count())
        while waiting or self._running:
            while waiting and len(self._running) < most:
                self._start(*waiting.pop(0))
            one, answer = self._answers.get()
            if answer is None:
                one.ask_to_stop()
                one.wait(STOP_S)
                self._running.remove(one)
                ended[one.name] = one.ended()
                if said is not None:
                    said(one.name, {"status": ended[one.name].status})
            elif "status" in answer:
                one.answer = answer
            elif said is not None:
                said(one.name, answer)
        return ended

    def _start(self, name: str, config: Config) -> None:
        one = _One(name, config, self._out)
        self._running.append(one)
        threading.Thread(target=one.listen, args=(self._answers,), daemon=True).start()


def failed(found: Sequence[Ended]) -> RunError | None:
    """Return the error that says which runs did not pass, None if all did."""
    names = [one.name for one in found if one.status != "passed"]
    return (
        RunError(f"{len(names)} of {len(found)} runs failed: {', '.join(names)}") if names else None
    )
