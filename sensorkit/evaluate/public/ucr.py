"""The protocol of the UCR anomaly archive: find the place of the one anomaly of a series.

The detector learns from the part that the file name gives for it and scores the rest. The row
with the highest score is its answer, right within 100 rows of the labelled interval. There is no
threshold, and so no look at the labels. Equal highest scores: the first row is the answer, but a
score that is the same everywhere is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.metrics import ucr_hit
from sensorkit.evaluate.public.alarms import PRECISION, ranked
from sensorkit.evaluate.public.pooling import Floats, mean
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol

MARGIN = 100


class Ucr(Protocol):
    """The share of series whose highest score lies at the anomaly."""

    name: ClassVar[str] = "ucr"
    title: ClassVar[str] = "UCR anomaly archive"
    text: ClassVar[tuple[str, ...]] = (
        "A detector is fitted on the rows before the training end and scores the rest; its answer "
        "is the row with the highest score, right within 100 rows of the labelled interval.",
        "No threshold is used. A score that is the same everywhere answers nothing.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "Most anomalies were edited in, one in each series; the NOISE and DISTORTED series repeat "
        "others, so that series are not independent: intervals draw families.",
        "The labels stand in the file names; no detector sees those.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("hit", f"Anomaly located within {MARGIN} rows"),
        PRECISION,
    )
    headline: ClassVar[str] = "hit"
    each: ClassVar[str] = "average_precision"
    comparable: ClassVar[str] = "hit"
    whole: ClassVar[int | None] = 249  # in one, 203, the anomaly is in the training part

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a series; one without an anomaly after the training end is left out."""
        return [
            Case(
                name=one.name,
                unit=one.group,
                fit=one.readings[: one.fit],
                calibrate=None,
                before=one.readings[: one.fit],
                test=one.readings[one.fit :],
                faulty=one.labels[one.fit :],
                windows=one.windows[-1:] - one.fit,
                learned=one.name,
            )
            for one in series
            if len(one.windows) and one.windows[-1, 0] >= one.fit
        ]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return whether the highest score is at the anomaly, and the average precision."""
        if case.before is not None:
            detector.score(case.before)
        scores = detector.score(case.test)
        figures = {"hit": float(located(case, scores))}
        precision = ranked(case, scores).get("average_precision")
        return Found(figures if precision is None else figures | {"average_precision": precision})

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return means over series."""
        return {name: mean(figures[name], weight) for name in ("hit", "average_precision")}


def located(case: Case, scores: Floats) -> bool:
    """Return whether the row with the highest score is within `MARGIN` rows of the anomaly."""
    if not np.ptp(scores) > 0.0:
        return False
    return ucr_hit(case.faulty, scores, margin=MARGIN)
