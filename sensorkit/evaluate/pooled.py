"""What the frozen threshold of a detector gives over all recordings.

Copies of one recording, with other faults in the same readings, are one: their faults add up, and
their clean time with the alarms in it was there once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.rows import Scored, event_f1, event_f1_interval
from sensorkit.evaluate.statistics import (
    LEAST_FAULTS,
    censored_median,
    median_delay_interval,
    weighted_poisson_interval,
)
from sensorkit.evaluate.statistics.nested import (
    rate_interval,
    resample_nested,
    share_interval,
)

Floats = NDArray[np.float64]
ByBase = Sequence[Sequence[Scored]]
"""The cells of one detector: for each base, those of its copies."""


def pooled_events(by_base: ByBase) -> dict[str, Any]:
    """Return recall, F1, rate and time in false alarm, each with its interval."""
    n = np.array([len(base) for base in by_base], dtype=np.float64)

    def column(key: str) -> Floats:
        """Return the sum over the copies of each base."""
        return np.array([sum(one.rows[0].get(key) or 0.0 for one in base) for base in by_base])

    faults, hit, episodes = column("faults"), column("faults_hit"), column("episodes")
    hits = np.array(
        [
            sum((one.rows[0]["event_precision"] or 0.0) * one.rows[0]["episodes"] for one in base)
            for base in by_base
        ]
    )
    # The clean time of copies is the same, and so are the alarms in it.
    alarms, days = column("false_alarms") / n, column("clean_hours") / 24 / n
    bunched = _bunched([one for base in by_base for one in base])
    any_fault, any_time = bool(faults.any()), bool(days.any())
    f1 = [event_f1(*one) or 0.0 for one in zip(hit, faults, hits, episodes, strict=True)]
    seconds = [
        np.concatenate([np.empty(0), *(one.false_seconds for one in base)]) for base in by_base
    ]
    return {
        "event_recall": float(hit.sum() / faults.sum()) if any_fault else None,
        "event_recall_ci": share_interval(hit, faults) if any_fault else None,
        "event_f1": event_f1(hit.sum(), faults.sum(), hits.sum(), episodes.sum()),
        "event_f1_ci": (
            event_f1_interval(f1, list(faults + (episodes - hits) / n)) if any_fault else None
        ),
        "false_alarms_per_day": float(alarms.sum() / days.sum()) if any_time else None,
        "false_alarms_per_day_ci": (
            rate_interval(alarms / bunched, days / bunched) if any_time else None
        ),
        **_time_in_false_alarm(seconds, days * 86_400, n, bunched),
    }


def _bunched(good: Sequence[Scored]) -> float:
    """Return the bunching within recordings, one for all: some have too few alarms to show it."""
    alarms = np.array([one.rows[0]["false_alarms"] for one in good], dtype=np.float64)
    if not alarms.any():
        return 1.0
    return float(alarms @ [one.bunched for one in good] / alarms.sum())


def _time_in_false_alarm(
    seconds: list[Floats], clean: Floats, copies: Floats, bunched: float
) -> dict[str, Any]:
    """Return the pooled share of clean time in false alarm.

    The runs of flags count as so many alarms of equal length as have their spread (the effective
    number that `weighted_poisson_interval` rests on); how many come is a rate of each base.
    *seconds* are those of all copies, *clean* that of one.
    """
    if not clean.any():
        return {"time_in_false_alarm": None, "time_in_false_alarm_ci": None}
    runs = np.concatenate([np.empty(0), *seconds])
    taken = np.array([one.sum() for one in seconds]) / copies
    share = min(float(taken.sum() / clean.sum()), 1.0)
    if not len(runs):
        return {"time_in_false_alarm": share, "time_in_false_alarm_ci": (0.0, math.inf)}
    if (clean > 0).sum() == 1:
        at = int(clean.argmax())
        times = int(copies[at])
        low, high = weighted_poisson_interval(runs, float(clean[at]) * times, bunched, times)
    else:
        length = bunched * float(runs @ runs / runs.sum())
        low, high = rate_interval(taken / length, clean / length)
    return {"time_in_false_alarm": share, "time_in_false_alarm_ci": (low, min(high, 1.0))}


def pooled_delay(by_base: ByBase, resamples: int, seed: int) -> dict[str, Any]:
    """Return the median delay with its interval."""
    good = [one for base in by_base for one in base]
    delays, watched = (np.concatenate([np.empty(0), *(o.delays[i] for o in good)]) for i in (0, 1))
    # The same draws for every detector.
    rng = np.random.default_rng([seed, 1])
    sizes = [sum(len(one.delays[0]) for one in base) for base in by_base]
    interval = None
    if len(delays) >= LEAST_FAULTS:
        weights = resample_nested([size for size in sizes if size], resamples, rng)
        interval = median_delay_interval(delays, watched, weights=weights)
    return {
        "delay_median_s": float(censored_median(delays, watched)[0]),
        "delay_median_s_ci": interval,
    }
