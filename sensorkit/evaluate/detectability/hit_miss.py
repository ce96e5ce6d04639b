r"""The hit/miss curve: from how many faults of each size were found, the size found 9 times in 10.

.. math:: \mathrm{logit}\,\mathrm{POD}(a) = b_0 + b_1 \ln a

the model of MIL-HDBK-1823A [1]_ for inspections that answer yes or no, fitted with Firth's penalty
[2]_ so that it exists for every count. `a50` and `a90` are the sizes found with a probability of
50 and 90 %; `a90_95` is the upper end of the one-sided 95 % interval of a90. Intervals and band
come from the profile penalised likelihood ratio [3]_.

The handbook lets the user choose between size and its logarithm. Here the intervals and the band
reach over those of the curve over size as well, unless the counts lie clearly farther from it
(deviance, 3.84). They are 95 % intervals *if the curve is logistic* in one of both;
docs/detectability.md has their coverage where it is, and where it is not.

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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.detectability.curve import (
    LINEAR,
    ONE_SIDED,
    TWO_SIDED,
    BandPoint,
    Curve,
    Fit,
)
from sensorkit.evaluate.detectability.proof import FOUND, falls, proven_size

Floats = NDArray[np.float64]

DOUBT = 0.01
"""Counts less probable than this under the curve speak against it."""


class Status(StrEnum):
    """What a measurement of detectability came to."""

    OK = "ok"
    NOT_REACHED = "not_reached"  # no size tried is found 9 times in 10
    ALL_FOUND = "all_found"  # all sizes tried are: a90 is at most `a90_95`
    NO_TREND = "no_trend"  # large faults are not found more often than small ones
    NOT_TESTABLE = "not_testable"  # too few faults count


Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class HitMiss:
    """What the counts say. A size is None where it is not known or not within the sizes tried.

    Attributes
    ----------
    a50, a90 : float or None
    a90_95 : float or None
        With 95 % confidence, a90 is not larger, if the curve is logistic in ln(size) or in size.
        With `ALL_FOUND` it is what the counts alone prove if POD does not fall with size, and the
        only size there is.
    a50_ci, a90_ci : (float or None, float or None)
        Two-sided, 95 % if the curve is logistic in ln(size) or in size. None: the end lies beyond
        the sizes tried.
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

    def moved(self, by: float) -> HitMiss:
        """Return the same with *by* added to every size; `fit` stays as it is.

        >>> HitMiss(Status.OK, a90=0.25, a90_ci=(0.125, None)).moved(1.0).a90_ci
        (1.125, None)
        """
        if not by:
            return self

        def put(size: float | None) -> float | None:
            return None if size is None else size + by

        return replace(
            self,
            a50=put(self.a50),
            a90=put(self.a90),
            a90_95=put(self.a90_95),
            a50_ci=(put(self.a50_ci[0]), put(self.a50_ci[1])),
            a90_ci=(put(self.a90_ci[0]), put(self.a90_ci[1])),
            band=tuple(point._replace(size=point.size + by) for point in self.band),
        )


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

    Where every size is found there is no slope to fit; `sensorkit.evaluate.detectability.proof`
    says what the counts alone prove.

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
    curve = Curve(size, n, y)
    if not curve.rises:
        said = f"{found} of {all_of_them} faults were found, large ones"
        if falls(n, y):
            return HitMiss(Status.NO_TREND, f"{said} less often than small ones")
        said += " no more often than small ones"
        if proven_size(size, n, y) is not None:
            return _all_found(size, n, y, said)
        return HitMiss(Status.NO_TREND, said)
    return _judged(curve, seed)


def _judged(curve: Curve, seed: int) -> HitMiss:
    """Return what a rising curve says, as far as the counts bear it out."""
    size = curve.size
    fitted = curve.fitted(seed)
    a90 = curve.size_at(FOUND)
    if a90 < size[0]:
        n, y = curve.trials, curve.hits
        said = "the curve is above 90 % at the smallest size tried"
        if falls(n, y):
            return HitMiss(Status.NO_TREND, f"{said}, but large faults are found less often")
        return _all_found(size, n, y, said)
    curves = _plausible(curve)
    low = HitMiss(
        Status.NOT_REACHED,
        a50=_within(curve.size_at(0.5), size),
        a50_ci=(_end(curves, 0.5, -1, TWO_SIDED), _end(curves, 0.5, 1, TWO_SIDED)),
        fit=fitted,
        band=_band(curves),
    )
    if a90 > size[-1]:
        most = curve.probability(float(size[-1]))
        return _because(low, f"the curve reaches {most:.0%} at the largest size tried")
    level = curve.plateau()
    if level is not None:
        return _because(low, f"the curve levels off at about {level:.0%} of the faults")
    if fitted.deviance_p < DOUBT:
        return _because(low, f"the counts do not follow the curve (p = {fitted.deviance_p:.2g})")
    a90_95 = _end(curves, FOUND, 1, ONE_SIDED)
    unproven = "the upper bound of a90 lies beyond the largest size tried"
    return HitMiss(
        Status.OK,
        None if a90_95 is not None else unproven,
        a50=low.a50,
        a90=a90,
        a90_95=a90_95,
        a50_ci=low.a50_ci,
        a90_ci=(_end(curves, FOUND, -1, TWO_SIDED), _end(curves, FOUND, 1, TWO_SIDED)),
        fit=fitted,
        band=low.band,
    )


def _plausible(curve: Curve) -> list[Curve]:
    """Return the curve, and that over size itself where the counts go with it about as well."""
    other = Curve(curve.size, curve.trials, curve.hits, LINEAR)
    return [curve, other] if other.climbs and other.misfit < curve.misfit + TWO_SIDED else [curve]


def _end(curves: list[Curve], probability: float, way: int, limit: float) -> float | None:
    """Return the outermost of the ends; None if it lies beyond the sizes tried."""
    reached = [curve.reach(probability, way, limit) for curve in curves]
    return _within(max(reached) if way > 0 else min(reached), curves[0].size)


def _band(curves: list[Curve]) -> tuple[BandPoint, ...]:
    """Return the first curve, with the outermost of all bands."""
    return tuple(
        points[0]._replace(low=min(p.low for p in points), high=max(p.high for p in points))
        for points in zip(*(curve.band() for curve in curves), strict=True)
    )


def _because(low: HitMiss, reason: str) -> HitMiss:
    return HitMiss(low.status, reason, a50=low.a50, a50_ci=low.a50_ci, fit=low.fit, band=low.band)


def _all_found(size: Floats, n: Floats, y: Floats, reason: str) -> HitMiss:
    proven = proven_size(size, n, y)
    if proven is None:
        reason += f"; {int(n.sum())} are too few to prove 9 in 10, which takes 29 without a miss"
    return HitMiss(Status.ALL_FOUND, reason, a90_95=proven)


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
