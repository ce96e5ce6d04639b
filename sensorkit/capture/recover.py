"""Finish a recording that was cut off: raw.log is the truth, all else is made to fit it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sensorkit.capture import layout
from sensorkit.capture.disk import disk_error, lock
from sensorkit.capture.raw_log import INDEX_HEADER
from sensorkit.capture.reader import Recording
from sensorkit.capture.replay import host_events, rebuild
from sensorkit.errors import RecordingError
from sensorkit.readings import isoformat, parse_time

PIECE_BYTES = 65536
"""Bytes without an index row get rows of this size."""


def recover(folder: str | Path) -> Recording:
    """Finish an interrupted recording; a whole one is left as it is.

    raw.log is never changed. Bytes that its index does not cover, for the process died between
    the two writes, are given the time of the last read before them. The derived files are rebuilt.

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
    last_ns, unindexed = _mend_index(folder, parse_time(meta["started"]))
    if meta["status"] in {"recording", "failed"}:
        why = meta["reason"] or "interrupted"
        if not why.endswith("(recovered)"):
            why += " (recovered)"
        status = "aborted" if meta["status"] == "recording" else "failed"
        meta |= {"status": status, "reason": why}
    if not meta["ended"]:
        told = host_events(folder / layout.EVENTS)
        meta["ended"] = isoformat(max([last_ns, *(event.time for event in told)]))
    meta["recovered"] = {"unindexed_bytes": unindexed}
    with tempfile.TemporaryDirectory(prefix="recover-", dir=recording.derived) as name:
        meta["counts"] = rebuild(recording, Path(name))
        for file in layout.REBUILT:
            (Path(name) / file).replace(folder / file)
    layout.write_meta(folder, meta)
    layout.write_manifest(folder)


def _mend_index(folder: Path, started_ns: int) -> tuple[int, int]:
    """Make the index cover raw.log exactly.

    Returns
    -------
    last_ns : int
        Time of the last read.
    unindexed : int
        Bytes that had no row.
    """
    size = (folder / layout.RAW).stat().st_size
    path = folder / layout.INDEX
    text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    rows, end, last = [], 0, started_ns
    for line in text.split("\n")[1:-1]:  # what follows the last newline is torn
        numbers = line.split(",")
        if len(numbers) != 3 or not all(
            number.isascii() and number.isdigit() for number in numbers
        ):
            break
        received, offset, length = map(int, numbers)
        if offset != end or not 0 < length <= size - end or received < last:
            break
        rows.append(line)
        end, last = end + length, received
    unindexed = size - end
    rows += [
        f"{last},{offset},{min(PIECE_BYTES, size - offset)}"
        for offset in range(end, size, PIECE_BYTES)
    ]
    layout.write_whole(path, "".join(f"{line}\n" for line in [INDEX_HEADER.rstrip(), *rows]))
    return last, unindexed
