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

MOST_BYTES = 10**18
MOST_SECONDS = 1e9
"""31 years. Nanoseconds since 1970 fit into 64 bits beyond it."""

FASTEST_BAUD = 100_000_000
"""No port is as fast; a larger number is a slip, and some systems would wrap it around."""

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
    wanted = 0.0 if factor is None or number is None else number * factor
    if wanted > MOST_BYTES:
        raise UsageError(f"{option} {text}: is too much; at most 1000000TB are possible")
    bytes_ = round(wanted)
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
        if number * seconds > MOST_SECONDS:
            raise UsageError(f"{option} {text}: is too long; at most 11574d are possible")
        return None, number * seconds
    if not number or unit.lower() not in _SIZES or not unit:
        raise UsageError(
            f"{option} {text}: a size or a time above 0 is wanted, such as 100MB, 30min, 1h or 1d"
        )
    return size(text, option), None


def _parse(text: str) -> tuple[float | None, str]:
    match = _QUANTITY.fullmatch(text)
    return (float(match[1]), match[2]) if match else (None, "")


def line_speed(baud: int, option: str) -> int:
    """Return *baud* if a line can be so fast.

    >>> line_speed(9600, "--baud")
    9600

    Raises
    ------
    UsageError
        If it cannot; the message names *option*.
    """
    if not 1 <= baud <= FASTEST_BAUD:
        raise UsageError(
            f"{option} {baud}: from 1 to {FASTEST_BAUD} are possible; 9600 or 115200 are usual"
        )
    return baud


def duration(seconds: float, option: str) -> float:
    """Return *seconds* if a run can last so long.

    >>> duration(0.5, "--duration")
    0.5

    Raises
    ------
    UsageError
        If it cannot; the message names *option*.
    """
    if not 0 <= seconds <= MOST_SECONDS:
        raise UsageError(
            f"{option} {seconds:g}: from 0 to 1e9 seconds are possible; leave it out to go on "
            "until Ctrl+C"
        )
    return seconds


def fsync_interval(text: str) -> float | None:
    """Return the seconds between two fsyncs, 0 for always, None for never."""
    if text in {"always", "never"}:
        return 0.0 if text == "always" else None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError(
            f"--fsync {text}: always, never, or a number of seconds above 0 is wanted, at most 1e9"
        )
    return seconds
