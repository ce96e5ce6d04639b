r"""Precision and recall of ranges: how much of each range is covered, and in how many pieces.

A range is a run of ones. For a range R of length L and the ranges of the other side:

- overlap: the sum of the weights :math:`\delta(i)` of the positions i = 1..L that the other side
  covers, divided by the sum over all positions. :math:`\delta` is the `bias`:

  ======== ==========================================================
  flat     1
  front    L - i + 1: early positions weigh more
  back     i: late positions weigh more
  middle   i up to L/2, then L - i + 1
  ======== ==========================================================

- cardinality: a range that x > 1 ranges of the other side overlap has its overlap multiplied by
  1 (`"one"`) or by 1/x (`"reciprocal"`);
- existence: 1 if the other side covers any position, else 0.

The worth of R is alpha * existence + (1 - alpha) * cardinality * overlap. Recall is the mean over
the faults, precision the mean over the flagged ranges. All is O(n).

We depart from `prts` 1.0.0.3, which these functions equal else, where nothing is flagged: it stops
at an assertion (aeon returns 0 with a warning); here precision is NaN, recall and F are 0.

References
----------
N. Tatbul, T. J. Lee, S. Zdonik, M. Alam and J. Gottschlich, "Precision and recall for time
series", NeurIPS 2018, arXiv:1803.03639. The three biases are its figure 2.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensorkit.evaluate.metrics.checks import labels_and_flags, number, some_fault
from sensorkit.runs import Rows, runs

Bias = Literal["flat", "front", "middle", "back"]
Cardinality = Literal["one", "reciprocal"]


def range_precision(
    labels: ArrayLike,
    flags: ArrayLike,
    *,
    alpha: float = 0.0,
    cardinality: Cardinality = "one",
    bias: Bias = "flat",
) -> float:
    """Return the mean worth of the flagged ranges against the faults.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 where a reading is faulty; consecutive ones are one fault.
    flags : array of 0/1 or bool, shape (n,)
        1 where a reading is flagged.
    alpha : float
        Weight of existence, 0..1. The paper has none in precision (0); `prts` offers it.
    cardinality : {"one", "reciprocal"}
        What a flagged range loses that covers several faults.
    bias : {"flat", "front", "middle", "back"}
        Which positions of a flagged range weigh more.

    Returns
    -------
    float
        In 0..1; NaN where nothing is flagged.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, nothing is labelled, or a parameter is none
        of those above.

    Examples
    --------
    Two flagged ranges: of the first, two of three positions are in the fault; the second is wrong.

    >>> range_precision([0, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0, 1])
    0.3333333333333333
    """
    known, flagged = _checked(labels, flags, alpha, cardinality, bias)
    return _mean_worth(flagged, known, alpha, cardinality, bias)


def range_recall(
    labels: ArrayLike,
    flags: ArrayLike,
    *,
    alpha: float = 0.0,
    cardinality: Cardinality = "one",
    bias: Bias = "flat",
) -> float:
    """Return the mean worth of the faults against the flagged ranges.

    Parameters, errors and source as in `range_precision`, seen from the faults: *alpha* is what
    it is worth to touch a fault at all, *bias* says which part of a fault matters (`"front"`
    pays early detection), *cardinality* what a fault loses that is found in pieces.

    Returns
    -------
    float
        In 0..1; 0 where nothing is flagged.

    Examples
    --------
    The last two of three faulty readings are flagged.

    >>> labels, flags = [0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0]
    >>> round(range_recall(labels, flags), 4)
    0.6667
    >>> range_recall(labels, flags, bias="front")  # (2 + 1) / (3 + 2 + 1)
    0.5
    >>> range_recall(labels, flags, bias="front", alpha=0.5)
    0.75
    """
    known, flagged = _checked(labels, flags, alpha, cardinality, bias)
    return _mean_worth(known, flagged, alpha, cardinality, bias)


def range_f(
    labels: ArrayLike,
    flags: ArrayLike,
    *,
    beta: float = 1.0,
    alpha: float = 0.0,
    cardinality: Cardinality = "one",
    bias: Bias = "flat",
    precision_bias: Bias | None = None,
) -> float:
    """Return (1 + beta^2) P R / (beta^2 P + R) of `range_precision` P and `range_recall` R.

    Parameters
    ----------
    labels, flags : array of 0/1 or bool, shape (n,)
    beta : float
        How many times as important recall is, from 0 on.
    alpha : float
        Weight of existence in recall; precision has none, as in the paper.
    cardinality, bias
        As in `range_recall`.
    precision_bias
        The bias of precision where it is another one. The paper takes `"flat"` there.

    Returns
    -------
    float
        In 0..1; 0 where P and R are, and where nothing is flagged.

    Raises
    ------
    ValueError
        As `range_precision`, and if *beta* is negative or not finite.

    Examples
    --------
    >>> round(range_f([0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0]), 4)
    0.6667
    """
    times = number(beta)
    if not (math.isfinite(times) and times >= 0):
        raise ValueError(f"beta is {beta!r}, a finite number from 0 on is wanted")
    recall = range_recall(labels, flags, alpha=alpha, cardinality=cardinality, bias=bias)
    precision = range_precision(
        labels,
        flags,
        cardinality=cardinality,
        bias=bias if precision_bias is None else precision_bias,
    )
    if not (precision > 0 or recall > 0):  # precision is NaN where nothing is flagged
        return 0.0
    # The formula divided by 1 + beta^2, which may be beyond all numbers: the share is then 0.
    share = 1 / (1 + times * times)
    return precision * recall / ((1 - share) * precision + share * recall)


def _mean_worth(
    of: NDArray[np.bool_],
    other: NDArray[np.bool_],
    alpha: float,
    cardinality: Cardinality,
    bias: Bias,
) -> float:
    ranges = runs(of)
    count = len(ranges.start)
    if not count:
        return math.nan
    # A run of what both cover is one range of the one side within one of the other.
    shared = runs(of & other)
    owner = np.searchsorted(ranges.start, shared.start, side="right") - 1
    length = (ranges.stop - ranges.start)[owner]
    begin, end = shared.start - ranges.start[owner], shared.stop - ranges.start[owner]
    share = (_weight(end, length, bias) - _weight(begin, length, bias)) / _weight(
        length, length, bias
    )
    pieces = np.bincount(owner, minlength=count)
    overlap = np.bincount(owner, weights=share, minlength=count).astype(np.float64)
    if cardinality == "reciprocal":
        overlap /= np.maximum(pieces, 1)
    return float(np.mean(alpha * (pieces > 0) + (1 - alpha) * overlap))


def _weight(first: Rows, length: Rows, bias: Bias) -> NDArray[np.float64]:
    """Return the weight of the *first* so many positions of ranges of this *length*."""
    if bias == "flat":
        return first.astype(np.float64)
    if bias == "back":
        return _triangle(first)
    front = _triangle(length) - _triangle(length - first)
    if bias == "front":
        return front
    half = length // 2
    rising = _triangle(np.minimum(first, half))
    return rising + np.where(first > half, front - _triangle(length) + _triangle(length - half), 0)


def _triangle(n: Rows) -> NDArray[np.float64]:
    whole = n.astype(np.float64)
    return whole * (whole + 1) / 2


def _checked(
    labels: ArrayLike, flags: ArrayLike, alpha: float, cardinality: str, bias: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if not 0 <= number(alpha) <= 1:
        raise ValueError(f"alpha is {alpha!r}, a weight from 0 to 1 is wanted")
    for name, value, allowed in (
        ("cardinality", cardinality, get_args(Cardinality)),
        ("bias", bias, get_args(Bias)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}, one of {', '.join(allowed)} is wanted")
    known, flagged = labels_and_flags(labels, flags)
    some_fault(known)
    return known, flagged
