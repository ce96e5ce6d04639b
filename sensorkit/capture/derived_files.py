"""What the bytes said, on disk beside them: readings, rejections, events."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from sensorkit.capture import layout, tables
from sensorkit.capture.disk import is_at
from sensorkit.capture.pump import write_all
from sensorkit.capture.rows import metrics_header, metrics_rows
from sensorkit.readings import Event, Readings, Rejection
from sensorkit.wire.texts import Texts


class Sink(Protocol):
    """Takes the bytes of one file in their order."""

    def write(self, data: bytes) -> None:
        """Take what comes next."""
        ...

    def close(self) -> None:
        """Take note that this was all."""
        ...


class DerivedSinks:
    """Turns what the bytes said into the bytes of the three derived files.

    Parameters
    ----------
    metrics, errors, events : Sink
        What takes structured_metrics.csv, parser_errors.log and events.jsonl.
    channels : sequence of str
    """

    def __init__(self, metrics: Sink, errors: Sink, events: Sink, channels: Sequence[str]) -> None:
        self._metrics, self._errors, self._events = metrics, errors, events
        metrics.write(metrics_header(channels).encode())

    def write(
        self,
        readings: Readings,
        texts: Texts | Sequence[Sequence[str | None]] | None = None,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> None:
        """Append to all three."""
        if len(readings):
            self._metrics.write(metrics_rows(readings, texts))
        if rejections:
            self._errors.write(tables.error_lines(rejections).encode())
        if events:
            self._events.write("".join(map(tables.event_line, events)).encode())

    def close(self) -> None:
        """Close all three, whatever happens to one of them."""
        try:
            self._metrics.close()
        finally:
            try:
                self._errors.close()
            finally:
                self._events.close()


class DerivedFiles(DerivedSinks):
    """structured_metrics.csv, parser_errors.log and events.jsonl in a folder.

    Each block of rows is handed to the system in one call and stands there for others to read;
    nothing is kept back.
    """

    def __init__(self, folder: Path, channels: Sequence[str]) -> None:
        names = (layout.METRICS, layout.ERRORS, layout.EVENTS)
        self._files = [_NewFile(folder / name) for name in names]
        metrics, errors, events = self._files
        super().__init__(metrics, errors, events, channels)

    def missing(self) -> str | None:
        """Return the name of a file that is no longer where it is being written, if one is not."""
        gone = (f.path.name for f in self._files if not is_at(f.path, f.inode))
        return next(gone, None)

    def sync_events(self) -> None:
        """Make the events survive a power cut."""
        self._files[-1].sync()


class _NewFile:
    """A file that is written from its beginning; one that is there already is an error."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self.path = path
        self._fd = os.open(path, flags, 0o666)
        self.inode = os.fstat(self._fd).st_ino

    def write(self, data: bytes) -> None:
        write_all(self._fd, data)

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
