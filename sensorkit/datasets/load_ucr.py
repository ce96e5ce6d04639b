"""UCR archive: one anomaly a series, told by the name of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from sensorkit.datasets import tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import Readings

LAYOUT = "NNN_UCR_Anomaly_NAME_trainend_start_end.csv or .txt"
NAME = re.compile(r"(\d+)_UCR_Anomaly_(.+)_(\d+)_(\d+)_(\d+)\.(?:csv|txt)")
REPEATS = re.compile(r"^(?:DISTORTED|NOISE)")


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*, in any folder; a .txt before a .csv of it."""
    chosen: dict[str, Path] = {}
    for suffix in ("csv", "txt"):
        for path in tables.files(root, f"**/*.{suffix}", NAME.fullmatch):
            chosen[path.stem] = path
    return sorted(chosen.values(), key=lambda path: path.name)


def read(_root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield the series in order of their numbers; the name of a series does not tell the rows.

    The interval is that of the file name, both ends included, and rows are counted from 0, as
    the CSV mirror counts them: its column `is_anomaly` begins at that row in all 43 files and
    lacks the last one. (The archive is written in Matlab, which counts from 1; against the
    100 rows of grace in its score one row is nothing.) `fit` is the end of the training part.
    DISTORTED and NOISE series are in the group of the one they repeat.
    """
    for path in found:
        fits = NAME.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - find has asked
        number, name, *rows = fits.groups()
        fit, first, last = map(int, rows)
        if path.suffix == ".txt":
            values = tables.words_as_numbers(path)
        else:
            values = tables.read(path, ["value"])["value"].to_numpy(np.float64)
        n = len(values)
        if not (0 < fit <= n and first <= last < n):
            raise DataError(
                f"{path}: has {n} rows, but its name speaks of {fit}, {first} and {last}; the file "
                "is cut off or renamed"
            )
        labels = np.zeros(n, dtype=bool)
        labels[first : last + 1] = True
        notes = ["no times are given; one row is taken as one second"]
        if first < fit:
            notes.append("the anomaly lies in the part to fit on")
        yield Series.of(
            "ucr",
            f"{number}_{name}",
            Readings.build(tables.steps(n), values[:, None], ["value"]),
            labels,
            group=REPEATS.sub("", name),
            fit=fit,
            notes=tuple(notes),
        )
