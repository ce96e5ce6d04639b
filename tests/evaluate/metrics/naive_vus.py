"""The slow, obvious twin of VUS: every window, every threshold, every point, as it is defined."""

import math


def naive_vus(labels, scores, buffer, thresholds=None):
    """Return (vus_pr, vus_roc) as the text of docs/metrics.md says it."""
    n = len(labels)
    ascending = sorted(scores)
    if thresholds is None:
        limits = sorted(set(scores), reverse=True)
    else:
        limits = [ascending[n - 1 - int(k * (n - 1) / (thresholds - 1))] for k in range(thresholds)]
    ranges = []
    for i in range(n):
        if labels[i]:
            if i and labels[i - 1]:
                ranges[-1][1] = i
            else:
                ranges.append([i, i])
    areas = [_areas(labels, scores, ranges, w, limits) for w in range(buffer + 1)]
    return tuple(sum(area[k] for area in areas) / len(areas) for k in (0, 1))


def _areas(labels, scores, ranges, window, limits):
    n, half = len(labels), window // 2
    weight = [float(label) for label in labels]
    for i in range(n):
        for first, last in ranges:
            distance = max(first - i, i - last)
            if 1 <= distance <= half:
                weight[i] += math.sqrt(1 - distance / window)
        weight[i] = min(weight[i], 1.0)
    segments = []
    for first, last in ranges:
        if segments and first - half <= segments[-1][1]:
            segments[-1][1] = last + half
        else:
            segments.append([first - half, last + half])
    positives = sum(labels)
    pr = roc = rate = false = 0.0
    for limit in limits:
        flagged = [score >= limit for score in scores]
        true = sum(w for w, flag in zip(weight, flagged, strict=True) if flag)
        beside = sum(
            w for w, flag, label in zip(weight, flagged, labels, strict=True) if flag and not label
        )
        positive = positives + beside / 2
        found = sum(any(flagged[max(a, 0) : b + 1]) for a, b in segments)
        new_rate = min(true / positive, 1) * found / len(segments)
        new_false = (sum(flagged) - true) / (n - positive)
        pr += (new_rate - rate) * true / sum(flagged)
        roc += (new_false - false) * (new_rate + rate) / 2
        rate, false = new_rate, new_false
    return pr, roc + (1 - false) * (1 + rate) / 2
