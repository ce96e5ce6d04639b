"""Set a threshold on clean readings for a budget of false alarms, and say what it is worth."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.episodes import runs

DAY_NS = 86_400_000_000_000

# An interval this many times the typical one is a gap: nobody was watching meanwhile.
GAP_INTERVALS = 10.0

# A detector that is in alarm for longer than this share of the clean time raises no alarms,
# it is one. Without the bound, the fewest episodes are had by flagging everything at once.
MOST_FLAGGED = 0.1


@dataclass(frozen=True)
class CalibrationResult:
    """What calibration found on the clean readings, at the threshold it left behind."""

    clean_hours: float
    """Time covered by the clean readings, gaps left out, summed over devices."""
    alarms: int
    """Episodes on them at the threshold."""
    alarms_per_day: float
    upper_95_per_day: float
    """Exact Poisson upper bound of the rate: 3/T for no alarm in T days."""
    extrapolated: bool
    """Fewer than 3/budget clean days: the budget is not shown to be kept, only hoped for."""
    false_alarms_per_day: float
    """The budget asked for."""
    fixed: bool
    """The detector's threshold is fixed; it was measured, not moved."""

    @classmethod
    def of(cls, days: float, alarms: int, budget: float, *, fixed: bool) -> CalibrationResult:
        """Judge *alarms* episodes in *days* clean days against *budget* a day.

        Examples
        --------
        >>> result = CalibrationResult.of(2.0, 0, 1.0, fixed=False)
        >>> round(result.upper_95_per_day, 3), result.extrapolated
        (1.498, True)
        """
        # Here: half a second that a process which only scores need not wait.
        from scipy.special import gammaincinv

        return cls(
            clean_hours=days * 24.0,
            alarms=alarms,
            alarms_per_day=alarms / days,
            # The rate at which so few alarms or fewer have a chance of 5 %.
            upper_95_per_day=float(gammaincinv(alarms + 1, 0.95)) / days,
            extrapolated=days < 3.0 / budget,
            false_alarms_per_day=budget,
            fixed=fixed,
        )

    def __str__(self) -> str:
        """Return the result as a sentence."""
        how = "measured (the threshold is fixed)" if self.fixed else "calibrated"
        few = (
            f"; fewer than {3.0 / self.false_alarms_per_day:.3g} clean days, so the budget of "
            f"{self.false_alarms_per_day:g} a day is extrapolated"
            if self.extrapolated
            else ""
        )
        return (
            f"{how} on {self.clean_hours:.3g} clean hours: {self.alarms} false "
            f"{'alarm' if self.alarms == 1 else 'alarms'}, at most "
            f"{self.upper_95_per_day:.3g} a day with 95 % confidence{few}"
        )


def covered_days(time: NDArray[np.int64]) -> float:
    """Return how many days the readings of one device cover, gaps left out.

    An interval of more than ten times the typical (median positive) one is a gap and counts
    as a typical one; a step back in time counts as nothing.

    Parameters
    ----------
    time : array of int64, shape (n,)
        Nanoseconds UTC.

    Examples
    --------
    >>> hour = np.arange(3601) * 1_000_000_000
    >>> round(covered_days(hour) * 24, 6)
    1.0
    >>> round(covered_days(np.concatenate([hour, hour + DAY_NS])) * 24, 3)  # a night off
    2.0
    """
    steps = np.diff(time)
    steps = steps[steps > 0]
    if not len(steps):
        return 0.0
    typical = float(np.median(steps))
    covered = np.where(steps > GAP_INTERVALS * typical, typical, steps)
    return float(covered.sum()) / DAY_NS


def lowest_threshold(
    scores: Sequence[NDArray[np.float64]],
    budget: int,
    merge: int,
    *,
    times: Sequence[NDArray[np.int64]] = (),
    refractory_ns: int = 0,
) -> float:
    """Return the lowest threshold that leaves at most *budget* episodes.

    Coming down from the highest score, the threshold stops just above the first score that
    would bring one episode too many, or that would put more than `MOST_FLAGGED` of the
    readings in alarm. Lower down there may be fewer episodes again, because they grow together;
    such a threshold is not taken.

    Parameters
    ----------
    scores : sequence of array of float, shape (n_readings,)
        One array per device and track, in the order of time.
    budget : int
        Episodes allowed, over all arrays.
    merge : int
        Longest run of unflagged readings inside an episode.
    times : sequence of array of int64, shape (n_readings,)
        Of each array of scores, nanoseconds UTC; wanted with a refractory time only.
    refractory_ns : int
        From the beginning of an episode until the next may begin. With it the threshold is
        found by halving, and may lie below one that brings an episode too many.

    Returns
    -------
    float
        Strictly above the score it excludes, by the smallest step a float can make.

    Examples
    --------
    >>> score = np.zeros(100)
    >>> score[[10, 50, 90]] = 5.0, 7.0, 6.0
    >>> lowest_threshold([score], 2, merge=3)
    5.000000000000001
    """
    if refractory_ns:
        return _by_halving(scores, budget, merge, times, refractory_ns)
    # The arrays lie end to end, too far apart to grow together.
    starts = np.cumsum([0, *(len(part) + merge + 1 for part in scores)])
    position = np.concatenate(
        [np.arange(len(part)) + at for part, at in zip(scores, starts, strict=False)]
    )
    values = np.concatenate(scores)
    order = np.argsort(-values, kind="stable")
    falling = values[order]
    cuts = [0, *(np.flatnonzero(np.diff(falling)) + 1).tolist(), len(values)]
    flagged: list[int] = []
    episodes = 0
    for first, stop in pairwise(cuts):  # one distinct score each
        if stop <= MOST_FLAGGED * len(values):
            for at in position[order[first:stop]].tolist():
                episodes += _add(flagged, at, merge + 1)
            if episodes <= budget:
                continue
        return math.nextafter(float(falling[first]), math.inf)
    return -math.inf  # no scores at all


def _add(flagged: list[int], at: int, reach: int) -> int:
    """Insert *at* into sorted *flagged*; return by how much the episodes grow: -1, 0 or 1."""
    i = bisect_left(flagged, at)
    left = flagged[i - 1] if i else None
    right = flagged[i] if i < len(flagged) else None
    flagged.insert(i, at)
    near_left = left is not None and at - left <= reach
    near_right = right is not None and right - at <= reach
    were_one = left is not None and right is not None and right - left <= reach
    return 1 - near_left - near_right + were_one


def _by_halving(
    scores: Sequence[NDArray[np.float64]],
    budget: int,
    merge: int,
    times: Sequence[NDArray[np.int64]],
    refractory_ns: int,
) -> float:
    falling = np.unique(np.concatenate(scores))[::-1]
    most = MOST_FLAGGED * sum(map(len, scores))

    def too_many(score: float) -> bool:
        rows = [np.flatnonzero(part >= score) for part in scores]
        if sum(map(len, rows)) > most:
            return True
        found = (
            count_episodes(part, time, merge, refractory_ns)
            for part, time in zip(rows, times, strict=True)
        )
        return sum(found) > budget

    low, high = 0, len(falling)  # all before low are allowed, the one at high is not
    while low < high:
        middle = (low + high) // 2
        if too_many(float(falling[middle])):
            high = middle
        else:
            low = middle + 1
    return math.nextafter(float(falling[low]), math.inf) if low < len(falling) else -math.inf


def count_episodes(
    rows: NDArray[np.intp], time: NDArray[np.int64], merge: int, refractory_ns: int
) -> int:
    """Return how many episodes the flagged *rows* make; see `sensorkit.detect.episodes`.

    >>> count_episodes(np.array([0, 1, 5, 9]), np.arange(10), 2, 6)
    2
    """
    episodes, start = 0, None
    for first, _ in runs(rows, merge):
        if start is None or not 0 <= time[first] - start < refractory_ns:
            episodes, start = episodes + 1, int(time[first])
    return episodes
