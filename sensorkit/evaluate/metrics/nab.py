r"""The score of the Numenta Anomaly Benchmark (NAB), from scores and windows as arrays.

A file has n readings and some labelled windows. A detection is a reading whose score reaches
the threshold. Its position y in units of a window's width (rows) is weighed by the sigmoid

.. math:: \sigma(y) = \frac{2}{1 + e^{5 y}} - 1, \qquad \sigma(y) = -1 \text{ for } y > 3

- In a window of w rows whose last is row e, row i is at :math:`y = -(e - i + 1) / w`. Of all
  detections in a window only the best counts: :math:`A_{TP} \, \sigma(y) / \sigma(-1)`, which is
  :math:`A_{TP}` on its first row.
- A window without a detection costs :math:`A_{FN}`.
- Outside, a detection costs :math:`-A_{FP} \, \sigma(y)` with :math:`y = (i - e) / (w - 1)` past
  the last window before it, and :math:`A_{FP}` before the first window.
- The first 15 % of a file, at most 750 rows, are a probation: nothing there counts.

The sum over files is then put on a scale on which no detection at all is 0 and the first row of
every window, and nothing else, is 100. The weights A come from one of three `PROFILES`.

We depart in one point: past a window of one row, w - 1 is 0 and NAB divides by it; we take the
limit, so that a detection there is infinitely far past the window and costs :math:`A_{FP}`.

References
----------
A. Lavin and S. Ahmad, "Evaluating real-time anomaly detection algorithms - the Numenta Anomaly
Benchmark", ICMLA 2015, arXiv:1510.03336, and the scorer that comes with the benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.evaluate.metrics.order import falling

Floats = NDArray[np.float64]

PROBATION_SHARE = 0.15
MOST_PROBATION_ROWS = 750

NO_WINDOW = -1
PROBATION = -2

# Past the last window by more than so many of its widths, a detection is as wrong as can be.
FAR = 3.0


class Weights(NamedTuple):
    """What a detection, a false alarm and a missed window are worth (no unit)."""

    tp: float
    fp: float
    fn: float


PROFILES: dict[str, Weights] = {
    "standard": Weights(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Weights(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Weights(1.0, 0.11, 2.0),
}


class Swept(NamedTuple):
    """The best threshold for some files, chosen on their labels, and the NAB score it yields."""

    threshold: float | None
    """None where it is best to detect nothing. Infinity would detect infinite scores."""
    score: float


@dataclass(frozen=True, eq=False)
class Sheet:
    """What a detection at each reading of a file is worth.

    Attributes
    ----------
    window : array of int64, shape (n,)
        Index of the window the reading lies in, `NO_WINDOW` or `PROBATION`.
    worth : array of float, shape (n,)
        In a window the share of A_TP, from near 0 to 1; outside the share of A_FP, -1 to 0.
    windows : int
        How many windows of the file can be found: those not wholly in the probation.
    """

    window: NDArray[np.int64]
    worth: Floats
    windows: int

    @classmethod
    def of(cls, n: int, windows: Sequence[tuple[int, int]]) -> Self:
        """Return the sheet of a file of *n* readings.

        Parameters
        ----------
        n : int
        windows : sequence of (first, last) row, last inclusive
            In order, without overlap.

        Raises
        ------
        ValueError
            If the windows are out of order or reach beyond the file.

        Examples
        --------
        >>> sheet = Sheet.of(100, [(40, 49)])
        >>> sheet.worth[[20, 40, 49, 50, 52, 90]].round(2).tolist()
        [-1.0, 1.0, 0.25, -0.27, -0.68, -1.0]
        """
        rows = np.arange(n)
        window = np.full(n, NO_WINDOW)
        worth = np.full(n, -1.0)
        end = -1
        nexts = [*(first for first, _ in windows[1:]), n]  # where the last window is another one
        for index, ((first, last), following) in enumerate(zip(windows, nexts, strict=False)):
            if not end < first <= last < n:
                raise ValueError(
                    f"window {index} covers the rows {first} to {last}, after one that ends in "
                    f"{end}, of a file of {n}; windows must be in order and inside the file"
                )
            width, end = last - first + 1, last
            inside, past = rows[first : last + 1], rows[last + 1 : following]
            window[inside] = index
            worth[inside] = sigmoid(-(last - inside + 1) / width) / sigmoid(np.array(-1.0))
            worth[past] = sigmoid((past - last) / (width - 1)) if width > 1 else -1.0
        window[: min(int(PROBATION_SHARE * n), MOST_PROBATION_ROWS)] = PROBATION
        found = np.unique(window[window >= 0])
        window[window >= 0] = np.searchsorted(found, window[window >= 0])
        return cls(window, worth, len(found))


def sigmoid(position: Floats) -> Floats:
    """Return the weight of a *position* in windows: 1 long before, 0 at 0, -1 beyond `FAR`."""
    near = np.minimum(position, FAR)  # exp overflows far out
    return np.where(position > FAR, -1.0, 2.0 / (1.0 + np.exp(5.0 * near)) - 1.0)


def raw_score(sheet: Sheet, detected: NDArray[np.bool_], weights: Weights) -> float:
    """Return what the detections in one file are worth: from -inf to A_TP times its windows.

    Parameters
    ----------
    sheet : Sheet
    detected : array of bool, shape (n,)
        The readings at which there is a detection.
    weights : Weights
    """
    best = np.zeros(sheet.windows)
    inside = detected & (sheet.window >= 0)
    np.maximum.at(best, sheet.window[inside], sheet.worth[inside])
    outside = detected & (sheet.window == NO_WINDOW)
    missed = sheet.windows - len(np.unique(sheet.window[inside]))
    return float(
        weights.tp * best.sum() - weights.fn * missed + weights.fp * sheet.worth[outside].sum()
    )


def normalised(raw: float, windows: int, weights: Weights) -> float:
    """Return a sum of raw scores on the scale 0 (no detection at all) to 100 (perfect).

    Raises
    ------
    ValueError
        If there is no window: all that can be told is the number of false alarms.
    """
    if windows < 1:
        raise ValueError("files without a window have no NAB score; give one with a window as well")
    nothing = -weights.fn * windows
    return 100.0 * (raw - nothing) / (weights.tp * windows - nothing)


def score_at(
    sheets: Sequence[Sheet], scores: Sequence[Floats], threshold: float | None, weights: Weights
) -> float:
    """Return the NAB score of files at a threshold.

    Parameters
    ----------
    sheets : sequence of Sheet
        What a detection at each row is worth, one a file.
    scores : sequence of array of float, shape (n,)
        One a file.
    threshold : float or None
        A score that reaches it is a detection; without one nothing is detected.
    weights : Weights
        Of a profile of NAB: what a hit, a miss and a false alarm count.
    """
    limit = math.nan if threshold is None else threshold  # no score reaches NaN
    raw = sum(
        raw_score(sheet, score >= limit, weights)
        for sheet, score in zip(sheets, scores, strict=True)
    )
    return normalised(raw, sum(sheet.windows for sheet in sheets), weights)


def best_threshold(sheets: Sequence[Sheet], scores: Sequence[Floats], weights: Weights) -> Swept:
    """Return the threshold with the best NAB score over all files, as its leaderboard does.

    Every distinct score is tried, and None, with which nothing is detected: O(n). Among equals
    the highest threshold wins, and None before all.

    Parameters
    ----------
    sheets : sequence of Sheet
    scores : sequence of array of float, shape (n,)
        One a file; no NaN.
    weights : Weights

    Examples
    --------
    >>> sheet = Sheet.of(100, [(40, 49)])
    >>> score = np.zeros(100)
    >>> score[[40, 90]] = 2.0, 1.0
    >>> best_threshold([sheet], [score], PROFILES["standard"])
    Swept(threshold=2.0, score=100.0)
    """
    offsets = np.cumsum([0, *(sheet.windows for sheet in sheets)])
    window = np.concatenate(
        [
            np.where(sheet.window >= 0, sheet.window + offset, sheet.window)
            for sheet, offset in zip(sheets, offsets, strict=False)
        ]
    )
    together = np.concatenate([np.asarray(score, dtype=np.float64) for score in scores])
    if len(together) != len(window):
        raise ValueError(f"{len(together)} scores for {len(window)} readings of the files")
    counts = np.flatnonzero(window != PROBATION)
    order = counts[falling(together[counts])]
    worth = np.concatenate([sheet.worth for sheet in sheets])
    windows = int(offsets[-1])
    threshold, raw = _sweep(
        together[order], window[order], worth[order], windows, weights.tp, weights.fp, weights.fn
    )
    return Swept(None if math.isnan(threshold) else threshold, normalised(raw, windows, weights))


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(
    score: Floats,
    window: NDArray[np.int64],
    worth: Floats,
    windows: int,
    tp: float,
    fp: float,
    fn: float,
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the best threshold of *score*, which is falling, NaN for none; and its raw score."""
    best = np.full(windows, np.nan)
    now = -fn * windows
    threshold, highest = math.nan, now
    for i in range(len(score)):
        w = window[i]
        if w == NO_WINDOW:
            now += fp * worth[i]
        elif np.isnan(best[w]):
            best[w] = worth[i]
            now += tp * worth[i] + fn
        elif worth[i] > best[w]:
            now += tp * (worth[i] - best[w])
            best[w] = worth[i]
        # Equal scores are detected together.
        if now > highest and (i + 1 == len(score) or score[i + 1] != score[i]):
            threshold, highest = score[i], now
    return threshold, highest
