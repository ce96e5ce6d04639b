"""The protocol of the Skoltech Anomaly Benchmark (SKAB): 34 experiments on a water pump.

Of each file the first 400 rows are to fit on, the rest is tested row by row; the counts of all
files are added up before F1, the false alarm rate (FAR) and the missed alarm rate (MAR) are
taken. The threshold is the one that the fit left: no label has touched it. So the honest figure
and the official one are the same here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.public import skab_changes
from sensorkit.evaluate.public.pooling import Floats, ratio, total
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol

FIT = 400
COUNTS = ("tp", "fp", "fn", "tn")


class Skab(Protocol):
    """F1, FAR and MAR of pooled rows; the change-point task beside it."""

    name: ClassVar[str] = "skab"
    title: ClassVar[str] = "Skoltech Anomaly Benchmark"
    text: ClassVar[tuple[str, ...]] = (
        "Of each file the first 400 rows are fitted on; the rest is tested row by row at the "
        "threshold that the fit left, which no label has touched.",
        "True and false positives and negatives of all files are added up before F1, the false "
        "alarm rate (FAR) and the missed alarm rate (MAR) are taken.",
        "Change points: predicted where the flags turn on or off; NAB score with a window of 60 s "
        "after each true one.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "53.7 % of the test rows are anomalous: an alarm that never ends has F1 0.698, more than "
        "six of the ten published rows. Read F1 and FAR together.",
        "In nearly every file the anomaly begins at row 568 to 573: a detector that knows the "
        "position would win. Ours see the readings, one after the other.",
        "In other/2, 296 of the 400 rows to fit on are anomalous. Nobody is told.",
        "MSET's published row smooths with a centred mean of 60 rows: it looks 30 rows ahead.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("f1", "F1"),
        Column("far", "FAR", better="low", unit="%", share=False),
        Column("mar", "MAR", better="low", unit="%", share=False),
        Column("cp_standard", "Change points, NAB standard", share=False),
        Column("cp_low_fp", "Change points, low FP", share=False),
        Column("cp_low_fn", "Change points, low FN", share=False),
    )
    headline: ClassVar[str] = "f1"
    each: ClassVar[str] = "f1_each"
    comparable: ClassVar[str] = "f1"
    whole: ClassVar[int | None] = 34

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a file; the file without an anomaly is not part of the protocol."""
        return [
            Case(
                name=one.name,
                unit=one.group,
                fit=one.readings[:FIT],
                calibrate=None,
                before=None,
                test=one.readings[FIT:],
                faulty=one.labels[FIT:],
                windows=np.zeros((0, 2), dtype=np.int64),
                learned=one.name,
                extra={"changepoints": np.asarray(one.extra["changepoints"], dtype=np.bool_)[FIT:]},
            )
            for one in series
            if one.labels.any()
        ]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return the counts of the test rows, and the points of the change-point task."""
        threshold = detector.threshold_
        flags = detector.score(case.test) >= threshold
        counted = dict(zip(COUNTS, counts(case.faulty, flags).tolist(), strict=True))
        figures = {name: float(count) for name, count in counted.items()}
        for profile, points in skab_changes.of_file(
            case.test.time, case.extra["changepoints"], flags
        ).items():
            figures |= {f"{what}_{profile}": v for what, v in points._asdict().items()}
        figures["f1_each"] = float(rates(np.array([figures[name] for name in COUNTS]))["f1"])
        return Found(figures)

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return the rates of counts that are added up over files."""
        added = np.stack([total(figures[name], weight) for name in COUNTS])
        found = rates(added)
        for profile in skab_changes.PROFILES:
            got, nothing, perfect = (
                total(figures[f"{what}_{profile}"], weight) for what in skab_changes.Points._fields
            )
            found[f"cp_{profile}"] = 100.0 * ratio(got - nothing, perfect - nothing)
        return found


def counts(truth: NDArray[np.bool_], flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return true positives, false positives, false negatives and true negatives.

    >>> counts(np.array([True, True, False]), np.array([True, False, True])).tolist()
    [1, 1, 1, 0]
    """
    return np.array(
        [
            (truth & flags).sum(),
            (~truth & flags).sum(),
            (truth & ~flags).sum(),
            (~truth & ~flags).sum(),
        ]
    )


def rates(added: NDArray[np.float64] | NDArray[np.int64]) -> dict[str, Floats]:
    """Return F1, and FAR and MAR in per cent, of counts that are added up, shape (4, ...).

    F1 is 0 where nothing is flagged and nothing is to be found.

    >>> {name: float(value) for name, value in rates(np.array([1, 1, 1, 1])).items()}
    {'f1': 0.5, 'far': 50.0, 'mar': 50.0}
    """
    tp, fp, fn, tn = np.asarray(added, dtype=np.float64)
    return {
        "f1": np.asarray(tp / np.maximum(tp + (fp + fn) / 2.0, 1.0)),
        "far": np.asarray(100.0 * fp / np.maximum(fp + tn, 1.0)),
        "mar": np.asarray(100.0 * fn / np.maximum(fn + tp, 1.0)),
    }
