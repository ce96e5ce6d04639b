"""What a kind of fault is: its layer, what its magnitude means, and what it does to a stretch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Layer = Literal["signal", "transport"]


@dataclass(frozen=True)
class Magnitude:
    """What the magnitude of a kind of fault means, and which numbers it may be."""

    meaning: str
    unit: Literal["channel", "bits", "bytes"]
    """`channel` is the unit of the channel, and may then be given in robust sigmas instead."""
    required: bool = True
    default: float | None = None
    """What stands for one that is not given; None leaves it to the kind."""
    signed: bool = True
    """Whether a negative one makes sense."""


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
    takes_value: ClassVar[bool] = False
    """Whether `value:` (absolute) may be given."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            KINDS[cls.name] = cls()

    @property
    def summary(self) -> str:
        """Return what the kind does, in one sentence."""
        return (type(self).__doc__ or "").partition("\n")[0]


KINDS: dict[str, Kind] = {}
"""Every kind there is, by the name that a plan uses."""


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
    """

    values: NDArray[np.float64]
    progress: NDArray[np.float64]
    weight: NDArray[np.float64]
    before: float
    magnitude: float
    value: float | None
    rng: np.random.Generator

    @property
    def first(self) -> float:
        """Return the first value that is not missing; NaN if all are."""
        there = self.values[~np.isnan(self.values)]
        return float(there[0]) if len(there) else float("nan")


class SignalKind(Kind):
    """A fault of the sensor: it changes values."""

    layer = "signal"

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

    @abstractmethod
    def distort(self, passage: Passage) -> list[bytes]:
        """Return what arrives in the place of each frame, line ends included; `b""`: nothing."""
