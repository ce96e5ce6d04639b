"""One device under an ensemble: the streams of the members, and what they come to together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sensorkit.detect.base import BaseDetector
from sensorkit.detect.shaping import DeviceStream
from sensorkit.detect.streams import LARGEST, Floats, Judged, Stream
from sensorkit.readings import Readings


class Weight(Protocol):
    """What the scores of a member count."""

    def weigh(self, scores: Floats) -> Floats:
        """Return what each score counts, shape (n,)."""
        ...

    def weigh_one(self, score: float) -> float:
        """Return what one score counts."""
        ...


class Made(Protocol):
    """What a stream wants to know of its ensemble."""

    combine: str
    limits: tuple[BaseDetector, ...]
    members: tuple[BaseDetector, ...]

    @property
    def threshold_(self) -> float:
        """A reading is flagged when its score reaches this."""
        ...

    def evidence(self) -> Sequence[Weight]:
        """Return how the scores of each voice count."""
        ...


class EnsembleStream(Stream):
    """One device: the streams of the members, and what their evidence comes to."""

    def __init__(self, detector: Made, members: list[DeviceStream]) -> None:
        self.members = members
        self._detector = detector
        self._evidence: Sequence[Weight] = detector.evidence()
        self._fixed = len(detector.limits)
        self._added = detector.combine == "sum"

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn: what the evidence and the fixed limits come to.

        Facts: `evidence`, shape (n, n_voices); of member k `k` (its scores) and `k <fact>`.
        """
        judged = [
            one.judge(readings, threshold=member.threshold_, explaining=self.explaining)
            for member, one in self._each()
        ]
        evidence = np.column_stack(
            [
                one.weigh(found.most)
                for one, found in zip(self._evidence, judged[self._fixed :], strict=True)
            ]
        )
        scores = np.empty((len(readings), 2), order="F")
        scores[:, 0] = evidence.sum(axis=1) if self._added else evidence.max(axis=1)
        scores[:, 1] = self._beyond(judged[: self._fixed], scores[:, 0])
        if not self.explaining:
            return Judged(scores)
        facts = {"evidence": evidence}
        for k, found in enumerate(judged):
            facts[str(k)] = found.scores
            facts |= {f"{k} {name}": fact for name, fact in found.facts.items()}
        return Judged(scores, facts)

    def judge_one(self, time_ns: int, values: Floats) -> float:
        if any(one.shapes for one in self.members):
            return super().judge_one(time_ns, values)
        weights, past = [], -LARGEST
        for k, (member, one) in enumerate(self._each()):
            score = one.judge_one(time_ns, values)
            if k >= self._fixed:
                weights.append(self._evidence[k - self._fixed].weigh_one(score))
            elif score >= member.threshold_:
                past = max(past, score)
        total = sum(weights) if self._added else max(weights)
        return total if past < 0.0 else self._detector.threshold_ + total + math.log1p(past)

    def _each(self) -> list[tuple[BaseDetector, DeviceStream]]:
        for one in self.members:
            one.stream.learning = self.learning
        return list(zip(self._detector.members, self.members, strict=True))

    def _beyond(self, limits: list[Judged], sums: Floats) -> Floats:
        """Return a score above the threshold where a fixed limit is breached, else the least."""
        beyond = np.full(len(sums), -LARGEST)
        for found, member in zip(limits, self._detector.limits, strict=True):
            past = found.most
            breached = np.flatnonzero(past >= member.threshold_)
            raised = self._detector.threshold_ + sums[breached] + np.log1p(past[breached])
            beyond[breached] = np.maximum(beyond[breached], raised)
        return beyond


def of_member(judged: Judged, k: int) -> Judged:
    """Return what member *k* found out, from the facts of the ensemble."""
    own = f"{k} "
    facts = {n.removeprefix(own): fact for n, fact in judged.facts.items() if n.startswith(own)}
    return Judged(judged.facts[str(k)], facts)
