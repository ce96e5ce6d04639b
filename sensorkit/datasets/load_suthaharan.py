"""Suthaharan: humidity and temperature of motes, with events introduced into some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets import tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import Readings

LAYOUT = "singlehop/singlehop_<place>_moteid<n>_data.txt, and the same in multihop/"

NAME = re.compile(r"(singlehop|multihop)_(\w+)_moteid(\d+)_data\.txt")
CHANNELS = ("humidity", "temperature")
PERIOD = 5.0
"""Seconds between readings, as the set says."""


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*."""
    return tables.files(root, "*/*.txt", NAME.fullmatch)


def read(_root: Path, found: list[Path]) -> Iterator[Series]:
    """Yield one series a mote, `singlehop/indoor/1`; motes at one place are a group.

    Times are 5 s for each number of a reading, so that a lost reading would stay a gap.
    """
    for path in found:
        fits = NAME.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - find has asked
        hop, place, mote = fits.groups()
        table = _rows(path)
        group = f"{hop}/{place}"
        time = np.rint(table[:, 0] * PERIOD * tables.SECOND).astype(np.int64)
        yield Series.of(
            "suthaharan",
            f"{group}/{mote}",
            Readings.build(time, table[:, 2:4], CHANNELS, device=f"mote {mote}"),
            table[:, 4] == 1.0,
            group=group,
            notes=("no times are given; readings are taken as 5 s apart",),
        )


def _rows(path: Path) -> NDArray[np.float64]:
    """Return number, mote, humidity, temperature and label; the header is one line of words."""
    table = tables.matrix(path, 5, skip=1)
    bad = np.flatnonzero(~np.isin(table[:, 4], (0.0, 1.0)))
    if len(bad):
        row = int(bad[0])
        raise DataError(f"{path}:{row + 2}: the label is {table[row, 4]:g}; 0 or 1 is wanted")
    return table
