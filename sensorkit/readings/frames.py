"""Readings as a DataFrame, and a DataFrame as readings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.readings.words import Words

WORDS = ("device", "status")
"""Columns that are text; every other one is a channel."""


def times(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the index of *frame* as nanoseconds UTC.

    Raises
    ------
    TypeError
        If it is no DatetimeIndex.
    ValueError
        If a time is missing.
    """
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(
            f"the index is a {type(index).__name__}; a DatetimeIndex is wanted: "
            "frame.set_index(pd.to_datetime(frame['time']))"
        )
    if index.hasnans:
        missing = int(np.isnat(index.to_numpy()).sum())
        raise ValueError(
            f"{missing} of the {len(index)} times of the index are missing (NaT); every reading "
            "has a time: frame[frame.index.notna()]"
        )
    zoned = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    found: NDArray[np.int64] = zoned.as_unit("ns").asi8
    return found


def channels(frame: pd.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """Return the channels of *frame* and their values, column by column.

    Raises
    ------
    TypeError
        If a column holds what is no number.
    ValueError
        If two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise ValueError(
            f"two columns are called {doubled!r}; each channel needs a name of its own: rename one"
        )
    chosen = [k for k, name in enumerate(names) if name not in WORDS]
    values = np.empty((len(frame), len(chosen)), order="F")
    for place, k in enumerate(chosen):
        values[:, place] = _numbers(names[k], frame.iloc[:, k])
    return [names[k] for k in chosen], values


def words(frame: pd.DataFrame, name: str) -> Words | None:
    """Return the column *name* of *frame* as words, None if there is no such column."""
    if name not in frame.columns:
        return None
    codes, found = pd.factorize(frame[name])
    return Words(codes.astype(np.int32), tuple(str(word) for word in found))


def frame_of(
    time: NDArray[np.int64],
    values: NDArray[np.float64],
    names: tuple[str, ...],
    words: dict[str, Words],
) -> pd.DataFrame:
    """Return a DataFrame: index `time` in UTC, a column a channel, then the words as categories."""
    index = pd.DatetimeIndex(time.view("datetime64[ns]"), tz="UTC", name="time")
    frame = pd.DataFrame(values, index=index, columns=list(names))
    for name, column in words.items():
        vocabulary = pd.Index(column.vocabulary, dtype=object)
        frame[name] = pd.Categorical.from_codes(column.codes, vocabulary)
    return frame


def _numbers(name: str, column: pd.Series[Any]) -> NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(column):
        # Of text, or of objects, which text may be as well; that depends on pandas.
        if not pd.api.types.is_string_dtype(column.dtype):
            raise TypeError(f"column {name!r} is {column.dtype}; a channel is numeric")
        column = _objects(name, column)
    if pd.api.types.is_complex_dtype(column):
        raise TypeError(f"column {name!r} is {column.dtype}; a channel is numeric")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _objects(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of Python objects as numbers; None is a missing one, text is an error."""
    for place, value in enumerate(column):
        missing = pd.api.types.is_scalar(value) and pd.isna(value)
        if not (missing or pd.api.types.is_number(value)):
            raise TypeError(
                f"column {name!r} is {column.dtype} and holds {value!r:.40} in row {place}; a "
                f"channel is numeric: pd.to_numeric(frame[{name!r}], errors='coerce')"
            )
    return pd.to_numeric(column.astype(object))
