"""The run of one device among several, in a process of its own: `python -m` with this module.

What is asked for comes as one JSON line on stdin; stdin stays open, and its end means "stop", so
that no run outlives a driver that was killed. Answers go to stdout, a JSON object a line: what the
run tells as it goes on, and last `{"status": ..., "run": ...}`. Everything else that is printed
goes to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from sensorkit.errors import SensorkitError
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.files import RUNS
from sensorkit.report.running import run as runs
from sensorkit.report.running.job import Config


def as_message(config: Config, out: Path) -> dict[str, Any]:
    """Return what a process is asked for, for JSON.

    >>> from_message(as_message(Config(profile="x"), Path("reports")))[0].profile
    'x'
    """
    given = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    del given["copies"]  # of all runs together, by the driver
    given["recordings"] = [str(folder) for folder in config.recordings]
    given["settings"] = dict(config.settings)
    return {"config": given, "out": str(out)}


def from_message(message: Mapping[str, Any]) -> tuple[Config, Path]:
    """Return what `as_message` was made of."""
    given = dict(message["config"])
    given["recordings"] = tuple(Path(folder) for folder in given["recordings"])
    return Config(**given, copies=Copies()), Path(message["out"])


def run(message: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    """Run what *message* asks for and return how it ended; nothing is raised."""
    config, out = from_message(message)
    before = _folders(out)

    def cell(notebook: str, number: int, of: int) -> None:
        tell({"notebook": notebook, "cell": number, "of": of})

    def follow(notebook: str, done: int, of: int, now: str) -> None:
        tell({"notebook": notebook, "done": done, "of": of, "now": now})

    try:
        folder = runs.evaluate(config, out, tell=cell, follow=follow)
    except KeyboardInterrupt:
        ended = {"status": "aborted", "reason": "stopped", "exit_code": 130}
    except SensorkitError as error:
        ended = {"status": "failed", "reason": str(error), "exit_code": error.exit_code}
    except OSError as error:
        ended = {"status": "failed", "reason": f"{error.filename}: {error.strerror}"}
    except Exception as error:  # the border of the process: the driver must hear of it
        ended = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    else:
        return {"status": "passed", "run": str(folder)}
    mine = _mine(out, before)
    return {"exit_code": 1, **ended, **({"run": str(mine)} if mine is not None else {})}


def _folders(out: Path) -> set[Path]:
    return set((out / RUNS).iterdir()) if (out / RUNS).is_dir() else set()


def _mine(out: Path, before: set[Path]) -> Path | None:
    """Return the folder of the run that this process began, and that did not pass."""
    for folder in sorted(_folders(out) - before):
        try:
            facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if facts.get("pid") == os.getpid():
            return folder
    return None


def read_line(descriptor: int) -> bytes:
    """Return the first line; from the descriptor: a thread waiting in sys.stdin breaks the exit."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(descriptor, 65536)):
        line += piece
    return line


def answers_only() -> IO[str]:
    """Keep stdout for the answers and send what anyone else prints to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _stop_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Take what is asked for from stdin, run it and say how it went."""
    # Ctrl+C in a terminal reaches every process; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    answers = answers_only()

    def tell(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        line = read_line(0)
        if not line:
            return
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
        ended = run(json.loads(line), tell)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it has ended, and says how
        tell(ended)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
