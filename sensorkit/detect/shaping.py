"""One device under a detector: its stream, the shaping of its scores, its episodes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.detect.episodes import Episodes
from sensorkit.detect.options import Options
from sensorkit.detect.streams import LARGEST, Floats, Judged, Stream, finite
from sensorkit.detect.tails import RunningTail
from sensorkit.errors import DetectorError
from sensorkit.readings import Readings

# Readings judged before it is looked whether an alarm began or ended among them; those after it
# are judged again.
ROWS_AT_ONCE = 2048


class TrailingMean:
    """Mean of the last *length* scores, the latest included; of fewer at the start.

    Each mean is a sum of its own, so that a score of 1e308 is gone when it has left.

    Examples
    --------
    >>> mean = TrailingMean(2)
    >>> mean.judge(np.array([1.0, 3.0])).tolist(), mean.judge(np.array([5.0])).tolist()
    ([1.0, 2.0], [4.0])
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._before = np.empty(0)

    def judge(self, scores: Floats) -> Floats:
        """Return the mean at each of the next scores, shape (n,)."""
        joined = np.concatenate([self._before, scores])
        means = np.empty(len(scores))
        _trailing_means(joined, len(self._before), self._length, means)
        self._before = joined[max(len(joined) - self._length + 1, 0) :].copy()
        return means


def _means(joined, first, length, means):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for i in range(len(means)):
        stop = first + i + 1
        start = max(stop - length, 0)
        total = 0.0
        for j in range(start, stop):
            total += joined[j] / (stop - start)
        means[i] = total


_trailing_means: Callable[..., None] = njit(cache=True, nogil=True)(_means)


class DeviceStream:
    """One device's stream, its shaped scores and its open episodes.

    Scores come from the stream, are turned into improbabilities (`tail`), then averaged
    (`smooth`). With `hold`, the stream and the tails learn nothing from the first flagged
    reading on until the episode is over, but for `hold` readings at most: a fault does not
    become the new normal, and a change for good is accepted in the end.
    """

    def __init__(
        self,
        name: str,
        stream: Stream,
        tracks: int,
        options: Options,
        *,
        movable: slice = slice(None),
        frozen: Iterable[object] = (),
    ) -> None:
        self.name = name
        self._movable = range(tracks)[movable]  # the tracks that are shaped
        self._frozen = tuple(frozen)  # not copied with the stream
        self.stream = stream
        self.episodes = Episodes(tracks, options.merge, options.refractory_s)
        self._options = options
        self.shapes = options.shape
        self._tails = [RunningTail(options.tail) for _ in range(tracks if options.tail else 0)]
        self._means = [TrailingMean(options.smooth) for _ in range(tracks)]
        self._alarm: int | None = None  # readings since it began; None: there is none
        self._quiet = 0  # unflagged readings in a row

    def judge(self, part: Readings, *, threshold: float, explaining: bool = False) -> Judged:
        """Score the next readings of the device.

        Parameters
        ----------
        part : Readings
        threshold : float
            From which score on a reading is flagged; only `hold` looks at it.
        explaining : bool
            The facts that descriptions need are wanted.
        """
        self.stream.explaining = explaining
        if not self._options.hold:
            return self._shaped(part)
        judged: list[Judged] = []
        start = 0
        while start < len(part):
            block = part[start : start + self._most_rows()]
            self.stream.learning = not self._holding
            state = self._copied()
            found = self._shaped(block)
            rows = self._turn(found.most >= threshold)
            if rows == len(block):
                judged.append(found)
            else:  # too much was learned, or too little: once more, up to there
                self.stream, self._tails, self._means = state
                judged += [self._shaped(block[:rows])] if rows else []
            start += rows
        return Judged.concat(judged)

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Score the next reading; not where its scores are shaped."""
        self.stream.explaining = False
        score = self.stream.judge_one(time_ns, values)
        # The comparison is false for NaN.
        return score if -LARGEST <= score <= LARGEST else _finite(score)

    @property
    def _holding(self) -> bool:
        return self._alarm is not None and self._alarm < self._options.hold

    def _most_rows(self) -> int:
        if self._alarm is None or not self._holding:
            return ROWS_AT_ONCE
        return min(self._options.hold - self._alarm, ROWS_AT_ONCE)

    def _copied(self) -> tuple[Stream, list[RunningTail], list[TrailingMean]]:
        memo = {id(one): one for one in self._frozen}
        return copy.deepcopy((self.stream, self._tails, self._means), memo)

    def _turn(self, flags: NDArray[np.bool_]) -> int:
        """Return how many of the next readings were rightly learned or not, and move on."""
        if self._alarm is None:
            flagged = np.flatnonzero(flags)
            if not len(flagged):
                return len(flags)
            self._alarm, self._quiet = 0, 0
            return int(flagged[0])
        row = np.arange(len(flags))
        last = np.maximum.accumulate(np.where(flags, row, -1 - self._quiet))
        over = np.flatnonzero(row - last > self._options.merge)
        if len(over):
            self._alarm, self._quiet = None, 0
            return int(over[0]) + 1
        self._alarm += len(flags)
        self._quiet = int(row[-1] - last[-1])
        return len(flags)

    def _shaped(self, part: Readings) -> Judged:
        judged = finite(self._checked(self.stream.judge(part), len(part)))
        if self._tails or self._options.smooth > 1:
            shaped = judged.scores.copy(order="F")
            for track in self._movable:
                scores = np.ascontiguousarray(judged.scores[:, track])
                if self._tails:
                    scores = self._tails[track].judge(scores, learn=self.stream.learning)
                if self._options.smooth > 1:
                    scores = self._means[track].judge(scores)
                shaped[:, track] = scores
            return finite(Judged(shaped, judged.facts))
        return judged

    def _checked(self, judged: Judged, n: int) -> Judged:
        wanted = (n, len(self._means))
        if judged.scores.shape != wanted or judged.scores.dtype != np.float64:
            raise DetectorError(
                f"{type(self.stream).__name__} gave scores of {judged.scores.dtype} and shape "
                f"{judged.scores.shape}; float64 of shape {wanted} is wanted, a row a reading and "
                "a column a track"
            )
        return judged


def _finite(score: float) -> float:
    return -LARGEST if math.isnan(score) else math.copysign(LARGEST, score)
