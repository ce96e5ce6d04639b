"""From windows to remaining life: conditions taken out, boosted trees, and an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sensorkit.prognosis.boosted_trees import KINDS, BoostedTrees
from sensorkit.prognosis.conditions import Conditions
from sensorkit.prognosis.interval import BINS, Interval
from sensorkit.prognosis.windows import FEATURES, WindowStream

Floats = NDArray[np.float64]

FOLDS = 5
"""Parts of the engines, each of which is predicted by a model that has seen only the others."""

SHORTEST_CUT = 2


@dataclass(frozen=True)
class Choices:
    """What is chosen before anything is learned.

    Window and leaves come from a cross-validation over engines of C-MAPSS FD001, training part only
    (`benchmarks/remaining_life.py choose`); twice the leaves gain a fiftieth and cost more to run.
    The rest was not searched.
    """

    window: int = 70
    """Readings in a window."""
    trees: int = 150
    leaves: int = 16
    rate: float = 0.05
    """What each tree counts."""
    rows: int = 10_000
    """Windows that are learned from at most, the same number of each life."""
    conditions: int = 1
    settings: tuple[int, ...] = ()
    """Columns that tell the operating condition; needed for more than one."""
    coverage: float = 0.9
    seed: int = 0


@dataclass(frozen=True, eq=False)
class LifeModel:
    """What predicts remaining life from readings of channels; learned from lives.

    Attributes
    ----------
    conditions : Conditions
    trees : BoostedTrees
        They predict the share of *cap* that is left.
    interval : Interval
    cap : float
        More remaining life than this is not told apart.
    window : int
    error : float
        Root mean squared error for engines that were held out, one counting as much as another;
        NaN where there was only one.
    """

    conditions: Conditions
    trees: BoostedTrees
    interval: Interval
    cap: float
    window: int
    error: float

    @classmethod
    def fit(
        cls,
        values: Sequence[Floats],
        left: Sequence[Floats],
        unit: Sequence[int],
        cap: float,
        choices: Choices,
    ) -> Self:
        """Learn from lives.

        Parameters
        ----------
        values : sequence of array of float, shape (n, n_channels)
            A life each.
        left : sequence of array of float, shape (n,)
            Remaining life at each reading.
        unit : sequence of int
            What lives share that are not independent: the engine. Held out together.
        cap : float
        choices : Choices

        Raises
        ------
        ValueError
            If the settings do not fall into as many conditions.
        """
        settings = np.array(choices.settings, dtype=np.int64)
        every = np.concatenate(list(values))
        conditions = Conditions.fit(every, settings, choices.conditions, seed=choices.seed)
        rng = np.random.default_rng(choices.seed)
        learned = _rows(conditions, values, left, choices, rng)
        features, target, life = learned
        target = np.minimum(target / cap, 1.0)
        units = np.asarray(unit)[life]
        model = _boosted(choices, features, target)
        trees = BoostedTrees.of(model, features)
        interval, error = Interval(cap, np.full(BINS, np.inf)), np.nan
        if len(np.unique(units)) > 1:
            held = np.clip(_held_out(choices, features, target, units), 0.0, 1.0) * cap
            interval = Interval.fit(held, target * cap, units, cap=cap, coverage=choices.coverage)
            off = np.square(held - target * cap)
            error = float(np.sqrt(np.mean([off[units == k].mean() for k in np.unique(units)])))
        return cls(conditions, trees, interval, cap, choices.window, error)

    def predict(self, features: Floats) -> Floats:
        """Return the remaining life for each window, from 0 to the cap."""
        shares: Floats = np.clip(self.trees.predict(features), 0.0, 1.0)
        return shares * self.cap

    def features(self, values: Floats) -> Floats:
        """Return the features of each reading of one life, from its first reading on."""
        stream = WindowStream(len(self.conditions.columns), self.window)
        return stream.features(_plain(self.conditions, values), np.zeros(len(values), dtype=bool))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, as arrays."""
        return {
            **{name: getattr(self.conditions, name) for name in CONDITIONS},
            **self.trees.arrays(),
            "width": self.interval.width,
            "cap": np.array([self.cap]),
            "error": np.array([self.error]),
        }

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], channels: int, window: int) -> Self:
        """Make a model of what `arrays` returned, taking it out of *arrays*.

        Raises
        ------
        ValueError
            If it cannot be that.
        """
        taken = {}
        for name, kind in {**CONDITIONS, **KINDS, **dict.fromkeys(NUMBERS, "f8")}.items():
            if name not in arrays:
                raise ValueError(f"{name} is missing")
            array = taken[name] = arrays.pop(name)
            if array.dtype != np.dtype(kind) or array.ndim != (2 if name in TABLES else 1):
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        conditions = Conditions(**{name: taken[name] for name in CONDITIONS})
        conditions.check(channels)
        trees = BoostedTrees(**{name: taken[name] for name in KINDS})
        trees.check(len(FEATURES) * len(conditions.columns))
        cap, width = taken["cap"], taken["width"]
        if cap.shape != (1,) or not 0.0 < cap[0] < np.inf:
            raise ValueError(f"cap is {cap}; one number above 0 is wanted")
        if width.shape != (BINS,) or np.isnan(width).any() or (width < 0).any():
            raise ValueError(f"width is {width}; {BINS} numbers of 0 or more are wanted")
        if taken["error"].shape != (1,):
            raise ValueError(f"error has shape {taken['error'].shape}")
        interval = Interval(float(cap[0]), width)
        return cls(conditions, trees, interval, interval.cap, window, float(taken["error"][0]))


CONDITIONS = {
    "settings": "i8",
    "centre": "f8",
    "spread": "f8",
    "middles": "f8",
    "columns": "i8",
    "mean": "f8",
    "sigma": "f8",
}
TABLES = ("middles", "mean", "sigma")
NUMBERS = ("width", "cap", "error")


def _plain(conditions: Conditions, values: Floats) -> Floats:
    return conditions.without(values, conditions.of(values, 0))


def _rows(
    conditions: Conditions,
    values: Sequence[Floats],
    left: Sequence[Floats],
    choices: Choices,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return features, remaining life and the number of the life, of windows to learn from.

    Half of them are those of a device watched from new, the other half those of one that somebody
    began to watch anywhere in its life: without these a short window would mean a new device.
    """
    most = max(choices.rows // (2 * len(values)), 2)
    parts = []
    for k, (own, remaining) in enumerate(zip(values, left, strict=True)):
        plain, n = _plain(conditions, own), len(own)
        kept = np.unique(np.linspace(0, n - 1, min(most, n)).astype(np.int64))
        lengths = rng.integers(SHORTEST_CUT, 2 * choices.window + 1, size=n)
        cut = np.zeros(n, dtype=np.bool_)
        cuts = np.cumsum(lengths)
        cut[cuts[cuts < n]] = True
        for begins in (np.zeros(n, dtype=np.bool_), cut):
            found = WindowStream(plain.shape[1], choices.window).features(plain, begins)
            parts.append((found[kept], remaining[kept], np.full(len(kept), k)))
    features, target, life = (np.concatenate(column) for column in zip(*parts, strict=True))
    return features, target, life


def _boosted(choices: Choices, features: Floats, target: Floats) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # it takes more than a second

    least = max(1, min(100, len(target) // (4 * choices.leaves)))
    return HistGradientBoostingRegressor(
        learning_rate=choices.rate,
        max_iter=choices.trees,
        max_leaf_nodes=choices.leaves,
        min_samples_leaf=least,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=choices.seed,
    ).fit(features, target)


def _held_out(
    choices: Choices, features: Floats, target: Floats, units: NDArray[np.int64]
) -> Floats:
    """Return predictions for each unit by a model that has not seen it."""
    from sklearn.model_selection import GroupKFold

    found = np.empty(len(target))
    folds = GroupKFold(min(FOLDS, len(np.unique(units))))
    for seen, unseen in folds.split(features, groups=units):
        found[unseen] = _boosted(choices, features[seen], target[seen]).predict(features[unseen])
    return found
