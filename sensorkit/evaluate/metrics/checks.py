"""What every metric refuses, in the same words: shapes that differ, labels that are not 0 or 1."""

from __future__ import annotations

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST = 2**31 - 1
"""Of any count of readings; sums of rows stay far inside 64 bits."""


def zero_one(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return *values* as bool, shape (n,); ValueError names the first that is not 0 or 1."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, one dimension is wanted")
    if array.dtype == np.bool_:
        return array
    known: NDArray[np.bool_] = array == 1
    odd = np.flatnonzero(~(known | (array == 0)))
    if len(odd):
        raise ValueError(f"{name}[{odd[0]}] is {array[odd[0]]!r}, 0 or 1 is wanted")
    return known


def labels_and_flags(
    labels: ArrayLike, flags: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return both as bool; there must be a reading, and as many labels as flags."""
    known, flagged = zero_one(labels, "labels"), zero_one(flags, "flags")
    same_shape(known, flagged, "flags")
    if not len(known):
        raise ValueError("labels and flags are empty; at least one reading is wanted")
    return known, flagged


def labels_and_scores(
    labels: ArrayLike, scores: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return labels as bool, some of them 1, and scores as float, none of them NaN."""
    known, score = zero_one(labels, "labels"), np.asarray(scores, dtype=np.float64)
    same_shape(known, score, "scores")
    some_fault(known)
    no_missing(score)
    return known, score


def no_missing(score: NDArray[np.float64]) -> None:
    """Refuse scores with a NaN."""
    missing = np.flatnonzero(np.isnan(score))
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {len(score)} scores are NaN, the first at {missing[0]}; a NaN has "
            "no rank: give readings that cannot be judged the lowest score"
        )


def same_shape(labels: NDArray[np.bool_], other: NDArray[np.generic], name: str) -> None:
    """Refuse arrays of another shape than the labels."""
    if other.shape != labels.shape:
        raise ValueError(f"labels has shape {labels.shape} and {name} {other.shape}; one a reading")


def some_fault(labels: NDArray[np.bool_]) -> None:
    """Refuse labels without a 1."""
    if not labels.any():
        raise ValueError(
            f"none of the {len(labels)} labels is 1; without a fault there is nothing to find"
        )


def whole_number(value: object, name: str, of: str) -> int:
    """Return *value*, a count of *of* from 0 to `MOST`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= MOST:
        raise ValueError(f"{name} is {value!r}, a whole number of {of} from 0 to {MOST} is wanted")
    return int(value)


def positive_seconds(value: object, name: str) -> float:
    """Return *value*, a finite number of seconds above 0."""
    seconds = number(value)
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{name} is {value!r}, a number of seconds above 0 is wanted")
    return seconds


def number(value: object) -> float:
    """Return *value* as a float; NaN where it is no number, or larger than all floats.

    Examples
    --------
    >>> number(2), number("2"), number(None), number(10**400)
    (2.0, nan, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):  # an array of several, a mock
        return math.nan
