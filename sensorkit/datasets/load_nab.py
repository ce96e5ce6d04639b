"""NAB: 58 files of one value each, with windows that stand in a file of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets import tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import parse_time

LAYOUT = "data/<folder>/<file>.csv with labels/combined_windows.json"

PROBATION_SHARE, PROBATION_MOST = 0.15, 750
"""Rows at the front in which nothing counts; NAB's `getProbationPeriod`."""

SHARED = (
    # Two quantities of one road sensor, of one exchange, of one user; variants of one curve.
    (re.compile(r"realTraffic/\w+?_(\w+)"), "realTraffic/{}"),
    (re.compile(r"realAdExchange/(exchange-\d+)_\w+"), "realAdExchange/{}"),
    (re.compile(r"realKnownCause/(rogue_agent)\w+"), "realKnownCause/{}"),
    (re.compile(r"artificial\w+/(art)_\w+"), "artificial/{}"),
)


def find(root: Path) -> list[Path]:
    """Return the files of the set below *root*."""
    return tables.files(root, "data/*/*.csv")


def read(root: Path, found: list[Path]) -> Iterator[Series]:
    """Yield the files in order of their names; `extra["points"]` are the rows of the point labels.

    The rows of a window are those from its first time to its last one, as NAB takes them.
    `fit` is the probation. Files that share a sensor, an exchange or a user, and the artificial
    ones, are a group.
    """
    windows = _labels(root, "combined_windows.json")
    points = _labels(root, "combined_labels.json")
    for path in found:
        key = path.relative_to(root / "data").as_posix()
        if key not in windows:
            raise DataError(
                f"{root / 'labels' / 'combined_windows.json'}: has no entry for {key}; fetch the "
                "set again, files and labels of one version belong together"
            )
        yield _series(path, key, windows[key], points.get(key, []))


def _labels(root: Path, name: str) -> dict[str, list[object]]:
    path = root / "labels" / name
    try:
        found = json.loads(tables.text_of(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is no JSON: {error.msg}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}:1: holds {type(found).__name__}; files and their times are wanted")
    return found


def _series(path: Path, key: str, windows: list[object], points: list[object]) -> Series:
    frame = tables.read(path, ["value"], ["timestamp"])
    time = tables.times(path, frame["timestamp"], "%Y-%m-%d %H:%M:%S")
    labels = np.zeros(len(time), dtype=bool)
    rows = []
    for window in windows:
        first, last = _span(path, key, window)
        inside = np.flatnonzero((time >= first) & (time <= last))
        if not len(inside):
            raise DataError(f"{path}: the window {window} of {key} has no row in the file")
        rows.append((int(inside[0]), int(inside[-1])))
        labels[inside[0] : inside[-1] + 1] = True
    name = key.removesuffix(".csv")
    backwards = int(np.sum(np.diff(time) <= 0))
    note = f"{backwards} times stand still or step back"
    return Series.of(
        "nab",
        name,
        tables.readings(time, frame[["value"]]),
        labels,
        group=_group(name),
        windows=np.array(sorted(rows), dtype=np.int64).reshape(-1, 2),
        fit=min(int(PROBATION_SHARE * len(time)), PROBATION_MOST),
        notes=(note,) if backwards else (),
        extra={"points": _points(time, points)},
    )


def _span(path: Path, key: str, window: object) -> tuple[int, int]:
    try:
        if isinstance(window, list) and len(window) == 2:
            return parse_time(window[0]), parse_time(window[1])
    except (TypeError, ValueError):
        pass
    raise DataError(f"{path}: the window {window!r} of {key} is not a first and a last time")


def _points(time: NDArray[np.int64], points: list[object]) -> NDArray[np.int64]:
    wanted = [parse_time(str(point)) for point in points]
    return np.flatnonzero(np.isin(time, wanted)).astype(np.int64)


def _group(name: str) -> str:
    for pattern, group in SHARED:
        fits = pattern.fullmatch(name)
        if fits:
            return group.format(fits[1])
    return name
