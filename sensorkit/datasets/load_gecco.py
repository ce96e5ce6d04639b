"""GECCO 2018: a water works with nine sensors, one row a minute, and rare events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError

LAYOUT = "a .csv with the columns Time, Tp, Cl, ..., EVENT"

CHANNELS = ("Tp", "Cl", "pH", "Redox", "Leit", "Trueb", "Cl_2", "Fm", "Fm_2")
TIME, LABEL = "Time", "EVENT"
WORDS = {"TRUE": True, "True": True, "1": True, "FALSE": False, "False": False, "0": False}
"""How R, pandas and a spreadsheet write it."""


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*: any table that has its columns."""
    return [path for path in tables.files(root, "*.csv") if _is_of_the_set(path)]


def _is_of_the_set(path: Path) -> bool:
    try:
        return {TIME, *CHANNELS, LABEL} <= set(tables.header(path))
    except DataError:  # another file that happens to lie there
        return False


def read(root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield one series a file. Rows that lack values are NaN and stay."""
    for path in found:
        frame = tables.read(path, CHANNELS, [TIME, LABEL])
        _demand_words(path, frame[LABEL])
        yield Series.of(
            "gecco",
            path.relative_to(root).with_suffix("").as_posix(),
            tables.readings(
                columns.times(path, frame[TIME], "%Y-%m-%d %H:%M:%S"), frame[list(CHANNELS)]
            ),
            frame[LABEL].map(WORDS).to_numpy(dtype=bool),
            group="gecco",
        )


def _demand_words(path: Path, labels: pd.Series) -> None:
    columns.demand(
        path,
        labels.isin(list(WORDS)).to_numpy(),
        lambda row: f"{LABEL} is {labels.iloc[row]!r}; TRUE or FALSE is wanted",
    )
