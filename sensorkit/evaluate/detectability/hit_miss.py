r"""The hit/miss curve: from how many faults of each size were found, the size found 9 times in 10.

.. math:: \mathrm{logit}\,\mathrm{POD}(a) = b_0 + b_1 \ln a

the model of MIL-HDBK-1823A [1]_ for inspections that answer yes or no, fitted with Firth's penalty
[2]_ so that it exists for every count. `a50` and `a90` are the sizes found with a probability of
50 and 90 %; `a90_95` is the upper end of the one-sided 95 % interval of a90. Intervals and band
come from the profile penalised likelihood ratio [3]_; docs/detectability.md has their coverage.

Nothing is claimed beyond the sizes tried, nor from a curve that the counts speak against.

References
----------
.. [1] Department of Defense, "Nondestructive Evaluation System Reliability Assessment",
   MIL-HDBK-1823A, 2009, appendix G.
.. [2] D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993), 27-38.
.. [3] G. Heinze and M. Schemper, "A solution to the problem of separation in logistic
   regression", Statistics in Medicine 21 (2002), 2409-2419.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, chdtri

from sensorkit.evaluate.detectability import firth
from sensorkit.evaluate.statistics import CONFIDENCE

Floats = NDArray[np.float64]

FOUND = 0.9
"""The probability that a90 is about."""

BAND_SIZES = 25
"""Sizes at which the band is given, evenly on a log scale."""

SIMULATED = 499
"""Counts drawn from the fitted curve, which its misfit is compared with."""

DOUBT = 0.01
"""Counts less probable than this under the curve speak against it."""

TWO_SIDED = float(chdtri(1, 1 - CONFIDENCE))
ONE_SIDED = float(chdtri(1, 2 * (1 - CONFIDENCE)))


class Status(StrEnum):
    """What a measurement of detectability came to."""

    OK = "ok"
    NOT_REACHED = "not_reached"  # no size tried is found 9 times in 10
    ALL_FOUND = "all_found"  # all sizes tried are: a90 is at most `a90_95`
    NO_TREND = "no_trend"  # large faults are not found more often than small ones
    NOT_TESTABLE = "not_testable"  # too few faults count


class Fit(NamedTuple):
    """logit(POD) = intercept + slope ln(size), and how well it goes with the counts."""

    intercept: float
    slope: float
    deviance_p: float
    """Share of counts drawn from the curve that lie as far from it; small: it does not fit."""


class BandPoint(NamedTuple):
    """The probability of detection at one size, and its 95 % interval."""

    size: float
    low: float
    probability: float
    high: float


Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class HitMiss:
    """What the counts say. A size is None where it is not known or not within the sizes tried.

    Attributes
    ----------
    a50, a90 : float or None
    a90_95 : float or None
        With 95 % confidence, a90 is not larger. With `ALL_FOUND` it is what the counts alone
        prove, and the only size there is.
    a50_ci, a90_ci : (float or None, float or None)
        Two-sided, 95 %. None: the end lies beyond the sizes tried.
    """

    status: Status
    reason: str | None = None
    a50: float | None = None
    a90: float | None = None
    a90_95: float | None = None
    a50_ci: Ends = (None, None)
    a90_ci: Ends = (None, None)
    fit: Fit | None = None
    band: tuple[BandPoint, ...] = ()


def hit_miss(
    sizes: Sequence[float] | Floats,
    trials: Sequence[int] | NDArray[np.int64],
    hits: Sequence[int] | NDArray[np.int64],
    *,
    seed: int = 0,
) -> HitMiss:
    """Fit the hit/miss model and say what size of fault is found.

    Parameters
    ----------
    sizes : sequence of float, shape (n_sizes,)
        Above 0, rising.
    trials : sequence of int, shape (n_sizes,)
        Faults of each size that count.
    hits : sequence of int, shape (n_sizes,)
        How many of them were found.
    seed : int
        Of the counts that the misfit is compared with.

    Raises
    ------
    ValueError
        If sizes do not rise from above 0, or the counts are no counts.

    Notes
    -----
    a90 is withheld, and `reason` says why, where the counts speak against the curve: they follow
    one that levels off below 100 % better (one-sided likelihood ratio, 5 %), or lie farther from
    the curve than 99 % of the counts drawn from it. A detector that finds four of five faults
    however large they are would otherwise be given an a90.

    The handbook takes the ordinary likelihood, which has no maximum when hits and misses do not
    overlap in size: common with few repeats, and the best case there is. Firth's penalty gives
    one. It adds what half a trial at each end would, and pulls a steep curve a little flatter.

    Where every size is found there is no slope to fit. If POD does not fall with size, faults
    found up to a size speak for it together: `a90_95` is then the smallest size at which the exact
    lower bound (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934; valid for the mean of
    unequal probabilities by W. Hoeffding, Ann. Math. Stat. 27, 1956) of all trials up to it
    reaches 0.9; it takes 29 hits without a miss.

    Examples
    --------
    >>> curve = hit_miss([0.5, 1, 2, 4, 8, 16], [20] * 6, [0, 1, 7, 16, 20, 20])
    >>> round(curve.a50, 2), round(curve.a90, 2), round(curve.a90_95, 2)
    (2.46, 4.89, 6.71)
    >>> str(hit_miss([0.5, 1, 2, 4, 8, 16], [20] * 6, [0, 0, 0, 1, 3, 9]).status)
    'not_reached'
    """
    size, n, y = _checked(sizes, trials, hits)
    tried = n > 0
    if tried.sum() < 2:
        which = "of one size only count" if tried.any() else "count at no size"
        return HitMiss(Status.NOT_TESTABLE, f"faults {which}, and a curve wants two")
    size, n, y = size[tried], n[tried], y[tried]
    found, all_of_them = int(y.sum()), int(n.sum())
    if found == all_of_them:
        return _all_found(size, n, y, f"all {found} faults of all sizes were found")
    if found == 0:
        return HitMiss(Status.NOT_REACHED, f"none of {all_of_them} faults was found")
    curve = _Curve(size, n, y)
    if not curve.rises:
        said = f"{found} of {all_of_them} faults were found, large ones no more often than small"
        proven = _proven(size, n, y)
        if proven is not None:
            return _all_found(size, n, y, said)
        return HitMiss(Status.NO_TREND, f"{said} ones")
    return _judged(curve, seed)


def _judged(curve: _Curve, seed: int) -> HitMiss:
    """Return what a rising curve says, as far as the counts bear it out."""
    size = curve.size
    fitted = curve.fitted(seed)
    a90 = curve.size_at(FOUND)
    if a90 < size[0]:
        n, y = curve.trials, curve.hits
        return _all_found(size, n, y, "the curve is above 90 % at the smallest size tried")
    low = HitMiss(
        Status.NOT_REACHED,
        a50=_within(curve.size_at(0.5), size),
        a50_ci=(curve.bound(0.5, -1, TWO_SIDED), curve.bound(0.5, 1, TWO_SIDED)),
        fit=fitted,
        band=curve.band(),
    )
    if a90 > size[-1]:
        most = curve.probability(float(size[-1]))
        return _because(low, f"the curve reaches {most:.0%} at the largest size tried")
    level = curve.plateau()
    if level is not None:
        return _because(low, f"the curve levels off at about {level:.0%} of the faults")
    if fitted.deviance_p < DOUBT:
        return _because(low, f"the counts do not follow the curve (p = {fitted.deviance_p:.2g})")
    a90_95 = curve.bound(FOUND, 1, ONE_SIDED)
    unproven = "the upper bound of a90 lies beyond the largest size tried"
    return HitMiss(
        Status.OK,
        None if a90_95 is not None else unproven,
        a50=low.a50,
        a90=a90,
        a90_95=a90_95,
        a50_ci=low.a50_ci,
        a90_ci=(curve.bound(FOUND, -1, TWO_SIDED), curve.bound(FOUND, 1, TWO_SIDED)),
        fit=fitted,
        band=low.band,
    )


def _because(low: HitMiss, reason: str) -> HitMiss:
    return HitMiss(low.status, reason, a50=low.a50, a50_ci=low.a50_ci, fit=low.fit, band=low.band)


class _Curve:
    """The fitted curve; inside, the logarithm of size is moved and scaled to be of order one."""

    def __init__(self, size: Floats, trials: Floats, hits: Floats) -> None:
        self.size, self.trials, self.hits = size, trials, hits
        logs = np.log(size)
        self._middle, self._scale = float(logs.mean()), float(logs.std())
        self._x = (logs - self._middle) / self._scale
        self._counts = self._x, trials, hits
        self._b0, self._b1, self._best = firth.fit(*self._counts)

    @property
    def rises(self) -> bool:
        """Return whether the slope is above 0 with 95 % confidence."""
        found, of = float(self.hits.sum()), float(self.trials.sum())
        # The level curve's penalised likelihood is largest where (hits + 1) / (trials + 2) is.
        level = math.log((found + 1.0) / (of - found + 1.0))
        lost = 2.0 * (self._best - firth.value(level, 0.0, *self._counts))
        return self._b1 > 0.0 and lost > ONE_SIDED

    def fitted(self, seed: int) -> Fit:
        """Return the coefficients on the scale of ln(size), and how the counts go with them."""
        slope = self._b1 / self._scale
        shares = 1.0 / (1.0 + np.exp(-(self._b0 + self._b1 * self._x)))
        rng = np.random.default_rng(seed)
        drawn = rng.binomial(self.trials.astype(np.int64), shares, (SIMULATED, len(shares)))
        others = firth.misfits(self._x, self.trials, drawn.astype(np.float64))
        own = firth.misfit(self._b0, self._b1, *self._counts)
        as_far = int((others >= own - 1e-9).sum())
        p = (1 + as_far) / (1 + SIMULATED)
        return Fit(self._b0 - slope * self._middle, slope, p)

    def plateau(self) -> float | None:
        """Return the share of faults at which the counts level off; None if they need not."""
        gain, level = firth.plateau(self._b0, self._b1, *self._counts)
        return level if gain > ONE_SIDED else None

    def probability(self, size: float) -> float:
        """Return the probability that a fault of *size* is found."""
        return _share(self._b0 + self._b1 * self._place(size))

    def size_at(self, probability: float) -> float:
        """Return the size found with this probability; inf where that is beyond all numbers."""
        log = self._middle + self._scale * (_logit(probability) - self._b0) / self._b1
        return math.exp(log) if log < math.log(np.finfo(np.float64).max) else math.inf

    def bound(self, probability: float, way: int, limit: float) -> float | None:
        """Return the lower (*way* -1) or upper (1) end of the interval of `size_at`."""
        edge, logit = float(self._x[-1 if way > 0 else 0]), _logit(probability)
        here = (logit - self._b0) / self._b1
        if not way * here < way * edge:
            return None
        at = firth.place_bound(logit, edge, limit, self._b0, self._b1, self._best, *self._counts)
        if math.isnan(at):
            return None
        # An interval may begin beyond the other end of the sizes tried.
        return _within(math.exp(self._middle + self._scale * at), self.size)

    def band(self) -> tuple[BandPoint, ...]:
        """Return the curve and its 95 % interval at each of `BAND_SIZES` sizes."""
        points = []
        for size in np.geomspace(self.size[0], self.size[-1], BAND_SIZES).tolist():
            at = self._place(size)
            low, high = (
                firth.logit_bound(at, way, TWO_SIDED, self._b0, self._b1, self._best, *self._counts)
                for way in (-1.0, 1.0)
            )
            points.append(BandPoint(size, _share(low), self.probability(size), _share(high)))
        return tuple(points)

    def _place(self, size: float) -> float:
        return (math.log(size) - self._middle) / self._scale


def _all_found(size: Floats, n: Floats, y: Floats, reason: str) -> HitMiss:
    proven = _proven(size, n, y)
    if proven is None:
        reason += f"; {int(n.sum())} are too few to prove 9 in 10, which takes 29 without a miss"
    return HitMiss(Status.ALL_FOUND, reason, a90_95=proven)


def _proven(size: Floats, n: Floats, y: Floats) -> float | None:
    """Return the smallest size that the counts alone prove to be found 9 times in 10.

    Tested from the largest size down, as long as each holds: a fixed order of tests keeps their
    joint error at that of one.
    """
    proven = None
    for last in range(len(size), 0, -1):
        of, got = float(n[:last].sum()), float(y[:last].sum())
        lower = betaincinv(got, of - got + 1.0, 1.0 - CONFIDENCE) if got else 0.0
        if lower < FOUND:
            break
        proven = float(size[last - 1])
    return proven


def _checked(
    sizes: Sequence[float] | Floats,
    trials: Sequence[int] | NDArray[np.int64],
    hits: Sequence[int] | NDArray[np.int64],
) -> tuple[Floats, Floats, Floats]:
    size, n, y = (np.array(given, dtype=np.float64) for given in (sizes, trials, hits))
    if size.ndim != 1 or not size.shape == n.shape == y.shape:
        raise ValueError(
            f"sizes, trials and hits have shapes {size.shape}, {n.shape} and {y.shape}; one number "
            "of each is wanted for every size"
        )
    if not (np.isfinite(size) & (size > 0)).all() or (np.diff(size) <= 0).any():
        raise ValueError(f"sizes are {size.tolist()}; rising numbers above 0 are wanted")
    if not ((y >= 0) & (y <= n) & (n == np.rint(n)) & (y == np.rint(y))).all():
        raise ValueError(
            f"hits are {y.tolist()} of {n.tolist()} trials; whole numbers from 0 to the trials are "
            "wanted"
        )
    return size, n, y


def _within(size: float, tried: Floats) -> float | None:
    return size if tried[0] <= size <= tried[-1] else None


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def _share(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
