"""Which devices may speak on a link: those of the profile, or any that has the form of a name."""

from __future__ import annotations

import re

from sensorkit.profile import Profile
from sensorkit.profile.rules import LONGEST_NAME, NAME_PATTERN

MOST_DEVICES = 1000
"""So many are told apart where the profile names none. Without a checksum each flipped bit in a
name makes a new one, and what is remembered of a link must stay bounded."""

_is_name = re.compile(NAME_PATTERN).match


class DeviceNames:
    """The names that frames may carry; belongs to one stream.

    Examples
    --------
    >>> names = DeviceNames(Profile.load("serial_monitor"))
    >>> "engine-1" in names, "=cmd()" in names
    (True, False)
    """

    def __init__(self, profile: Profile) -> None:
        self._known = set(profile.devices)
        self._closed = bool(profile.devices)

    def __contains__(self, name: object) -> bool:
        if name in self._known:
            return True
        if not isinstance(name, str) or self._closed or len(self._known) >= MOST_DEVICES:
            return False
        if len(name) > LONGEST_NAME or not _is_name(name) or name.endswith("\n"):
            return False
        self._known.add(name)
        return True
