r"""How improbable a score is: tails of scores, so that one threshold serves all sensors.

Two detectors, two channels or two sensors never score on the same scale. Their *improbability*
is on one: -log10 of the probability that a score as high comes up, so that 3 says "one reading
in a thousand". Far out no score has been seen yet, and the tail is extrapolated from the
largest ones that have been: peaks over a threshold [1]_.

Of n scores the k largest, :math:`k = \max(10, 0.02 n)`, are the tail; it starts at the next
one, :math:`u`. For a score x above it

.. math:: P(X \ge x) = \frac{k}{n} \, \exp\left(-\frac{x - u}{m}\right)

with the mean excess :math:`m` of the tail over u (`RunningTail`; `Tail` has a generalized
Pareto distribution in place of the exponential one). Up to u the probability is that of the
rank: of n scores r are as high, :math:`P = (r + 1) / (n + 1)`. That keeps the order of scores,
but says little: who adds up several improbabilities does better to leave out those below the
start (on NAB, sums of two or three gained 1 to 3 points by it; see `exceedances.tail_begins`).

References
----------
.. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of
   Statistics 3, 1975; for streams: A. Siffer et al., "Anomaly Detection in Streams with
   Extreme Value Theory", KDD 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.exceedances import (
    FEWEST_IN_TAIL,
    FEWEST_SCORES,
    MOST_IMPROBABLE,
    PLACES,
    TAIL_SHARE,
    judge,
    judge_all,
)
from sensorkit.detect.streams import LARGEST
from sensorkit.errors import DetectorError

__all__ = ["FEWEST_SCORES", "LARGEST", "MOST_IMPROBABLE", "RunningTail", "Tail"]

Floats = NDArray[np.float64]

# The rank of a score in so many of the fit scores is as good as its rank in all of them.
MOST_IN_BODY = 1000

# A shape beyond this has no variance: thresholds for one alarm a day would go to the moon.
LARGEST_SHAPE = 0.5


class RunningTail:
    """Improbability of each score among the last *length* before it, strictly online.

    Parameters
    ----------
    length : int
        Scores remembered, `FEWEST_SCORES` or more. It takes 16 bytes a score.
    delay : int
        How many of the latest scores are not yet compared with: what has just begun to be
        unusual does not become usual by lasting. It takes 8 bytes a score.

    Notes
    -----
    With fewer than `FEWEST_SCORES` before it, a score has the improbability 0. Where all of the
    tail is equal to its start, a higher score is as improbable as can be.

    An infinite score, and `LARGEST` which stands for one, is as improbable as can be at once;
    one of -`LARGEST` or NaN, which says that there was nothing to judge, has the improbability
    0. Neither is remembered. A finite one is remembered as at most what would have the
    improbability `REMEMBERED_IMPROBABILITY`; this is our departure from plain peaks over
    threshold.

    The scores are kept in order of time and in order of size, so that a score costs a search
    and a shift of the part between the place that becomes free and the one that is taken.

    Examples
    --------
    >>> tail = RunningTail(1000)
    >>> tail.judge(np.random.default_rng(1).exponential(size=1000)).max().round(1)
    np.float64(2.6)
    >>> tail.judge(np.array([0.0, 1.0, 10.0, 1000.0]), learn=False).round(1).tolist()
    [0.0, 0.4, 4.1, 30.0]
    """

    def __init__(self, length: int, *, delay: int = 0) -> None:
        if length < FEWEST_SCORES:
            raise ValueError(
                f"a tail over {length} scores was asked for; {FEWEST_SCORES} or more are wanted"
            )
        # Sizes and times of the scores; see `sensorkit.detect.kernels.exceedances`.
        self._state = (
            np.zeros(length),
            np.zeros(length),
            np.zeros(delay),
            np.zeros(PLACES, dtype=np.int64),
        )

    def judge(self, scores: Floats, *, learn: bool = True) -> Floats:
        """Return the improbability of each score, then remember it unless told not to.

        Parameters
        ----------
        scores : array of float, shape (n,)
        learn : bool
            False: all are measured against the scores before the first of them.

        Returns
        -------
        array of float, shape (n,)
            From 0 to `MOST_IMPROBABLE`. Any way of cutting the scores into calls gives the
            same, bit for bit.
        """
        scores = np.ascontiguousarray(scores)  # one kernel is compiled, not one a layout
        improbable = np.empty(len(scores))
        judge_all(scores, learn, *self._state, improbable)
        return improbable

    def judge_one(self, score: float, *, learn: bool = True) -> float:
        """Return what `judge` returns for one score, without the arrays around it."""
        improbable: float = judge(score, learn, *self._state)
        return improbable


@dataclass(frozen=True, eq=False)
class Tail:
    r"""Improbability of a score among those of a fit, frozen, and made to reach far out.

    Above the start u of the tail the excess follows a generalized Pareto distribution,

    .. math:: P(X \ge x) = \frac{k}{n} \left(1 + \xi \, \frac{x - u}{\sigma}\right)^{-1/\xi}

    with shape and scale by probability-weighted moments [1]_, the shape held between 0 (then it
    is the exponential tail) and `LARGEST_SHAPE`.

    Attributes
    ----------
    body : array of float, shape (m,)
        The scores of the fit by size, thinned evenly to at most `MOST_IN_BODY`.
    start : float
        Where the tail begins.
    share : float
        Of the fit scores, those in the tail.
    scale : float
        0 where the tail had no extent.
    shape : float

    Notes
    -----
    Why not exponential: asked for one false alarm in 100 000 and fitted on 20 000 scores, it
    gave 17 times as many on Student's t with 3 degrees of freedom and 12 times on log-normal
    scores; this gave 1.4 and 1.2 times, and 0.1 to 0.7 times on tails of normal, chi-squared
    and exponential scores. A negative shape ends a tail at a largest possible score, and
    doubled the false alarms on those; held at 0 they err on the quiet side. `RunningTail` stays
    exponential: a shape from 120 scores that change by the minute is mostly noise.

    References
    ----------
    .. [1] J. R. M. Hosking and J. R. Wallis, "Parameter and quantile estimation for the
       generalized Pareto distribution", Technometrics 29, 1987.

    Examples
    --------
    >>> scores = np.random.default_rng(1).exponential(size=20_000)
    >>> tail = Tail.fit(scores)
    >>> tail.improbability(np.log(10.0) * np.array([1, 3, 5])).round(1).tolist()
    [1.0, 3.0, 5.1]
    """

    body: Floats
    start: float
    share: float
    scale: float
    shape: float

    @property
    def least(self) -> float:
        """The improbability at which the tail begins."""
        return -math.log10(self.share)

    @classmethod
    def fit(cls, scores: Floats) -> Self:
        """Fit the tail of *scores*, shape (n,), leaving out NaN, infinity and +-`LARGEST`.

        Raises
        ------
        DetectorError
            If fewer than `FEWEST_SCORES` are left.
        """
        usable = np.sort(scores[np.abs(scores) < LARGEST])
        n = len(usable)
        if n < FEWEST_SCORES:
            raise DetectorError(
                f"the tail of {n} scores cannot be told; {FEWEST_SCORES} finite ones or more are "
                "wanted; fit on more readings"
            )
        k = max(FEWEST_IN_TAIL, int(TAIL_SHARE * n))
        start = usable[n - k - 1]
        excess = 0.5 * usable[n - k :] - 0.5 * start  # halves: the whole may overflow
        unit = float(excess[-1])
        shape = scale = 0.0
        if unit > 0.0:
            excess /= unit
            mean = float(excess.mean())
            weighted = float((excess * np.arange(k - 1, -1, -1)).mean()) / (k - 1)
            if mean > 2.0 * weighted:
                shape = min(max(2.0 - mean / (mean - 2.0 * weighted), 0.0), LARGEST_SHAPE)
            scale = 2.0 * min(mean * (1.0 - shape) * unit, 0.49 * LARGEST)
        thinned = np.linspace(0, n - 1, min(n, MOST_IN_BODY)).astype(np.int64)
        return cls(usable[thinned], float(start), k / n, scale, shape)

    def improbability(self, scores: Floats) -> Floats:
        """Return -log10 of the tail probability of each score, 0 to `MOST_IMPROBABLE`.

        An infinite score and `LARGEST` are as improbable as can be; NaN and -`LARGEST` have 0.
        """
        as_high = len(self.body) - np.searchsorted(self.body, scores, side="left")
        rank = np.log10((len(self.body) + 1.0) / (as_high + 1.0))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            away = np.maximum(0.5 * scores - 0.5 * self.start, 0.0) / (0.5 * self.scale)
            if self.shape > 0.0:
                away = np.log1p(self.shape * away) / self.shape
        away[np.isnan(away)] = math.inf  # 0 / 0: higher than a tail of no extent, by no more
        tail = self.least + away / math.log(10.0)
        improbable = np.where(scores > self.start, tail, np.minimum(rank, self.least))
        improbable[scores >= LARGEST] = MOST_IMPROBABLE
        improbable[~(scores > -LARGEST)] = 0.0
        return np.minimum(improbable, MOST_IMPROBABLE)

    def arrays(self) -> dict[str, Floats]:
        """Return what there is to save."""
        numbers = np.array([self.start, self.share, self.scale, self.shape])
        return {"body": self.body, "tail": numbers}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the tail that `arrays` was called on.

        Raises
        ------
        ValueError
            If the arrays cannot come from there.
        """
        if set(arrays) != {"body", "tail"}:
            raise ValueError(
                f"a tail has the arrays body and tail, not {', '.join(sorted(arrays))}"
            )
        body, numbers = arrays["body"], arrays["tail"]
        for name, array, shape in (("body", body, body.shape[:1]), ("tail", numbers, (4,))):
            if array.dtype != np.float64 or array.shape != shape or not array.size:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} is not finite")
        start, share, scale, shape = numbers.tolist()
        if (np.diff(body) < 0).any() or not (
            0 < share < 1 and scale >= 0 <= shape <= LARGEST_SHAPE
        ):
            raise ValueError("the numbers of the tail contradict each other")
        return cls(body, start, share, scale, shape)
