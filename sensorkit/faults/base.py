"""What a kind of fault is: its layer, what its magnitude means, and what it does to a stretch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Layer = Literal["signal", "transport"]

MOST_HISTORY = 100_000
"""Readings before a fault that a kind may ask for at most: what an emulated device has to keep."""

WHOLE_UNITS = ("bits", "bytes")


@dataclass(frozen=True)
class Magnitude:
    """What the magnitude of a kind of fault means, and which numbers it may be."""

    meaning: str
    unit: Literal["channel", "bits", "bytes", "factor", "seconds"]
    """`channel` is the unit of the channel, and may then be given in robust sigmas instead."""
    required: bool = True
    default: float | None = None
    """What stands for one that is not given; None leaves it to the kind."""
    signed: bool = True
    """Whether a negative one makes sense."""
    most: float = math.inf
    """The largest that makes sense; of a factor, its reciprocal is the smallest."""

    @property
    def neutral(self) -> float:
        """Return the magnitude that changes nothing."""
        return 1.0 if self.unit == "factor" else 0.0

    @property
    def whole(self) -> bool:
        """Return whether it is counted."""
        return self.unit in WHOLE_UNITS


class Kind(ABC):
    """A kind of fault. A new one is one subclass in `on_values` or `on_bytes`, nothing else.

    The first line of its docstring is what `docs/faults.md` and error messages say about it.
    """

    name: ClassVar[str]
    layer: ClassVar[Layer]
    magnitude: ClassVar[Magnitude | None] = None
    """None: the kind takes none, and its size is its duration."""
    gradual: ClassVar[bool] = False
    """Whether `onset: gradual` makes sense."""
    momentary: ClassVar[bool] = False
    """Whether it may go without a duration: one reading."""
    fewest: ClassVar[int] = 1
    """Readings or frames that it takes: of fewer it changes nothing."""
    takes_value: ClassVar[bool] = False
    """Whether `value:` (absolute) may be given."""
    takes_period: ClassVar[bool] = False
    """Whether `period_s:` may be given."""
    needs_company: ClassVar[bool] = False
    """Whether it can only be seen beside other channels."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            KINDS[cls.name] = cls()

    @property
    def summary(self) -> str:
        """Return what the kind does, in one sentence."""
        return (type(self).__doc__ or "").partition("\n")[0]

    @property
    def one(self) -> str:
        """Return the name with its article, as a sentence has it.

        >>> from sensorkit.faults import KINDS
        >>> KINDS["oscillation"].one, KINDS["gain"].one
        ('an oscillation', 'a gain')
        """
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"


KINDS: dict[str, Kind] = {}
"""Every kind there is, by the name that a plan uses."""


def size_unit(kind: str, channel_unit: str = "") -> str:
    """Return the unit of the magnitude of a kind of fault, as it is shown beside a number.

    >>> size_unit("drift", "degC"), size_unit("gain", "degC"), size_unit("lag", "degC")
    ('degC', 'factor', 's')
    """
    known = KINDS.get(kind)
    if known is None or known.magnitude is None or known.magnitude.unit == "channel":
        return channel_unit
    return "s" if known.magnitude.unit == "seconds" else known.magnitude.unit


@dataclass(frozen=True, eq=False)
class Stretch:
    """The readings of one channel that a fault covers, and what the plan says of the fault.

    Attributes
    ----------
    values : array of float64, shape (n,)
        NaN where the channel is missing.
    progress : array of float64, shape (n,)
        How much of the fault has passed with each reading; rises to 1 at the last one.
    weight : array of float64, shape (n,)
        1 throughout for an abrupt onset; rises to 1 over the first half for a gradual one.
    before : float
        The channel in the last reading before the fault that had it; NaN if none had.
    magnitude : float
        In the unit of the channel; NaN where the kind takes none.
    value : float or None
        The absolute value of the plan.
    rng : numpy.random.Generator
        The stream of this fault alone.
    history : array of float64, shape (m,)
        The channel in the readings right before the fault, the newest last, NaN where it is
        missing: as many as `SignalKind.reach` asks for, fewer where there are no more.
    step_s : float
        The usual time between readings.
    elapsed_s : array of float64, shape (n,)
        Seconds since the fault began, counted from one step before its first reading.
    period_s : float or None
        That of the plan.
    """

    values: NDArray[np.float64]
    progress: NDArray[np.float64]
    weight: NDArray[np.float64]
    before: float
    magnitude: float
    value: float | None
    rng: np.random.Generator
    history: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    step_s: float = 1.0
    elapsed_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    period_s: float | None = None

    @property
    def first(self) -> float:
        """Return the first value that is not missing; NaN if all are."""
        there = self.values[~np.isnan(self.values)]
        return float(there[0]) if len(there) else float("nan")


class SignalKind(Kind):
    """A fault of the sensor: it changes values."""

    layer = "signal"

    def reach(self, magnitude: float | None, step_s: float) -> int:  # noqa: ARG002 - of others
        """Return how many readings before the fault it wants to know, at most `MOST_HISTORY`.

        Parameters
        ----------
        magnitude : float or None
            In the unit of the kind.
        step_s : float
            The usual time between readings.
        """
        return 0

    @abstractmethod
    def distort(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the values the faulty sensor gives, shape (n,)."""


@dataclass(frozen=True, eq=False)
class Passage:
    """The frames that pass while a fault of the line lasts.

    Attributes
    ----------
    frames : sequence of bytes
        With their line ends.
    magnitude : float or None
        In the unit of the kind; None leaves it to the kind.
    rng : numpy.random.Generator
        The stream of this fault alone.
    """

    frames: Sequence[bytes]
    magnitude: float | None
    rng: np.random.Generator


class TransportKind(Kind):
    """A fault of the line: it changes the bytes of frames and knows nothing of values."""

    layer = "transport"
    needs_bytes: ClassVar[bool] = True
    """Whether it can only be shown on the bytes of frames, not on readings."""
    live: ClassVar[bool] = False
    """Whether it acts on the link or the device itself: only an emulated one can have it."""
    unplugs: ClassVar[bool] = False
    """Whether the port is gone while it lasts."""
    restarts: ClassVar[bool] = False
    """Whether the device starts anew when it is over."""
    delays: ClassVar[bool] = False
    """Whether it changes when frames arrive, by `distort_times`."""

    @abstractmethod
    def distort(self, passage: Passage) -> list[bytes]:
        """Return what arrives in the place of each frame, line ends included; `b""`: nothing."""

    def distort_times(
        self,
        times_ns: NDArray[np.int64],
        passage: Passage,  # noqa: ARG002 - of those that delay
    ) -> NDArray[np.int64]:
        """Return when the frames of *passage* arrive that would have come at *times_ns*.

        Never earlier, and never before a frame that was sent before them.
        """
        return times_ns
