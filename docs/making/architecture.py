"""docs/architecture.md: the modules of the package, in the words of their own docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

OPENING = """# Architecture

One idea holds sensorkit together: **everything is an iterator of `Readings` batches.** A live
link yields small ones, a recording one large one. Detectors carry their state from batch to
batch and promise that their scores do not depend on where the data were cut, so there is one
code path for batch and stream.

    device or emulator --frames--> link --bytes--> recorder --> recording (on disk)
                          ^                            |             |
                   transport faults               readings      signal faults --> labels
                                                       v             v
                                    alerts <-- detector(s) <-- readings + labels
                                                                     |
                                              metrics --> report.json, report.html

Imports point down only; `make lint` checks it, and that the core touches no port, clock or file:

![The layers of the package, the command line on top and the errors at the bottom]\
(images/layers.svg)

The contracts themselves stand in `pyproject.toml` under `[tool.importlinter]`; the picture is drawn
from them. The purpose of each module is the first line of its docstring. `make docs` writes this
page, and a test holds it to the modules.
"""

FOUNDATIONS = [
    "__init__",
    "__main__",
    "errors",
    "checked_yaml",
    "nearest",
    "runs",
]
"""Modules at the top of the package, in the order to read them; any other comes after these."""

TITLES = {
    "readings": "`readings`: the facts that every part exchanges",
    "display": "`display`: how things are shown",
    "profile": "`profile`: what a device sends",
    "wire": "`wire`: from bytes to readings",
    "faults": "`faults`: labelled faults",
    "signals": "`signals`: what units measure and go through",
    "emulator": "`emulator`: the emulated device",
    "capture": "`capture`: recordings on disk",
    "detect": "`detect`: detectors",
    "detect/kernels": "`detect/kernels`: what is compiled",
    "detect/adapters": "`detect/adapters`: detectors of other libraries",
    "datasets": "`datasets`: public data sets",
    "quality": "`quality`: how good the data are",
    "learning": "`learning`: a profile from a healthy recording",
    "prognosis": "`prognosis`: how much life is left",
    "config": "`config`: settings without code",
    "evaluate": "`evaluate`: the judge",
    "evaluate/metrics": "`evaluate/metrics`: what scores and flags are worth",
    "evaluate/statistics": "`evaluate/statistics`: what the numbers can carry",
    "evaluate/detectability": "`evaluate/detectability`: how small a fault is found",
    "evaluate/running": "`evaluate/running`: the grid at work",
    "evaluate/public": "`evaluate/public`: public benchmarks",
    "evaluate/figures": "`evaluate/figures`: what is drawn of an evaluation",
    "report": "`report`: what a report is made of",
    "report/verdict": "`report/verdict`: the first thing a reader sees",
    "report/changes": "`report/changes`: one run beside another",
    "report/parts": "`report/parts`: parts that need more than a table",
    "report/ci": "`report/ci`: what CI systems read",
    "report/views": "`report/views`: the pages",
    "report/running": "`report/running`: the main job",
    "notebook": "`notebook`: what notebooks import",
    "cli": "`cli`: the command",
    "cli/capture": "`cli/capture`: one link, recorded and watched",
    "cli/session": "`cli/session`: several links at once",
    "cli/recordings": "`cli/recordings`: what is asked of a recording",
    "cli/emulate": "`cli/emulate`: devices and faults made to order",
    "cli/detect": "`cli/detect`: a detector over a recording",
    "cli/evaluate": "`cli/evaluate`: the main job",
    "cli/config": "`cli/config`: where values come from",
    "cli/doctor": "`cli/doctor`: can this machine capture?",
}
"""The packages from the bottom up, each with the heading of its table."""


def page(root: Path = ROOT) -> str:
    """Return docs/architecture.md."""
    parts = [OPENING]
    for title, modules in groups(root / "sensorkit"):
        rows = [f"| `{m.relative_to(root).as_posix()}` | {purpose(m)} |\n" for m in modules]
        parts.append(f"## {title}\n\n| module | purpose |\n|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def groups(package: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the headings of the page, each with its modules.

    Raises
    ------
    SystemExit
        If there is a package that has no heading here.
    """
    top = {path.stem: path for path in sorted(package.glob("*.py"))}
    yield "The foundations", [top.pop(name) for name in FOUNDATIONS] + list(top.values())
    found = {folder.parent.relative_to(package).as_posix() for folder in _packages(package)}
    for name in sorted(found - TITLES.keys()):
        raise SystemExit(
            f"sensorkit/{name} has no heading on the architecture page; give it one in TITLES of "
            "docs/making/architecture.py"
        )
    for name, title in TITLES.items():
        modules = sorted((package / name).glob("*.py"))
        yield title, modules


def _packages(package: Path) -> Iterator[Path]:
    yield from (path for path in package.rglob("__init__.py") if path.parent != package)


def purpose(module: Path) -> str:
    """Return the first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    if not docstring:
        raise SystemExit(f"{module}: has no docstring; its first line says what it is for")
    return docstring.splitlines()[0]
