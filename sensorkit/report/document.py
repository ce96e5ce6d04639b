"""report.json: assemble it, check it against its schema, read it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from sensorkit.errors import RunError, UsageError
from sensorkit.evaluate.evaluation import SCHEMA_VERSION
from sensorkit.report.files import read_json, write_json

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
    run_dir: Path, results: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, Any]:
    """Write report.json, what the benchmark found and how the run came about, and return it.

    Raises
    ------
    RunError
        If it does not fit the schema; nothing is written then.
    """
    report = {**results, "run": run}
    wrong = problem(report)
    if wrong is not None:
        raise RunError(f"{run_dir / 'report.json'}: does not fit {SCHEMA.name}: {wrong}")
    write_json(run_dir / "report.json", report)
    return report


def read_report(run_dir: Path) -> dict[str, Any]:
    """Return the report of a run.

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
    report = read_json(path)
    had = report.get("schema_version")
    if other := made_by(had):
        raise UsageError(
            f"{path}: was {other} of sensorkit (schema_version {had!r}, this one reads "
            f"{SCHEMA_VERSION}); the report.html beside it stays as it is, a new run gives new "
            "numbers"
        )
    wrong = problem(report)
    if wrong is not None:
        raise UsageError(f"{path}: does not fit {SCHEMA.name}: {wrong}")
    return report
