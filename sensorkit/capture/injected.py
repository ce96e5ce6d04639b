"""Recordings made from others by injecting faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import layout, tables
from sensorkit.capture.faulty_line import FaultyLine
from sensorkit.capture.reader import Recording
from sensorkit.capture.writer import write_recording
from sensorkit.errors import PlanError, RecordingError
from sensorkit.faults.base import TransportKind
from sensorkit.faults.labels import LABEL_COLUMNS
from sensorkit.faults.placing import Placed
from sensorkit.faults.plan import FaultPlan
from sensorkit.faults.signal import (
    Injection,
    arrival_times,
    distort_values,
    injections,
    labels_of,
)
from sensorkit.faults.transport import refuse_live
from sensorkit.readings import (
    Event,
    FaultLabel,
    Readings,
    Rejection,
    RejectReason,
    parse_time,
)
from sensorkit.signals import quantize
from sensorkit.wire.texts import Texts


@dataclass
class _Content:
    """What a recording says: what is in its files, in memory."""

    readings: Readings
    rows: NDArray[np.int64]
    """Which of the parent's readings each one is; -1 where it is none of them."""
    timed: Readings
    """The parent's readings, those late that the line holds up."""
    texts: list[tuple[str | None, ...]]
    rejections: list[Rejection] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def inject_recording(
    parent: Recording,
    plan: FaultPlan,
    out: str | Path,
    *,
    seed: int = 0,
    name: str | None = None,
) -> Recording:
    """Write a copy of *parent* that has the faults of *plan* in it, and their labels.

    Transport faults act on the lines of the parent's raw.log, which are then read again, so that
    structured_metrics.csv, parser_errors.log and events.jsonl say what a capture would have said.
    Signal faults change values; every other value keeps its text. Offsets point into the parent's
    raw.log. Labels of the parent are taken over, and its faults are kept away from.

    Parameters
    ----------
    parent : Recording
        Captured, imported or injected; healthy where faults are to go.
    plan : FaultPlan
    out : path
        The new folder.
    seed : int
        With the plan's own seed it fixes every place and every random value.
    name : str, optional
        The new recording's name; that of its folder where not given.

    Returns
    -------
    Recording
        Of kind injected, without a raw.log.

    Raises
    ------
    PlanError
        If a fault cannot be placed, or needs bytes that the parent does not have.
    RecordingError
        If the parent is not whole, has changed since it was recorded, or holds no reading.
    """
    changed = parent.changes()
    if changed:
        listed = ", ".join(f"{file} {how}" for file, how in changed.items())
        raise RecordingError(
            f"{parent.dir}: is not as it was recorded ({listed}); restore it from a copy"
        )
    readings = parent.readings()
    if len(readings) == 0:
        raise RecordingError(
            f"{parent.dir}: holds no reading to inject a fault into; give a recording with some"
        )
    existing = _labels(parent)
    faults = injections(readings, plan, seed, existing=existing)
    lines = [f.placed for f in faults if isinstance(f.placed.fault.of, TransportKind)]
    for line in lines:
        refuse_live(line)
    if not lines:
        content = _as_recorded(parent, readings)
    elif parent.has_raw:
        content = _over_the_line(parent, readings, lines, plan, seed)
    else:
        content = _silenced(parent, readings, faults, plan, seed)
    _break_values(content, parent, readings, faults, plan, seed)
    last = max((label.id for label in existing), default=0)
    labels = [
        replace(label, id=label.id + last) for label in labels_of(content.timed, faults, seed)
    ]
    return write_recording(
        out,
        parent.profile,
        content.readings,
        kind="injected",
        texts=content.texts,
        labels=[*existing, *labels],
        rejections=content.rejections,
        events=content.events,
        parent=parent,
        plan=plan.to_dict(),
        seed=seed,
        name=name,
        device=parent.meta["device"],
    )


def reinject(recording: Recording, out: Path) -> Recording:
    """Inject the plan of *recording* into its parent once more, into the new folder *out*.

    Raises
    ------
    RecordingError
        If the parent is not there, or is not the one that it was.
    """
    parent = recording.parent()
    plan = FaultPlan.from_dict(recording.meta["plan"], f"{recording.dir / layout.META}: plan")
    return inject_recording(
        parent, plan, out, seed=int(recording.meta["seed"]), name=recording.name
    )


def _labels(parent: Recording) -> list[FaultLabel]:
    """Return the labels that the parent has already."""
    frame = parent.labels()
    columns = frame.astype(object).where(frame.notna(), None)
    for name in ("start", "end"):
        columns[name] = [stamp.value for stamp in frame[name]]
    return [FaultLabel(*row) for row in columns[list(LABEL_COLUMNS)].itertuples(index=False)]


def _as_recorded(parent: Recording, readings: Readings) -> _Content:
    """Return what the files of the parent say."""
    rejections = [
        Rejection(time.value, offset, RejectReason(reason), tables.unescape(line))
        for time, offset, reason, line in parent.errors().itertuples(index=False)
    ]
    events = [
        Event(parse_time(e["time"]), e["kind"], e["offset"], e["details"]) for e in parent.events()
    ]
    rows = np.arange(len(readings))
    return _Content(readings, rows, readings, [*parent.texts()], rejections, events)


def _silenced(
    parent: Recording,
    readings: Readings,
    faults: Sequence[Injection],
    plan: FaultPlan,
    seed: int,
) -> _Content:
    """Return what the parent says without the readings that a silence takes, or delayed."""
    keep = np.ones(len(readings), dtype=np.bool_)
    for injection in faults:
        kind = injection.placed.fault.of
        if not isinstance(kind, TransportKind):
            continue
        if kind.needs_bytes:
            raise PlanError(
                f"fault {injection.placed.id} ({kind.name}) acts on the bytes of frames, and "
                f"{parent.dir} has no {layout.RAW} (it was {parent.kind}); inject it into a "
                "captured recording, or leave it out"
            )
        keep[injection.touched] = kind.delays
    content = _as_recorded(parent, readings)
    content.timed = replace(readings, time=arrival_times(readings, faults, plan, seed))
    content.readings, content.rows = content.timed[keep], np.flatnonzero(keep)
    content.texts = [text for text, kept in zip(content.texts, keep.tolist(), strict=True) if kept]
    return content


def _over_the_line(
    parent: Recording, readings: Readings, faults: Sequence[Placed], plan: FaultPlan, seed: int
) -> _Content:
    """Return what a capture would have said had the line had these faults."""
    line = FaultyLine(parent, readings, faults, plan, seed)
    batches = list(line.batches())
    arrived = Readings.concat([batch.readings for batch in batches])
    if len(arrived) == 0:
        raise PlanError(f"no reading of {parent.dir} is left by the plan; shorten its silences")
    timed = _held_up(readings, arrived, line.late)
    rows = np.searchsorted(readings.offset, arrived.offset)
    rows[~np.isin(arrived.offset, readings.offset)] = -1
    # What a frame was is known from the parent; over a faulty line its time may come out
    # differently (the first frame is gone, an uptime is cut short), and the labels would not fit.
    known = rows >= 0
    time = np.where(known, timed.time[rows], 0)
    time = np.where(known, time, np.maximum.accumulate(time))
    return _Content(
        replace(arrived, time=time),
        rows,
        timed,
        Texts.concat([batch.texts for batch in batches]).rows(),
        [rejection for batch in batches for rejection in batch.rejections],
        [event for batch in batches for event in batch.events],
    )


def _held_up(
    readings: Readings, arrived: Readings, late: Sequence[tuple[int, int, int]]
) -> Readings:
    """Return *readings* with the times at which late lines arrive.

    Parameters
    ----------
    readings : Readings
        Those of the parent.
    arrived : Readings
        As they came over the faulty line.
    late : sequence of (int, int, int)
        As `FaultyLine.late`: the place of a line, when it was read, when it arrives.
    """
    if not late:
        return readings
    starts, _, arrival = np.array(late, dtype=np.int64).T
    arrival -= arrival % 1000
    time_of = dict(zip(arrived.offset.tolist(), arrived.time.tolist(), strict=True))
    there = np.isin(starts, readings.offset)
    by_arrival = [
        time_of.get(start) == when
        for start, when in zip(starts[there].tolist(), arrival[there].tolist(), strict=True)
    ]
    # A device that sends its own clock says when a frame was made, however late it comes. Its
    # first frame alone has the time of its read.
    if not by_arrival or sum(by_arrival) <= len(by_arrival) / 2:
        return readings
    held = np.zeros(len(readings), dtype=np.int64)
    held[np.searchsorted(readings.offset, starts[there])] = arrival[there]
    return replace(readings, time=np.maximum(readings.time, np.maximum.accumulate(held)))


def _break_values(
    content: _Content,
    parent: Recording,
    readings: Readings,
    faults: Sequence[Injection],
    plan: FaultPlan,
    seed: int,
) -> None:
    """Put the signal faults into *content*, whose readings are some of *readings*."""
    faulty, touched = distort_values(readings, faults, plan, seed)
    if not touched.any():
        return
    values = content.readings.values.copy(order="F")
    rows = content.rows
    for column, channel in enumerate(parent.profile.channels):
        hit = np.flatnonzero(touched[rows, column] & (rows >= 0))
        news = quantize(faulty[rows[hit], column], channel)
        for row, new in zip(hit.tolist(), news.tolist(), strict=True):
            if new == values[row, column]:
                continue  # keeps its text
            values[row, column] = new
            text = "" if new != new else f"{new:.{channel.decimals}f}"
            before = content.texts[row]
            content.texts[row] = (*before[:column], text, *before[column + 1 :])
    content.readings = replace(content.readings, values=values)
