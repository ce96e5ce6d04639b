"""Slow, obvious twins of the fast code: one reading at a time, in exact arithmetic."""

import math
from fractions import Fraction
from itertools import pairwise

Value = float | None
"""None where a reading has no value for the channel."""


def present(values: list[Value]) -> list[Fraction]:
    return [Fraction(value) for value in values if value is not None]


def sigma(
    values: list[Value], *, window: int = 50, minimum: int = 10, floor: float = 0.0
) -> list[float]:
    """Distance from the mean of the values before, in their standard deviations; one channel."""
    scores = []
    for i, value in enumerate(values):
        before = present(values[:i])[-window:]
        if value is None or len(before) < minimum:
            scores.append(0.0)
            continue
        mean = sum(before) / len(before)
        variance = sum((x - mean) ** 2 for x in before) / len(before)
        variance = max(variance, Fraction(floor) ** 2)
        squared = (Fraction(value) - mean) ** 2
        scores.append(root(squared, variance))
    return scores


def root(squared: Fraction, variance: Fraction) -> float:
    if not variance:
        return math.inf if squared else 0.0
    try:
        return math.sqrt(squared / variance)
    except OverflowError:  # the square does not fit in a float; its root does
        scale = Fraction(2) ** 600
        return math.sqrt(squared / variance / scale**2) * float(scale)


def last_value(values: list[Value], *, scale: float) -> list[float]:
    """Change since the last value there was, in *scale*; one channel."""
    scores = []
    for i, value in enumerate(values):
        before = present(values[:i])
        if value is None or not before:
            scores.append(0.0)
        else:
            scores.append(float(abs(Fraction(value) - before[-1]) / Fraction(scale)))
    return scores


def range_rule(values: list[Value], *, low: Value, high: Value, margin: float) -> list[float]:
    scores = []
    for value in values:
        past = [-math.inf]
        if value is not None and high is not None:
            past.append((value - high) / margin)
        if value is not None and low is not None:
            past.append((low - value) / margin)
        scores.append(max(past))
    return scores


def rate_rule(values: list[Value], *, limit: float, margin: float) -> list[float]:
    scores = []
    for i, value in enumerate(values):
        if i == 0 or value is None or values[i - 1] is None:
            scores.append(-math.inf)
        else:
            scores.append((abs(value - values[i - 1]) - limit) / margin)
    return scores


def heartbeat_rule(time_ns: list[int], *, limit: float, margin: float) -> list[float]:
    scores = [-math.inf]
    for before, time in pairwise(time_ns):
        scores.append((Fraction(time - before, 10**9) - Fraction(limit)) / Fraction(margin))
    return [float(score) for score in scores]


def episodes(flags: list[bool], *, merge: int) -> list[tuple[int, int]]:
    """First and last flagged reading of each episode."""
    found: list[tuple[int, int]] = []
    for i, flag in enumerate(flags):
        if flag and found and i - found[-1][1] <= merge + 1:
            found[-1] = (found[-1][0], i)
        elif flag:
            found.append((i, i))
    return found


def lowest_threshold(
    scores: list[list[float]], budget: int, *, merge: int, most_flagged: float
) -> float:
    """Try every score as a threshold, from the highest down; stop above the first that fails."""
    everything = [score for part in scores for score in part]
    for score in sorted(set(everything), reverse=True):
        flags = [[s >= score for s in part] for part in scores]
        alarms = sum(len(episodes(part, merge=merge)) for part in flags)
        share = sum(map(sum, flags)) / len(everything)
        if alarms > budget or share > most_flagged:
            return math.nextafter(score, math.inf)
    return -math.inf


def running_tail(scores: list[float], *, length: int) -> list[float]:
    """Improbability among the last *length* scores before, as they are remembered."""
    largest = 1.7976931348623157e308
    memory: list[Fraction] = []
    results = []
    for score in scores:
        if math.isnan(score) or score <= -largest:
            results.append(0.0)
            continue
        if score >= largest:
            results.append(30.0)
            continue
        kept = memory[-length:]
        improbable, remembered = 0.0, Fraction(score)
        if len(kept) >= 50:
            ordered = sorted(kept, reverse=True)
            k = max(10, len(kept) * 2 // 100)
            start = ordered[k]
            excess = sum(x - start for x in ordered[:k]) / k
            if score <= start:
                as_high = sum(x >= score for x in kept)
                improbable = -math.log10((as_high + 1) / (len(kept) + 1))
            elif not excess:
                improbable = 30.0
            else:
                share = math.log10(len(kept) / k)
                away = min((Fraction(score) - start) / excess, Fraction(1000))
                improbable = share + float(away) / math.log(10)
                most = start + Fraction((10 - share) * math.log(10)) * excess
                remembered = min(remembered, most)
        memory.append(remembered)
        results.append(min(improbable, 30.0))
    return results
