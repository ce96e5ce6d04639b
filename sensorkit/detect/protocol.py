"""What a detector is, to everyone who uses one; and the one loop that runs it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.readings import Alert, Readings

Floats = NDArray[np.float64]


class Detector(Protocol):
    """Scores batches of readings from the past only, whatever the cut.

    Implementations promise, and tests/contracts checks, that any way of cutting the same
    readings gives the same scores; a reading is scored before it is learned; the first reading
    can be scored; memory stays bounded; a NaN never raises.
    """

    @property
    def name(self) -> str:
        """What `sensorkit detect --detector` calls it."""
        ...

    @property
    def threshold_(self) -> float:
        """A reading is flagged when its score reaches this."""
        ...

    def fit(self, readings: Readings) -> Self:
        """Learn from mostly healthy readings."""
        ...

    def calibrate(self, clean: Readings, false_alarms_per_day: float = 1.0) -> Self:
        """Freeze `threshold_` on clean readings for a budget of false alarms."""
        ...

    def score(self, readings: Readings) -> Floats:
        """Return a score per reading, shape (n,), higher is worse, and move on."""
        ...

    def alerts(self, readings: Readings) -> list[Alert]:
        """Return the episodes that begin with these readings; called instead of `score`."""
        ...

    def advance(self, time_ns: int) -> list[Alert]:
        """Say that no reading came up to and including *time_ns* (nanoseconds UTC)."""
        ...

    def finish(self) -> list[Alert]:
        """Close open episodes: the stream has ended."""
        ...

    def reset(self) -> None:
        """Forget the stream, not the fit."""
        ...


def advance(detector: Detector, time_ns: int, device: str | None = None) -> list[Alert]:
    """Say that no reading of *device* came up to and including *time_ns*; return what begins.

    Parameters
    ----------
    detector : Detector
        One whose `advance` takes no `device` is told the time of any as that of all.
    time_ns : int
        By the clock of the device, nanoseconds UTC.
    device : str, optional
        All by default.
    """
    if device is not None and "device" in inspect.signature(detector.advance).parameters:
        return detector.advance(time_ns, device=device)  # type: ignore[call-arg]
    return detector.advance(time_ns)


def watch(
    detector: Detector, source: Readings | pd.DataFrame | Iterable[Readings]
) -> Iterator[Alert]:
    """Run over any source: a recording is one large batch, a live link many small ones.

    Parameters
    ----------
    detector : Detector
    source : Readings, DataFrame or iterable of Readings
        A DataFrame has a DatetimeIndex and a column a channel.

    Yields
    ------
    Alert
        As its episode begins; `end` is set on the same object when the episode is over.
    """
    batches = [Readings.of(source)] if isinstance(source, Readings | pd.DataFrame) else source
    for readings in batches:
        yield from detector.alerts(readings)
    yield from detector.finish()
