"""Suthaharan: humidity and temperature of motes, with events introduced into some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.readings import Readings

LAYOUT = "singlehop/singlehop_<place>_moteid<n>_data.txt, and the same in multihop/"

NAME = re.compile(r"(singlehop|multihop)_(\w+)_moteid(\d+)_data\.txt")
CHANNELS = ("humidity", "temperature")
PERIOD = 5.0
"""Seconds between readings, as the set says."""


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*."""
    return tables.files(root, "*/*.txt", NAME.fullmatch)


def read(_root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield one series a mote, `singlehop/indoor/1`; motes at one place are a group.

    Times are 5 s for each number of a reading, so that a lost reading would stay a gap.
    """
    for path in found:
        fits = NAME.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - find has asked
        hop, place, mote = fits.groups()
        table = tables.matrix(path, 5, skip=1)  # the header is one line of words
        group = f"{hop}/{place}"
        time = columns.whole_ns(path, table[:, 0] * PERIOD, "the time of a reading")
        yield Series.of(
            "suthaharan",
            f"{group}/{mote}",
            Readings.build(time, table[:, 2:4], CHANNELS, device=f"mote {mote}"),
            columns.flags(path, table[:, 4], "the label"),
            group=group,
            notes=("no times are given; readings are taken as 5 s apart",),
        )
