"""Slow, obvious twins of the fast code: one reading at a time, in exact arithmetic."""

import math
import statistics
from decimal import Decimal, localcontext
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
    scores: list[float] = []
    past: list[Fraction] = []
    for value in values:
        before = past[-window:]
        if value is None:
            scores.append(0.0)
            continue
        past.append(Fraction(value))
        if len(before) < minimum:
            scores.append(0.0)
            continue
        mean = sum(before) / len(before)
        variance = sum((x - mean) ** 2 for x in before) / len(before)
        variance = max(variance, Fraction(floor) ** 2)
        scores.append(root((past[-1] - mean) ** 2, variance))
    return scores


def median_sigma(
    values: list[Value], *, window: int = 50, minimum: int = 10, floor: float = 0.0
) -> list[float]:
    """Distance from the median of the values before, in 1.4826 median absolute deviations."""
    scores: list[float] = []
    for i, value in enumerate(values):
        before = present(values[:i])[-window:]
        if value is None or len(before) < minimum:
            scores.append(0.0)
            continue
        middle = statistics.median(before)
        mad = statistics.median(abs(x - middle) for x in before)
        spread = max(Fraction(1.4826) * mad, Fraction(floor))
        scores.append(root((Fraction(value) - middle) ** 2, spread**2))
    return scores


def volatility(
    values: list[Value], *, window: int, minimum: int, usual: tuple[float, float, float, float]
) -> list[float]:
    """Mean logarithm of the last differences, in 50 digits, against the usual one."""
    floor, centre, below, above = usual
    scores: list[float] = []
    past: list[Decimal] = []
    with localcontext(prec=50):
        for value in values:
            past += [] if value is None else [Decimal(value)]
            last = [max(abs(b - a), Decimal(floor)) for a, b in pairwise(past[-window - 1 :])]
            if value is None or len(last) < minimum:
                scores.append(0.0)
                continue
            level = sum(difference.ln() for difference in last) / len(last)
            away = float(level - Decimal(centre))
            sigma = (above if away > 0 else below) * math.sqrt(window / len(last))
            scores.append(abs(away) / sigma)
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


def running_tail(scores: list[float], *, length: int, delay: int = 0) -> list[float]:
    """Improbability among the last *length* scores before the last *delay*, as remembered."""
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
        kept = memory[: max(len(memory) - delay, 0)][-length:]
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


def mewma(
    rows: list[list[Value]],
    *,
    mean: list[float],
    unit: list[float],
    covariance: list[list[float]],
    alpha: float,
    clip: float,
) -> list[float]:
    """T2 of the moving averages of all channels, in 50 digits; missing values move nothing."""
    with localcontext(prec=50):
        averages, weight = [Decimal(0)] * len(mean), Decimal(alpha)
        results = []
        for row in rows:
            for c, value in enumerate(row):
                if value is not None:
                    away = (Decimal(value) - Decimal(mean[c])) / Decimal(unit[c])
                    away = max(min(away, Decimal(clip)), -Decimal(clip))
                    averages[c] = weight * away + (1 - weight) * averages[c]
            weights = solve([[Decimal(x) for x in line] for line in covariance], averages)
            t2 = sum((a * w for a, w in zip(averages, weights, strict=True)), Decimal(0))
            results.append(0.0 if row.count(None) == len(row) else float(t2))
        return results


def solve(matrix: list[list[Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Solve by elimination; the matrix is positive definite, so that no pivot is 0."""
    lines = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i, pivot in enumerate(lines):
        for j, line in enumerate(lines):
            if i != j:
                factor = line[i] / pivot[i]
                lines[j] = [x - factor * y for x, y in zip(line, pivot, strict=True)]
    return [line[-1] / line[i] for i, line in enumerate(lines)]


def run_rule(
    run: list[int], *, readings: int | None, seconds: float | None, margin: float
) -> float:
    """How far a run of readings, given by their times in ns, is past its limit."""
    if readings is not None:
        return (len(run) - readings) / margin
    lasted = Fraction(run[-1] - min(run), 10**9) if run else Fraction(0)
    return float((lasted - Fraction(seconds)) / Fraction(margin))


def stuck_rule(values: list[Value], time_ns: list[int], **limits) -> list[float]:
    scores = []
    for i, value in enumerate(values):
        run = []
        for before, time in zip(values[: i + 1], time_ns, strict=False):
            if before is not None:
                run = [*run, time] if before == value else []
        scores.append(-math.inf if value is None else run_rule(run, **limits))
    return scores


def missing_rule(values: list[Value], time_ns: list[int], **limits) -> list[float]:
    scores, run = [], []
    for value, time in zip(values, time_ns, strict=True):
        run = [*run, time] if value is None else []
        scores.append(run_rule(run, **limits))
    return scores


def speeds(values: list[Value], time_ns: list[int]) -> list[Value]:
    """Change per second since the last value of an earlier time; clocks only go forward."""
    found: list[Value] = []
    for i, value in enumerate(values):
        earlier = [k for k in range(i) if values[k] is not None and time_ns[k] < time_ns[i]]
        if value is None or not earlier:
            found.append(None)
            continue
        change = Fraction(value) - Fraction(values[earlier[-1]])
        found.append(float(change / Fraction(time_ns[i] - time_ns[earlier[-1]], 10**9)))
    return found


def lasting_rule(
    values: list[Value],
    time_ns: list[int],
    *,
    low: float,
    high: float,
    hysteresis: float,
    for_readings: int,
    for_s: float,
    margin: float,
) -> list[float]:
    """A range with hysteresis whose breaches count only when they have lasted."""
    scores, breach, counts = [], [], False
    for value, time in zip(values, time_ns, strict=True):
        if value is None:
            scores.append(-math.inf)
            continue
        past = max(low - value, value - high)
        inside = low + hysteresis <= value <= high - hysteresis
        if past > 0 or (breach and not inside):
            breach.append(time)
            lasted = time - breach[0] >= Fraction(for_s) * 10**9
            counts = counts or (len(breach) >= for_readings and lasted)
        else:
            breach, counts = [], False
        if breach and counts:
            scores.append(max(past / margin, math.nextafter(0.0, 1.0)))
        else:
            scores.append(min(past / margin, 0.0))
    return scores


def nearest_in_a_row(values: list[float], *, length: int, longest: int, recent: int) -> list[float]:
    """Distance of the newest *length* values from the nearest that do not overlap them."""
    results = []
    for i in range(len(values)):
        newest = values[i - length + 1 : i + 1]
        distances = [
            math.dist(newest, values[j - length + 1 : j + 1]) / math.sqrt(length)
            for j in range(max(longest - 1, i - recent), i - length + 1)
        ]
        results.append(min(distances, default=math.nan))
    return results


class Days:
    """Readings by their slot of the day; asked for the distance from other days."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.early: list[tuple[int, float]] = []
        self.steps: list[int] = []
        self.slots: dict[int, list[float]] = {}
        self.newest: int | None = None
        self.a_day = 0

    def put(self, time: int, value: float) -> bool:
        """Return whether it opened a new slot."""
        if not self.a_day:
            if self.early and time > self.last:
                self.steps.append(time - self.last)
            self.last = time
            self.early = [*self.early, (time, value)][:256]
            if len(self.steps) < 50:
                return False
            step = sorted(self.steps)[25]
            self.a_day = min(max(round(86_400 * 10**9 / step), 1), 288)
            self.length = 86_400 * 10**9 // self.a_day
            self.usual = max(round(self.length / step), 1)
            for early in self.early:
                self.put(*early)
            return True
        slot = time // self.length
        opened = slot != self.newest
        if opened:
            kept = self.days * 288 + 36
            self.slots = {k: v for k, v in self.slots.items() if slot - kept < k < slot}
            self.newest = slot
        self.slots.setdefault(self.newest, []).append(value)
        return opened

    def mean(self, slot: int) -> float | None:
        values = self.slots.get(slot)
        return sum(values) / len(values) if values else None

    def distances(self, lengths: tuple[int, ...]) -> list[float] | None:
        """One a length; None while the newest slot has too few readings."""
        if not self.a_day or len(self.slots[self.newest]) < self.usual / 2:
            return None
        found = []
        for length in lengths:
            nearest = math.nan
            for day in range(1, self.days + 1):
                for shift in range(-2, 3):
                    back = day * self.a_day - shift
                    pairs = [
                        (self.mean(self.newest - q), self.mean(self.newest - q - back))
                        for q in range(length)
                    ]
                    squares = [(a - b) ** 2 for a, b in pairs if a is not None and b is not None]
                    if back >= length and len(squares) >= 0.75 * length:
                        distance = math.sqrt(sum(squares) / len(squares))
                        nearest = distance if math.isnan(nearest) else min(nearest, distance)
            found.append(nearest)
        return found
