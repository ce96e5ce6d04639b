"""How a unit wears out: one life after the other, each from new to failure and repair."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import Life, Profile
from sensorkit.signals.dynamics import offsets
from sensorkit.signals.streams import FIRST_UNIT, LIFE_STREAM, first_reading, refuse_hurry, stream


class OneLife(NamedTuple):
    """A unit from new to the end of its repair; readings are counted from the first of the unit.

    It sends in readings [start, failed) and is silent in [failed, back).
    """

    number: int
    """From 0."""
    start: int
    worn: int
    """First reading with wear; `failed` if wear begins after the last one."""
    failed: int
    back: int
    onset_s: float
    """When wear begins, in seconds since the first reading of the unit."""
    fails_s: float


class Lives:
    """The lives of one unit, drawn as far as they are asked for.

    Parameters
    ----------
    profile : Profile
        With a `life`.
    seed : int
    rate_hz : float, optional
        Readings a second; the profile's where not given.
    unit : int
        From 1.

    Examples
    --------
    >>> life = Life(mean_s=100, onset=(0.5, 0.5), shift={"T": 8.0}, repair_s=20)
    >>> profile = Profile(name="pump", rate_hz=1, channels=[{"name": "T"}], life=life)
    >>> [(one.start, one.worn, one.failed, one.back) for one in Lives(profile).until(200)]
    [(0, 50, 100, 120), (120, 170, 220, 240)]
    """

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        *,
        rate_hz: float | None = None,
        unit: int = FIRST_UNIT,
    ) -> None:
        if profile.life is None:
            raise ValueError(f"profile {profile.name!r} has no life")
        self._life: Life = profile.life
        self._rate = rate_hz or profile.rate_hz
        refuse_hurry("the end of a life", self._life.mean_s + self._life.repair_s, self._rate)
        self._shift = offsets(self._life.shift, profile.channel_names)
        self._rng = stream(seed, LIFE_STREAM, unit=unit)
        # A log-normal time with this mean and this relative spread.
        self._sigma = math.sqrt(math.log1p(self._life.spread**2))
        self._lives: list[OneLife] = []
        self._starts: list[int] = []
        self._begin_s = 0.0

    def until(self, stop: int, since: int = 0) -> list[OneLife]:
        """Return the lives that begin before reading *stop* and are not over at *since*."""
        self._reach(stop)
        first = max(bisect_right(self._starts, since) - 1, 0)
        return self._lives[first : bisect_right(self._starts, stop - 1)]

    def at(self, reading: int) -> OneLife:
        """Return the life that *reading* falls into."""
        self._reach(reading + 1)
        return self._lives[bisect_right(self._starts, reading) - 1]

    def add_to(self, values: NDArray[np.float64], first: int) -> None:
        """Add the wear to readings from number *first* on, shape (n, n_channels)."""
        stop, at = first + len(values), first
        while at < stop:
            life = self.at(at)
            low, high = max(life.worn, first), min(life.failed, stop)
            if low < high:
                worn = self._wear(np.arange(low, high), life)
                values[low - first : high - first] += worn[:, None] * self._shift
            at = life.back

    def remaining(self, readings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the readings left to the last one before the failure; NaN during a repair."""
        if len(readings) == 0:
            return np.zeros(0)
        self._reach(int(readings.max()) + 1)
        life = np.searchsorted(self._starts, readings, side="right") - 1
        failed = np.array([one.failed for one in self._lives])[life]
        return np.where(readings < failed, failed - 1 - readings, np.nan)

    def _wear(self, readings: NDArray[np.int64], life: OneLife) -> NDArray[np.float64]:
        """Return the share of the offsets that is there in *readings*, 0 to 1."""
        seconds = readings / self._rate
        passed = np.clip((seconds - life.onset_s) / (life.fails_s - life.onset_s), 0.0, 1.0)
        shape = self._life.shape
        share: NDArray[np.float64] = np.expm1(shape * passed) / math.expm1(shape)
        return share

    def _reach(self, stop: int) -> None:
        """Draw lives up to reading *stop*."""
        while not self._lives or self._lives[-1].back < stop:
            start = self._lives[-1].back if self._lives else 0
            normal, evenly = float(self._rng.standard_normal()), float(self._rng.random())
            life_s = self._life.mean_s * math.exp(self._sigma * normal - self._sigma**2 / 2)
            low, high = self._life.onset
            onset_s = self._begin_s + (low + (high - low) * evenly) * life_s
            fails_s = self._begin_s + life_s
            # A life that is shorter than a reading still has one.
            failed = max(first_reading(fails_s, self._rate), start + 1)
            self._begin_s = fails_s + self._life.repair_s
            back = max(first_reading(self._begin_s, self._rate), failed)
            worn = min(max(first_reading(onset_s, self._rate), start), failed)
            self._starts.append(start)
            self._lives.append(
                OneLife(len(self._lives), start, worn, failed, back, onset_s, fails_s)
            )
