"""A plain function as a detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from sensorkit.detect.adapters.adapter import Adapter
from sensorkit.detect.adapters.rows import History, Windows
from sensorkit.detect.adapters.scorer import RowStream, Scorer
from sensorkit.detect.base import Shared
from sensorkit.detect.parameters import whole
from sensorkit.detect.streams import Floats
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings


class FunctionDetector(Adapter):
    """See `from_function`."""

    def __init__(
        self,
        function: Callable[[Floats], Any],
        *,
        window: int | None = None,
        name: str = "mine",
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(name, profile=profile, **shared)
        if not callable(function):
            raise DetectorError(
                f"{name}: {function!r} is no function; one is wanted that takes values of shape "
                "(n, channels) and returns n scores"
            )
        self.function = function
        self.window = None if window is None else whole(name, "window", window, least=1)
        self._rows = Windows(self.window)
        self._scorer = self._new_scorer()

    def _new_scorer(self) -> Scorer:
        said = getattr(self.function, "__name__", type(self.function).__name__)
        return Scorer(self.name, self.function, f"{said}()")

    def learn(self, parts: list[Readings]) -> None:
        self.learn_usual(parts)
        rows = np.concatenate([self._rows(part.values) for part in parts])
        rows = rows[np.isfinite(rows).reshape(len(rows), -1).all(axis=1)]
        self.check_enough(
            len(rows), np.concatenate([part.values for part in parts]), parts[0].channels
        )
        self._scorer = self._new_scorer()
        if not self._scorer.try_out(rows):
            raise DetectorError(
                f"{self.name}: the function gives a reading another score when others come with "
                "it; each has to be scored by itself: use window= for the readings before it"
            )
        self._scorer.learn_typical(rows)

    def typical_score(self, track: int) -> float:
        return self._scorer.typical

    def open_stream(self, device: str) -> RowStream:
        return RowStream(History(self.usual, self._rows.depth), self._rows, self._scorer)

    def frozen(self) -> tuple[object, ...]:
        return (self, self._scorer)


def from_function(
    function: Callable[[Floats], Any],
    *,
    window: int | None = None,
    name: str = "mine",
    profile: Profile | None = None,
    **shared: Unpack[Shared],
) -> FunctionDetector:
    """Return a detector that scores by a plain function.

    Parameters
    ----------
    function : callable
        Takes values of shape (n, n_channels), in the units of the channels, and returns n
        scores, higher is worse. Each row is to be scored by itself: `fit` looks whether it is.
    window : int, optional
        The function gets the last *window* readings of each instead, the latest last: shape
        (n, window, n_channels).
    name, profile, **shared
        See `sensorkit.detect.adapters.adapter.Adapter`.

    Raises
    ------
    DetectorError
        By `fit`, if fewer than 50 readings are complete; if the function raises, or returns
        something else than n numbers.

    Notes
    -----
    The function never sees a hole: a missing or infinite value is the last one of its channel,
    or its median in the fit before there was one. A reading without any value gets the median
    score of (a hundred readings of) the fit, and so do those before the first window is full,
    and one for which the function says NaN. An infinite value scores the largest number there
    is.

    Examples
    --------
    >>> def steepness(windows):
    ...     return np.abs(windows[:, -1] - windows[:, 0]).max(axis=1)
    >>> rng = np.random.default_rng(0)
    >>> values = rng.normal(20.0, 0.1, (200, 1))
    >>> readings = Readings.build(np.arange(200) * 10**9, values, ["level"])
    >>> detector = from_function(steepness, window=3, name="steepness").fit(readings)
    >>> readings.values[100] += 5.0
    >>> detector.alerts(readings)[0].type
    'ANOMALY_STEEPNESS'
    """
    return FunctionDetector(function, window=window, name=name, profile=profile, **shared)
