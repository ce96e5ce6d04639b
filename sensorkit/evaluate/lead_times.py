"""How early detectors warn before a failure: lives that are watched from new to their end."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sensorkit.detect.base import BaseDetector, Detector
from sensorkit.errors import UsageError
from sensorkit.evaluate.metrics.lead import lead_time
from sensorkit.evaluate.public.protocol import Case
from sensorkit.evaluate.public.stretches import watched
from sensorkit.prognosis.life import Life
from sensorkit.readings import Readings


def lead_times(
    detectors: Mapping[str, Detector],
    lives: Sequence[Life],
    *,
    fit_s: float,
    calibrate_s: float,
    useful_s: float,
    false_alarms_per_day: float = 1.0,
) -> pd.DataFrame:
    """Return what each detector said in each life.

    All lives learn together: their first *fit_s* seconds are fitted on, thresholds are frozen on
    those up to *calibrate_s*, and each life is watched from there to its failure. A detector that
    is fitted already, as one that had to learn from whole lives, is taken as it is.

    Parameters
    ----------
    detectors : mapping of str to Detector
    lives : sequence of Life
        Those that are not longer than *calibrate_s* are left out.
    fit_s, calibrate_s : float
        Seconds from the beginning of a life.
    useful_s : float
        A warning is in time if it comes so long before the failure, and no false alarm did.
    false_alarms_per_day : float

    Returns
    -------
    DataFrame
        A row a detector and life: `lead_s` from the warning to the failure (0 without one), and
        of the alarm that stays until the failure `stays_s`; `false_alarms`, `in_time`.

    Raises
    ------
    UsageError
        If the times are in no order, or no life is long enough.

    Notes
    -----
    An alarm that begins before the onset of wear is a false one; where the onset is not known,
    in the first half of the life, as in the protocol of C-MAPSS
    (`sensorkit.evaluate.public.cmapss`). The first one after it is the warning. `stays_s` is
    `sensorkit.evaluate.metrics.lead.lead_time` of the flagged readings, which takes back a
    warning that ended before the failure.
    """
    if not 0.0 < fit_s < calibrate_s:
        raise UsageError(
            f"fit_s is {fit_s:g} and calibrate_s {calibrate_s:g}; 0 < fit_s < calibrate_s is wanted"
        )
    cases = [
        (life, case)
        for k, life in enumerate(lives)
        if (case := _case(k, life, fit_s, calibrate_s)) is not None
    ]
    if not cases:
        raise UsageError(
            f"none of the {len(lives)} lives goes on after {calibrate_s:g} s; take less to learn "
            "from, or longer lives"
        )
    fit = Readings.concat([case.fit for _, case in cases])
    clean = Readings.concat([case.calibrate for _, case in cases if case.calibrate is not None])
    rows = []
    for name, detector in detectors.items():
        learned = _learned(detector, fit, clean, false_alarms_per_day)
        rows += [
            {"detector": name, "life": case.name, **_judged(copy.deepcopy(learned), life, case)}
            for life, case in cases
        ]
    found = pd.DataFrame(rows)
    found["in_time"] = (found["lead_s"] >= useful_s) & (found["false_alarms"] == 0)
    return found


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Return a row a detector of what `lead_times` found, the best first.

    `in_time` and `warned` are shares of the lives, `lead_s` and `stays_s` medians, and
    `false_alarms` the mean of a life.
    """
    by = found.assign(warned=found["lead_s"] > 0).groupby("detector", sort=False)
    table = pd.DataFrame(
        {
            "lives": by.size(),
            "in_time": by["in_time"].mean(),
            "warned": by["warned"].mean(),
            "lead_s": by["lead_s"].median(),
            "stays_s": by["stays_s"].median(),
            "false_alarms": by["false_alarms"].mean(),
        }
    )
    return table.sort_values(["in_time", "lead_s"], ascending=False, kind="stable")


def _case(k: int, life: Life, fit_s: float, calibrate_s: float) -> Case | None:
    """Return a life as a case: what to learn from, and what to watch."""
    readings = life.readings
    age = (readings.time - readings.time[0]) / 1e9
    first, second = (int(np.searchsorted(age, end)) for end in (fit_s, calibrate_s))
    if not 0 < first < second < len(readings):
        return None
    name = f"{life.device}/{k}"
    named = Readings.build(readings.time, readings.values, readings.channels, device=name)
    return Case(
        name=name,
        unit=name,
        fit=named[:first],
        calibrate=named[first:second],
        before=named[:second],
        test=named[second:],
        faulty=np.zeros(len(readings) - second, dtype=np.bool_),
        windows=np.zeros((0, 2), dtype=np.int64),
    )


def _learned(detector: Detector, fit: Readings, clean: Readings, budget: float) -> Detector:
    own = copy.deepcopy(detector)
    if isinstance(own, BaseDetector) and own.fitted:
        own.reset()
        return own
    own.fit(fit).calibrate(clean, budget)
    own.reset()
    return own


def _judged(detector: Detector, life: Life, case: Case) -> dict[str, float]:
    threshold = detector.threshold_
    scores, alerts = watched(detector, case)
    time = case.test.time
    fails = int(time[-1]) + round(float(life.left[-1]) * 1e9)
    whole = (fails - int(life.readings.time[0])) / 1e9
    worn = life.onset if np.isfinite(life.onset) else whole / 2.0
    # An alarm that was open already is raised with the first reading that is watched.
    before = np.array([(fails - max(alert.start, int(time[0]))) / 1e9 for alert in alerts])
    warnings = before[before <= worn]
    period = float(np.median(np.diff(time))) / 1e9 if len(time) > 1 else 1.0
    stays = lead_time(scores >= threshold, period=period)
    return {
        "lead_s": float(warnings.max()) if len(warnings) else 0.0,
        "stays_s": stays.lead_s,
        "false_alarms": float((before > worn).sum()),
    }
