"""Mean plus or minus k sigma, per channel: of the readings before, or of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels.changes import smallest_step
from sensorkit.detect.kernels.departures import Baseline
from sensorkit.detect.kernels.frozen import Frozen, Level
from sensorkit.detect.kernels.medians import TrailingMedian
from sensorkit.detect.kernels.rolling import Trailing
from sensorkit.detect.parameters import positive, whole
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.wording import times
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

BASELINES = ("rolling", "frozen")
CENTRES = ("mean", "median")


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
    baseline : {"rolling", "frozen"}
        Where :math:`m` and :math:`s` come from: the last *window* values, or all values of the
        fit (of all devices), for good. A frozen one has to be fitted; *window* and *minimum*
        mean nothing to it.
    centre : {"mean", "median"}
        With "median", :math:`m` is the median and :math:`s` is 1.4826 times the median absolute
        deviation [2]_, which outliers in the window hardly move.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Raises
    ------
    DetectorError
        When a frozen baseline is asked for a score before `fit`.

    Notes
    -----
    The chart is Shewhart's [1]_; with the rolling baseline its limits move along. We depart in
    one point: the floor :math:`f` is half the smallest step between two values of the channel
    in the fit data (0 before a fit). A quantized signal that hovers between two neighbouring
    values has at most that standard deviation; without the floor, a sensor that happened to say
    the same for a whole window would raise an alarm at its next smallest step.

    Where :math:`\max(s, f) = 0`, a reading equal to the constant scores 0 and any other is
    infinitely far. An infinite value is infinitely far as well, and is not learned; a missing
    one scores 0. The standard deviation is that of the window itself (divided by n). Gaps in
    time do not empty the window.

    With the rolling baseline a lasting fault becomes the new normal after one window: it is
    seen when it begins and when it ends. To see all of it, freeze the baseline (if what is
    normal does not drift by itself), or learn nothing while in alarm (the option `hold`).

    Severity is CRITICAL from twice the threshold on.

    References
    ----------
    .. [1] W. A. Shewhart, "Economic Control of Quality of Manufactured Product",
       Van Nostrand, 1931.
    .. [2] F. R. Hampel, "The influence curve and its role in robust estimation", Journal of the
       American Statistical Association 69 (1974), 383-393.

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
        baseline: str = "rolling",
        centre: str = "mean",
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
        self.baseline = _one_of("baseline", baseline, BASELINES)
        self.centre = _one_of("centre", centre, CENTRES)
        self.must_be_fitted = self.baseline == "frozen"
        self.floor: Floats | None = None
        """Smallest standard deviation believed, per channel, in its unit; None before a fit."""
        self.levels: Floats | None = None
        """What a frozen baseline learned: a `Level` per channel; None for a rolling one."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def learn(self, parts: list[Readings]) -> None:
        columns = np.concatenate([part.values for part in parts]).T
        self.floor = np.array([smallest_step(column) / 2.0 for column in columns])
        if self.baseline == "frozen":
            level = Level.mean if self.centre == "mean" else Level.median
            self.levels = np.array([level(column) for column in columns]).reshape(-1, 3)

    @property
    def threshold_from_fit(self) -> bool:
        """No: it is *k*."""
        return False

    def natural_threshold(self) -> float:
        return self.k

    def open_stream(self, device: str) -> SigmaStream:
        channels = len(self._tracks)
        floor = np.zeros(channels) if self.floor is None else self.floor
        if self.levels is not None:
            return SigmaStream(Frozen(self.levels, floor))
        kind = Trailing if self.centre == "mean" else TrailingMedian
        return SigmaStream(kind(channels, window=self.window, minimum=self.minimum, floor=floor))

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel = part.channels[track]
        value = float(part.values[row, track])
        departure = float(judged.facts["departure"][row, track])
        side = "above" if departure > 0 else "below"
        middle = f"its {'rolling' if self.baseline == 'rolling' else 'usual'} {self.centre}"
        if not np.isfinite(value):
            text, away = self.words.value(channel, value), f"infinitely far {side} {middle}"
        else:
            mean = value - departure
            text, usual = self.words.pair(channel, value, mean)
            if judged.facts["spread"][row, track] > 0:
                away = f"{times(float(judged.scores[row, track]))} sigma {side} {middle} of {usual}"
            else:
                away = f"{side} the constant {usual}"
        return Finding(f"{self.words.title(channel)} {text} is {away}.", None, channel, value)

    def state(self) -> Arrays:
        known = {"floor": self.floor, "levels": self.levels}
        return {name: array for name, array in known.items() if array is not None}

    def restore(self, arrays: Arrays) -> None:
        floor, levels = arrays.pop("floor", None), arrays.pop("levels", None)
        super().restore(arrays)
        channels = len(self._tracks)
        if floor is None and self.fitted:
            raise ValueError("floor is missing")
        if floor is not None:
            _check("floor", floor, (channels,))
            if not (np.isfinite(floor) & (floor >= 0)).all():
                raise ValueError("floor is not finite and >= 0")
        if (levels is not None) != (self.baseline == "frozen" and floor is not None):
            raise ValueError(f"levels do not go with a {self.baseline} baseline")
        if levels is not None:
            _check("levels", levels, (channels, 3))
            if not (np.isfinite(levels[:, :2]).all() and (levels[:, 2] >= 0).all()):
                raise ValueError("levels has a middle that is not finite or a spread below 0")
        self.floor, self.levels = floor, levels


def _one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    if value not in words:
        raise DetectorError(f"sigma: {name} is {value!r}; {' or '.join(words)} is wanted")
    return value


def _check(name: str, array: Floats, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float64 or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")


class SigmaStream(Stream):
    """What the values of one device are compared with."""

    def __init__(self, usual: Baseline) -> None:
        self._usual = usual

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn. Facts: `departure` and `spread` (floored), each (n, n_channels)."""
        if not self.explaining:
            return Judged(self._usual.judge(readings.values, learn=self.learning))
        scores, departure, spread = self._usual.moments(readings.values, learn=self.learning)
        return Judged(scores, {"departure": departure, "spread": spread})

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Score one reading, shape (n_channels,), then learn it."""
        return self._usual.judge_one(values, learn=self.learning)
