"""C-MAPSS: simulated turbofan engines that run to failure, or are cut off before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import Readings

LAYOUT = "train_FD00n.txt, test_FD00n.txt with RUL_FD00n.txt (n from 1 to 4)"

NAME = re.compile(r"(train|test)_(FD00[1-4])\.txt")
SETTINGS = ("setting_1", "setting_2", "setting_3")
CHANNELS = (*SETTINGS, *(f"sensor_{i}" for i in range(1, 22)))
UNIT, CYCLE = 0, 1
NOTES = (
    "no fault is labelled; when it begins is not told, only how many cycles are left",
    "no times are given; one cycle is taken as one second",
)


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*, by subset, training before test."""
    found = tables.files(root, "*.txt", NAME.fullmatch)
    return sorted(found, key=lambda path: (path.stem[-5:], path.name.startswith("test")))


def read(_root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield one series an engine, `FD001/train/1`; every engine is a group, and a device.

    No row is labelled. `extra` has `cycle` and `rul`, the cycles left after each row, int64 of
    shape (n,) (0 in the last row of a training engine, which is its failure); `subset`
    (`FD001` to `FD004`); `part` (`train` or `test`); and `settings`, the names of the three
    channels that say how the engine is flown.
    """
    for path in found:
        fits = NAME.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - find has asked
        part, subset = fits.groups()
        table = tables.matrix(path, 2 + len(CHANNELS))
        engines = _engines(path, table)
        left = np.zeros(len(engines), dtype=np.int64)
        if part == "test":
            left = _rul(path.with_name(f"RUL_{subset}.txt"), path, len(engines))
        for (first, after), remaining in zip(engines, left, strict=True):
            yield _engine(table[first:after], subset, part, int(remaining))


def _engines(path: Path, table: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return first row and row after the last one of each engine."""
    units = columns.whole(path, table[:, UNIT], "the number of an engine", skip=0)
    cycles = columns.whole(path, table[:, CYCLE], "a cycle", skip=0)
    starts = np.flatnonzero(np.diff(units, prepend=units[0] - 1) != 0)
    if len(starts) != len(np.unique(units)):
        raise DataError(f"{path}: the rows of one engine stand apart; the file was sorted or mixed")
    ends = [*starts[1:].tolist(), len(units)]
    rises = np.diff(cycles, prepend=cycles[0] - 1) > 0
    rises[starts] = True
    columns.demand(
        path, rises, lambda row: f"the cycle of engine {units[row]} does not rise", skip=0
    )
    return list(zip(starts.tolist(), ends, strict=True))


def _rul(path: Path, test: Path, engines: int) -> NDArray[np.int64]:
    if not path.is_file():
        raise DataError(f"{path}: is not there; {test.name} wants the cycles left of its engines")
    left = columns.whole(path, tables.matrix(path, 1)[:, 0], "cycles left", skip=0)
    if len(left) != engines:
        raise DataError(f"{path}: has {len(left)} numbers, {test.name} has {engines} engines")
    return left


def _engine(rows: NDArray[np.float64], subset: str, part: str, left: int) -> Series:
    cycle = rows[:, CYCLE].astype(np.int64)
    name = f"{subset}/{part}/{int(rows[0, UNIT])}"
    return Series.of(
        "cmapss",
        name,
        Readings.build(cycle * tables.SECOND, rows[:, 2:], CHANNELS, device=name),
        np.zeros(len(rows), dtype=bool),
        notes=NOTES,
        extra={
            "cycle": cycle,
            "rul": cycle[-1] - cycle + left,
            "subset": subset,
            "part": part,
            "settings": SETTINGS,
        },
    )
