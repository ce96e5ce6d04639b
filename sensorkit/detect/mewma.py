"""Hotelling's T2 of the exponentially weighted moving averages of all channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels import covariance
from sensorkit.detect.kernels.covariance import (
    MEAN,
    PIVOT,
    SCALE,
    SIGMA,
    UNIT,
    WHITEN,
    Chart,
    Healthy,
)
from sensorkit.detect.parameters import positive, share
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.wording import times
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings


class Mewma(BaseDetector):
    r"""Score a reading by how far the moving averages of all channels are from the healthy mean.

    With the healthy mean :math:`\mu` of the channels, their moving averages

    .. math:: z_t = \alpha (x_t - \mu) + (1 - \alpha) z_{t-1}, \quad z_0 = 0

    and the covariance :math:`\Sigma_z` of :math:`z` in the fit data, the score is

    .. math:: T^2 / L, \quad T^2 = z_t^\top \Sigma_z^{-1} z_t

    so that small faults that last, slow drifts, and channels that no longer move together show.
    With one channel it is the EWMA chart. The threshold is 1 until `calibrate` sets another:
    the limit *L* is that of the prediction of a new vector at the given *quantile*,

    .. math:: L = \frac{p (n^2 - 1)}{n (n - p)} F_q(p, n - p)

    for *p* channels, where *n* is the effective sample size: the averages of neighbouring
    readings are nearly the same, and *n* is the number of fit readings times
    :math:`\alpha / (2 - \alpha)`. No label and no calibration is needed for it.

    Parameters
    ----------
    alpha : float, optional
        Weight of the newest reading, above 0 and at most 1. By default it is chosen by the
        fit: the one that leaves *effective* effective readings a channel, at least ten more
        than there are channels, but never below 0.1.
    effective : float
        Effective readings a channel that an *alpha* not given leaves; 2.5 to 3 is good.
    quantile : float
        Share of the healthy readings within the limit.
    shrink : float
        Share of the correlations that is taken away, so that channels that always say the
        same do no harm.
    clip : float
        A reading counts as at most so many standard deviations from the mean, so that the
        averages forget a glitch of any size.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        Options of all detectors: `sensorkit.detect.options.Options`. `hold` changes nothing
        here: nothing but the moving averages, which are what is measured, follows the stream.

    Raises
    ------
    DetectorError
        By `fit`, if no channel has 50 values and 16 for each channel that varies, or if a given
        *alpha* leaves less than ten effective readings more than channels; nothing is
        changed then.

    Notes
    -----
    The chart is that of [1]_, with three departures.

    The covariance of the averages is measured, as their variance is not
    :math:`\alpha / (2 - \alpha)` that of the readings when readings are correlated in time.

    How well a channel's healthy level is known depends on its own memory: 400 readings of a
    noise say where it belongs, 400 of a temperature that is still rising do not. A channel with
    first-order autoregression :math:`\phi` (see `covariance.persistence`) has fewer effective
    readings than *n*, 3 at least, and its deviations are divided by the ratio of the *t*
    prediction limits at its own and at the common effective sample size. A channel that
    wanders through the whole fit is allowed about nine times as much.

    Deviations beyond *clip* are cut off, and the deviation of a quantized channel is taken to
    be at least half its step.

    A missing value leaves its channel's average as it is, and a reading without any value
    scores 0. An infinite value is infinitely far, and is not averaged. A channel that was
    constant in the fit, or had fewer readings than the fit wants, is not watched: `rules` and
    `sigma` do that. Gaps in time change nothing: the weight is that of a reading.

    Alerts name the channel without which T2 would be the lowest [2]_, count its deviation in
    those the score allows it (a standard deviation of its moving average in the fit, or more for
    a channel that wandered there), and compare T2 with what raises an alert: the limit, or the
    threshold that `calibrate` or an ensemble set. Severity is CRITICAL from
    twice the threshold on; as averages rise from reading to reading, an alert seldom begins with
    that much.

    References
    ----------
    .. [1] C. A. Lowry, W. H. Woodall, C. W. Champ and S. E. Rigdon, "A multivariate
       exponentially weighted moving average control chart", Technometrics 34, 1992,
       doi:10.2307/1269551.
    .. [2] R. L. Mason, N. D. Tracy and J. C. Young, "Decomposition of T2 for multivariate
       control chart interpretation", Journal of Quality Technology 27, 1995.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> water = rng.normal(20.0, 1.0, (500, 1))
    >>> values = water + rng.normal(0.0, 0.1, (500, 3))
    >>> values[400:, 2] += 0.5  # hidden in the noise of each channel, but not between them
    >>> readings = Readings.build(np.arange(500) * 10**9, values, ["inlet", "pump", "outlet"])
    >>> mewma = Mewma().fit(readings[:400])
    >>> alert, = mewma.alerts(readings[400:])
    >>> alert.start // 10**9, alert.channel
    (403, 'outlet')
    """

    name = "mewma"
    must_be_fitted = True

    def __init__(
        self,
        *,
        alpha: float | None = None,
        effective: float = 2.75,
        quantile: float = 0.999,
        shrink: float = 0.01,
        clip: float = 5.0,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.alpha = alpha if alpha is None else positive(self.name, "alpha", alpha)
        if self.alpha is not None and self.alpha > 1.0:
            raise DetectorError(
                f"mewma: alpha is {self.alpha:g}; a weight above 0 and at most 1 is wanted"
            )
        self.effective = positive(self.name, "effective", effective)
        self.quantile = share(self.name, "quantile", quantile)
        if not 0.5 <= self.quantile < 1.0:
            raise DetectorError(
                f"mewma: quantile is {self.quantile:g}; at least 0.5 and less than 1 is wanted"
            )
        self.shrink = share(self.name, "shrink", shrink)
        self.clip = positive(self.name, "clip", clip)
        self.chart: Chart | None = None
        """What the fit learned; None before."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    @property
    def threshold_from_fit(self) -> bool:
        """No: the limit is a formula, so that no quantile of the fit scores is needed."""
        return False

    def natural_threshold(self) -> float:
        return 1.0

    def learn(self, parts: list[Readings]) -> None:
        self.chart = self._learned(parts)

    def _learned(self, parts: list[Readings]) -> Chart:
        known = [
            Healthy.of(np.concatenate([part.values[:, c] for part in parts]))
            for c in range(len(parts[0].channels))
        ]
        varying = [one.size for one in known if one.deviation > 0.0]
        most = max(varying or [one.size for one in known])
        self._check_count(sum(map(len, parts)), most, len(varying), len(known))
        if not varying:
            return Chart(np.zeros((len(known), WHITEN + len(known))), 1.0, 1.0)
        least = covariance.FEWEST_PER_CHANNEL * len(varying)
        known = [one if one.size >= least else one._replace(deviation=0.0) for one in known]
        watched = [one.size for one in known if one.deviation > 0.0]
        return covariance.learn_chart(
            [part.values for part in parts],
            known,
            self._weight(min(watched), len(watched)),
            quantile=self.quantile,
            shrink=self.shrink,
            clip=self.clip,
        )

    def _check_count(self, n: int, most: int, varying: int, channels: int) -> None:
        """Raise DetectorError if *n* readings, *most* with a value of one channel, are too few."""
        least = max(covariance.FEWEST_READINGS, covariance.FEWEST_PER_CHANNEL * varying)
        if most >= least:
            return
        count = varying or channels
        had = "1 reading" if most == 1 else f"{most} readings"
        had += " with a value" if most < n else ""
        raise DetectorError(
            f"mewma: {had} {'is' if most == 1 else 'are'} too few to learn how "
            f"{'1 channel varies' if count == 1 else f'{count} channels vary together'}; give at "
            f"least {least} ({covariance.FEWEST_PER_CHANNEL} a channel, "
            f"{covariance.FEWEST_READINGS} in all)"
        )

    def _weight(self, n: int, channels: int) -> float:
        if self.alpha is None:
            return covariance.alpha_for(n, channels, effective=self.effective)
        size = covariance.effective_size(n, self.alpha)
        least = channels + covariance.FEWEST_DEGREES
        if size < least:
            raise DetectorError(
                f"mewma: with alpha {self.alpha:g} the {n} readings count as {size:.1f} "
                f"independent ones, but {channels} channels want at least {least}; give more "
                "readings, a larger alpha, or none to have it chosen"
            )
        return self.alpha

    def open_stream(self, device: str) -> Stream:
        assert self.chart is not None  # noqa: S101 - the base asks for a fit first
        return MewmaStream(self.chart, self.clip)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        assert self.chart is not None  # noqa: S101 - there was a stream
        values = part.values[row]
        if np.isinf(values).any():
            channel = int(np.flatnonzero(np.isinf(values))[0])
            side = "above" if values[channel] > 0 else "below"
            text = f"is infinitely far {side} its healthy mean"
            return self._finding(part, row, channel, text)
        model, level = self.chart.model, judged.facts["level"][row]
        _, shares = covariance.shares(model, level)
        channel = int(shares.argmax())
        name, own = part.channels[channel], model[channel]
        mean = float((own[PIVOT] + own[MEAN]) / own[SCALE])
        average = float((own[PIVOT] + own[MEAN] + level[channel] / own[UNIT]) / own[SCALE])
        deviations = abs(level[channel]) / allowed_deviation(model, channel)
        text = (
            f"has a moving average of {self.words.value(name, average, away_from=mean)}, "
            f"{times(deviations)} allowed deviations {'above' if level[channel] > 0 else 'below'} "
            f"its healthy mean of {self.words.value(name, mean)}"
        )
        if (model[:, UNIT] > 0).sum() > 1:
            text += self._said_of_all(float(judged.scores[row, track]), float(shares[channel]))
        return self._finding(part, row, channel, text)

    def _said_of_all(self, score: float, share: float) -> str:
        """Say how far T2 is from what raises an alert, and how much of it is one channel's."""
        assert self.chart is not None  # noqa: S101 - there was a stream
        t2 = f"T2 of {int((self.chart.model[:, UNIT] > 0).sum())} channels"
        if self.options.tail or self.threshold_ <= 0.0:  # the score is no multiple of T2
            return f"; {t2} would be {100.0 * share:.0f}% lower without this one"
        t2 = f"mean {t2}" if self.options.smooth > 1 else t2
        of = "limit" if self.threshold_ == self.natural_threshold() else "threshold"
        return (
            f"; {t2} is {times(score / self.threshold_)} times its {of}, and "
            f"{100.0 * share:.0f}% lower without this one"
        )

    def _finding(self, part: Readings, row: int, channel: int, text: str) -> Finding:
        name = part.channels[channel]
        value = float(part.values[row, channel])
        return Finding(
            f"{self.words.title(name)} {text}.", None, name, None if math.isnan(value) else value
        )

    def state(self) -> Arrays:
        if self.chart is None:
            return {}
        return {
            "model": self.chart.model,
            "alpha": np.array([self.chart.alpha]),
            "limit": np.array([self.chart.limit]),
        }

    def restore(self, arrays: Arrays) -> None:
        channels = len(self.channels or ())
        shapes = {"model": (channels, WHITEN + channels), "alpha": (1,), "limit": (1,)}
        taken = {}
        for name, shape in shapes.items():
            array = arrays.pop(name)
            if array.dtype != np.float64 or array.shape != shape:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} is not finite")
            taken[name] = np.ascontiguousarray(array)
        super().restore(arrays)
        model, alpha, limit = taken["model"], float(taken["alpha"][0]), float(taken["limit"][0])
        if not (0.0 < alpha <= 1.0 and limit > 0.0):
            raise ValueError("alpha is no weight or the limit not above 0")
        watched = model[:, UNIT] != 0.0
        if (model[:, UNIT] < 0.0).any() or (model[watched][:, [SCALE, SIGMA]] <= 0.0).any():
            raise ValueError("a channel is scaled with what is not above 0")
        self.chart = Chart(model, alpha, limit)


def allowed_deviation(model: Floats, channel: int) -> float:
    """Return the standard deviation that T2 allows the moving average of a watched *channel*.

    Parameters
    ----------
    model : array of float, shape (n_channels, 5 + n_channels)
        That of a `Chart`. With the whitening *W* of its watched channels, the covariance is
        the square of the inverse of *W*, in the units of the averages.
    """
    watched = np.flatnonzero(model[:, UNIT] > 0)
    root = np.linalg.inv(model[np.ix_(watched, WHITEN + watched)])
    return float(np.linalg.norm(root[int(np.searchsorted(watched, channel))]))


class MewmaStream(Stream):
    """The moving averages of one device."""

    def __init__(self, chart: Chart, clip: float) -> None:
        self._chart = chart
        self._clip = clip
        self._level = np.zeros(len(chart.model))

    def judge(self, readings: Readings) -> Judged:
        """Move the averages on, then score. Facts: `level`, (n, n_channels), to explain with."""
        model, alpha, limit = self._chart
        scores = np.empty((len(readings), 1), order="F")
        levels = np.empty((len(readings) if self.explaining else 0, len(model)))
        columns = np.ascontiguousarray(readings.values.T)
        covariance.follow(
            columns, model, alpha, limit, self._clip, self._level, scores[:, 0], levels
        )
        return Judged(scores, {"level": levels} if self.explaining else {})

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Move the averages on by one reading, shape (n_channels,), and return its score."""
        model, alpha, limit = self._chart
        return covariance.step(values, model, alpha, limit, self._clip, self._level)
