"""Operating conditions: which one a reading was taken in, and the readings without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FARTHEST = 1e6
"""Standard deviations at which a value is cut off, so that no sum of squares overflows."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the healthy and the worn have in common: the mean and spread in each condition.

    Attributes
    ----------
    settings : array of int64, shape (n_settings,)
        Columns that say how the machine is run; none where it is run in one way.
    centre, spread : array of float, shape (n_settings,)
        To bring the settings to one scale.
    middles : array of float, shape (n_conditions, n_settings)
        In that scale; a reading belongs to the nearest.
    columns : array of int64, shape (n_columns,)
        The columns that are looked at: all but the settings where there are several conditions.
    mean, sigma : array of float, shape (n_conditions, n_columns)
    """

    settings: NDArray[np.int64]
    centre: Floats
    spread: Floats
    middles: Floats
    columns: NDArray[np.int64]
    mean: Floats
    sigma: Floats

    @classmethod
    def fit(
        cls, values: Floats, settings: NDArray[np.int64], conditions: int, *, seed: int
    ) -> Self:
        """Find the conditions in the settings by k-means, and what the rest is like in each.

        Parameters
        ----------
        values : array of float, shape (n, n_channels)
            NaN where there is none. Of the fit only: nothing of a test may come in.
        settings : array of int64, shape (n_settings,)
        conditions : int
            1 takes the readings as they are, and the settings as channels among others.
        seed : int
        """
        values = np.where(np.isfinite(values), values, np.nan)
        every = np.arange(values.shape[1], dtype=np.int64)
        if conditions == 1:
            none = np.empty(0, dtype=np.int64)
            nothing = np.empty(0)
            mean, sigma = _level(values)
            return cls(none, nothing, nothing, np.empty((1, 0)), every, mean[None], sigma[None])
        centre, spread = _level(values[:, settings])
        scaled = _scaled(values[:, settings], centre, spread)
        middles = _middles(scaled[~np.isnan(scaled).any(axis=1)], conditions, seed)
        columns = np.setdiff1d(every, settings)
        found = cls(settings, centre, spread, middles, columns, np.empty(0), np.empty(0))
        at = found.of(values, 0)
        levels = [_level(values[at == k][:, columns]) for k in range(len(middles))]
        mean = np.array([one for one, _ in levels])
        sigma = np.array([one for _, one in levels])
        return cls(settings, centre, spread, middles, columns, mean, sigma)

    def of(self, values: Floats, before: int) -> NDArray[np.intp]:
        """Return the condition of each reading; where a setting is missing, that of the last one.

        Parameters
        ----------
        values : array of float, shape (n, n_channels)
        before : int
            Condition of the reading before the first.
        """
        if len(self.middles) == 1:
            return np.zeros(len(values), dtype=np.intp)
        scaled = _scaled(values[:, self.settings], self.centre, self.spread)
        away = np.square(scaled[:, None, :] - self.middles[None]).sum(axis=2)
        known = ~np.isnan(away[:, 0])
        nearest = np.where(known, np.argmin(np.where(known[:, None], away, 0.0), axis=1), before)
        last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
        return np.where(last >= 0, nearest[last], before)

    def without(self, values: Floats, at: NDArray[np.intp]) -> Floats:
        """Return the looked-at channels in standard deviations from the mean of their condition.

        Parameters
        ----------
        values : array of float, shape (n, n_channels)
        at : array of int, shape (n,)
            As `of` returns it.

        Returns
        -------
        array of float, shape (n, n_columns)
            NaN where a value is missing or infinite.
        """
        return _scaled(values[:, self.columns], self.mean[at], self.sigma[at])

    def check(self, channels: int) -> None:
        """Raise ValueError if this cannot be what `fit` returns for so many channels."""
        k, s, c = len(self.middles), len(self.settings), len(self.columns)
        shapes = {
            "middles": (k, s), "centre": (s,), "spread": (s,), "mean": (k, c), "sigma": (k, c),
        }  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} has shape {array.shape}, {shape} is wanted, all finite")
        for name in ("settings", "columns"):
            array = getattr(self, name)
            if len(np.unique(array)) < len(array) or ((array < 0) | (array >= channels)).any():
                raise ValueError(f"{name} names a channel twice, or one that is not there")
        if not k or not c or (self.sigma <= 0).any() or (self.spread <= 0).any():
            raise ValueError("there is no condition, no channel, or a spread that is not above 0")


def _level(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column; 1 for what does not vary."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    # Brought near 1 first: the squares of values of 1e300 are none.
    size = np.maximum(np.abs(np.where(known, values, 0.0)).max(axis=0, initial=0.0), 1e-300)
    small = np.where(known, values / size, 0.0)
    mean = small.sum(axis=0) / count
    off = np.where(known, small - mean, 0.0)
    sigma = np.sqrt(np.square(off).sum(axis=0) / count)
    return mean * size, np.where(sigma > 1e-12, sigma * size, 1.0)


def _scaled(values: Floats, centre: Floats, spread: Floats) -> Floats:
    known = np.where(np.isfinite(values), values, np.nan)
    with np.errstate(over="ignore"):
        scaled: Floats = np.clip((known - centre) / spread, -FARTHEST, FARTHEST)
    return scaled


def _middles(scaled: Floats, conditions: int, seed: int) -> Floats:
    different = len(np.unique(scaled, axis=0))
    if different < conditions:
        raise ValueError(
            f"the settings take {different} different values, which are not {conditions} conditions"
        )
    from sklearn.cluster import KMeans  # it takes more than a second

    model = KMeans(conditions, n_init=10, random_state=seed).fit(scaled)
    middles: Floats = np.asarray(model.cluster_centers_, dtype=np.float64)
    return middles[np.lexsort(middles.T[::-1])]
