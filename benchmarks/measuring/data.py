"""Labels, scores and flags to measure on: 1 % faulty, or a fault every 50 readings."""

import numpy as np

BUFFER = 100
FAULTS = {10_000: 20, 100_000: 50, 1_000_000: 100}
FLAGGED = 0.02
HOSTILE_STEP = 50


def sparse(n, seed=0):
    """Return *n* readings, 1 % of them in faults that lie evenly and stand out more or less.

    Returns
    -------
    dict
        `labels` (int), `scores` (float) and `flags` (int, the highest 2 % of the scores), each of
        shape (n,), and `single`: labels of the first fault only, for metrics that want one.
    """
    rng = np.random.default_rng([n, seed])
    labels = np.zeros(n, dtype=np.int64)
    scores = rng.normal(size=n)
    length = n // 100 // FAULTS[n]
    for first in ((np.arange(FAULTS[n]) + 0.5) * (n / FAULTS[n])).astype(int).tolist():
        labels[first : first + length] = 1
        scores[first : first + length] += 0.5 + rng.exponential(2.5)
    return _with_flags(labels, scores)


def hostile(n, seed=0):
    """Return *n* readings with a fault of one reading every 50: each is near a fault."""
    rng = np.random.default_rng([n, seed])
    labels = np.zeros(n, dtype=np.int64)
    labels[::HOSTILE_STEP] = 1
    return _with_flags(labels, rng.normal(size=n) + 2 * labels)


def _with_flags(labels, scores):
    single = labels.copy()
    single[np.flatnonzero(np.diff(labels) == -1)[0] + 1 :] = 0
    limit = np.quantile(scores, 1 - FLAGGED)
    flags = (scores >= limit).astype(np.int64)
    return {"labels": labels, "scores": scores, "flags": flags, "single": single}
