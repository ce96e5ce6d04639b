"""The EWMA chart of a vector: healthy mean and covariance, the limit, and the running T2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.detect.kernels.changes import smallest_step

Floats = NDArray[np.float64]

# Healthy readings for each channel that varies, and altogether: with 16 a channel the chart
# still told healthy from faulty where it was tried, with fewer it was not tried.
FEWEST_PER_CHANNEL = 16
FEWEST_READINGS = 50

# The F quantile explodes as its second degrees of freedom fall below this.
FEWEST_DEGREES = 10

# The textbook range of the weight is 0.05 to 0.25 (Lucas and Saccucci 1990). Long fits would
# allow a smaller one, but the chart would be as slow.
SMALLEST_ALPHA = 0.1

# As many independent readings as a t quantile needs to have a mean deviation.
FEWEST_INDEPENDENT = 3.0

# Autocorrelations looked at, and how sure it must be that they are none of white noise.
LAGS = 20
SURE = 0.999

# A healthy value counts as at most so many half ranges of the central 98 %: a glitch in the fit
# must not blind the chart.
TAIL = 0.01
REACH = 5.0

# Columns of `Chart.model`; those of the whitening follow.
SCALE, PIVOT, MEAN, UNIT, SIGMA, WHITEN = range(6)


class Chart(NamedTuple):
    """What the chart of one kind of device consists of.

    Attributes
    ----------
    model : array of float, shape (n_channels, 5 + n_channels)
        For each channel: a power of two that scales it; one of its scaled values; their mean as
        a difference from that one, so that it keeps its digits at any offset; what a deviation
        from the mean is multiplied with (0 for a channel that is not watched); the standard
        deviation of the EWMA of that product in the fit data; and a row of the lower triangular
        matrix that whitens the EWMA vector.
    alpha : float
        Weight of the newest reading in the EWMA.
    limit : float
        T2 above this is rare among healthy readings.
    """

    model: Floats
    alpha: float
    limit: float


class Healthy(NamedTuple):
    """Healthy values of one channel as a chart sees them."""

    scale: float
    pivot: float
    mean: float
    """Of the scaled values, less the pivot."""
    deviation: float
    """Of the scaled values; 0 where they are all equal."""
    rounding: float
    """Half the smallest step between two scaled values: quantization hides smaller deviations."""
    size: int
    """Values that are finite."""
    correlation: float
    """From one reading to the next, of what persists in the channel."""

    @classmethod
    def of(cls, values: Floats) -> Healthy:
        """Learn from the values of one channel, shape (n,); those not finite are left out."""
        values = values[np.isfinite(values)]
        if not len(values) or (values == values[0]).all():
            return cls(1.0, 0.0, 0.0, 0.0, 0.0, len(values), 0.0)
        # A power of two changes no digit; squares of scaled values never over- or underflow.
        exponent = math.frexp(float(np.abs(values).max()))[1]
        scale = math.ldexp(1.0, max(min(-exponent, 1000), -1000))
        scaled = values * scale
        low, high = np.quantile(scaled, [TAIL, 1.0 - TAIL])
        if high > low:
            middle, reach = (low + high) / 2.0, REACH * (high - low) / 2.0
            scaled = np.clip(scaled, middle - reach, middle + reach)
        pivot = float(scaled[0])
        mean = float((scaled - pivot).mean())
        deviations = scaled - pivot - mean
        return cls(
            scale,
            pivot,
            mean,
            float(np.sqrt(np.mean(deviations**2))),
            smallest_step(scaled) / 2.0,
            len(values),
            persistence(deviations),
        )


def persistence(deviations: Floats) -> float:
    r"""Return the autoregression coefficient of what persists in a series, 0 if nothing does.

    Parameters
    ----------
    deviations : array of float, shape (n,)
        From the mean.

    Notes
    -----
    Measured is often a slow signal under white noise, an ARMA(1, 1) process: its
    autocorrelations :math:`\rho_k` are small, but fall by the same factor :math:`\phi` from
    each lag to the next. So :math:`\phi = \sum \rho_k \rho_{k+1} / \sum \rho_k^2` over the
    first 20 lags, if they are not those of white noise by the test of Box and Pierce [1]_; and
    what a sample of *n* underestimates it by, :math:`(1 + 3 \phi) / n` [2]_, is added.

    References
    ----------
    .. [1] G. E. P. Box and D. A. Pierce, "Distribution of residual autocorrelations in
       autoregressive-integrated moving average time series models", JASA 65, 1970.
    .. [2] M. G. Kendall, "Note on bias in the estimation of autocorrelation",
       Biometrika 41, 1954.

    Examples
    --------
    >>> persistence(np.random.default_rng(1).normal(size=1000))
    0.0
    >>> 0.99 < persistence(np.linspace(-1.0, 1.0, 1000)) < 1.0
    True
    """
    n = len(deviations)
    variance = float(deviations @ deviations)
    if n <= 2 * LAGS or variance <= 0.0:
        return 0.0
    rho = np.array([deviations[k:] @ deviations[:-k] for k in range(1, LAGS + 1)]) / variance
    from scipy import special  # half a second that a process which only scores need not wait

    if n * float(rho @ rho) <= float(special.chdtri(LAGS, 1.0 - SURE)):
        return 0.0
    phi = float(rho[:-1] @ rho[1:]) / float(rho[:-1] @ rho[:-1])
    return min(phi + (1.0 + 3.0 * phi) / n, 1.0 - 1e-9) if phi > 0.0 else 0.0


def alpha_for(n: int, channels: int, *, effective: float) -> float:
    r"""Return the weight whose EWMA has the effective sample size wanted, or 0.1 if that is more.

    Parameters
    ----------
    n : int
        Healthy readings.
    channels : int
    effective : float
        Effective readings wanted for each channel; there are at least ten more than channels.

    Notes
    -----
    The EWMA of white noise has the integrated autocorrelation time
    :math:`(2 - \alpha) / \alpha`, so that :math:`\alpha = 2 r / (1 + r)` with *r* the effective
    sample size over *n*.

    Examples
    --------
    >>> round(alpha_for(400, 8, effective=2.75), 4), alpha_for(100_000, 8, effective=2.75)
    (0.1043, 0.1)
    """
    r = max(effective * channels, channels + FEWEST_DEGREES) / n
    return max(2.0 * r / (1.0 + r), SMALLEST_ALPHA)


def effective_size(n: int, alpha: float, correlation: float = 0.0) -> float:
    r"""Return as how many independent readings the EWMA of *n* correlated ones counts.

    With :math:`\beta = 1 - \alpha` and the first-order autoregression :math:`\phi`,

    .. math:: n \frac{1-\beta}{1+\beta} \frac{1-\phi}{1+\phi} \frac{1+\beta\phi}{1-\beta\phi}

    which is *n* over the integrated autocorrelation time of a second-order autoregression.

    Examples
    --------
    >>> round(effective_size(400, 0.1), 2), round(effective_size(400, 0.1, 0.97), 2)
    (21.05, 4.73)
    """
    beta = 1.0 - alpha
    both = (1.0 + beta * correlation) / (1.0 - beta * correlation)
    return n * alpha / (2.0 - alpha) * (1.0 - correlation) / (1.0 + correlation) * both


def learn_chart(
    parts: Sequence[Floats],
    known: Sequence[Healthy],
    alpha: float,
    *,
    quantile: float,
    shrink: float,
    clip: float,
) -> Chart:
    """Estimate the covariance of the EWMA vector and its limit from healthy readings.

    Parameters
    ----------
    parts : sequence of array of float, shape (n, n_channels)
        The readings of each device.
    known : sequence of Healthy
        One a channel, with a deviation of 0 for those not to be watched. One at least is.
    alpha : float
        Leaves more effective readings than there are watched channels.
    quantile : float
        Share of healthy readings within the limit.
    shrink : float
        Share of the correlations that is taken away.
    clip : float
        A deviation counts as at most so many (allowed) standard deviations.
    """
    channels = len(known)
    watched = [c for c, one in enumerate(known) if one.deviation > 0.0]
    model = np.zeros((channels, WHITEN + channels))
    model[:, SCALE] = [one.scale for one in known]
    model[:, PIVOT] = [one.pivot for one in known]
    model[:, MEAN] = [one.mean for one in known]
    model[watched, UNIT] = [1.0 / max(known[c].deviation, known[c].rounding) for c in watched]
    levels = np.concatenate([_levels(part, model, alpha, clip) for part in parts])[:, watched]
    rounding = np.array([known[c].rounding for c in watched]) * model[watched, UNIT]
    least = np.maximum(rounding * math.sqrt(alpha / (2.0 - alpha)), np.finfo(np.float64).tiny)
    spread = np.maximum(levels.std(axis=0, ddof=1), least)
    kept = (1.0 - shrink) * np.corrcoef(levels.T).reshape(len(watched), -1)
    whiten = np.linalg.inv(np.linalg.cholesky(kept + shrink * np.eye(len(watched)))) / spread

    size = effective_size(min(known[c].size for c in watched), alpha)
    usual = prediction_limit(size, quantile)
    for row, c in enumerate(watched):
        own = effective_size(known[c].size, alpha, known[c].correlation)
        allowance = prediction_limit(min(max(own, FEWEST_INDEPENDENT), size), quantile) / usual
        model[c, UNIT] /= allowance
        model[c, SIGMA] = spread[row] / allowance
        model[c, WHITEN + np.array(watched)] = np.tril(whiten)[row]
    return Chart(model, alpha, t2_limit(len(watched), size, quantile))


def prediction_limit(n: float, quantile: float) -> float:
    """Return how many sample deviations the next value is from the mean of *n* at most.

    >>> round(prediction_limit(5, 0.999), 2), round(prediction_limit(1e6, 0.999), 2)
    (9.43, 3.29)
    """
    from scipy import special

    return float(special.stdtrit(n - 1.0, (1.0 + quantile) / 2.0)) * math.sqrt(1.0 + 1.0 / n)


def t2_limit(channels: int, n: float, quantile: float) -> float:
    """Return the limit of Hotelling's T2 of the next vector, mean and covariance from *n*.

    >>> round(t2_limit(8, 21.05, 0.999), 1), round(t2_limit(8, 1e9, 0.999), 2)
    (92.5, 26.12)
    """
    from scipy import special

    factor = channels * (n * n - 1.0) / (n * (n - channels))
    return factor * float(special.fdtri(channels, n - channels, quantile))


def shares(model: Floats, level: Floats) -> tuple[float, Floats]:
    r"""Return T2, and by which share it would be lower without each channel.

    Parameters
    ----------
    model : array of float, shape (n_channels, 5 + n_channels)
        That of a `Chart`.
    level : array of float, shape (n_channels,)
        The EWMA vector.

    Notes
    -----
    With :math:`P = \Sigma^{-1}`, T2 without channel *i* is lower by
    :math:`(P z)_i^2 / P_{ii}`, its last term in the decomposition of Mason, Tracy and Young.
    """
    whiten = model[:, WHITEN:]
    whitened = whiten @ level
    t2 = float(whitened @ whitened)
    precision = np.maximum((whiten**2).sum(axis=0), np.finfo(np.float64).tiny)
    lower = (whitened @ whiten) ** 2 / precision
    return t2, lower / max(t2, np.finfo(np.float64).tiny)


def _levels(values: Floats, model: Floats, alpha: float, clip: float) -> Floats:
    """Return the EWMA vector at each reading, shape (n, n_channels), from the mean on."""
    levels, scores = np.empty(values.shape), np.empty(len(values))
    columns = np.ascontiguousarray(values.T)
    follow(columns, model, alpha, 1.0, clip, np.zeros(len(model)), scores, levels)
    return levels


def _step(  # type: ignore[no-untyped-def]  # numba finds the types by itself
    values, model, alpha, limit, clip, level
):  # pragma: no cover - compiled
    channels = len(values)
    present = infinite = False
    for c in range(channels):
        x = values[c]
        if np.isinf(x):
            infinite = True
        elif not np.isnan(x):
            present = True
            unit = model[c, 3]
            if unit > 0.0:
                u = (x * model[c, 0] - model[c, 1] - model[c, 2]) * unit
                u = min(max(u, -clip), clip)
                level[c] += alpha * (u - level[c])
    if infinite:
        return np.inf
    if not present:
        return 0.0
    t2 = 0.0
    for r in range(channels):
        y = 0.0
        for c in range(r + 1):
            y += model[r, 5 + c] * level[c]
        t2 += y * y
    return t2 / limit


step: Callable[..., float] = njit(cache=True, nogil=True, error_model="numpy")(_step)
"""Move the EWMA vector on by one reading and return its score.

``step(values, model, alpha, limit, clip, level)``: *values*, shape (n_channels,); *model* is that
of a `Chart`; *level*, shape (n_channels,), is moved on in place. The score is T2 / *limit*,
infinite where a value is, and 0 where there is none.
"""


def _follow(  # type: ignore[no-untyped-def]
    columns, model, alpha, limit, clip, level, scores, levels
):  # pragma: no cover - compiled
    keep = len(levels) > 0
    for i in range(len(scores)):
        scores[i] = step(columns[:, i], model, alpha, limit, clip, level)
        if keep:
            levels[i] = level


follow: Callable[..., None] = njit(cache=True, nogil=True, error_model="numpy")(_follow)
"""Do the same for one reading after the other.

``follow(columns, model, alpha, limit, clip, level, scores, levels)``: *columns* has the shape
(n_channels, n), C-contiguous; *scores*, shape (n,), and *levels*, shape (n, n_channels), are
written, the latter unless it has no row.
"""
