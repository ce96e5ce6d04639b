"""How many more faults a benchmark would take to tell two detectors apart."""

from __future__ import annotations

import math

from scipy.special import stdtrit

from sensorkit.evaluate.statistics import TAILS

POWER = 0.8
"""Share of benchmarks of that size that would tell them apart."""

MOST = 10_000
"""More faults than that are no answer: nobody records them."""


def faults_needed(difference: float, deviation: float, faults: int) -> int | None:
    r"""Return how many faults beyond those tried would tell two detectors apart.

    If the difference and its spread from fault to fault are what was found, the standard error
    falls with the square root of the faults, and n faults tell the two apart in 80 % of the
    benchmarks (at 5 %, two-sided) once

    .. math:: |difference| \ge (t_{0.975} + t_{0.8}) \, deviation \sqrt{faults / n}

    with the t distribution of n - 1 degrees of freedom. Faults of the same mix are meant; where
    there were several recordings, in more recordings like these.

    Parameters
    ----------
    difference : float
        Mean paired difference.
    deviation : float
        Its standard error with the faults that were tried.
    faults : int
        How many were tried, 2 or more.

    Returns
    -------
    int or None
        0 where those tried were enough; None where more than `MOST` would be needed.

    Notes
    -----
    The difference found is itself uncertain, so this says what to expect, not what is certain. A
    result that fell short of p = 0.05 always calls for more faults than were tried.

    Source: any text on sample size for paired means; J. Cohen, "Statistical Power Analysis for
    the Behavioral Sciences", 2nd ed. 1988, chapter 2, has the tables.

    Examples
    --------
    >>> faults_needed(0.02, 0.02, 30)
    208
    >>> faults_needed(0.10, 0.02, 30), faults_needed(0.0, 0.02, 30)
    (0, None)
    """
    if faults < 2 or not deviation >= 0:
        raise ValueError(
            f"{faults} faults with a standard error of {deviation:g}; at least 2, and an error of "
            "0 or more, are wanted"
        )
    if deviation == 0:
        return 0 if difference else None
    if not difference or _enough(difference, deviation, faults, faults):
        return 0 if difference else None
    few, many = faults, faults + MOST
    if not _enough(difference, deviation, faults, many):
        return None
    while many - few > 1:
        middle = (few + many) // 2
        if _enough(difference, deviation, faults, middle):
            many = middle
        else:
            few = middle
    return many - faults


def _enough(difference: float, deviation: float, faults: int, n: int) -> bool:
    wanted = float(stdtrit(n - 1, TAILS[1]) + stdtrit(n - 1, POWER))
    return abs(difference) >= wanted * deviation * math.sqrt(faults / n)
