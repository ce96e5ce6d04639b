"""raw.log and its index: the bytes on disk before anything else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sensorkit.capture import layout
from sensorkit.capture.disk import lock

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


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a disk that fills up takes a part first
        view = view[os.write(fd, view) :]
