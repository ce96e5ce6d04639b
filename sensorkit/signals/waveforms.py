"""What a healthy device measures: the waveforms of its channels, and what it goes through."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Channel, Profile, Waveform
from sensorkit.signals.dynamics import Conditions, Disturbances, healthy_variance
from sensorkit.signals.noise import Autoregressive, FirstOrder
from sensorkit.signals.streams import BLOCK, FIRST_UNIT, WAVEFORM_STREAMS, stream
from sensorkit.signals.wear import Lives

# Last number in the spawn key of a channel's streams.
DRIFT, NOISE, OFFSET = range(3)


def healthy_sigma(waveform: Waveform) -> float:
    """Return the standard deviation of a healthy waveform: drift, cycles and noise together."""
    variance = sum(cycle.amplitude**2 / 2 for cycle in waveform.cycles)
    variance += waveform.drift.sigma**2 if waveform.drift else 0.0
    variance += waveform.noise.sigma**2 if waveform.noise else 0.0
    return math.sqrt(variance)


def healthy_sigmas(profile: Profile) -> dict[str, float]:
    """Return the standard deviation of each channel of a healthy unit over a long time.

    That of its waveform, and what disturbances and operating conditions add. Not counted are
    what is not healthy (states, wear) and what does not move within a unit (`unit_sigma`). The
    counterpart of `faults.robust_sigma` where there is a profile instead of a recording.

    Examples
    --------
    >>> round(healthy_sigmas(Profile.load("serial_monitor"))["temperature"], 3)
    1.05
    """
    return {
        channel.name: math.hypot(
            healthy_sigma(channel.waveform), math.sqrt(healthy_variance(profile, channel.name))
        )
        for channel in profile.channels
        if channel.waveform is not None
    }


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


class Waveforms:
    """The signal of every channel of one unit: level + drift + cycles + noise, and what it bears.

    Drift is an Ornstein-Uhlenbeck process [1]_ in its exact discretisation, noise an
    autoregressive process; both begin in their steady state. Every channel and component draws
    from a stream of its own, so that a channel added to the end of a profile changes none before
    it. On top come the disturbances and the operating conditions of the profile, and wear.

    Parameters
    ----------
    profile : Profile
        Every channel needs a waveform.
    seed : int
        Same seed, same signal.
    rate_hz : float, optional
        Readings a second; the profile's where not given.
    unit : int
        From 1. Units share the disturbances and nothing else.
    lives : Lives, optional
        Of this unit; it does not wear where not given.

    Raises
    ------
    ProfileError
        If a channel has no waveform, or something comes far more often than readings.

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

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        *,
        rate_hz: float | None = None,
        unit: int = FIRST_UNIT,
        lives: Lives | None = None,
    ) -> None:
        self._channels = profile.channels
        rate = rate_hz or profile.rate_hz
        self._period = 1.0 / rate
        self._done = 0
        self._buffer = np.empty((0, len(profile.channels)))
        self._signals = [
            _Signal(profile, channel, index, seed, self._period, unit)
            for index, channel in enumerate(profile.channels)
        ]
        self._disturbances = Disturbances(profile, seed, rate_hz=rate, unit=unit)
        self._conditions = Conditions(profile, seed, rate_hz=rate, unit=unit)
        self._lives = lives

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
        if len(self._buffer) < n:
            pieces = [self._buffer]
            have = len(self._buffer)
            while have < n:
                pieces.append(self._analog())
                have += BLOCK
            self._buffer = np.concatenate(pieces)
        analog, self._buffer = self._buffer[:n], self._buffer[n:]
        values = np.empty((n, len(self._channels)), order="F")
        for column, channel in enumerate(self._channels):
            signal = analog[:, column]
            if shift is not None:
                signal = signal + shift[:, column]
            values[:, column] = quantize(signal, channel)
        return values

    def _analog(self) -> NDArray[np.float64]:
        """Return the next BLOCK readings before they are quantized."""
        first, self._done = self._done, self._done + BLOCK
        seconds = np.asarray(np.arange(first, first + BLOCK) * self._period, dtype=np.float64)
        values = np.empty((BLOCK, len(self._channels)))
        for column, signal in enumerate(self._signals):
            values[:, column] = signal.block(seconds)
        self._disturbances.add_to(values, seconds)
        self._conditions.add_to(values, first)
        if self._lives is not None:
            self._lives.add_to(values, first)
        return values


class _Signal:
    """The waveform of one channel."""

    def __init__(
        self, profile: Profile, channel: Channel, index: int, seed: int, period: float, unit: int
    ) -> None:
        waveform = channel.waveform
        if waveform is None:
            raise ProfileError(
                f"profile {profile.name!r}: channel {channel.name!r} has no waveform, so it "
                "cannot be emulated; give it one, at least `waveform: {level: 0}`"
            )
        drift, noise, offset = (
            stream(seed, WAVEFORM_STREAMS, index, component, unit=unit)
            for component in (DRIFT, NOISE, OFFSET)
        )
        self._level = waveform.level
        if waveform.unit_sigma:
            self._level += waveform.unit_sigma * float(offset.standard_normal())
        self._cycles = waveform.cycles
        self._processes: list[FirstOrder | Autoregressive] = []
        if waveform.drift is not None:
            correlation = math.exp(-period / waveform.drift.time_constant_s)
            self._processes.append(FirstOrder(waveform.drift.sigma, correlation, drift))
        if waveform.noise is not None and waveform.noise.ar:
            self._processes.append(Autoregressive(waveform.noise, noise))
        elif waveform.noise is not None:
            self._processes.append(FirstOrder(waveform.noise.sigma, waveform.noise.ar1, noise))

    def block(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signal at *seconds*, the next readings."""
        signal = np.full(len(seconds), self._level)
        for cycle in self._cycles:
            angle = 2 * np.pi * seconds / cycle.period_s + cycle.phase
            signal += cycle.amplitude * np.sin(angle)
        for process in self._processes:
            signal += process.block(len(seconds))
        return signal
