"""The rows that public data sets publish about detectors: data with their sources.

One CSV file a data set in `leaderboards/`. The columns between `method` and `comparable` are
figures under the keys of the protocol (`sensorkit.evaluate.public`), empty where nothing is
published; then whether the protocol is the same as ours, where the threshold came from, the
source with its commit and date, and what a reader has to know: look-ahead, tuning on the test.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from sensorkit.errors import DataError

FOLDER = Path(__file__).with_name("leaderboards")
TEXTS = ("method", "track", "threshold_from", "source", "version", "date", "note")


def published(name: str) -> list[dict[str, Any]]:
    """Return the published rows of a data set, in the order of its table.

    Parameters
    ----------
    name : str
        As in `sensorkit.datasets.names()`. A set that publishes nothing has no rows.

    Returns
    -------
    list of dict
        `method`, `comparable` (bool), `threshold_from`, `source`, `version`, `date`, `note`, and
        figures as float, None where there is none.

    Raises
    ------
    DataError
        The file is damaged: it cannot be read, a row has too few or too many fields, or a figure
        is no number; the file and line are named.

    Examples
    --------
    >>> best = max(published("skab"), key=lambda row: row["f1"] or 0)
    >>> best["method"], best["f1"], best["far"]
    ('Conv-AE', 0.78, 13.55)
    """
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            names = next(reader, [])
            return [_row(path, reader.line_num, names, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}; install sensorkit again") from error


def _row(path: Path, line: int, names: list[str], row: list[str]) -> dict[str, Any]:
    if len(row) != len(names):
        raise DataError(f"{path}:{line}: has {len(row)} fields, line 1 has {len(names)} names")
    found: dict[str, Any] = {}
    for key, text in zip(names, row, strict=True):
        if key in TEXTS:
            found[key] = text
        elif key == "comparable":
            if text not in ("yes", "no"):
                raise DataError(f"{path}:{line}: {key} is {text!r}; yes or no is wanted")
            found[key] = text == "yes"
        else:
            found[key] = _figure(path, line, key, text) if text else None
    return found


def _figure(path: Path, line: int, key: str, text: str) -> float:
    try:
        figure = float(text)
    except ValueError:
        figure = math.nan
    if not math.isfinite(figure):
        raise DataError(f"{path}:{line}: {key} is {text!r}; a number or nothing is wanted")
    return figure
