"""The time column of a user's table, in whichever of the many ways times are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.errors import UsageError

UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}

# A count since 1970 of a time between 1973 and 5138 tells its unit by its size. Smaller ones are
# seconds since some start.
_UNIT_BY_SIZE = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (0.0, "s"))

_DATES = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M")
FORMATS = (
    "ISO8601",
    "%Y%m%d_%H%M%S",
    "%Y%m%d %H%M%S",
    "%y-%m-%dT%H:%M:%S",
    *(f"{date} {clock}" for date in _DATES for clock in _CLOCKS),
    *_DATES,
)
"""Tried in this order; `strptime` codes, and ISO 8601 with anything it leaves open."""

_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
_LATEST = 9_200_000_000_000_000_000
NO_TIME = np.iinfo(np.int64).min


def read_times(
    texts: Sequence[str], *, form: str | None = None, where: str = "the time column"
) -> tuple[NDArray[np.int64], str]:
    """Read times in the one form that fits most of them.

    Parameters
    ----------
    texts : sequence of str, length n
    form : str, optional
        `s`, `ms`, `us`, `ns` (a count since 1970), `ISO8601`, or a format of `strptime`.
    where : str
        Stands in the error.

    Returns
    -------
    times : array of int64, shape (n,)
        Nanoseconds UTC, whole microseconds; `NO_TIME` where a text is no time. Times without a
        zone are taken as UTC.
    form : str
        What it was.

    Raises
    ------
    UsageError
        If most are no times, or could be read in two ways.

    Examples
    --------
    >>> times, form = read_times(["1.5", "2.5"])
    >>> times.tolist(), form
    ([1500000000, 2500000000], 's')
    """
    if form is not None:
        if form in UNITS:
            return _counts(texts, form), form
        return _parse(texts, form, where), form
    filled = [text for text in texts if text]
    sample = filled[:: max(len(filled) // 2000, 1)]
    numeric = [text for text in sample if _DECIMAL.fullmatch(text)]
    if len(numeric) > len(sample) / 2:
        for form, digits in (("%Y%m%d%H%M%S", 14), ("%Y%m%d", 8)):
            # 20240131 is a date, not 234 days after 1970.
            if all(len(text) == digits for text in numeric):
                times = _parse(texts, form, where)
                if (times != NO_TIME).sum() == len(filled):
                    return times, form
        size = float(np.median([abs(float(text)) for text in numeric]))
        unit = next(unit for least, unit in _UNIT_BY_SIZE if size >= least)
        return _counts(texts, unit), unit
    form = _choose(sample, where)
    return _parse(texts, form, where), form


def _choose(sample: list[str], where: str) -> str:
    """Return the format that reads the most of *sample*."""
    read = {form: _parse(sample, form, where) for form in FORMATS}
    fits = {form: int((times != NO_TIME).sum()) for form, times in read.items()}
    best = max(fits.values(), default=0)
    if not sample or best <= len(sample) / 2:
        first = f" (the first is {sample[0][:40]!r})" if sample else ""
        raise UsageError(
            f"{where}: holds no times that are known{first}; name another column, or say how to "
            "read it with --time-format, as %d.%m.%Y %H:%M:%S, s or ms"
        )
    winners = [form for form, fit in fits.items() if fit == best]
    for other in winners[1:]:
        if not np.array_equal(read[winners[0]], read[other]):
            raise UsageError(
                f"{where}: {sample[0][:40]!r} may mean {winners[0]} or {other}; say which with "
                "--time-format"
            )
    return winners[0]


def _parse(texts: Sequence[str], form: str, where: str) -> NDArray[np.int64]:
    try:
        stamps = pd.to_datetime(
            pd.Series(list(texts), dtype="str"), format=form, utc=True, errors="coerce"
        )
    except ValueError as error:
        raise UsageError(
            f"{where}: --time-format {form!r} is no format: {error}; use codes such as "
            "%Y-%m-%d %H:%M:%S"
        ) from error
    known = stamps.notna().to_numpy()
    times = np.full(len(known), NO_TIME, dtype=np.int64)
    micro = stamps[known].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    times[known] = np.where(np.abs(micro) < _LATEST // 1000, micro * 1000, NO_TIME)
    return times


def _counts(texts: Sequence[str], unit: str) -> NDArray[np.int64]:
    factor = UNITS[unit]
    times = []
    for text in texts:
        time = int(Decimal(text) * factor) if _DECIMAL.fullmatch(text) else NO_TIME
        times.append(time - time % 1000 if abs(time) < _LATEST else NO_TIME)
    return np.array(times, dtype=np.int64)
