r"""Whether emulated readings are like those that were learned from: five tests a channel.

Of two series with n readings each, one is emulated with the learned waveform over the same grid,
and cut to the same gaps. Both are correlated, so that a difference is held against what two
recordings of the same device may differ by; with :math:`\tau = 1 + 2 \sum \rho_k` and
:math:`\tau_2 = 1 + 2 \sum \rho_k^2` of what the profile's cycles leave (they are the same in each
recording), and :math:`s'` the spread of that:

mean
    :math:`|m_x - m_y| \le 3.3 \sqrt{s_x'^2 \tau_x / n + s_y'^2 \tau_y / n}`, plus half a step.
spread
    :math:`|\ln s_x / s_y| \le 3.3 \sqrt{\tfrac{1}{2} (\tau_{2x} + \tau_{2y}) / n}` plus 0.05.
robust spread
    the same of the median absolute deviation, whose logarithm varies 2.7 times as much, plus 0.15;
    values that stand on steps are first spread evenly over them.
autocorrelation
    the largest difference at lags 1 to 50 is at most
    :math:`4 \sqrt{(\tau_{2x} + \tau_{2y}) / n}` (Bartlett [1]_) plus 0.05.
spectrum
    in each octave from three cycles in the series to half the rate, the powers differ by a factor
    of at most :math:`1.5 \exp(3.5 \sqrt{2 / m})`, m being the ordinates in it.

A factor of 3.3 is passed by one in a thousand fair pairs, 3.5 and 4 allow for the octaves and lags.
The parts that are added are what is let through however long the recording is. A channel of which
the recording has fewer than `FEWEST_INDEPENDENT` independent values can be held against its
spectrum only: the other results are open.

References
----------
.. [1] M. S. Bartlett, "On the theoretical specification and sampling properties of autocorrelated
   time-series", J. R. Stat. Soc. Suppl. 8 (1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.learning.signal import Even, autocorrelation, correlation_time, evenly
from sensorkit.learning.spectrum import periodogram
from sensorkit.profile import Profile, Waveform
from sensorkit.signals import Waveforms

Floats = NDArray[np.float64]

SIGMAS = 3.3
SIGMAS_OF_LAGS = 4.0
SIGMAS_OF_OCTAVES = 3.5
MEAN_STEPS = 0.5
SPREAD = 0.05
ROBUST_SPREAD = 0.15
ROBUST_VARIANCE = 2.7
"""Var ln MAD over var ln s of Gaussian values: the MAD is 37 % efficient."""
CORRELATION = 0.05
OCTAVE = math.log(1.5)
LAGS = 50
LOWEST = 3
"""Cycles in the series that the lowest octave begins with."""
FEWEST_INDEPENDENT = 16.0
FEWEST = 64
"""Readings that are wanted to be tested at all."""

TESTS = ("mean", "spread", "robust spread", "autocorrelation", "spectrum")


class Result(NamedTuple):
    """A test of a channel."""

    channel: str
    test: str
    difference: float
    """As the module says; NaN where it cannot be tested."""
    allowed: float
    verdict: str
    """pass, fail, or open."""
    note: str = ""
    """Where the largest difference is, or why it is open."""

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON, None for what is no number."""
        told: dict[str, object] = self._asdict()
        for name in ("difference", "allowed"):
            if not math.isfinite(getattr(self, name)):
                told[name] = None
        return told


def compare(
    values: Floats, positions: NDArray[np.int64], profile: Profile, *, seed: int = 0
) -> list[Result]:
    """Return how readings differ from as many emulated ones.

    Parameters
    ----------
    values : array of float64, shape (n, n_channels)
    positions : array of int64, shape (n,)
        Where they stand on a grid of the profile's rate.
    profile : Profile
    seed : int
        Of the emulated device.
    """
    if not len(positions):
        return [one for c in profile.channels for one in _all_open(c.name, "no reading")]
    made = Waveforms(profile, seed).block(int(positions[-1]) + 1)[positions]
    found: list[Result] = []
    for column, channel in enumerate(profile.channels):
        there = np.isfinite(values[:, column])
        told = channel.waveform.step if channel.waveform else None
        step = max(told or 0.0, 10.0**-channel.decimals)
        emulated = np.where(there, made[:, column], np.nan)
        periods = _periods(channel.waveform, profile.rate_hz)
        found += of_channel(channel.name, values[:, column], emulated, positions, step, periods)
    return found


def _periods(waveform: Waveform | None, rate_hz: float) -> list[float]:
    """Return the periods of a waveform's cycles, readings."""
    return [cycle.period_s * rate_hz for cycle in waveform.cycles] if waveform else []


def of_channel(
    name: str,
    x: Floats,
    y: Floats,
    positions: NDArray[np.int64],
    step: float,
    periods: Sequence[float] = (),
) -> list[Result]:
    """Return the five tests of two series of a channel at the same positions.

    Parameters
    ----------
    name : str
    x, y : array of float64, shape (n,)
        What was recorded, and what was emulated.
    positions : array of int64, shape (n,)
    step : float
        What the sensor can tell, or its last decimal.
    periods : sequence of float
        Of the profile's cycles, in positions.
    """
    there = np.isfinite(x) & np.isfinite(y)
    n = int(there.sum())
    if n < FEWEST:
        return _all_open(name, f"{n} values, {FEWEST} are wanted")
    x, y = np.where(there, x, np.nan), np.where(there, y, np.nan)
    a, b = x[there], y[there]
    if a.min() == a.max() or b.min() == b.max():
        return _constant(name, a, b, step)
    ex, ey = evenly(x, positions), evenly(y, positions)
    unit = float(np.abs(a - np.median(a)).max())
    ex, ey = (e._replace(values=(e.values - np.median(a)) / unit) for e in (ex, ey))
    rests = [_without(e.values, [period / e.stride for period in periods]) for e in (ex, ey)]
    independent = n / max(correlation_time(rest) for rest in rests)
    if independent < FEWEST_INDEPENDENT:
        why = f"{independent:.0f} independent values, {FEWEST_INDEPENDENT:.0f} are wanted"
        return [*_all_open(name, why)[:-1], _of_spectrum(name, ex.values, ey.values)]
    return _tested(name, ex, ey, rests, n, step / unit, unit)


def _without(x: Floats, periods: list[float]) -> Floats:
    """Return what sinusoids of these periods leave of *x*."""
    rest: Floats = x - x.mean()
    if not periods:
        return rest
    angles = 2 * np.pi * np.arange(len(x))[:, None] / np.array(periods)
    basis = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    found = np.linalg.lstsq(basis.T @ basis, basis.T @ rest, rcond=None)[0]
    left: Floats = rest - basis @ found
    left -= left.mean()
    return left


def _tested(
    name: str, x: Even, y: Even, rests: list[Floats], n: int, step: float, unit: float
) -> list[Result]:
    a, b = x.values, y.values
    rho = autocorrelation(a), autocorrelation(b)
    lags = min(LAGS, n // 10)
    pooled = math.sqrt(sum(_square_time(autocorrelation(rest)) for rest in rests) / n)
    off = abs(float(a.mean() - b.mean()))
    variance = sum(float(rest.var()) * correlation_time(rest) for rest in rests) / n
    allowed = SIGMAS * math.sqrt(variance) + MEAN_STEPS * step
    found = [_result(name, "mean", off * unit, allowed * unit)]
    free = SIGMAS * pooled / math.sqrt(2)
    found.append(_result(name, "spread", _log_ratio(float(a.std()), float(b.std())), free + SPREAD))
    wide = free * math.sqrt(ROBUST_VARIANCE) + ROBUST_SPREAD
    mads = [_median_deviation(series, step) for series in (a, b)]
    found.append(_result(name, "robust spread", _log_ratio(*mads), wide))
    differences = np.abs(rho[0][1 : lags + 1] - rho[1][1 : lags + 1])
    lag = int(differences.argmax())
    found.append(
        _result(
            name,
            "autocorrelation",
            float(differences[lag]),
            SIGMAS_OF_LAGS * pooled + CORRELATION,
            f"lag {(lag + 1) * x.stride}",
        )
    )
    found.append(_of_spectrum(name, a, b))
    return found


def _median_deviation(x: Floats, step: float) -> float:
    """Return the median absolute deviation of values spread evenly over their steps."""
    smooth = x + step * np.random.default_rng(0).uniform(-0.5, 0.5, len(x))
    return float(np.median(np.abs(smooth - np.median(smooth))))


def _of_spectrum(name: str, a: Floats, b: Floats) -> Result:
    n = len(a)
    power = periodogram(a), periodogram(b)
    last = (n - 1) // 2
    worst, where, excess = 0.0, (LOWEST, last), -math.inf
    allowed_there = OCTAVE
    low = LOWEST
    while low <= last:
        high = min(2 * low, last + 1)
        m = high - low
        off = _log_ratio(float(power[0][low:high].mean()), float(power[1][low:high].mean()))
        allowed = OCTAVE + SIGMAS_OF_OCTAVES * math.sqrt(2 / m)
        if off - allowed > excess:
            worst, where, excess, allowed_there = off, (low, high), off - allowed, allowed
        low = high
    note = f"periods of {n / where[1]:.3g} to {n / where[0]:.3g} readings"
    return _result(name, "spectrum", worst, allowed_there, note)


def _square_time(rho: Floats) -> float:
    """Return 1 + 2 sum of squared correlations, as far as they are more than chance."""
    above = np.flatnonzero(np.abs(rho) < 2 / math.sqrt(len(rho)))
    stop = int(above[0]) if len(above) else len(rho)
    return 1 + 2 * float(np.sum(rho[1 : max(3 * stop, 2)] ** 2))


def _log_ratio(a: float, b: float) -> float:
    if a <= 0 or b <= 0:
        return 0.0 if a == b else math.inf
    return abs(math.log(a / b))


def _result(name: str, test: str, difference: float, allowed: float, note: str = "") -> Result:
    verdict = "pass" if difference <= allowed else "fail"
    return Result(name, test, difference, allowed, verdict, note)


def _constant(name: str, a: Floats, b: Floats, step: float) -> list[Result]:
    """Compare where one of the two never moves."""
    off = abs(float(np.median(a)) - float(np.median(b)))
    found = [_result(name, "mean", off, MEAN_STEPS * step * (1 + 1e-9))]
    both = a.min() == a.max() and b.min() == b.max()
    moved = "both never move" if both else "only one of the two moves"
    verdict = "pass" if both else "fail"
    return found + [Result(name, test, 0.0, 0.0, verdict, moved) for test in TESTS[1:]]


def _open(name: str, why: str) -> Result:
    return Result(name, "mean", math.nan, math.nan, "open", why)


def _all_open(name: str, why: str) -> list[Result]:
    return [_open(name, why)._replace(test=test) for test in TESTS]
