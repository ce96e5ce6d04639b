"""What a run leaves for CI systems: junit.xml and summary.md, and copies where they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorkit.errors import UsageError
from sensorkit.report.changes.history import changes
from sensorkit.report.ci.junit import junit
from sensorkit.report.ci.markdown import summary
from sensorkit.report.files import read_json, write_text

JUNIT = "junit.xml"
SUMMARY = "summary.md"

LATER = (SUMMARY, JUNIT)
"""Written when the run has ended, and so after its page, which links to them all the same."""


@dataclass(frozen=True)
class Copies:
    """Where else a run writes what is for CI."""

    junit: Path | None = None
    """Written anew."""
    summary: Path | None = None
    """Appended to, as `$GITHUB_STEP_SUMMARY` wants it."""

    def look_at(self) -> None:
        """Make the folders, and raise if a file could not be written: before a long run, not after.

        Raises
        ------
        UsageError
        """
        for option, path in (("--junit", self.junit), ("--summary", self.summary)):
            if path is None:
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8"):
                    pass
            except OSError as error:
                raise UsageError(
                    f"{option} {path}: cannot be written: {error.strerror}; give the path of a "
                    "file that can"
                ) from error


def write_for_ci(run_dir: Path, run: Mapping[str, Any], copies: Copies) -> None:
    """Write junit.xml and summary.md of a run that has ended, however it did.

    Parameters
    ----------
    run_dir : Path
    run : mapping
        As run.json.
    copies : Copies
    """
    path = run_dir / "report.json"
    report = read_json(path) if path.is_file() else None
    passed = report is not None and run.get("status") == "passed"
    changed = changes(run_dir, report) if report is not None and passed else None
    tests, said = junit(run, report), summary(run, report, changed)
    write_text(run_dir / JUNIT, tests)
    write_text(run_dir / SUMMARY, said)
    if copies.junit is not None:
        write_text(copies.junit, tests)
    if copies.summary is not None:
        with copies.summary.open("a", encoding="utf-8") as file:
            file.write(said)
