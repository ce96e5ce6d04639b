"""Finish a recording that was cut off: raw.log is the truth, all else is made to fit it."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from sensorkit.capture import layout
from sensorkit.capture.blocks import INDEX_HEADER, HashRow, ReadRow
from sensorkit.capture.disk import disk_error, lock
from sensorkit.capture.reader import Recording
from sensorkit.capture.replay import host_events, rebuild, unreadable_events
from sensorkit.capture.vouched import index_rows, vouched
from sensorkit.errors import RecordingError
from sensorkit.readings import isoformat, parse_time

PIECE_BYTES = 65536
"""Bytes without an index row get rows of this size."""


def recover(folder: str | Path) -> Recording:
    """Finish an interrupted recording; a whole one is left as it is.

    raw.log is never changed. Bytes that its index does not cover, for the process died between
    the two writes or a power cut took the rows, are given the time of the last read before them.
    The derived files are rebuilt. What was found is `recovered` in recording.json: bytes without a
    row, rows without bytes, lines of the index that are no rows, zero bytes at the end of raw.log
    (an ext4 after a power cut; they stay, and are rejected like any noise), lines of events.jsonl
    that cannot be read (what only the host saw cannot be rebuilt), and how far the hashes noted in
    the index vouch for raw.log.

    Raises
    ------
    RecordingError
        If the folder is no recording, is still being written, or has no raw.log to recover from.
    RunError
        If the disk takes no more.
    """
    recording = Recording.open(folder)
    if recording.whole:
        return recording
    if recording.kind != "captured":
        raise RecordingError(
            f"{recording.dir}: was cut off while it was being {recording.kind}, and has no "
            f"{layout.RAW}; remove it and make it again"
        )
    path = recording.dir / layout.RAW
    if not path.exists() and (recording.dir / layout.METRICS).exists():
        # raw.log is made first: it was taken away, and the readings are all that is left.
        raise RecordingError(
            f"{recording.dir}: has lost its {layout.RAW}, from which the rest would be rebuilt; "
            "restore it from a copy"
        )
    try:
        with path.open("ab") as raw:  # made, if the process died before it
            if not lock(raw.fileno()):
                raise RecordingError(
                    f"{recording.dir}: is still being written; stop the capture first"
                )
            _finish(recording)
    except OSError as error:
        raise disk_error(recording.dir, error) from error
    return Recording.open(recording.dir)


def _finish(recording: Recording) -> None:
    folder, meta = recording.dir, recording.meta
    for name in (*layout.HASHED, layout.MANIFEST):
        (folder / f"{name}.new").unlink(missing_ok=True)
    mended = _mend_index(folder, parse_time(meta["started"]))
    if meta["status"] in {"recording", "failed"}:
        why = meta["reason"] or "interrupted"
        if not why.endswith("(recovered)"):
            why += " (recovered)"
        status = "aborted" if meta["status"] == "recording" else "failed"
        meta |= {"status": status, "reason": why}
    if not meta["ended"]:
        told = host_events(folder / layout.EVENTS)
        meta["ended"] = isoformat(max([mended.last_ns, *(event.time for event in told)]))
    meta["recovered"] = {
        "unindexed_bytes": mended.unindexed,
        "rows_without_bytes": mended.without_bytes,
        "torn_rows": mended.torn,
        "zero_tail_bytes": _zero_tail(folder),
        "unreadable_events": unreadable_events(folder / layout.EVENTS),
        "vouched": vouched(folder).to_dict(),
    }
    with tempfile.TemporaryDirectory(prefix="recover-", dir=recording.derived) as name:
        meta["counts"] = rebuild(recording, Path(name))
        for file in layout.REBUILT:
            (Path(name) / file).replace(folder / file)
    layout.write_meta(folder, meta)
    layout.write_manifest(folder)


class _Mended(NamedTuple):
    """What was wrong with an index that now covers the raw files exactly."""

    last_ns: int
    """Time of the last read."""
    unindexed: int
    """Bytes that had no row."""
    without_bytes: int
    """Rows of reads whose bytes are not there: the disk kept the one and not the other."""
    torn: int
    """Lines that are no rows."""


class _Index:
    """An index that is written anew, read by read."""

    def __init__(self, started_ns: int) -> None:
        self.rows = [INDEX_HEADER]
        self.end = 0
        self.last_ns = started_ns
        self._file = ""

    def read(self, received_ns: int, length: int, file: str) -> None:
        """Append the row of a read."""
        self.last_ns = max(received_ns, self.last_ns)
        name = "" if file == self._file else file
        self.rows.append(b"%d,%d,%d,%s,\n" % (self.last_ns, self.end, length, name.encode()))
        self._file = file
        self.end += length


def _mend_index(folder: Path, started_ns: int) -> _Mended:
    """Make the index cover the raw files exactly; rows that fit stay as they are."""
    path = folder / layout.INDEX
    rows = list(index_rows(path)) if path.exists() else []
    reads = [row for row in rows if isinstance(row, ReadRow)]
    # The stream's offsets at which raw files begin; no read crosses one.
    names = layout.raw_names(folder)
    starts = [0, *accumulate((folder / name).stat().st_size for name in names)]
    index, unindexed, lost = _Index(started_ns), 0, 0

    def fill(end: int) -> None:
        nonlocal unindexed
        unindexed += end - index.end
        while index.end < end:
            number = bisect_right(starts, index.end) - 1
            length = min(end, starts[number + 1], index.end + PIECE_BYTES) - index.end
            index.read(index.last_ns, length, names[number])

    following = iter([*reads[1:], None])
    for row in rows:
        if isinstance(row, HashRow):
            index.rows.append(row.encode())
        if not isinstance(row, ReadRow):
            continue
        after = next(following)
        number = bisect_right(starts, row.offset) - 1
        if number >= len(names) or row.offset + row.length > starts[number + 1]:
            lost += 1
        elif row.offset == index.end or (row.offset > index.end and _leads_to(row, after)):
            fill(row.offset)
            index.read(row.received_ns, row.length, names[number])
    fill(starts[-1])
    text = b"".join(index.rows)
    layout.write_whole(path, text.decode("ascii"))
    torn = sum(row is None for row in rows)
    return _Mended(index.last_ns, unindexed, lost, torn)


def _leads_to(row: ReadRow, after: ReadRow | None) -> bool:
    """Return whether the next row goes on from this one: behind a gap that is no row gone wrong."""
    return after is None or after.offset == row.offset + row.length


def _zero_tail(folder: Path) -> int:
    """Return how many zero bytes the raw files end with."""
    count = 0
    for name in reversed(layout.raw_names(folder)):
        with (folder / name).open("rb") as raw:
            at = raw.seek(0, os.SEEK_END)
            while at > 0:
                length = min(at, PIECE_BYTES)
                raw.seek(at - length)
                zeros = length - len(raw.read(length).rstrip(b"\0"))
                count += zeros
                if zeros < length:
                    return count
                at -= length
    return count
