"""The score of the UCR anomaly archive: whether the highest score is at the one anomaly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from sensorkit.evaluate.metrics.checks import labels_and_scores, whole_number, zero_one
from sensorkit.runs import runs

MARGIN = 100


def ucr_hit(labels: ArrayLike, scores: ArrayLike, *, margin: int = MARGIN) -> bool:
    """Return whether the highest score lies within *margin* readings of the one anomaly.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 for the readings of the anomaly: one run of ones from row a to row b. Of a series of the
        archive give the part after its training prefix.
    scores : array of float, shape (n,)
        Higher is worse; no NaN. Of equal scores the first counts, so that a constant score
        says row 0.
    margin : int
        Readings before a and after b in which the highest score still hits: a - margin to
        b + margin, inclusive.

    Raises
    ------
    ValueError
        If the shapes differ, a label is not 0 or 1, a score is NaN, nothing or more than one
        range is labelled, or *margin* is no whole number from 0 on.

    Notes
    -----
    The margin of 100 readings is the one usually reported with the archive [1]_. Rewicki et al.
    [2]_ and dtaianomaly take max(b - a + 1, 100), which favours long anomalies: give that as
    *margin* to compare with them. The score has no false alarms and no threshold; each series is
    known to hold exactly one anomaly, which no device is.

    References
    ----------
    .. [1] R. Wu and E. J. Keogh, "Current time series anomaly detection benchmarks are flawed and
       are creating the illusion of progress", IEEE TKDE 35(3), 2023, arXiv:2009.13807.
    .. [2] F. Rewicki, J. Denzler and J. Niebling, "Is it worth it? Comparing six deep and classical
       methods for unsupervised anomaly detection in time series", Applied Sciences 13(3), 2023.

    Examples
    --------
    >>> labels = np.zeros(1000, dtype=bool)
    >>> labels[500:520] = True
    >>> scores = np.zeros(1000)
    >>> scores[619] = 1.0
    >>> ucr_hit(labels, scores), ucr_hit(labels, scores, margin=99)
    (True, False)
    """
    reach = whole_number(margin, "margin", "readings")
    known, score = labels_and_scores(labels, scores)
    anomaly = runs(known)
    if len(anomaly.start) != 1:
        raise ValueError(
            f"{len(anomaly.start)} ranges are labelled, the UCR score wants exactly one; "
            "use vus_pr or event_scores"
        )
    highest = int(np.argmax(score))
    return bool(anomaly.start[0] - reach <= highest <= anomaly.stop[0] - 1 + reach)


def ucr_score(hits: Iterable[bool]) -> float:
    """Return the share of series that are hit, 0..1: *hits* has `ucr_hit` of each.

    Raises
    ------
    ValueError
        If there is no series, or an entry is not 0 or 1.

    Examples
    --------
    >>> ucr_score([True, False, True, True])
    0.75
    """
    hit = zero_one(list(hits), "hits")
    if not len(hit):
        raise ValueError("hits is empty; the hit or miss of at least one series is wanted")
    return float(hit.mean())
