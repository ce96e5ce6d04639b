"""Whether one detector finds more faults than another: the same faults, found or missed by each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr


def hits_p_value(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value of "both find the same share of faults".

    Only faults that one of them finds and the other misses say which is better; if neither is,
    each of these is a toss of a coin.

    Source: Q. McNemar, Psychometrika 12, 1947, with the binomial distribution instead of chi
    squared. Faults are taken as independent; those of one recording are less than that.

    Parameters
    ----------
    one, other : array of bool, shape (n_faults,)
        Whether each fault was hit; the same faults in the same order.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> one = np.array([True] * 9 + [False])
    >>> hits_p_value(one, ~one)
    0.021484375
    >>> hits_p_value(one, one)
    1.0
    """
    if one.shape != other.shape:
        raise ValueError(
            f"hits of {len(one)} and of {len(other)} faults; those of the same faults are wanted"
        )
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    fewer = min(only_one, only_other)
    return min(1.0, 2 * float(bdtr(fewer, only_one + only_other, 0.5)))
