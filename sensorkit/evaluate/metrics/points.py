"""Point metrics of anomaly scores: VUS, average precision, ROC, precision, recall, F1.

Pure functions of labels (1 = fault) and scores (higher is worse). docs/metrics.md has the
formulas, the sources, and where other implementations differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensorkit.evaluate.metrics.checks import (
    labels_and_flags,
    labels_and_scores,
    some_fault,
    whole_number,
)
from sensorkit.evaluate.metrics.order import falling
from sensorkit.evaluate.metrics.volume import Volume, volume


def vus_pr(
    labels: ArrayLike, scores: ArrayLike, *, buffer: int, thresholds: int | None = None
) -> float:
    """Return the volume under the precision-recall surface (VUS-PR) [1]_ as TSB-AD computes it.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 where a reading is faulty.
    scores : array of float, shape (n,)
        Higher is worse. NaN is refused; infinities are ordered like any number.
    buffer : int
        Largest window, in readings: windows 0..buffer are averaged. A window w gives a point d
        readings away from a range, d <= w // 2, the weight sqrt(1 - d/w).
    thresholds : int, optional
        Thresholds taken at equal ranks of the scores; 250 is the published definition. None
        takes every score; the sample of 250 is usually lower, by how much see docs/metrics.md.

    Returns
    -------
    float
        In 0..1. Not comparable to a value with another buffer or other thresholds.

    Raises
    ------
    ValueError
        If the shapes differ, a label is not 0 or 1, a score is NaN, or nothing is labelled.

    Notes
    -----
    With C labelled points predicted, U the weights of the buffer points predicted, P labelled
    points and N points predicted: precision is (C + U) / N, recall min(1, (C + U) / (P + U/2)),
    multiplied by the share of ranges (those whose buffers meet count once) with a predicted
    point. The area is the sum of (recall_k - recall_k-1) * precision_k.

    References
    ----------
    .. [1] J. Paparrizos et al., "Volume under the surface", PVLDB 15(11), 2022. The definition
       is that of `RangeAUC_volume_opt` in TSB-AD 1.5 (Q. Liu and J. Paparrizos, NeurIPS 2024).

    Examples
    --------
    >>> labels = [0, 0, 0, 1, 1, 0, 0, 0]
    >>> vus_pr(labels, [0, 0, 0, 9, 9, 0, 0, 0], buffer=0)
    1.0
    >>> round(vus_pr(labels, [0, 0, 1, 9, 0, 0, 0, 0], buffer=4), 4)
    0.7602
    """
    return vus(labels, scores, buffer=buffer, thresholds=thresholds).pr


def vus_roc(
    labels: ArrayLike, scores: ArrayLike, *, buffer: int, thresholds: int | None = None
) -> float:
    """Return the volume under the ROC surface (VUS-ROC); parameters and source as in `vus_pr`.

    With N predicted of n points the false positive rate is (N - C - U) / (n - P - U/2); the area
    is by trapezoids and ends in (1, 1). Random scores reach more than 0.5, most where faults are
    short against the buffer (buffer 100: 0.6 with faults of 100 readings, 0.9 with faults of 5):
    rank by `vus_pr`.

    Raises
    ------
    ValueError
        As `vus_pr`, and if everything is labelled.

    Examples
    --------
    >>> vus_roc([0, 0, 0, 1, 1, 0], [0, 0, 1, 9, 9, 0], buffer=0)
    1.0
    """
    known = np.asarray(labels)
    if known.size and bool(np.all(known == 1)):
        raise ValueError(
            f"all {known.size} labels are 1, a ROC curve needs healthy readings as well; "
            "use vus_pr or a longer stretch"
        )
    return vus(labels, scores, buffer=buffer, thresholds=thresholds).roc


def vus(
    labels: ArrayLike, scores: ArrayLike, *, buffer: int, thresholds: int | None = None
) -> Volume:
    """Return both volumes (pr, roc) for little more than the price of one.

    Parameters and errors as in `vus_pr`; *roc* is NaN where everything is labelled.
    """
    known, score = labels_and_scores(labels, scores)
    widest = whole_number(buffer, "buffer", "readings")
    if thresholds is not None and (
        isinstance(thresholds, bool)
        or not isinstance(thresholds, int | np.integer)
        or thresholds < 2
    ):
        raise ValueError(
            f"thresholds is {thresholds!r}, a whole number from 2 on is wanted, "
            "or None to take every score"
        )
    both = volume(known, score, widest, None if thresholds is None else int(thresholds))
    return Volume(both.pr, float("nan")) if known.all() else both


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the sum of (recall_k - recall_k-1) * precision_k over the distinct scores.

    Equals `sklearn.metrics.average_precision_score`. The trapezoid over the same points, which
    some packages call PR-AUC, rewards a constant score and is not offered.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
    scores : array of float, shape (n,)

    Raises
    ------
    ValueError
        If the shapes differ, a label is not 0 or 1, a score is NaN, or nothing is labelled.

    Examples
    --------
    >>> average_precision([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.3])
    0.8333333333333333
    """
    true, predicted = _counts(*labels_and_scores(labels, scores))
    recall = np.diff(true, prepend=0.0) / true[-1]
    # Rounding can leave a perfect score a trace above 1.
    return min(1.0, float(np.sum(recall * true / predicted)))


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve: P(faulty scores higher), ties counting half.

    Equals `sklearn.metrics.roc_auc_score`. Parameters as in `average_precision`.

    Raises
    ------
    ValueError
        As `average_precision`, and if everything is labelled.

    Examples
    --------
    >>> roc_auc([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.3])
    0.75
    """
    known, score = labels_and_scores(labels, scores)
    if known.all():
        raise ValueError(
            f"all {len(known)} labels are 1, a ROC curve needs healthy readings as well; "
            "use average_precision or a longer stretch"
        )
    true, predicted = _counts(known, score)
    false = np.concatenate([[0.0], predicted - true])
    true = np.concatenate([[0.0], true])
    return min(1.0, float(np.trapezoid(true, false) / (true[-1] * false[-1])))


class PointScores(NamedTuple):
    """Counted by reading, at one threshold."""

    precision: float
    """NaN where nothing was flagged."""
    recall: float
    f1: float


def point_scores(labels: ArrayLike, flags: ArrayLike) -> PointScores:
    """Return precision, recall and F1 of *flags* against *labels*, reading by reading.

    Both are 0 or 1, shape (n,).

    F1 is 2 TP / (2 TP + FP + FN), as in scikit-learn; 0 where nothing was flagged.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, or nothing is labelled.

    Examples
    --------
    >>> point_scores([0, 1, 1, 0], [0, 0, 1, 1])
    PointScores(precision=0.5, recall=0.5, f1=0.5)
    """
    known, flagged = labels_and_flags(labels, flags)
    some_fault(known)
    hits = int((known & flagged).sum())
    n_known, n_flagged = int(known.sum()), int(flagged.sum())
    return PointScores(
        precision=hits / n_flagged if n_flagged else float("nan"),
        recall=hits / n_known,
        f1=2 * hits / (n_known + n_flagged),
    )


def _counts(
    labels: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return true positives and predicted points at each distinct score, from the highest."""
    order = falling(scores)
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    true = np.cumsum(labels[order])[last]
    return true.astype(np.float64), (last + 1).astype(np.float64)
