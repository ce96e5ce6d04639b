"""report.json: assemble it, check it against its schema, read it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from sensorkit.errors import RunError, UsageError
from sensorkit.report.files import read_json, write_json

SCHEMA = Path(__file__).parent / "report.schema.json"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def problem(report: Mapping[str, Any]) -> str | None:
    """Return where *report* departs from the schema and how, or None.

    >>> problem({"schema_version": 2}) is None
    False
    """
    errors = sorted(_validator().iter_errors(report), key=lambda error: len(error.absolute_path))
    if not errors:
        return None
    return f"{errors[0].json_path}: {errors[0].message[:300]}"


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
        If there is none, or it does not fit the schema.
    """
    path = run_dir / "report.json"
    if not path.is_file():
        raise UsageError(
            f"{run_dir}: has no report.json, so the run did not pass; run.json says why"
        )
    report = read_json(path)
    wrong = problem(report)
    if wrong is not None:
        raise UsageError(f"{path}: does not fit {SCHEMA.name}: {wrong}")
    return report
