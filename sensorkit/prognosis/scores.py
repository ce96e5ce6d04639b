"""How good predictions of the remaining life are: RMSE, the PHM08 score, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EARLY, LATE = 13.0, 10.0
"""Cycles after which an error that is too early or too late has cost e - 1."""


def rmse(predicted: ArrayLike, true: ArrayLike) -> float:
    """Return the root of the mean squared error.

    Parameters
    ----------
    predicted, true : array of float, shape (n,)
        Remaining life, in the same unit.

    Raises
    ------
    ValueError
        If they differ in shape, are empty, or hold what is not a finite number.

    Examples
    --------
    >>> rmse([10.0, 20.0], [13.0, 16.0])
    3.5355339059327378
    """
    return float(np.sqrt(np.mean(np.square(_errors(predicted, true)))))


def phm08(predicted: ArrayLike, true: ArrayLike) -> float:
    r"""Return the score of the PHM08 challenge: the sum of what each error costs; 0 is perfect.

    With :math:`d = \text{predicted} - \text{true}`,

    .. math:: s = \sum_{d < 0} (e^{-d / 13} - 1) + \sum_{d \ge 0} (e^{d / 10} - 1)

    so that promising too much life costs more than promising too little.

    Parameters
    ----------
    predicted, true : array of float, shape (n,)
        In cycles: the constants are.

    Raises
    ------
    ValueError
        As `rmse`.

    Notes
    -----
    The definition is that of [1]_, where the constants are a1 = 10 for late and a2 = 13 for early
    predictions. It is a sum: it grows with the number of engines, and a few of them make most of
    it. Compare it on the same engines only.

    References
    ----------
    .. [1] A. Saxena, K. Goebel, D. Simon and N. Eklund, "Damage propagation modeling for aircraft
       engine run-to-failure simulation", PHM 2008, doi:10.1109/PHM.2008.4711414.

    Examples
    --------
    13 cycles too early and 10 cycles too late cost the same:

    >>> round(phm08([87.0], [100.0]), 4), round(phm08([110.0], [100.0]), 4)
    (1.7183, 1.7183)
    """
    late = _errors(predicted, true)
    # What is 7000 cycles off costs more than there are numbers for.
    with np.errstate(over="ignore"):
        return float(np.sum(np.where(late < 0.0, np.expm1(-late / EARLY), np.expm1(late / LATE))))


class Estimate(NamedTuple):
    """A figure, and between what it lies with 95 % confidence when other engines are drawn."""

    value: float
    low: float
    high: float


def over_engines(
    figure: Callable[[Floats, Floats], float],
    predicted: ArrayLike,
    true: ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return a figure with its bootstrap interval: one prediction an engine, engines are drawn.

    Parameters
    ----------
    figure : callable
        `rmse` or `phm08`.
    predicted, true : array of float, shape (n_engines,)
    resamples : int
    seed : int

    Raises
    ------
    ValueError
        As `rmse`, or if *resamples* is not above 0.

    Notes
    -----
    The interval is that of percentiles. It says how the figure would differ on other engines of
    the same kind, not how another fleet to learn from would change it.

    Examples
    --------
    >>> over_engines(rmse, [10.0, 20.0, 30.0], [13.0, 16.0, 30.0], seed=1)
    Estimate(value=2.886751345948129, low=0.0, high=4.0)
    """
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; at least 1 is wanted")
    _errors(predicted, true)
    one, other = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(one), (resamples, len(one)))
    figures = [figure(one[rows], other[rows]) for rows in drawn]
    low, high = np.percentile(figures, [2.5, 97.5])
    return Estimate(figure(one, other), float(low), float(high))


def _errors(predicted: ArrayLike, true: ArrayLike) -> Floats:
    one, other = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(
            f"predicted has shape {one.shape} and true {other.shape}; two of the same length are "
            "wanted"
        )
    if not len(one):
        raise ValueError("there are no predictions; at least one is wanted")
    for name, array in (("predicted", one), ("true", other)):
        odd = np.flatnonzero(~np.isfinite(array))
        if len(odd):
            raise ValueError(f"{name}[{odd[0]}] is {array[odd[0]]}; a finite number is wanted")
    errors: Floats = one - other
    return errors
