"""NAB: 58 files of one value each, with windows that stand in a file of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError
from sensorkit.readings import isoformat, parse_time

T = TypeVar("T")

LAYOUT = "data/<folder>/<file>.csv with labels/combined_windows.json"

PROBATION_SHARE, MOST_PROBATION_ROWS = 0.15, 750
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


def read(root: Path, found: Iterable[Path]) -> Iterator[Series]:
    """Yield the files in order of their names; `extra["points"]` are the rows of the point labels.

    The rows of a window are those from its first time to its last one, as NAB takes them.
    `fit` is the probation. Files that share a sensor, an exchange or a user, and the artificial
    ones, are a group.
    """
    windows = _labels(root, "combined_windows.json", _span, "a first and a last time")
    points = _labels(root, "combined_labels.json", _time, "a time")
    for path in found:
        key = path.relative_to(root / "data").as_posix()
        if key not in windows:
            raise DataError(
                f"{root / 'labels' / 'combined_windows.json'}: has no entry for {key}; fetch the "
                "set again, files and labels of one version belong together"
            )
        yield _series(path, key, windows[key], points.get(key, []))


def _labels(root: Path, name: str, parse: Callable[[object], T], what: str) -> dict[str, list[T]]:
    """Return what a file of labels has for each file of the set, each label as *parse* makes it."""
    path = root / "labels" / name
    try:
        found = json.loads(tables.text_of(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting that has no end
        raise DataError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}:1: holds {type(found).__name__}; files and their times are wanted")
    parsed: dict[str, list[T]] = {}
    for key, labels in found.items():
        if not isinstance(labels, list):
            raise DataError(f"{path}: {key} has {json.dumps(labels)}; a list of times is wanted")
        for label in labels:
            try:
                parsed.setdefault(key, []).append(parse(label))
            except (TypeError, ValueError, ArithmeticError) as error:
                raise DataError(f"{path}: {key} has {json.dumps(label)}, not {what}") from error
        parsed.setdefault(key, [])
    return parsed


def _time(text: object) -> int:
    if not isinstance(text, str):
        raise TypeError
    return parse_time(text)


def _span(pair: object) -> tuple[int, int]:
    if not isinstance(pair, list):
        raise TypeError
    first, last = pair
    return _time(first), _time(last)


def _series(path: Path, key: str, windows: list[tuple[int, int]], points: list[int]) -> Series:
    frame = tables.read(path, ["value"], ["timestamp"])
    time = columns.times(path, frame["timestamp"], "%Y-%m-%d %H:%M:%S")
    labels = np.zeros(len(time), dtype=bool)
    rows = []
    for first, last in windows:
        inside = np.flatnonzero((time >= first) & (time <= last))
        if not len(inside):
            raise DataError(
                f"{path}: the window {isoformat(first)} to {isoformat(last)} has no row in the file"
            )
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
        fit=min(int(PROBATION_SHARE * len(time)), MOST_PROBATION_ROWS),
        notes=(note,) if backwards else (),
        extra={"points": np.flatnonzero(np.isin(time, points)).astype(np.int64)},
    )


def _group(name: str) -> str:
    for pattern, group in SHARED:
        fits = pattern.fullmatch(name)
        if fits:
            return group.format(fits[1])
    return name
