"""Times as nanoseconds UTC and as ISO 8601."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

Time = str | datetime | int
"""A moment: ISO 8601 (UTC without a zone), a datetime, or nanoseconds UTC."""


def nanoseconds(time: Time) -> int:
    """Return *time* as nanoseconds UTC.

    >>> nanoseconds("1970-01-01T00:00:01"), nanoseconds(5)
    (1000000000, 5)
    """
    if isinstance(time, int | np.integer):
        return int(time)
    return parse_time(str(time))


def between(start: Time | None, end: Time | None) -> str:
    """Say which times are meant; one that is None is open.

    >>> between("2026-01-31T12:00", None)
    'from 2026-01-31T12:00:00.000000Z on'
    """
    first, last = (None if t is None else isoformat(nanoseconds(t)) for t in (start, end))
    if first and last:
        return f"between {first} and {last}"
    return f"until {last}" if first is None else f"from {first} on"


def isoformat(time_ns: int) -> str:
    """Return *time_ns* as ISO 8601 UTC with microseconds and `Z`.

    >>> isoformat(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20.123456Z'
    """
    seconds, rest = divmod(int(time_ns), 1_000_000_000)
    return f"{np.datetime64(seconds, 's')}.{rest // 1000:06d}Z"


def parse_time(text: str) -> int:
    """Return the nanoseconds UTC of an ISO 8601 *text*; without a zone it is UTC.

    >>> parse_time("2023-11-14T22:13:20.123456Z")
    1700000000123456000
    """
    try:
        stamp = pd.Timestamp(text)
    except ValueError as error:
        raise ValueError(_no_time(text)) from error
    if pd.isna(stamp):
        raise ValueError(_no_time(text))
    utc = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
    return int(utc.as_unit("ns").value)


def _no_time(text: str) -> str:
    return f"{text!r} is no time; ISO 8601 is wanted, as 2026-01-31T12:00:00Z"
