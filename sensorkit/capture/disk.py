"""Bytes to disk: raw.log before anything else, and the derived files beside it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

if sys.platform != "win32":
    import fcntl

from sensorkit.capture import layout, tables
from sensorkit.errors import RunError
from sensorkit.readings import Event, Readings, Rejection

INDEX_HEADER = "received_ns,offset,length\n"

Fsync = float | None
"""Seconds between two fsyncs; 0 for one after each read, None for none."""


class RawLog:
    """raw.log and its index, appended to and never rewritten.

    A read's bytes are handed to the system before anything looks at them: when the process is
    killed they are there. fsync, which makes them survive a power cut, stalls for tens of
    milliseconds; unless it is asked for after each read it runs in a thread of its own.
    """

    def __init__(self, folder: Path, fsync: Fsync) -> None:
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._raw = os.open(folder / layout.RAW, flags, 0o644)
        self._index = os.open(folder / layout.INDEX, flags, 0o644)
        lock(self._raw)
        _write_all(self._index, INDEX_HEADER.encode())
        self._always = fsync == 0
        self._failure: OSError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if fsync:
            self._thread = threading.Thread(
                target=self._sync_every, args=(fsync,), name="sensorkit-fsync", daemon=True
            )
            self._thread.start()

    def write(self, received_ns: int, chunk: bytes) -> None:
        """Append what one read brought.

        Raises
        ------
        OSError
            If the disk is full or gone; what is there stays as it is.
        """
        if self._failure is not None:
            raise self._failure
        _write_all(self._raw, chunk)
        _write_all(self._index, b"%d,%d,%d\n" % (received_ns, self.size, len(chunk)))
        self.size += len(chunk)
        if self._always:
            self._sync()

    def close(self) -> None:
        """Write everything through to the disk and close."""
        if self._raw < 0:
            return
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self._sync()
        finally:
            os.close(self._raw)
            os.close(self._index)
            self._raw = self._index = -1

    def _sync(self) -> None:
        os.fsync(self._raw)
        os.fsync(self._index)

    def _sync_every(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                self._sync()
            except OSError as error:
                self._failure = error  # the next write says it
                return


class DerivedFiles:
    """structured_metrics.csv, parser_errors.log and events.jsonl.

    They can be rebuilt from raw.log, so they are buffered; events are written at once, for those
    that only the host saw cannot.
    """

    def __init__(self, folder: Path, channels: Sequence[str]) -> None:
        self._metrics = _open(folder / layout.METRICS)
        self._errors = _open(folder / layout.ERRORS)
        self._events = _open(folder / layout.EVENTS)
        self._metrics.write(tables.metrics_header(channels))

    def write(
        self,
        readings: Readings,
        texts: Sequence[Sequence[str | None]] | None = None,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> None:
        """Append to all three."""
        if len(readings):
            self._metrics.write(tables.metrics_rows(readings, texts))
        if rejections:
            self._errors.write(tables.error_lines(rejections))
        for event in events:
            self._events.write(tables.event_line(event))
            self._events.flush()

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        for file in (self._metrics, self._errors):
            file.flush()

    def close(self) -> None:
        """Write everything through to the disk and close."""
        for file in (self._metrics, self._errors, self._events):
            if not file.closed:
                try:
                    file.flush()
                    os.fsync(file.fileno())
                finally:
                    file.close()


def disk_error(folder: Path, error: OSError, kind: str = "captured") -> RunError:
    """Return the sentence for a disk that takes no more."""
    rest = (
        "what was received until then is kept: make room, then finish it with "
        f"`sensorkit recover {folder}`"
        if kind == "captured"
        else f"make room, remove {folder} and make it again"
    )
    return RunError(f"{folder}: cannot be written: {error.strerror or error}; {rest}")


def _open(path: Path) -> TextIO:
    return path.open("x", encoding="utf-8", newline="\n", buffering=1 << 16)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a disk that fills up takes a part first
        view = view[os.write(fd, view) :]


def lock(fd: int) -> bool:
    """Lock a raw.log for as long as *fd* is open; return False if another process has it.

    `recover` asks, so that it does not take a recording apart that is still being written. Windows
    needs no lock: it does not let an open file be replaced.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
    return True
