"""TSB-AD: series of many sources in one layout, `Data...,Label`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError

LAYOUT = "NNN_SOURCE_id_N_DOMAIN_tr_N_1st_N.csv, in any folder"

NAME = re.compile(r"((\d+)_(.+)_id_(\d+)_(.+))_tr_(\d+)_1st_(\d+)\.csv")
LABEL = "Label"


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*, in any folder."""
    return tables.files(root, "**/*.csv", NAME.fullmatch)


def read(root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield one series a file; its name does not tell where the first anomaly is.

    `fit` is the train index of the name. Series that were cut out of the same source are a
    group. `extra` has `source` and `domain`. Rows that lack values are NaN and stay; TSB-AD's own
    loader drops them, which closes the gaps.
    """
    for path in found:
        fits = NAME.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - find has asked
        stem, _, source, _, domain, fit, first = fits.groups()
        channels = [name for name in tables.header(path) if name != LABEL]
        if not channels:
            raise DataError(f"{path}:1: has no column but {LABEL}; one with data is wanted")
        frame = tables.read(path, [*channels, LABEL])
        labels = columns.flags(path, frame[LABEL], LABEL)
        n = len(labels)
        if not 0 < int(fit) <= n:
            raise DataError(
                f"{path}: has {n} rows, but its name gives {fit} to fit on; the file is cut off or "
                "renamed"
            )
        notes = ["no times are given; one row is taken as one second"]
        if labels.any() and int(np.argmax(labels)) != int(first):
            notes.append("the first labelled row is not the one that the file name speaks of")
        if labels[: int(fit)].any():
            notes.append("anomalous rows are in the part to fit on")
        yield Series.of(
            "tsb_ad",
            (path.parent.relative_to(root) / stem).as_posix(),
            tables.readings(tables.steps(n), frame[channels]),
            labels,
            group=source,
            fit=int(fit),
            notes=tuple(notes),
            extra={"source": source, "domain": domain},
        )
