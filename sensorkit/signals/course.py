"""What becomes of one unit: its states, its lives, and when it says nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import Profile
from sensorkit.signals.states import States
from sensorkit.signals.streams import FIRST_UNIT
from sensorkit.signals.wear import Lives, OneLife

WEAR, REPAIR = "wear", "repair"
"""Kinds of labels, beside the names of the states."""


class Spell(NamedTuple):
    """Something unhealthy that a unit goes through, in readings [start, stop)."""

    kind: str
    """A state in small letters, `wear` or `repair`."""
    title: str
    """As in an error: "the state WARNING"."""
    start: int
    stop: int
    silent: bool


class Course:
    """The states of one unit and its lives; a new life begins in the first state.

    Parameters
    ----------
    profile : Profile
    seed : int
    rate_hz : float, optional
        Readings a second; the profile's where not given.
    hold : str, optional
        Stay in this state for ever, without wear.
    unit : int
        From 1.
    """

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        *,
        rate_hz: float | None = None,
        hold: str | None = None,
        unit: int = FIRST_UNIT,
    ) -> None:
        self._profile, self._seed, self._unit = profile, seed, unit
        self._rate = rate_hz or profile.rate_hz
        self._hold = hold
        self._states: dict[int, States] = {}
        self._of_life(0)
        self.lives: Lives | None = None
        if profile.life is not None and hold is None:
            self.lives = Lives(profile, seed, rate_hz=self._rate, unit=unit)

    def block(self, start: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return offsets by states, shape (n, n_channels), and silence, shape (n,)."""
        if self.lives is None:
            return self._of_life(0).block(start, n)
        shift = np.zeros((n, len(self._profile.channels)))
        silent = np.ones(n, dtype=np.bool_)
        at, stop = start, start + n
        while at < stop:
            life = self.lives.at(at)
            high = min(life.failed, stop)
            if at < high:
                found = self._of_life(life.number).block(at - life.start, high - at)
                shift[at - start : high - start], silent[at - start : high - start] = found
            at = life.back
        return shift, silent

    def spells(self, stop: int, since: int = 0) -> list[Spell]:
        """Return what is unhealthy and begins before reading *stop*, in order.

        Left out is what is over before reading *since*.
        """
        if self.lives is None:
            found = self._unusual(0, 0, stop, since)
        else:
            found = [
                one for life in self.lives.until(stop, since) for one in self._of_one(life, since)
            ]
        inside = [one for one in found if one.start < stop and one.stop > since]
        return sorted(inside, key=lambda one: one.start)

    def _of_one(self, life: OneLife, since: int) -> list[Spell]:
        """Return the spells of one life."""
        spells = [
            one._replace(stop=min(one.stop, life.failed))
            for one in self._unusual(life.number, life.start, life.failed, since)
        ]
        if life.worn < life.failed:
            spells.append(Spell(WEAR, "the wear", life.worn, life.failed, silent=False))
        if life.failed < life.back:
            spells.append(Spell(REPAIR, "the repair", life.failed, life.back, silent=True))
        return spells

    def _unusual(self, life: int, first: int, stop: int, since: int) -> list[Spell]:
        """Return the stays outside the first state in one life that begins at reading *first*."""
        states = self._of_life(life)
        return [
            Spell(
                stay.state.lower(),
                f"the state {stay.state}",
                first + stay.start,
                first + stay.stop,
                states.is_silent(stay),
            )
            for stay in states.until(stop - first, max(since - first, 0))
            if stay.state != (states.usual or "") and stay.stop > stay.start
        ]

    def _of_life(self, number: int) -> States:
        if number not in self._states:
            self._states[number] = States(
                self._profile,
                self._seed,
                rate_hz=self._rate,
                hold=self._hold,
                unit=self._unit,
                life=number,
            )
        return self._states[number]
