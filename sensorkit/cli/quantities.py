"""Sizes and times as people type them: 100MB, 1h."""

from __future__ import annotations

import re

from sensorkit.errors import UsageError

BYTES = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_SIZES = {unit.lower(): factor for unit, factor in BYTES.items()}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*")


def size(text: str, option: str) -> int:
    """Return a size in bytes.

    >>> size("100MB", "--max-size"), size("1.5 KiB", "--max-size"), size("4096", "--max-size")
    (100000000, 1536, 4096)

    Raises
    ------
    UsageError
        If it is none; the message names *option*.
    """
    number, unit = _parse(text)
    factor = _SIZES.get(unit.lower())
    bytes_ = None if factor is None or number is None else round(number * factor)
    if not bytes_:
        raise UsageError(f"{option} {text}: a size above 0 is wanted, such as 500kB, 100MB or 2GB")
    return bytes_


def size_or_time(text: str, option: str) -> tuple[int | None, float | None]:
    """Return bytes or seconds, the other one None.

    >>> size_or_time("100MB", "--rotate"), size_or_time("1h", "--rotate")
    ((100000000, None), (None, 3600.0))
    """
    number, unit = _parse(text)
    seconds = SECONDS.get(unit.lower())
    if number and seconds is not None:
        return None, number * seconds
    if not number or unit.lower() not in _SIZES or not unit:
        raise UsageError(
            f"{option} {text}: a size or a time above 0 is wanted, such as 100MB, 30min, 1h or 1d"
        )
    return size(text, option), None


def _parse(text: str) -> tuple[float | None, str]:
    match = _QUANTITY.fullmatch(text)
    return (float(match[1]), match[2]) if match else (None, "")


def fsync_interval(text: str) -> float | None:
    """Return the seconds between two fsyncs, 0 for always, None for never."""
    if text in {"always", "never"}:
        return 0.0 if text == "always" else None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"--fsync {text}: always, never, or a number of seconds above 0 is wanted")
    return seconds
