"""Put channels and values into words, with the label, unit and decimals of the profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sensorkit.profile import Profile

# What %g shows of a value when no profile says how many decimals it has.
SIGNIFICANT_DIGITS = 6

# Of two float64 of at least `TINY` that differ, so many decimals show it: 6 zeros, 17 digits.
MOST_DECIMALS = 23

# From here on, and below, nobody counts the zeros: such numbers have an exponent. A float64 of
# `HUGE` has no decimals left.
HUGE = 1e16
TINY = 1e-6

# With an exponent: decimals to begin with, and as many as tell any two float64 apart.
EXPONENT_DECIMALS = range(2, 17)


class Wording:
    """How alerts speak of a device's channels.

    Parameters
    ----------
    profile : Profile, optional
        Without one, or for a channel it does not name, the channel's name is made readable
        and values have no unit.

    Examples
    --------
    >>> words = Wording(Profile.load("serial_monitor"))
    >>> words.title("voltage"), words.value("voltage", 6.1), words.limit("temperature", 80)
    ('Voltage', '6.10V', '80.0°C')
    >>> Wording().title("fermenter_temp")
    'Fermenter temp'
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._channels = {c.name: c for c in profile.channels} if profile is not None else {}

    def title(self, channel: str) -> str:
        """Return the channel as people say it."""
        known = self._channels.get(channel)
        return known.title if known is not None else channel.replace("_", " ").capitalize()

    def unit(self, channel: str) -> str:
        """Return the unit, empty where none is known."""
        known = self._channels.get(channel)
        return known.unit if known is not None else ""

    def value(
        self, channel: str, value: float, *, away_from: float | tuple[float, ...] | None = None
    ) -> str:
        """Return *value* with the channel's decimals and unit.

        With *away_from*, as many more digits as it takes to show on which side of it (of each
        of them) the value is: a reading of 80.001 that "80.00°C exceeded 80.0°C" would look
        like a false alarm.
        """
        limits = away_from if isinstance(away_from, tuple) else (away_from,)
        sides = [(limit, _side(value, limit)) for limit in limits if limit is not None]

        def is_told(texts: list[str]) -> bool:
            return all(_side(float(texts[0]), limit) == side for limit, side in sides)

        return self._printed(channel, [value], is_told)[0] + self.unit(channel)

    def pair(self, channel: str, value: float, other: float) -> tuple[str, str]:
        """Return two values, each as `value` does, with the digits it takes to tell them apart.

        >>> Wording().pair("level", 1_000_000_105.0, 1_000_000_000.0)
        ('1000000105', '1000000000')
        """

        def differ(texts: list[str]) -> bool:
            return value == other or texts[0] != texts[1]

        first, second = self._printed(channel, [value, other], differ)
        unit = self.unit(channel)
        return first + unit, second + unit

    def _printed(
        self, channel: str, values: list[float], is_enough: Callable[[list[str]], bool]
    ) -> list[str]:
        """Return *values*, all in one format: the shortest in which they say enough."""
        texts: list[str] = []
        for form in self._formats(channel, values):
            texts = [f"{value:{form}}" for value in values]
            if is_enough(texts):
                break
        return texts

    def _formats(self, channel: str, values: list[float]) -> Iterator[str]:
        """Yield ever longer formats, the one that is usual for the channel first."""
        known = self._channels.get(channel)
        first = 0
        if known is None or any(abs(value) >= HUGE for value in values):
            yield f".{SIGNIFICANT_DIGITS}g"
        else:
            yield f".{known.decimals}f"
            first = known.decimals + 1
        if any(_has_exponent(value) for value in values):
            yield from (f".{decimals}e" for decimals in EXPONENT_DECIMALS)
        else:
            yield from (f".{decimals}f" for decimals in range(first, MOST_DECIMALS + 1))

    def limit(self, channel: str, limit: float) -> str:
        """Return a limit as it was set, with at least one decimal, and the unit."""
        return decimal(limit) + self.unit(channel)


def decimal(number: float) -> str:
    """Return *number* as the shortest plain decimal with at least one decimal.

    From `HUGE` on, and below `TINY`, it has an exponent.

    >>> decimal(80.0), decimal(4.5), decimal(7.25), decimal(1e16)
    ('80.0', '4.5', '7.25', '1e+16')
    """
    if _has_exponent(number):
        return repr(float(number))
    return np.format_float_positional(number, trim="0")


def _has_exponent(number: float) -> bool:
    return number != 0 and not TINY <= abs(number) < HUGE


def _side(value: float, limit: float) -> int:
    """Return 1 above the limit, -1 below, 0 on it."""
    return int(value > limit) - int(value < limit)


def times(factor: float) -> str:
    """Return a factor that may be very large, such as a number of sigmas.

    >>> times(4.84), times(3.2e12)
    ('4.8', '3.2e+12')
    """
    return f"{factor:.1f}" if factor < 1e4 else f"{factor:.2g}"
