"""The operating states a device goes through: how long in which, and what that does."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile, State
from sensorkit.signals.dynamics import offsets, settled
from sensorkit.signals.streams import FIRST_UNIT, STATE_STREAM, stream

FOREVER = 1 << 62


class Stay(NamedTuple):
    """A stay of the device in one of its states, in readings [start, stop)."""

    state: str
    start: int
    stop: int
    shift: NDArray[np.float64]
    """Offset of each channel in the reading before it, shape (n_channels,)."""


class States:
    """The state machine of a profile: how long in which state, and what that does.

    The time in a state is its shortest time plus an exponential, so that it has the mean of the
    profile. Offsets are approached exponentially with the `settle_s` of the state entered.

    Parameters
    ----------
    profile : Profile
    seed : int
    rate_hz : float, optional
        Readings a second; the profile's where not given.
    hold : str, optional
        Stay in this state for ever.
    unit : int
        From 1; each unit has a course of its own.
    life : int
        From 0; a unit that comes back as new has a new course.

    Raises
    ------
    ProfileError
        If there is no state *hold*.
    """

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        *,
        rate_hz: float | None = None,
        hold: str | None = None,
        unit: int = FIRST_UNIT,
        life: int = 0,
    ) -> None:
        if hold is not None and hold not in profile.states:
            raise ProfileError(
                f"profile {profile.name!r} has no state {hold!r} to hold; "
                f"it has {', '.join(profile.states) or 'none'}"
            )
        self._states = profile.states
        self._channels = profile.channel_names
        self._rate = rate_hz or profile.rate_hz
        self._held = hold is not None
        self._rng = stream(seed, STATE_STREAM, *([life] if life else []), unit=unit)
        self._end_s = 0.0
        self._stays: list[Stay] = []
        self._starts: list[int] = []
        self._enter(hold or next(iter(profile.states), None), 0, np.zeros(len(self._channels)))

    @property
    def usual(self) -> str | None:
        """Return the first state, the healthy one."""
        return next(iter(self._states), None)

    def until(self, stop: int, since: int = 0) -> list[Stay]:
        """Return the stays that begin before reading *stop*, in order.

        Those that are over before reading *since* may be left out.
        """
        self._reach(stop)
        first = max(bisect_right(self._starts, since) - 1, 0)
        return self._stays[first : bisect_left(self._starts, stop)]

    def block(self, start: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return offsets, shape (n, n_channels), and silence, shape (n,), of *n* readings."""
        shift = np.zeros((n, len(self._channels)))
        silent = np.zeros(n, dtype=np.bool_)
        for stay in self.until(start + n, start):
            low, high = max(stay.start, start), min(stay.stop, start + n)
            if low < high:
                shift[low - start : high - start] = self._shift(stay, np.arange(low, high))
                silent[low - start : high - start] = self._state(stay).silent
        return shift, silent

    def is_silent(self, stay: Stay) -> bool:
        """Return whether the device says nothing in *stay*."""
        return self._state(stay).silent

    def _reach(self, stop: int) -> None:
        """Draw the stays up to reading *stop*."""
        while self._stays[-1].stop < stop:
            last = self._stays[-1]
            successors = self._states[last.state].next
            weights = np.array(list(successors.values()))
            choice = self._rng.choice(len(weights), p=weights / weights.sum())
            shift = self._shift(last, np.array([last.stop - 1]))[0]
            self._enter(list(successors)[choice], last.stop, shift)

    def _state(self, stay: Stay) -> State:
        return self._states.get(stay.state) or State(dwell_s=(1, 1), next={})

    def _enter(self, name: str | None, start: int, shift: NDArray[np.float64]) -> None:
        """Begin a stay at reading *start* and draw how long it lasts."""
        self._starts.append(start)
        if name is None or self._held or not self._states[name].next:
            self._stays.append(Stay(name or "", start, FOREVER, shift))
            return
        shortest, mean = self._states[name].dwell_s
        self._end_s += shortest + max(mean - shortest, 0.0) * self._rng.standard_exponential()
        stop = max(math.ceil(self._end_s * self._rate), start)
        self._stays.append(Stay(name, start, stop, shift))

    def _shift(self, stay: Stay, readings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the offsets in *readings* of one stay, shape (len(readings), n_channels)."""
        state = self._state(stay)
        return settled(
            offsets(state.shift, self._channels),
            stay.shift,
            passed=readings - stay.start + 1,
            constant=self._rate * state.settle_s,
        )
