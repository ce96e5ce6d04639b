"""Rank the detectors over all recordings, with what the order and the figures are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.evaluate.pooled import pooled_delay, pooled_events
from sensorkit.evaluate.rows import Scored
from sensorkit.evaluate.settings import BASELINES
from sensorkit.evaluate.statistics import (
    ALPHA,
    LEAST_FAULTS,
    Interval,
    figure_interval,
    groups,
    hits_p_value,
    p_value,
    percentile_interval,
)
from sensorkit.evaluate.statistics.blocks import Draws
from sensorkit.evaluate.statistics.nested import (
    mean_draws,
)
from sensorkit.evaluate.words import listed

Floats = NDArray[np.float64]
Cells = Mapping[tuple[str, str], Scored]
"""By recording and detector."""
Base = Sequence[str]
"""The recordings that are copies of one: other faults in the same readings."""

POOLED = tuple(
    key
    for name in (
        "vus_pr",
        "average_precision",
        "event_recall",
        "event_f1",
        "false_alarms_per_day",
        "time_in_false_alarm",
        "delay_median_s",
    )
    for key in (name, f"{name}_ci")
)
"""None where a cell failed."""


class Sample(NamedTuple):
    """VUS-PR of a detector on each base that was tried, and its draws there."""

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
        Of each ranked detector; empty where there are too few stretches.
    sizes : array of int, shape (n_bases,)
        Stretches of faulty readings in each base, what the bootstrap draws: faults that touch
        are one.
    faults : int
        Faults tried.
    hits : dict of str to array of bool, shape (n_faults,)
        Which of them each ranked detector found.
    """

    rows: list[dict[str, Any]]
    samples: dict[str, Sample]
    sizes: NDArray[np.int64]
    faults: int
    hits: dict[str, NDArray[np.bool_]]

    @property
    def stretches(self) -> int:
        """Return how many stretches of faulty readings there are."""
        return int(self.sizes.sum())

    def interval(self, name: str) -> Interval:
        """Return the interval of a detector's mean VUS-PR."""
        return figure_interval(*mean_draws(*self.samples[name], self.sizes))

    def hits_p_value(self, one: str, other: str) -> float:
        """Return the p-value of "both find the same share of faults"."""
        return hits_p_value(self.hits[one], self.hits[other])

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
    cells: Cells,
    recordings: Sequence[str],
    detectors: Sequence[str],
    *,
    resamples: int,
    seed: int,
    bases: Mapping[str, str] | None = None,
) -> Ranking:
    """Rank *detectors* by their mean VUS-PR over the recordings that have faults in the test.

    Intervals, p-values and groups take faults as nested in recordings, see
    `sensorkit.evaluate.statistics.nested`. Copies of one recording are one: their faults are
    faults of it, their clean time was there once.

    Parameters
    ----------
    cells : mapping of (recording, detector) to Scored
    recordings, detectors : sequence of str
    resamples, seed : int
        Of the bootstrap of the median delay; that of VUS-PR is in the cells.
    bases : mapping of str to str, optional
        Recording -> what it is a copy of. Each is its own if not given.
    """
    copies = _by_base(recordings, bases)
    tried = _by_base(
        [r for r in recordings if any(cells[r, d].draws is not None for d in detectors)], bases
    )
    rows = [_pooled(cells, copies, tried, name, resamples, seed) for name in detectors]
    for row, place in zip(rows, _mean_ranks(cells, tried, detectors), strict=True):
        row["mean_rank"] = place
    sizes = np.array(
        [sum(_stretches(cells, r, detectors) for r in base) for base in tried], dtype=np.int64
    )
    rows.sort(key=lambda row: (row["vus_pr"] is None, -(row["vus_pr"] or 0.0), row["baseline"]))
    ranked = [row["detector"] for row in rows if row["vus_pr"] is not None]
    enough = sizes.sum() >= LEAST_FAULTS
    samples = {name: _sample(cells, tried, name, "vus_pr") for name in ranked} if enough else {}
    hits = {name: _hits(cells, recordings, name) for name in ranked}
    faults = sum(
        max(cells[r, d].rows[0]["faults"] for d in detectors) for base in tried for r in base
    )
    ranking = Ranking(rows, samples, sizes, faults, hits)
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
            figure_interval(*mean_draws(*_sample(cells, tried, name, "average_precision"), sizes))
            if name in samples
            else None
        )
        row["p_value"] = (
            ranking.difference(ranked[0], name).p_value
            if name in samples and name != ranked[0]
            else None
        )
    return ranking


def _by_base(recordings: Sequence[str], bases: Mapping[str, str] | None) -> list[Base]:
    found: dict[str, list[str]] = {}
    for name in recordings:
        found.setdefault(name if bases is None else bases[name], []).append(name)
    return list(found.values())


def _pooled(
    cells: Cells,
    copies: Sequence[Base],
    tried: Sequence[Base],
    detector: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    status = {r: cells[r, detector].rows[0]["status"] for base in copies for r in base}
    failed = {r: how for r, how in status.items() if how != "ok"}
    row = {
        "detector": detector,
        "baseline": detector in BASELINES,
        **dict.fromkeys(POOLED),
        "recordings": len(tried),
        "copies": sum(len(base) for base in tried),
        "failed": len(failed),
        "note": _ends(failed),
    }
    if failed:  # figures of other recordings than the others have compare with nothing
        return row
    if tried:
        for key in ("vus_pr", "average_precision"):
            values = [_mean(cells, base, detector, key) for base in tried]
            row[key] = None if None in values else float(np.mean(np.array(values, dtype=float)))
    by_base = [[cells[r, detector] for r in base] for base in copies]
    return row | pooled_events(by_base) | pooled_delay(by_base, resamples, seed)


def _ends(failed: Mapping[str, str]) -> str | None:
    """Return where a detector did not finish, in words; None where it always did."""
    said = [
        f"{words} on {listed(names)}"
        for status, words in (("timeout", "ran out of time"), ("failed", "failed"))
        if (names := [name for name, how in failed.items() if how == status])
    ]
    return listed(said) if said else None


def _mean(cells: Cells, base: Base, detector: str, key: str) -> float | None:
    """Return the mean of a figure over the copies of a base; None where one has none."""
    values = [cells[r, detector].rows[0][key] for r in base]
    return None if None in values else sum(values) / len(values)


def _mean_ranks(
    cells: Cells, tried: Sequence[Base], detectors: Sequence[str]
) -> list[float | None]:
    if not tried:
        return [None] * len(detectors)
    values = [[_mean(cells, base, d, "vus_pr") for d in detectors] for base in tried]
    # A failed cell is worse than any value; several share the last places.
    scores = pd.DataFrame(values, dtype=np.float64).fillna(-1.0)
    return scores.rank(axis=1, ascending=False).mean().tolist()


def _stretches(cells: Cells, recording: str, detectors: Sequence[str]) -> int:
    found = (cells[recording, detector].draws for detector in detectors)
    return max(draws.faults for draws in found if draws is not None)


def _hits(cells: Cells, recordings: Sequence[str], detector: str) -> NDArray[np.bool_]:
    found = [np.isfinite(cells[recording, detector].delays[0]) for recording in recordings]
    return np.concatenate([np.zeros(0, dtype=np.bool_), *found])


def _sample(
    cells: Cells,
    tried: Sequence[Base],
    detector: str,
    figure: Literal["vus_pr", "average_precision"],
) -> Sample:
    values = [
        np.mean([cells[r, detector].rows[0][figure] for r in base], dtype=np.float64)
        for base in tried
    ]
    draws = [
        _together([d for r in base if (d := cells[r, detector].draws) is not None], figure)
        for base in tried
    ]
    return Sample(np.array(values), np.stack(draws))


def _together(copies: Sequence[Draws], figure: str) -> Floats:
    """Return draws of the mean over the copies of a base, as if its faults were drawn at once.

    A bootstrap's variance is (k - 1)/k of the truth. Those of the copies, with few faults each,
    are brought to what their faults together will be taken for.
    """
    whole = sum(draws.faults for draws in copies)
    wider = []
    for draws in copies:
        values: Floats = getattr(draws, figure)
        by = (whole - 1) / whole * draws.faults / max(draws.faults - 1, 1)
        middle = values.mean()
        wider.append(values if len(copies) == 1 else middle + (values - middle) * math.sqrt(by))
    mean: Floats = np.mean(wider, axis=0)
    return mean
