"""Read published tables as they are; what cannot be read comes with file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.errors import DataError
from sensorkit.readings import Readings, Words

SECOND = 1_000_000_000
PARSER_LINE = re.compile(r"in line (\d+)")


def header(path: Path, *, sep: str = ",", quote: str = '"') -> list[str]:
    """Return the column names of a table.

    Raises
    ------
    DataError
        The file cannot be read, or is empty.
    """
    rows = _rows(path, sep, quote)
    _, names = next(rows)
    rows.close()
    return names


def _rows(path: Path, sep: str, quote: str) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the names and then each row, with its line; slow, and exact about lines."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=sep, quotechar=quote)
            names = next(reader, [])
            if not names:
                raise DataError(f"{path}:1: is empty; a line of column names is wanted")
            yield reader.line_num, names
            for row in reader:
                if len(row) > 1 or "".join(row).strip():
                    yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, error) from error


def read(
    path: Path,
    numbers: Sequence[str],
    text: Sequence[str] = (),
    *,
    sep: str = ",",
    quote: str = '"',
) -> pd.DataFrame:
    """Read some columns of a table with a header line, by name, in any order.

    Blank lines are passed over; so are separators at the end of a line with nothing after them.

    Parameters
    ----------
    path : Path
    numbers, text : sequence of str
        Columns to read as float64, where an empty field is NaN, and as they stand, where it is
        an empty text.
    sep, quote : str
        Between fields; around names.

    Returns
    -------
    DataFrame
        The rows in their order, the columns in the order asked for.

    Raises
    ------
    DataError
        No such file or column, a name that several columns have, a row with too many fields, a
        field that is no number; with the line.
    """
    rows = _rows(path, sep, quote)
    _, there = next(rows)
    wanted = [*text, *numbers]
    places = _places(path, there, wanted)
    width = len(there)
    line, first = next(rows, (0, []))
    rows.close()
    if len(first) > width + 1:  # pandas would cut all rows to the length of the names
        raise _too_many(path, line, first, width)
    numeric = dict(zip(places[len(text) :], numbers, strict=True))
    types: dict[Any, Any] = dict.fromkeys(range(width + 1), "object")
    types |= dict.fromkeys(numeric, "float64")
    missing: dict[Any, Any] = dict.fromkeys(numeric, MISSING)
    try:
        # Names are numbers, because those of the file may stand twice. The column after the last
        # one takes a field that is too much: pandas would make an index of the first column and
        # move the others to the left.
        frame = pd.read_csv(
            path,
            sep=sep,
            quotechar=quote,
            header=None,
            skiprows=1,
            names=range(width + 1),
            index_col=False,
            dtype=types,
            keep_default_na=False,
            na_values=missing,
            encoding="utf-8-sig",
        )
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a ParserError is one
        raise _what_is_wrong(path, numeric, sep, quote) or unreadable(path, error) from error
    if frame[width].astype(bool).any():
        raise _what_is_wrong(path, numeric, sep, quote) or DataError(
            f"{path}: has more fields in a row than the {width} names of line 1"
        )
    return frame[places].set_axis(wanted, axis="columns")


def _places(path: Path, there: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where each wanted column stands."""
    lacking = [name for name in wanted if name not in there]
    if lacking:
        raise DataError(
            f"{path}:1: has no column {', '.join(lacking)}; there are {', '.join(there)}"
        )
    if "" in wanted:
        raise DataError(f"{path}:1: column {there.index('') + 1} has no name; each wants one")
    for name in wanted:
        if there.count(name) > 1:
            raise DataError(
                f"{path}:1: has {there.count(name)} columns {name}; which one is meant cannot be "
                "told, so give each a name of its own"
            )
    return [there.index(name) for name in wanted]


def _what_is_wrong(
    path: Path, numeric: Mapping[int, str], sep: str, quote: str
) -> DataError | None:
    """Find the first row that cannot be read; *numeric* has place and name of the numbers."""
    rows = _rows(path, sep, quote)
    width = len(next(rows)[1])
    for line, row in rows:
        if any(row[width:]) or len(row) > width + 1:
            return _too_many(path, line, row, width)
        for place, name in numeric.items():
            if place < len(row) and not _is_number(row[place]):
                return DataError(f"{path}:{line}: {name} is {row[place]!r}, no number")
    return None


def _too_many(path: Path, line: int, row: Sequence[str], width: int) -> DataError:
    return DataError(
        f"{path}:{line}: has {len(row)} fields, and line 1 has {width} names; the file is damaged "
        "or another one"
    )


MISSING = [
    "", "nan", "NaN", "-nan", "-NaN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None",
]  # fmt: skip
"""A number that lacks, as it is written by R, pandas and spreadsheets."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip() in MISSING
    return True


def line_of(path: Path, row: int, *, skip: int = 1) -> int:
    """Return the line, from 1, of a row, from 0; blank lines are no rows.

    Parameters
    ----------
    path : Path
    row : int
    skip : int
        Lines at the front that are no rows.
    """
    lines = enumerate(text_of(path).split("\n"), 1)
    filled = (number for number, line in lines if number > skip and line.strip())
    return next(islice(filled, row, None), row + skip + 1)


def matrix(path: Path, columns: int, *, skip: int = 0) -> NDArray[np.float64]:
    """Read rows of numbers between blanks; trailing blanks do not count.

    Parameters
    ----------
    path : Path
    columns : int
        So many stand in each row.
    skip : int
        Lines at the front that are no rows.

    Returns
    -------
    array of float64, shape (n, columns)

    Raises
    ------
    DataError
        The file cannot be read or has no row, a row has another length or a field is no number;
        with the line.
    """
    lines = text_of(path).split("\n")[skip:]
    rows = [line.split() for line in lines]
    for number, row in enumerate(rows, skip + 1):
        if row and len(row) != columns:
            raise DataError(
                f"{path}:{number}: has {len(row)} columns, {columns} are wanted; the file is cut "
                "off or is another one"
            )
    try:
        found = np.array([row for row in rows if row], dtype=np.float64)
    except ValueError as error:
        raise _bad_word(path, lines, error, skip) from error
    if not len(found):
        raise DataError(f"{path}: has no row; {columns} numbers in each are wanted")
    return found


def words_as_numbers(path: Path) -> NDArray[np.float64]:
    """Read all numbers of a file, however they are spread over lines; shape (n,)."""
    text = text_of(path)
    try:
        return np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        raise _bad_word(path, text.split("\n"), error) from error


def _bad_word(path: Path, lines: Iterable[str], error: ValueError, skipped: int = 0) -> DataError:
    for number, line in enumerate(lines, skipped + 1):
        for word in line.split():
            if not _is_number(word):
                return DataError(f"{path}:{number}: {word!r} is no number")
    return DataError(f"{path}: cannot be read as numbers: {error}")


def text_of(path: Path) -> str:
    """Return what stands in a text file, or raise DataError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that cannot be read; where the reader knows a line, with it."""
    if isinstance(error, OSError):
        return DataError(f"{path}: cannot be read: {error.strerror or error}")
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"{path}: is not UTF-8 text; it is damaged or another file")
    found = PARSER_LINE.search(str(error))
    what = " ".join(str(error).removeprefix("Error tokenizing data. C error: ").split())
    place = f"{path}:{found[1]}" if found else str(path)
    return DataError(f"{place}: cannot be read as a table: {what}")


def readings(
    time: NDArray[np.int64],
    frame: pd.DataFrame,
    *,
    device: Words | str = "device",
    names: Sequence[str] | None = None,
) -> Readings:
    """Make readings of the numeric columns of *frame*, called *names* where given."""
    values = frame.to_numpy(np.float64)
    return Readings.build(time, values, names or list(frame.columns), device=device)


def steps(n: int, seconds: float = 1.0) -> NDArray[np.int64]:
    """Return n times from 1970-01-01 on, *seconds* apart, for a set that gives none."""
    return np.arange(n, dtype=np.int64) * round(seconds * SECOND)


def natural(path: Path | str) -> list[tuple[int, int, str]]:
    """Sort by this to have 2 before 10.

    >>> sorted(["b/10", "b/2", "a/3"], key=natural)
    ['a/3', 'b/2', 'b/10']
    """
    text = path.as_posix() if isinstance(path, Path) else path
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


def files(root: Path, pattern: str, wanted: Callable[[str], Any] = bool) -> list[Path]:
    """Return the files below *root* whose path fits, in natural order.

    Parameters
    ----------
    root : Path
    pattern : str
        As for `Path.glob`.
    wanted : callable
        Given the name of a file, says whether it is one of the set; the rest is passed over.
    """
    return sorted((p for p in root.glob(pattern) if p.is_file() and wanted(p.name)), key=natural)
