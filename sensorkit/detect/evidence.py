"""What a score is worth beside those of other detectors: how rare it is, or how far it reaches."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from sensorkit.detect.base import BaseDetector
from sensorkit.detect.kernels.exceedances import TAIL_SHARE
from sensorkit.detect.streams import LARGEST, Floats
from sensorkit.detect.tails import FEWEST_SCORES, Tail
from sensorkit.errors import DetectorError
from sensorkit.readings import Readings

# The threshold of a member is at least so many powers of ten rarer than the start of its tail (a
# quarter rarer): closer to it, small differences of common scores would outvote the others.
SMALLEST_UNIT = 0.1

# A loud voice must not outshout all others, and scores that are all beyond belief are still to be
# ranked: beyond the threshold, ten times as much evidence counts 0.7 more.
LOUDNESS = 0.3

BELOW_ONE = float(np.nextafter(1.0, 0.0))


class Evidence(NamedTuple):
    """How the scores of a member count in the sum."""

    tail: Tail
    unit: float
    """Powers of ten between the start of the tail and the member's own threshold."""

    @classmethod
    def of(cls, voice: BaseDetector, parts: list[Readings], *, rarest: float = 0.0) -> Self | None:
        """Take the tail from the scores of *voice* on healthy readings, heard as fresh streams.

        Parameters
        ----------
        voice : BaseDetector
        parts : list of Readings
        rarest : float
            The threshold counts as at least so improbable.

        Returns
        -------
        Evidence or None
            None if all readings have the same score, which says nothing.

        Raises
        ------
        DetectorError
            If the readings are too few to tell what is rare.
        """
        voice.reset()
        scores = np.concatenate([voice.score(part) for part in parts])
        voice.reset()
        if len(scores) < FEWEST_SCORES:
            raise DetectorError(
                f"{voice.name}: {len(scores)} readings are too few to tell which of its scores "
                f"are rare; give at least {FEWEST_SCORES}"
            )
        if not np.ptp(scores) > 0:
            return None
        tail = Tail.fit(scores)
        at_threshold = max(tail.improbability(np.array([voice.threshold_]))[0], rarest)
        # A little less, so that what reaches the threshold never counts as less than 1.
        return cls(tail, (1.0 - 1e-9) * max(float(at_threshold) - tail.least, SMALLEST_UNIT))

    def weigh(self, scores: Floats) -> Floats:
        """Return the evidence of scores, shape (n,): 0 up to the tail, 1 at the threshold.

        From there on it grows as 1 + `LOUDNESS` ln.
        """
        evidence = np.zeros(len(scores))
        rare = np.flatnonzero(scores > self.tail.start)
        if len(rare):
            beyond = (self.tail.improbability(scores[rare]) - self.tail.least) / self.unit
            loud = 1.0 + LOUDNESS * np.log(np.maximum(beyond, 1.0))
            evidence[rare] = np.where(beyond > 1.0, loud, beyond)
        return evidence

    def weigh_one(self, score: float) -> float:
        """Return the evidence of one score."""
        if score <= self.tail.start:
            return 0.0
        return float(self.weigh(np.array([score]))[0])


class AtThreshold(NamedTuple):
    """The score of a member in units of its own threshold, which is all that counts."""

    threshold: float

    def weigh(self, scores: Floats) -> Floats:
        """Return 1 for scores at the threshold, more above and less below it; shape (n,).

        >>> AtThreshold(3.0).weigh(np.array([1.5, 3.0, 6.0])).tolist()
        [0.5, 1.0, 2.0]
        >>> AtThreshold(-1.0).weigh(np.array([-2.0, -1.0, 0.0])).tolist()
        [0.0, 1.0, 2.0]
        """
        with np.errstate(over="ignore"):
            if self.threshold > 0:
                # Correctly rounded: it reaches 1 exactly where the threshold is reached.
                weights = scores / self.threshold
            else:
                weights = 1.0 + (scores - self.threshold)
                weights = np.where(
                    scores >= self.threshold, weights, np.minimum(weights, BELOW_ONE)
                )
        return np.clip(weights, -LARGEST, LARGEST)

    def weigh_one(self, score: float) -> float:
        """Return what one score counts."""
        return float(self.weigh(np.array([score]))[0])


SILENT = Evidence(Tail(np.zeros(1), 0.0, TAIL_SHARE, 0.0, 0.0), 1.0)
"""Of a detector that gave all healthy readings the same score: 0 up to that."""
