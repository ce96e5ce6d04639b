"""The protocol of TSB-AD, for its files and for any in their layout.

Each file is scored from its first row to its last, the training rows included, as TSB-AD does;
VUS-PR with 250 thresholds and, as buffer, the period that TSB-AD estimates from the first
channel. A detector learns from the training rows that the file name gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.metrics import average_precision, roc_auc, vus
from sensorkit.evaluate.public.period import period
from sensorkit.evaluate.public.pooling import Floats, mean
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol

THRESHOLDS = 250
WHOLE = {"U": 350, "M": 180}


class TsbAd(Protocol):
    """Mean VUS-PR over series."""

    name: ClassVar[str] = "tsb_ad"
    title: ClassVar[str] = "TSB-AD"
    text: ClassVar[tuple[str, ...]] = (
        "A detector is fitted on the training rows that the file name gives and then scores the "
        "whole file, those rows included, as TSB-AD does.",
        "VUS-PR and VUS-ROC with 250 thresholds; the buffer of each series is the period that "
        "TSB-AD estimates from its first channel (125 where there is none). No threshold is set.",
        "VUS-PR exact takes every score as a threshold: 250 sampled ones put VUS-PR too low where "
        "anomalies are rare.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "TSB-AD drops rows with a missing value, which closes gaps; here they stay.",
        "The published detectors that learn without labels are fitted on the whole series that "
        "judges them, and their parameters were tuned on other series of the set.",
        "VUS-ROC does not put a random score at 0.5, as ROC-AUC does, but above it, and the higher "
        "the wider the buffer is beside the anomalies (0.67 on the generated set): rank by VUS-PR.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("vus_pr", "VUS-PR (250 thresholds)"),
        Column("vus_pr_exact", "VUS-PR exact"),
        Column("vus_roc", "VUS-ROC"),
        Column("average_precision", "AUC-PR (average precision)"),
        Column("roc_auc", "AUC-ROC"),
    )
    headline: ClassVar[str] = "vus_pr"
    each: ClassVar[str] = "vus_pr"
    comparable: ClassVar[str] = "vus_pr"

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a file with a label."""
        return [
            Case(
                name=one.name,
                unit=one.name,
                fit=one.readings[: one.fit],
                calibrate=None,
                before=None,
                test=one.readings,
                faulty=one.labels,
                windows=one.windows,
                learned=one.name,
                extra={"buffer": period(one.readings.values[:, 0])},
            )
            for one in series
            if one.labels.any() and not one.labels.all()
        ]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return the figures of one series."""
        scores, buffer = detector.score(case.test), int(case.extra["buffer"])
        sampled = vus(case.faulty, scores, buffer=buffer, thresholds=THRESHOLDS)
        return Found(
            {
                "vus_pr": sampled.pr,
                "vus_pr_exact": vus(case.faulty, scores, buffer=buffer).pr,
                "vus_roc": sampled.roc,
                "average_precision": average_precision(case.faulty, scores),
                "roc_auc": roc_auc(case.faulty, scores),
                "buffer": float(buffer),
            }
        )

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return means over series."""
        return {column.key: mean(figures[column.key], weight) for column in self.columns}

    def leaderboard(
        self, published: Sequence[dict[str, Any]], cases: Sequence[Case]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the rows of the univariate or the multivariate table, each with its own size."""
        tracks = {"U" if len(case.test.channels) == 1 else "M" for case in cases}
        rows = [row for row in published if row["track"] in tracks]
        whole = len(tracks) == 1 and len(cases) == WHOLE[next(iter(tracks))]
        return rows, whole

    def notes(self, cases: Sequence[Case]) -> list[str]:
        """Say which buffers were taken."""
        widths = sorted(int(case.extra["buffer"]) for case in cases)
        return [f"Buffers of VUS: {widths[0]} to {widths[-1]} rows."] if widths else []
