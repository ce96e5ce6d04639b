"""Ask a foreign model or function for scores, and see to it that they are some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sensorkit.detect.adapters.rows import Embedding, History, Windows
from sensorkit.detect.streams import LARGEST, Floats, Judged, Stream
from sensorkit.errors import DetectorError
from sensorkit.readings import Readings

# A mantissa of so many bits is what is left of a score: ten decimal digits.
BITS = 2.0**33

# Scores differ by more than this share only if the model looked at more than the row.
SAME = 1e-12

# Rows of the fit that are scored together and alone, to see whether it makes a difference.
TRIED = 8

# Rows of the fit from whose scores the typical one is learned.
SAMPLED = 100

# Rows made and scored at once.
ROWS_AT_ONCE = 8192


ALONE = (
    "A reading has to be scored when it comes: what scores has to go by what it was fitted on, not "
    "by the other readings of a call"
)


class Scorer:
    """A foreign model or function, which has to score each row by itself.

    Parameters
    ----------
    owner : str
        Name of the detector, for errors.
    call : callable
        Takes rows, shape (n, ...), and returns n scores.
    said : str
        What is called, for errors.
    sign : float
        -1 where lower is worse.

    Notes
    -----
    Scores are rounded to 33 bits (ten digits): a matrix product gives other last digits for one
    row than for a thousand, and a threshold set on the one has to hold for the other.
    """

    def __init__(
        self, owner: str, call: Callable[[Floats], Any], said: str, sign: float = 1.0
    ) -> None:
        self._owner = owner
        self._call = call
        self._said = said
        self._sign = sign
        self.alone = False
        """Each row is scored in a call of its own."""
        self.typical = 0.0
        """Median score of the fit, which stands for those that there are not."""

    def score(self, rows: Floats) -> Floats:
        """Return a score per row, higher is worse; `typical` where the model says NaN."""
        scores = self._one_by_one(rows) if self.alone else self._together(rows)
        scores[np.isnan(scores)] = self.typical
        return rounded(scores)

    def try_out(self, rows: Floats) -> bool:
        """Look whether rows of the fit, shape (n, ...), are scored alone as they are together.

        Raises
        ------
        DetectorError
            If a score is NaN, or rows scored alone are all the same.
        """
        distinct = np.unique(rows, axis=0)
        tried = distinct[np.linspace(0, len(distinct) - 1, TRIED).astype(int)]
        try:
            together, alone = self._together(tried), self._one_by_one(tried)
        except DetectorError as error:
            raise DetectorError(f"{error}. {ALONE}") from error
        if np.isnan(together).any():
            raise DetectorError(
                f"{self._owner}: {self._said} gave NaN for {int(np.isnan(together).sum())} of "
                f"{len(tried)} complete readings of the fit; a number is wanted for each"
            )
        same = np.allclose(together, alone, rtol=SAME, atol=SAME * np.abs(together).max())
        if not same and (not np.isfinite(alone).all() or np.ptp(alone) == 0.0):
            raise DetectorError(
                f"{self._owner}: {self._said} compares readings with others in the same call, and "
                f"says {alone[0]:g} for each alone. {ALONE}"
            )
        return same

    def learn_typical(self, rows: Floats) -> None:
        """Take the median score of a hundred of *rows* of the fit, shape (n, ...), as typical."""
        sample = rows[np.linspace(0, len(rows) - 1, SAMPLED).astype(int)]
        self.typical = float(np.median(self.score(sample)))

    def _one_by_one(self, rows: Floats) -> Floats:
        return np.concatenate(
            [np.empty(0), *(self._together(rows[i : i + 1]) for i in range(len(rows)))]
        )

    def _together(self, rows: Floats) -> Floats:
        if not len(rows):
            return np.empty(0)
        try:
            with np.errstate(all="ignore"):
                scores = np.array(self._call(rows), dtype=np.float64)
        except Exception as error:  # of somebody else's code: it may be any
            raise DetectorError(
                f"{self._owner}: {self._said} of readings of shape {rows.shape} raised "
                f"{type(error).__name__}: {error}"
            ) from error
        if scores.shape not in ((len(rows),), (len(rows), 1)):
            raise DetectorError(
                f"{self._owner}: {self._said} gave scores of shape {scores.shape} for readings of "
                f"shape {rows.shape}; one number is wanted for each: shape ({len(rows)},)"
            )
        return self._sign * scores.ravel()


def rounded(scores: Floats) -> Floats:
    """Return scores with ten significant digits.

    >>> rounded(np.array([0.1 + 0.2, 0.3, -np.inf])).tolist()
    [0.29999999998835847, 0.29999999998835847, -inf]
    """
    mantissa, exponent = np.frexp(scores)
    with np.errstate(over="ignore"):
        nearest: Floats = np.ldexp(np.rint(mantissa * BITS) / BITS, exponent)
    return nearest


class RowStream(Stream):
    """The readings of one device as rows, scored by what the fit left behind.

    Parameters
    ----------
    history : History
    rows : Windows or Embedding
    scorer : Scorer
    """

    def __init__(self, history: History, rows: Windows | Embedding, scorer: Scorer) -> None:
        self._history = history
        self._rows = rows
        self._scorer = scorer

    def judge(self, readings: Readings) -> Judged:
        scores = np.full((len(readings), 1), self._scorer.typical)
        for start in range(0, len(readings), ROWS_AT_ONCE):
            block = readings.values[start : start + ROWS_AT_ONCE]
            rows = self._rows(self._history.take(block))
            stop = start + len(block)
            scores[stop - len(rows) : stop, 0] = self._scorer.score(rows)
        scores[np.isnan(readings.values).all(axis=1)] = self._scorer.typical
        scores[np.isinf(readings.values).any(axis=1)] = LARGEST
        return Judged(scores)
