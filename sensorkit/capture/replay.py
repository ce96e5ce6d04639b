"""Rebuild what a recording says from the bytes that it holds."""

from __future__ import annotations

import contextlib
import filecmp
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sensorkit.capture import layout
from sensorkit.capture.blocks import Block
from sensorkit.capture.derived_files import DerivedFiles, DerivedSinks
from sensorkit.capture.importing import reimport
from sensorkit.capture.injected import reinject
from sensorkit.capture.reader import Recording
from sensorkit.capture.writer import recording_counts
from sensorkit.errors import RecordingError
from sensorkit.readings import Event, parse_time
from sensorkit.wire.stream import Batch, FrameStream


class _Compared:
    """Takes the bytes of a file that was made again, and looks whether the file has the same."""

    def __init__(self, path: Path) -> None:
        self.same = True
        self._file = path.open("rb") if path.is_file() else None

    def write(self, data: bytes) -> None:
        if self.same:
            self.same = self._file is not None and self._file.read(len(data)) == data

    def close(self) -> None:
        if self._file is not None:
            self.same = self.same and not self._file.read(1)
            self._file.close()


class _Rebuilt:
    """What comes out of a stream, on its way to the derived files; counts the events."""

    def __init__(self, stream: FrameStream, files: DerivedSinks) -> None:
        self.events: dict[str, int] = {}
        self._stream = stream
        self._files = files

    def write(self, batch: Batch) -> None:
        for event in batch.events:
            self.events[event.kind] = self.events.get(event.kind, 0) + 1
        self._files.write(batch.readings, batch.texts, batch.rejections, batch.events)

    def host(self, event: Event) -> None:
        """Take over what only the host saw, with all that it means for the stream."""
        self.write(self._stream.host(event))


def rebuild(recording: Recording, out: Path) -> dict[str, Any]:
    """Write structured_metrics.csv, parser_errors.log and events.jsonl of *recording* into *out*.

    Events that only the host saw cannot be in the bytes; they are taken over from the recording,
    each at its place in the stream.

    Returns
    -------
    dict
        The counts, as recording.json has them.
    """
    with contextlib.closing(DerivedFiles(out, recording.profile.channel_names)) as files:
        return _decode(recording, files)


def _decode(recording: Recording, files: DerivedSinks) -> dict[str, Any]:
    """Put all that the bytes of *recording* say into *files*; return the counts."""
    meta = recording.meta
    stream = FrameStream(
        recording.profile, device=meta["device"], started_ns=parse_time(meta["started"])
    )
    told = host_events(recording.dir / layout.EVENTS)
    rebuilt = _Rebuilt(stream, files)
    reads = received = 0
    for block in recording.blocks():
        reads += len(block.lengths)
        for part in _between(block, received, [event.offset for event in told]):
            while told and told[0].offset <= received:
                rebuilt.host(told.pop(0))
            rebuilt.write(stream.feed_reads(*part))
            received += len(part.data)
    for event in told:
        rebuilt.host(event)
    rebuilt.write(stream.finish(parse_time(meta["ended"])))
    return recording_counts(stream.counts, reads, rebuilt.events)


def _between(block: Block, start: int, places: Sequence[int]) -> Iterator[Block]:
    """Cut *block*, which begins at *start*, before the reads that come after the *places*."""
    ends = np.cumsum(block.lengths)
    cuts = np.searchsorted(start + ends - block.lengths, places)
    last = 0
    for cut in [*np.unique(cuts).tolist(), len(ends)]:
        if cut > last:
            data = block.data[int(ends[last - 1]) if last else 0 : int(ends[cut - 1])]
            yield Block(data, block.received_ns[last:cut], block.lengths[last:cut])
            last = cut


def host_events(path: Path) -> list[Event]:
    """Return what only the host saw, out of an events.jsonl that may be torn or damaged."""
    told = (event for event in _events(path) if event is not None)
    return [event for event in told if event.details.get("origin") == "host"]


def unreadable_events(path: Path) -> int:
    """Return how many lines of an events.jsonl are no events: what they told is lost."""
    return sum(event is None for event in _events(path))


def _events(path: Path) -> Iterator[Event | None]:
    """Yield the events of a file that may be missing; None for a line that is none."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            yield _event(line)


def _event(line: bytes) -> Event | None:
    try:
        told = json.loads(line.decode("utf-8"))
        event = Event(parse_time(told["time"]), told["kind"], told["offset"], told["details"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    types = (type(event.kind), type(event.offset), type(event.details))
    return event if types == (str, int, dict) else None


def replay(recording: Recording, out: Path | None = None) -> list[str]:
    """Rebuild the derived files and compare them with those of the recording.

    Parameters
    ----------
    recording : Recording
        Captured: rebuilt from raw.log. Injected or imported: made again from its parent or its
        table.
    out : Path, optional
        New folder to leave the rebuilt files in; otherwise they are thrown away.

    Returns
    -------
    list of str
        Names of the files that are not byte for byte the same; recording.json stands for the
        counts in it.

    Raises
    ------
    RecordingError
        If the recording was cut off, its raw.log does not fit its index, or what it was made from
        is not there.
    """
    if not recording.whole:
        layout.changes(recording.dir)  # says what to do
    if recording.has_raw and out is None:
        different, counts = _compare(recording)
    else:
        with _folder(out) as folder:
            if recording.has_raw:
                counts = rebuild(recording, folder)
                names = list(layout.REBUILT)
            else:
                made = _make_again(recording, folder)
                folder, counts = made.dir, made.counts
                names = [*layout.REBUILT, layout.LABELS]
            different = [n for n in names if not _same(recording.dir / n, folder / n)]
    if counts != recording.counts:
        different.append(layout.META)
    return different


def _compare(recording: Recording) -> tuple[list[str], dict[str, Any]]:
    """Make the derived files again, piece by piece, and look at those that are there beside them.

    What it takes is what is made of one block, some megabytes, however long the recording.

    Returns
    -------
    different : list of str
        Names of those that are not the same.
    counts : dict
    """
    compared = {name: _Compared(recording.dir / name) for name in layout.REBUILT}
    with contextlib.ExitStack() as stack:
        for one in compared.values():
            stack.enter_context(contextlib.closing(one))
        files = DerivedSinks(
            compared[layout.METRICS],
            compared[layout.ERRORS],
            compared[layout.EVENTS],
            recording.profile.channel_names,
        )
        counts = _decode(recording, files)
    return [name for name, one in compared.items() if not one.same], counts


def _make_again(recording: Recording, folder: Path) -> Recording:
    """Import or inject once more, from the same source, into a folder below *folder*."""
    out = folder / recording.dir.resolve().name
    match recording.kind:
        case "imported":
            return reimport(recording, out)
        case "injected":
            return reinject(recording, out)
        case other:
            raise RecordingError(
                f"{recording.dir}: is of kind {other!r} and has no {layout.RAW}; there is nothing "
                "to rebuild it from"
            )


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="sensorkit-replay-") as name:
            yield Path(name)
        return
    try:
        out.mkdir(parents=True)
    except FileExistsError as error:
        raise RecordingError(
            f"{out}: is already there, and nothing is overwritten; choose another --out"
        ) from error
    yield out


def _same(one: Path, other: Path) -> bool:
    if one.is_file() and other.is_file():
        return filecmp.cmp(one, other, shallow=False)
    return one.is_file() == other.is_file()
