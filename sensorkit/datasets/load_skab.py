"""SKAB: runs of a water pump with eight sensors, anomalies and change points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series

LAYOUT = "valve1/*.csv, valve2/*.csv, other/*.csv, anomaly-free/anomaly-free.csv"

FIT = 400
"""Rows that the leaderboard fits on."""

CHANNELS = (
    "Accelerometer1RMS",
    "Accelerometer2RMS",
    "Current",
    "Pressure",
    "Temperature",
    "Thermocouple",
    "Voltage",
    "Volume Flow RateRMS",
)

CAUSES = {
    **dict.fromkeys(range(1, 5), "leak"),
    **dict.fromkeys(range(5, 10), "imbalance"),
    **dict.fromkeys(range(10, 12), "water added"),
    **dict.fromkeys(range(12, 14), "cavitation"),
    14: "hot water",
}
"""What was done in the files of `other`, from the set's own README."""


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*; those of the leaderboard first."""
    folders = ("valve1", "valve2", "other", "anomaly-free")
    return [path for name in folders for path in tables.files(root, f"{name}/*.csv")]


def read(root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield the 34 runs, then the one without anomaly, which no leaderboard uses.

    `extra["changepoints"]` says which rows are change points; shape (n,). The first 400 rows are
    for fitting. Runs of one valve, and of one cause in `other`, are a group.
    """
    for path in found:
        labelled = path.parent.name != "anomaly-free"
        marks = ["anomaly", "changepoint"] if labelled else []
        frame = tables.read(path, [*CHANNELS, *marks], ["datetime"], sep=";")
        if not labelled:
            frame = frame.assign(anomaly=0.0, changepoint=0.0)
        labels = columns.flags(path, frame["anomaly"], "anomaly")
        time = columns.times(path, frame["datetime"], "%Y-%m-%d %H:%M:%S")
        early = int(labels[:FIT].sum())
        yield Series.of(
            "skab",
            path.relative_to(root).with_suffix("").as_posix(),
            tables.readings(time, frame[list(CHANNELS)]),
            labels,
            group=_group(path),
            fit=min(FIT, len(time)),
            notes=(f"{early} anomalous rows are in the part to fit on",) if early else (),
            extra={"changepoints": columns.flags(path, frame["changepoint"], "changepoint")},
        )


def _group(path: Path) -> str:
    if path.parent.name == "other" and path.stem.isdigit():
        return f"other/{CAUSES.get(int(path.stem), path.stem)}"
    return path.parent.name
