"""Try detectors on a public data set by its own protocol, with the published rows beside them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sensorkit.datasets import leaderboards
from sensorkit.detect.base import Detector
from sensorkit.errors import UsageError
from sensorkit.evaluate.public import comparison, sources
from sensorkit.evaluate.public.contestants import CHANCE, contestants
from sensorkit.evaluate.public.pooling import Floats, count, draws, interval, stacked
from sensorkit.evaluate.public.protocol import Case, Found, Protocol
from sensorkit.evaluate.public.results import PublicResults, failed_reason, plain
from sensorkit.evaluate.running.grid import steady

RESAMPLES = 1000

Tell = Callable[[int, int, str], None]
"""Called with the parts done, their number, and the detector of the last one."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a detector did on one case."""

    found: Found | None
    reason: str
    seconds: float


def public_benchmark(
    name: str,
    *,
    folder: Path | str | None = None,
    detectors: Sequence[str] | Mapping[str, Detector] | None = None,
    limit: int | None = None,
    seed: int = 0,
    workers: int = 1,
    resamples: int = RESAMPLES,
    progress: Tell | None = None,
) -> PublicResults:
    """Judge detectors on a public data set by its official protocol.

    `always`, `never` and `random` are in every table. Figures whose threshold is chosen on the
    labels of the test, as some leaderboards do for everybody, stand beside the honest ones and
    are marked; ranks among the published rows are given only under the same protocol on the
    whole set.

    Parameters
    ----------
    name : str
        One of `sensorkit.evaluate.public.names()`; `generated` is a small set made on the fly,
        in the layout of TSB-AD.
    folder : Path, optional
        Where the set lies; else where `sensorkit.datasets.path` finds it.
    detectors : sequence of str, or mapping of str to Detector, optional
        The cheap ones of the kit by default, each with its own defaults.
    limit : int, optional
        Judge the first so many series only.
    seed : int
        Of the random score, the resampling and the generated set.
    workers : int
        Processes; the figures do not depend on it.
    resamples : int
        Bootstrap draws of series behind each interval.
    progress : callable, optional
        Is told how far it is.

    Returns
    -------
    PublicResults

    Raises
    ------
    UsageError
        If there is no such protocol, the set is not here, or a number is out of range.

    Examples
    --------
    >>> results = public_benchmark("generated", detectors=["sigma"], limit=2, resamples=10)
    >>> [row["detector"] for row in results.rows]
    ['always', 'never', 'random', 'sigma']
    """
    for what, value in (("limit", limit), ("workers", workers), ("resamples", resamples)):
        if value is not None and value < 1:
            raise UsageError(f"{what} is {value}; a whole number from 1 on is wanted")
    protocol = sources.protocol(name)
    series, notes = sources.series_of(protocol, folder, limit, seed)
    cases = protocol.cases(series)[:limit]
    if not cases:
        raise UsageError(
            f"{name}: none of the {len(series)} series can be judged by its protocol; give the "
            "folder of the whole set, or a larger limit"
        )
    tried = contestants(detectors, seed)
    outcomes = _outcomes(protocol, tried, cases, workers, progress)
    weight = draws([case.unit for case in cases], resamples, seed)
    rows, drawn = _rows(protocol, cases, outcomes, weight)
    published, whole = protocol.leaderboard(leaderboards.published(protocol.name), cases)
    comparison.rank(rows, published, protocol, whole)
    units = count([case.unit for case in cases])
    compared = comparison.first_two(rows, protocol, drawn, units)
    if weight is None:
        notes = [*notes, "Too few independent series for intervals."]
    best_first = comparison.order([row for row in rows if row["role"] == "ours"], protocol)
    whole_rows = [row["detector"] for row in best_first]
    rest = [row for row in rows if row["role"] == "ours" and row["detector"] not in whole_rows]
    rows = [*(row for row in rows if row["role"] == "chance"), *best_first, *rest]
    return PublicResults(
        dataset=name,
        title=protocol.title,
        sentence=comparison.sentence(rows, published, compared, protocol),
        protocol=list(protocol.text),
        warnings=list(protocol.warnings),
        notes=notes + protocol.notes(cases),
        columns=[column.to_dict() for column in protocol.columns],
        headline=protocol.headline,
        comparable=protocol.comparable,
        rows=rows,
        published=published,
        per_series=_per_series(cases, outcomes),
        comparison=compared,
        critical_difference=comparison.differences(
            protocol,
            cases,
            {
                who: [_each(one, protocol) for one in got]
                for who, got in outcomes.items()
                if who not in CHANCE
            },
        ),
        settings={
            "detectors": list(tried),
            "limit": limit,
            "seed": seed,
            "resamples": resamples,
            "series": len(cases),
            "whole": whole,
        },
    )


def tried_on(protocol: Protocol, detector: Detector, cases: Sequence[Case]) -> list[Outcome]:
    """Return how a detector does on cases that share what is learned from; *detector* is kept.

    What goes wrong is the outcome of that case, with its reason: never 0, never dropped. Neither
    the process's dice nor the number of threads decide anything.
    """
    begin = time.perf_counter()
    dice = f"{protocol.name} {type(detector).__name__} {cases[0].learned}"
    try:
        with steady(dice.encode()):
            learned = protocol.learn(copy.deepcopy(detector), cases[0])
    except (Exception, SystemExit) as error:  # a detector may raise anything, and call exit
        return [Outcome(None, _in_a_line(error), time.perf_counter() - begin) for _ in cases]
    outcomes = []
    for case in cases:
        try:
            with steady(f"{dice} {case.name} {case.kind}".encode()):
                found = protocol.judge(copy.deepcopy(learned), case)
        except (Exception, SystemExit) as error:
            outcomes.append(Outcome(None, _in_a_line(error), time.perf_counter() - begin))
        else:
            outcomes.append(Outcome(found, "", time.perf_counter() - begin))
        begin = time.perf_counter()
    return outcomes


def _in_a_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _outcomes(
    protocol: Protocol,
    tried: Mapping[str, Detector],
    cases: Sequence[Case],
    workers: int,
    progress: Tell | None,
) -> dict[str, list[Outcome]]:
    """Return the outcome of each case, in their order, by detector."""
    together: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        together.setdefault(case.learned, []).append(i)
    jobs = [(name, rows) for name in tried for rows in together.values()]
    run = Parallel(n_jobs=workers, return_as="generator")
    done = run(
        delayed(tried_on)(protocol, tried[name], [cases[i] for i in rows]) for name, rows in jobs
    )
    found: dict[str, dict[int, Outcome]] = {name: {} for name in tried}
    for number, ((name, rows), outcomes) in enumerate(zip(jobs, done, strict=True), 1):
        found[name].update(zip(rows, outcomes, strict=True))
        if progress is not None:
            progress(number, len(jobs), name)
    return {name: [got[i] for i in range(len(cases))] for name, got in found.items()}


def _rows(
    protocol: Protocol,
    cases: Sequence[Case],
    outcomes: Mapping[str, Sequence[Outcome]],
    weight: Floats | None,
) -> tuple[list[dict[str, Any]], dict[str, Floats]]:
    """Return the rows of the table, and the headline of each detector in each draw."""
    rows, drawn = [], {}
    shares = {column.key for column in protocol.columns if column.share}
    for name, got in outcomes.items():
        ok = [i for i, one in enumerate(got) if one.found is not None]
        found = [one.found for one in got if one.found is not None]
        row: dict[str, Any] = {
            "detector": name,
            "role": "chance" if name in CHANCE else "ours",
            "status": "ok" if len(ok) == len(cases) else "partial" if ok else "failed",
            "reason": failed_reason([one.reason for one in got if one.reason]) if len(ok) < len(
                cases) else None,
            "series": len(ok),
            "failed": len(cases) - len(ok),
        }  # fmt: skip
        if ok:
            figures = stacked([one.figures for one in found])
            pooled = protocol.pool(figures, np.ones(len(ok)))
            row |= {key: plain(value) for key, value in pooled.items()}
            some = [cases[i] for i in ok]
            row |= {k: plain(v) for k, v in protocol.chosen_on_labels(some, found).items()}
            if weight is not None:
                again = protocol.pool(figures, weight[:, ok])
                units = count([case.unit for case in some])
                row |= {
                    f"{key}_ci": interval(values, units, share=key in shares)
                    for key, values in again.items()
                }
                if len(ok) == len(cases):
                    drawn[name] = again[protocol.headline]
        row |= {c.key: row.get(c.key) for c in protocol.columns}
        row |= {f"{c.key}_ci": row.get(f"{c.key}_ci") for c in protocol.columns if not c.labels}
        rows.append(row)
    return rows, drawn


def _per_series(
    cases: Sequence[Case], outcomes: Mapping[str, Sequence[Outcome]]
) -> list[dict[str, Any]]:
    return [
        {
            "series": case.name,
            "unit": case.unit,
            "kind": case.kind or None,
            "detector": name,
            "status": "ok" if one.found is not None else "failed",
            "reason": one.reason or None,
            **({k: plain(v) for k, v in one.found.figures.items()} if one.found else {}),
        }
        for name, got in outcomes.items()
        for case, one in zip(cases, got, strict=True)
    ]


def _each(one: Outcome, protocol: Protocol) -> float | None:
    value = None if one.found is None else one.found.figures.get(protocol.each)
    return None if value is None else plain(value)
