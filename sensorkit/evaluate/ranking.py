"""Rank the detectors over all recordings, and say in a sentence what that is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.evaluate.rows import Scored
from sensorkit.evaluate.settings import BASELINES
from sensorkit.evaluate.statistics import (
    LEAST_FAULTS,
    censored_median,
    groups,
    percentile_interval,
    poisson_interval,
    wilson_interval,
)

Cells = Mapping[tuple[str, str], Scored]
"""By recording and detector."""


@dataclass(frozen=True)
class Ranking:
    """The table and the bootstrap values behind it.

    Attributes
    ----------
    rows : list of dict
        Best first; a detector with a failed cell stands last, without a group.
    draws : dict of str to array, shape (resamples,)
        VUS-PR of each ranked detector, paired; empty where too few faults were tried.
    faults : int
        How many were tried: those in the test that at least one reading shows.
    """

    rows: list[dict[str, Any]]
    draws: dict[str, NDArray[np.float64]]
    faults: int


def rank(
    cells: Cells, recordings: Sequence[str], detectors: Sequence[str], *, resamples: int, seed: int
) -> Ranking:
    """Rank *detectors* by their mean VUS-PR over the recordings that have faults in the test.

    Intervals and groups come from resampling the recordings, and the faults within each.
    """
    tried = [r for r in recordings if any(cells[r, d].draws is not None for d in detectors)]
    rows = [_pooled(cells, recordings, tried, detector) for detector in detectors]
    for row, place in zip(rows, _mean_ranks(cells, tried, detectors), strict=True):
        row["mean_rank"] = place
    faults = sum(_faults(cells, recording, detectors) for recording in tried)
    complete = [row["detector"] for row in rows if row["vus_pr"] is not None]
    draws = _draws(cells, tried, complete, resamples, seed) if faults >= LEAST_FAULTS else {}
    rows.sort(key=lambda row: (row["vus_pr"] is None, -(row["vus_pr"] or 0.0), row["baseline"]))
    ranked = [row["detector"] for row in rows if row["vus_pr"] is not None]
    # Without draws nothing can be told apart.
    number = groups(ranked, draws, faults) if draws else dict.fromkeys(ranked, 1)
    for row in rows:
        name = row["detector"]
        row["group"] = number.get(name)
        row["vus_pr_ci"] = percentile_interval(draws[name], faults) if name in draws else None
    return Ranking(rows, draws, faults)


def _pooled(
    cells: Cells, recordings: Sequence[str], tried: Sequence[str], detector: str
) -> dict[str, Any]:
    failed = [r for r in recordings if cells[r, detector].rows[0]["status"] != "ok"]
    overall = [cells[r, detector].rows[0] for r in recordings]
    good = [row for row in overall if row["status"] == "ok"]
    hit, faults = (sum(row[key] for row in good) for key in ("faults_hit", "faults"))
    alarms = sum(row["false_alarms"] for row in good)
    days = sum(row["clean_hours"] for row in good) / 24
    delays, watched = (
        np.concatenate([cells[r, detector].delays[i] for r in recordings]) for i in (0, 1)
    )
    complete = bool(tried) and not set(failed) & set(tried)

    def mean(key: str) -> float | None:
        values = [cells[r, detector].rows[0][key] for r in tried]
        return None if not complete or None in values else sum(values) / len(values)

    return {
        "detector": detector,
        "baseline": detector in BASELINES,
        "vus_pr": mean("vus_pr"),
        "average_precision": mean("average_precision"),
        "event_recall": hit / faults if faults else None,
        "event_recall_ci": wilson_interval(hit, faults) if faults else None,
        "false_alarms_per_day": alarms / days if days else None,
        "false_alarms_per_day_ci": poisson_interval(alarms, days) if days else None,
        "delay_median_s": float(censored_median(delays, watched)[0]),
        "recordings": len(tried),
        "failed": len(failed),
    }


def _mean_ranks(cells: Cells, tried: Sequence[str], detectors: Sequence[str]) -> list[float | None]:
    if not tried:
        return [None] * len(detectors)
    values = [[cells[r, d].rows[0]["vus_pr"] for d in detectors] for r in tried]
    # A failed cell is worse than any value; several share the last places.
    scores = pd.DataFrame(values, dtype=np.float64).fillna(-1.0)
    return scores.rank(axis=1, ascending=False).mean().tolist()


def _faults(cells: Cells, recording: str, detectors: Sequence[str]) -> int:
    found = (cells[recording, detector].draws for detector in detectors)
    return max(draws.faults for draws in found if draws is not None)


def _draws(
    cells: Cells, tried: Sequence[str], detectors: Sequence[str], resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    chosen = np.random.default_rng(seed).integers(0, len(tried), size=(len(tried), resamples))
    each = np.arange(resamples)
    draws = {}
    for detector in detectors:
        found = [cells[recording, detector].draws for recording in tried]
        values = np.stack([one.vus_pr for one in found if one is not None])
        draws[detector] = values[chosen, each].mean(axis=0)
    return draws
