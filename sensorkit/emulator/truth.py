"""Hold a recording against the truth of the emulated device that was recorded."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.alignment import Places, Run, align
from sensorkit.emulator.truth_file import Drop, Truth
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.wire.stream import FrameStream

FEED_BYTES = 1 << 20

LINE_BYTES = 4096
"""No frame is longer; a profile's own limit is 512 by default."""


class Recorded(Protocol):
    """What is asked of a recording; `sensorkit.capture.Recording` has it."""

    profile: Profile

    @property
    def counts(self) -> dict[str, Any]:
        """What the capture has counted."""
        ...

    def raw(self) -> Iterator[tuple[int, bytes]]:
        """Yield the reads: (received_ns, bytes)."""
        ...

    def readings(self) -> Readings:
        """Return the accepted frames."""
        ...

    def events(self) -> list[dict[str, Any]]:
        """Return the events."""
        ...


@dataclasses.dataclass(frozen=True)
class Score:
    """A recording against the truth. Bytes and frames are counted where the recording was on.

    Every frame that was sent is outside, intact, damaged or lost. Every accepted row is right or
    wrong.
    """

    sent: int
    """Frames that the device made."""
    outside: int
    """Not wholly within the time of the recording: sent before it began or after it ended."""
    intact: int
    """Stand in raw.log byte for byte, as lines of their own."""
    damaged: int
    """Some bytes stand there, but not as the device made them."""
    lost: int
    """No byte of them stands there."""
    accepted: int
    """Rows of structured_metrics.csv."""
    wrong: int
    """Rows with another value, status or counter than was sent: corruption that passed."""
    refused: int
    """Frames that are intact and no row."""
    not_accepted: int
    """Frames between the first and the last accepted one that are no row."""
    counted_lost: int
    """Frames that the capture says are lost, by the device's own counter."""
    dropped_bytes: int
    """Lost by the line, as the truth says: overruns, nobody reading, an unplugged device."""
    declared_bytes: int
    """Handed over by the line, and lost where the recording says that the link was lost."""
    missing_bytes: int
    """Handed over by the line, and missing from raw.log without a word."""
    extra_bytes: int
    """In raw.log, and never sent."""
    wrong_offsets: tuple[int, ...] = ()
    """Where the first wrong rows stand in raw.log."""

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong that the recording does not say itself."""
        return not (self.wrong or self.refused or self.missing_bytes or self.extra_bytes)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, `ok` beside the rest."""
        return {"ok": self.ok, **dataclasses.asdict(self)}

    def lines(self) -> list[tuple[str, str]]:
        """Return it for people: (name, text)."""
        at = ", ".join(map(str, self.wrong_offsets))
        return [
            (
                "sent",
                f"{self.sent} frames: {self.intact} intact, {self.damaged} damaged, {self.lost} "
                f"lost, {self.outside} before or after the recording",
            ),
            (
                "accepted",
                f"{self.accepted} rows: {self.wrong} not as sent{f' (offset {at})' if at else ''}; "
                f"{self.refused} intact frames refused",
            ),
            (
                "lost",
                f"{self.not_accepted} frames between the first and the last row; the capture "
                f"counted {self.counted_lost}",
            ),
            (
                "bytes",
                f"{self.dropped_bytes} dropped by the line, {self.declared_bytes} lost with the "
                f"link, {self.missing_bytes} missing, {self.extra_bytes} never sent",
            ),
        ]


def compare(truth: Path | Truth, recording: Recorded) -> Score:
    """Return how *recording* stands against what was sent.

    Parameters
    ----------
    truth : Path or Truth
        What `sensorkit emulate --truth` wrote.
    recording : Recorded
        A whole one. All of it and all that was sent are held in memory, some 700 bytes a frame.

    Raises
    ------
    UsageError
        If *truth* is no truth file.
    """
    if isinstance(truth, Path):
        truth = Truth.load(truth)
    recorded = b"".join([chunk for _, chunk in recording.raw()])
    delivered, kept = _delivered(truth)
    lost_at = {event["offset"] for event in recording.events() if event["kind"] == "link_lost"}
    runs = align(recorded, delivered, lost_at)
    places = Places(_on_the_line(runs, kept))
    span = _span(runs, kept, truth, len(delivered))
    frames = _frames(truth, places, span, recorded)
    rows = _rows(truth, recording, places, recorded)
    gaps = [
        (later.recorded, later.sent - one.sent - one.length)
        for one, later in itertools.pairwise(runs)
    ]
    accepted = np.flatnonzero(rows.right_of)
    left_out = rows.known & ~rows.right_of
    first, last = (accepted[0], accepted[-1]) if len(accepted) else (0, -1)
    return Score(
        sent=len(truth.sent),
        outside=int(frames.outside.sum()),
        intact=int(frames.intact.sum()),
        damaged=int(frames.damaged.sum()),
        lost=int(frames.lost.sum()),
        accepted=rows.accepted,
        wrong=len(rows.wrong),
        refused=int((frames.intact & left_out).sum()),
        not_accepted=int(left_out[first : last + 1].sum()),
        counted_lost=int(recording.counts.get("lost") or 0),
        dropped_bytes=sum(
            max(min(drop.at + drop.bytes, span[1]) - max(drop.at, span[0]), 0)
            for drop in truth.drops
        ),
        declared_bytes=sum(size for at, size in gaps if at in lost_at),
        missing_bytes=sum(size for at, size in gaps if at not in lost_at),
        extra_bytes=len(recorded) - sum(run.length for run in runs),
        wrong_offsets=tuple(rows.wrong[:5]),
    )


def _delivered(truth: Truth) -> tuple[bytes, list[Run]]:
    """Return the bytes that the line let through, and the runs of positions they stood at."""
    line = b"".join(truth.line)
    kept: list[Run] = []
    pieces: list[bytes] = []
    at = delivered = 0
    for drop in [*truth.drops, Drop(len(line), 0, 0, 0, "")]:
        size = drop.at - at
        if size > 0:
            kept.append(Run(delivered, at, size))
            pieces.append(line[at : drop.at])
            delivered += size
        at = max(at, drop.at + drop.bytes)
    return b"".join(pieces), kept


def _on_the_line(runs: list[Run], kept: list[Run]) -> Iterator[Run]:
    """Yield *runs* with positions on the line, cut where the line lost bytes."""
    number = 0
    for at, sent, length in runs:
        while length:
            while kept[number].recorded + kept[number].length <= sent:
                number += 1
            piece = kept[number]
            inside = sent - piece.recorded
            size = min(length, piece.length - inside)
            yield Run(at, piece.sent + inside, size)
            at, sent, length = at + size, sent + size, length - size


def _span(runs: list[Run], kept: list[Run], truth: Truth, delivered: int) -> tuple[int, int]:
    """Return the positions between which the recording was on."""
    if not runs:
        return 0, 0
    pieces = list(_on_the_line(runs, kept))
    start = 0 if runs[0].sent == 0 else pieces[0].sent
    end = pieces[-1].sent + pieces[-1].length
    if runs[-1].sent + runs[-1].length == delivered and len(truth.at):
        end = int(truth.at[-1]) + len(truth.line[-1])
    return start, end


class _Frames(NamedTuple):
    """What became of each frame, arrays of bool, shape (n_frames,)."""

    outside: NDArray[np.bool_]
    intact: NDArray[np.bool_]
    damaged: NDArray[np.bool_]
    lost: NDArray[np.bool_]


def _frames(truth: Truth, places: Places, span: tuple[int, int], recorded: bytes) -> _Frames:
    sizes = np.array([len(line) for line in truth.line], dtype=np.int64)
    ends = truth.at + sizes
    outside = (truth.at < span[0]) | (ends > span[1])
    arrived = places.arrived(ends) - places.arrived(truth.at)
    begin, end = places.recorded(truth.at), places.recorded(np.maximum(ends - 1, 0))
    unchanged = np.array([a == b for a, b in zip(truth.line, truth.sent, strict=True)], dtype=bool)
    whole = (arrived == sizes) & (sizes > 0) & (end - begin == sizes - 1) & unchanged
    # What is left of the frame before it, without its line end, is one line with it.
    line_ends = np.isin(np.frombuffer(b"\n" + recorded, dtype=np.uint8), (10, 13))
    intact = whole & ~outside & line_ends[begin]
    lost = (arrived == 0) & ~outside
    return _Frames(outside, intact, ~(outside | intact | lost), lost)


class _Rows(NamedTuple):
    accepted: int
    known: NDArray[np.bool_]
    """Whether each frame is one at all, shape (n_frames,): what a device says when it starts is
    none."""
    right_of: NDArray[np.bool_]
    """Whether a row says what each frame said, shape (n_frames,)."""
    wrong: list[int]
    """Offsets of the rows that say something else."""


def _rows(truth: Truth, recording: Recorded, places: Places, recorded: bytes) -> _Rows:
    """Hold each row against the frame that stood at its place, or anywhere in its words."""
    said, frame_of = _said(truth, recording.profile)
    of_frame = np.full(len(truth.sent) + 1, -1, dtype=np.int64)
    of_frame[frame_of] = np.arange(len(frame_of))
    rows = recording.readings()
    position = places.line(rows.offset)
    frame = np.searchsorted(truth.at, position, side="right") - 1
    # Frames that the line swallowed have no length; the one that stands there is the last.
    frame[position < 0] = -1
    right = _equal(rows, said, of_frame[frame])
    right_of = np.zeros(len(truth.sent), dtype=np.bool_)
    right_of[frame[right]] = True
    # The others: frames out of their place, doubled or overtaken, or what nobody sent.
    others = np.flatnonzero(~right)
    elsewhere = _by_words(truth, rows.offset[others].tolist(), recorded)
    found = _equal(rows[others], said, of_frame[elsewhere])
    right_of[elsewhere[found]] = True
    wrong: list[int] = rows.offset[others[~found]].tolist()
    return _Rows(len(rows), of_frame[:-1] >= 0, right_of, wrong)


def _by_words(truth: Truth, offsets: list[int], recorded: bytes) -> NDArray[np.int64]:
    """Return the frame that each recorded line says word for word, -1 where none does."""
    if not offsets:
        return np.empty(0, dtype=np.int64)
    numbers = {sent.rstrip(b"\r\n"): number for number, sent in enumerate(truth.sent)}
    lines = (recorded[at : at + LINE_BYTES].partition(b"\n")[0].rstrip(b"\r") for at in offsets)
    return np.array([numbers.get(line, -1) for line in lines], dtype=np.int64)


def _said(truth: Truth, profile: Profile) -> tuple[Readings, NDArray[np.int64]]:
    """Return what the frames say as the device made them, and which frame each reading is."""
    stream = FrameStream(profile, device=profile.device, started_ns=0)
    whole = b"".join(truth.sent)
    batches = [
        stream.feed(0, whole[at : at + FEED_BYTES]).readings
        for at in range(0, len(whole), FEED_BYTES)
    ]
    batches = batches or [Readings.empty(profile.channel_names)]
    said = Readings.concat(batches)
    starts = np.cumsum([0, *(len(sent) for sent in truth.sent)])[:-1]
    return said, np.searchsorted(starts, said.offset, side="right") - 1


def _equal(rows: Readings, said: Readings, of: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each row says what reading *of* says; -1 is none, and never equal."""
    if not len(rows) or not len(said):
        return np.zeros(len(rows), dtype=np.bool_)
    one, other = rows.values, said.values[of]
    same = ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)
    same &= rows.sequence == said.sequence[of]
    same &= rows.status.to_array() == said.status[of].to_array()
    equal: NDArray[np.bool_] = same & (of >= 0)
    return equal
