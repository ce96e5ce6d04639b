"""A metric that noise wins, kept under a name that says so, to compare with papers that used it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sensorkit.evaluate.metrics.checks import labels_and_flags, some_fault
from sensorkit.evaluate.metrics.points import point_scores
from sensorkit.runs import runs


def point_adjusted_f1_warning(labels: ArrayLike, flags: ArrayLike) -> float:
    """Return the point-adjusted F1, which must not be used to compare detectors.

    A fault of which one reading is flagged has all its readings counted as found; readings outside
    are counted one by one. So a fault of L readings has L chances, of which one is enough: a flag
    at random with the rate q finds it with 1 - (1 - q)^L, near 1 for a long fault, and costs only
    the share q of the healthy readings. Such noise passes detectors that work: N(0, 0.1)
    noise as a score has reached 0.96 on SMAP and 0.90 on MSL, where the method OmniAnomaly
    published 0.84 and 0.90. Use `event_scores` and `false_alarms`, or `vus_pr`.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 where a reading is faulty; consecutive ones are one fault.
    flags : array of 0/1 or bool, shape (n,)
        1 where a reading is flagged.

    Returns
    -------
    float
        2 TP / (2 TP + FP + FN) after the adjustment; 0 where nothing is flagged.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, or nothing is labelled.

    References
    ----------
    .. [1] S. Kim, K. Choi, H.-S. Choi, B. Lee and S. Yoon, "Towards a rigorous evaluation of
       time-series anomaly detection", AAAI 2022, arXiv:2109.05257. The adjustment is from H. Xu et
       al., "Unsupervised anomaly detection via variational auto-encoder", WWW 2018.

    Examples
    --------
    Three faults of 300 readings in 10 000. The honest detector finds two of them after 20 readings,
    and flags nothing else. Noise flags 1 % of all readings, at random.

    >>> labels = np.zeros(10_000, dtype=bool)
    >>> honest = np.zeros(10_000, dtype=bool)
    >>> for start in (2000, 5000, 8000):
    ...     labels[start : start + 300] = True
    >>> honest[2020:2300] = honest[5020:5300] = True
    >>> noise = np.random.default_rng(0).random(10_000) < 0.01
    >>> round(point_scores(labels, honest).f1, 2), round(point_scores(labels, noise).f1, 2)
    (0.77, 0.01)
    >>> point_adjusted_f1_warning(labels, honest)
    0.8
    >>> round(point_adjusted_f1_warning(labels, noise), 2)  # what works loses to noise
    0.95
    """
    known, flagged = labels_and_flags(labels, flags)
    some_fault(known)
    faults = runs(known)
    counted = np.concatenate([[0], np.cumsum(flagged)])
    touched = counted[faults.stop] > counted[faults.start]
    adjusted = flagged.copy()
    adjusted[known] = np.repeat(touched, faults.stop - faults.start)
    return point_scores(known, adjusted).f1
