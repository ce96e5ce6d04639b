"""Slow, obvious twins of the metrics: every range, every reading, as it is defined."""

import itertools
import math


def ranges(ones):
    """Return (first, last) row of each run of ones."""
    found = []
    for i, one in enumerate(ones):
        if one and i and ones[i - 1]:
            found[-1][1] = i
        elif one:
            found.append([i, i])
    return [tuple(pair) for pair in found]


def range_worth(of, other, alpha, cardinality, bias):
    """Return the mean worth of the ranges of one side against the other; NaN without a range."""
    worths = []
    for first, last in ranges(of):
        length = last - first + 1
        weights = {
            "flat": [1 for i in range(1, length + 1)],
            "front": [length - i + 1 for i in range(1, length + 1)],
            "back": list(range(1, length + 1)),
            "middle": [i if i <= length / 2 else length - i + 1 for i in range(1, length + 1)],
        }[bias]
        covered = [w for w, x in zip(weights, other[first : last + 1], strict=True) if x]
        pieces = sum(first <= b and a <= last for a, b in ranges(other))
        factor = 1 / pieces if cardinality == "reciprocal" and pieces > 1 else 1
        worths.append(alpha * (pieces > 0) + (1 - alpha) * factor * sum(covered) / sum(weights))
    return sum(worths) / len(worths) if worths else math.nan


def affiliation(labels, flags):
    """Return (precision, recall) from the probabilities as the paper defines them.

    They are linear between multiples of a quarter, so that the middles of quarters are exact.
    """
    n, faults = len(labels), [(a, b + 1) for a, b in ranges(labels)]
    cuts = [0, *((b + c) / 2 for (_, b), (c, _) in itertools.pairwise(faults)), n]
    precisions, recalls = [], []
    for (a, b), (low, high) in zip(faults, itertools.pairwise(cuts), strict=True):
        steps = [low + (k + 0.5) / 4 for k in range(round(4 * (high - low)))]
        flagged = [x for x in steps if flags[int(x)]]

        def beyond(centre_low, centre_high, d, low=low, high=high):
            """Return the share of the zone farther than d from an interval."""
            left, right = max(0, centre_low - d - low), max(0, high - centre_high - d)
            return (left + right) / (high - low)

        if flagged:
            each = [1 if a < x < b else beyond(a, b, max(a - x, x - b)) for x in flagged]
            precisions.append(sum(each) / len(each))
        pieces = [(max(c, low), min(d + 1, high)) for c, d in ranges(flags)]
        pieces = [(c, d) for c, d in pieces if c < d]
        each = [
            beyond(y, y, min(max(c - y, y - d, 0) for c, d in pieces)) if pieces else 0
            for y in steps
            if a < y < b
        ]
        recalls.append(sum(each) / len(each))
    precision = sum(precisions) / len(precisions) if precisions else math.nan
    return precision, sum(recalls) / len(recalls)


def events(labels, flags, tolerance):
    """Return what became of each fault and each episode, and the clean steps, by walking."""
    n, episodes = len(labels), ranges(flags)
    windows = [(a, b, min(b + tolerance, n - 1)) for a, b in ranges(labels)]
    delays, hitting = [], set()
    for start, _, last in windows:
        begun = [s for s, _ in episodes if start <= s <= last]
        was_open = any(s < start <= e for s, e in episodes)
        hit = bool(begun) and not was_open
        delays.append(begun[0] - start if hit else math.inf)
        if hit:
            hitting.add(begun[0])
    in_hit_window = {
        s
        for s, _ in episodes
        for (start, _, last), delay in zip(windows, delays, strict=True)
        if start <= s <= last and delay < math.inf
    }
    false = [
        (s, e)
        for s, e in episodes
        if not any(s <= last and e >= start for start, _, last in windows)
    ]
    meets = len(episodes) - len(false)
    # An episode in the windows of a hit and of a missed fault belongs to the later one.
    repeats = 0
    for s, _ in episodes:
        inside = [d for (a, _, last), d in zip(windows, delays, strict=True) if a <= s <= last]
        repeats += bool(inside) and inside[-1] < math.inf and s not in hitting
    assert repeats <= len(in_hit_window)
    clean = [i for i in range(n - 1) if not any(a <= i < last for a, _, last in windows)]
    return {
        "delays": delays,
        "hits": sum(d < math.inf for d in delays),
        "hitting": len(hitting),
        "episodes": meets - repeats + len(false),
        "false_alarms": len(false),
        "clean": len(clean),
        "clean_in_alarm": sum(bool(flags[i]) for i in clean),
    }


def kaplan_meier_median(delays, watched):
    """Return the median of delays (inf: missed), each miss known until its watch ends."""
    times = [d if d < math.inf else w for d, w in zip(delays, watched, strict=True)]
    undetected, reached, passed = 1.0, math.inf, math.inf
    for at in sorted({d for d in delays if d < math.inf}):
        at_risk = sum(t >= at for t in times)
        undetected *= 1 - sum(d == at for d in delays) / at_risk
        if undetected <= 0.5 + 1e-9 and reached == math.inf:
            reached = at
        if undetected < 0.5 - 1e-9 and passed == math.inf:
            passed = at
    return (reached + passed) / 2


def lead(flags, horizon_rows):
    """Return (rows of lead, false alarms) of a run that ends in failure."""
    last = len(flags) - 1
    warnings, wrong = [], 0
    for first, end in ranges(flags):
        in_time = end == last if horizon_rows is None else last - first <= horizon_rows
        if in_time and first > 0:
            warnings.append(last - first)
        else:
            wrong += 1
    return (warnings[0] if warnings else 0), wrong


def point_adjusted_f1(labels, flags):
    """Return F1 after every touched fault has been filled."""
    filled = [bool(flag) for flag in flags]
    for first, last in ranges(labels):
        if any(flags[first : last + 1]):
            filled[first : last + 1] = [True] * (last - first + 1)
    true = sum(a and b for a, b in zip(labels, filled, strict=True))
    return 2 * true / (sum(labels) + sum(filled))
