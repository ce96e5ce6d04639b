"""The penalised likelihood of a hit/miss curve, and how fast it falls off: compiled numerics.

The curve is logit(POD) = b0 + b1 x, where x is the logarithm of a size. The likelihood carries
Firth's penalty, the root of the determinant of the information, so that a fit exists whatever was
found. All intervals come from one function, `deviance`: twice what the penalised log-likelihood
loses when the curve is made to pass through a given point.

Arrays are float64: `x`, `trials` and `hits`, shape (n_sizes,).

References
----------
.. [1] D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993), 27-38.
.. [2] G. Heinze and M. Schemper, "A solution to the problem of separation in logistic
   regression", Statistics in Medicine 21 (2002), 2409-2419.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A logit beyond which a probability is 0 or 1 to 13 digits: no interval reaches farther.
FARTHEST_LOGIT = 30.0
MOST_STEPS = 200

# No probability of a curve with a plateau is closer to 0 or 1.
SMALLEST = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def value(
    b0: float, b1: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return the penalised log-likelihood; -inf where no information is left."""
    total = s0 = s1 = s2 = 0.0
    for i in range(len(x)):
        eta = b0 + b1 * x[i]
        small = math.exp(-abs(eta))
        total += hits[i] * eta - trials[i] * (max(eta, 0.0) + math.log1p(small))
        weight = trials[i] * small / (1.0 + small) ** 2
        s0 += weight
        s1 += weight * x[i]
        s2 += weight * x[i] * x[i]
    information = s0 * s2 - s1 * s1
    if not information > 0.0:
        return -math.inf
    return total + 0.5 * math.log(information)


@njit(cache=True, nogil=True, error_model="numpy")
def fit(
    x: Floats, trials: Floats, hits: Floats
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return b0, b1 and the penalised log-likelihood at its maximum [1]_.

    Newton's steps on the modified score, halved until they climb.
    """
    b0 = b1 = 0.0
    best = value(b0, b1, x, trials, hits)
    for _ in range(MOST_STEPS):
        s0 = s1 = s2 = 0.0
        for i in range(len(x)):
            p = 1.0 / (1.0 + math.exp(-(b0 + b1 * x[i])))
            weight = trials[i] * p * (1.0 - p)
            s0 += weight
            s1 += weight * x[i]
            s2 += weight * x[i] * x[i]
        information = s0 * s2 - s1 * s1
        u0 = u1 = 0.0
        for i in range(len(x)):
            p = 1.0 / (1.0 + math.exp(-(b0 + b1 * x[i])))
            lever = trials[i] * p * (1.0 - p) * (s2 - 2.0 * s1 * x[i] + s0 * x[i] * x[i])
            score = hits[i] - trials[i] * p + lever / information * (0.5 - p)
            u0 += score
            u1 += score * x[i]
        step0 = (s2 * u0 - s1 * u1) / information
        step1 = (s0 * u1 - s1 * u0) / information
        found, share = -math.inf, 1.0
        while share > 1e-6:
            found = value(b0 + share * step0, b1 + share * step1, x, trials, hits)
            if found >= best:
                break
            share *= 0.5
        if not found >= best:
            break
        b0 += share * step0
        b1 += share * step1
        done = found - best < 1e-12 and abs(step0) + abs(step1) < 1e-7
        best = found
        if done:
            break
    return b0, b1, best


@njit(cache=True, nogil=True, error_model="numpy")
def _rise(
    slope: float, eta: float, at: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return how the penalised log-likelihood rises with the slope of curves through a point."""
    total = s0 = s1 = s2 = d0 = d1 = d2 = 0.0
    for i in range(len(x)):
        z = x[i] - at
        there = eta + slope * z
        small = math.exp(-abs(there))
        p = (1.0 if there > 0.0 else small) / (1.0 + small)
        total += (hits[i] - trials[i] * p) * z
        weight = trials[i] * small / (1.0 + small) ** 2
        change = weight * (1.0 - 2.0 * p) * z
        s0 += weight
        s1 += weight * z
        s2 += weight * z * z
        d0 += change
        d1 += change * z
        d2 += change * z * z
    information = s0 * s2 - s1 * s1
    if not information > 0.0:
        return -slope
    return total + 0.5 * (d0 * s2 + s0 * d2 - 2.0 * s1 * d1) / information


@njit(cache=True, nogil=True, error_model="numpy")
def _steepest(
    eta: float, at: float, start: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return the most likely slope of curves through a point, uphill from *start*."""
    low = high = start
    f_low = f_high = _rise(start, eta, at, x, trials, hits)
    if f_low == 0.0:
        return start
    step = 0.25
    for _ in range(60):
        if f_high > 0.0:
            low, f_low = high, f_high
            high += step
            f_high = _rise(high, eta, at, x, trials, hits)
        elif f_low < 0.0:
            high, f_high = low, f_low
            low -= step
            f_low = _rise(low, eta, at, x, trials, hits)
        else:
            break
        step *= 2.0
    # The Illinois form of regula falsi.
    for _ in range(100):
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        if not low < middle < high:
            middle = 0.5 * (low + high)
        f_middle = _rise(middle, eta, at, x, trials, hits)
        if abs(f_middle) < 1e-9 or high - low < 1e-11 * (1.0 + abs(middle)):
            return middle
        if f_middle > 0.0:
            low, f_low = middle, f_middle
            f_high *= 0.5
        else:
            high, f_high = middle, f_middle
            f_low *= 0.5
    return 0.5 * (low + high)


@njit(cache=True, nogil=True, error_model="numpy")
def deviance(
    eta: float, at: float, b1: float, best: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return twice what is lost by a curve whose logit at *at* is *eta*, *b1* and *best* the fit's.

    The profile penalised likelihood ratio of [2]_: the penalty is that of both parameters.
    """
    slope = _steepest(eta, at, b1, x, trials, hits)
    return 2.0 * (best - value(eta - slope * at, slope, x, trials, hits))


@njit(cache=True, nogil=True, error_model="numpy")
def _part_of_way(
    eta: float, at: float, eta_ahead: float, at_ahead: float, lost_ahead: float, limit: float,
    b1: float, best: float, x: Floats, trials: Floats, hits: Floats,
) -> float:  # pragma: no cover - compiled # fmt: skip
    """Return which part of the way between two points it is to where the deviance is *limit*.

    At the first, on the curve, it is 0; at the one *ahead* it is *lost_ahead*, more than *limit*.
    The root of the deviance is nearly straight, so that regula falsi (Illinois) is quick.
    """
    wanted = math.sqrt(limit)
    inside, outside = 0.0, 1.0
    f_inside, f_outside = -wanted, math.sqrt(lost_ahead) - wanted
    for _ in range(60):
        if outside - inside < 1e-10:
            break
        part = (inside * f_outside - outside * f_inside) / (f_outside - f_inside)
        lost = deviance(
            eta + part * (eta_ahead - eta), at + part * (at_ahead - at), b1, best, x, trials, hits
        )
        f_part = math.sqrt(max(lost, 0.0)) - wanted
        if abs(f_part) < 1e-7:
            return part
        if f_part < 0.0:
            inside, f_inside = part, f_part
            f_outside *= 0.5
        else:
            outside, f_outside = part, f_part
            f_inside *= 0.5
    return 0.5 * (inside + outside)


@njit(cache=True, nogil=True, error_model="numpy")
def logit_bound(
    at: float, way: float, limit: float, b0: float, b1: float, best: float,
    x: Floats, trials: Floats, hits: Floats,
) -> float:  # pragma: no cover - compiled # fmt: skip
    """Return the logit at *at* whose deviance is *limit*, upwards (*way* 1) or down (-1)."""
    fitted = b0 + b1 * at
    step = way
    # A curve may itself lie beyond it; its other bound is looked for all the same.
    while way * (fitted + step) <= FARTHEST_LOGIT:
        ahead = fitted + step
        lost = deviance(ahead, at, b1, best, x, trials, hits)
        if lost >= limit:
            part = _part_of_way(fitted, at, ahead, at, lost, limit, b1, best, x, trials, hits)
            return fitted + part * step
        step *= 2.0
    return way * FARTHEST_LOGIT


@njit(cache=True, nogil=True, error_model="numpy")
def place_bound(
    eta: float, edge: float, limit: float, b0: float, b1: float, best: float,
    x: Floats, trials: Floats, hits: Floats,
) -> float:  # pragma: no cover - compiled # fmt: skip
    """Return where a curve of logit *eta* has the deviance *limit*, from the fit towards *edge*.

    NaN if it does not reach it before *edge*: the bound lies beyond.
    """
    lost = deviance(eta, edge, b1, best, x, trials, hits)
    if lost < limit:
        return math.nan
    here = (eta - b0) / b1
    part = _part_of_way(eta, here, eta, edge, lost, limit, b1, best, x, trials, hits)
    return here + part * (edge - here)


@njit(cache=True, nogil=True, error_model="numpy")
def misfit(
    b0: float, b1: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return the deviance of the counts from the curve, against each size having its own share."""
    total = 0.0
    for i in range(len(x)):
        p = 1.0 / (1.0 + math.exp(-(b0 + b1 * x[i])))
        missed = trials[i] - hits[i]
        if hits[i] > 0.0:
            total += hits[i] * math.log(hits[i] / (trials[i] * p))
        if missed > 0.0:
            total += missed * math.log(missed / (trials[i] * (1.0 - p)))
    return 2.0 * total


@njit(cache=True, nogil=True, error_model="numpy")
def misfits(x: Floats, trials: Floats, draws: Floats) -> Floats:  # pragma: no cover - compiled
    """Return the misfit of each row of *draws*, shape (n_draws, n_sizes), from its own fit."""
    found = np.empty(len(draws))
    for i in range(len(draws)):
        b0, b1, _ = fit(x, trials, draws[i])
        found[i] = misfit(b0, b1, x, trials, draws[i])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _capped_value(
    b0: float, b1: float, top: float, x: Floats, trials: Floats, hits: Floats
) -> float:  # pragma: no cover - compiled
    """Return the log-likelihood, not penalised, of a curve that rises to *top*."""
    total = 0.0
    for i in range(len(x)):
        p = min(max(top / (1.0 + math.exp(-(b0 + b1 * x[i]))), SMALLEST), 1.0 - SMALLEST)
        total += hits[i] * math.log(p) + (trials[i] - hits[i]) * math.log(1.0 - p)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _capped_fit(
    b0: float, b1: float, top: float, x: Floats, trials: Floats, hits: Floats
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return b0, b1 and the log-likelihood of the best curve that rises to *top*.

    Fisher's scoring with short steps. Where hits and misses do not overlap there is no maximum;
    the likelihood is as good as reached when the steps no longer raise it.
    """
    best = _capped_value(b0, b1, top, x, trials, hits)
    for _ in range(40):
        s0 = s2 = 1e-3  # keeps the steps finite where nothing is left to learn
        s1 = u0 = u1 = 0.0
        for i in range(len(x)):
            share = 1.0 / (1.0 + math.exp(-(b0 + b1 * x[i])))
            p = min(max(top * share, SMALLEST), 1.0 - SMALLEST)
            slope = top * share * (1.0 - share)
            weight = trials[i] * slope * slope / (p * (1.0 - p))
            score = (hits[i] - trials[i] * p) / (p * (1.0 - p)) * slope
            s0 += weight
            s1 += weight * x[i]
            s2 += weight * x[i] * x[i]
            u0 += score
            u1 += score * x[i]
        information = s0 * s2 - s1 * s1
        step0 = (s2 * u0 - s1 * u1) / information
        step1 = (s0 * u1 - s1 * u0) / information
        part = min(1.0, 4.0 / (abs(step0) + abs(step1) + 1e-300))
        found = -math.inf
        while part > 1e-4:
            found = _capped_value(b0 + part * step0, b1 + part * step1, top, x, trials, hits)
            if found >= best:
                break
            part *= 0.5
        if not found >= best:
            break
        b0 += part * step0
        b1 += part * step1
        gained = found - best
        best = found
        if gained < 1e-7:
            break
    return b0, b1, best


@njit(cache=True, nogil=True, error_model="numpy")
def plateau(
    b0: float, b1: float, x: Floats, trials: Floats, hits: Floats
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return twice what the log-likelihood gains by a curve that levels off, and where it does.

    The level is sought in steps of 0.05. Without a plateau the gain is 0 in half of the draws and
    chi-squared with one degree of freedom in the others (S. G. Self and K.-Y. Liang, JASA 82,
    1987, 605-610).
    """
    c0, c1, base = _capped_fit(b0, b1, 1.0, x, trials, hits)
    best, level = base, 1.0
    for step in range(1, 15):
        top = 1.0 - 0.05 * step
        c0, c1, found = _capped_fit(c0, c1, top, x, trials, hits)
        if found > best:
            best, level = found, top
    return 2.0 * (best - base), level
