"""How far values are from a baseline, channel by channel: what the baselines have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NOTHING = np.empty(0)


class Moments(NamedTuple):
    """What a baseline says of a value; each array has shape (n, n_channels)."""

    scores: Floats
    """How many spreads the value is away."""
    departure: Floats
    """The value minus the middle; NaN where there is none."""
    spread: Floats
    """Of the baseline, or the floor; NaN where there is none."""


class Baseline(ABC):
    """Where each channel usually is, and how far values are from there."""

    def judge(self, values: Floats, *, learn: bool = True) -> Floats:
        """Return the score of each value; infinite where it is, 0 where it is missing.

        Parameters
        ----------
        values : array of float, shape (n, channels)
        learn : bool
            They move the baseline on, if it moves.
        """
        scores = np.empty(values.shape, order="F")
        self._judge(values, learn, scores, NOTHING, NOTHING)
        return scores

    def moments(self, values: Floats, *, learn: bool = True) -> Moments:
        """Return the same scores, and how they come about."""
        moments = Moments(*(np.empty(values.shape, order="F") for _ in range(3)))
        self._judge(values, learn, *moments)
        return moments

    @abstractmethod
    def judge_one(self, values: Floats, *, learn: bool = True) -> float:
        """Return the largest score of one reading, of shape (channels,)."""

    @abstractmethod
    def _judge(
        self, values: Floats, learn: bool, scores: Floats, departure: Floats, spread: Floats
    ) -> None:
        """Write the results, the last two unless they are empty."""


def end_to_end(values: Floats) -> Floats:
    """Return one channel after the other, shape (n * channels,); a copy only if it has to be.

    Kernels are compiled for each layout they meet, so they get to see but one.
    """
    line = values.reshape(-1, order="F")
    flags = line.flags
    if flags.c_contiguous and flags.writeable and flags.aligned and line.dtype == np.float64:
        return line
    return np.array(line, dtype=np.float64)
