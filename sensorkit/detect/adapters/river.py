"""River's anomaly models as detectors: they learn with every reading."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from sensorkit.detect.adapters.adapter import Adapter, called, last_step
from sensorkit.detect.base import Shared
from sensorkit.detect.streams import LARGEST, Floats, Judged, Stream, Track
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

# River computes in plain Python, where the square of 1e200 raises.
LARGEST_VALUE = 1e30

Values = dict[str, float]


class Model:
    """One model, and the channel it judges if it judges one.

    Parameters
    ----------
    owner : str
        Name of the detector, for errors.
    model : object
        With `score_one` and `learn_one`.
    target : str, optional
        Channel that is `y`; the others are `x`.
    """

    def __init__(self, owner: str, model: Any, target: str | None) -> None:
        self._owner = owner
        self._model = model
        self._target = target

    def score(self, values: Values) -> float:
        """Return the score, as the model gives it."""
        return float(self._ask("score_one", values))

    def learn(self, values: Values) -> None:
        """Learn a reading."""
        self._ask("learn_one", values)

    def _ask(self, method: str, values: Values) -> Any:
        call = getattr(self._model, method)
        try:
            if self._target is None:
                return call(values)
            y = values[self._target]
            x = {channel: value for channel, value in values.items() if channel != self._target}
            return call(x, y)
        except Exception as error:  # of somebody else's code: it may be any
            raise DetectorError(
                f"{self._owner}: {type(last_step(self._model)).__name__}.{method} raised "
                f"{type(error).__name__}: {error}"
            ) from error


class RiverDetector(Adapter):
    """See `from_river`."""

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(called(name, model), profile=profile, **shared)
        if not (hasattr(last_step(model), "score_one") and hasattr(model, "learn_one")):
            raise DetectorError(
                f"a {type(model).__name__} came; a River anomaly model is wanted, with score_one "
                "and learn_one: river.anomaly.HalfSpaceTrees(). River comes with: "
                "pip install 'sensorkit[models]'"
            )
        if judges_a_target(model) and last_step(model) is not model:
            raise DetectorError(
                f"{type(last_step(model)).__name__} judges a target, which River's pipelines do "
                "not hand on to score_one; give the model without a pipeline"
            )
        self.model = model
        self._models: list[Model] = []
        self._typical: list[float] = []

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        watched = channels if judges_a_target(self.model) else (None,)
        return [Track(self.anomaly_type(), channel) for channel in watched]

    def learn(self, parts: list[Readings]) -> None:
        self.learn_usual(parts)
        self._models = [
            Model(self.name, copy.deepcopy(self.model), track.channel) for track in self._tracks
        ]
        usual = dict(zip(parts[0].channels, self.usual.tolist(), strict=True))
        for part in parts:
            complete = part.values[np.isfinite(part.values).all(axis=1)]
            for row in np.clip(complete, -LARGEST_VALUE, LARGEST_VALUE).tolist():
                values = dict(zip(part.channels, row, strict=True))
                for model in self._models:
                    model.learn(values)
        # On a copy: some learn while they score.
        scores = [copy.deepcopy(model).score(usual) for model in self._models]
        self._typical = [0.0 if math.isnan(score) else score for score in scores]

    def typical_score(self, track: int) -> float:
        return self._typical[track]

    def open_stream(self, device: str) -> RiverStream:
        targets = [track.channel for track in self._tracks]
        return RiverStream(copy.deepcopy(self._models), targets, self.usual, self._typical)


class RiverStream(Stream):
    """The models of one device.

    Parameters
    ----------
    models : list of Model
    targets : list of str or None
        Channel of each, None for all.
    usual : array of float, shape (n_channels,)
        Stands for what is missing.
    typical : list of float
        Stands for a score that is NaN.
    """

    def __init__(
        self,
        models: list[Model],
        targets: Sequence[str | None],
        usual: Floats,
        typical: Sequence[float],
    ) -> None:
        self._models = models
        self._targets = targets
        self._usual = usual.tolist()
        self._typical = typical

    def judge(self, readings: Readings) -> Judged:
        scores = np.empty((len(readings), len(self._models)), order="F")
        for row, values in enumerate(readings.values.tolist()):
            scores[row] = self._judge(values)
        return Judged(scores)

    def judge_one(self, time_ns: int, values: Floats) -> float:
        return max(self._judge(values.tolist()))

    def _judge(self, values: list[float]) -> list[float]:
        complete = all(map(math.isfinite, values))
        seen: Values = {}
        for channel, value, usual in zip(self.channels, values, self._usual, strict=True):
            known = value if math.isfinite(value) else usual
            seen[channel] = min(max(known, -LARGEST_VALUE), LARGEST_VALUE)
        scores = [model.score(seen) for model in self._models]
        for track, score in enumerate(scores):
            if math.isnan(score):
                scores[track] = self._typical[track]
        if not complete:
            return [
                LARGEST if self._infinite(values, target) else score
                for score, target in zip(scores, self._targets, strict=True)
            ]
        if self.learning:
            for model in self._models:
                model.learn(seen)
        return scores

    def _infinite(self, values: list[float], target: str | None) -> bool:
        looked_at = values if target is None else [values[self.channels.index(target)]]
        return any(map(math.isinf, looked_at))


def judges_a_target(model: Any) -> bool:
    """Return whether *model* judges one value `y`, given others `x`."""
    model = last_step(model)
    while hasattr(model, "anomaly_detector"):  # a filter around one
        model = last_step(model.anomaly_detector)
    return "y" in inspect.signature(model.score_one).parameters


def from_river(
    model: Any,
    *,
    name: str | None = None,
    profile: Profile | None = None,
    **shared: Unpack[Shared],
) -> RiverDetector:
    """Return a detector that scores by a River anomaly model, reading by reading.

    Parameters
    ----------
    model : River model
        With `score_one` and `learn_one`, or a pipeline that ends in one; it gets
        `{channel: value}`. It is copied, with what it has learned, and never changed. Where it
        takes a `seed`, give it one: without, each fit is another. One that judges a target
        (`GaussianScorer`, `PredictiveAnomalyDetection`) is copied for each channel: `y` is the
        channel, `x` the others, and each channel has its own episodes.
    name, profile, **shared
        See `sensorkit.detect.adapters.adapter.Adapter`. With `hold`, the model does not learn
        while in alarm; see the notes for what that costs.

    Raises
    ------
    DetectorError
        If it is no such model; by `fit`, if fewer than 50 readings are complete; whatever the
        model raises.

    Notes
    -----
    `fit` lets the model learn the complete readings of each device after the other. In the
    stream, each device has its own copy of what the fit left. A reading is scored, then learned.
    A missing value is taken as the channel's median in the fit; an infinite one scores the
    largest number there is; a reading with either is not learned. A value beyond 1e30 is taken
    as that. `QuantileFilter` and `ThresholdFilter` decide what their model learns; whether it is
    an alarm decides the threshold of this detector.

    `PredictiveAnomalyDetection` learns how large errors are while it scores, and so even under
    `hold`.

    `hold` is for recordings, and not for live use: so that it can be taken back, the model is
    copied at the beginning of each batch, and so at each reading where they are given one at a
    time (`score_one`, `watch`). A copy of `HalfSpaceTrees` takes 57 ms.
    """
    return RiverDetector(model, name=name, profile=profile, **shared)
