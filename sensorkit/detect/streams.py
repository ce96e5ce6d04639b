"""What passes between a detector and its streams, one stream a device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels import LARGEST
from sensorkit.readings import Readings, Severity

__all__ = [
    "LARGEST",
    "Arrays",
    "Finding",
    "Floats",
    "Judged",
    "Rows",
    "Stream",
    "Track",
    "finite",
    "split",
]

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
Rows = slice | NDArray[np.intp]


def split(readings: Readings) -> list[tuple[str | None, Rows, Readings]]:
    """Return the name, the rows and the readings of each device in a batch.

    Nearly always there is one: its readings are the batch itself, no copy.
    """
    codes, names = readings.device.codes, [*readings.device.vocabulary, None]  # -1 is the last
    if not len(codes):
        return []
    if (codes == codes[0]).all():
        return [(names[codes[0]], slice(None), readings)]
    parts = ((code, np.flatnonzero(codes == code)) for code in np.unique(codes).tolist())
    return [(names[code], rows, readings[rows]) for code, rows in parts]


class Track(NamedTuple):
    """One thing a detector watches; each device has its own episodes of it."""

    type: str
    channel: str | None


@dataclass(frozen=True)
class Judged:
    """What a stream found out about a batch."""

    scores: Floats
    """Shape (n, n_tracks); a reading's score is the largest of its row."""
    facts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What the descriptions of alerts need to know, one row per reading."""

    def __getitem__(self, rows: slice) -> Judged:
        return Judged(self.scores[rows], {name: fact[rows] for name, fact in self.facts.items()})

    @classmethod
    def concat(cls, parts: list[Judged]) -> Judged:
        """Join what was found out about one batch after the other."""
        if len(parts) == 1:
            return parts[0]
        facts = {n: np.concatenate([part.facts[n] for part in parts]) for n in parts[0].facts}
        return cls(np.concatenate([part.scores for part in parts]), facts)

    @property
    def most(self) -> Floats:
        """Return the score of each reading, shape (n,)."""
        if self.scores.shape[1] == 1:
            return self.scores[:, 0]
        if self.scores.shape[1] == 0:
            return np.zeros(len(self.scores))
        largest: Floats = self.scores.max(axis=1)
        return largest


class Finding(NamedTuple):
    """What an alert says of the reading that opened the episode."""

    description: str
    severity: Severity | None
    """None: as bad as the score is."""
    channel: str | None
    value: float | None


class Stream(ABC):
    """What a detector remembers of one device; memory bounded, whatever comes.

    Its state can be copied by `copy.deepcopy`.
    """

    learning: bool = True
    """False while an alarm is held: score on, but learn nothing. Set by those who call."""
    explaining: bool = False
    """Whether `judge` has to give the facts that descriptions need. Set by those who call."""

    @abstractmethod
    def judge(self, readings: Readings) -> Judged:
        """Score the readings of one device, then learn them."""

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Return the largest score of one reading, then learn it: as `judge` does.

        A stream that can do it without making a batch has its own way.

        Parameters
        ----------
        time_ns : int
            Nanoseconds UTC.
        values : array of float, shape (n_channels,)
        """
        channels = [str(c) for c in range(len(values))]
        one = Readings.build(np.array([time_ns]), values[np.newaxis], self.channels or channels)
        return float(self.judge(one).most[0])

    channels: tuple[str, ...] = ()
    """Names of the channels, for the stream that looks them up. Set by those who call."""


def finite(judged: Judged) -> Judged:
    """Return *judged* with `LARGEST` for infinite scores and -`LARGEST` for NaN."""
    scores = judged.scores
    # One pass finds any that is not finite, unless finite ones add up to infinity.
    with np.errstate(over="ignore", invalid="ignore"):
        total = scores.sum()
    if not np.isfinite(total):
        # A copy: a stream may have handed out what is not its own.
        scores = np.nan_to_num(scores, nan=-LARGEST, posinf=LARGEST, neginf=-LARGEST)
        return Judged(scores, judged.facts)
    return judged
