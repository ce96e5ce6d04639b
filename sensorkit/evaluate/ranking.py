"""Rank the detectors over all recordings, with what the order and the figures are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.evaluate.rows import Scored, event_f1, event_f1_interval
from sensorkit.evaluate.settings import BASELINES
from sensorkit.evaluate.statistics import (
    ALPHA,
    LEAST_FAULTS,
    Interval,
    censored_median,
    figure_interval,
    groups,
    median_delay_interval,
    p_value,
    percentile_interval,
    weighted_poisson_interval,
)
from sensorkit.evaluate.statistics.nested import (
    mean_draws,
    rate_interval,
    resample_nested,
    share_interval,
)

Floats = NDArray[np.float64]
Cells = Mapping[tuple[str, str], Scored]
"""By recording and detector."""


class Sample(NamedTuple):
    """VUS-PR of a detector on each recording that was tried, and its draws there."""

    values: Floats
    """Shape (n_recordings,)."""
    draws: Floats
    """Shape (n_recordings, resamples); the same faults in each draw for every detector."""


class Difference(NamedTuple):
    """Of the mean VUS-PR of two detectors, paired."""

    value: float
    interval: Interval
    p_value: float
    """Two-sided; below 0.05 exactly where the interval leaves out 0."""
    deviation: float
    """Standard deviation of the draws."""

    @property
    def told_apart(self) -> bool:
        """Return whether it differs from 0 at the 5 % level."""
        return self.p_value < ALPHA


@dataclass(frozen=True)
class Ranking:
    """The table and the bootstrap values behind it.

    Attributes
    ----------
    rows : list of dict
        Best first; a detector with a failed cell stands last, without a group.
    samples : dict of str to Sample
        Of each ranked detector; empty where too few faults were tried.
    sizes : array of int, shape (n_recordings,)
        Faults tried in each recording: those in the test that at least one reading shows.
    """

    rows: list[dict[str, Any]]
    samples: dict[str, Sample]
    sizes: NDArray[np.int64]

    @property
    def faults(self) -> int:
        """Return how many faults were tried."""
        return int(self.sizes.sum())

    def interval(self, name: str) -> Interval:
        """Return the interval of a detector's mean VUS-PR."""
        return figure_interval(*mean_draws(*self.samples[name], self.sizes))

    def difference(self, one: str, other: str) -> Difference:
        """Return by how much the mean VUS-PR of *one* exceeds that of *other*."""
        first, second = self.samples[one], self.samples[other]
        values = first.values - second.values
        draws, worth = mean_draws(values, first.draws - second.draws, self.sizes)
        return Difference(
            float(values.mean()),
            percentile_interval(draws, worth),
            p_value(draws, worth),
            float(draws.std() * math.sqrt(worth / (worth - 1))),
        )


def rank(
    cells: Cells, recordings: Sequence[str], detectors: Sequence[str], *, resamples: int, seed: int
) -> Ranking:
    """Rank *detectors* by their mean VUS-PR over the recordings that have faults in the test.

    Intervals, p-values and groups take faults as nested in recordings, see
    `sensorkit.evaluate.statistics.nested`.

    Parameters
    ----------
    cells : mapping of (recording, detector) to Scored
    recordings, detectors : sequence of str
    resamples, seed : int
        Of the bootstrap of the median delay; that of VUS-PR is in the cells.
    """
    tried = [r for r in recordings if any(cells[r, d].draws is not None for d in detectors)]
    rows = [_pooled(cells, recordings, tried, name, resamples, seed) for name in detectors]
    for row, place in zip(rows, _mean_ranks(cells, tried, detectors), strict=True):
        row["mean_rank"] = place
    sizes = np.array([_faults(cells, r, detectors) for r in tried], dtype=np.int64)
    rows.sort(key=lambda row: (row["vus_pr"] is None, -(row["vus_pr"] or 0.0), row["baseline"]))
    ranked = [row["detector"] for row in rows if row["vus_pr"] is not None]
    enough = sizes.sum() >= LEAST_FAULTS
    samples = {name: _sample(cells, tried, name) for name in ranked} if enough else {}
    ranking = Ranking(rows, samples, sizes)
    # Without draws nothing can be told apart.
    number = (
        groups(ranked, lambda one, other: ranking.difference(one, other).told_apart)
        if samples
        else dict.fromkeys(ranked, 1)
    )
    for row in rows:
        name = row["detector"]
        row["group"] = number.get(name)
        row["vus_pr_ci"] = ranking.interval(name) if name in samples else None
        row["average_precision_ci"] = (
            _precision_interval(cells, tried, name, sizes) if name in samples else None
        )
        row["p_value"] = (
            ranking.difference(ranked[0], name).p_value
            if name in samples and name != ranked[0]
            else None
        )
    return ranking


def _pooled(
    cells: Cells,
    recordings: Sequence[str],
    tried: Sequence[str],
    detector: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    mine = [cells[r, detector] for r in recordings]
    good = [one for one in mine if one.rows[0]["status"] == "ok"]
    complete = bool(tried) and all(cells[r, detector].rows[0]["status"] == "ok" for r in tried)

    def column(key: str) -> Floats:
        return np.array([one.rows[0].get(key) or 0.0 for one in good], dtype=np.float64)

    def mean(key: str) -> float | None:
        values = [cells[r, detector].rows[0][key] for r in tried]
        return None if not complete or None in values else sum(values) / len(values)

    faults, hit = column("faults"), column("faults_hit")
    episodes = column("episodes")
    hits = column("event_precision") * episodes
    alarms, days = column("false_alarms"), column("clean_hours") / 24
    bunched = _bunched(good, alarms)
    any_fault, any_time = bool(faults.any()), bool(days.any())
    f1 = [event_f1(*one) or 0.0 for one in zip(hit, faults, hits, episodes, strict=True)]
    return {
        "detector": detector,
        "baseline": detector in BASELINES,
        "vus_pr": mean("vus_pr"),
        "average_precision": mean("average_precision"),
        "event_recall": float(hit.sum() / faults.sum()) if any_fault else None,
        "event_recall_ci": share_interval(hit, faults) if any_fault else None,
        "event_f1": event_f1(hit.sum(), faults.sum(), hits.sum(), episodes.sum()),
        "event_f1_ci": (
            event_f1_interval(f1, list(faults + episodes - hits)) if any_fault else None
        ),
        "false_alarms_per_day": float(alarms.sum() / days.sum()) if any_time else None,
        "false_alarms_per_day_ci": (
            rate_interval(alarms / bunched, days / bunched) if any_time else None
        ),
        **_time_in_false_alarm([one.false_seconds for one in good], days * 86_400, bunched),
        **_delay(good, resamples, seed),
        "recordings": len(tried),
        "failed": len(mine) - len(good),
    }


def _bunched(good: Sequence[Scored], alarms: Floats) -> float:
    """Return the bunching within recordings, one for all: some have too few alarms to show it."""
    if not alarms.any():
        return 1.0
    return float(alarms @ [one.bunched for one in good] / alarms.sum())


def _time_in_false_alarm(seconds: list[Floats], clean: Floats, bunched: float) -> dict[str, Any]:
    """Return the pooled share of clean time in false alarm.

    The runs of flags count as so many alarms of equal length as have their spread (the effective
    number that `weighted_poisson_interval` rests on); how many come is a rate of each recording.
    """
    if not clean.any():
        return {"time_in_false_alarm": None, "time_in_false_alarm_ci": None}
    runs = np.concatenate([np.empty(0), *seconds])
    share = float(runs.sum() / clean.sum())
    if not len(runs):
        return {"time_in_false_alarm": share, "time_in_false_alarm_ci": (0.0, math.inf)}
    if (clean > 0).sum() == 1:
        low, high = weighted_poisson_interval(runs, float(clean.sum()), bunched)
    else:
        length = bunched * float(runs @ runs / runs.sum())
        events = np.array([one.sum() for one in seconds]) / length
        low, high = rate_interval(events, clean / length)
    return {"time_in_false_alarm": share, "time_in_false_alarm_ci": (low, min(high, 1.0))}


def _delay(good: Sequence[Scored], resamples: int, seed: int) -> dict[str, Any]:
    delays, watched = (np.concatenate([np.empty(0), *(o.delays[i] for o in good)]) for i in (0, 1))
    # The same draws for every detector.
    rng = np.random.default_rng([seed, 1])
    sizes = [len(one.delays[0]) for one in good if len(one.delays[0])]
    interval = None
    if len(delays) >= LEAST_FAULTS:
        weights = resample_nested(sizes, resamples, rng)
        interval = median_delay_interval(delays, watched, weights=weights)
    return {
        "delay_median_s": float(censored_median(delays, watched)[0]),
        "delay_median_s_ci": interval,
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


def _sample(cells: Cells, tried: Sequence[str], detector: str) -> Sample:
    found = [cells[recording, detector] for recording in tried]
    return Sample(
        np.array([one.rows[0]["vus_pr"] for one in found]),
        np.stack([one.draws.vus_pr for one in found if one.draws is not None]),
    )


def _precision_interval(
    cells: Cells, tried: Sequence[str], detector: str, sizes: NDArray[np.int64]
) -> Interval:
    found = [cells[recording, detector] for recording in tried]
    values = np.array([one.rows[0]["average_precision"] for one in found])
    draws = np.stack([one.draws.average_precision for one in found if one.draws is not None])
    return figure_interval(*mean_draws(values, draws, sizes))
