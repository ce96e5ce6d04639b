"""Mean ranks over many recordings, and which detectors they can tell apart.

J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006: ranks in
each recording, Friedman's test of all, a diagram of mean ranks in which a bar joins what cannot be
told apart. Pairs are compared by Wilcoxon's signed-rank test with Holm's correction instead of
Nemenyi's: there the verdict on two detectors depends on which others are in the table
(A. Benavoli, G. Corani and F. Mangili, "Should we really use post-hoc tests based on mean-ranks?",
JMLR 17, 2016).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_RECORDINGS = 6
"""With fewer no pair can reach p < 0.05: five differences of one sign have p = 0.0625."""


def critical_difference(
    results: Sequence[Mapping[str, Any]],
    *,
    metric: str = "vus_pr",
    alpha: float = 0.05,
    baselines: Collection[str] = (),
) -> dict[str, Any] | None:
    """Return mean ranks, pairwise tests and cliques over recordings.

    Parameters
    ----------
    results : sequence of dict
        Rows of results.json; those over all fault kinds are looked at. A recording counts where
        some detector has a value; a detector without one there (its cell failed) takes the last
        rank, shared with others that failed.
    metric : str
        Higher is better.
    alpha : float
        Level of the tests after Holm's correction, in 0..1.
    baselines : collection of str
        Detectors that have a rank but are not tested: each pair more costs all others power.

    Returns
    -------
    dict or None
        None with fewer than 6 recordings or 2 detectors. Else `metric`, `alpha`, `recordings` (how
        many), `friedman_p` (None below 3 detectors tested), `ranks` (best first), `pairs` (`p`
        and `p_holm` of each, 1 where they never differ), `least_p_holm` (the least `p_holm` that
        so many recordings and pairs can reach; 1 without a pair) and `cliques`: largest sets,
        neighbours by mean rank, of which no pair is told apart. As in `aeon`, they are those of
        Holm's tests whatever Friedman's says. Empty where `least_p_holm` is not below *alpha*:
        then no pair could be told apart, so that none is says nothing.

    Raises
    ------
    ValueError
        If *alpha* is not between 0 and 1.

    Examples
    --------
    >>> rows = [
    ...     {"recording": f"r{i}", "detector": name, "fault_kind": None, "vus_pr": value + i / 100}
    ...     for i in range(8)
    ...     for name, value in (("a", 0.8 - 0.001 * i), ("b", 0.5), ("c", 0.4))
    ... ]
    >>> found = critical_difference(rows)
    >>> [(row["detector"], row["mean_rank"]) for row in found["ranks"]]
    [('a', 1.0), ('b', 2.0), ('c', 3.0)]
    >>> round(found["friedman_p"], 4), [round(pair["p_holm"], 4) for pair in found["pairs"]]
    (0.0003, [0.0234, 0.0234, 0.0234])
    >>> round(found["least_p_holm"], 4)
    0.0234
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha!r}, a level between 0 and 1 is wanted")
    overall = [row for row in results if row["fault_kind"] is None]
    names = list(dict.fromkeys(row["detector"] for row in overall))
    found = {
        (row["recording"], row["detector"]): row[metric]
        for row in overall
        if row[metric] is not None
    }
    recordings = list(dict.fromkeys(recording for recording, _ in found))
    if len(recordings) < LEAST_RECORDINGS or len(names) < 2:
        return None
    values = np.array([[found.get((r, name), -math.inf) for name in names] for r in recordings])
    from scipy import stats  # takes half a second: only where there are ranks to compare

    ranks = stats.rankdata(-values, axis=1)
    mean = ranks.mean(axis=0)
    best_first = [names[i] for i in np.argsort(mean, kind="stable")]
    tested = [name for name in best_first if name not in baselines]
    pairs = _pairs(names, tested, values)
    least = min(1.0, len(pairs) * _least(len(recordings))) if pairs else 1.0
    apart = {frozenset((p["a"], p["b"])) for p in pairs if p["p_holm"] < alpha}
    return {
        "metric": metric,
        "alpha": alpha,
        "recordings": len(recordings),
        "friedman_p": _friedman(values[:, [names.index(name) for name in tested]]),
        "ranks": [
            {"detector": name, "mean_rank": float(mean[names.index(name)])} for name in best_first
        ],
        "pairs": pairs,
        "least_p_holm": least,
        "cliques": _cliques(tested, apart) if least < alpha else [],
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, step down (S. Holm, Scand. J. Stat. 6, 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    back = np.empty(len(p))
    back[order] = np.minimum(corrected, 1.0)
    return [float(value) for value in back]


def _pairs(names: Sequence[str], best_first: Sequence[str], values: Floats) -> list[dict[str, Any]]:
    column = {name: values[:, i] for i, name in enumerate(names)}
    both = list(itertools.combinations(best_first, 2))
    p_values = [_wilcoxon(column[a], column[b]) for a, b in both]
    return [
        {"a": a, "b": b, "p": p, "p_holm": corrected}
        for (a, b), p, corrected in zip(both, p_values, holm(p_values), strict=True)
    ]


def _wilcoxon(one: Floats, other: Floats) -> float:
    """Return the two-sided p-value of the signed-rank test.

    Pairs that are equal are left out (Wilcoxon's own way). A failed cell loses by more than any
    value could; where both failed they are equal.
    """
    from scipy import stats

    with np.errstate(invalid="ignore"):
        difference = np.nan_to_num(one - other, nan=0.0, posinf=2.0, neginf=-2.0)
    difference = difference[np.abs(difference) > 1e-12]
    if not len(difference):
        return 1.0
    tied = len(np.unique(np.abs(difference))) < len(difference)
    # The exact distribution holds without ties only.
    method: Literal["exact", "approx"] = "exact" if not tied and len(difference) <= 50 else "approx"
    p = float(stats.wilcoxon(difference, method=method).pvalue)
    # The approximation falls below what the signs of so few differences can show.
    return min(1.0, max(p, _least(len(difference))))


def _least(n: int) -> float:
    """Return the least two-sided p of n signs."""
    return float(2.0 ** (1 - n))


def _friedman(values: Floats) -> float | None:
    from scipy import stats

    if values.shape[1] < 3:
        return None
    ranks = stats.rankdata(-values, axis=1)
    if (ranks == ranks[:, :1]).all():
        return 1.0  # nothing differs anywhere; the statistic is 0/0
    return float(stats.friedmanchisquare(*ranks.T).pvalue)


def _cliques(best_first: Sequence[str], apart: set[frozenset[str]]) -> list[list[str]]:
    """Return the maximal runs of neighbours of which no pair is told apart."""
    found: list[list[str]] = []
    reach = 0
    for first in range(len(best_first)):
        stop = first + 1
        while stop < len(best_first) and all(
            frozenset((best_first[stop], name)) not in apart for name in best_first[first:stop]
        ):
            stop += 1
        if stop > reach and stop - first > 1:
            found.append(list(best_first[first:stop]))
        reach = max(reach, stop)
    return found
