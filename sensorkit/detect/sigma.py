"""Rolling mean plus or minus k sigma, per channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.changes import smallest_step
from sensorkit.detect.parameters import positive, whole
from sensorkit.detect.rolling import departures, last_values
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.wording import times
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings


class Sigma(BaseDetector):
    r"""Score a reading by its distance from the mean of the readings before it, in sigmas.

    For each channel, with the mean :math:`m` and the standard deviation :math:`s` of the last
    *window* values before the reading (itself excluded, so that it cannot hide itself),

    .. math:: z = |x - m| / \max(s, f)

    and the score is the largest :math:`z` of all channels. Each channel has its own episodes.

    Parameters
    ----------
    window : int
        How many previous values of the channel count; missing ones take no place in it.
    k : float
        Threshold in sigmas until `calibrate` sets another.
    minimum : int
        With fewer previous values than this, a reading scores 0.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Notes
    -----
    The chart is Shewhart's [1]_ with limits that move along. We depart in one point: the floor
    :math:`f` is half the smallest step between two values of the channel in the fit data (0
    before a fit). A quantized signal that hovers between two neighbouring values has at most
    that standard deviation; without the floor, a sensor that happened to say the same for a
    whole window would raise an alarm at its next smallest step.

    Where :math:`\max(s, f) = 0`, a reading equal to the constant scores 0 and any other is
    infinitely far. An infinite value is infinitely far as well, and is not learned; a missing
    one scores 0. The standard deviation is that of the window itself (divided by n). Gaps in
    time do not empty the window. A lasting fault becomes the new normal after one window.

    Severity is CRITICAL from twice the threshold on.

    References
    ----------
    .. [1] W. A. Shewhart, "Economic Control of Quality of Manufactured Product",
       Van Nostrand, 1931.

    Examples
    --------
    >>> values = np.array([[1.0], [3.0]] * 10 + [[12.0]])
    >>> readings = Readings.build(np.arange(21) * 10**9, values, ["level"])
    >>> Sigma().score(readings)[-1]
    np.float64(10.0)
    >>> print(Sigma().alerts(readings)[0].description)
    Level 12 is 10.0 sigma above its rolling mean of 2.
    """

    name = "sigma"

    def __init__(
        self,
        *,
        window: int = 50,
        k: float = 3.0,
        minimum: int = 10,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.window = whole(self.name, "window", window, least=2)
        self.k = positive(self.name, "k", k)
        self.minimum = whole(self.name, "minimum", minimum, least=2)
        if self.minimum > self.window:
            raise DetectorError(
                f"sigma: minimum ({self.minimum}) is more than the window of {self.window} holds; "
                "make it smaller or the window larger"
            )
        self.floor: Floats | None = None
        """Smallest standard deviation believed, per channel, in its unit; None before a fit."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def learn(self, parts: list[Readings]) -> None:
        values = np.concatenate([part.values for part in parts])
        self.floor = np.array([smallest_step(column) / 2.0 for column in values.T])

    def natural_threshold(self) -> float:
        return self.k

    def open_stream(self, device: str) -> SigmaStream:
        floor = np.zeros(len(self._tracks)) if self.floor is None else self.floor
        return SigmaStream(self.window, self.minimum, floor)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel = part.channels[track]
        value = float(part.values[row, track])
        mean, spread = judged.facts["mean"][row, track], judged.facts["spread"][row, track]
        score = float(judged.scores[row, track])
        side = "above" if value > mean else "below"
        if not np.isfinite(value):
            away = f"infinitely far {side} its rolling mean"
        elif spread > 0:
            away = f"{times(score)} sigma {side} its rolling mean of"
            away += f" {self.words.value(channel, mean)}"
        else:
            away = f"{side} the constant {self.words.value(channel, mean)}"
        text = self.words.value(channel, value, away_from=float(mean))
        return Finding(
            f"{self.words.title(channel)} {text} is {away}.",
            None,
            channel,
            value,
        )

    def state(self) -> Arrays:
        return {} if self.floor is None else {"floor": self.floor}

    def restore(self, arrays: Arrays) -> None:
        floor = arrays.pop("floor", None)
        super().restore(arrays)
        if floor is None:
            return
        if floor.dtype != np.float64 or floor.shape != (len(self._tracks),):
            raise ValueError(f"floor is {floor.dtype} of shape {floor.shape}")
        if not (np.isfinite(floor) & (floor >= 0)).all():
            raise ValueError("floor is not finite and >= 0")
        self.floor = floor


class SigmaStream(Stream):
    """The last values of each channel of one device."""

    def __init__(self, window: int, minimum: int, floor: Floats) -> None:
        self._window = window
        self._minimum = minimum
        self._floor = floor
        self._history = [np.empty(0) for _ in floor]

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn. Facts: `mean` and `spread` (floored), each (n, n_channels)."""
        shape = readings.values.shape
        scores = np.zeros(shape, order="F")
        means, spreads = np.full(shape, np.nan, order="F"), np.full(shape, np.nan, order="F")
        for c, floor in enumerate(self._floor):
            values, history = readings.values[:, c], self._history[c]
            finite = np.isfinite(values)
            present = values if finite.all() else values[finite]
            departure, spread = departures(
                history, present, window=self._window, minimum=self._minimum
            )
            np.maximum(spread, floor, out=spread)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                z = np.abs(departure) / spread
                mean = present - departure
            z[(departure == 0) | np.isnan(z)] = 0.0  # equal to a constant, or not enough before
            scores[finite, c], means[finite, c], spreads[finite, c] = z, mean, spread
            if present is not values:
                before = len(history) + np.cumsum(finite)
                infinite = np.isinf(values) & (before >= self._minimum)
                scores[infinite, c] = np.inf
                means[infinite, c] = 0.0  # any number will do: it is infinitely far from all
            self._history[c] = last_values(history, present, self._window)
        return Judged(scores, {"mean": means, "spread": spreads})
