"""What the alerts of a detector are worth in NAB, at many thresholds at once.

NAB lets every reading above the threshold be a detection. A detector that groups them into
alerts has one detection an alert, its first reading. Where an alert begins depends on the
threshold, so it is found anew for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.evaluate.metrics.nab import NO_WINDOW, Sheet, Weights
from sensorkit.evaluate.public.pooling import Floats

THRESHOLDS = 400


class Worth(NamedTuple):
    """What the alerts are worth at each threshold; arrays of shape (n_thresholds,)."""

    inside: Floats
    """Sum over windows of the best alert in each, in shares of A_TP."""
    found: Floats
    """Windows with an alert."""
    outside: Floats
    """Sum over the alerts outside of windows, in shares of A_FP; not above 0."""
    alerts_outside: Floats

    def raw(self, windows: int, weights: Weights) -> Floats:
        """Return the raw score of a file with so many *windows*."""
        missed = windows - self.found
        return weights.tp * self.inside - weights.fn * missed + weights.fp * self.outside


def worth(
    sheet: Sheet,
    score: Floats,
    time: NDArray[np.int64],
    thresholds: Floats,
    *,
    merge: int,
    refractory_ns: int = 0,
) -> Worth:
    """Return what the alerts in one file are worth at each threshold.

    Parameters
    ----------
    sheet : Sheet
    score : array of float, shape (n,)
    time : array of int64, shape (n,)
        Nanoseconds.
    thresholds : array of float
    merge : int
        Longest run of unflagged readings inside an alert; -1 makes every flagged reading one.
    refractory_ns : int
        From the beginning of an alert until the next may begin.

    Examples
    --------
    >>> sheet = Sheet.of(100, [(40, 49)])
    >>> score = np.zeros(100)
    >>> score[[40, 41, 90]] = 1.0
    >>> found = worth(sheet, score, np.arange(100), np.array([1.0, 2.0]), merge=10)
    >>> found.inside.tolist(), found.alerts_outside.tolist()
    ([1.0, 0.0], [1.0, 0.0])
    """
    limits = np.asarray(thresholds, dtype=np.float64)
    return Worth(
        *_worth(score, time, limits, merge, refractory_ns, sheet.window, sheet.worth, sheet.windows)
    )


def candidates(scores: Sequence[Floats]) -> Floats:
    """Return thresholds that 1 in 10 to 1 in 100 000 readings reach, and infinity."""
    shares = np.geomspace(0.1, 1e-5, THRESHOLDS)
    return np.unique([*np.quantile(np.concatenate(scores), 1.0 - shares), np.inf])


@njit(cache=True, nogil=True, error_model="numpy")
def alert_starts(
    score: Floats, time: NDArray[np.int64], threshold: float, merge: int, refractory: int
) -> NDArray[np.bool_]:  # pragma: no cover - compiled
    """Return the readings at which an alert begins, as `sensorkit.detect.episodes` has it."""
    begun = np.zeros(len(score), dtype=np.bool_)
    flagged = -merge - 2
    alert = time[0] - refractory if len(time) else 0
    for i in range(len(score)):
        if score[i] >= threshold:
            if i - flagged > merge + 1 and time[i] - alert >= refractory:
                begun[i] = True
                alert = time[i]
            flagged = i
    return begun


@njit(cache=True, nogil=True, error_model="numpy")
def _worth(
    score: Floats,
    time: NDArray[np.int64],
    thresholds: Floats,
    merge: int,
    refractory: int,
    window: NDArray[np.int64],
    share: Floats,
    windows: int,
) -> tuple[Floats, Floats, Floats, Floats]:  # pragma: no cover - compiled
    inside, found = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    outside, alerts = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for t in range(len(thresholds)):
        best = np.full(windows, np.nan)
        begun = alert_starts(score, time, thresholds[t], merge, refractory)
        for i in range(len(score)):
            if not begun[i]:
                continue
            w = window[i]
            if w == NO_WINDOW:
                outside[t] += share[i]
                alerts[t] += 1
            elif w >= 0 and not share[i] <= best[w]:
                best[w] = share[i]
        for w in range(windows):
            if not np.isnan(best[w]):
                inside[t] += best[w]
                found[t] += 1
    return inside, found, outside, alerts
