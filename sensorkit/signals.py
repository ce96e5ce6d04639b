"""What a healthy device measures, and the operating states it goes through."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Channel, Noise, Profile, State, Waveform

# Readings made at a time. A fixed size: whatever the caller cuts off, the arithmetic behind it
# runs over the same arrays, so not even the last bit depends on the cut.
BLOCK = 4096

# First number in the spawn keys, so that waveforms, states and faults never share a stream.
WAVEFORM_STREAMS, STATE_STREAM = 0, 2

FOREVER = 1 << 62


def healthy_sigma(waveform: Waveform) -> float:
    """Return the standard deviation of a healthy channel: drift, cycles and noise together.

    The counterpart of `faults.robust_sigma` where there is a profile instead of a recording.
    """
    variance = sum(cycle.amplitude**2 / 2 for cycle in waveform.cycles)
    variance += waveform.drift.sigma**2 if waveform.drift else 0.0
    variance += waveform.noise.sigma**2 if waveform.noise else 0.0
    return math.sqrt(variance)


def quantize(values: NDArray[np.float64], channel: Channel) -> NDArray[np.float64]:
    """Round to what the sensor can tell (step) and its frame can say (decimals).

    The result equals, to the bit, what is read back from the text with that many decimals.

    Examples
    --------
    >>> channel = Channel(name="T", decimals=2, waveform=Waveform(level=0, step=0.05))
    >>> quantize(np.array([25.1349, -0.001]), channel).tolist()
    [25.15, 0.0]
    """
    if channel.waveform is not None and channel.waveform.step is not None:
        values = np.rint(values / channel.waveform.step) * channel.waveform.step
    # Adding 0 turns -0.0 into 0.0: no sensor says "-0.00".
    rounded: NDArray[np.float64] = np.round(values, channel.decimals) + 0.0
    return rounded


class _Autoregressive:
    """Gaussian noise x[k] = a1 x[k-1] + ... + ap x[k-p] + b e[k], settled from the start.

    The first values are drawn from the covariance that the Yule-Walker equations give.
    """

    def __init__(self, noise: Noise, rng: np.random.Generator) -> None:
        from scipy.signal import lfilter, lfiltic  # a third of a second that few profiles need

        coefficients = np.array(noise.coefficients)
        order = len(coefficients)
        covariance = _autocovariance(coefficients)
        self._b = noise.sigma / math.sqrt(covariance[0])
        self._rng = rng
        self._polynomial = np.concatenate([[1.0], -coefficients])
        places = np.arange(order)
        steady = covariance[np.abs(places[:, None] - places)]
        first = self._b * np.linalg.cholesky(steady) @ rng.standard_normal(order)
        self._filter = lfilter
        self._state = lfiltic([1.0], self._polynomial, first)

    def block(self, n: int) -> NDArray[np.float64]:
        """Return the next *n* values."""
        shocks = self._b * self._rng.standard_normal(n)
        values, self._state = self._filter([1.0], self._polynomial, shocks, zi=self._state)
        return np.asarray(values)


def _autocovariance(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariances at lags 0 to p of an AR(p) process whose shocks have variance 1."""
    order = len(coefficients)
    system = np.eye(order + 1)
    for lag in range(order + 1):
        for i, a in enumerate(coefficients, start=1):
            system[lag, abs(lag - i)] -= a
    found: NDArray[np.float64] = np.linalg.solve(system, np.eye(order + 1)[0])
    return found


class _FirstOrder:
    """A Gaussian process x[k] = a x[k-1] + b e[k] that is in its steady state from the start."""

    def __init__(self, sigma: float, correlation: float, rng: np.random.Generator) -> None:
        self._a = correlation
        self._b = sigma * math.sqrt(1.0 - correlation**2)
        self._rng = rng
        self._last = sigma * float(rng.standard_normal())

    def block(self, n: int) -> NDArray[np.float64]:
        """Return the next *n* values."""
        a = self._a
        shocks = (self._b * self._rng.standard_normal(n)).tolist()
        # A plain loop in the order of time: the same last bit on every machine and for every n.
        values = list(accumulate(shocks, lambda x, shock: a * x + shock, initial=self._last))
        self._last = values[-1]
        return np.array(values[1:])


class Waveforms:
    """The healthy signal of every channel: level + drift + cycles + noise.

    Drift is an Ornstein-Uhlenbeck process [1]_ in its exact discretisation, noise an
    autoregressive process; both begin in their steady state. Every channel and component draws
    from a stream of its own, so that a channel added to the end of a profile changes none before
    it.

    Parameters
    ----------
    profile : Profile
        Every channel needs a waveform.
    seed : int
        Same seed, same signal.
    rate_hz : float, optional
        Readings a second; the profile's where not given.

    Raises
    ------
    ProfileError
        If a channel has no waveform.

    References
    ----------
    .. [1] D. T. Gillespie, "Exact numerical simulation of the Ornstein-Uhlenbeck process and
       its integral", Phys. Rev. E 54 (1996) 2084.

    Examples
    --------
    >>> waveforms = Waveforms(Profile.load("serial_monitor"), seed=1)
    >>> waveforms.block(3).shape
    (3, 2)
    """

    def __init__(self, profile: Profile, seed: int = 0, *, rate_hz: float | None = None) -> None:
        self._channels = profile.channels
        self._period = 1.0 / (rate_hz or profile.rate_hz)
        self._done = 0
        self._buffer = np.empty((0, len(profile.channels)))
        self._waveforms: list[Waveform] = []
        self._processes: list[list[_FirstOrder | _Autoregressive]] = []
        for index, channel in enumerate(profile.channels):
            if channel.waveform is None:
                raise ProfileError(
                    f"profile {profile.name!r}: channel {channel.name!r} has no waveform, so it "
                    "cannot be emulated; give it one, at least `waveform: {level: 0}`"
                )
            drift, noise = (
                np.random.default_rng(
                    np.random.SeedSequence(seed, spawn_key=(WAVEFORM_STREAMS, index, component))
                )
                for component in range(2)
            )
            self._waveforms.append(channel.waveform)
            self._processes.append(list(self._processes_of(channel.waveform, drift, noise)))

    def _processes_of(
        self, waveform: Waveform, drift: np.random.Generator, noise: np.random.Generator
    ) -> list[_FirstOrder | _Autoregressive]:
        processes: list[_FirstOrder | _Autoregressive] = []
        if waveform.drift is not None:
            correlation = math.exp(-self._period / waveform.drift.time_constant_s)
            processes.append(_FirstOrder(waveform.drift.sigma, correlation, drift))
        if waveform.noise is not None and waveform.noise.ar:
            processes.append(_Autoregressive(waveform.noise, noise))
        elif waveform.noise is not None:
            processes.append(_FirstOrder(waveform.noise.sigma, waveform.noise.ar1, noise))
        return processes

    def block(self, n: int, shift: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the next *n* readings as the sensor tells them.

        Parameters
        ----------
        n : int
        shift : array of float64, shape (n, n_channels), optional
            Added before the values are quantized: what an operating state does to them.

        Returns
        -------
        array of float64, shape (n, n_channels)
            Column-major. The same values however they are cut into blocks.
        """
        pieces = [self._buffer]
        have = len(self._buffer)
        while have < n:
            pieces.append(self._analog())
            have += BLOCK
        analog = np.concatenate(pieces)
        self._buffer = analog[n:]
        values = np.empty((n, len(self._channels)), order="F")
        for column, channel in enumerate(self._channels):
            signal = analog[:n, column]
            if shift is not None:
                signal = signal + shift[:, column]
            values[:, column] = quantize(signal, channel)
        return values

    def _analog(self) -> NDArray[np.float64]:
        """Return the next BLOCK readings before they are quantized."""
        seconds = np.arange(self._done, self._done + BLOCK) * self._period
        self._done += BLOCK
        values = np.empty((BLOCK, len(self._channels)))
        for column, (waveform, processes) in enumerate(
            zip(self._waveforms, self._processes, strict=True)
        ):
            signal = np.full(BLOCK, waveform.level)
            for cycle in waveform.cycles:
                angle = 2 * np.pi * seconds / cycle.period_s + cycle.phase
                signal += cycle.amplitude * np.sin(angle)
            for process in processes:
                signal += process.block(BLOCK)
            values[:, column] = signal
        return values


class Stay(NamedTuple):
    """A stay of the device in one of its states, in readings [start, stop)."""

    state: str
    start: int
    stop: int
    shift: NDArray[np.float64]
    """Offset of each channel in the reading before it, shape (n_channels,)."""


class States:
    """The state machine of a profile: how long in which state, and what that does.

    The time in a state is its shortest time plus an exponential, so that it has the mean of the
    profile. Offsets are approached exponentially with the `settle_s` of the state entered.

    Parameters
    ----------
    profile : Profile
    seed : int
    rate_hz : float, optional
        Readings a second; the profile's where not given.
    hold : str, optional
        Stay in this state for ever.

    Raises
    ------
    ProfileError
        If there is no state *hold*.
    """

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        *,
        rate_hz: float | None = None,
        hold: str | None = None,
    ) -> None:
        if hold is not None and hold not in profile.states:
            raise ProfileError(
                f"profile {profile.name!r} has no state {hold!r} to hold; "
                f"it has {', '.join(profile.states) or 'none'}"
            )
        self._states = profile.states
        self._channels = profile.channel_names
        self._rate = rate_hz or profile.rate_hz
        self._held = hold is not None
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STATE_STREAM,)))
        self._end_s = 0.0
        self._stays: list[Stay] = []
        self._enter(hold or next(iter(profile.states), None), 0, np.zeros(len(self._channels)))

    @property
    def usual(self) -> str | None:
        """Return the first state, the healthy one."""
        return next(iter(self._states), None)

    def until(self, stop: int) -> list[Stay]:
        """Return the stays that begin before reading *stop*, in order."""
        while self._stays[-1].stop < stop:
            last = self._stays[-1]
            successors = self._states[last.state].next
            weights = np.array(list(successors.values()))
            choice = self._rng.choice(len(weights), p=weights / weights.sum())
            shift = self._shift(last, np.array([last.stop - 1]))[0]
            self._enter(list(successors)[choice], last.stop, shift)
        return [stay for stay in self._stays if stay.start < stop]

    def block(self, start: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return offsets, shape (n, n_channels), and silence, shape (n,), of *n* readings."""
        shift = np.zeros((n, len(self._channels)))
        silent = np.zeros(n, dtype=np.bool_)
        for stay in self.until(start + n):
            low, high = max(stay.start, start), min(stay.stop, start + n)
            if low < high:
                shift[low - start : high - start] = self._shift(stay, np.arange(low, high))
                silent[low - start : high - start] = self._state(stay).silent
        return shift, silent

    def _state(self, stay: Stay) -> State:
        return self._states.get(stay.state) or State(dwell_s=(1, 1), next={})

    def _enter(self, name: str | None, start: int, shift: NDArray[np.float64]) -> None:
        """Begin a stay at reading *start* and draw how long it lasts."""
        if name is None or self._held or not self._states[name].next:
            self._stays.append(Stay(name or "", start, FOREVER, shift))
            return
        shortest, mean = self._states[name].dwell_s
        self._end_s += shortest + max(mean - shortest, 0.0) * self._rng.standard_exponential()
        stop = max(math.ceil(self._end_s * self._rate), start)
        self._stays.append(Stay(name, start, stop, shift))

    def _shift(self, stay: Stay, readings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the offsets in *readings* of one stay, shape (len(readings), n_channels)."""
        state = self._state(stay)
        target = np.array([state.shift.get(name, 0.0) for name in self._channels])
        if state.settle_s == 0:
            return np.tile(target, (len(readings), 1))
        passed = (readings - stay.start + 1)[:, None] / (self._rate * state.settle_s)
        shift: NDArray[np.float64] = target + (stay.shift - target) * np.exp(-passed)
        return shift
