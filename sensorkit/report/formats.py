"""How numbers and times read in a report: short, and a dash where there is none."""

from __future__ import annotations

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

    >>> number(0.123456), number(1234567.0), number(12.0), number(0.0)
    ('0.123', '1,230,000', '12', '0')
    """
    if value is None:
        return NONE
    if abs(value) >= 1000:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    return f"{value:.{digits}g}"


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


def interval(bounds: Sequence[float | None] | None, form: Callable[[float], str] = number) -> str:
    """Return a 95 % interval in brackets; an open side is named.

    >>> interval([0.5, 0.75], percent), interval([6.0, None], seconds), interval(None)
    ('[50 %, 75 %]', '[6 s, not reached]', '')
    """
    if bounds is None:
        return ""
    low, high = ("not reached" if bound is None else form(bound) for bound in bounds)
    return low if low == high == "not reached" else f"[{low}, {high}]"


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
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in str(text)
    )
