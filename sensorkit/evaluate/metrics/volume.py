"""Volume under the surface: the exact kernel behind VUS-PR and VUS-ROC.

Only points within `buffer // 2` of a labelled range can change the true positives or the ranges
found; all others enter through their rank among the scores. So the scores near the ranges are
walked from high to low, a *group* of equal threshold at a time, and every window 0..buffer is a
lane of that walk. O(n log m + m * buffer) for m points near a range: only they are sorted, the
others are counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sensorkit.evaluate.metrics.order import count_reaching, falling
from sensorkit.runs import runs


class Volume(NamedTuple):
    """Areas under the two curves, averaged over the windows 0..buffer."""

    pr: float
    roc: float


def volume(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], buffer: int, thresholds: int | None
) -> Volume:
    """Return both volumes of checked input; see `sensorkit.evaluate.metrics.vus_pr`."""
    found = runs(labels)
    starts, stops = found.start, found.stop - 1
    reach = buffer // 2
    nearest, second = nearest_ranges(len(labels), starts, stops, reach)
    near = np.flatnonzero(nearest <= reach)
    near = near[falling(scores[near])]
    if thresholds is None:
        steps = _exact(scores[near], scores[nearest > reach])
    else:
        steps = _sampled(scores[near], scores, thresholds)

    rank = np.full(len(labels), len(steps.predicted), dtype=np.int64)
    rank[near] = steps.group
    event_group, event_reach, segments = segment_groups(rank, starts, stops, reach)
    event_order, event_bounds = _by_group(event_group, len(steps.predicted))

    pr, roc = _areas(
        len(labels),
        int(labels.sum()),
        buffer,
        nearest[near],
        second[near],
        steps.bounds,
        steps.predicted,
        steps.before,
        event_reach[event_order],
        event_bounds,
        segments,
    )
    # Rounding can leave a perfect score a trace above 1.
    return Volume(min(1.0, float(pr.mean())), min(1.0, float(roc.mean())))


class _Steps(NamedTuple):
    """Which near points are predicted together, the highest first."""

    group: NDArray[np.int64]
    """Of each near point, shape (n_near,); rising."""
    bounds: NDArray[np.int64]
    """Where each group begins among the near points, and their number, shape (n_groups + 1,)."""
    predicted: NDArray[np.float64]
    """Points of the whole series predicted with a group, shape (n_groups,)."""
    before: NDArray[np.float64]
    """Points of the whole series predicted at the next higher threshold."""


def _exact(near: NDArray[np.float64], far: NDArray[np.float64]) -> _Steps:
    """Make a group of each distinct score; *near* is falling."""
    bounds = np.concatenate([[0], np.flatnonzero(near[1:] != near[:-1]) + 1, [len(near)]])
    group = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    reaching, above = count_reaching(far, near[bounds[:-1]][::-1])
    predicted = (reaching[::-1] + bounds[1:]).astype(np.float64)
    before = (above[::-1] + bounds[:-1]).astype(np.float64)
    return _Steps(group, bounds, predicted, before)


def _sampled(near: NDArray[np.float64], scores: NDArray[np.float64], thresholds: int) -> _Steps:
    """Make a group of the near points above each threshold at equal ranks; *near* is falling."""
    n = len(scores)
    ascending = np.sort(scores)
    ranks = np.linspace(0, n - 1, thresholds).astype(np.int64)
    limit = np.unique(ascending[n - 1 - ranks])
    at = n - np.searchsorted(ascending, limit, side="left")[::-1]
    first = len(limit) - np.searchsorted(limit, near, side="right")
    used, begin, group = np.unique(first, return_index=True, return_inverse=True)
    bounds = np.append(begin, len(near))
    higher = np.concatenate([[0], at])[used]
    return _Steps(group, bounds, at[used].astype(np.float64), higher.astype(np.float64))


@njit(cache=True, nogil=True, error_model="numpy")
def _by_group(  # pragma: no cover - compiled
    group: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of the entries by group, and where each group begins in it."""
    bounds = np.zeros(n_groups + 1, dtype=np.int64)
    for i in range(len(group)):
        bounds[group[i] + 1] += 1
    for g in range(n_groups):
        bounds[g + 1] += bounds[g]
    order = np.empty(len(group), dtype=np.int64)
    place = bounds[:-1].copy()
    for i in range(len(group)):
        order[place[group[i]]] = i
        place[group[i]] += 1
    return order, bounds


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_ranges(  # pragma: no cover - compiled
    n: int, starts: NDArray[np.int64], stops: NDArray[np.int64], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each point's distance to the nearest and the second nearest range, up to *reach*.

    Labelled points are at distance 0; where no range is within *reach* it is reach + 1.
    """
    nearest = np.full(n, reach + 1, dtype=np.int64)
    second = np.full(n, reach + 1, dtype=np.int64)
    for r in range(len(starts)):
        for d in range(1, reach + 1):
            for side in range(2):
                i = starts[r] - d if side == 0 else stops[r] + d
                if i < 0 or i >= n:
                    continue
                if d < nearest[i]:
                    second[i] = nearest[i]
                    nearest[i] = d
                elif d < second[i]:
                    second[i] = d
    for r in range(len(starts)):
        for i in range(starts[r], stops[r] + 1):
            nearest[i] = 0
    return nearest, second


@njit(cache=True, nogil=True, error_model="numpy")
def segment_groups(  # pragma: no cover - compiled
    rank: NDArray[np.int64], starts: NDArray[np.int64], stops: NDArray[np.int64], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find at which group each extended range is first touched, for every extension.

    Ranges whose extensions by h meet count as one segment. Returns the group and the h of each
    (segment, h), and the number of segments for each h, shape (reach + 1,).
    """
    n = len(rank)
    best = np.empty(len(starts), dtype=np.int64)  # the best rank within h of each range
    for r in range(len(starts)):
        best[r] = rank[starts[r]]
        for i in range(starts[r] + 1, stops[r] + 1):
            best[r] = min(best[r], rank[i])
    count = np.zeros(reach + 1, dtype=np.float64)
    groups = []
    reaches = []
    for h in range(reach + 1):
        merged = np.int64(n + 1)
        for r in range(len(starts)):
            if starts[r] - h >= 0:
                best[r] = min(best[r], rank[starts[r] - h])
            if stops[r] + h < n:
                best[r] = min(best[r], rank[stops[r] + h])
            merged = min(merged, best[r])
            if r + 1 == len(starts) or stops[r] + h < starts[r + 1] - h:
                groups.append(merged)
                reaches.append(h)
                count[h] += 1.0
                merged = np.int64(n + 1)
    return np.array(groups), np.array(reaches), count


@njit(cache=True, nogil=True, error_model="numpy")
def _step(  # pragma: no cover - compiled
    now: float,
    higher: float,
    labelled: float,
    positives: int,
    n: int,
    credit: NDArray[np.float64],
    found: NDArray[np.float64],
    true: NDArray[np.float64],
    scale: NDArray[np.float64],
    false: NDArray[np.float64],
    rate: NDArray[np.float64],
    gain: NDArray[np.float64],
    pr: NDArray[np.float64],
    roc: NDArray[np.float64],
) -> None:
    """Move the lanes from *higher* points predicted to *now*.

    One loop a step: the compiler makes vector code of short loops over few arrays only, and where
    the index begins at 0.
    """
    lanes = len(credit)
    precision = 1.0 / now
    for w in range(lanes):
        flat = (higher - true[w]) * scale[w]
        roc[w] += rate[w] * (flat - false[w])
        false[w] = flat
    for w in range(lanes):
        true[w] = labelled + credit[w]
        recall = true[w] / (positives + 0.5 * credit[w])
        gain[w] = min(recall, 1.0) * found[w] - rate[w]
    for w in range(lanes):
        pr[w] += gain[w] * true[w] * precision
    for w in range(lanes):
        scale[w] = 1.0 / (n - positives - 0.5 * credit[w])
    for w in range(lanes):
        new = (now - true[w]) * scale[w]
        roc[w] += (new - false[w]) * (rate[w] + 0.5 * gain[w])
        false[w] = new
    for w in range(lanes):
        rate[w] += gain[w]


@njit(cache=True, nogil=True, error_model="numpy")
def _areas(  # pragma: no cover - compiled
    n: int,
    positives: int,
    buffer: int,
    nearest: NDArray[np.int64],
    second: NDArray[np.int64],
    bounds: NDArray[np.int64],
    predicted: NDArray[np.float64],
    before: NDArray[np.float64],
    event_reach: NDArray[np.int64],
    event_bounds: NDArray[np.int64],
    segments: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Walk the groups from high to low; return PR and ROC area per window, shape (buffer + 1,).

    Between two groups only unlabelled points far from every range are predicted: the true
    positive rate stands still, so PR gains nothing and ROC a rectangle.
    """
    lanes = buffer + 1
    pr = np.zeros(lanes)
    roc = np.zeros(lanes)
    credit = np.zeros(lanes)  # buffer weights of the predicted points
    found = np.zeros(lanes)  # share of the segments
    rate = np.zeros(lanes)  # true positive rate
    false = np.zeros(lanes)  # false positive rate
    true = np.zeros(lanes)
    scale = np.full(lanes, 1.0 / max(n - positives, 1))  # 1 / negatives
    gain = np.empty(lanes)
    # sqrt(1 - d/w) is root[w - d] * inverse[w]; a root for each point and lane would cost more
    # than all the rest.
    root = np.sqrt(np.arange(float(lanes)))
    inverse = 1.0 / root
    touched = np.zeros(len(segments))
    labelled = 0.0
    for g in range(len(predicted)):
        # Below the first lane that the group changes both rates stand still or move on a level
        # line, which the next change or the end adds as one rectangle.
        low = lanes
        for p in range(bounds[g], bounds[g + 1]):
            d = nearest[p]
            low = min(low, 2 * d)
            if d == 0:
                labelled += 1.0
                continue
            # Two slopes sum to more than 1 (each is at least 0.707) and are clipped there.
            clipped = min(2 * second[p], lanes)
            sloped, slope = credit[2 * d : clipped], root[d:]
            factor = inverse[2 * d : clipped]
            for w in range(len(sloped)):
                sloped[w] += slope[w] * factor[w]
            full = credit[clipped:]
            for w in range(len(full)):
                full[w] += 1.0
        for e in range(event_bounds[g], event_bounds[g + 1]):
            h = event_reach[e]
            low = min(low, 2 * h)
            touched[h] += 1.0
            found[2 * h] = touched[h] / segments[h]
            if 2 * h + 1 < lanes:
                found[2 * h + 1] = found[2 * h]
        _step(
            predicted[g],
            before[g],
            labelled,
            positives,
            n,
            credit[low:],
            found[low:],
            true[low:],
            scale[low:],
            false[low:],
            rate[low:],
            gain[low:],
            pr[low:],
            roc[low:],
        )
    for w in range(lanes):
        last = (n - true[w]) * scale[w]
        roc[w] += rate[w] * (last - false[w]) + (1.0 - last) * (1.0 + rate[w]) / 2.0
    return pr, roc
