"""What a detector has to beat: chance, always, never, and the change since the last value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Unpack

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.base import UNCALIBRATED_QUANTILE, BaseDetector, Shared
from sensorkit.detect.kernels.changes import changes_since_last, robust_sigma
from sensorkit.detect.parameters import whole
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.wording import times
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity

NO_CHANGE = 0.0


class _Constant(BaseDetector):
    """The same score whatever comes."""

    learns = False
    fixed = True
    _score: ClassVar[float]

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def natural_threshold(self) -> float:
        return 1.0

    def open_stream(self, device: str) -> _ConstantStream:
        return _ConstantStream(self._score)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        return Finding("Every reading is flagged.", Severity.WARNING, None, None)


class _ConstantStream(Stream):
    def __init__(self, score: float) -> None:
        self._score = score

    def judge(self, readings: Readings) -> Judged:
        return Judged(np.full((len(readings), 1), self._score))


class Always(_Constant):
    """Flag every reading: one alarm that never ends.

    On data of which half is faulty this has an F1 of 0.67. Scores 1 against a fixed threshold
    of 1.
    """

    name = "always"
    _score = 1.0


class Never(_Constant):
    """Flag nothing. Scores 0 against a fixed threshold of 1."""

    name = "never"
    _score = 0.0


class Random(BaseDetector):
    """Score by chance: uniform on [0, 1), whatever the readings say.

    Each device has its own numbers, fixed by the seed and its name. The threshold is 0.999
    until `calibrate` sets another. An alert is CRITICAL when its score lies in the upper half
    of what is left between the threshold and 1.

    Parameters
    ----------
    seed : int
    profile : Profile, optional
        Not needed.
    **shared
        See `sensorkit.detect.options.Options`.
    """

    name = "random"
    learns = False
    contract_exceptions: ClassVar = {
        "check_a_reading_is_scored_before_it_is_learned": "its scores do not look at the values",
    }

    def __init__(
        self, *, seed: int = 0, profile: Profile | None = None, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.seed = whole(self.name, "seed", seed, least=0)

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def natural_threshold(self) -> float:
        return UNCALIBRATED_QUANTILE

    def open_stream(self, device: str) -> _RandomStream:
        return _RandomStream(np.random.default_rng([self.seed, *device.encode()]))

    def critical_score(self) -> float:
        """Return the middle between the threshold and 1."""
        return (1.0 + self.threshold_) / 2.0

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        score = float(judged.scores[row, track])
        return Finding(
            f"Drawn by chance: {score:.6f} reaches the threshold of {self.threshold_:.6f}.",
            None,
            None,
            None,
        )


class _RandomStream(Stream):
    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def judge(self, readings: Readings) -> Judged:
        return Judged(self._rng.random((len(readings), 1)))


class LastValue(BaseDetector):
    r"""Score a reading by its change since the last value, in sigmas of the healthy changes.

    .. math:: z = |x_t - x_{t-1}| / s, \qquad
              s = 1.4826 \, \mathrm{median}(|d - \mathrm{median}(d)|)

    with :math:`d` the changes in the fit data; the score is the largest :math:`z` of all
    channels, and each channel has its own episodes. The forecast "as before" is the naive
    method every forecaster has to beat [1]_.

    Parameters
    ----------
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Notes
    -----
    Where the median deviation is 0 (a coarsely quantized signal hardly ever changes), the
    standard deviation of the changes stands in; where nothing ever changed, 1 unit of the
    channel does. The last value is the last one present: a missing one scores 0 and is passed
    over. Severity is CRITICAL from twice the threshold on.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos, "Forecasting: Principles and Practice",
       3rd ed., OTexts, 2021, section 5.2.
    """

    name = "last_value"
    must_be_fitted = True

    def __init__(self, *, profile: Profile | None = None, **shared: Unpack[Shared]) -> None:
        super().__init__(profile=profile, **shared)
        self.scale: Floats = np.empty(0)
        """One sigma of the healthy changes, per channel, in its unit."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def learn(self, parts: list[Readings]) -> None:
        self.scale = np.array(
            [
                robust_sigma(
                    np.concatenate(
                        [np.diff(x[np.isfinite(x)]) for x in (part.values[:, c] for part in parts)]
                    )
                )
                for c in range(len(self._tracks))
            ]
        )

    def open_stream(self, device: str) -> _LastValueStream:
        return _LastValueStream(self.scale)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel = part.channels[track]
        value = float(part.values[row, track])
        score = float(judged.scores[row, track])
        change = self.words.value(
            channel, float(judged.facts["change"][row, track]), away_from=NO_CHANGE
        )
        return Finding(
            f"{self.words.title(channel)} changed by {change} to "
            f"{self.words.value(channel, value)}, {times(score)} sigma of its usual change.",
            None,
            channel,
            value,
        )

    def state(self) -> Arrays:
        return {"scale": self.scale}

    def restore(self, arrays: Arrays) -> None:
        scale: NDArray[np.float64] = arrays.pop("scale", np.empty(0))
        super().restore(arrays)
        if scale.dtype != np.float64 or scale.shape != (len(self._tracks),):
            raise ValueError(f"scale is {scale.dtype} of shape {scale.shape}")
        if not (np.isfinite(scale) & (scale > 0)).all():
            raise ValueError("scale is not finite and > 0")
        self.scale = scale


class _LastValueStream(Stream):
    def __init__(self, scale: Floats) -> None:
        self._scale = scale
        self._last = np.full(len(scale), np.nan)

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn. Facts: `change`, shape (n, n_channels), in the channel's unit."""
        changes = np.zeros(readings.values.shape, order="F")
        for c in range(len(self._scale)):
            changes[:, c], self._last[c] = changes_since_last(readings.values[:, c], self._last[c])
        changes[np.isnan(changes)] = 0.0
        with np.errstate(over="ignore"):
            return Judged(np.abs(changes) / self._scale, {"change": changes})
