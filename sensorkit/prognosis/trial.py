"""C-MAPSS judged: what is predicted for the engines that are cut off, beside trivial guesses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.prognosis.fleet import Fleet
from sensorkit.prognosis.life import lives
from sensorkit.prognosis.official import SETTINGS
from sensorkit.prognosis.remaining_life import RemainingLife
from sensorkit.prognosis.scores import Estimate, over_engines, phm08, rmse

Floats = NDArray[np.float64]

CAP = 125.0
"""Cycles. A choice, the most usual one: more than this is neither learned nor predicted."""

LIMIT = 30.0
"""Cycles at which the detector of the trial warns; no figure here depends on it."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What was found on one subset.

    Attributes
    ----------
    fleet : str
    engines : DataFrame
        A row an engine of the test: `true`, and the prediction of each method; for
        `boosted_trees` also `low` and `high`.
    detector : RemainingLife
        Fitted on the training part.
    """

    fleet: str
    engines: pd.DataFrame
    detector: RemainingLife

    @property
    def methods(self) -> list[str]:
        """Return the names of the methods, the trivial ones first."""
        return [name for name in METHODS if name in self.engines]

    def estimate(self, method: str, figure: Callable[[Floats, Floats], float]) -> Estimate:
        """Return `rmse` or `phm08` of a method with its interval, against the published lives."""
        true = self.engines["true"].to_numpy(np.float64)
        return over_engines(figure, self.engines[method].to_numpy(np.float64), true)

    def table(self) -> pd.DataFrame:
        """Return the figures of all methods: RMSE and PHM08 score with 95 % intervals.

        `rmse_capped` and `score_capped` hold predictions against the true lives with the cap on
        them, as some papers do; that is easier.
        """
        rows = {}
        true = self.engines["true"].to_numpy(np.float64)
        capped = np.minimum(true, CAP)
        for name in self.methods:
            own = self.engines[name].to_numpy(np.float64)
            error, score = self.estimate(name, rmse), self.estimate(name, phm08)
            rows[name] = {
                "rmse": error.value,
                "rmse_low": error.low,
                "rmse_high": error.high,
                "score": score.value,
                "score_low": score.low,
                "score_high": score.high,
                "rmse_capped": rmse(own, capped),
                "score_capped": phm08(own, capped),
            }
        return pd.DataFrame(rows).T.rename_axis("method")

    @property
    def covered(self) -> float:
        """Return the share of engines whose capped life lies within the interval."""
        true = np.minimum(self.engines["true"].to_numpy(np.float64), CAP)
        low, high = (self.engines[name].to_numpy(np.float64) for name in ("low", "high"))
        return float(((low <= true) & (true <= high)).mean())


def trial(fleet: Fleet, *, seed: int = 0) -> Trial:
    """Learn from the training part of a fleet, and predict once for each engine of the test.

    Parameters
    ----------
    fleet : Fleet
    seed : int

    Notes
    -----
    The protocol is that of most papers: one prediction an engine, at its last cycle. Nothing is
    chosen on the test: what there is to choose was chosen by cross-validation over the engines of
    the training part of FD001 (`benchmarks/remaining_life.py --choose`), and is the same for all
    four subsets.
    """
    detector = detector_for(fleet, seed=seed).fit(fleet.readings("train"))
    test = fleet.readings("test")
    last = np.flatnonzero(np.diff(test.device.codes, append=-1) != 0)
    predicted = detector.predict(test)[last]
    detector.reset()
    low, high = detector.interval(predicted)
    age = fleet.test["cycle"].to_numpy(np.float64)[last]
    guesses = _guesses(fleet, detector, age)
    engines = pd.DataFrame(
        {
            "true": fleet.rul.to_numpy(np.float64),
            **guesses,
            "boosted_trees": predicted,
            "low": low,
            "high": high,
        },
        index=fleet.rul.index,
    )
    return Trial(fleet.name, engines, detector)


def detector_for(fleet: Fleet, *, seed: int = 0) -> RemainingLife:
    """Return the detector of the trial, not fitted: conditions are told apart where there are."""
    return RemainingLife(
        limit_s=LIMIT,
        cap_s=CAP,
        conditions=fleet.conditions,
        settings=",".join(SETTINGS) if fleet.conditions > 1 else None,
        unit="cycles",
        seed=seed,
    )


METHODS = ("constant", "median_life", "linear", "boosted_trees")
"""`constant`: the mean capped life of the training rows. `median_life`: the median life less the
age. `linear`: ridge regression on the same windows. `boosted_trees`: ours."""


def _guesses(fleet: Fleet, detector: RemainingLife, age: Floats) -> dict[str, Floats]:
    found = lives(fleet.readings("train"))
    left = np.concatenate([np.minimum(life.left, CAP) for life in found])
    median = float(np.median([len(life.left) for life in found]))
    return {
        "constant": np.full(len(age), left.mean()),
        "median_life": np.clip(median - age, 0.0, CAP),
        "linear": _linear(fleet, detector, left),
    }


def _linear(fleet: Fleet, detector: RemainingLife, left: Floats) -> Floats:
    """Return what a straight line through the features of the windows predicts."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = detector.model
    rows = [model.features(life.readings.values) for life in lives(fleet.readings("train"))]
    line = make_pipeline(StandardScaler(), Ridge(1.0)).fit(np.concatenate(rows), left)
    test = lives(fleet.readings("test"))
    at = [model.features(life.readings.values)[-1] for life in test]
    found: Floats = np.clip(line.predict(np.array(at)), 0.0, CAP)
    return found
