"""The cumulative sum chart: small shifts that last, as a detector of sensorkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
from numba import njit

from sensorkit.detect import BaseDetector
from sensorkit.detect.kernels.changes import robust_sigma
from sensorkit.detect.options import Shared
from sensorkit.detect.parameters import not_negative, positive
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

UP, DOWN = 0, 1
"""The two sums of a channel."""


class Cusum(BaseDetector):
    r"""Score a reading by how much the readings up to it lie on one side of what is usual.

    For each channel, with its median :math:`m` and robust standard deviation :math:`s` in the
    fit, :math:`z_t = (x_t - m) / s` and slack :math:`k`,

    .. math:: U_t = \min(\max(U_{t-1} + z_t - k, 0), c), \quad
              D_t = \min(\max(D_{t-1} - z_t - k, 0), c)

    and the score is :math:`\max(U_t, D_t)`, in sigmas.

    Parameters
    ----------
    slack : float
        :math:`k`, in sigmas: half the shift that is to be found the soonest.
    limit : float
        Threshold in sigmas until `calibrate` sets another.
    most : float
        :math:`c`, in sigmas: a sum stops there. After a fault, it is back in at most
        most / slack readings.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Raises
    ------
    DetectorError
        If a parameter is out of range; by `fit`, if a channel never has a value.

    Notes
    -----
    The chart is Page's [1]_, in the two-sided tabular form of [2]_. We depart in two points: the
    median and 1.4826 median absolute deviations stand for mean and standard deviation, so that
    a few faults in the fit do no harm, and the sums have an upper end. [2]_ assumes that healthy
    readings are independent: on a signal that drifts, the sums grow without a fault. Then take a
    larger slack, and `calibrate`.

    A missing value scores 0 and leaves the sums as they are; an infinite one scores the largest
    number there is, and leaves them as well.

    References
    ----------
    .. [1] E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954, 100-115.
    .. [2] D. C. Montgomery, "Introduction to Statistical Quality Control", 6th ed., Wiley, 2009,
       section 9.1.
    """

    name = "cusum"
    must_be_fitted = True

    def __init__(
        self,
        *,
        slack: float = 0.5,
        limit: float = 5.0,
        most: float = 100.0,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.slack = not_negative(self.name, "slack", slack)
        self.limit = positive(self.name, "limit", limit)
        self.most = positive(self.name, "most", most)
        if self.limit > self.most:
            raise DetectorError(
                f"cusum: limit is {self.limit:g}, but the sums stop at most={self.most:g}; make "
                "the limit smaller or most larger"
            )
        self.centre: Floats = np.empty(0)
        """Median of each channel, in its unit."""
        self.scale: Floats = np.empty(0)
        """One robust standard deviation of each channel, in its unit."""

    @property
    def threshold_from_fit(self) -> bool:
        """Return False: the threshold before calibration is `limit`, though there is a fit."""
        return False

    def natural_threshold(self) -> float:
        return self.limit

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def learn(self, parts: list[Readings]) -> None:
        values = np.concatenate([part.values for part in parts])
        columns = [column[np.isfinite(column)] for column in values.T]
        for channel, column in zip(parts[0].channels, columns, strict=True):
            if not len(column):
                raise DetectorError(
                    f"cusum: {channel} has no value in {len(values)} readings to fit on; leave "
                    "the channel out"
                )
        self.centre = np.array([float(np.median(column)) for column in columns])
        self.scale = np.array([robust_sigma(column) for column in columns])

    def open_stream(self, device: str) -> CusumStream:
        return CusumStream(self.centre, self.scale, self.slack, self.most)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel, value = part.channels[track], float(part.values[row, track])
        said = f"{self.words.title(channel)} {self.words.value(channel, value)}"
        if not np.isfinite(value):
            return Finding(f"{said} is not finite.", None, channel, value)
        side = "above" if judged.facts["up"][row, track] else "below"
        return Finding(
            f"{said}: has been {side} its usual "
            f"{self.words.value(channel, float(self.centre[track]))} for too long "
            f"(a sum of {judged.scores[row, track]:.1f} sigma).",
            None,
            channel,
            value,
        )

    def state(self) -> Arrays:
        return {"centre": self.centre, "scale": self.scale}

    def restore(self, arrays: Arrays) -> None:
        taken = {name: arrays.pop(name, np.empty(0)) for name in ("centre", "scale")}
        super().restore(arrays)  # refuses what is left
        for name, array in taken.items():
            if array.dtype != np.float64 or array.shape != (len(self.channels or ()),):
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        if not (np.isfinite(taken["centre"]).all() and (taken["scale"] > 0).all()):
            raise ValueError("centre is not finite, or scale not above 0")
        self.centre, self.scale = taken["centre"], taken["scale"]


class CusumStream(Stream):
    """The two sums of each channel of one device."""

    def __init__(self, centre: Floats, scale: Floats, slack: float, most: float) -> None:
        self._centre = centre
        self._scale = scale
        self._slack = slack
        self._most = most
        self._sums = np.zeros((2, len(centre)))

    def judge(self, readings: Readings) -> Judged:
        """Score. Facts: `up`, shape (n, n_channels), whether the larger sum is the upper one."""
        with np.errstate(over="ignore"):
            standard = (readings.values - self._centre) / self._scale
        scores = np.zeros(readings.values.shape, order="F")
        up = np.zeros(readings.values.shape, dtype=np.bool_)
        add_up(standard, self._slack, self._most, self._sums, scores, up)
        scores[np.isinf(readings.values)] = np.inf
        return Judged(scores, {"up": up})


@njit(cache=True, nogil=True, error_model="numpy")
def add_up(standard, slack, most, sums, scores, up):
    """Add readings, shape (n, n_channels), to *sums*, shape (2, n_channels), in their order."""
    for c in range(standard.shape[1]):
        for i in range(len(standard)):
            z = standard[i, c]
            if np.isfinite(z):
                sums[UP, c] = min(max(sums[UP, c] + z - slack, 0.0), most)
                sums[DOWN, c] = min(max(sums[DOWN, c] - z - slack, 0.0), most)
                scores[i, c] = max(sums[UP, c], sums[DOWN, c])
                up[i, c] = sums[UP, c] >= sums[DOWN, c]
