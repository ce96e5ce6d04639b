"""The text files of a recording, each written and read in one place; see docs/formats.md."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .:/#%()-]*").fullmatch
_IS_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII).fullmatch


@functools.lru_cache(maxsize=4096)
def csv_word(word: str) -> str:
    r"""Return *word* as it may stand in a CSV file that somebody opens with a spreadsheet.

    Control characters are escaped; a text that a spreadsheet would run as a formula gets a `'` in
    front, which is how spreadsheets mark text.

    >>> csv_word("WARNING_TEMP"), csv_word('=HYPERLINK("x")'), csv_word("a,b")
    ('WARNING_TEMP', '"\'=HYPERLINK(""x"")"', '"a,b"')
    """
    if _PLAIN_WORD(word) or _IS_NUMBER(word):
        return word
    word = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in word
    )
    if word[:1] in {"=", "+", "-", "@"}:
        word = "'" + word
    if any(char in word for char in ',"'):
        word = '"' + word.replace('"', '""') + '"'
    return word


def iso_all(times: Iterable[int]) -> list[str]:
    """Return `isoformat` of each time, quickly where they follow each other."""
    texts = []
    last, text, second, prefix = None, "", None, ""
    for time in times:
        if time != last:
            seconds, rest = divmod(time, 1_000_000_000)
            if seconds != second:
                second, prefix = seconds, isoformat(seconds * 1_000_000_000)[:-7]
            text = f"{prefix}{rest // 1000:06d}Z"
            last = time
        texts.append(text)
    return texts


def metrics_header(channels: Sequence[str]) -> str:
    """Return the first line of structured_metrics.csv."""
    return ",".join(["timestamp", "device", "sequence", *channels, "status", "offset"]) + "\n"


def metrics_rows(readings: Readings, texts: Sequence[Sequence[str | None]] | None) -> str:
    """Return rows of structured_metrics.csv.

    Parameters
    ----------
    readings : Readings of length n
    texts : n rows of n_channels texts, optional
        How the values stood on the wire; None for one that did not stand there: it is written
        with `repr`, the shortest text that gives the same number.
    """
    if texts is None:
        # NaN is the one number that is not equal to itself.
        rows = [
            ",".join(["" if v != v else repr(v) for v in row]) for row in readings.values.tolist()
        ]
    else:
        try:
            rows = [",".join(row) for row in texts]  # type: ignore[arg-type]
        except TypeError:
            rows = [
                ",".join(
                    [
                        text if text is not None else ("" if v != v else repr(v))
                        for text, v in zip(row, values, strict=True)
                    ]
                )
                for row, values in zip(texts, readings.values.tolist(), strict=True)
            ]
    return "".join(
        [
            f"{time},{device},{sequence},{row},{status},{offset}\n"
            for time, device, sequence, row, status, offset in zip(
                iso_all(readings.time.tolist()),
                _words(readings.device),
                _numbers(readings.sequence.tolist(), NO_SEQUENCE),
                rows,
                _words(readings.status),
                _numbers(readings.offset.tolist(), NO_OFFSET),
                strict=True,
            )
        ]
    )


def _words(words: Words) -> list[str]:
    texts = [*map(csv_word, words.vocabulary), ""]  # the last entry catches the code -1
    return [texts[code] for code in words.codes.tolist()]


def _numbers(numbers: list[int], none: int) -> list[int | str]:
    return (
        ["" if number == none else number for number in numbers] if none in numbers else [*numbers]
    )


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
