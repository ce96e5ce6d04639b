"""The run of one device among several, in a process of its own: `python -m` with this module.

It answers what the run tells as it goes on, and last `{"status": ..., "run": ...}`, as
`sensorkit.report.running.child` says.
"""

from __future__ import annotations

import dataclasses
import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorkit.errors import SensorkitError
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.files import RUNS
from sensorkit.report.running import run as runs
from sensorkit.report.running.child import Answer, Tell, serve
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


def run(message: Mapping[str, Any], tell: Tell) -> Answer:
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
        what = f"{error.filename}: " if error.filename else ""
        ended = {"status": "failed", "reason": f"{what}{error.strerror or error}"}
    except Exception as error:  # the border of the process: the driver must hear of it
        traceback.print_exc()
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


if __name__ == "__main__":
    serve(run, stopped=130)
