"""The protocol of de Bruijn's faults: each kind injected into the same real temperatures.

The set has three sites (Intel Lab, Santander, SensorScope): for every node one clean file, and
the same readings with one kind of fault injected into them [1]_. It has no official split. Ours:

The clean file is cut at 40 % of its rows. A detector is fitted on the first 60 % of that part,
calibrated for one false alarm a day on the other 40 % of it, fed the whole part as a fresh
stream, and tested on the rows of the faulty file that are later than the cut, beginning with the
first healthy one. So no reading of fit or calibrate has its twin in the test, and the stream goes
on without a seam.

Flaws of the files, and what is done about them
-----------------------------------------------
- Only the channel in the file's name is faulted, the other one is merely rounded: only the first
  is watched.
- Faulty Intel files lack a few of the clean rows: the two are cut at the same time, not at the
  same row.
- SensorScope's `polydrift` files are two hours late: they are moved back by what their first
  reading is off.
- Some rows of clean Santander files are labelled faulty: not used for fit and calibrate.
- Rows that are labelled and unchanged (a few in each), and outages, stay as they are.

References
----------
.. [1] B. de Bruijn, T. A. Nguyen, D. Bucur, K. Tei, "Benchmark datasets for fault detection and
   classification in sensor data", SENSORNETS 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets.series import Series, windows_of
from sensorkit.detect.base import Detector
from sensorkit.evaluate.public.alarms import FALSE_PER_DAY, FLAGGED, PRECISION, RECALL, Alarms
from sensorkit.evaluate.public.pooling import Floats, mean
from sensorkit.evaluate.public.protocol import Case, Column, Found
from sensorkit.evaluate.public.stretches import FITTED

KINDS = ("random", "malfunction", "bias", "drift", "polydrift", "mixed")
CHANNEL = "temperature"
CLEAN = "clean"
TRAINING = 0.4


class DeBruijn(Alarms):
    """Average precision by kind of fault, and the faults found at one false alarm a day."""

    name: ClassVar[str] = "debruijn"
    title: ClassVar[str] = "De Bruijn's faults in real temperatures"
    text: ClassVar[tuple[str, ...]] = (
        "The set has no official split. Of each node's clean file the first 40 % may be learned "
        "from: 60 % of that to fit, the rest to freeze the threshold for one false alarm a day.",
        "The test are the rows of the faulty file after that cut: no reading that was learned "
        "from has its twin in the test.",
        "Average precision is a mean over files, for each kind of fault; faults found and false "
        "alarms are counted over all.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "Faults of the kind random come every 25 rows: one alert often lasts over several, and "
        "only those count as found in which an alert began.",
        "The published figures are those of untuned scores on all rows of the files, with ties in "
        "the order of the rows; ours are on the rows after the cut.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        PRECISION,
        *(Column(f"ap_{kind}", kind) for kind in KINDS),
        RECALL,
        FALSE_PER_DAY,
        FLAGGED,
    )
    headline: ClassVar[str] = "average_precision"
    each: ClassVar[str] = "average_precision"
    series_are_cases: ClassVar[bool] = False

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case a faulty file of the watched channel, next to its clean twin."""
        watched = [one for one in series if one.extra["channel"] == CHANNEL]
        clean = {one.group: one for one in watched if one.extra["kind"] == CLEAN}
        return [
            case_of(clean[one.group], one)
            for one in watched
            if one.extra["kind"] != CLEAN and one.group in clean
        ]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return what `Alarms` does, the average precision under the kind as well."""
        found = super().judge(detector, case)
        precision = found.figures.get("average_precision")
        if precision is None:
            return found
        return Found({**found.figures, f"ap_{case.kind}": precision}, found.arrays)

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return what `Alarms` does, and the means of each kind."""
        kinds = {
            f"ap_{kind}": mean(figures[f"ap_{kind}"], weight)
            for kind in KINDS
            if f"ap_{kind}" in figures
        }
        return super().pool(figures, weight) | kinds


def case_of(clean: Series, faulty: Series) -> Case:
    """Return one case, cut as the module says."""
    known = clean.readings
    # Two hours late in SensorScope's polydrift files, nothing elsewhere.
    time = faulty.readings.time - (faulty.readings.time[0] - known.time[0])
    cut = known.time[int(TRAINING * len(known))]
    early = known.time < cut
    learned = known[early & ~clean.labels]
    fitted = int(FITTED * len(learned))
    first = int(np.argmax(time >= cut)) if (time >= cut).any() else len(time)
    healthy = np.flatnonzero(~faulty.labels[first:])
    first += int(healthy[0]) if len(healthy) else len(time) - first  # not from within a fault on
    return Case(
        name=faulty.name,
        unit=faulty.group,
        fit=learned[:fitted],
        calibrate=learned[fitted:],
        before=known[early],
        test=replace(faulty.readings[first:], time=time[first:]),
        faulty=faulty.labels[first:],
        windows=events(faulty, first),
        kind=str(faulty.extra["kind"]),
        learned=clean.name,
    )


def events(one: Series, first: int) -> NDArray[np.int64]:
    """Return first and last row after row *first* of each run of rows with the same kind."""
    if one.categories is None:
        return windows_of(one.labels[first:])
    kinds = one.categories[first:]
    changed = np.array([a != b for a, b in pairwise(kinds)], dtype=np.bool_)
    bounds = np.concatenate([[0], np.flatnonzero(changed) + 1, [len(kinds)]])
    found = [(a, b - 1) for a, b in pairwise(bounds.tolist()) if b > a and kinds[a] is not None]
    return np.array(found, dtype=np.int64).reshape(-1, 2)
