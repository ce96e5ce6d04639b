"""The protocol of the spacecraft telemetry SMAP and MSL, and why its usual figure is of no use.

Each channel has a training and a test file. Papers judge detectors here by F1 after point
adjustment: one hit anywhere in a labelled stretch makes all of it count as found, and the
threshold is the best on the labels. Labelled stretches are long, so a random score reaches a
high F1: it stands in the table to show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.evaluate.metrics import point_adjusted_f1_warning
from sensorkit.evaluate.public.alarms import FLAGGED, PRECISION, RECALL, VUS_PR, Alarms
from sensorkit.evaluate.public.pooling import Floats, mean
from sensorkit.evaluate.public.protocol import Case, Column
from sensorkit.evaluate.public.stretches import ahead

TRIED = 60


class SmapMsl(Alarms):
    """81 channels; ranked by VUS-PR and average precision."""

    name: ClassVar[str] = "smap_msl"
    title: ClassVar[str] = "SMAP and MSL spacecraft telemetry"
    text: ClassVar[tuple[str, ...]] = (
        "A detector learns from the training file of each channel: 60 % of it to fit, the rest to "
        "freeze the threshold. The test file is the test.",
        "VUS-PR and average precision are means over channels.",
        "Point-adjusted F1 stands last, with the threshold that is best on the labels of each "
        "channel, as papers have it. It is a warning, no measure.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "Look at the point-adjusted F1 of random: no detector can be judged by it.",
        "Values were scaled by the minimum and maximum of the test set, nine channels have no "
        "more than two distinct values, and there is no clock: false alarms a day have no meaning "
        "here and are left out.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        VUS_PR,
        PRECISION,
        RECALL,
        FLAGGED,
        Column("pa_f1_warning", "Point-adjusted F1, best threshold (warning)", labels=True),
    )
    whole: ClassVar[int | None] = 81

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a channel."""
        return [ahead(one, one.fit) for one in series]

    def beside(self, case: Case, scores: Floats, threshold: float) -> dict[str, float]:  # noqa: ARG002
        """Return the warning."""
        if not case.faulty.any():
            return {}
        return {"pa_f1_warning": best_point_adjusted(case, scores)}

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return what `Alarms` does, and the mean of the warning."""
        found = super().pool(figures, weight)
        if "pa_f1_warning" in figures:
            found["pa_f1_warning"] = mean(figures["pa_f1_warning"], weight)
        return found


def best_point_adjusted(case: Case, scores: Floats) -> float:
    """Return the best point-adjusted F1 over thresholds that 1 in 1 to 1 in n rows reach."""
    shares = np.geomspace(1.0, 1.0 / len(scores), TRIED)
    tried = np.unique(np.quantile(scores, 1.0 - shares))
    return max(point_adjusted_f1_warning(case.faulty, scores >= one) for one in tried)
