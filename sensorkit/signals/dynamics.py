"""What healthy units go through: disturbances that all feel, and conditions each is in."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import Condition, Disturbance, Profile
from sensorkit.profile.dynamics import shares
from sensorkit.signals.streams import (
    CONDITION_STREAM,
    DISTURBANCE_STREAMS,
    FIRST_UNIT,
    first_reading,
    refuse_hurry,
    stream,
)


def offsets(shift: dict[str, float], channels: tuple[str, ...]) -> NDArray[np.float64]:
    """Return what *shift* says of each channel, 0 of the others, shape (n_channels,)."""
    return np.array([shift.get(name, 0.0) for name in channels])


def healthy_variance(profile: Profile, channel: str) -> float:
    """Return the variance that disturbances and conditions add to a channel over a long time.

    Disturbances by Campbell's theorem, conditions by the share of time spent in each, as if their
    offsets were reached at once: a settling time takes a little of it away. All are independent,
    so that their variances add up.
    """
    variance = sum(one.variance * one.shift.get(channel, 0.0) ** 2 for one in profile.disturbances)
    if profile.conditions:
        share = np.array(shares(profile.conditions))
        shift = np.array([one.shift.get(channel, 0.0) for one in profile.conditions])
        variance += float(share @ (shift - share @ shift) ** 2)
    return variance


class Disturbances:
    """The disturbances of a profile, as one unit feels them.

    They come at the same moments for every unit, for they are drawn from streams that all units
    share; the first of them come before the first reading, so that it is as any other.

    Parameters
    ----------
    profile : Profile
    seed : int
    rate_hz : float
    unit : int
        From 1; the first one has no lag.
    """

    def __init__(self, profile: Profile, seed: int, *, rate_hz: float, unit: int) -> None:
        self._trains = [
            _Train(one, index, profile.channel_names, seed, rate_hz, unit)
            for index, one in enumerate(profile.disturbances)
        ]

    def add_to(self, values: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
        """Add what they do at *seconds*; these rise from call to call."""
        for train in self._trains:
            train.add_to(values, seconds)


class _Train:
    """One disturbance and the moments at which it begins."""

    def __init__(
        self,
        disturbance: Disturbance,
        index: int,
        channels: tuple[str, ...],
        seed: int,
        rate_hz: float,
        unit: int,
    ) -> None:
        title = f"disturbance {disturbance.name!r}"
        refuse_hurry(title, disturbance.every_s, rate_hz)
        self._disturbance = disturbance
        self._shift = offsets(disturbance.shift, channels)
        self._rng = stream(seed, DISTURBANCE_STREAMS, index)
        # All that has begun so long ago is over, for the unit with the longest lag as well.
        self._next = self._wait() - disturbance.length_s - disturbance.lag_s
        self._begun: deque[float] = deque()
        self._lag = 0.0
        if unit != FIRST_UNIT:
            own = stream(seed, DISTURBANCE_STREAMS, index, unit=unit)
            self._lag = disturbance.lag_s * float(own.random())

    def add_to(self, values: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
        """Add it to *values*, shape (n, n_channels), at *seconds*, shape (n,)."""
        length = self._disturbance.length_s
        while self._next + self._lag <= seconds[-1]:
            self._begun.append(self._next + self._lag)
            self._next += self._wait()
        while self._begun and self._begun[0] + length < seconds[0]:
            self._begun.popleft()
        for begin in self._begun:
            low, high = np.searchsorted(seconds, [begin, begin + length])
            pulse = _pulse(seconds[low:high] - begin, self._disturbance)
            values[low:high] += pulse[:, None] * self._shift

    def _wait(self) -> float:
        return self._disturbance.every_s * float(self._rng.standard_exponential())


def _pulse(passed: NDArray[np.float64], disturbance: Disturbance) -> NDArray[np.float64]:
    """Return how much of a disturbance there is so many seconds after its beginning, 0 to 1."""
    rises, relaxes = disturbance.rises_s, disturbance.relaxes_s
    rising = np.clip(passed / rises, 0, 1) if rises else np.ones_like(passed)
    left = disturbance.length_s - passed
    relaxing = np.clip(left / relaxes, 0, 1) if relaxes else np.ones_like(passed)
    pulse: NDArray[np.float64] = (
        0.25 * (1 - np.cos(np.pi * rising)) * (1 - np.cos(np.pi * relaxing))
    )
    return pulse


class _Stretch(NamedTuple):
    """A stay in one condition, in readings [start, stop)."""

    condition: Condition
    start: int
    stop: int
    shift: NDArray[np.float64]
    """Offset of each channel in the reading before it."""


class Conditions:
    """The operating conditions that one unit goes through; parameters as in `Disturbances`.

    The first is drawn by the share of time spent in each, and begins with the first reading.
    """

    def __init__(self, profile: Profile, seed: int, *, rate_hz: float, unit: int) -> None:
        self._conditions = profile.conditions
        self._channels = profile.channel_names
        self._rate = rate_hz
        self._rng = stream(seed, CONDITION_STREAM, unit=unit)
        weights = np.array([one.weight for one in self._conditions])
        self._chances = weights / weights.sum() if len(weights) else weights
        if self._conditions:
            mean_s = float(self._chances @ [one.dwell_s[1] for one in self._conditions])
            refuse_hurry("a change of condition", mean_s, rate_hz)
            share = shares(self._conditions)
            first = self._conditions[int(self._rng.choice(len(share), p=share))]
            self._end_s = 0.0
            self._now = self._enter(first, 0, offsets(first.shift, self._channels))

    def add_to(self, values: NDArray[np.float64], first: int) -> None:
        """Add what they do to readings from number *first* on; it rises from call to call."""
        if not self._conditions:
            return
        done, stop = first, first + len(values)
        while done < stop:
            if self._now.stop <= done:
                self._move()
                continue
            until = min(self._now.stop, stop)
            values[done - first : until - first] += self._shift(np.arange(done, until))
            done = until

    def _move(self) -> None:
        """Go to the next condition."""
        shift = self._shift(np.array([self._now.stop - 1]))[0]
        choice = int(self._rng.choice(len(self._chances), p=self._chances))
        self._now = self._enter(self._conditions[choice], self._now.stop, shift)

    def _enter(self, condition: Condition, start: int, shift: NDArray[np.float64]) -> _Stretch:
        shortest, mean = condition.dwell_s
        self._end_s += shortest + (mean - shortest) * float(self._rng.standard_exponential())
        return _Stretch(condition, start, max(first_reading(self._end_s, self._rate), start), shift)

    def _shift(self, readings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the offsets in *readings*, shape (len(readings), n_channels)."""
        now = self._now
        return settled(
            offsets(now.condition.shift, self._channels),
            now.shift,
            passed=readings - now.start + 1,
            constant=self._rate * now.condition.settle_s,
        )


def settled(
    target: NDArray[np.float64],
    before: NDArray[np.float64],
    *,
    passed: NDArray[np.int64],
    constant: float,
) -> NDArray[np.float64]:
    """Return offsets that approach *target* exponentially, shape (n, n_channels).

    Parameters
    ----------
    target, before : array of float64, shape (n_channels,)
        The offsets in the end and at the beginning.
    passed : array of int64, shape (n,)
        Readings since the beginning.
    constant : float
        Time constant in readings; 0: at once.
    """
    if constant == 0:
        return np.tile(target, (len(passed), 1))
    left = np.exp(-(passed[:, None] / constant))
    approached: NDArray[np.float64] = target + (before - target) * left
    return approached
