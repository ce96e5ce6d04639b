"""The units that one emulator stands for: their names, and when in a period each speaks."""

from __future__ import annotations

import re

from sensorkit.errors import UsageError
from sensorkit.nearest import unknown
from sensorkit.profile import Profile
from sensorkit.profile.rules import LONGEST_NAME

MOST_UNITS = 10_000

GOLDEN = (5**0.5 - 1) / 2


def unit_names(profile: Profile, units: int | None) -> tuple[str, ...]:
    """Return what the units are called.

    Parameters
    ----------
    profile : Profile
    units : int or None
        How many; all that the profile names, or one, where not given.

    Raises
    ------
    UsageError
        If there cannot be so many.

    Examples
    --------
    >>> unit_names(Profile.load("serial_monitor"), 3)
    ('monitor-1', 'monitor-2', 'monitor-3')
    """
    known = profile.devices
    if units is None:
        units = len(known) or 1
    if isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= MOST_UNITS:
        raise UsageError(f"{units!r} units are not possible; a whole number to {MOST_UNITS} is")
    if known and units > len(known):
        raise UsageError(
            f"profile {profile.name!r} names {len(known)} devices ({', '.join(known)}), not "
            f"{units}; ask for fewer units, or name more"
        )
    names = known[:units] or _numbered(profile.device, units)
    if len(names[-1]) > LONGEST_NAME:
        raise UsageError(
            f"the name of unit {units}, {names[-1]!r}, is longer than {LONGEST_NAME} letters; "
            "shorten `device` in the profile"
        )
    return names


def _numbered(first: str, units: int) -> tuple[str, ...]:
    """Return names that count on from *first*: engine-1, engine-2, ...; pump, pump-2, ..."""
    number = re.search(r"[0-9]{1,15}$", first)
    if number is None:
        return (first, *(f"{first}-{k}" for k in range(2, units + 1)))
    stem, start = first[: number.start()], int(number.group())
    width = len(number.group())
    return (first, *(f"{stem}{start + k:0{width}d}" for k in range(1, units)))


def phases(units: int) -> list[float]:
    """Return when each unit speaks, as a share of the period.

    Steps of the golden ratio: however many units there are, their frames are spread well over the
    period, and one more moves none of the others.

    >>> [round(phase, 3) for phase in phases(4)]
    [0.0, 0.618, 0.236, 0.854]
    """
    return [k * GOLDEN % 1.0 for k in range(units)]


def unit_number(unit: int | str, names: tuple[str, ...]) -> int:
    """Return the place of a unit in *names*, from 0.

    Parameters
    ----------
    unit : int or str
        Its number from 1, or its name.
    names : tuple of str

    Raises
    ------
    UsageError
        If there is none.
    """
    if isinstance(unit, int) and not isinstance(unit, bool):
        if not 1 <= unit <= len(names):
            there = "there is 1" if len(names) == 1 else f"there are 1 to {len(names)}"
            raise UsageError(f"no unit {unit}; {there}")
        return unit - 1
    if unit not in names:
        raise UsageError(unknown("unit", str(unit), names))
    return names.index(unit)
