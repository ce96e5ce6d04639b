"""scikit-learn's and PyOD's models as detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from sensorkit.detect.adapters.adapter import Adapter, called, comes_from, last_step
from sensorkit.detect.adapters.rows import Embedding, History
from sensorkit.detect.adapters.scorer import RowStream, Scorer
from sensorkit.detect.base import Shared
from sensorkit.detect.parameters import whole
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings


class ModelDetector(Adapter):
    """Score a reading by a model that is fitted once.

    Parameters
    ----------
    model : object
        With `fit` and a method that scores rows. It is cloned by each fit, and never changed; a
        `random_state` left at None is 0 in the clone, so that a fit can be repeated.
    features : str
        `values`, `differences` from the reading before, or `both`. Each is centred on its median
        and divided by its robust standard deviation in the fit.
    window : int
        How many readings the model sees side by side, the latest included. In single values
        nothing shows of a fault that lies in their sequence.
    name : str, optional
        See `Adapter`; without it, that of the model's class in small letters.
    profile : Profile, optional
    **shared
        See `sensorkit.detect.options.Options`.

    Raises
    ------
    DetectorError
        If the model cannot score readings it was not fitted on; by `fit`, if fewer than 50
        readings are complete, or whatever the model raises.

    Notes
    -----
    The model is fitted on complete rows. Afterwards a missing value is taken as the last one of
    its channel. A reading without any value gets the median score of (a hundred readings of) the
    fit, which speaks neither for nor against, and so do those before the first window is full.
    An infinite value scores the largest number there is.

    Some models compare the readings of a call with each other (PyOD's ECOD and COPOD pool them
    with those of the fit), so that a score depends on what comes along, and later. The fit looks
    whether eight of its rows score together what they score alone, to 1e-12; where they do not,
    each reading is scored in a call of its own, which is slower by far.

    The threshold before calibration is the 0.999 quantile of the fit scores. Models that
    remember the fit readings (nearest neighbours) find each of them close to itself: calibrate
    on others.
    """

    def __init__(
        self,
        model: Any,
        *,
        features: str = "values",
        window: int = 1,
        name: str | None = None,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(called(name, model), profile=profile, **shared)
        self.model = model
        self.features = features
        self.window = whole(self.name, "window", window, least=1)
        self._rows = Embedding(features, self.window)
        self._scorer = Scorer(self.name, *self.scores_of(model))

    def scores_of(self, model: Any) -> tuple[Callable[[Any], Any], str, float]:
        """Return the method of *model* that scores, what to call it, and its sign.

        Raises
        ------
        DetectorError
            If there is none.
        """
        raise NotImplementedError

    def learn(self, parts: list[Readings]) -> None:
        from sklearn.base import clone  # not at the top: it takes a second

        self.learn_usual(parts)
        self._rows = Embedding(self.features, self.window)
        rows = self._rows.learn([part.values for part in parts])
        self.check_enough(
            len(rows), np.concatenate([part.values for part in parts]), parts[0].channels
        )
        model = seeded(clone(self.model, safe=False))
        try:
            model.fit(rows)
        except Exception as error:  # of somebody else's code: it may be any
            raise DetectorError(
                f"{self.name}: {type(model).__name__}.fit raised {type(error).__name__} on "
                f"{rows.shape[0]} rows of {rows.shape[1]} features: {error}"
            ) from error
        self._scorer = Scorer(self.name, *self.scores_of(model))
        self._scorer.alone = not self._scorer.try_out(rows)
        self._scorer.learn_typical(rows)

    def typical_score(self, track: int) -> float:
        return self._scorer.typical

    def open_stream(self, device: str) -> RowStream:
        return RowStream(History(self.usual, self._rows.depth), self._rows, self._scorer)

    def frozen(self) -> tuple[object, ...]:
        return (self, self._rows, self._scorer)


class SklearnDetector(ModelDetector):
    """See `from_sklearn`."""

    def scores_of(self, model: Any) -> tuple[Callable[[Any], Any], str, float]:
        from sklearn.base import is_outlier_detector

        kind = type(last_step(model)).__name__
        if comes_from(last_step(model), "pyod"):
            raise DetectorError(f"{kind} is a PyOD model; use detect.from_pyod")
        for method in ("score_samples", "decision_function"):
            scores = getattr(model, method, None)
            if scores is not None and (method == "score_samples" or is_outlier_detector(model)):
                return scores, f"{kind}.{method}", -1.0
        if hasattr(last_step(model), "novelty"):
            raise DetectorError(
                f"{kind} with novelty=False only judges the readings it is fitted on; give it "
                "novelty=True"
            )
        raise DetectorError(
            f"a {kind} came; a scikit-learn estimator is wanted that scores new readings "
            "(score_samples, or an outlier detector's decision_function): IsolationForest(), "
            "LocalOutlierFactor(novelty=True), OneClassSVM(), a Pipeline that ends in one"
        )


class PyodDetector(ModelDetector):
    """See `from_pyod`."""

    def scores_of(self, model: Any) -> tuple[Callable[[Any], Any], str, float]:
        kind = type(last_step(model)).__name__
        scores = getattr(model, "decision_function", None)
        if scores is None or not hasattr(model, "fit"):
            raise DetectorError(
                f"a {kind} came; a PyOD model is wanted, with fit and decision_function: "
                "pyod.models.knn.KNN(). PyOD comes with: pip install 'sensorkit[models]'"
            )
        if comes_from(last_step(model), "sklearn") and not comes_from(last_step(model), "pyod"):
            raise DetectorError(
                f"{kind} is of scikit-learn, whose scores are the lower the worse; use "
                "detect.from_sklearn"
            )
        return scores, f"{kind}.decision_function", 1.0


def from_sklearn(
    model: Any,
    *,
    features: str = "values",
    window: int = 1,
    name: str | None = None,
    profile: Profile | None = None,
    **shared: Unpack[Shared],
) -> SklearnDetector:
    """Return a detector that scores by a scikit-learn estimator.

    Parameters
    ----------
    model : estimator
        An outlier detector (`IsolationForest`, `LocalOutlierFactor(novelty=True)`,
        `OneClassSVM`, `EllipticEnvelope`), a density (`KernelDensity`, `GaussianMixture`), or a
        `Pipeline` that ends in one. The score is -`score_samples`, or -`decision_function` where
        that is all there is.
    features, window, name, profile, **shared
        See `ModelDetector`, which says as well what happens to missing values.

    Raises
    ------
    DetectorError
        If the estimator cannot score readings it was not fitted on.

    Examples
    --------
    >>> from sklearn.svm import OneClassSVM
    >>> from_sklearn(OneClassSVM(), window=3)
    SklearnDetector(model=OneClassSVM(), features='values', window=3, name='one_class_svm')
    """
    return SklearnDetector(
        model, features=features, window=window, name=name, profile=profile, **shared
    )


def from_pyod(
    model: Any,
    *,
    features: str = "values",
    window: int = 1,
    name: str | None = None,
    profile: Profile | None = None,
    **shared: Unpack[Shared],
) -> PyodDetector:
    """Return a detector that scores by a PyOD model: its `decision_function`.

    Parameters
    ----------
    model : PyOD model
        Its `contamination` has no say: it moves PyOD's own threshold only.
    features, window, name, profile, **shared
        See `ModelDetector`, which says as well what happens to missing values and to models
        that compare the readings of a call.

    Raises
    ------
    DetectorError
        If it is no such model; by `fit`, if it only tells the outliers among the readings of a
        call.
    """
    return PyodDetector(
        model, features=features, window=window, name=name, profile=profile, **shared
    )


def seeded(model: Any) -> Any:
    """Return *model* with 0 where a `random_state` was left at None."""
    params = model.get_params() if hasattr(model, "get_params") else {}
    unset = [n for n, v in params.items() if n.split("__")[-1] == "random_state" and v is None]
    return model.set_params(**dict.fromkeys(unset, 0)) if unset else model
