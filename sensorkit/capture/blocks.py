"""Reads out of raw.log and its index: the same for a whole recording and for one that grows."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import layout
from sensorkit.errors import RecordingError

INDEX_HEADER = b"received_ns,offset,length,file,sha256\n"

BLOCK_BYTES = 1 << 18
"""About so many bytes are handed on at once; one read more than that is a block of its own. What is
made of so many fits into a processor's cache and is not handed back to the system in between; four
times as many take twice as long a byte."""

_INDEX_BYTES = 1 << 18  # of the index, read at once

_ROW = re.compile(
    rb"([0-9]{1,19}),([0-9]{1,18}),(?:([1-9][0-9]{0,17}),(raw(?:\.[0-9]{4,})?\.log)?,"
    rb"|0,,([0-9a-f]{64}))\n"
)
# What nearly all rows are; they are turned into numbers all at once.
_PLAIN_ROWS = re.compile(rb"(?:[0-9]{1,18}[0-9]?,[0-9]{1,18},[1-9][0-9]{0,17},,\n)+")
_HASH_ROWS = re.compile(rb"^[0-9]{1,19},[0-9]{1,18},0,,[0-9a-f]{64}\n", re.MULTILINE)


class Block(NamedTuple):
    """Whole reads, one after the other."""

    data: bytes
    """Their bytes, joined."""
    received_ns: NDArray[np.int64]
    """When each read was, nanoseconds UTC, shape (n,)."""
    lengths: NDArray[np.int64]
    """Bytes of each, shape (n,); their sum is `len(data)`."""

    @classmethod
    def of(cls, received_ns: int, data: bytes) -> Block:
        """Return the block of one read."""
        return cls(data, np.array([received_ns]), np.array([len(data)]))

    def reads(self) -> Iterator[tuple[int, bytes]]:
        """Yield (received_ns, bytes) of each read."""
        at = 0
        for received, length in zip(self.received_ns.tolist(), self.lengths.tolist(), strict=True):
            yield received, self.data[at : at + length]
            at += length


class ReadRow(NamedTuple):
    """A row of the index that stands for a read."""

    received_ns: int
    offset: int
    """Of its first byte in the whole stream."""
    length: int
    file: str
    """The raw file that begins with it; empty for one that goes on in the same file."""


class HashRow(NamedTuple):
    """A row of the index that vouches for the stream's first *offset* bytes."""

    noted_ns: int
    offset: int
    sha256: str

    def encode(self) -> bytes:
        """Return the row as it stands in the index."""
        return b"%d,%d,0,,%s\n" % (self.noted_ns, self.offset, self.sha256.encode())


def parse_row(line: bytes) -> ReadRow | HashRow | None:
    r"""Return what a row of the index says, None if it is no row.

    >>> parse_row(b"1795231317202093011,0,41,raw.log,\n")
    ReadRow(received_ns=1795231317202093011, offset=0, length=41, file='raw.log')
    """
    found = _ROW.fullmatch(line)
    if found is None:
        return None
    time, offset, length, file, digest = found.groups()
    if digest is not None:
        return HashRow(int(time), int(offset), digest.decode())
    return ReadRow(int(time), int(offset), int(length), (file or b"").decode())


class _Reads(NamedTuple):
    """Reads of one raw file that the index has told of."""

    file: str
    received_ns: NDArray[np.int64]
    lengths: NDArray[np.int64]
    rows: bytes
    """The rows that tell of them, hash rows among them; for the number of a line in an error."""
    line: int
    """Number of the first of these rows in the index."""
    taken: int = 0
    """Reads in these rows that have been handed out."""

    def after(self, n: int) -> _Reads:
        """Return what is left when the first *n* reads are taken."""
        received, lengths = self.received_ns[n:], self.lengths[n:]
        return self._replace(received_ns=received, lengths=lengths, taken=self.taken + n)

    def line_of(self, read: int) -> int:
        """Return the number of the row of a read, counted from the first that is left."""
        left = self.taken + read
        for number, row in enumerate(self.rows.splitlines(keepends=True), self.line):
            if _HASH_ROWS.match(row):
                continue
            if left == 0:
                return number
            left -= 1
        return self.line


class BlockReader:
    """Reads a recording's reads in their order; it can go on when more have been appended.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    end : int
        Bytes handed out.

    Raises
    ------
    RecordingError
        If there is no index, or it has other columns.
    """

    def __init__(self, folder: Path) -> None:
        self.end = 0
        self._folder = folder
        self._path = folder / layout.INDEX
        self._raw = -1
        self._raw_at = self._raw_left = 0
        self._file = ""
        self._text = b""
        self._line = 2
        self._told = 0
        self._reads: deque[_Reads] = deque()
        try:
            self._index = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError as error:
            raise RecordingError(f"{self._path}: is missing; restore it from a copy") from error
        header = os.read(self._index, len(INDEX_HEADER))
        if header != INDEX_HEADER:
            os.close(self._index)
            raise RecordingError(
                f"{self._path}:1: has not the columns {INDEX_HEADER.decode().strip()}; restore it "
                "from a copy, or use the version of sensorkit that made it"
            )

    def take(self, size: int = BLOCK_BYTES) -> Block | None:
        """Return the next reads, about *size* bytes of them; None if there are no more by now.

        Raises
        ------
        RecordingError
            If the index does not fit the raw files.
        """
        if not self._reads and not self._look():
            return None
        reads = self._reads[0]
        if reads.file != self._file:
            self._open(reads)
        n = len(reads.lengths)
        ends = reads.lengths.cumsum() if n > 1 else reads.lengths
        if ends[-1] > size:
            n = max(int(ends.searchsorted(size, side="right")), 1)
        data = self._read(reads, ends, int(ends[n - 1]))
        block = Block(data, reads.received_ns[:n], reads.lengths[:n])
        if n == len(reads.lengths):
            self._reads.popleft()
        else:
            self._reads[0] = reads.after(n)
        self.end += len(data)
        return block

    def finish(self) -> None:
        """Check that the index and the raw files end together.

        Raises
        ------
        RecordingError
            If one of them goes on.
        """
        if self._text:
            raise self._unfit(self._line, self._told)
        name = self._file or layout.RAW
        goes_on = self._raw >= 0 and bool(os.read(self._raw, 1))
        if not goes_on:
            # A pump that was killed may have begun a raw file and written nothing to it.
            names = layout.raw_names(self._folder)
            later = names[names.index(self._file) + 1 :] if self._file else names
            for name in later:
                if (self._folder / name).stat().st_size > 0:
                    goes_on = True
                    break
        if goes_on:
            raise RecordingError(
                f"{self._path}: ends at byte {self.end}, {name} goes on; restore both from a "
                f"copy: `sensorkit verify {self._folder}` says which was changed"
            )

    def lag(self) -> int:
        """Return the bytes of the raw file at hand that have not been handed out."""
        if self._raw < 0:
            return 0
        return os.fstat(self._raw).st_size - self._raw_at

    def forget_torn(self) -> tuple[int, int]:
        """Forget the unfinished row at the index's end, which is about to be cut off.

        Returns
        -------
        told : int
            Bytes that the whole rows tell of.
        torn : int
            Bytes of the unfinished row.
        """
        torn, self._text = len(self._text), b""
        os.lseek(self._index, -torn, os.SEEK_CUR)
        return self._told, torn

    def close(self) -> None:
        """Close the files."""
        for fd in (self._index, self._raw):
            if fd >= 0:
                os.close(fd)
        self._index = self._raw = -1

    def _look(self) -> bool:
        """Read on in the index; return whether it tells of more reads."""
        while piece := os.read(self._index, _INDEX_BYTES):
            rows, newline, torn = (self._text + piece).rpartition(b"\n")
            self._text = torn
            self._understand(rows + newline)
            if self._reads:
                return True
        return False

    def _understand(self, rows: bytes) -> None:
        """Take in whole rows of the index."""
        if rows.count(b"\n") == 1:  # as most looks find at the pace of a serial port
            self._one_by_one(self._reads[-1].file if self._reads else self._file, rows)
            return
        plain = _HASH_ROWS.sub(b"", rows) if b",0,," in rows else rows
        file = self._reads[-1].file if self._reads else self._file
        if file and _PLAIN_ROWS.fullmatch(plain):
            numbers = np.fromstring(plain.replace(b",,\n", b","), dtype=np.int64, sep=",")
            received, offsets, lengths = numbers.reshape(-1, 3).T
            ends = self._told + lengths.cumsum()
            if offsets[0] == self._told and (offsets[1:] == ends[:-1]).all():
                self._told = int(ends[-1])
                self._reads.append(_Reads(file, received, lengths, rows, self._line))
                self._line += rows.count(b"\n")
                return
        self._one_by_one(file, rows)

    def _one_by_one(self, file: str, rows: bytes) -> None:
        """Take in rows among which is the first one of a raw file, or a mistake."""
        lines = rows.splitlines(keepends=True)
        found: list[ReadRow] = []
        begin = at = 0
        for at, line in enumerate(lines):
            row = parse_row(line)
            if isinstance(row, HashRow):
                continue
            if row is None or row.offset != self._told or not (row.file or file):
                raise self._unfit(self._line + at, self._told)
            if row.file:
                self._append(file, found, lines[begin:at], self._line + begin)
                file, found, begin = row.file, [], at
            found.append(row)
            self._told += row.length
        self._append(file, found, lines[begin:], self._line + begin)
        self._line += len(lines)

    def _append(self, file: str, found: list[ReadRow], lines: list[bytes], line: int) -> None:
        if found:
            received = np.array([row.received_ns for row in found], dtype=np.int64)
            lengths = np.array([row.length for row in found], dtype=np.int64)
            self._reads.append(_Reads(file, received, lengths, b"".join(lines), line))

    def _open(self, reads: _Reads) -> None:
        """Go on to the next raw file."""
        if self._raw >= 0:
            if os.read(self._raw, 1):
                raise self._unfit(reads.line_of(0), self.end)
            os.close(self._raw)
        path = self._folder / reads.file
        try:
            self._raw = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError as error:
            self._raw = -1
            raise RecordingError(f"{path}: is missing; restore it from a copy") from error
        self._file, self._raw_at, self._raw_left = reads.file, 0, 0

    def _read(self, reads: _Reads, ends: NDArray[np.int64], length: int) -> bytes:
        """Return the next *length* bytes of the raw file."""
        if length > self._raw_left:
            # The size is asked for again only when what was known to be there is used up.
            self._raw_left = os.fstat(self._raw).st_size - self._raw_at
        if length > self._raw_left or length < 0:
            read = int(ends.searchsorted(self._raw_left, side="right"))
            told = self.end + (int(ends[read - 1]) if read else 0)
            raise self._unfit(reads.line_of(read), told)
        self._raw_left -= length
        self._raw_at += length
        data = os.read(self._raw, length)
        while len(data) < length:
            more = os.read(self._raw, length - len(data))
            if not more:
                raise self._unfit(reads.line_of(0), self.end)
            data += more
        return data

    def _unfit(self, line: int, at: int) -> RecordingError:
        return RecordingError(
            f"{self._path}:{line}: does not continue {self._file or layout.RAW} at byte {at}; "
            f"restore both from a copy: `sensorkit verify {self._folder}` says which was changed"
        )
