"""What sizes of a kind of fault are tried: in the unit of a channel, factors, seconds, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import UsageError
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.faults import Fault
from sensorkit.faults.base import KINDS, Kind, SignalKind, TransportKind, size_unit
from sensorkit.nearest import unknown
from sensorkit.profile import Channel, Profile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_FACTOR = 1e4
"""A channel whose zero is so close to its level that faults of the grid are larger has no grid."""

LONGEST_ROWS = 2**31
"""Readings that a fault is taken to last at most: more than anybody has."""


def silences(kind: Kind) -> bool:
    """Return whether readings are missing while the fault lasts."""
    if not isinstance(kind, TransportKind) or kind.delays:
        return False
    return not kind.needs_bytes or kind.unplugs


def find_kind(name: str) -> Kind:
    """Return the kind of fault called *name*, if its faults can be found in readings.

    Raises
    ------
    UsageError
        If there is none, or it only changes bytes, which readings no longer have.

    Examples
    --------
    >>> find_kind("bias").name
    'bias'
    """
    if name not in KINDS:
        raise UsageError(f"detectability: {unknown('kind of fault', name, KINDS)}")
    kind = KINDS[name]
    if not (isinstance(kind, SignalKind) or silences(kind)):
        able = ", ".join(n for n, k in KINDS.items() if isinstance(k, SignalKind) or silences(k))
        if isinstance(kind, TransportKind) and kind.delays:
            raise UsageError(
                f"detectability: a {name} changes when readings come and not what they say; kinds "
                f"that can be measured are {able}"
            )
        raise UsageError(
            f"detectability: a {name} acts on the bytes of frames, and leaves readings as they "
            f"are or rejects them; kinds that can be measured are {able}"
        )
    return kind


@dataclass(frozen=True, eq=False)
class Sizes:
    """The sizes of one kind of fault that are tried on one channel.

    Attributes
    ----------
    size : array of float, shape (n_sizes,)
        Rising; in *unit*. Factors are above 1, and stand for their reciprocals as well.
    sigma : float or None
        Units in one robust sigma of the channel; None where the size is no value.
    rows : array of int, shape (n_sizes,)
        Readings that each one lasts.
    """

    kind: Kind
    channel: str | None
    unit: str
    size: Floats
    sigma: float | None
    rows: Ints
    period_s: float

    @property
    def shown_while_it_lasts(self) -> bool:
        """Return whether there are readings of the fault, over some time."""
        return isinstance(self.kind, SignalKind) and not self.kind.momentary

    @classmethod
    def of_value(
        cls,
        kind: Kind,
        channel: str | None,
        unit: str,
        size: Floats,
        *,
        sigma: float | None,
        duration: int,
        period_s: float,
    ) -> Sizes:
        """Return faults that differ in magnitude; a momentary kind lasts one reading."""
        rows = np.full(len(size), 1 if kind.momentary else duration, dtype=np.int64)
        return cls(kind, channel, unit, size, sigma, rows, period_s)

    @classmethod
    def of_duration(cls, kind: Kind, channel: str | None, rows: Ints, *, period_s: float) -> Sizes:
        """Return faults that differ in how many readings they last."""
        rows = np.unique(np.maximum(rows, 1))
        size: Floats = rows.astype(np.float64) * period_s
        return cls(kind, channel, "s", size, None, rows, period_s)

    @property
    def by_duration(self) -> bool:
        """Return whether the size is how long a fault lasts."""
        return self.kind.magnitude is None

    @property
    def momentary(self) -> bool:
        """Return whether a fault is one reading, whatever its size."""
        return self.kind.momentary and not self.by_duration

    @property
    def duration_s(self) -> float | None:
        """Return how long each fault lasts; None where it is momentary, or that is its size."""
        if self.by_duration or self.momentary:
            return None
        return float(self.rows[0] * self.period_s)

    @property
    def neutral(self) -> float:
        """Return the size that changes nothing: what sizes are measured from."""
        return 0.0 if self.kind.magnitude is None else self.kind.magnitude.neutral

    def magnitude(self, k: int, repeat: int) -> float | None:
        """Return the magnitude of a fault; up and down in turns where the kind has a sign.

        A factor goes down as its reciprocal.
        """
        if self.kind.magnitude is None:
            return None
        if self.kind.magnitude.unit == "factor":
            return float(rounded([1.0 / self.size[k]])[0] if repeat % 2 else self.size[k])
        down = self.kind.magnitude.signed and repeat % 2 == 1
        return -float(self.size[k]) if down else float(self.size[k])

    def fault(self, k: int, repeat: int, start_s: float | None = None) -> Fault:
        """Return the fault as a plan has it.

        It ends half a period early, so that it covers the same number of readings however their
        times jitter.
        """
        lasts = None if self.momentary else float((self.rows[k] - 0.5) * self.period_s)
        return Fault(
            kind=self.kind.name,
            channel=self.channel,
            start_s=start_s,
            duration_s=lasts,
            magnitude=self.magnitude(k, repeat),
        )


@dataclass(frozen=True)
class SizeMaker:
    """What sizes of faults on a channel are made from.

    Attributes
    ----------
    period_s : float
        The usual time between readings.
    duration : int
        Readings that a fault lasts whose size is none.
    sigma : float or None
        Units in one robust sigma of the channel.
    level : float or None
        The median of the channel.
    limits : DetectabilityGrid
        Of the grid.
    """

    period_s: float
    duration: int
    profile: Profile | None = None
    sigma: float | None = None
    level: float | None = None
    limits: DetectabilityGrid = field(default_factory=DetectabilityGrid)

    def grid(self, kind: Kind, channel: str | None) -> Sizes | None:
        """Return the grid of sizes of a kind; None where its channel has no sigma, or no level.

        A factor is chosen so that it moves the channel's level by the sigmas of the grid; a delay
        is as many readings as a fault of the grid may last.
        """
        limits = self.limits
        if kind.magnitude is None:
            rows = log_rows(limits.longest, limits.sizes)
            return Sizes.of_duration(kind, channel, rows, period_s=self.period_s)
        if kind.magnitude.unit == "seconds":
            late: Floats = log_rows(limits.longest, limits.sizes).astype(np.float64)
            return self._of_value(kind, channel, rounded(late * self.period_s))
        if not self.sigma:
            return None
        if kind.magnitude.unit == "factor":
            level = abs(self.level or 0.0)
            if self.sigma * limits.largest_sigma > MOST_FACTOR * level:
                return None
            shares = (self.sigma / level, limits.smallest_sigma, limits.largest_sigma)
            return self._of_value(kind, channel, rounded(1.0 + log_sizes(*shares, limits.sizes)))
        size = log_sizes(self.sigma, limits.smallest_sigma, limits.largest_sigma, limits.sizes)
        return self._of_value(kind, channel, size)

    def given(self, kind: Kind, channel: str | None, magnitudes: Sequence[float]) -> Sizes:
        """Return the sizes that were asked for."""
        size = _sizes(magnitudes)
        if kind.magnitude is not None:
            if size[0] <= kind.magnitude.neutral:
                raise UsageError(
                    f"detectability: the smallest {kind.name} asked for is {size[0]:g}; factors "
                    "above 1 are wanted (those below go with them by themselves)"
                )
            return self._of_value(kind, channel, np.unique(rounded(size)))
        rows = np.rint(np.minimum(size / self.period_s, LONGEST_ROWS)).astype(np.int64)
        if rows[0] < 1:
            raise UsageError(
                f"detectability: the shortest {kind.name} asked for lasts {size[0]:g} s, and there "
                f"is a reading every {self.period_s:g} s; at least half of that is wanted"
            )
        return Sizes.of_duration(kind, channel, rows, period_s=self.period_s)

    def _of_value(self, kind: Kind, channel: str | None, size: Floats) -> Sizes:
        assert kind.magnitude is not None  # noqa: S101 - those without were sorted out
        known = profile_channel(self.profile, channel)
        in_channel = kind.magnitude.unit == "channel"
        unit = size_unit(kind.name, "" if known is None else known.unit)
        return Sizes.of_value(
            kind,
            channel,
            unit,
            size,
            sigma=(self.sigma or None) if in_channel else None,
            duration=self.duration,
            period_s=self.period_s,
        )


def _sizes(magnitudes: Sequence[float]) -> Floats:
    """Return what was asked for, rising, each once."""
    try:
        size = np.unique(np.asarray(magnitudes, dtype=np.float64))
    except (TypeError, ValueError):
        size = np.empty(0)
    if not len(size) or not (np.isfinite(size) & (size > 0)).all():
        raise UsageError(
            f"detectability: magnitudes are {magnitudes!r}; numbers above 0 are wanted "
            "(the sign goes up and down by itself)"
        )
    return size


def profile_channel(profile: Profile | None, name: str | None) -> Channel | None:
    """Return the channel that a profile calls *name*; None if it knows none."""
    for channel in () if profile is None else profile.channels:
        if channel.name == name:
            return channel
    return None


def log_rows(longest: int, count: int) -> Ints:
    """Return *count* durations from 1 reading to *longest*, evenly on a log scale.

    Fewer where two would be the same whole number.

    Examples
    --------
    >>> log_rows(240, 8).tolist()
    [1, 2, 5, 10, 23, 50, 110, 240]
    """
    return np.unique(np.rint(np.geomspace(1, longest, count)).astype(np.int64))


def log_sizes(sigma: float, smallest: float, largest: float, count: int) -> Floats:
    """Return *count* sizes, evenly on a log scale, of a channel whose sigma is *sigma*."""
    return rounded(sigma * np.geomspace(smallest, largest, count))


def rounded(sizes: Floats | Sequence[float]) -> Floats:
    """Return sizes with nine digits, more than any sensor has."""
    return np.array([float(f"{size:.9g}") for size in sizes])
