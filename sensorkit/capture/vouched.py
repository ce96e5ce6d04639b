"""What the running hashes in the index vouch for: raw.log as it was, without a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sensorkit.capture import layout
from sensorkit.capture.blocks import HashRow, ReadRow, parse_row
from sensorkit.errors import RecordingError
from sensorkit.readings import isoformat

_PIECE_BYTES = 1 << 20


class Vouched(NamedTuple):
    """How far raw.log is what it was when its hashes were noted."""

    size: int
    """Bytes in all raw files."""
    good: HashRow | None
    """The last hash that agrees."""
    bad: HashRow | None
    """The first one that does not."""

    @property
    def up_to(self) -> int:
        """Return the bytes that are vouched for."""
        return self.good.offset if self.good else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return {
            "bytes": self.up_to,
            "of": self.size,
            "noted": isoformat(self.good.noted_ns) if self.good else None,
            "changed_before": self.bad.offset if self.bad else None,
        }

    def sentence(self) -> str:
        """Return the facts for people."""
        if self.bad is not None:
            shorter = f", it has only {self.size}" if self.size < self.bad.offset else ""
            return (
                f"was changed: its first {self.bad.offset} bytes are not those whose hash was "
                f"noted at {isoformat(self.bad.noted_ns)}{shorter}; the first {self.up_to} are"
            )
        if self.good is None or (self.size and not self.up_to):
            return f"is vouched for by nothing: no hash was noted of its {self.size} bytes"
        return (
            f"is vouched for up to byte {self.up_to} of {self.size}, as it was at "
            f"{isoformat(self.good.noted_ns)}"
        )


def vouched(folder: Path) -> Vouched:
    """Compare the raw files with the hashes noted in the index.

    Raises
    ------
    RecordingError
        If there is no raw.log or no index.
    """
    for name in (layout.RAW, layout.INDEX):
        if not (folder / name).is_file():
            raise RecordingError(f"{folder / name}: is missing; restore it from a copy")
    names = layout.raw_names(folder)
    size = sum((folder / name).stat().st_size for name in names)
    pieces = _pieces([folder / name for name in names])
    digest, hashed, piece = hashlib.sha256(), 0, b""
    good = None
    rows = [row for row in index_rows(folder / layout.INDEX) if isinstance(row, HashRow)]
    for row in sorted(rows, key=lambda row: row.offset):
        while hashed < row.offset:
            piece = piece or next(pieces, b"")
            if not piece:
                return Vouched(size, good, row)
            wanted = piece[: row.offset - hashed]
            digest.update(wanted)
            hashed += len(wanted)
            piece = piece[len(wanted) :]
        if digest.hexdigest() != row.sha256:
            return Vouched(size, good, row)
        good = row
    return Vouched(size, good, None)


def index_rows(path: Path) -> Iterator[ReadRow | HashRow | None]:
    """Yield the rows of an index; None for a line that is none."""
    with path.open("rb") as index:
        next(index, None)
        for line in index:
            yield parse_row(line)


def changed_file(folder: Path, found: Vouched) -> str:
    """Return the name of the raw file that the first wrong hash ends in."""
    at, name = 0, layout.RAW
    for name in layout.raw_names(folder):
        at += (folder / name).stat().st_size
        if found.bad is not None and at >= found.bad.offset:
            break
    return name


def _pieces(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
