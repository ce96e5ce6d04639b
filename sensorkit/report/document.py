"""report.json: assemble it, check it against its schema, read it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sensorkit.errors import RunError, UsageError
from sensorkit.evaluate.evaluation import SCHEMA_VERSION
from sensorkit.report.files import read_json, write_json
from sensorkit.report.schemas import Draft202012Validator, best_match
from sensorkit.report.shortened import shortened

SCHEMA = Path(__file__).parent / "report.schema.json"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def problem(report: Mapping[str, Any]) -> str | None:
    """Return where *report* departs from the schema and how, or None.

    >>> problem({"schema_version": 3}) is None
    False
    """
    error = best_match(_validator().iter_errors(report))
    return None if error is None else f"{error.json_path}: {error.message[:300]}"


def made_by(version: object) -> str:
    """Return which sensorkit wrote a report of this schema version; "" if it is this one.

    >>> made_by(1), made_by(SCHEMA_VERSION)
    ('made by an older version', '')
    """
    if version == SCHEMA_VERSION:
        return ""
    newer = isinstance(version, int) and version > SCHEMA_VERSION
    return f"made by {'a newer' if newer else 'an older'} version"


def write_report(
    run_dir: Path,
    results: Mapping[str, Any],
    run: Mapping[str, Any],
    requirements: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Write report.json and return it: what the benchmark found, was to find, and how it ran.

    Raises
    ------
    RunError
        If it does not fit the schema; nothing is written then.
    """
    report = {**results, "requirements": list(requirements), "run": run}
    wrong = problem(report)
    if wrong is not None:
        raise RunError(f"{run_dir / 'report.json'}: does not fit {SCHEMA.name}: {wrong}")
    write_json(run_dir / "report.json", report)
    return report


CHECKED_AGAIN = 50
"""Entries of each part that are checked when a report is read; all were when it was written."""


def _beginnings(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return *report* with the first entries of each list: to check 1 000 curves takes a minute."""
    return {
        key: value[:CHECKED_AGAIN] if isinstance(value, list) else value
        for key, value in report.items()
    }


def read_report(run_dir: Path) -> dict[str, Any]:
    """Return the report of a run; texts longer than anyone reads are cut.

    Raises
    ------
    UsageError
        If there is none, it is of another version, or it does not fit the schema.
    """
    path = run_dir / "report.json"
    if not path.is_file():
        raise UsageError(
            f"{run_dir}: has no report.json, so the run did not pass; run.json says why"
        )
    report: dict[str, Any] = shortened(read_json(path))
    had = report.get("schema_version")
    if other := made_by(had):
        raise UsageError(
            f"{path}: was {other} of sensorkit (schema_version {had!r}, this one reads "
            f"{SCHEMA_VERSION}); the report.html beside it stays as it is, a new run gives new "
            "numbers"
        )
    wrong = problem(_beginnings(report))
    if wrong is not None:
        raise UsageError(f"{path}: does not fit {SCHEMA.name}: {wrong}")
    return report
