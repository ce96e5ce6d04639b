"""How often the intervals of the public benchmarks cover, and two equal detectors are told apart.

Each unit (a rig, a node, a base signal) has one figure of each of two equal detectors. Prints the
table of docs/public-benchmarks.md, with plain percentiles beside the intervals that are given:

    python benchmarks/coverage_public.py
"""

from __future__ import annotations

import numpy as np

from sensorkit.evaluate.public.pooling import draws, interval, mean, two_sided_p

RUNS, RESAMPLES = 2000, 1000
UNITS = (6, 10, 20, 34)
FIGURES = {
    "in the middle, Beta(2, 2)": (lambda rng, shape: rng.beta(2.0, 2.0, shape), 0.5),
    "mostly high, Beta(4, 0.5)": (lambda rng, shape: rng.beta(4.0, 0.5, shape), 4.0 / 4.5),
    "found or not, 0.8": (lambda rng, shape: (rng.random(shape) < 0.8).astype(float), 0.8),
}


def simulated(name, units):
    """Return the shares: plain percentiles cover, each interval covers, p below 0.05."""
    make, truth = FIGURES[name]
    names, hits = [str(i) for i in range(units)], np.zeros(5)
    for seed in range(RUNS):
        one, two = make(np.random.default_rng([seed, units]), (2, units))
        weight = draws(names, RESAMPLES, seed)
        drawn = mean(one, weight)
        between = drawn - mean(two, weight)
        plain, apart = (np.quantile(each, [0.025, 0.975]) for each in (drawn, between))
        hits += [
            plain[0] <= truth <= plain[1],
            *(
                low <= truth <= high
                for low, high in (interval(drawn, units, share=share) for share in (False, True))
            ),
            not apart[0] <= 0.0 <= apart[1],
            two_sided_p(between, units) < 0.05,
        ]
    return hits / RUNS


if __name__ == "__main__":
    print("| figure of a unit | units | plain | figure | share | plain, apart | apart |")
    print("|---|---|---|---|---|---|---|")
    for figure in FIGURES:
        for n in UNITS:
            row = " | ".join(f"{value:.2f}" for value in simulated(figure, n))
            print(f"| {figure} | {n} | {row} |", flush=True)
