"""The rows that public data sets publish about detectors: data with their sources.

One CSV file a data set in `leaderboards/`. The columns between `method` and `comparable` are
figures under the keys of the protocol (`sensorkit.evaluate.public`), empty where nothing is
published; then whether the protocol is the same as ours, where the threshold came from, the
source with its commit and date, and what a reader has to know: look-ahead, tuning on the test.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

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
    ValueError
        If a figure in the file is no number; the file and line are named.

    Examples
    --------
    >>> best = max(published("skab"), key=lambda row: row["f1"] or 0)
    >>> best["method"], best["f1"], best["far"]
    ('Conv-AE', 0.78, 13.55)
    """
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [_row(path, number, row) for number, row in enumerate(csv.DictReader(lines), 2)]


def _row(path: Path, line: int, row: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, text in row.items():
        if key in TEXTS:
            found[key] = text
        elif key == "comparable":
            found[key] = text == "yes"
        else:
            try:
                found[key] = float(text) if text else None
            except ValueError:
                raise ValueError(
                    f"{path.name}, line {line}: {key} is {text!r}; a number or nothing is wanted"
                ) from None
    return found
