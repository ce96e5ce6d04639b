"""How often the 95 % intervals of what changed between two runs hold the truth.

Two runs are simulated on the same faults and the same clean time: they differ by chance only, or by
a known amount. Printed is the share of pairs of runs whose interval holds the true difference, its
mean width after the slash, and the share called better or worse; docs/compare-runs.md has it:

    python benchmarks/coverage_compare.py
"""

from __future__ import annotations

import argparse

import numpy as np

from sensorkit.evaluate.metrics import average_precision, roc_auc, vus
from sensorkit.evaluate.statistics import (
    hits_p_value,
    percentile_interval,
    poisson_interval,
    resample,
)
from sensorkit.evaluate.statistics.blocks import bootstrap
from sensorkit.evaluate.statistics.changes import (
    difference,
    median_difference,
    rate_difference,
    share_difference,
)
from sensorkit.runs import runs

PAIRS = 1000
RESAMPLES = 400
READINGS = 80
"""Of a block: a fault of 20 of them, and what is healthy around it."""


def shares(pairs, faults, lost, gained, recordings=1, spread=0.0, seed=0):
    """Faults that changed sides: each with these probabilities, which differ between recordings."""
    rng = np.random.default_rng([seed, faults, recordings])
    rows, apart = [], 0
    for _ in range(pairs):
        before, after = [], []
        for _ in range(recordings):
            shift = spread * rng.standard_normal()
            here = np.clip([lost - shift / 2, gained + shift / 2], 0.0, 0.5)
            side = rng.choice(3, faults, p=[*here, 1 - here.sum()])
            found = rng.random(faults) < 0.8
            before.append(np.where(side == 2, found, side == 0))
            after.append(np.where(side == 2, found, side == 1))
        one, other = np.concatenate(before), np.concatenate(after)
        interval = share_difference(one, other, [faults] * recordings)
        rows.append(interval)
        apart += excludes_nothing(interval) and hits_p_value(one, other) < 0.05
    return summary(rows, gained - lost, apart / pairs)


def rates(pairs, common, lost, gained, *, paired=True, seed=0):
    """False alarms a day: some in both runs, some in one of them only; a day of clean time."""
    rng = np.random.default_rng([seed, int(10 * (common + lost + gained))])
    rows = []
    for _ in range(pairs):
        both, one, other = rng.poisson([common, lost, gained]).astype(float)
        if paired:
            rows.append(rate_difference(np.array([one]), np.array([other]), np.ones(1)))
        else:
            counts = (both + one, both + other)
            arms = [poisson_interval(count, 1.0) for count in counts]
            rows.append(difference(counts[0], arms[0], counts[1], arms[1]))
    return summary(rows, gained - lost)


def medians(pairs, faults, later, missed, seed=0):
    """Median delays: log-normal, the same faults a factor later in one run, some missed."""
    draw = lambda rng, n: made_delays(rng, n, later, missed)  # noqa: E731
    large = draw(np.random.default_rng(1), 1_000_000)
    truth = float(np.median(large[1]) - np.median(large[0]))
    rng = np.random.default_rng([seed, faults])
    watched = np.full(faults, np.inf)
    rows = []
    for _ in range(pairs):
        one, other = draw(rng, faults)
        weights = resample(faults, RESAMPLES, rng)
        rows.append(median_difference((one, watched), (other, watched), weights))
    return summary(rows, truth)


def made_delays(rng, n, later, missed):
    """Delays of the same faults in both runs, seconds."""
    fault = rng.lognormal(2.0, 0.7, n)
    pair = [fault * rng.lognormal(0.0, 0.3, n), fault * rng.lognormal(0.0, 0.3, n) * later]
    return [np.where(rng.random(n) < missed, np.inf, delays) for delays in pair]


def volumes(pairs, faults, skill, seed=0):
    """VUS-PR of two scores of the same noise, one of them sharper by *skill*."""
    truth = float(
        np.mean([np.diff(figures(made(np.random.default_rng(s), 400, skill)))[0] for s in range(8)])
    )
    rng = np.random.default_rng([seed, faults])
    rows = []
    for _ in range(pairs):
        labels, *sides = made(rng, faults, skill)
        weights = resample(len(runs(labels).start), RESAMPLES, rng)
        exact = [exact_figures(labels, scores) for scores in sides]
        draws = [
            bootstrap(labels, scores, buffer=20, exact=found, weights=weights).vus_pr
            for scores, found in zip(sides, exact, strict=True)
        ]
        rows.append(percentile_interval(draws[1] - draws[0], faults))
    return summary(rows, truth)


def made(rng, faults, skill):
    """Labels, and the scores of both runs."""
    n = faults * READINGS
    labels = np.arange(n) % READINGS // 20 == 2
    size = np.repeat(rng.exponential(2.0, faults), READINGS) * labels
    shared = rng.standard_normal(n)
    one, other = (shared + 0.5 * rng.standard_normal(n) for _ in range(2))
    return labels, one + size, other + (1 + skill) * size


def figures(made_of):
    """VUS-PR of both."""
    labels, *sides = made_of
    return [vus(labels, scores, buffer=20).pr for scores in sides]


def exact_figures(labels, scores):
    """All figures that the block bootstrap moves its draws to."""
    volume = vus(labels, scores, buffer=20)
    return {
        "vus_pr": volume.pr,
        "vus_roc": volume.roc,
        "average_precision": average_precision(labels, scores),
        "roc_auc": roc_auc(labels, scores),
    }


def excludes_nothing(interval):
    """Whether "no difference" lies outside."""
    return not interval[0] <= 0.0 <= interval[1]


def summary(rows, truth, apart=None):
    """Coverage, mean width, share told apart."""
    low, high = np.array(rows, dtype=float).T
    if apart is None:
        apart = float(((low > 0) | (high < 0)).mean())
    width = (high - low)[np.isfinite(high - low)]
    return float(((low <= truth) & (truth <= high)).mean()), float(width.mean()), apart


LINES = {
    "faults found; none better": [
        (f"{n} faults", shares, (n, 0.06, 0.06)) for n in (8, 24, 48, 200)
    ],
    "faults found; 0.15 more": [(f"{n} faults", shares, (n, 0.05, 0.2)) for n in (8, 24, 48, 200)],
    "faults found; several recordings": [
        ("2 of 24 faults, alike", shares, (24, 0.06, 0.06, 2)),
        ("5 of 24 faults, alike", shares, (24, 0.06, 0.06, 5)),
        ("3 of 24 faults, differ by 0.1", shares, (24, 0.2, 0.2, 3, 0.1)),
        ("8 of 24 faults, differ by 0.1", shares, (24, 0.2, 0.2, 8, 0.1)),
    ],
    "false alarms a day": [
        ("5 in both, 1 in either", rates, (5.0, 1.0, 1.0)),
        ("5 in both, 4 in either", rates, (5.0, 4.0, 4.0)),
        ("5 in both, 8 more", rates, (5.0, 1.0, 9.0)),
        ("20 in both, 8 more", rates, (20.0, 1.0, 9.0)),
    ],
    "median delay, s": [
        ("10 faults, none later", medians, (10, 1.0, 0.1)),
        ("50 faults, none later", medians, (50, 1.0, 0.1)),
        ("50 faults, half later again", medians, (50, 1.5, 0.1)),
        ("50 faults, 0.3 missed", medians, (50, 1.5, 0.3)),
    ],
    "VUS-PR": [
        ("10 faults, none better", volumes, (10, 0.0)),
        ("40 faults, none better", volumes, (40, 0.0)),
        ("40 faults, one sharper", volumes, (40, 0.3)),
    ],
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    pairs = parser.parse_args().pairs
    print("| what differs | runs | covered / width | called better or worse |\n|---|---|---|---|")
    for what, lines in LINES.items():
        for name, simulate, given in lines:
            covered, width, apart = simulate(pairs, *given)
            print(f"| {what} | {name} | {covered:.2f} / {width:.2g} | {apart:.2f} |", flush=True)
