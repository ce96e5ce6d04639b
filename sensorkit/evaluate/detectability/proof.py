"""What counts prove without a curve: the smallest size found 9 times in 10, where all are found.

If POD does not fall with size, faults found up to a size speak for it together. The exact lower
bound [1]_ of all trials up to it, which holds for the mean of unequal probabilities too [2]_, has
to reach 0.9; that takes 29 hits without a miss. Whether POD falls is tested first.

References
----------
.. [1] C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in
   the case of the binomial", Biometrika 26 (1934), 404-413.
.. [2] W. Hoeffding, "On the distribution of the number of successes in independent trials",
   Annals of Mathematical Statistics 27 (1956), 713-721.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from sensorkit.evaluate.statistics import CONFIDENCE

Floats = NDArray[np.float64]

FOUND = 0.9
"""The probability that a90 is about."""


def falls(n: Floats, y: Floats) -> bool:
    """Return whether the faults above some size are missed more often than those up to it.

    If so, hits of small faults say nothing for large ones. Fisher's exact test of each way to cut
    the sizes in two, at 5 % over the number of cuts (Bonferroni).

    Parameters
    ----------
    n, y : array of float, shape (n_sizes,)
        Faults and hits of each size, two sizes or more.

    Examples
    --------
    >>> twenty = np.full(8, 20.0)
    >>> falls(twenty, np.array([20, 20, 20, 20, 20, 20, 20, 12.0]))
    True
    >>> falls(twenty, np.array([20, 20, 20, 20, 20, 20, 20, 18.0]))  # so two misses may lie
    False
    """
    from scipy.stats import hypergeom  # half a second; who measures no curve need not wait

    missed = n - y
    above, of = np.cumsum(missed[::-1])[:-1], np.cumsum(n[::-1])[:-1]
    p = np.asarray(hypergeom.sf(above - 1, n.sum(), missed.sum(), of))
    return bool(p.min() * len(p) < 1.0 - CONFIDENCE)


def proven_size(size: Floats, n: Floats, y: Floats) -> float | None:
    """Return the smallest size that the counts alone prove to be found 9 times in 10.

    None if they prove it for none. POD must not fall with size (`falls`).

    Tested from the largest size down, as long as each holds: a fixed order of tests keeps their
    joint error at that of one.

    Examples
    --------
    >>> sizes, twenty = np.array([1.0, 2.0, 4.0]), np.full(3, 20.0)
    >>> proven_size(sizes, twenty, twenty)
    2.0
    """
    proven = None
    for last in range(len(size), 0, -1):
        of, got = float(n[:last].sum()), float(y[:last].sum())
        lower = betaincinv(got, of - got + 1.0, 1.0 - CONFIDENCE) if got else 0.0
        if lower < FOUND:
            break
        proven = float(size[last - 1])
    return proven
