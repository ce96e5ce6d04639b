"""Cut a series into stretches, and watch the last one with a detector that has learned."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.public.pooling import Floats
from sensorkit.evaluate.public.protocol import Case
from sensorkit.readings import Alert, Readings

FITTED = 0.6
"""Share of what may be learned from that is fitted on; thresholds are frozen on the rest."""


def ahead(series: Series, cut: int, *, unit: str = "", learned: str = "") -> Case:
    """Return the case that learns from the first *cut* rows and is tested on the rest.

    Labelled rows among the first are left out of what is learned: the user of a detector, too,
    would take healthy readings. The stream has seen them, though.
    """
    early = slice(0, cut)
    sound = series.readings[early][~series.labels[early]]
    fitted = int(FITTED * len(sound))
    late = series.windows[series.windows[:, 1] >= cut] if len(series.windows) else series.windows
    return Case(
        name=series.name,
        unit=unit or series.group,
        fit=sound[:fitted],
        calibrate=sound[fitted:],
        before=series.readings[early],
        test=series.readings[cut:],
        faulty=series.labels[cut:],
        windows=np.maximum(late - cut, 0).reshape(-1, 2),
        learned=learned or series.name,
        extra=series.extra,
    )


def with_channels(readings: Readings, names: list[str]) -> Readings:
    """Return the readings of some channels only."""
    columns = [readings.channels.index(name) for name in names]
    return Readings.build(readings.time, readings.values[:, columns], names, device=readings.device)


def watched(detector: Detector, case: Case) -> tuple[Floats, list[Alert]]:
    """Return the scores and the alerts of the test; the detector is used up.

    An alert that began before the test and is still open when it begins is among them.
    """
    open_before: list[Alert] = []
    if case.before is not None and len(case.before):
        open_before = detector.alerts(case.before)
    scorer = copy.deepcopy(detector)
    scores = scorer.score(case.test)
    begun = detector.alerts(case.test) + detector.finish()
    start = case.test.time[0] if len(case.test) else 0
    return scores, [a for a in open_before if a.end is None or a.end >= start] + begun


def label_table(windows: NDArray[np.int64], time: NDArray[np.int64]) -> pd.DataFrame:
    """Return start and end of each window (UTC, inclusive), as `evaluate.events` wants them."""
    rows = windows.reshape(-1, 2)
    return pd.DataFrame(
        {
            "start": pd.to_datetime(time[rows[:, 0]], utc=True),
            "end": pd.to_datetime(time[rows[:, 1]], utc=True),
        }
    )
