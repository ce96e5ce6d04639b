"""Sets of labelled stretches: how well readings are ranked, and what an alarm budget finds.

The common ground of the sets that have no protocol of their own, or one that says too little for
a decision: scores are judged by VUS-PR and average precision, alerts at a threshold that was
frozen on healthy readings by `sensorkit.evaluate.events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensorkit.detect.base import Detector
from sensorkit.evaluate.events import match
from sensorkit.evaluate.metrics import average_precision, vus
from sensorkit.evaluate.public.pooling import Floats, mean, ratio, total
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol
from sensorkit.evaluate.public.stretches import label_table, watched

BUFFER = 100
TOLERANCE = 10

VUS_PR = Column("vus_pr", f"VUS-PR (buffer {BUFFER}, every threshold)")
PRECISION = Column("average_precision", "Average precision")
RECALL = Column("event_recall", "Faults found")
FALSE_PER_DAY = Column("false_alarms_per_day", "False alarms a day", better="low", share=False)
FLAGGED = Column("time_flagged", "Healthy readings flagged", better="low")
"""One alarm that never ends is no false alarm a day; this shows it."""


class Alarms(Protocol):
    """Mean VUS-PR and average precision over series; pooled faults found and false alarms."""

    columns: ClassVar[tuple[Column, ...]] = (VUS_PR, PRECISION, RECALL, FALSE_PER_DAY, FLAGGED)
    headline: ClassVar[str] = "vus_pr"
    each: ClassVar[str] = "vus_pr"

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return ranking figures of the scores and counts of the alerts."""
        threshold = detector.threshold_
        scores, alerts = watched(detector, case)
        labels = label_table(case.windows, case.test.time)
        table = match(alerts, labels, case.test.time, tolerance=TOLERANCE)
        figures = {
            "hits": float(table.hit.sum()),
            "faults": float(len(table.hit)),
            "false_alarms": float(table.false_alarms),
            "clean_days": table.clean_hours / 24.0,
            "flagged": float((scores[~case.faulty] >= threshold).sum()),
            "healthy": float((~case.faulty).sum()),
            **ranked(case, scores),
        }
        return Found(figures | self.beside(case, scores, threshold))

    def beside(self, case: Case, scores: Floats, threshold: float) -> dict[str, float]:  # noqa: ARG002
        """Return further figures of one case."""
        return {}

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return means of the ranking figures, and quotients of the counts."""
        nothing = np.full(weight.shape[-1], np.nan)
        return {
            "vus_pr": mean(figures.get("vus_pr", nothing), weight),
            "average_precision": mean(figures.get("average_precision", nothing), weight),
            "event_recall": ratio(total(figures["hits"], weight), total(figures["faults"], weight)),
            "false_alarms_per_day": ratio(
                total(figures["false_alarms"], weight), total(figures["clean_days"], weight)
            ),
            "time_flagged": ratio(
                total(figures["flagged"], weight), total(figures["healthy"], weight)
            ),
        }


def ranked(case: Case, scores: Floats) -> dict[str, float]:
    """Return VUS-PR and average precision; nothing where nothing, or all, is labelled."""
    if not case.faulty.any() or case.faulty.all():
        return {}
    return {
        "vus_pr": vus(case.faulty, scores, buffer=BUFFER).pr,
        "average_precision": average_precision(case.faulty, scores),
    }
