"""The protocol of the asnx sensor nodes: real fault signatures spliced into a real week.

Twenty files share each of the three fault-free weeks, so that they are no independent samples:
intervals would have to draw weeks, and of three there is none. The set has no official split; of
each week the first 40 % of the fault-free file may be learned from, and the rows of the
spliced files after that are the test.

The nodes judge themselves: eight columns `x_*` tell of supply, restarts and failed readings, and
their plain sum ranks most faults right. A detector of sensor faults that sees them is judged on
another task, so every detector is tried without them (the headline) and with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.public.alarms import Alarms
from sensorkit.evaluate.public.pooling import Floats, mean, ratio
from sensorkit.evaluate.public.protocol import Case, Column, Found
from sensorkit.evaluate.public.stretches import FITTED, with_channels
from sensorkit.readings import Readings

TRAINING = 0.4
OWN = "x_"
WITHOUT, WITH = "sensors", "with x_*"


class Asnx(Alarms):
    """Figures without the node's own diagnosis, and with it."""

    name: ClassVar[str] = "asnx"
    title: ClassVar[str] = "asnx sensor nodes"
    text: ClassVar[tuple[str, ...]] = (
        "The set has no official split. Of each fault-free week the first 40 % may be learned "
        "from: 60 % of that to fit, the rest to freeze the threshold for one false alarm a day. "
        "The test are the later rows of the files with spliced faults.",
        "Figures are means over files, twenty a week. The files of a week share their healthy "
        "readings: intervals draw weeks.",
        "Headline: the sensors alone. With x_*: the eight columns in which the node judges itself "
        "are channels as well.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "The sum of the x_* columns alone ranks the faults at an average precision of 0.96 to "
        "0.99: with them the task is another.",
        "There are five shapes of fault, and three weeks: no interval is given.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("average_precision", "Average precision, sensors alone"),
        Column("vus_pr", "VUS-PR"),
        Column("event_recall", "Faults found"),
        Column("false_alarms_per_day", "False alarms a day", better="low", share=False),
        Column("time_flagged", "Healthy readings flagged", better="low"),
        Column("average_precision_x", "Average precision, with x_*"),
        Column("vus_pr_x", "VUS-PR, with x_*"),
        Column("event_recall_x", "Faults found, with x_*"),
        Column("false_alarms_per_day_x", "False alarms a day, with x_*", better="low", share=False),
        Column("time_flagged_x", "Healthy readings flagged, with x_*", better="low"),
    )
    headline: ClassVar[str] = "average_precision"
    each: ClassVar[str] = "average_precision"
    series_are_cases: ClassVar[bool] = False

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return two cases a spliced file: without and with the columns x_*."""
        listed = list(series)
        clean = {one.group: one for one in listed if not one.labels.any()}
        spliced = [one for one in listed if one.labels.any() and one.group in clean]
        return [case for one in spliced for case in cases_of(clean[one.group], one)]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return what `Alarms` does, under names of their own with x_*."""
        found = super().judge(detector, case)
        if case.kind == WITHOUT:
            return found
        return Found({f"{name}_x": value for name, value in found.figures.items()}, found.arrays)

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return means over files."""
        found: dict[str, Floats] = {}
        for end in ("", "_x"):
            if f"hits{end}" not in figures:
                continue
            for name in ("average_precision", "vus_pr"):
                if f"{name}{end}" in figures:
                    found[f"{name}{end}"] = mean(figures[f"{name}{end}"], weight)
            for name, above, below in (
                ("event_recall", "hits", "faults"),
                ("false_alarms_per_day", "false_alarms", "clean_days"),
                ("time_flagged", "flagged", "healthy"),
            ):
                each = ratio(figures[f"{above}{end}"], figures[f"{below}{end}"])
                found[f"{name}{end}"] = mean(each, weight)
        return found

    def notes(self, cases: Sequence[Case]) -> list[str]:
        """Say how many weeks there are."""
        weeks = sorted({case.unit for case in cases})
        return [f"{len(cases) // 2} files of {len(weeks)} of the three weeks: {', '.join(weeks)}."]


def cases_of(clean: Series, spliced: Series) -> list[Case]:
    """Return the two cases of a file; the two are cut at the same time."""
    sensors = [name for name in clean.readings.channels if not name.startswith(OWN)]
    known = clean.readings
    cut = int(known.time[int(TRAINING * len(known))])
    early, late = known.time < cut, spliced.readings.time >= cut
    first = int(np.argmax(late)) if late.any() else len(late)
    windows = spliced.windows[spliced.windows[:, 1] >= first]
    whole = Case(
        name=spliced.name,
        unit=spliced.group,
        fit=known[early][: int(FITTED * early.sum())],
        calibrate=known[early][int(FITTED * early.sum()) :],
        before=known[early],
        test=spliced.readings[first:],
        faulty=spliced.labels[first:],
        windows=np.maximum(windows - first, 0),
        kind=WITH,
        learned=f"{clean.name}, {WITH}",
    )

    def alone(readings: Readings | None) -> Readings | None:
        return None if readings is None else with_channels(readings, sensors)

    return [
        replace(
            whole,
            fit=with_channels(whole.fit, sensors),
            calibrate=alone(whole.calibrate),
            before=alone(whole.before),
            test=with_channels(whole.test, sensors),
            kind=WITHOUT,
            learned=f"{clean.name}, {WITHOUT}",
        ),
        whole,
    ]
