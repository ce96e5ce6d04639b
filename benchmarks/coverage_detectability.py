"""How often the intervals of a hit/miss curve hold the truth, over curves that are known.

Each row is a true curve and a design; faults are drawn from it many times. Columns:

  given    share of the draws in which an a90 is given
  a90/95   share of all draws in which a90/95 lies below the true a90 (at most 5 % wanted)
  POD      probability of detection at a90/95, exceeded in 95 % of the draws that have one
  a50, a90 coverage of their two-sided 95 % intervals, where an a90 is given
  band     coverage of the 95 % band, averaged over its sizes, where there is one; 95 % only if
           the true curve is logistic
  off      how far the truth lies outside the band, on average
  misfit   share of the draws withheld because counts and curve disagree (6 % of good ones wanted)

A plateau is a detector that misses a part of the faults however large they are: it has no a90, and
the column a90/95 is then the share of the draws in which one is claimed.

Run with `python benchmarks/coverage_detectability.py`; the table stands in docs/detectability.md.
"""

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from sensorkit.evaluate.detectability.hit_miss import hit_miss

SMALLEST, LARGEST = 0.5, 20.0


class Truth(NamedTuple):
    name: str
    pod: Callable
    a50: float
    a90: float


def logistic(a50, slope):
    a90 = a50 * math.exp(math.log(9) / slope)
    return Truth(
        f"logit, a50 {a50:g}, slope {slope:g}", lambda a: expit(slope * np.log(a / a50)), a50, a90
    )


def plateau(top):  # below 0.9: no size is found 9 times in 10
    return Truth(
        f"never above {top:g}", lambda a: top * expit(4 * np.log(a / 2.0)), math.inf, math.inf
    )


def solved(name, pod):
    a50, a90 = (
        brentq(lambda a, share=share: pod(np.array([a]))[0] - share, SMALLEST / 10, LARGEST * 10)
        for share in (0.5, 0.9)
    )
    return Truth(name, pod, a50, a90)


TRUTHS = [
    logistic(3, 1.5),
    logistic(3, 3),
    logistic(3, 6),
    logistic(3, 15),
    logistic(0.9, 3),
    logistic(9, 4),
    solved("threshold at 3 sigma, one reading", lambda a: ndtr(a - 3)),
    solved("threshold at 5 sigma, one reading", lambda a: ndtr(a - 5)),
    solved("threshold at 5 sigma, 60 readings", lambda a: 1 - ndtr(5 - a) ** 60),
    solved("always 0.3 by chance", lambda a: 0.3 + 0.7 * expit(5 * np.log(a / 4))),
    plateau(0.88),
    plateau(0.8),
    plateau(0.7),
    plateau(0.5),
]
DESIGNS = [(8, 20), (6, 10), (8, 60)]


def holds(ends, true):
    low, high = ends
    return (low or 0.0) <= true <= (high or math.inf)


def measure(truth, sizes, repeats, draws, seed):
    size = np.geomspace(SMALLEST, LARGEST, sizes)
    rng = np.random.default_rng(seed)
    trials = np.full(sizes, repeats)
    given = below = held = half = misfit = 0
    inside, at, off, there = 0, 0, 0.0, []
    for hits in rng.binomial(repeats, truth.pod(size), (draws, sizes)):
        curve = hit_miss(size, trials, hits)
        if curve.a90 is not None:
            given += 1
            held += holds(curve.a90_ci, truth.a90)
            half += holds(curve.a50_ci, truth.a50)
        below += curve.a90_95 is not None and curve.a90_95 < truth.a90
        if curve.a90_95 is not None:
            there.append(truth.pod(np.array([curve.a90_95]))[0])
        misfit += any(said in (curve.reason or "") for said in ("not follow", "levels off"))
        for point in curve.band:
            true = truth.pod(np.array([point.size]))[0]
            inside += point.low <= true <= point.high
            off += max(point.low - true, true - point.high, 0.0)
            at += 1
    return {
        "given": given / draws,
        "a90/95": below / draws,
        "POD": np.quantile(there, 0.05) if there else math.nan,
        "a50": half / given if given and math.isfinite(truth.a90) else math.nan,
        "a90": held / given if given and math.isfinite(truth.a90) else math.nan,
        "band": inside / at if at else math.nan,
        "off": off / at if at else math.nan,
        "misfit": misfit / draws,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--design", type=int, choices=range(len(DESIGNS)), help="one of them")
    options = parser.parse_args()
    columns = ("given", "a90/95", "POD", "a50", "a90", "band", "off", "misfit")
    print("| true curve | sizes x repeats | " + " | ".join(columns) + " |")
    print("|---|---|" + "---:|" * len(columns))
    chosen = DESIGNS if options.design is None else [DESIGNS[options.design]]
    for sizes, repeats in chosen:
        for truth in TRUTHS:
            row = measure(truth, sizes, repeats, options.draws, 1)
            cells = ["-" if math.isnan(row[c]) else f"{row[c]:.1%}" for c in columns]
            print(f"| {truth.name} | {sizes} x {repeats} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
