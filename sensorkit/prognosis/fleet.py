"""C-MAPSS for people: a subset as two tables with the official columns, and its remaining lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit import datasets
from sensorkit.datasets.load_cmapss import CHANNELS, read
from sensorkit.datasets.series import Series
from sensorkit.datasets.tables import SECOND
from sensorkit.errors import DataError
from sensorkit.nearest import unknown
from sensorkit.readings import Readings
from sensorkit.readings.words import Words

SUBSETS = {"FD001": 1, "FD002": 6, "FD003": 1, "FD004": 6}
"""In how many operating conditions the engines of each subset fly (the readme of the set)."""

FILES = ("train_{}.txt", "test_{}.txt", "RUL_{}.txt")


@dataclass(frozen=True, eq=False)
class Fleet:
    """One subset of C-MAPSS.

    Attributes
    ----------
    name : str
        FD001 to FD004.
    train, test : DataFrame
        A row a cycle: `unit`, `cycle`, `setting_1` to `setting_3`, `sensor_1` to `sensor_21`. The
        engines of *train* run until they fail, those of *test* stop before it. Numbers are of the
        smallest kind that holds them: float32, which has more digits than the files, and int16.
    rul : Series
        Cycles left after the last row of each engine of *test*, by its number.
    conditions : int
        Operating conditions that the engines fly in.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    rul: pd.Series[Any]
    conditions: int

    @property
    def megabytes(self) -> float:
        """Return what both tables take in memory."""
        return sum(int(one.memory_usage().sum()) for one in (self.train, self.test)) / 1e6

    def left(self, part: Literal["train", "test"] = "train") -> NDArray[np.int64]:
        """Return the cycles left after each row of a part; 0 in the last row of a failed engine."""
        table = self._part(part)
        last = table.groupby("unit", observed=True)["cycle"].transform("max").to_numpy(np.int64)
        left: NDArray[np.int64] = last - table["cycle"].to_numpy(np.int64)
        if part == "test":
            left = left + self.rul.loc[table["unit"]].to_numpy(np.int64)
        return left

    def readings(self, part: Literal["train", "test"] = "train") -> Readings:
        """Return a part as readings: a device an engine, a second a cycle, 24 channels."""
        table = self._part(part)
        unit = table["unit"].to_numpy()
        numbers, codes = np.unique(unit, return_inverse=True)
        names = tuple(f"{self.name}/{part}/{number}" for number in numbers)
        return Readings.build(
            table["cycle"].to_numpy(np.int64) * SECOND,
            table[list(CHANNELS)].to_numpy(np.float64),
            CHANNELS,
            device=Words(codes.astype(np.int32), names),
        )

    def _part(self, part: str) -> pd.DataFrame:
        if part not in ("train", "test"):
            raise DataError(f"part is {part!r}; train or test is wanted")
        return self.train if part == "train" else self.test

    def __repr__(self) -> str:
        return (
            f"Fleet({self.name}: {self.train['unit'].nunique()} engines to failure "
            f"({len(self.train)} cycles), {len(self.rul)} cut off ({len(self.test)} cycles), "
            f"{self.conditions} condition{'s' if self.conditions > 1 else ''})"
        )


def load(name: str = "FD001", folder: str | Path | None = None) -> Fleet:
    """Read a subset of C-MAPSS.

    Parameters
    ----------
    name : {"FD001", "FD002", "FD003", "FD004"}
    folder : path, optional
        Where the files lie; if not given, `cmapss` below SENSORKIT_DATA, or what `sensorkit
        datasets fetch cmapss` got (FD001).

    Returns
    -------
    Fleet

    Raises
    ------
    DataError
        If the subset is unknown, a file is not there (it is told which, and where it should lie),
        or is not as published (with its line).

    Notes
    -----
    The files are read by `sensorkit.datasets.load_cmapss`, as for the early warnings of
    `sensorkit evaluate --dataset cmapss`.
    """
    if name not in SUBSETS:
        raise DataError(unknown("subset of C-MAPSS", str(name), SUBSETS))
    files = _files(name, None if folder is None else Path(folder))
    engines = list(_series(files))
    tables = {
        part: _table([one for one in engines if one.extra["part"] == part])
        for part in ("train", "test")
    }
    left = {
        _number(one): int(np.asarray(one.extra["rul"])[-1])
        for one in engines
        if one.extra["part"] == "test"
    }
    lives = np.array(list(left.values()), dtype=np.int64)
    numbers = pd.Index(list(left), name="unit")
    rul = pd.Series(lives.astype(_smallest(lives)), index=numbers, name="rul")
    return Fleet(name, tables["train"], tables["test"], rul, SUBSETS[name])


def here(name: str = "FD001", folder: str | Path | None = None) -> Fleet | None:
    """Read a subset of C-MAPSS as `load` does, or return None if its files are not here.

    Parameters
    ----------
    name, folder
        As for `load`.

    Returns
    -------
    Fleet or None

    Raises
    ------
    DataError
        If the subset is unknown, or a file is not as published.
    """
    if name in SUBSETS and _missing(name, None if folder is None else Path(folder)):
        return None
    return load(name, folder)


def _missing(name: str, folder: Path | None) -> list[str]:
    found = {path.name for path in _found(folder)}
    return [one for text in FILES if (one := text.format(name)) not in found]


def _found(folder: Path | None) -> list[Path]:
    return sorted(_place(folder).rglob("*_FD00?.txt"))


def _place(folder: Path | None) -> Path:
    return datasets.find("cmapss").folder if folder is None else folder


def _files(name: str, folder: Path | None) -> list[Path]:
    """Return the tables of a subset, training before test."""
    if missing := _missing(name, folder):
        fetch = "; `sensorkit datasets fetch cmapss` gets it" if name == "FD001" else ""
        raise DataError(
            f"{name} is not here: {', '.join(missing)} should lie in {_place(folder)}, or in "
            f"cmapss below the folder that SENSORKIT_DATA names{fetch}; the files are at "
            f"{datasets.card('cmapss').homepage}"
        )
    found = {path.name: path for path in _found(folder)}
    return [found[text.format(name)] for text in FILES[:2]]


def _series(files: list[Path]) -> Iterator[Series]:
    for path in files:
        try:
            yield from read(path.parent, [path])
        except (ValueError, OSError) as error:
            raise DataError(f"{path}: is damaged or another file: {error}") from error


def _number(one: Series) -> int:
    return int(one.name.rpartition("/")[2])


def _table(engines: list[Series]) -> pd.DataFrame:
    """Return the rows of engines as one table, in the smallest types that hold them."""
    cycles = [np.asarray(one.extra["cycle"]) for one in engines]
    values = np.concatenate([one.readings.values for one in engines])
    if np.abs(values).max() <= np.finfo(np.float32).max:
        values = values.astype(np.float32)
    numbers = np.repeat([_number(one) for one in engines], [len(cycle) for cycle in cycles])
    whole = {"unit": numbers, "cycle": np.concatenate(cycles)}
    table = pd.DataFrame({k: array.astype(_smallest(array)) for k, array in whole.items()})
    return pd.concat([table, pd.DataFrame(values, columns=list(CHANNELS))], axis=1)


def _smallest(numbers: NDArray[np.int64]) -> type[np.signedinteger[Any]]:
    """Return int16, or the next larger type that holds the numbers."""
    for kind in (np.int16, np.int32):
        if np.iinfo(kind).min <= numbers.min() and numbers.max() <= np.iinfo(kind).max:
            return kind
    return np.int64
