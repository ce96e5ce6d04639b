"""The protocol of the Numenta Anomaly Benchmark (NAB), with and without a look at the labels.

Each file is a device of its own: a fresh detector, one channel, one set of parameters. The first
15 % of a file, at most 750 rows, are the probation, in which nothing counts; a detector learns
from the first 60 % of it and freezes its threshold on the rest.

The leaderboard takes the one threshold that is best for all files, on their labels, anew for
each profile. Such figures stand here under that name, after the honest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.detect.options import Options
from sensorkit.evaluate.metrics.nab import (
    MOST_PROBATION_ROWS,
    PROBATION_SHARE,
    PROFILES,
    Sheet,
    Weights,
    best_threshold,
)
from sensorkit.evaluate.public.nab_alerts import Worth, candidates, worth
from sensorkit.evaluate.public.pooling import Floats, ratio, total
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol
from sensorkit.evaluate.public.stretches import FITTED

MERGE = Options().merge
SHORT = {"standard": "", "reward_low_FP_rate": "_low_fp", "reward_low_FN_rate": "_low_fn"}
PARTS, DEALS = 5, 5


class Nab(Protocol):
    """58 files, 116 windows, three profiles."""

    name: ClassVar[str] = "nab"
    title: ClassVar[str] = "Numenta Anomaly Benchmark"
    text: ClassVar[tuple[str, ...]] = (
        "Each file is a device of its own. The first 15 % of it, at most 750 rows, are the "
        "probation: the first 60 % of that are fitted on, the threshold is frozen on the rest for "
        "one false alarm a day, and nothing in it counts.",
        "NAB score: 0 is no detection at all, 100 the first row of every window and nothing else. "
        "A detection is the first reading of an alert.",
        "From other files: the threshold that is best on the labels of four fifths of the files "
        "judges the last fifth; five deals. Files of one source are dealt together.",
        "Optimised: one threshold for all files, chosen on their labels, anew for each profile, "
        "as the leaderboard has it: every reading at or above it is a detection. Optimised, one "
        "detection an alert: the same for the alerts that a detector makes of such readings.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "The published rows have their threshold optimised on the labels that judge them. Ours "
        "are ranked among them by a column that does the same, not by the honest one: what a "
        "published detector puts out are its detections, what ours put out are alerts.",
        "NAB hands its detectors the minimum and maximum of the whole file; ARTime, Numenta HTM, "
        "HTM Java, contextOSE and relativeEntropy use them. Ours know what has come so far.",
        "Windows last for about a tenth of a file, and some labels are disputed.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("frozen", "NAB, own frozen threshold", share=False),
        Column("frozen_low_fp", "Own threshold, low FP", share=False),
        Column("frozen_low_fn", "Own threshold, low FN", share=False),
        Column("windows_found", "Windows found"),
        Column("alerts_outside", "Alerts outside", better="low", unit="alerts", share=False),
        Column("other_files", "Threshold from other files", labels=True, share=False),
        Column("optimised", "Optimised on the labels", labels=True, share=False),
        Column("optimised_low_fp", "Optimised, low FP", labels=True, share=False),
        Column("optimised_low_fn", "Optimised, low FN", labels=True, share=False),
        Column("optimised_alerts", "Optimised, one detection an alert", labels=True, share=False),
    )
    headline: ClassVar[str] = "frozen"
    each: ClassVar[str] = "frozen_each"
    comparable: ClassVar[str] = "optimised_alerts"
    whole: ClassVar[int | None] = 58

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a file; the test is the whole file, its probation counts nothing."""
        return [case_of(one) for one in series]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return raw scores at the frozen threshold, and the scores for all other thresholds."""
        threshold = detector.threshold_
        scores = detector.score(case.test)
        sheet = sheet_of(case)
        here = worth(sheet, scores, case.test.time, np.array([threshold]), merge=MERGE)
        figures = {
            "windows": float(sheet.windows),
            "found": float(here.found[0]),
            "alerts_outside": float(here.alerts_outside[0]),
        }
        for profile, weights in PROFILES.items():
            raw = float(here.raw(sheet.windows, weights)[0])
            figures[f"raw_{profile}"] = raw
            if profile == "standard" and sheet.windows:
                figures["frozen_each"] = float(normalised(raw, sheet.windows, weights))
        return Found(figures, {"scores": scores})

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return the scores of all files at their own thresholds."""
        windows = total(figures["windows"], weight)
        return {
            f"frozen{SHORT[profile]}": normalised(
                total(figures[f"raw_{profile}"], weight), windows, weights
            )
            for profile, weights in PROFILES.items()
        } | {
            "windows_found": ratio(total(figures["found"], weight), windows),
            "alerts_outside": total(figures["alerts_outside"], weight),
        }

    def leaderboard(
        self, published: Sequence[dict[str, Any]], cases: Sequence[Case]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the rows; what a published detector puts out is what it detects."""
        rows = [{**row, self.comparable: row["optimised"]} for row in published]
        return rows, len(cases) == self.whole

    def chosen_on_labels(self, cases: Sequence[Case], found: Sequence[Found]) -> dict[str, float]:
        """Return the leaderboard's way, and thresholds from other files."""
        sheets = [sheet_of(case) for case in cases]
        scores = [one.arrays["scores"] for one in found]
        if not sum(sheet.windows for sheet in sheets):
            return {}
        figures = {
            f"optimised{SHORT[profile]}": best_threshold(sheets, scores, weights).score
            for profile, weights in PROFILES.items()
        }
        thresholds = candidates(scores)
        at = [
            worth(sheet, score, case.test.time, thresholds, merge=MERGE)
            for sheet, score, case in zip(sheets, scores, cases, strict=True)
        ]
        raw = raw_scores(sheets, at, PROFILES["standard"])
        windows = sum(sheet.windows for sheet in sheets)
        figures["optimised_alerts"] = float(
            normalised(raw.sum(axis=0).max(), windows, PROFILES["standard"])
        )
        units = [case.unit for case in cases]
        if len(set(units)) >= PARTS:
            figures["other_files"] = from_other_files(sheets, raw, PROFILES["standard"], units)
        return figures


def case_of(one: Series) -> Case:
    """Return the case of one file."""
    n = len(one.readings)
    probation = min(int(PROBATION_SHARE * n), MOST_PROBATION_ROWS)
    fitted = int(FITTED * probation)
    return Case(
        name=one.name,
        unit=one.group,
        fit=one.readings[:fitted],
        calibrate=one.readings[fitted:probation],
        before=None,
        test=one.readings,
        faulty=one.labels,
        windows=one.windows,
        learned=one.name,
    )


def sheet_of(case: Case) -> Sheet:
    """Return what a detection at each reading of the file is worth."""
    return Sheet.of(len(case.test), [(int(first), int(last)) for first, last in case.windows])


def normalised(raw: Floats | float, windows: Floats | float, weights: Weights) -> Floats:
    """Return raw scores on the scale 0 (no detection) to 100; NaN without a window."""
    windows = np.asarray(windows, dtype=np.float64)
    nothing = -weights.fn * windows
    return 100.0 * ratio(raw - nothing, weights.tp * windows - nothing)


def raw_scores(sheets: Sequence[Sheet], at: Sequence[Worth], weights: Weights) -> Floats:
    """Return the raw score of each file at each threshold, shape (n_files, n_thresholds)."""
    return np.array(
        [one.raw(sheet.windows, weights) for sheet, one in zip(sheets, at, strict=True)]
    )


def from_other_files(
    sheets: Sequence[Sheet], raw: Floats, weights: Weights, units: Sequence[str]
) -> float:
    """Return the score with each part of the files judged at what is best on the other parts.

    Parameters
    ----------
    sheets : sequence of Sheet
    raw : array of float, shape (n_files, n_choices)
        Raw score of each file at each threshold (or setting).
    weights : Weights
    units : sequence of str, shape (n_files,)
        Files of one unit are no strangers to each other, and are dealt together.
    """
    _, unit = np.unique(np.asarray(units, dtype=str), return_inverse=True)
    n_units = int(unit.max()) + 1
    windows = sum(sheet.windows for sheet in sheets)
    whole, found = raw.sum(axis=0), []
    for deal in range(DEALS):
        order = np.random.default_rng(deal).permutation(n_units)
        reached = 0.0
        for part in (np.isin(unit, order[k::PARTS]) for k in range(PARTS)):
            choice = int(np.argmax(whole - raw[part].sum(axis=0)))
            reached += float(raw[part, choice].sum())
        found.append(float(normalised(reached, windows, weights)))
    return float(np.mean(found))
