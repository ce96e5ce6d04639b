r"""Whether the newest readings are unlike the last ones, and unlike the same time on other days."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple, Unpack

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels import exceedances, phases, subsequences
from sensorkit.detect.kernels.exceedances import (
    COUNT,
    FEWEST_SCORES,
    PLACES,
    REMEMBERED_IMPROBABILITY,
    WAITING,
    measure,
    tail_begins,
    take_in,
)
from sensorkit.detect.parameters import whole
from sensorkit.detect.streams import LARGEST, Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.profile import Profile
from sensorkit.readings import Readings

Ints = NDArray[np.int64]

# Unusual enough for an alarm until `calibrate` says otherwise: one reading in 400.
THRESHOLD = 2.6

# The questions are added as the third root of the sum of third powers: one clear answer is worth
# more than two half ones. Between 2 and 5 it makes no difference on NAB; a plain sum loses 2.
POWER = 3.0

# The latest scores that a tail does not compare with yet, so that a fault that has just begun
# does not become usual by lasting: half a day of readings 5 minutes apart.
DELAY = 150

LENGTHS = len(subsequences.LENGTHS)


class Novelty(BaseDetector):
    r"""Score by how unusual the newest readings of a channel are, in two ways.

    Two questions are asked of each channel. *Recent*: how far are the newest values from the
    nearest ones in a row among the last *recent* (see `kernels.subsequences`)? *Daily*: how far
    are they from the nearest ones at the same time of the last *days* days (see
    `kernels.phases`)? Each is asked for three lengths; each distance is turned into its
    improbability I, -log10 of its tail probability among the last *memory* of its kind (see
    `sensorkit.detect.tails`), of which only those beyond the start of the tail count. The means
    over the lengths are put together:

    .. math:: s = \sqrt[3]{I_{recent}^3 + I_{daily}^3} + \log_{10} \frac{memory}{\min(n, memory)}

    where there is anything to add to (0 otherwise). The last term, with n readings seen so far,
    says that among few readings one is unusual that would be less so among many. Each channel
    has its own episodes.

    Parameters
    ----------
    recent : int
        Readings compared with for the first question.
    days : int
        Days compared with for the second one.
    memory : int
        Distances that tell how unusual one is.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Notes
    -----
    Strictly online: nothing is known of a channel but what it has said so far, not even its
    range. A fit is not needed; after one, every stream begins with what was remembered of it (of
    several devices, that with the most readings). Otherwise nothing scores above 0 before the
    tails have begun, after about 210 readings; the daily question needs a day, and then 200
    slots (of 5 minutes, or of a reading where those are rarer).

    Missing values take no place. An infinite value scores `LARGEST` at once; neither is learned.
    Where the clock was set back, the daily memory forgets what it knew of later times.

    What is not a parameter, and the threshold, was chosen on NAB. It scores 72.9 there (standard
    profile), and 71.6 where each file is judged with the best of 270 choices for other files. On
    healthy noise of five kinds, 10 000 readings raise 3 to 11 alerts before `calibrate`, and up to
    19 where it is quantized as coarsely as in steps of its standard deviation.

    Memory: 0.7 MB per channel with the defaults, whatever comes. Cost: about 12 microseconds per
    reading and channel in a batch, 13 to 18 one at a time (`score_one`).

    The score is the nearest-neighbour distance of [1]_ made one-sided in time, calibrated as in
    [2]_. We depart from both in comparing at the same time of day as well, in the last term, and
    in that the latest 150 distances are not yet part of the tail.

    References
    ----------
    .. [1] E. Burnaev and V. Ishimtsev, "Conformalized density- and distance-based anomaly
       detection in time-series data", 2016, arXiv:1608.04585.
    .. [2] A. Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017.

    Examples
    --------
    >>> minute = np.arange(6000)
    >>> level = np.sin(minute / 50) + 0.1 * np.random.default_rng(1).normal(size=6000)
    >>> level[5900:] += 1.0
    >>> readings = Readings.build(minute * 60 * 10**9, level[:, np.newaxis], ["level"])
    >>> alert = Novelty().alerts(readings)[0]
    >>> alert.start // (60 * 10**9), round(alert.score, 1)
    (5900, 4.5)
    >>> print(alert.description)
    Level -0.0173699 is, with those before it, unlike the last 4000 readings (once in 30000).
    """

    name = "novelty"

    def __init__(
        self,
        *,
        recent: int = 4000,
        days: int = 14,
        memory: int = 6000,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.recent = whole(self.name, "recent", recent, least=subsequences.LONGEST)
        self.days = whole(self.name, "days", days, least=1)
        self.memory = whole(self.name, "memory", memory, least=FEWEST_SCORES)
        self._known: NoveltyStream | None = None  # with which every stream begins

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def natural_threshold(self) -> float:
        return THRESHOLD

    def learn(self, parts: list[Readings]) -> None:
        self._known = self._fresh(len(self._tracks))
        self._known.judge(max(parts, key=len))

    def _fresh(self, channels: int) -> NoveltyStream:
        return NoveltyStream(channels, self.recent, self.days, self.memory)

    def open_stream(self, device: str) -> NoveltyStream:
        return self._fresh(len(self._tracks)) if self._known is None else copy.deepcopy(self._known)

    def state(self) -> Arrays:
        return {} if self._known is None else self._known.arrays()

    def restore(self, arrays: Arrays) -> None:
        if arrays:
            known = self._fresh(len(self._tracks))
            known.restore(arrays)
            self._known = known

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel = part.channels[track]
        value = float(part.values[row, track])
        title, text = self.words.title(channel), self.words.value(channel, value)
        if not math.isfinite(value):
            return Finding(f"{title} {text} is not a finite value.", None, channel, value)
        recent, daily = judged.facts["recent"][row, track], judged.facts["daily"][row, track]
        compared = round(float(judged.facts["compared"][row, track]))
        days = round(float(judged.facts["days"][row, track]))
        like = []
        if recent > 0:
            like.append(f"the last {compared} readings ({_once(recent)})")
        if daily > 0:
            day = "the day before" if days == 1 else f"on the last {days} days"
            like.append(f"the same time {day} ({_once(daily)})")
        unlike = " and unlike ".join(like)
        text = f"{title} {text} is, with those before it, unlike {unlike}."
        return Finding(text, None, channel, value)


def _once(improbability: float) -> str:
    """Return how often something so improbable comes up, to two digits.

    A tail of some thousand distances says no more of what is rarer than those it remembers.

    >>> _once(3.02), _once(8.0), _once(30.0)
    ('once in 1000', 'once in 1e+08', 'less than once in 1e+10')
    """
    if improbability >= REMEMBERED_IMPROBABILITY:
        return f"less than once in {10.0**REMEMBERED_IMPROBABILITY:.0e}"
    times = float(f"{10.0**improbability:.2g}")
    return f"once in {times:.0f}" if times < 1e6 else f"once in {times:.2g}"


class _Channel(NamedTuple):
    """What is remembered of one channel; the kernels change the arrays in place."""

    kept: Floats
    bars: Floats
    end: Ints
    lanes: Floats
    """These four: `sensorkit.detect.kernels.subsequences.memory`."""
    slots: Floats
    waiting: Floats
    times: Ints
    slot_at: Ints
    """These four: `sensorkit.detect.kernels.phases.memory`."""
    ordered: Floats
    recent: Floats
    delayed: Floats
    at: Ints
    """These four: tails, the recent ones first, a row each; see `kernels.exceedances`."""
    distances: Floats
    """Of the newest reading, in the order of the tails."""
    slot_over: Floats
    """Distances of the newest slot, learned when it is over, and how unusual it is."""

    @classmethod
    def empty(cls, recent: int, days: int, memory: int) -> _Channel:
        tails = 2 * LENGTHS
        return cls(
            *subsequences.memory(recent),
            *phases.memory(days),
            np.zeros((tails, memory)),
            np.zeros((tails, memory)),
            np.zeros((tails, DELAY)),
            np.zeros((tails, PLACES), dtype=np.int64),
            np.full(tails, np.nan),
            np.array([*(LENGTHS * [np.nan]), 0.0]),
        )

    def known_since(self) -> int | None:
        """Return the time of the earliest slot remembered, nanoseconds UTC; None if none is."""
        length, newest = self.slot_at[phases.SLOT_NS], self.slot_at[phases.NEWEST]
        if not length:
            waiting = self.times[0, : self.slot_at[phases.WAITING]]
            return int(waiting.min()) if len(waiting) else None
        kept = self.slots.shape[1] // 2
        there = np.flatnonzero(np.isfinite(self.slots[phases.VALUE, :kept]))
        return int((newest - ((newest - there) % kept).max()) * length) if len(there) else None

    def check(self) -> None:
        """Raise ValueError if the kernels could leave these arrays."""
        subsequences.check(self.kept, self.bars, self.end, self.lanes)
        phases.check(self.slots, self.waiting, self.times, self.slot_at)
        for tail in zip(self.ordered, self.recent, self.delayed, self.at, strict=True):
            exceedances.check(*tail)
        if not 0 <= self.slot_over[LENGTHS] < math.inf:
            raise ValueError("how unusual the newest slot is, is no number from 0 on")


class NoveltyStream(Stream):
    """What is remembered of the channels of one device."""

    def __init__(self, channels: int, recent: int, days: int, memory: int) -> None:
        self._recent = recent
        self._days = days
        self._of = [_Channel.empty(recent, days, memory) for _ in range(channels)]

    def arrays(self) -> Arrays:
        """Return what is remembered, each array by the number of its channel and its name."""
        return {
            f"{c}_{name}": array
            for c, channel in enumerate(self._of)
            for name, array in channel._asdict().items()
            if name != "lanes"  # scratch
        }

    def restore(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned; ValueError if it cannot be that."""
        own = self.arrays()
        if set(own) != set(arrays):
            raise ValueError(f"it knows no {', '.join(sorted(set(own) ^ set(arrays)))}")
        for name, array in own.items():
            given = arrays[name]
            if given.dtype != array.dtype or given.shape != array.shape:
                raise ValueError(f"{name} is {given.dtype} of shape {given.shape}")
            array[...] = given
        for channel in self._of:
            channel.check()

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn.

        Facts, shape (n, n_channels) each: the improbabilities `recent` and `daily`, and how many
        readings (`compared`) and `days` there were to compare with.
        """
        shape = readings.values.shape
        facts = self._there_were(readings) if self.explaining else {}
        scores, recent, daily = (np.zeros(shape, order="F") for _ in range(3))
        time = np.ascontiguousarray(readings.time)
        for c, channel in enumerate(self._of):
            values = np.ascontiguousarray(readings.values[:, c])
            found = scores[:, c], recent[:, c], daily[:, c]
            _judge(time, values, self.learning, self._days, *channel, *found)
        return Judged(scores, facts | {"recent": recent, "daily": daily} if facts else {})

    def _there_were(self, readings: Readings) -> dict[str, Floats]:
        """Return to how many readings and days each of *readings* is going to be compared."""
        compared, days = (np.zeros(readings.values.shape) for _ in range(2))
        for c, channel in enumerate(self._of):
            there = np.isfinite(readings.values[:, c])
            if not there.any():
                continue
            before = int(channel.end[subsequences.END]) + np.cumsum(there) - there
            compared[:, c] = np.minimum(before, self._recent)
            since = channel.known_since()
            since = int(readings.time[there][0]) if since is None else since
            passed = (readings.time - since) // phases.DAY_NS
            days[:, c] = np.clip(passed, 1, self._days)
        return {"compared": compared, "days": days}

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Score one reading, then learn it; shape (n_channels,)."""
        time, most, found = np.array([time_ns]), -math.inf, np.zeros((3, 1))
        for c, channel in enumerate(self._of):
            _judge(time, values[c : c + 1], self.learning, self._days, *channel, *found)
            most = max(most, float(found[0, 0]))
        return most


@njit(cache=True, nogil=True, error_model="numpy")
def _judge(
    time: Ints,
    values: Floats,
    learn: bool,
    days: int,
    kept: Floats,
    bars: Floats,
    end: Ints,
    lanes: Floats,
    slots: Floats,
    waiting: Floats,
    times: Ints,
    slot_at: Ints,
    ordered: Floats,
    recent: Floats,
    delayed: Floats,
    at: Ints,
    distances: Floats,
    slot_over: Floats,
    scores: Floats,
    recents: Floats,
    dailies: Floats,
) -> None:  # pragma: no cover - compiled
    near, far = distances[:LENGTHS], distances[LENGTHS:]
    for i in range(len(values)):
        value = values[i]
        scores[i] = recents[i] = dailies[i] = 0.0
        if not math.isfinite(value):
            scores[i] = 0.0 if math.isnan(value) else LARGEST
            continue
        seen = at[0, COUNT] + at[0, WAITING]
        subsequences.nearest(value, learn, kept, bars, end, lanes, near)
        recents[i] = _unusual(near, 0, learn, ordered, recent, delayed, at)
        if phases.place(time[i], value, learn, slots, waiting, times, slot_at):
            # The slot before is over: what it was measured at is learned.
            _unusual(slot_over[:LENGTHS], LENGTHS, True, ordered, recent, delayed, at)
            slot_over[:] = math.nan
            slot_over[LENGTHS] = 0.0
        if phases.ready(slot_at):
            phases.nearest(days, slots, slot_at, far)
            slot_over[:LENGTHS] = math.nan
            if learn:
                slot_over[:LENGTHS] = far
            slot_over[LENGTHS] = _unusual(far, LENGTHS, False, ordered, recent, delayed, at)
        dailies[i] = slot_over[LENGTHS]
        both = (recents[i] ** POWER + dailies[i] ** POWER) ** (1.0 / POWER)
        if both > 0.0:
            memory = ordered.shape[1]
            scores[i] = both + math.log10(memory / min(max(seen, FEWEST_SCORES), memory))


@njit(cache=True, nogil=True, error_model="numpy")
def _unusual(
    distances: Floats,
    first: int,
    learn: bool,
    ordered: Floats,
    recent: Floats,
    delayed: Floats,
    at: Ints,
) -> float:  # pragma: no cover - compiled
    """Return the mean improbability of the distances beyond the start of their tails."""
    total = 0.0
    for k in range(LENGTHS):
        tail = first + k
        improbable, remembered = measure(distances[k], ordered[tail], at[tail])
        if improbable > tail_begins(at[tail]):
            total += improbable
        if learn and abs(distances[k]) < LARGEST:
            take_in(remembered, ordered[tail], recent[tail], delayed[tail], at[tail])
    return total / LENGTHS
