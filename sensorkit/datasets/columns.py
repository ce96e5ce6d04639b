"""Make times, labels and whole numbers of columns; what does not fit comes with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.datasets import tables
from sensorkit.errors import DataError

MOST_SECONDS = 9_200_000_000
"""So many before or after 1970 can be told in nanoseconds of 64 bits."""

FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Those that can be told wholly."""


def demand(
    path: Path, fits: NDArray[np.bool_], what: Callable[[int], str], *, skip: int = 1
) -> None:
    """Raise DataError for the first row that does not fit, with its line.

    Parameters
    ----------
    path : Path
    fits : array of bool, shape (n,)
    what : callable
        Given the row, says what it has and what is wanted.
    skip : int
        Lines at the front of the file that are no rows.
    """
    bad = np.flatnonzero(~fits)
    if len(bad):
        row = int(bad[0])
        raise DataError(f"{path}:{tables.line_of(path, row, skip=skip)}: {what(row)}")


def _told(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:g}"


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
        A field that is no time in this form, or is outside the years 1678 to 2261; with the line.
    """
    parsed = pd.to_datetime(texts, format=form, utc=True, errors="coerce")
    demand(
        path,
        parsed.dt.year.between(FIRST_YEAR, LAST_YEAR).to_numpy(),
        lambda row: (
            f"{texts.name} is {texts.iloc[row]!r}; a time as {form} is wanted, of a year from "
            f"{FIRST_YEAR} to {LAST_YEAR}"
        ),
    )
    found: NDArray[np.int64] = pd.DatetimeIndex(parsed).as_unit("ns").asi8
    return found


def unix_seconds(path: Path, column: pd.Series) -> NDArray[np.int64]:
    """Return nanoseconds of a column of seconds since 1970."""
    return whole_ns(path, column.to_numpy(np.float64), str(column.name))


def whole_ns(
    path: Path, seconds: NDArray[np.float64], name: str, *, skip: int = 1
) -> NDArray[np.int64]:
    """Return seconds as nanoseconds; raise DataError for one that lacks or is too large."""
    demand(
        path,
        np.abs(seconds) <= MOST_SECONDS,  # NaN is not
        lambda row: (
            f"{name} is {_told(seconds[row])}; a time within {MOST_SECONDS:.1e} s of 1970 is wanted"
        ),
        skip=skip,
    )
    found: NDArray[np.int64] = np.rint(seconds * tables.SECOND).astype(np.int64)
    return found


def whole(
    path: Path, values: NDArray[np.float64], name: str, *, skip: int = 1
) -> NDArray[np.int64]:
    """Return numbers as int64; raise DataError for one that is not whole or is too large."""
    demand(
        path,
        (np.abs(values) <= MOST_SECONDS) & (np.rint(values) == values),
        lambda row: (
            f"{name} is {_told(values[row])}; a whole number below {MOST_SECONDS:.1e} is wanted"
        ),
        skip=skip,
    )
    return values.astype(np.int64)


def flags(
    path: Path, values: NDArray[np.float64] | pd.Series, name: str, *, skip: int = 1
) -> NDArray[np.bool_]:
    """Return which rows are labelled: 1 is, 0 is not, and nothing else may stand there."""
    found = np.asarray(values, dtype=np.float64)
    demand(
        path,
        np.isin(found, (0.0, 1.0)),
        lambda row: f"{name} is {_told(found[row])}; a label is 0 or 1",
        skip=skip,
    )
    labelled: NDArray[np.bool_] = found == 1.0
    return labelled
