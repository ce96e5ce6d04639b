"""What run.json says, whatever became of it: half-written, hostile or of another version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sensorkit.errors import UsageError
from sensorkit.report.document import made_by
from sensorkit.report.files import RUNS, read_json

LARGEST = 1_000_000
"""Bytes; no run writes a larger run.json, and hundreds of them must be read at once."""

LONGEST = 400
"""Characters of a text that are shown."""


@dataclass(frozen=True)
class Facts:
    """A run as its run.json has it; what is not there or makes no sense is None or empty."""

    id: str
    kind: str
    """public, or "" for a run on recordings."""
    status: str
    reason: str
    created_at: str
    command: str
    commit: str
    dirty: bool
    duration_s: float | None
    summary: Mapping[str, Any]
    data: list[str]
    """Hashes of the data; empty for a run without a report, or of an older version."""

    @classmethod
    def of(cls, name: str, facts: Mapping[str, Any]) -> Self:
        """Return the facts of a run in the folder *name*."""
        summary = facts.get("summary")
        if not isinstance(summary, Mapping):
            summary = {}
        # Figures of another version may mean something else.
        current = not made_by(summary.get("schema_version"))
        return cls(
            id=name,
            kind=text_of(facts.get("kind")),
            status=text_of(facts.get("status")) or "failed",
            reason=text_of(facts.get("reason")),
            created_at=text_of(facts.get("created_at")),
            command=text_of(facts.get("command")),
            commit=text_of(facts.get("git_commit")),
            dirty=facts.get("git_dirty") is True,
            duration_s=number_of(facts.get("duration_s")),
            summary=summary,
            data=texts_of(summary.get("data")) if current else [],
        )

    def number(self, name: str) -> float | None:
        """Return a figure of the summary."""
        return number_of(self.summary.get(name))

    def interval(self, name: str) -> tuple[float | None, float | None] | None:
        """Return the interval of a figure of the summary; None where there is none."""
        ends = self.summary.get(f"{name}_ci")
        if not isinstance(ends, Sequence) or isinstance(ends, str) or len(ends) != 2:
            return None
        return number_of(ends[0]), number_of(ends[1])


def run_folders(out: Path) -> list[Path]:
    """Return the folders of all runs, the newest first: their names begin with the time."""
    runs = out / RUNS
    if not runs.is_dir():
        return []
    return sorted((path for path in runs.iterdir() if path.is_dir()), reverse=True)


def read_facts(folder: Path) -> Facts:
    """Return what run.json of *folder* says; one that cannot be read is a failed run."""
    path = folder / "run.json"
    try:
        size = path.stat().st_size
        if size > LARGEST:
            reason = f"run.json holds {size:,} bytes, which no run writes; it was not read"
            return Facts.of(folder.name, {"reason": reason})
        return Facts.of(folder.name, read_json(path))
    except UsageError as error:
        return Facts.of(folder.name, {"reason": str(error)})
    except OSError as error:
        reason = f"run.json cannot be read: {error.strerror or type(error).__name__}"
        return Facts.of(folder.name, {"reason": reason})
    except RecursionError:
        return Facts.of(folder.name, {"reason": "run.json is nested too deeply to be read"})


def text_of(value: object) -> str:
    """Return a text of bearable length; "" for anything else.

    >>> text_of("failed"), text_of(7)
    ('failed', '')
    """
    if not isinstance(value, str):
        return ""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def texts_of(value: object) -> list[str]:
    """Return the texts of a list; none of anything else.

    >>> texts_of(["a", 1]), texts_of("ab")
    (['a'], [])
    """
    return (
        [text_of(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []
    )


def number_of(value: object) -> float | None:
    """Return a finite number; None for anything else.

    >>> number_of(2), number_of(True), number_of("2"), number_of(math.inf)
    (2.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
