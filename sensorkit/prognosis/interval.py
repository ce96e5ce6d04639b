"""How far a prediction may be off: an interval from engines that the model has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 5
"""Parts of the range of predictions with a width each: near the failure predictions are closer."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Half the width of the interval around a prediction, by how large the prediction is.

    Attributes
    ----------
    cap : float
        The most that is predicted.
    width : array of float, shape (BINS,)
        For predictions in equal parts of 0 to *cap*; infinite where too few engines say anything.
    """

    cap: float
    width: Floats

    @classmethod
    def fit(
        cls,
        predicted: Floats,
        true: Floats,
        unit: NDArray[np.int64],
        *,
        cap: float,
        coverage: float,
    ) -> Self:
        """Learn the widths from predictions for engines that were held out.

        Parameters
        ----------
        predicted, true : array of float, shape (n,)
            Remaining life, capped.
        unit : array of int, shape (n,)
            The engine of each: one counts as much as another, however many readings it has.
        cap : float
        coverage : float
            Share of the readings of a new engine that shall lie within.

        Notes
        -----
        Conformal prediction in groups by the size of the prediction [1]_, with the engines as the
        units that can be exchanged and their errors pooled with equal weight [2]_. The quantile is
        taken at (n + 1) / n of *coverage* for n engines: with fewer than coverage / (1 - coverage)
        of them (9 for 90 %) no finite width is honest, and it is infinite.

        References
        ----------
        .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World",
           Springer, 2005, section 4.5 (Mondrian confidence machines).
        .. [2] R. Dunn, L. Wasserman and A. Ramdas, "Distribution-free prediction sets for
           two-layer hierarchical models", JASA 118, 2023, doi:10.1080/01621459.2022.2060112.
        """
        off = np.abs(predicted - true)
        part = _part(predicted, cap)
        width = np.full(BINS, np.inf)
        for k in range(BINS):
            rows = np.flatnonzero(part == k)
            engines, at, count = np.unique(unit[rows], return_inverse=True, return_counts=True)
            level = coverage * (1.0 + 1.0 / max(len(engines), 1))
            if level <= 1.0:
                width[k] = _weighted_quantile(off[rows], 1.0 / count[at], level)
        return cls(cap, width)

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper end for each prediction, within 0 and the cap.

        An upper end at the cap says "this long or longer".
        """
        width = self.width[_part(predicted, self.cap)]
        return np.clip(predicted - width, 0.0, self.cap), np.clip(predicted + width, 0.0, self.cap)


def _part(predicted: Floats, cap: float) -> NDArray[np.intp]:
    return np.clip(np.asarray(predicted) / cap * BINS, 0, BINS - 1).astype(np.intp)


def _weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    k = int(np.searchsorted(reached, level * reached[-1] * (1.0 - 1e-12)))
    return float(values[order][min(k, len(order) - 1)])
