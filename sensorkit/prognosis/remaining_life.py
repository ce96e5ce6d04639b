"""The detector of wear: how much life is left, reading by reading, and an alert before the end."""

# ruff: noqa: ARG002, D102 - a hook inherits its docstring, and need not look at all it is given

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self, Unpack

import numpy as np
import pandas as pd

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.parameters import positive, share, unknown, whole
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.prognosis.life import lives, typical_interval, units
from sensorkit.prognosis.life_stream import LifeStream
from sensorkit.prognosis.model import Choices, LifeModel
from sensorkit.readings import FaultLabel, Readings

ALERT = "REMAINING_LIFE_LOW"

CAP, LIMIT = 0.6, 0.25
"""Of the median life, and of the cap, where they are not given."""

GAP = 10
"""Typical intervals without a reading after which a window begins anew."""


class RemainingLife(BaseDetector):
    r"""Score a reading by how much of the life that can be predicted is used up.

    From the last value, mean, slope and spread of each channel over a window, boosted trees
    predict the seconds that are left until the failure, at most the *cap*. The score is

    .. math:: 1 - \text{predicted} / \text{cap}

    so that 0 is "as good as new, as far as one can tell" and 1 is "fails now". A reading is
    flagged when no more than *limit_s* is predicted; the threshold is fixed there, and
    `calibrate` only measures.

    Parameters
    ----------
    limit_s : float, optional
        Remaining life, in seconds, at which it warns; a quarter of the cap if not given.
    cap_s : float, optional
        More than this is not told apart: early in a life nothing shows yet how long it will be.
        0.6 of the median life that it was fitted on, if not given.
    window : int
        Readings in a window.
    conditions : int
        Operating conditions that the device goes through; with more than one, *settings* tell
        them apart and the other channels are brought to the mean and spread of their condition.
    settings : str, optional
        Channels that tell the operating condition, with commas between.
    trees, leaves : int
        Trees, and leaves of each.
    rate : float
        What each tree counts, above 0 and at most 1.
    rows : int
        Windows that are learned from at most.
    coverage : float
        Share of the readings of a new device that shall lie within the interval.
    unit : str
        What a second of the readings' time is called in alerts; `cycles` for C-MAPSS.
    seed : int
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Raises
    ------
    DetectorError
        By `fit`, if there is no life to learn from, or the settings do not fall into so many
        conditions.

    Notes
    -----
    The remaining life is capped and linear, as is usual on C-MAPSS since [1]_: what is predicted
    is :math:`\min(\text{left}, \text{cap})`. The interval is conformal, from engines that the model
    has not seen (`sensorkit.prognosis.interval.Interval`); with too few of them it is as wide as
    it can be, 0 to cap.

    Each device has its own window. It begins anew after a gap of more than ten of the typical
    intervals of the fit, as a device that was repaired was silent. The age of a device is no
    feature: who begins to watch one does not know it.

    References
    ----------
    .. [1] F. O. Heimes, "Recurrent neural networks for remaining useful life estimation", PHM
       2008, doi:10.1109/PHM.2008.4711422.

    Examples
    --------
    Twelve pumps whose vibration rises before they fail, 60 readings each:

    >>> rng = np.random.default_rng(0)
    >>> wear = np.exp((np.arange(60) - 60) / 10)[:, None]
    >>> pumps = [
    ...     Readings.build(np.arange(60) * 10**9, wear + rng.normal(0, 0.02, (60, 1)),
    ...                    ["vibration"], device=f"pump-{k}") for k in range(13)
    ... ]
    >>> life = RemainingLife(limit_s=10, cap_s=30, window=5).fit(Readings.concat(pumps[:12]))
    >>> predicted = life.predict(pumps[12])
    >>> bool(predicted[10] > 20), bool(predicted[58] < 5)
    (True, True)
    """

    name = "remaining_life"
    must_be_fitted = True
    fixed = True
    shared_defaults: ClassVar[Shared] = {"merge": 20}

    def __init__(
        self,
        *,
        limit_s: float | None = None,
        cap_s: float | None = None,
        window: int = Choices.window,
        conditions: int = 1,
        settings: str | None = None,
        trees: int = Choices.trees,
        leaves: int = Choices.leaves,
        rate: float = Choices.rate,
        rows: int = Choices.rows,
        coverage: float = Choices.coverage,
        unit: str = "s",
        seed: int = 0,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.limit_s = limit_s if limit_s is None else positive(self.name, "limit_s", limit_s)
        self.cap_s = cap_s if cap_s is None else positive(self.name, "cap_s", cap_s)
        self.window = whole(self.name, "window", window, least=2)
        self.conditions = whole(self.name, "conditions", conditions, least=1)
        self._settings = tuple(
            one for one in (s.strip() for s in str(settings or "").split(",")) if one
        )
        self.settings = ",".join(self._settings) or None
        self.trees = whole(self.name, "trees", trees, least=1)
        self.leaves = whole(self.name, "leaves", leaves, least=2)
        self.rate = share(self.name, "rate", rate)
        self.rows = whole(self.name, "rows", rows, least=100)
        self.coverage = share(self.name, "coverage", coverage)
        self.unit = str(unit)
        self.seed = whole(self.name, "seed", seed, least=0)
        for name in ("rate", "coverage"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise DetectorError(
                    f"{self.name}: {name} is {getattr(self, name):g}; above 0 and at most 1 is "
                    "wanted"
                )
        if (self.conditions > 1) != bool(self._settings):
            raise DetectorError(
                f"{self.name}: conditions is {self.conditions} and settings {self.settings!r}; "
                "several conditions need the channels that tell them apart, and one needs none"
            )
        if None not in (self.limit_s, self.cap_s) and self.limit_s >= self.cap_s:  # type: ignore[operator]
            raise DetectorError(
                f"{self.name}: limit_s is {self.limit_s:g} and cap_s {self.cap_s:g}; more than the "
                "cap is never predicted, so every reading would be flagged: take a smaller limit"
            )
        self._model: LifeModel | None = None
        self._limit, self._period = math.nan, math.nan
        self._labels: pd.DataFrame | list[FaultLabel] | None = None

    # Learning

    def fit(
        self,
        readings: Readings | pd.DataFrame,
        labels: pd.DataFrame | Iterable[FaultLabel] | None = None,
    ) -> Self:
        """Learn from devices that run to their failure.

        Parameters
        ----------
        readings : Readings or DataFrame
        labels : DataFrame or iterable of FaultLabel, optional
            Say when each device failed, see `sensorkit.prognosis.lives`; without, each fails with
            its last reading.

        Raises
        ------
        DetectorError
            If there is no life to learn from; nothing is changed then.
        """
        self._labels = labels if labels is None or isinstance(labels, pd.DataFrame) else [*labels]
        try:
            return super().fit(readings)
        finally:
            self._labels = None

    def learn(self, parts: list[Readings]) -> None:
        found = lives(Readings.concat(parts), self._labels)
        spans = [float(life.left.max()) for life in found]
        cap = self.cap_s if self.cap_s is not None else CAP * float(np.median(spans))
        limit = self.limit_s if self.limit_s is not None else LIMIT * cap
        if limit >= cap:
            raise DetectorError(
                f"{self.name}: limit_s is {limit:g}, but the lives are so short (median "
                f"{float(np.median(spans)):g} s) that no more than {cap:g} s is predicted; take a "
                "smaller limit, or give cap_s"
            )
        choices = self._choices(parts[0].channels)
        try:
            self._model = LifeModel.fit(
                [life.readings.values for life in found],
                [life.left for life in found],
                units(found),
                cap,
                choices,
            )
        except ValueError as error:
            raise DetectorError(
                f"{self.name}: {error}; give other settings, or fewer conditions"
            ) from error
        self._limit, self._period = limit, typical_interval(found)

    def _choices(self, channels: tuple[str, ...]) -> Choices:
        for name in self._settings:
            if name not in channels:
                raise unknown("channel (settings of remaining_life)", name, channels)
        return Choices(
            window=self.window,
            trees=self.trees,
            leaves=self.leaves,
            rate=self.rate,
            rows=self.rows,
            conditions=self.conditions,
            settings=tuple(channels.index(name) for name in self._settings),
            coverage=self.coverage,
            seed=self.seed,
        )

    # Predicting

    @property
    def cap(self) -> float:
        """The most that is predicted, in seconds."""
        return self.model.cap

    @property
    def limit(self) -> float:
        """Remaining life at which it warns, in seconds."""
        self._check_fitted()
        return self._limit

    @property
    def error(self) -> float:
        """Root mean squared error on devices it had not seen, in seconds; NaN if there was one."""
        return self.model.error

    def predict(self, readings: Readings) -> Floats:
        """Return the remaining life at each reading, in seconds, and move on; instead of `score`.

        Parameters
        ----------
        readings : Readings

        Returns
        -------
        array of float, shape (n,)
            From 0 to the cap.
        """
        left: Floats = self.cap * (1.0 - self.score(readings))
        return left

    def interval(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return between what the remaining life lies, for each prediction, shape (n,) each.

        An upper end at the cap says "this long or longer".
        """
        return self.model.interval.around(np.asarray(predicted, dtype=np.float64))

    @property
    def model(self) -> LifeModel:
        """What the fit learned."""
        self._check_fitted()
        assert self._model is not None  # noqa: S101 - there is a fit
        return self._model

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def anomaly_type(self) -> str:
        return ALERT

    @property
    def threshold_from_fit(self) -> bool:
        """No: the limit is what the user says."""
        return False

    def natural_threshold(self) -> float:
        return self._score(self.limit)

    def critical_score(self) -> float:
        """Return the score of half the limit."""
        return self._score(self.limit / 2.0)

    def _score(self, left: float) -> float:
        return 1.0 - left / self.cap

    def open_stream(self, device: str) -> Stream:
        return LifeStream(self.model, GAP * self._period)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        left = self.cap * (1.0 - float(judged.scores[row, track]))
        low, high = (float(end[0]) for end in self.interval(np.array([left])))
        most = f"{high:.3g}" if high < self.cap else f"{high:.3g} or more"
        return Finding(
            f"About {left:.3g} {self.unit} of life are left ({100 * self.coverage:.0f}%: "
            f"{low:.3g} to {most}), the limit is {self.limit:.3g} {self.unit}.",
            None,
            None,
            left,
        )

    def state(self) -> Arrays:
        return {**self.model.arrays(), "times": np.array([self._limit, self._period])}

    def restore(self, arrays: Arrays) -> None:
        times = arrays.pop("times")
        if times.dtype != np.float64 or times.shape != (2,):
            raise ValueError(f"times is {times.dtype} of shape {times.shape}")
        channels = self.channels or ()
        model = LifeModel.restore(arrays, len(channels), self.window)
        super().restore(arrays)
        if not (0.0 < times[0] < model.cap and times[1] > 0.0 and math.isfinite(times[1])):
            raise ValueError("the limit or the interval of the readings is out of range")
        if len(model.conditions.middles) != self.conditions:
            raise ValueError(f"it has {len(model.conditions.middles)} conditions")
        self._model, self._limit, self._period = model, float(times[0]), float(times[1])
