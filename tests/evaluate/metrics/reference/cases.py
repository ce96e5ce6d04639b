"""The inputs on which sensorkit and the published packages are compared: always the same ones.

make.py lets the packages judge them and keeps the numbers, test_reference.py beside this folder
makes them again. Only `random.Random.random` is used, whose values Python keeps across versions,
and sums of it; `fingerprint` tells whether two environments made the same.
"""

import hashlib
import random
from typing import NamedTuple

import numpy as np

SEED = 20261121
RANDOM_CASES = 260
LENGTHS = (12, 20, 33, 60, 100, 300, 400)
BUFFERS = (0, 1, 2, 3, 5, 10, 21, 50, 100)


class Case(NamedTuple):
    """Labels and flags (0 or 1) and scores, one for each reading, shape (n,)."""

    name: str
    labels: np.ndarray
    scores: np.ndarray
    flags: np.ndarray
    buffer: int

    @property
    def threshold(self):
        """A threshold that some scores reach and some do not: the median."""
        known = np.sort(self.scores[~np.isnan(self.scores)])
        return float(known[len(known) // 2])


def runs_at(n, runs):
    """Return n zeros with ones from first to last (inclusive) of each run."""
    ones = np.zeros(n, dtype=np.int64)
    for first, last in runs:
        ones[first : last + 1] = 1
    return ones


class Source:
    """Arrays of random numbers from one seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def pick(self, options):
        return options[int(self._random.random() * len(options))]

    def whole(self, low, high):
        """Return a whole number from *low* to *high*, inclusive."""
        return low + int(self._random.random() * (high - low + 1))

    def uniform(self, n):
        return np.array([self._random.random() for _ in range(n)])

    def bell(self, n):
        """Return n numbers of mean 0 and standard deviation 1, by sums of twelve."""
        return self.uniform(12 * n).reshape(n, 12).sum(axis=1) - 6.0

    def runs(self, n, count, longest):
        ones = np.zeros(n, dtype=np.int64)
        for _ in range(count):
            first = self.whole(0, n - 1)
            ones[first : first + self.whole(1, longest)] = 1
        return ones


def edges():
    """Yield the cases in which implementations go wrong, each with a name."""
    source = Source(SEED)
    ramp = np.arange(60) / 60
    middle = runs_at(60, [(30, 39)])

    def case(name, labels, scores, buffer=10, flags=None):
        scores = np.asarray(scores, dtype=np.float64)
        if flags is None:
            known = np.sort(scores[~np.isnan(scores)])
            flags = (scores >= known[int(0.8 * len(known))]).astype(np.int64)
        return Case(name, np.asarray(labels), scores, flags, buffer)

    def noise(n):
        return source.uniform(n)

    yield case("no anomaly", runs_at(60, []), noise(60))
    yield case("no anomaly, nothing flagged", runs_at(60, []), noise(60), flags=runs_at(60, []))
    yield case("all anomalous", runs_at(60, [(0, 59)]), noise(60))
    yield case("all but one anomalous", runs_at(40, [(0, 18), (20, 39)]), noise(40), 6)
    yield case("all but the last anomalous", runs_at(40, [(0, 38)]), noise(40), 6)
    yield case("nothing flagged", middle, noise(60), flags=runs_at(60, []))
    yield case("everything flagged", middle, noise(60), flags=runs_at(60, [(0, 59)]))
    yield case("flagged exactly", middle, middle, flags=middle)
    yield case("flagged exactly otherwise", middle, 1 - middle, flags=1 - middle)
    yield case("constant scores", middle, np.full(60, 0.5))
    yield case("constant scores, no buffer", middle, np.full(60, 0.5), 0)
    yield case("constant scores, two ranges", runs_at(60, [(5, 9), (40, 41)]), np.zeros(60), 21)
    yield case("two scores", middle, (ramp > 0.5).astype(float))
    yield case("ties everywhere", middle, np.floor(3 * noise(60)), 21)
    yield case("ties of healthy and faulty", runs_at(30, [(10, 14)]), np.arange(30) // 5, 6)
    yield case("zero and minus zero", middle, np.where(noise(60) < 0.5, 0.0, -0.0))
    yield case("one point", runs_at(50, [(20, 20)]), noise(50))
    yield case("one point, no buffer", runs_at(50, [(20, 20)]), noise(50), 0)
    yield case("one point at the start", runs_at(50, [(0, 0)]), noise(50))
    yield case("one point at the end", runs_at(50, [(49, 49)]), noise(50), 11)
    yield case("one-point faults", runs_at(60, [(20, 20), (22, 22), (24, 24)]), noise(60), 8)
    yield case(
        "one-point flags", middle, noise(60), flags=runs_at(60, [(2, 2), (31, 31), (33, 33)])
    )
    yield case("ranges one point apart", runs_at(60, [(20, 24), (26, 30)]), noise(60), 8)
    yield case("ranges two points apart", runs_at(60, [(20, 24), (27, 30)]), noise(60), 9)
    yield case("three ranges one point apart", runs_at(60, [(8, 9), (11, 12), (14, 20)]), noise(60))
    yield case(
        "flags next to the fault", middle, noise(60), flags=runs_at(60, [(25, 29), (40, 44)])
    )
    yield case("ranges at both ends", runs_at(60, [(0, 4), (55, 59)]), noise(60), 20)
    yield case("flags at both ends", middle, noise(60), flags=runs_at(60, [(0, 3), (57, 59)]))
    yield case("fault and flag at the start", runs_at(60, [(0, 9)]), -ramp, 5)
    yield case("fault and flag at the end", runs_at(60, [(50, 59)]), ramp, 5)
    yield case("every second point", np.arange(60) % 2, noise(60), 12)
    yield case("every fifth point", (np.arange(60) % 5 == 0).astype(np.int64), noise(60), 7)
    yield case("the labels as scores", middle, middle)
    yield case("the labels turned round", middle, 1 - middle)
    yield case("rising scores", runs_at(60, [(10, 14), (50, 54)]), ramp, 30)
    yield case("falling scores", runs_at(60, [(10, 14), (50, 54)]), -ramp, 30)
    yield case("late by three points", middle, np.roll(middle, 3), 20)
    yield case("early by three points", middle, np.roll(middle, -3), 20)
    yield case("buffer beyond the series", runs_at(40, [(18, 21)]), noise(40), 100)
    yield case("two points", [0, 1], [0.2, 0.1], 1)
    yield case("two points, the first", [1, 0], [0.2, 0.1], 0)
    yield case("one reading", [1], [0.3], 2)
    yield case("negative scores", middle, -5 - noise(60))
    yield case("huge and tiny scores", middle, np.ldexp(noise(60) - 0.5, np.arange(60) * 30 - 900))
    yield case("an infinite score", middle, np.where(np.arange(60) == 35, np.inf, noise(60)))
    yield case("minus infinity", middle, np.where(np.arange(60) == 5, -np.inf, noise(60)))
    yield case("NaN on a healthy reading", middle, np.where(np.arange(60) == 5, np.nan, noise(60)))
    yield case("NaN on a faulty reading", middle, np.where(np.arange(60) == 35, np.nan, noise(60)))
    yield case("a fault in the probation", runs_at(60, [(2, 5), (30, 39)]), noise(60))
    yield case("a fault across its end", runs_at(60, [(6, 14), (40, 44)]), noise(60))


def randoms():
    """Yield cases of random shape: some detectors are good, some blind, many scores tie."""
    source = Source(SEED + 1)
    for i in range(RANDOM_CASES):
        n = source.pick(LENGTHS)
        labels = source.runs(n, source.whole(1, 2 + n // 20), source.pick((1, 3, 10, 25)))
        if labels.all():
            labels[0] = 0
        scores = source.bell(n) + labels * source.pick((0.0, 1.0, 3.0))
        scores = np.round(scores, source.pick((0, 1, 2, 16))) + 0.0
        if source.pick((True, False)):
            flags = source.runs(n, source.whole(1, 2 + n // 15), source.pick((1, 3, 10)))
        else:
            flags = (scores >= np.sort(scores)[source.whole(n // 2, n - 1)]).astype(np.int64)
        yield Case(f"random {i}", labels, scores, flags, source.pick(BUFFERS))


def cases():
    """Return all cases, in the order of the kept numbers."""
    return [*edges(), *randoms()]


def fingerprint(all_cases):
    """Return a digest of the inputs, bit for bit."""
    digest = hashlib.sha256()
    for case in all_cases:
        digest.update(f"{case.name}|{case.buffer}|{len(case.labels)}|".encode())
        for array in (case.labels, case.flags):
            digest.update(array.astype("<i8").tobytes())
        digest.update(case.scores.astype("<f8").tobytes())
    return digest.hexdigest()


FAULTS = {10_000: 20, 100_000: 50, 1_000_000: 100}
"""Readings of a series, and the faults in it: together 1 % of the readings."""

DETECTORS = ("clear", "middling", "spiky")


def rare_faults(n, seed, detector):
    """Return labels and scores of n readings, 1 % of them faulty.

    The score is noise with the standard deviation 1. "clear" rises by 1 to 6 in a fault and stays
    up for a third of its length; "middling" rises by 0.5 and an exponential number of mean 2.5,
    so that some faults stay hidden; "spiky" has an exponential number of mean 2 more in each faulty
    reading, high in some only.
    """
    rng = np.random.default_rng([SEED, n, seed])
    labels = np.zeros(n, dtype=bool)
    scores = rng.normal(size=n)
    count = FAULTS[n]
    length = n // 100 // count
    for first in ((np.arange(count) + 0.5) * (n / count)).astype(int).tolist():
        labels[first : first + length] = True
        raised = slice(first, first + length + length // 3)
        if detector == "clear":
            scores[raised] += rng.uniform(1, 6)
        elif detector == "middling":
            scores[raised] += 0.5 + rng.exponential(2.5)
        else:
            scores[first : first + length] += rng.exponential(2.0, length)
    return labels, scores
