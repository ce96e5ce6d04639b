"""The NAB score of labels and scores as arrays: at a given threshold, or at the best there is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from sensorkit.evaluate.metrics.checks import no_missing, number, same_shape, zero_one
from sensorkit.evaluate.metrics.nab import (
    PROFILES,
    Floats,
    Sheet,
    Swept,
    Weights,
    best_threshold,
    score_at,
)
from sensorkit.runs import runs

Profile = Literal["standard", "reward_low_FP_rate", "reward_low_FN_rate"]


def nab_score(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    threshold: float | None,
    profile: Profile = "standard",
) -> float:
    """Return the NAB score of one file or several at a threshold that is given.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,), or a sequence of them
        1 inside a window; consecutive ones are one. Several files may have several lengths, and
        some no window.
    scores : array of float, shape (n,), or a sequence of them
        Higher is worse; no NaN.
    threshold : float or None
        A reading is detected when its score reaches it. Choose it without the labels. With None
        nothing is detected; infinity detects infinite scores.
    profile : {"standard", "reward_low_FP_rate", "reward_low_FN_rate"}
        What detections, false alarms and misses are worth (`PROFILES`).

    Returns
    -------
    float
        100 where the first row of every window and nothing else is detected, 0 where nothing is;
        many false alarms make it negative, without bound.

    Raises
    ------
    ValueError
        If the shapes differ, a label is not 0 or 1, a score is NaN, the threshold is no number,
        the profile is unknown, or no file has a window past its probation.

    Examples
    --------
    The window is found at its first row, and there is one false alarm.

    >>> labels, scores = np.zeros(100), np.zeros(100)
    >>> labels[40:50] = 1
    >>> scores[[40, 90]] = 2.0, 1.0
    >>> round(nab_score(labels, scores, threshold=1.0), 2)
    94.5
    >>> round(nab_score(labels, scores, threshold=1.0, profile="reward_low_FP_rate"), 2)
    89.0
    """
    limit = None if threshold is None else number(threshold)
    if limit is not None and math.isnan(limit):
        raise ValueError(
            f"threshold is {threshold!r}, a score is wanted, or None to detect nothing"
        )
    return score_at(*_files(labels, scores), limit, _weights(profile))


def nab_score_optimised(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    profile: Profile = "standard",
) -> Swept:
    """Return the best NAB score that any one threshold reaches, and that threshold.

    An upper bound, not a result: the threshold is chosen on the labels it is scored with, for each
    profile anew. NAB's leaderboard is made so, and this is here to compare with it.

    Parameters and errors as in `nab_score`.

    Returns
    -------
    Swept
        The threshold is None, and the score 0, where it is best to detect nothing. `nab_score`
        with that threshold gives that score.

    Examples
    --------
    >>> labels, scores = np.zeros(100), np.zeros(100)
    >>> labels[40:50] = 1
    >>> scores[[40, 90]] = 2.0, 1.0
    >>> nab_score_optimised(labels, scores)
    Swept(threshold=2.0, score=100.0)
    >>> nab_score_optimised(labels, np.where(labels, 0.0, np.inf))
    Swept(threshold=None, score=0.0)
    """
    return best_threshold(*_files(labels, scores), _weights(profile))


def _files(labels: ArrayLike, scores: ArrayLike) -> tuple[list[Sheet], list[Floats]]:
    """Return the sheet and the scores of each file; a single array is one file."""
    pairs: list[tuple[ArrayLike, ArrayLike]] = [(labels, scores)]
    if isinstance(labels, Iterable) and np.ndim(next(iter(labels), 0)):
        known_files = list(cast("Iterable[ArrayLike]", labels))
        scored_files = list(cast("Iterable[ArrayLike]", scores))
        if len(known_files) != len(scored_files):
            raise ValueError(
                f"labels of {len(known_files)} files and scores of {len(scored_files)}; "
                "give both for each file"
            )
        pairs = list(zip(known_files, scored_files, strict=True))
    sheets, given = [], []
    for index, (one, other) in enumerate(pairs):
        name = f"labels[{index}]" if len(pairs) > 1 else "labels"
        known, score = zero_one(one, name), np.asarray(other, dtype=np.float64)
        same_shape(known, score, "scores")
        no_missing(score)
        start, stop = runs(known)
        windows = zip(start.tolist(), (stop - 1).tolist(), strict=True)
        sheets.append(Sheet.of(len(known), list(windows)))
        given.append(score)
    return sheets, given


def _weights(profile: str) -> Weights:
    if profile not in PROFILES:
        raise ValueError(f"profile is {profile!r}, one of {', '.join(PROFILES)} is wanted")
    return PROFILES[profile]
