"""How numbers and times read in a report: short, and a dash where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

NONE = "\N{EN DASH}"


def percent(share: float | None) -> str:
    """Return a share as whole percent; never 100 % or 0 % unless it is.

    >>> percent(0.998), percent(1.0), percent(None) == NONE
    ('>99 %', '100 %', True)
    """
    if share is None:
        return NONE
    text = f"{share:.0%}"
    if text == "100%" and share < 1:
        return ">99 %"
    if text == "0%" and share > 0:
        return "<1 %"
    return text.replace("%", " %")


def number(value: float | None, digits: int = 3) -> str:
    """Return *value* with so many significant digits.

    >>> number(0.123456), number(1234567.0), number(134.0, 2), number(0.0)
    ('0.123', '1,230,000', '130', '0')
    """
    if value is None:
        return NONE
    # Python would write 1.3e+02, and 99.6 with two digits as 1e+02.
    if abs(value) >= min(1000, 10**digits) / 2:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    return f"{value:.{digits}g}"


def rate(value: float | None) -> str:
    """Return how often something happens: two digits, as its interval is wide.

    >>> rate(0.0251), rate(12.4), rate(753.0), rate(7319.0)
    ('0.025', '12', '750', '7,300')
    """
    return number(value, 2)


def microseconds(value: float | None) -> str:
    """Return a time of computing, which no two runs measure alike: two digits.

    >>> microseconds(0.734), microseconds(131.0), microseconds(None) == NONE
    ('0.73 µs', '130 µs', True)
    """
    return NONE if value is None else f"{number(value, 2)} \N{MICRO SIGN}s"


def fixed(value: float | None, decimals: int = 3) -> str:
    """Return *value* with so many decimals, for columns that are compared.

    >>> fixed(0.5)
    '0.500'
    """
    return NONE if value is None else f"{value:.{decimals}f}"


def count(value: float | None) -> str:
    """Return a whole number with thousands set apart.

    >>> count(302400)
    '302,400'
    """
    return NONE if value is None else f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Return a duration in the unit that people would say.

    >>> seconds(0.25), seconds(12), seconds(90), seconds(7200), seconds(172_800)
    ('0.25 s', '12 s', '1.5 min', '2 h', '2 days')
    """
    if value is None:
        return NONE
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (129_600, "h", 3600)):
        if value < limit:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return f"{value / 86_400:.3g} days"


def sized(value: float | None, unit: str) -> str:
    """Return a size with its unit; one in seconds as `seconds` does, a factor with its x.

    >>> sized(1.85, "°C"), sized(90, "s"), sized(2.0, ""), sized(None, "s") == NONE
    ('1.85 °C', '1.5 min', '2', True)
    >>> sized(1.05, "factor"), sized(1.00012, "factor"), sized(0.5, "factor")
    ('x1.05', 'x1.00012', 'x0.5')
    """
    if value is None or unit == "s":
        return seconds(value)
    if unit == "factor":
        # Near 1 what counts is how far off it is: three digits of that.
        places = max(2, 2 - math.floor(math.log10(abs(value - 1)))) if value != 1 else 2
        return f"x{round(value, min(places, 12)):.12g}"
    return f"{number(value)} {unit}".rstrip()


def probability(p: float | None) -> str:
    """Return a p-value; below 0.001 only that is said, and 0.05 only of what is.

    >>> probability(0.314), probability(0.0123), probability(0.0), probability(None) == NONE
    ('0.31', '0.012', '<0.001', True)
    >>> probability(0.0496), probability(0.05)
    ('0.0496', '0.05')
    """
    if p is None:
        return NONE
    if p < 0.001:
        return "<0.001"
    if p >= 0.1:
        return f"{p:.2f}"
    said = (f"{p:.{digits}g}" for digits in range(2, 7))
    # Rounded, one of 0.0496 would seem to lie on the other side.
    return next((text for text in said if float(text) != 0.05 or p == 0.05), f"{p:.7g}")


def megabytes(value: float | None) -> str:
    """Return an amount of memory; *value* is in MB.

    >>> megabytes(312.4), megabytes(2048)
    ('312 MB', '2.05 GB')
    """
    if value is None:
        return NONE
    return f"{value:.0f} MB" if value < 1000 else f"{value / 1000:.3g} GB"


def interval(
    bounds: Sequence[float | None] | None,
    form: Callable[[float], str] = number,
    open_end: str = "not reached",
) -> str:
    """Return a 95 % interval in brackets; an open side is named.

    >>> interval([0.5, 0.75], percent), interval([6.0, None], seconds), interval(None)
    ('[50 %, 75 %]', '[6 s, not reached]', '')
    """
    if bounds is None:
        return ""
    low, high = (open_end if bound is None else form(bound) for bound in bounds)
    return low if low == high == open_end else f"[{low}, {high}]"


def day_and_minute(time: str) -> str:
    """Return an ISO time as a person reads it.

    >>> day_and_minute("2026-01-31T12:00:05.000000Z")
    '2026-01-31 12:00 UTC'
    """
    return f"{time[:10]} {time[11:16]} UTC"


def second(time: str) -> str:
    """Return an ISO time to the second.

    >>> second("2026-01-31T12:00:05.250000Z")
    '2026-01-31 12:00:05'
    """
    return f"{time[:10]} {time[11:19]}"


def visible(text: object) -> str:
    r"""Return *text* with control and direction characters escaped: what a device says never acts.

    >>> visible("\x1b[2Jhello\x00")
    '\\x1b[2Jhello\\x00'
    """
    said = str(text)
    if said.isprintable():
        return said
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in said
    )
