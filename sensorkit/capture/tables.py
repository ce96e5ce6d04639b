"""The text files of a recording, each written and read in one place; see docs/formats.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sensorkit.capture.rows import csv_word, metrics_header
from sensorkit.errors import RecordingError
from sensorkit.faults.labels import LABEL_COLUMNS
from sensorkit.readings import (
    NO_OFFSET,
    NO_SEQUENCE,
    Event,
    FaultLabel,
    Readings,
    Rejection,
    Words,
    isoformat,
)

ERROR_COLUMNS = ("time", "offset", "reason", "line")
FIXED_COLUMNS = frozenset({"timestamp", "device", "sequence", "status", "offset"})
"""Column names that a channel cannot have."""

# Before 3.1 pandas read decimals to within a digit unless told otherwise; since then it reads
# them exactly and warns when told so.
_EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else
    {"float_precision": "round_trip"}
)  # fmt: skip

# What pandas raises at a damaged table: TypeError where a number has a fraction too many.
_UNREADABLE = (ValueError, TypeError, OverflowError)


def read_metrics(path: Path, channels: Sequence[str]) -> Readings:
    """Return the readings in a structured_metrics.csv.

    Raises
    ------
    RecordingError
        If the columns are not those of *channels*, or a value is not of its column's type.
    """
    columns = metrics_header(channels).rstrip("\n").split(",")
    try:
        with path.open(encoding="utf-8") as file:
            header = file.readline().rstrip("\n").split(",")
        if header != columns:
            raise ValueError(f"its columns are {', '.join(header)}, not {', '.join(columns)}")
        frame = pd.read_csv(
            path,
            dtype={
                **dict.fromkeys(channels, "float64"),
                "timestamp": "str",
                "device": "category",
                "sequence": "Int64",
                "status": "category",
                "offset": "Int64",
            },
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
            **_EXACT,
        )
        stamps = pd.DatetimeIndex(pd.to_datetime(frame["timestamp"], format="ISO8601", utc=True))
        time = stamps.as_unit("ns").asi8
    except (OSError, *_UNREADABLE) as error:
        raise _unreadable(path, error) from error
    return Readings(
        time=time,
        values=frame[list(channels)].to_numpy(dtype=np.float64),
        channels=tuple(channels),
        device=_coded(frame["device"]),
        status=_coded(frame["status"]),
        sequence=frame["sequence"].to_numpy(dtype=np.int64, na_value=NO_SEQUENCE),
        offset=frame["offset"].to_numpy(dtype=np.int64, na_value=NO_OFFSET),
    )


def _unreadable(path: Path, error: Exception) -> RecordingError:
    # Pandas explains itself in several lines; the first says what is wrong.
    reason = str(error).strip().partition("\n")[0]
    return RecordingError(
        f"{path}: cannot be read: {reason}; `sensorkit verify {path.parent}` says whether it was "
        "changed since"
    )


def read_texts(path: Path, channels: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the values in a structured_metrics.csv as they are written there."""
    frame = pd.read_csv(
        path, usecols=list(channels), dtype="str", keep_default_na=False, encoding="utf-8"
    )
    return list(zip(*(frame[name].tolist() for name in channels), strict=True))


def _coded(column: pd.Series[Any]) -> Words:
    categorical = column.cat
    return Words(
        np.asarray(categorical.codes, dtype=np.int32),
        tuple(str(word) for word in categorical.categories),
    )


_ESCAPED = re.compile(rb"[^ -\[\]-~]")  # all but printable ASCII, and the backslash


def escape(data: bytes) -> str:
    r"""Return *data* as printable ASCII from which it can be had back.

    >>> escape(b"T:8\x005\\")
    'T:8\\x005\\x5c'
    """
    return _ESCAPED.sub(lambda match: b"\\x%02x" % match[0][0], data).decode("ascii")


def unescape(text: str) -> bytes:
    r"""Return the bytes that `escape` was given.

    >>> unescape(escape(bytes(range(256)))) == bytes(range(256))
    True
    """
    return re.sub(
        rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode()
    )


def error_lines(rejections: Iterable[Rejection]) -> str:
    """Return lines of parser_errors.log."""
    return "".join(
        [
            f"{isoformat(r.time)}\t{r.offset}\t{r.reason.value}\t{escape(r.line)}\n"
            for r in rejections
        ]
    )


def read_errors(path: Path) -> pd.DataFrame:
    """Return parser_errors.log: time (UTC), offset, reason, line (escaped).

    Raises
    ------
    RecordingError
        If it has been damaged.
    """
    try:
        with path.open(encoding="ascii", newline="\n") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        frame = pd.DataFrame(rows, columns=list(ERROR_COLUMNS), dtype="object")
        stamps = pd.to_datetime(frame["time"], format="ISO8601", utc=True)
        return frame.assign(time=stamps.dt.as_unit("ns"), offset=frame["offset"].astype("int64"))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def event_line(event: Event) -> str:
    """Return a line of events.jsonl."""
    fields = {
        "time": isoformat(event.time),
        "kind": event.kind,
        "offset": event.offset,
        "details": event.details,
    }
    return json.dumps(fields, ensure_ascii=True, allow_nan=False) + "\n"


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the events in events.jsonl: time, kind, offset, details.

    Raises
    ------
    RecordingError
        If a line is no event.
    """
    events = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                event = json.loads(line)
                known = event.keys() >= {"time", "kind", "offset", "details"}
            except (ValueError, AttributeError):
                known = False
            if not known:
                raise RecordingError(
                    f"{path}:{number}: is no event; `sensorkit verify {path.parent}` says whether "
                    "it was changed since"
                )
            events.append(event)
    return events


def label_lines(labels: Iterable[FaultLabel]) -> str:
    """Return labels.csv."""
    lines = [",".join(LABEL_COLUMNS)]
    for label in labels:
        fields = {**vars(label), "start": isoformat(label.start), "end": isoformat(label.end)}
        fields["device"] = csv_word(label.device)
        lines.append(
            ",".join("" if fields[name] is None else str(fields[name]) for name in LABEL_COLUMNS)
        )
    return "\n".join(lines) + "\n"


def read_labels(path: Path) -> pd.DataFrame:
    """Return labels.csv with the columns `LABEL_COLUMNS`, empty if there is no such file.

    Raises
    ------
    RecordingError
        If its columns are others, or it has been damaged.
    """
    if not path.exists():
        return _typed_labels(pd.DataFrame(columns=list(LABEL_COLUMNS)))
    text = dict.fromkeys(("device", "kind", "channel", "layer"), "str")
    try:
        frame = pd.read_csv(
            path, dtype=text, keep_default_na=False, na_values=[""], encoding="utf-8", **_EXACT
        )
        if tuple(frame.columns) != LABEL_COLUMNS:
            raise RecordingError(
                f"{path}: its columns are {', '.join(frame.columns)}, wanted are "
                f"{', '.join(LABEL_COLUMNS)}; write labels with sensorkit"
            )
        return _typed_labels(frame)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _typed_labels(frame: pd.DataFrame) -> pd.DataFrame:
    stamps = {
        name: pd.to_datetime(frame[name], format="ISO8601", utc=True).dt.as_unit("ns")
        for name in ("start", "end")
    }
    return frame.assign(**stamps).astype(
        {
            "id": "int64",
            "magnitude": "float64",
            "magnitude_sigma": "float64",
            "seed": "int64",
            **dict.fromkeys(("device", "kind", "channel", "layer"), "object"),
        }
    )
