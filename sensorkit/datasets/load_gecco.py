"""GECCO 2018: a water works with nine sensors, one row a minute, and rare events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sensorkit.datasets import tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError

LAYOUT = "a .csv with the columns Time, Tp, Cl, ..., EVENT"

CHANNELS = ("Tp", "Cl", "pH", "Redox", "Leit", "Trueb", "Cl_2", "Fm", "Fm_2")
TIME, LABEL = "Time", "EVENT"
WORDS = {"TRUE": True, "True": True, "1": True, "FALSE": False, "False": False, "0": False}
"""How R, pandas and a spreadsheet write it."""


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*: any table that has its columns."""
    wanted = {TIME, *CHANNELS, LABEL}
    return [path for path in tables.files(root, "*.csv") if wanted <= set(tables.header(path))]


def read(root: Path, found: list[Path]) -> Iterator[Series]:
    """Yield one series a file. Rows that lack values are NaN and stay."""
    for path in found:
        frame = tables.read(path, CHANNELS, [TIME, LABEL])
        labels = frame[LABEL].map(WORDS)
        bad = np.flatnonzero(labels.isna().to_numpy())
        if len(bad):
            row = int(bad[0])
            had = frame[LABEL].iloc[row]
            raise DataError(f"{path}:{row + 2}: {LABEL} is {had!r}; TRUE or FALSE is wanted")
        yield Series.of(
            "gecco",
            path.relative_to(root).with_suffix("").as_posix(),
            tables.readings(
                tables.times(path, frame[TIME], "%Y-%m-%d %H:%M:%S"), frame[list(CHANNELS)]
            ),
            labels.to_numpy(dtype=bool),
            group="gecco",
        )
