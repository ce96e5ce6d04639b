"""raw.log and its index: the bytes on disk before anything else, and what vouches for them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sensorkit.capture import layout, pump
from sensorkit.capture.blocks import INDEX_HEADER, HashRow
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.disk import is_at, lock

Fsync = float | None
"""Seconds between two fsyncs; 0 for one after each read, None for none."""

HASH_S = 1.0
"""How often the running hash is noted where fsync is done after each read."""

_PIECE_BYTES = 1 << 20


class Rotate(NamedTuple):
    """When a raw file is followed by a new one: raw.log, raw.0002.log, raw.0003.log ..."""

    max_bytes: int | None = None
    """It has this size; the read that crosses it is whole in the old file."""
    seconds: float | None = None
    """It is this old, and something comes."""


class RawLog:
    """raw.log, those that follow it, and their index: appended to and never rewritten.

    A read's bytes are handed to the system before anything looks at them: when the process is
    killed they are there. fsync, which makes them survive a power cut, stalls for tens of
    milliseconds; unless it is asked for after each read it runs in a thread of its own, which also
    notes the running SHA-256 in the index.

    Parameters
    ----------
    folder : Path
    fsync : float or None
    rotate : Rotate, optional
        One raw.log without end by default.

    Attributes
    ----------
    clock : callable
        Says when a hash was noted, nanoseconds UTC; the recorder puts its own here.
    """

    def __init__(self, folder: Path, fsync: Fsync, rotate: Rotate | None = None) -> None:
        self.folder = folder
        self.fsync = fsync
        self.rotate = rotate or Rotate()
        self.clock: Callable[[], int] = AnchoredClock()
        self._raw = os.open(folder / layout.RAW, pump.FILE_FLAGS, 0o644)
        try:
            lock(self._raw)
            self._index = os.open(folder / layout.INDEX, pump.FILE_FLAGS, 0o644)
        except BaseException:
            os.close(self._raw)
            raise
        self._inodes = [os.fstat(fd).st_ino for fd in (self._raw, self._index)]
        self._files = self._make_files(0)
        self._vouching = _Vouching(folder, self._index, syncs=fsync is not None)
        self._seen = {layout.RAW}
        self._failure: OSError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            pump.write_all(self._index, INDEX_HEADER)
        except BaseException:
            os.close(self._raw)
            os.close(self._index)
            raise
        if fsync is not None:
            self._thread = threading.Thread(
                target=self._vouch_every, args=(fsync or HASH_S,), name="sensorkit-fsync"
            )
            self._thread.daemon = True
            self._thread.start()

    @property
    def size(self) -> int:
        """Return the bytes in all raw files that were written here."""
        return self._files.size

    def write(self, received_ns: int, chunk: bytes) -> None:
        """Append what one read brought.

        Raises
        ------
        OSError
            If the disk is full or gone; what is there stays as it is.
        """
        self.check()
        self._files.append(received_ns, chunk)

    def check(self) -> None:
        """Raise what the background has met with.

        Raises
        ------
        OSError
            If the last fsync failed: nobody knows what is on the disk. Or if the thread that does
            it has met with anything else.
        """
        if self._failure is not None:
            raise self._failure

    def missing(self) -> str | None:
        """Return the name of a file that is no longer where it is being written, if one is not."""
        for name, inode in zip((layout.RAW, layout.INDEX), self._inodes, strict=True):
            if not is_at(self.folder / name, inode):
                return name
        try:
            there = set(layout.raw_names(self.folder))
        except OSError:  # the folder is going while we look
            return layout.RAW
        lost = sorted(self._seen - there)
        self._seen |= there
        return lost[0] if lost else None

    def descriptors(self) -> tuple[int, int, int]:
        """Return raw.log, which holds the lock, the raw file that is written, and the index."""
        return self._raw, self._files.raw, self._index

    def orders(self, limit: int | None, base_ns: int) -> str:
        """Return what the pump is to know of the files; see `sensorkit.capture.pump`."""
        files = self._files
        numbers = (
            files.number,
            files.size,
            files.file_size,
            files.opened_ns,
            files.max_bytes,
            files.max_ns,
            0 if self.fsync is None else 2 if self.fsync == 0 else 1,
            limit or 0,
            base_ns,
        )
        folder = os.fsencode(self.folder.resolve()).hex()
        return " ".join(["files", *map(str, numbers), folder])

    def resume(self, covered: int, torn: int, now_ns: int) -> int:
        """Go on where a pump that died has left the files; return the bytes without a row.

        Parameters
        ----------
        covered : int
            Bytes that the index tells of.
        torn : int
            Bytes of an unfinished row at its end.
        now_ns : int
            The time that bytes without a row get.
        """
        with self._vouching.appending:  # no hash may come between the size and the cut
            if torn:
                os.ftruncate(self._index, os.fstat(self._index).st_size - torn)
        names = layout.raw_names(self.folder)
        sizes = [(self.folder / name).stat().st_size for name in names]
        self._files.close()
        self._files = self._make_files(len(names), size=covered, opened_ns=now_ns)
        self._files.file_size = covered - sum(sizes[:-1])
        unindexed = sum(sizes) - covered
        if unindexed:
            self._files.note(now_ns, unindexed)
        return unindexed

    def close(self, noted_ns: int | None = None) -> None:
        """Write everything through to the disk, vouch for it, and close.

        Parameters
        ----------
        noted_ns : int, optional
            When the last hash is noted; now by default.
        """
        if self._raw < 0:
            return
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self.check()
            self._vouching.note(self.clock() if noted_ns is None else noted_ns, last=True)
        finally:
            self._vouching.close()
            self._files.close()
            os.close(self._raw)
            os.close(self._index)
            self._raw = self._index = -1

    def _make_files(self, number: int, size: int = 0, opened_ns: int = 0) -> pump.Files:
        raw = self._raw
        if number > 1:
            raw = os.open(self.folder / pump.raw_name(number), os.O_WRONLY | os.O_APPEND)
        return pump.Files(
            str(self.folder),
            raw,
            self._index,
            number=max(number, 1),
            size=size,
            opened_ns=opened_ns,
            max_bytes=self.rotate.max_bytes or 0,
            max_ns=round((self.rotate.seconds or 0) * 1e9),
            always=self.fsync == 0,
            own=number > 1,
        )

    def _vouch_every(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                self._vouching.note(self.clock())
            except OSError as error:
                self._failure = error  # the next write says it
                return
            except Exception as error:  # a bug must not end fsync and hashing in silence either
                self._failure = OSError(f"fsync and hashing have stopped: {error!r}")
                self._failure.__cause__ = error
                return


class _Vouching:
    """fsync, and the running SHA-256 of all that was written, noted in the index.

    It reads the raw files as anybody can, so it sees what is there, whoever wrote it.

    Attributes
    ----------
    appending : Lock
        Held while a row is appended; who shortens the index takes it too.
    """

    def __init__(self, folder: Path, index: int, *, syncs: bool) -> None:
        self.appending = threading.Lock()
        self._folder = folder
        self._index = index
        self._syncs = syncs
        self._hash = hashlib.sha256()
        self._raw: int | None = None
        self._number = 0
        self._size = 0
        self._noted = 0

    def note(self, now_ns: int, *, last: bool = False) -> None:
        """Bring the hash up to date, make what it covers safe, and note it.

        The row follows the fsync of what it vouches for: after a power cut no row vouches for bytes
        that are not there.
        """
        if not last and os.fstat(self._index).st_nlink == 0:
            return
        self._follow()
        if self._size == self._noted and not last:
            return
        if self._syncs or last:
            self._sync(self._raw)
        if self._size != self._noted or self._size == 0:
            row = HashRow(now_ns, self._size, self._hash.hexdigest())
            with self.appending:
                if not last and self._is_torn():
                    return
                pump.write_all(self._index, row.encode())
            self._noted = self._size
        if self._syncs or last:
            self._sync(self._index)

    def close(self) -> None:
        """Close the raw file."""
        if self._raw is not None:
            os.close(self._raw)
            self._raw = None

    def _is_torn(self) -> bool:
        """Return whether the index ends in a part of a row: its pump has died, or is at it.

        A row appended to it would be lost with it.
        """
        try:
            with (self._folder / layout.INDEX).open("rb") as index:
                index.seek(-1, os.SEEK_END)
                return index.read(1) != b"\n"
        except OSError:  # moved or emptied: the recorder says it
            return False

    def _sync(self, fd: int | None) -> None:
        if fd is not None:
            os.fsync(fd)

    def _follow(self) -> None:
        """Hash what has been written since."""
        while True:
            # A raw file is finished before the next one is begun.
            following = self._folder / pump.raw_name(self._number + 1)
            begun = following.exists()
            self._read_on()
            if not begun:
                return
            if self._raw is not None:
                self._sync(self._raw)
                layout.sync_folder(self._folder)
                os.close(self._raw)
            # Windows syncs what is open for writing only.
            self._raw = os.open(following, os.O_RDWR | getattr(os, "O_BINARY", 0))
            self._number += 1

    def _read_on(self) -> None:
        while self._raw is not None and (piece := os.read(self._raw, _PIECE_BYTES)):
            self._hash.update(piece)
            self._size += len(piece)
