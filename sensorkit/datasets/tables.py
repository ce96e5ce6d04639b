"""Read published tables as they are; what cannot be read comes with file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.errors import DataError
from sensorkit.readings import Readings, Words

SECOND = 1_000_000_000
PARSER_LINE = re.compile(r"in line (\d+)")


def header(path: Path, *, sep: str = ",") -> list[str]:
    """Return the column names of a table.

    Raises
    ------
    DataError
        The file cannot be read, or is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            row = next(csv.reader(stream, delimiter=sep), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, error) from error
    if not row:
        raise DataError(f"{path}:1: is empty; a line of column names is wanted")
    return row


def read(
    path: Path,
    numbers: Sequence[str],
    text: Sequence[str] = (),
    *,
    sep: str = ",",
    quote: str = '"',
) -> pd.DataFrame:
    """Read some columns of a table with a header line, by name, in any order.

    Parameters
    ----------
    path : Path
    numbers, text : sequence of str
        Columns to read as float64, where an empty field is NaN, and as they stand.
    sep, quote : str
        Between fields; around names.

    Returns
    -------
    DataFrame
        The rows in their order, the columns in the order asked for.

    Raises
    ------
    DataError
        No such file or column, a row with too many fields, a field that is no number; with the
        line.
    """
    there = header(path, sep=sep)
    wanted = [*text, *numbers]
    lacking = [name for name in wanted if name not in there]
    if lacking:
        raise DataError(
            f"{path}:1: has no column {', '.join(lacking)}; there are {', '.join(there)}"
        )
    types: dict[str, Any] = dict.fromkeys(numbers, np.float64) | dict.fromkeys(text, "object")
    try:
        # A given list of columns would let rows with too many fields pass.
        frame = pd.read_csv(
            path,
            sep=sep,
            quotechar=quote,
            dtype=types,
            encoding="utf-8-sig",
        )
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise _no_number(path, numbers, sep, quote, error) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas makes an index of what is too much
        raise DataError(f"{path}:2: has more fields than the {len(there)} names of line 1")
    return frame[wanted]


def _no_number(
    path: Path, numbers: Sequence[str], sep: str, quote: str, error: ValueError
) -> DataError:
    """Find the first field that is no number; slow, and only needed for the sentence."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, delimiter=sep, quotechar=quote)
        for row in reader:
            for name in numbers:
                had = row[name]
                if had and not _is_number(had):
                    return DataError(f"{path}:{reader.line_num}: {name} is {had!r}, no number")
    return DataError(f"{path}: cannot be read as a table: {error}")


MISSING = frozenset({"nan", "na", "n/a", "null", "none", "<na>", "#n/a"})
"""What pandas takes for a missing number, in small letters."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip().lower() in MISSING
    return True


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
        The file cannot be read, a row has another length or a field is no number; with the line.
    """
    lines = text_of(path).splitlines()[skip:]
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
    return found.reshape(-1, columns)


def words_as_numbers(path: Path) -> NDArray[np.float64]:
    """Read all numbers of a file, however they are spread over lines; shape (n,)."""
    text = text_of(path)
    try:
        return np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        raise _bad_word(path, text.splitlines(), error) from error


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


def times(path: Path, texts: pd.Series, form: str) -> NDArray[np.int64]:
    """Return nanoseconds UTC of a column of times; they may stand still or step back.

    Parameters
    ----------
    path : Path
        Named in errors.
    texts : Series
        One time a row.
    form : str
        As for `strptime`.

    Raises
    ------
    DataError
        A field that is no time in this form; with the line (blank lines are not counted).
    """
    parsed = pd.to_datetime(texts, format=form, utc=True, errors="coerce")
    bad = np.flatnonzero(parsed.isna().to_numpy())
    if len(bad):
        row = int(bad[0])
        raise DataError(
            f"{path}:{row + 2}: {texts.name} is {texts.iloc[row]!r}; a time as {form} is wanted"
        )
    found: NDArray[np.int64] = pd.DatetimeIndex(parsed).as_unit("ns").asi8
    return found


def unix_seconds(path: Path, column: pd.Series) -> NDArray[np.int64]:
    """Return nanoseconds of a column of seconds since 1970; raise DataError where one lacks."""
    seconds = column.to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(seconds))
    if len(bad):
        raise DataError(f"{path}:{int(bad[0]) + 2}: {column.name} is empty; seconds are wanted")
    found: NDArray[np.int64] = np.rint(seconds * SECOND).astype(np.int64)
    return found


def flags(path: Path, column: pd.Series) -> NDArray[np.bool_]:
    """Return which rows are labelled: 1 is, 0 is not, and nothing else may stand there."""
    values = column.to_numpy(np.float64)
    bad = np.flatnonzero(~np.isin(values, (0.0, 1.0)))
    if len(bad):
        row = int(bad[0])
        raise DataError(f"{path}:{row + 2}: {column.name} is {values[row]:g}; a label is 0 or 1")
    labelled: NDArray[np.bool_] = values == 1.0
    return labelled


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
        (0, int(part), "") if part.isdigit() else (1, 0, part)
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
