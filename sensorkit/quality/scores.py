"""Data quality as numbers: the share of the values expected that came, and have no flaw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.quality.checks import DIMENSIONS
from sensorkit.quality.layout import ANY, COMPLETENESS, SUMS


@dataclass(frozen=True, eq=False)
class Scores:
    r"""How many values were expected, and how many of them have which flaw.

    With :math:`n` values expected, of which :math:`f_d` have a flaw of dimension *d* and
    :math:`f` one of any, the score of the dimension is :math:`100 (1 - f_d / n)` and the score
    :math:`100 (1 - f / n)`: never above that of any dimension, and never below 100 less what all
    dimensions lack together.

    Attributes
    ----------
    channels : tuple of str
    flawed : array of int64, shape (6, n_channels)
        A row a dimension, and one for values with any flaw.
    expected : array of int64, shape (n_channels,)
        Values that should have come, and all that did.
    lines, rejected : int
        Lines that came, and how many of them were no readings.

    Examples
    --------
    >>> flawed = np.array([[2], [1], [0], [0], [0], [3]])
    >>> scores = Scores(("T",), flawed, np.array([10]), lines=9, rejected=1)
    >>> scores.score, scores.dimensions["completeness"]
    (70.0, 80.0)
    """

    channels: tuple[str, ...]
    flawed: NDArray[np.int64]
    expected: NDArray[np.int64]
    lines: int
    rejected: int

    @classmethod
    def of(
        cls,
        channels: tuple[str, ...],
        sums: NDArray[np.int64],
        *,
        slots: int,
        lines: int,
        rejected: int,
    ) -> Self:
        """Make them of what the kernel counts: frames that never came are flawed in all values."""
        flawed = sums.copy()
        flawed[COMPLETENESS] += slots - lines
        flawed[ANY] += slots - lines
        return cls(channels, flawed, np.full(len(channels), slots), lines, rejected)

    @classmethod
    def pool(cls, parts: Iterable[Scores]) -> Self:
        """Return those of several devices or stretches together; their channels may differ."""
        parts = list(parts)
        names = tuple(dict.fromkeys(name for part in parts for name in part.channels))
        flawed = np.zeros((SUMS, len(names)), dtype=np.int64)
        expected = np.zeros(len(names), dtype=np.int64)
        for part in parts:
            at = [names.index(name) for name in part.channels]
            flawed[:, at] += part.flawed
            expected[at] += part.expected
        lines, rejected = sum(p.lines for p in parts), sum(p.rejected for p in parts)
        return cls(names, flawed, expected, lines, rejected)

    @property
    def score(self) -> float:
        """Return the score, 0 to 100; NaN where nothing was expected."""
        return share(int(self.flawed[ANY].sum()), int(self.expected.sum()))

    @property
    def dimensions(self) -> dict[str, float]:
        """Return the score of each dimension."""
        n = int(self.expected.sum())
        return {
            name: share(flaws, n)
            for name, flaws in zip(DIMENSIONS, self.flawed.sum(axis=1).tolist(), strict=False)
        }

    @property
    def by_channel(self) -> dict[str, float]:
        """Return the score of each channel."""
        found = zip(self.channels, self.flawed[ANY].tolist(), self.expected.tolist(), strict=True)
        return {name: share(flaws, n) for name, flaws, n in found}

    @property
    def error_rate(self) -> float:
        """Return rejected lines / lines; 0 where none came."""
        return self.rejected / self.lines if self.lines else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return a table: a row a channel and `all`; the score, then a column a dimension."""
        rows = {name: self._row(c) for c, name in enumerate(self.channels)}
        total = {"score": self.score, **self.dimensions}
        return pd.DataFrame.from_dict({**rows, "all": total}, orient="index")

    def to_dict(self) -> dict[str, Any]:
        """Return them ready for JSON; a score that there is not is None."""
        found: Mapping[str, Mapping[str, float]] = {
            name: self._row(c) for c, name in enumerate(self.channels)
        }
        return {
            "score": known(self.score),
            "dimensions": {name: known(value) for name, value in self.dimensions.items()},
            "channels": {
                name: {key: known(value) for key, value in row.items()}
                for name, row in found.items()
            },
            "lines": self.lines,
            "rejected": self.rejected,
            "error_rate": self.error_rate,
        }

    def _row(self, c: int) -> dict[str, float]:
        n = int(self.expected[c])
        scores = [share(flaws, n) for flaws in self.flawed[:, c].tolist()]
        return {"score": scores[ANY], **dict(zip(DIMENSIONS, scores[:ANY], strict=True))}


def share(flaws: int, n: int) -> float:
    """Return what is left of 100 with so many *flaws* among *n*; NaN of nothing.

    One division of integers: the same counts give the same score, to the last bit.
    """
    return 100.0 * (n - flaws) / n if n else math.nan


def known(score: float) -> float | None:
    """Return *score*, or None where it is not a number."""
    return None if math.isnan(score) else score
