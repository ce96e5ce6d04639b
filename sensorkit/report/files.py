"""Where a run keeps its files, and writing them so that a half-written one is never seen."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sensorkit
from sensorkit.errors import NotebookError, UsageError

RUNS = "runs"
INDEX = "index.html"
LATEST = "latest.txt"


def project_root() -> Path:
    """Return the folder that holds `notebooks/`: the clone, or where the command is run.

    Raises
    ------
    NotebookError
        If neither place has them.
    """
    places = [Path(sensorkit.__file__).resolve().parents[1], Path.cwd()]
    for place in places:
        if (place / "notebooks" / "00_quickstart.ipynb").is_file():
            return place
    looked = " nor ".join(str(place / "notebooks") for place in dict.fromkeys(places))
    raise NotebookError(
        f"the notebooks are not in {looked}; run the command inside a clone of the project"
    )


def new_run_id(now: datetime) -> str:
    """Return a name that sorts by time and is a legal folder name everywhere.

    >>> new_run_id(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))[:17]
    '20260131T120000Z-'
    """
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def write_text(path: Path, text: str) -> None:
    """Write *text* to *path* at once: a reader sees the old file or the whole new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # newline="" keeps \n on Windows: the files are hashed and compared.
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write *value* as sorted JSON; NaN and infinity are refused, null stands for them."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    UsageError
        If it cannot be read or is no object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is cut off or not JSON"
        raise UsageError(f"{path}: cannot be read: {reason}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path}: holds {type(value).__name__}, a JSON object is wanted")
    return value


def find_run(name_or_path: str, out: Path) -> Path:
    """Return the folder of a run given by path, by its id, or as `latest`.

    Raises
    ------
    UsageError
        If there is no such run.
    """
    name = name_or_path
    if name == "latest":
        latest = out / LATEST
        name = latest.read_text(encoding="utf-8").strip() if latest.is_file() else "latest"
    for folder in (Path(name_or_path), out / RUNS / name):
        if (folder / "run.json").is_file():
            return folder
    raise UsageError(
        f"no run {name_or_path!r}: neither {name_or_path} nor {out / RUNS / name} holds a "
        "run.json; give a folder, an id that `ls reports/runs` shows, or `latest`"
    )
