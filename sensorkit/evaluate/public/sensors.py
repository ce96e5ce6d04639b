"""Sets without an official split: sensor motes (Suthaharan) and a water works (GECCO 2018)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.evaluate.public.alarms import (
    FALSE_PER_DAY,
    FLAGGED,
    PRECISION,
    RECALL,
    VUS_PR,
    Alarms,
)
from sensorkit.evaluate.public.pooling import Floats, total
from sensorkit.evaluate.public.protocol import Case, Column
from sensorkit.evaluate.public.skab import COUNTS, counts, rates
from sensorkit.evaluate.public.stretches import ahead

TRAINING = 0.4


class Suthaharan(Alarms):
    """Four-mote networks with an introduced event."""

    name: ClassVar[str] = "suthaharan"
    title: ClassVar[str] = "Suthaharan sensor motes"
    text: ClassVar[tuple[str, ...]] = (
        "The set has no official split. The first 40 % of each mote's readings may be learned "
        "from, labelled ones left out: 60 % of that to fit, the rest to freeze the threshold for "
        "one false alarm a day; the rest is the test.",
        "VUS-PR and average precision are means over the motes with an event in the test; motes "
        "without one count for false alarms only.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "Half of the motes have no event, the others one or two: no interval says much here.",
        "What the event was is not documented; there is no clock in the files, so that times "
        "count from their stated 5 s a reading.",
    )

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a mote."""
        return [ahead(one, int(TRAINING * len(one.readings)), unit=one.name) for one in series]

    def notes(self, cases: Sequence[Case]) -> list[str]:
        """Say how many motes have an event in the test."""
        some = sum(bool(case.faulty.any()) for case in cases)
        return [f"{some} of {len(cases)} motes have an event in the test."]


class Gecco(Alarms):
    """Drinking water quality; its challenge was judged by the F1 of rows."""

    name: ClassVar[str] = "gecco"
    title: ClassVar[str] = "GECCO 2018 water quality"
    text: ClassVar[tuple[str, ...]] = (
        "The challenge was judged by the F1 of rows on data that were never published. Of the "
        "published file the first 40 % may be learned from, labelled rows left out: 60 % of that "
        "to fit, the rest to freeze the threshold for one false alarm a day; the rest is the test.",
        "F1 is that of rows at the frozen threshold. F1 at the best threshold is chosen on the "
        "labels and stands last.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "Entries to the challenge learned from the labels of the published file; ours do not.",
        "One plant, one file: no interval is given.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("f1", "F1 of rows, frozen threshold"),
        VUS_PR,
        PRECISION,
        RECALL,
        FALSE_PER_DAY,
        FLAGGED,
        Column("f1_best", "F1, best threshold on the labels", labels=True),
    )
    headline: ClassVar[str] = "f1"

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return the one case."""
        return [ahead(one, int(TRAINING * len(one.readings)), unit=one.name) for one in series]

    def beside(self, case: Case, scores: Floats, threshold: float) -> dict[str, float]:
        """Return the counts at the frozen threshold, and the best F1 of any."""
        found = counts(case.faulty, scores >= threshold)
        best = {"f1_best": best_f1(case, scores)} if case.faulty.any() else {}
        return {name: float(n) for name, n in zip(COUNTS, found.tolist(), strict=True)} | best

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return what `Alarms` does, and F1 of the counts."""
        added = np.stack([total(figures[name], weight) for name in COUNTS])
        best = {"f1_best": total(figures["f1_best"], weight)} if "f1_best" in figures else {}
        return {"f1": rates(added)["f1"], **super().pool(figures, weight), **best}


def best_f1(case: Case, scores: Floats) -> float:
    """Return the best F1 of rows over all thresholds: a look at the labels, never a setting."""
    order = np.argsort(-scores, kind="stable")
    falling, hits = scores[order], np.cumsum(case.faulty[order])
    last = np.flatnonzero(np.append(np.diff(falling) != 0.0, True))
    found = 2.0 * hits[last] / (last + 1 + hits[-1])
    return float(found.max())
