"""A user's own CSV file becomes a recording, with a profile drawn from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture.columns import (
    MISSING,
    NumberColumn,
    identifier,
    number_columns,
    word_column,
)
from sensorkit.capture.reader import Recording
from sensorkit.capture.table_source import Row, Table, read_table
from sensorkit.capture.times import NO_TIME, read_times
from sensorkit.capture.writer import relative, write_recording
from sensorkit.errors import RecordingError, UsageError
from sensorkit.profile import Channel, Profile
from sensorkit.readings import FaultLabel, Readings, Rejection, RejectReason, Words

HEARTBEAT_STEPS = 5
"""An imported device is silent after so many median steps: a sampler that skips one or two is
usual (5 % of the steps of SKAB are doubled), five in a row are not."""

NOT_LABELLED = frozenset({*MISSING, "0", "0.0", "false", "no", "n", "normal", "ok"})


def import_csv(
    path: str | Path,
    *,
    time: str,
    out: str | Path,
    time_format: str | None = None,
    delimiter: str | None = None,
    device: str | None = None,
    device_column: str | None = None,
    status_column: str | None = None,
    label: str | None = None,
    leave_out: Sequence[str] = (),
    profile: Profile | None = None,
    name: str | None = None,
) -> Recording:
    """Turn a CSV file with a header line into a recording of kind imported.

    Each row becomes a reading or a line of parser_errors.log; the rows keep their order, whatever
    their times. What was found (delimiter, form of the times, columns left out and why, times
    that repeat or step back, gaps) stands in `recording.meta["source"]`.

    Parameters
    ----------
    path : path
    time : str
        Column with the times.
    out : path
        New folder.
    time_format : str, optional
        `s`, `ms`, `us`, `ns` or a format of `strptime`; found out where not given.
    delimiter : str, optional
        Found out where not given.
    device : str, optional
        What the device column says; the file's name by default.
    device_column, status_column : str, optional
        Columns of words; those called `device` and `status` by default.
    label : str, optional
        Column that marks faults: contiguous rows where it is neither empty, zero, false nor normal
        become one label.
    leave_out : sequence of str
        Columns that are no channels.
    profile : Profile, optional
        Its channels are taken from the columns of their names; drawn from the data by default.

    Returns
    -------
    Recording

    Raises
    ------
    UsageError
        If the file, a column or the times cannot be read.
    RecordingError
        If *out* exists, or no row can be used.
    """
    path, out = Path(path), Path(out)
    named = [c for c in (time, device_column, status_column, label, *leave_out) if c]
    table = read_table(path, delimiter=delimiter, wanted=named)
    device_column = device_column or word_column(table, "device", named)
    status_column = status_column or word_column(table, "status", named)
    taken = {time, device_column, status_column, label, *leave_out}
    times, form = read_times(table.column(time), form=time_format, where=f"{path}: column {time!r}")
    channels, left_out = number_columns(table, taken, profile)
    if not channels:
        why = "; ".join(f"{column!r} {reason}" for column, reason in left_out.items())
        raise UsageError(
            f"{path}: has no column of numbers beside {time!r} ({why or 'no other column'}); "
            "choose another file or give --delimiter"
        )
    reasons = _reasons(times, channels)
    keep = np.array([reason is None for reason in reasons], dtype=bool)
    if not keep.any():
        raise RecordingError(
            f"{path}: none of its {len(table.rows)} rows can be used "
            f"({reasons[0].value if reasons and reasons[0] else 'there are none'}); look at its "
            "first lines"
        )
    rows = np.flatnonzero(keep)
    device = device or identifier(path.stem)
    devices = _words(table, device_column, rows, device)
    readings = Readings.build(
        times[rows],
        np.array([channel.values for channel in channels]).T[rows],
        [channel.name for channel in channels],
        device=devices,
        status=None if status_column is None else _words(table, status_column, rows, ""),
    )
    texts = list(zip(*[[channel.texts[i] for i in rows] for channel in channels], strict=True))
    profile = profile or _draw(identifier(path.stem), device, channels, readings)
    options = {
        "time": time,
        "time_format": time_format,
        "delimiter": delimiter,
        "device": device,
        "device_column": device_column,
        "status_column": status_column,
        "label": label,
        "leave_out": list(leave_out),
    }
    source = {
        "path": relative(path, out),
        "sha256": table.sha256,
        "delimiter": table.delimiter,
        "time_format": form,
        "rows": len(table.rows) + len(table.rejected),
        "left_out": left_out,
        **_unusual(_steps(readings)),
        "options": options,
    }
    return write_recording(
        out,
        profile,
        readings,
        kind="imported",
        texts=texts,
        labels=None if label is None else _labels(table.column(label), readings, rows),
        rejections=_rejections(table, reasons, times),
        source=source,
        name=name,
        device=device,
    )


def reimport(recording: Recording, out: Path) -> Recording:
    """Import the table of *recording* once more.

    Raises
    ------
    RecordingError
        If the table is no longer there, or no longer the same.
    """
    source = recording.meta["source"]
    path = recording.dir / source["path"]
    options = source["options"]
    if not path.is_file():
        raise RecordingError(
            f"{recording.dir}: was imported from {path}, which is not there; put the file back"
        )
    table = read_table(path, delimiter=options["delimiter"], wanted=[])
    if table.sha256 != source["sha256"]:
        raise RecordingError(
            f"{path}: is not the file that {recording.dir} was imported from (its sha256 is "
            f"{table.sha256[:12]}, wanted is {source['sha256'][:12]}); put that one back"
        )
    return import_csv(path, out=out, name=recording.name, profile=recording.profile, **options)


def _reasons(times: NDArray[np.int64], channels: list[NumberColumn]) -> list[RejectReason | None]:
    reasons: list[RejectReason | None] = [
        RejectReason.TIME if time == NO_TIME else None for time in times.tolist()
    ]
    for channel in channels:
        for row in channel.bad:
            reasons[row] = reasons[row] or RejectReason.NUMBER
    return reasons


def _rejections(
    table: Table, reasons: list[RejectReason | None], times: NDArray[np.int64]
) -> list[Rejection]:
    """Return the rows that are no readings, in the order of the file.

    The time of one without a time is that of the row before it.
    """
    refused: list[tuple[int, Row, RejectReason]] = [
        *((index - 1, row, reason) for index, row, reason in table.rejected),
        *((i, table.rows[i], reason) for i, reason in enumerate(reasons) if reason is not None),
    ]
    timed = np.flatnonzero(times != NO_TIME)
    # For each row the last one up to it that has a time; the first where there is none.
    places = np.searchsorted(timed, [index for index, _, _ in refused], side="right") - 1
    at = times[timed[np.maximum(places, 0)]].tolist()
    rejections = [
        Rejection(time, row.offset, reason, row.line)
        for time, (_, row, reason) in zip(at, refused, strict=True)
    ]
    return sorted(rejections, key=lambda rejection: rejection.offset)


def _words(table: Table, column: str | None, rows: NDArray[np.intp], otherwise: str) -> Words:
    if column is None:
        return Words.constant(otherwise, len(rows))
    texts = table.column(column)
    return Words.of([texts[i] or otherwise or None for i in rows])


def _labels(marks: list[str], readings: Readings, rows: NDArray[np.intp]) -> list[FaultLabel]:
    """Return a label for each run of marked rows of a device."""
    marked = np.array([marks[i].lower() not in NOT_LABELLED for i in rows], dtype=bool)
    labels = []
    for code, device in enumerate(readings.device.vocabulary):
        mine = np.flatnonzero(readings.device.codes == code)
        edges = np.flatnonzero(np.diff(marked[mine], prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2):
            first, last = mine[start], mine[stop - 1]
            labels.append((int(first), int(last), device))
    return [
        FaultLabel(
            id=number,
            device=device,
            start=int(readings.time[first]),
            end=int(readings.time[last]),
            kind="labelled",
            channel=None,
            layer="signal",
            magnitude=None,
            magnitude_sigma=None,
            seed=0,
        )
        for number, (first, last, device) in enumerate(sorted(labels), 1)
    ]


def _steps(readings: Readings) -> NDArray[np.int64]:
    """Return the times between two readings of a device, nanoseconds."""
    codes = range(len(readings.device.vocabulary))
    steps = [np.diff(readings.time[readings.device.codes == code]) for code in codes]
    return np.concatenate(steps) if steps else np.empty(0, dtype=np.int64)


def _median_s(steps: NDArray[np.int64]) -> float | None:
    """Return the usual time between two readings, seconds; None where all times are equal."""
    positive = steps[steps > 0]
    return float(np.median(positive)) / 1e9 if len(positive) else None


def _draw(name: str, device: str, channels: list[NumberColumn], readings: Readings) -> Profile:
    step = _median_s(_steps(readings))
    described = []
    for channel in channels:
        decimals = [len(text.partition(".")[2]) for text in channel.texts if text]
        entry: dict[str, Any] = {
            "name": channel.name,
            "unit": channel.unit,
            "label": "" if channel.column == channel.name else channel.column,
            "decimals": min(max(decimals, default=9), 9),
        }
        described.append(Channel(**entry))
    return Profile(
        name=name,
        description="drawn from an imported table",
        device=identifier(device),
        rate_hz=1.0 if step is None else 1 / step,
        heartbeat_s=None if step is None else HEARTBEAT_STEPS * step,
        channels=tuple(described),
    )


def _unusual(steps: NDArray[np.int64]) -> dict[str, Any]:
    """Return what the user should know about the times."""
    median = _median_s(steps)
    return {
        "duplicate_times": int((steps == 0).sum()),
        "decreasing_times": int((steps < 0).sum()),
        "median_step_s": median,
        "gaps": 0 if median is None else int((steps > HEARTBEAT_STEPS * median * 1e9).sum()),
        "longest_step_s": float(steps.max()) / 1e9 if len(steps) else None,
    }
