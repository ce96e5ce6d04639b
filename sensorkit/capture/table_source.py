"""A user's CSV file, read as it is: which delimiter, which columns, which rows are no rows."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sensorkit.errors import UsageError
from sensorkit.nearest import did_you_mean
from sensorkit.readings import RejectReason

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    offset: int
    """Byte of the file at which it starts."""
    line: bytes
    fields: list[str]
    """Without blanks and single quotes around them."""


@dataclass(frozen=True)
class Table:
    """What a CSV file holds.

    Attributes
    ----------
    columns : list of str
    rows : list of Row
        Those with as many fields as there are columns.
    rejected : list of (index of the next row, Row, RejectReason)
    """

    columns: list[str]
    delimiter: str
    sha256: str
    rows: list[Row]
    rejected: list[tuple[int, Row, RejectReason]]

    def column(self, name: str) -> list[str]:
        """Return the fields of one column."""
        index = self.columns.index(name)
        return [row.fields[index] for row in self.rows]


def read_table(path: Path, *, delimiter: str | None, wanted: Sequence[str]) -> Table:
    """Read a CSV file whose first line names the columns.

    Parameters
    ----------
    path : Path
    delimiter : str, optional
        Found out where not given.
    wanted : sequence of str
        Columns that must be there.

    Raises
    ------
    UsageError
        If the file cannot be read, is empty, or lacks a column.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}; give the path of a CSV file"
        ) from error
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in data[:4096]:
        raise UsageError(f"{path}: is UTF-16 or no text; save it as CSV in UTF-8")
    skip = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "latin-1"  # every byte is a letter: nothing is lost
    lines = _physical_lines(data, skip)
    start = next((i for i, (_, line) in enumerate(lines) if _says_something(line)), None)
    if start is None:
        raise UsageError(f"{path}: is empty; a CSV file with a header line is wanted")
    header = lines[start][1].decode(encoding)
    delimiter = delimiter or _sniff(header, [line.decode(encoding) for _, line in lines[1:50]])
    columns = _unique([_bare(name) for name in _fields(header, delimiter)])
    for name in wanted:
        if name not in columns:
            hint = did_you_mean(name, columns, "or give --delimiter")
            raise UsageError(
                f"{path}: has no column {name!r}; it has {', '.join(map(repr, columns))}; {hint}"
            )
    rows, rejected = _rows(lines[start + 1 :], encoding, delimiter, len(columns))
    return Table(columns, delimiter, hashlib.sha256(data).hexdigest(), rows, rejected)


def _physical_lines(data: bytes, skip: int) -> list[tuple[int, bytes]]:
    """Return (offset, line with its end) of each line."""
    lines, offset = [], skip
    for line in io.BytesIO(data[skip:]):
        lines.append((offset, line))
        offset += len(line)
    return lines


def _says_something(line: bytes) -> bool:
    return bool(line.strip()) and not line.startswith(b"#")


def _sniff(header: str, sample: list[str]) -> str:
    """Return the delimiter that cuts the most lines as it cuts the header."""

    def agreement(delimiter: str) -> tuple[int, int]:
        cuts = header.count(delimiter)
        return sum(line.count(delimiter) == cuts for line in sample) if cuts else -1, cuts

    return max(DELIMITERS, key=agreement)


def _rows(
    lines: list[tuple[int, bytes]], encoding: str, delimiter: str, n_columns: int
) -> tuple[list[Row], list[tuple[int, Row, RejectReason]]]:
    rows: list[Row] = []
    rejected: list[tuple[int, Row, RejectReason]] = []
    for offset, ended in lines:
        line = ended.rstrip(b"\r\n")
        fields = [_bare(field) for field in _fields(line.decode(encoding), delimiter)]
        row = Row(offset, line, fields)
        if not line.strip():
            rejected.append((len(rows), row, RejectReason.EMPTY))
        elif line.startswith(b"#"):
            rejected.append((len(rows), row, RejectReason.HEADER))
        elif len(fields) != n_columns:
            rejected.append((len(rows), row, RejectReason.FIELD_COUNT))
        else:
            rows.append(row)
    return rows, rejected


def _fields(line: str, delimiter: str) -> list[str]:
    """Cut one line; a quote that is not closed must not swallow the lines after it."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _bare(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].strip()
    return text


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
