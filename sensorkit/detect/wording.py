"""Put channels and values into words, with the label, unit and decimals of the profile."""

from __future__ import annotations

import math

import numpy as np

from sensorkit.profile import Profile

# What %g shows of a value when no profile says how many decimals it has.
SIGNIFICANT_DIGITS = 6

# Twice the digits a float64 can tell apart after the point near 1.
MOST_DECIMALS = 30


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

    def value(self, channel: str, value: float, *, away_from: float | None = None) -> str:
        """Return *value* with the channel's decimals and unit.

        With *away_from*, as many more decimals as it takes to show that the two differ: a
        reading of 80.001 that "80.00°C exceeded 80.0°C" would look like a false alarm.
        """
        known = self._channels.get(channel)
        if known is None:
            text = f"{value:.{SIGNIFICANT_DIGITS}g}"
            if away_from is not None and float(text) == away_from != value:
                text = repr(value)
            return text
        text = f"{value:.{known.decimals}f}"
        if away_from is not None and math.isfinite(value) and value != away_from:
            decimals = known.decimals
            while float(text) == away_from and decimals < MOST_DECIMALS:
                decimals += 1
                text = f"{value:.{decimals}f}"
        return text + known.unit

    def limit(self, channel: str, limit: float) -> str:
        """Return a limit as it was set, with at least one decimal, and the unit."""
        return decimal(limit) + self.unit(channel)


def decimal(number: float) -> str:
    """Return *number* as the shortest plain decimal with at least one decimal.

    >>> decimal(80.0), decimal(4.5), decimal(7.25), decimal(1e16)
    ('80.0', '4.5', '7.25', '10000000000000000.0')
    """
    return np.format_float_positional(number, trim="0")


def times(factor: float) -> str:
    """Return a factor that may be very large, such as a number of sigmas.

    >>> times(4.84), times(3.2e12)
    ('4.8', '3.2e+12')
    """
    return f"{factor:.1f}" if factor < 1e4 else f"{factor:.2g}"
