"""A health index: one number from 1 (as new) to 0 (worn out) for each reading of a life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import DataError
from sensorkit.prognosis.conditions import Conditions
from sensorkit.prognosis.windows import WindowStream

Floats = NDArray[np.float64]

NEW, WORN = 30, 10
"""Readings at the front of a life that are taken as new, and at its end as worn."""

STIFF = 1e-3
"""Ridge, per reading: channels that say the same share the weight."""


class Suitability(NamedTuple):
    """How well an index serves to predict a failure; each from 0 to 1, 1 is best."""

    monotonicity: float
    """It goes one way."""
    trendability: float
    """It has the same shape in all lives."""
    prognosability: float
    """It ends at the same value in all lives, measured by how far it went."""


@dataclass(frozen=True, eq=False)
class HealthIndex:
    """A weighted sum of channels, smoothed over a window, that is 1 when new and 0 when worn.

    Attributes
    ----------
    conditions : Conditions
    weight : array of float, shape (n_columns,)
    offset : float
    window : int
        Readings that are averaged, the latest included.
    """

    conditions: Conditions
    weight: Floats
    offset: float
    window: int

    @classmethod
    def fit(
        cls,
        values: Sequence[Floats],
        *,
        window: int = 20,
        conditions: int = 1,
        settings: Sequence[int] = (),
        seed: int = 0,
    ) -> Self:
        """Learn the weights that tell the first readings of lives from their last.

        Parameters
        ----------
        values : sequence of array of float, shape (n, n_channels)
            A life each, from new to its failure.
        window : int
        conditions : int
        settings : sequence of int
            Columns that tell the operating condition; needed for more than one.
        seed : int
            Of the conditions.

        Raises
        ------
        DataError
            If no life is long enough to have new and worn readings, or *window* is not above 0.
        """
        if window < 1:
            raise DataError(f"window is {window}; at least one reading is wanted")
        long = [one for one in values if len(one) >= NEW + WORN]
        if not long:
            most = max(map(len, values), default=0)
            raise DataError(
                f"the longest life has {most} readings; a health index wants {NEW + WORN}: {NEW} "
                f"as new and {WORN} as worn"
            )
        found = Conditions.fit(
            np.concatenate(long), np.array(settings, dtype=np.int64), conditions, seed=seed
        )
        plain = [_filled(found.without(one, found.of(one, 0))) for one in long]
        rows = np.concatenate([part for one in plain for part in (one[:NEW], one[-WORN:])])
        goal = np.tile(np.repeat([1.0, 0.0], [NEW, WORN]), len(plain))
        # New and worn count the same, however many readings there are of each.
        share = np.tile(np.repeat([0.5 / NEW, 0.5 / WORN], [NEW, WORN]), len(plain)) / len(plain)
        centre, middle = share @ rows, float(share @ goal)
        off = rows - centre
        square = (off * share[:, None]).T @ off + STIFF * np.eye(rows.shape[1])
        weight = np.linalg.solve(square, off.T @ (share * (goal - middle)))
        # New is 1 and worn 0 on average; the ridge alone would leave them nearer to each other.
        level = rows @ weight
        new, worn = (float(level[goal == side].mean()) for side in (1.0, 0.0))
        weight = weight / max(new - worn, np.finfo(np.float64).tiny)
        offset = -worn / max(new - worn, np.finfo(np.float64).tiny)
        return cls(found, weight, offset, window)

    def smooth(self, values: Floats) -> Floats:
        """Return the index of each reading of one life, from readings up to it: not cut off."""
        plain = self.conditions.without(values, self.conditions.of(values, 0))
        level = (_filled(plain) @ self.weight + self.offset)[:, None]
        begins = np.zeros(len(level), dtype=np.bool_)
        mean: Floats = WindowStream(1, self.window).features(level, begins)[:, 1]
        return mean

    def index(self, values: Floats) -> Floats:
        """Return the index as people read it: from 1 to 0, and never better than it was."""
        worst: Floats = np.minimum.accumulate(np.clip(self.smooth(values), 0.0, 1.0))
        return worst


def suitability(indices: Sequence[Floats]) -> Suitability:
    r"""Return how well an index serves to predict failures.

    Parameters
    ----------
    indices : sequence of array of float
        The index over each life, from new to the failure; at least three readings each.

    Raises
    ------
    DataError
        If there are fewer than two lives, or one has fewer than three readings.

    Notes
    -----
    As in [1]_, with :math:`n_+` the steps up, :math:`n_-` those down, :math:`n''_+` the second
    differences above 0 in a life of *n* readings, and *x* its first and *y* its last value:

    .. math::
        \text{monotonicity} &= \operatorname{mean} |n_+ - n_-| / (n - 1) \\
        \text{trendability} &= 1 - \operatorname{std}(n_+ / (n - 1) + n''_+ / (n - 2)) \\
        \text{prognosability} &= \exp(-\operatorname{std}(y) / \operatorname{mean} |x - y|)

    References
    ----------
    .. [1] J. Coble and J. W. Hines, "Identifying optimal prognostic parameters from data: a genetic
       algorithms approach", Annual Conference of the PHM Society, 2009.

    Examples
    --------
    Two lives that fall straight, one to 0.0 and one to 0.2:

    >>> found = suitability([np.array([1.0, 0.5, 0.0]), np.array([1.0, 0.6, 0.2])])
    >>> found.monotonicity, round(found.prognosability, 3)
    (1.0, 0.895)
    """
    short = [len(one) for one in indices if len(one) < 3]
    if len(indices) < 2 or short:
        had = f"one with {short[0]} readings" if short else f"{len(indices)} lives"
        raise DataError(f"there is {had}; two lives of at least three readings are wanted")
    one_way, shape = [], []
    for index in indices:
        steps, n = np.diff(index), len(index)
        up, down = int((steps > 0).sum()), int((steps < 0).sum())
        one_way.append(abs(up - down) / (n - 1))
        shape.append(up / (n - 1) + int((np.diff(steps) > 0).sum()) / (n - 2))
    first = np.array([index[0] for index in indices])
    last = np.array([index[-1] for index in indices])
    gone = float(np.abs(first - last).mean())
    return Suitability(
        float(np.mean(one_way)),
        1.0 - float(np.std(shape)),
        float(np.exp(-np.std(last) / gone)) if gone > 0.0 else 0.0,
    )


def _filled(plain: Floats) -> Floats:
    """Return 0, the mean, where a value is missing."""
    return np.where(np.isnan(plain), 0.0, plain)
