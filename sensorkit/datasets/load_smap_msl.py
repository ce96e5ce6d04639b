"""SMAP and MSL: telemetry of two spacecraft, a training and a test part a channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import Readings

LAYOUT = "smap/<channel>.train.csv with .test.csv, and the same in msl/"
TEST, TRAIN = ".test.csv", ".train.csv"


def find(root: Path) -> list[Path]:
    """Return the test files of the set below *root*."""
    return [path for craft in ("msl", "smap") for path in tables.files(root, f"{craft}/*{TEST}")]


def read(root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield the channels: the training part, which is `fit` rows long, and then the test part.

    The first letter of a channel is its kind (power, radiation, ...); channels of one kind on one
    spacecraft are a group.
    """
    for path in found:
        train = path.with_name(path.name.replace(TEST, TRAIN))
        if not train.is_file():
            raise DataError(f"{train}: is not there; {path.name} wants its training part beside it")
        parts = [tables.read(part, ["value", "is_anomaly"]) for part in (train, path)]
        labels = [
            columns.flags(p, f["is_anomaly"], "is_anomaly")
            for p, f in zip((train, path), parts, strict=True)
        ]
        values = np.concatenate([part["value"].to_numpy(np.float64) for part in parts])
        name = path.relative_to(root).as_posix().removesuffix(TEST)
        notes = ["no times are given; one row is taken as one second"]
        if name == "smap/P-2":
            notes.append("its labels are in dispute: the list of the set has two rows for it")
        yield Series.of(
            "smap_msl",
            name,
            Readings.build(tables.steps(len(values)), values[:, None], ["value"]),
            np.concatenate(labels),
            group=name.partition("-")[0],
            fit=len(labels[0]),
            notes=tuple(notes),
        )
