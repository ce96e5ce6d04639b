"""What a score is worth beside those of other detectors: how rare it is, in shares of a budget."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from sensorkit.detect.base import BaseDetector
from sensorkit.detect.streams import Floats
from sensorkit.detect.tails import Tail
from sensorkit.readings import Readings

# The threshold of a member is at least so many powers of ten rarer than the start of its tail (a
# quarter rarer): closer to it, small differences of common scores would outvote the others.
SMALLEST_UNIT = 0.1


class Evidence(NamedTuple):
    """How the scores of a member count in the sum."""

    tail: Tail
    unit: float
    """Powers of ten between the start of the tail and the member's own threshold."""

    @classmethod
    def of(cls, voice: BaseDetector, parts: list[Readings]) -> Self:
        """Take the tail from the scores of *voice* on healthy readings, heard as fresh streams."""
        voice.reset()
        tail = Tail.fit(np.concatenate([voice.score(part) for part in parts]))
        voice.reset()
        at_threshold = tail.improbability(np.array([voice.threshold_]))[0]
        return cls(tail, max(float(at_threshold) - tail.least, SMALLEST_UNIT))

    def weigh(self, scores: Floats) -> Floats:
        """Return the evidence of scores, shape (n,): 0 up to the tail, 1 at the threshold."""
        evidence = np.zeros(len(scores))
        rare = np.flatnonzero(scores > self.tail.start)
        if len(rare):
            evidence[rare] = (self.tail.improbability(scores[rare]) - self.tail.least) / self.unit
        return evidence

    def weigh_one(self, score: float) -> float:
        """Return the evidence of one score."""
        if score <= self.tail.start:
            return 0.0
        return float(self.weigh(np.array([score]))[0])
