"""A channel's healthy readings to the waveform that resembles them, and what it cannot say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.learning import cycles, spectrum, steps
from sensorkit.profile import Cycle, Drift, Noise, Waveform

Floats = NDArray[np.float64]

Kind = Literal["steady", "constant", "counter", "levels", "empty", "short"]

FEWEST = 32
"""Values that are wanted for anything beyond a level and a spread."""
SPARSE = 0.6
"""A channel with fewer values than this share of the grid is looked at by itself."""
ONE_WAY = 0.999
"""Share of changes in one direction that makes a counter."""
RISES = 10
LEVELS = 6
HELD = 0.9
"""A channel that mostly repeats one of so few values switches between them."""
BURSTS = 6.0
BURST_SHARE = 1e-3
"""Gaussian changes beyond six sigmas have a share of 2e-9."""
MOST_BURSTS = 0.05
"""With more of them the rest is not what is usual."""
TREND = 0.5
"""Share of the variance in what is slower than the slowest cycle that can be told."""
ROUNDS = 60
COARSE = 0.5
"""With more repeats than this, rounding is no noise that adds to the rest."""
SURE, FAIR = 100.0, 20.0
"""Independent values that make a mean sure to a tenth, to a quarter of the spread."""
DIGITS = 5


@dataclass(frozen=True)
class Signal:
    """What was learned of the values of a channel."""

    waveform: Waveform
    kind: Kind
    values: int
    """Finite readings."""
    low: float
    high: float
    decimals: int
    independent: float
    """How many independent values say as much about the mean."""
    remarks: tuple[str, ...] = field(default=())
    """What the waveform cannot say, and what is unsure, in clauses."""
    criterion: str = ""

    @property
    def sureness(self) -> str:
        """Return how sure it is, in a word: good, fair, poor."""
        if self.kind == "constant":
            return "good" if self.values >= SURE else "poor"
        if self.kind != "steady" or self.independent < FAIR:
            return "poor"
        return "good" if self.independent >= SURE else "fair"


class Even(NamedTuple):
    """The values of a channel at even distances."""

    values: Floats
    first: int
    """Position of the first on the grid."""
    stride: int
    """Grid positions from one to the next."""
    filled: int
    """How many of them were not there, and are drawn between their neighbours."""


def evenly(values: Floats, positions: NDArray[np.int64]) -> Even:
    """Return the finite *values* of a channel on an even grid, gaps bridged by straight lines.

    A channel that only some frames have is taken at its own, wider distance.
    """
    there = np.flatnonzero(np.isfinite(values))
    at, found = positions[there], values[there]
    first, size = int(at[0]), int(at[-1] - at[0]) + 1
    if len(at) < SPARSE * size:
        stride = max(int(np.median(np.diff(at))), 1)
        return Even(found, first, stride, 0)
    grid = np.interp(np.arange(size), at - first, found)
    return Even(grid, first, 1, size - len(np.unique(at)))


def learn(values: Floats, positions: NDArray[np.int64], *, rate_hz: float, decimals: int) -> Signal:
    """Return the waveform of a channel.

    Parameters
    ----------
    values : array of float64, shape (n,)
        NaN where the channel is missing.
    positions : array of int64, shape (n,)
        Where each stands on the grid of `timing`.
    rate_hz : float
        Of the grid.
    decimals : int
        As on the wire.

    Examples
    --------
    >>> from sensorkit.profile import Profile
    >>> from sensorkit.signals import Waveforms
    >>> voltage = Waveforms(Profile.load("serial_monitor"), seed=1).block(20_000)[:, 1]
    >>> found = learn(voltage, np.arange(20_000), rate_hz=1.0, decimals=2).waveform
    >>> round(found.noise.sigma, 3), round(found.noise.ar1, 1)
    (0.015, 0.3)
    """
    finite = values[np.isfinite(values)]
    n = len(finite)
    if not n:
        nothing = ("no value came; the level is a placeholder",)
        return Signal(Waveform(level=0), "empty", 0, 0.0, 0.0, decimals, 0.0, nothing)
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        level = Waveform(level=low)
        return Signal(level, "constant", n, low, high, decimals, 0.0, ("never moved",))
    if n < FEWEST:
        few = (f"{n} values are too few for more than a level and a spread",)
        waveform = _plain(finite, low, high)
        return Signal(waveform, "short", n, low, high, decimals, float(n), few)
    if (one_way := _one_way(finite)) is not None:
        flat = Waveform(level=_digits(float(np.median(finite)), high - low))
        text = f"only {one_way}, as a counter does: emulated as a constant, its middle value"
        return Signal(flat, "counter", n, low, high, decimals, 0.0, (text,))
    step = steps.find(finite, decimals)
    waveform, rest, remarks = _moving(
        evenly(values, positions), rate_hz, step, steps.last_digit(decimals)
    )
    kind: Kind = "steady"
    if len(np.unique(finite)) <= LEVELS and np.mean(np.diff(finite) == 0) > HELD:
        kind = "levels"
        remarks.insert(0, "switches between a few values: emulated as rounded noise, without them")
    independent = n / max(correlation_time(rest), 1.0)
    return Signal(waveform, kind, n, low, high, decimals, independent, tuple(remarks))


def _plain(values: Floats, low: float, high: float) -> Waveform:
    spread = float(np.std(values / max(abs(low), abs(high)))) * max(abs(low), abs(high))
    noise = Noise(sigma=_short(spread)) if spread > 0 else None
    return Waveform(level=_digits(float(np.median(values)), high - low), noise=noise)


def _moving(
    even: Even, rate_hz: float, step: float | None, last_digit: float
) -> tuple[Waveform, Floats, list[str]]:
    """Return the waveform, what is left beside the cycles, and remarks."""
    x, stride = even.values, even.stride
    # In units of their own size no square over- or underflows.
    unit = float(np.abs(x - np.median(x)).max()) or 1.0
    scaled = (x - np.median(x)) / unit
    repeats = float(np.mean(np.diff(x) == 0))
    rounding = min((step or last_digit) / unit, 1.0)
    floor = 0.0 if repeats > COARSE else rounding**2 / 12
    waves, rest = cycles.find(scaled, floor=floor)
    below = spectrum.fit(rest, floor=floor, most=spectrum.ORDERS[-1] if stride == 1 else 1)
    remarks = _remarks(rest, below, even)
    level = float(np.median(x)) + unit * float((scaled - _sum(waves, len(x))).mean())
    if repeats > COARSE and not waves and below.drift == 0:
        level, sigma = _unrounded(level, unit * math.sqrt(below.noise), step or last_digit)
        below = below._replace(noise=(sigma / unit) ** 2)
    drift = noise = None
    seconds = stride / rate_hz
    if below.drift > 0:
        drift = Drift(
            sigma=_short(unit * math.sqrt(below.drift)),
            time_constant_s=_short(below.time_constant * seconds),
        )
    if below.noise > 0:
        sigma = _short(unit * math.sqrt(below.noise))
        noise = _noise(sigma, below.ar, stride)
        if noise.sigma < 1e-4 * last_digit:
            noise = None
    made = [
        Cycle(
            amplitude=_short(unit * wave.amplitude),
            period_s=float(f"{wave.period * seconds:.6g}"),
            phase=round(_phase(wave, even), 3),
        )
        for wave in waves
    ]
    waveform = Waveform(
        level=_digits(level, unit), drift=drift, cycles=tuple(made), noise=noise, step=step
    )
    return waveform, rest, remarks


def _unrounded(mean: float, sigma: float, step: float) -> tuple[float, float]:
    """Return mean and spread of Gaussian values that have the given ones once they are rounded.

    >>> level, sigma = _unrounded(21.6094, 0.0033, 0.01)
    >>> round(level, 3), round(sigma, 4)
    (21.609, 0.003)
    """
    if sigma > step:  # rounding adds a tenth at most
        return mean, sigma
    level, wanted = mean, sigma
    for _ in range(ROUNDS):
        reach = 6 * sigma + step
        steps = np.arange(math.floor((level - reach) / step), (level + reach) / step + 2)
        edges = [0.5 * math.erfc((level - (k - 0.5) * step) / sigma / math.sqrt(2)) for k in steps]
        share = np.diff(edges)
        values = steps[:-1] * step
        got = float(share @ values) / float(share.sum())
        spread = math.sqrt(float(share @ (values - got) ** 2) / float(share.sum()))
        level += (mean - got) / 2
        sigma *= math.sqrt(wanted / spread) if spread > 0 else 1.2
        sigma = min(sigma, step)
    return level, sigma


def _sum(waves: list[cycles.Wave], n: int) -> Floats:
    t = np.arange(n, dtype=np.float64)
    total = np.zeros(n)
    for wave in waves:
        total += wave.at(t)
    return total


def _phase(wave: cycles.Wave, even: Even) -> float:
    """Return the phase at the first reading of all, within -pi to pi."""
    phase = wave.phase - 2 * math.pi * even.first / (wave.period * even.stride)
    return math.remainder(phase, 2 * math.pi)


def _noise(sigma: float, ar: tuple[float, ...], stride: int) -> Noise:
    """Return the noise, a reading being the distance; see `evenly`."""
    if len(ar) > 1:
        rounded = tuple(round(a, 6) for a in ar)
        if spectrum.largest_root(np.array(rounded)) < 1:
            return Noise(sigma=sigma, ar=rounded)
        return Noise(sigma=sigma, ar=tuple(ar))
    first = ar[0] if ar else 0.0
    if stride > 1:
        first = max(first, 0.0) ** (1 / stride)
    return Noise(sigma=sigma, ar1=round(first, 4))


def _one_way(values: Floats) -> str | None:
    """Return whether values only rise or fall, over and over; a reset does not count."""
    changes = np.diff(values)
    for word, sign in (("rises", 1), ("falls", -1)):
        up, down = (changes * sign > 0).sum(), (changes * sign < 0).sum()
        if up >= RISES and down <= (1 - ONE_WAY) * len(changes):
            return word
    return None


def _remarks(rest: Floats, below: spectrum.Background, even: Even) -> list[str]:
    found = []
    n = len(rest)
    power = spectrum.periodogram(rest)[1:]
    if n >= FEWEST and power[: cycles.SEEN - 1].sum() > TREND * power.sum():
        found.append(
            "most of what it does beside its cycles takes as long as the recording: a trend, or a "
            f"cycle seen less than {cycles.SEEN} times; emulated as slow noise"
        )
    elif below.drift > 0 and below.time_constant > 0.99 * spectrum.LONGEST_DRIFT * n:
        found.append(
            "wanders more slowly than the recording is long: how far it goes in the end is a guess"
        )
    changes = np.diff(rest)
    usual = 1.4826 * float(np.median(np.abs(changes - np.median(changes))))
    if usual > 0:
        share = float(np.mean(np.abs(changes) > BURSTS * usual))
        if share > MOST_BURSTS:
            found.append("moves and rests by turns: emulated as even noise, which does not")
        elif share > BURST_SHARE:
            found.append(
                f"{share:.1%} of its changes are jumps: emulated as even noise, without them"
            )
    if even.filled > 0.01 * n:
        found.append(f"{even.filled / n:.0%} of its values are missing and were bridged")
    return found


def correlation_time(x: Floats) -> float:
    """Return for how many readings one independent value stands: 1 + 2 sum of correlations.

    The sum ends where it is a fifth of the lag (Sokal's window), so that chance does not add up.

    >>> correlation_time(np.random.default_rng(1).standard_normal(1000)) < 1.2
    True
    """
    rho = autocorrelation(x)
    times = 1 + 2 * np.cumsum(rho[1:])
    lags = np.arange(1, len(times) + 1)
    enough = np.flatnonzero(lags >= 5 * times)
    return max(float(times[enough[0]] if len(enough) else times.max(initial=1.0)), 1.0)


def autocorrelation(x: Floats) -> Floats:
    """Return the correlations of *x* at lags 0 to n/2."""
    n = len(x)
    centred = x - x.mean()
    size = 1 << (2 * n - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance: Floats = np.fft.irfft(power, size)[: max(n // 2, 1)]
    return covariance / covariance[0] if covariance[0] > 0 else np.ones_like(covariance)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _digits(value: float, width: float) -> float:
    """Return *value* to a ten-thousandth of *width*."""
    if not 0 < width < math.inf:
        return value
    return round(value, max(4 - math.floor(math.log10(width)), 0) if width < 1e15 else 0)
