"""ASN(x): weeks of a wireless sensor node, clean and with recorded faults spliced in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.readings import Words

LAYOUT = "base_datasets/*.csv, faulty_datasets/*-faulty-N.csv"

NAME = re.compile(r"base-(.+?)(?:-faulty-(\d+))?\.csv")
TIME, DEVICE, LABEL = "timestamp [UNIX]", "snid", "fault"
COUNTER = "sntime"
UNIT = re.compile(r" \[.*\]$")


def _plain(name: str) -> str:
    """Return the name of a file as in the copy: the original has `_-_` where it has `-`."""
    return name.replace("_-_", "-")


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*: clean weeks, then those with faults."""
    return [
        path
        for folder in ("base_datasets", "faulty_datasets")
        for path in tables.files(root, f"{folder}/*.csv", lambda n: NAME.fullmatch(_plain(n)))
    ]


def read(_root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield the recordings, `<week>/clean` and `<week>/faulty-N`; a week is a group.

    `extra["diagnostics"]` names the channels (`x_...`) by which the node tells of itself: their
    sum alone ranks nearly all faults first, so results belong beside those without them. The
    recorded fault signatures are not series; they stand in the folder.
    """
    for path in found:
        fits = NAME.fullmatch(_plain(path.name))
        assert fits is not None  # noqa: S101 - find has asked
        week, number = fits.groups()
        others = {TIME, DEVICE, LABEL, COUNTER}
        channels = [name for name in tables.header(path) if name not in others]
        names = [UNIT.sub("", name) for name in channels]
        frame = tables.read(path, [TIME, *channels, LABEL], [DEVICE])
        columns.demand(
            path,
            frame[DEVICE].to_numpy() != "",
            lambda _: f"{DEVICE} is empty; the name of a node is wanted",
        )
        yield Series.of(
            "asnx",
            f"{week}/clean" if number is None else f"{week}/faulty-{number}",
            tables.readings(
                columns.unix_seconds(path, frame[TIME]),
                frame[channels],
                names=names,
                device=Words.of(frame[DEVICE]),
            ),
            columns.flags(path, frame[LABEL], LABEL),
            group=week,
            extra={"diagnostics": tuple(name for name in names if name.startswith("x_"))},
        )
