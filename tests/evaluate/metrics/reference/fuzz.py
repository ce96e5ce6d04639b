"""Fuzz our VUS against TSB-AD itself, with every index of our kernels checked.

TSB-AD runs in the environment of make.py, ours in the project's; both make the same cases:

    .venv/bin/python tests/evaluate/metrics/reference/fuzz.py --peer-python refvenv/bin/python

Edges, one-point ranges, ranges without a gap, dense labels, ties and constant scores, buffers 0 to
289, often beyond the series; each with 40 to 250 thresholds and with all of them. Numba is told to
check bounds, as a write beyond an array may go unnoticed for many inputs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

WORST = 1e-12


def case(index, seed):
    """Return labels, scores, buffer and a number of thresholds."""
    rng = np.random.default_rng([seed, index])
    n = int(rng.choice([2, 3, 5, 8, 20, 50, 120, 260]))
    kind = rng.integers(0, 6)
    labels = np.zeros(n, dtype=np.int64)
    if kind == 0:  # one-point ranges
        labels[rng.choice(n, int(rng.integers(1, n)), replace=False)] = 1
    elif kind == 1:  # a range every few points
        labels[int(rng.integers(0, 2)) :: int(rng.integers(2, 7))] = 1
    elif kind == 2:  # at the ends
        labels[: rng.integers(0, n)] = 1
        labels[n - 1 - rng.integers(0, n) :] |= rng.integers(0, 2)
    elif kind == 3:  # nearly all labelled
        labels[:] = 1
        labels[rng.choice(n, int(rng.integers(1, 3)), replace=False)] = 0
    else:
        for _ in range(int(rng.integers(1, 5))):
            first = int(rng.integers(0, n))
            labels[first : first + int(rng.integers(1, 2 + n // 4))] = 1
    if labels.all():
        labels[rng.integers(0, n)] = 0
    if not labels.any():
        labels[rng.integers(0, n)] = 1
    scores = rng.normal(size=n) + labels * rng.choice([0.0, 2.0])
    form = rng.integers(0, 6)
    if form == 0:
        scores = np.round(scores)
    elif form == 1:
        scores = np.full(n, 0.25)
    elif form == 2:
        scores = np.round(scores, 1) * 10.0 ** rng.integers(-300, 300)
    elif form == 3:
        scores[rng.integers(0, n)] = rng.choice([1e9, -1e9, np.inf, -np.inf])
    buffer = int(rng.choice([rng.integers(0, 8), rng.integers(0, 60), rng.integers(0, 290)]))
    return labels, scores, buffer, int(rng.integers(40, 251))


def serve(cases, seed):
    """Print what TSB-AD says, a line a case."""
    from TSB_AD.evaluation.basic_metrics import basic_metricor

    for index in range(cases):
        labels, scores, buffer, thresholds = case(index, seed)
        found = []
        for count in (thresholds, len(scores)):
            *_, roc, pr = basic_metricor().RangeAUC_volume_opt(labels, scores, buffer, count)
            found += [float(pr), float(roc)]
        print(json.dumps(found), flush=True)


def compare(peer, cases, seed):
    from sensorkit.evaluate.metrics import vus

    command = [peer, __file__, "--serve", "--cases", str(cases), "--seed", str(seed)]
    worst = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for index, line in enumerate(process.stdout):
            labels, scores, buffer, thresholds = case(index, seed)
            ours = [
                value
                for count in (thresholds, None)
                for value in vus(labels, scores, buffer=buffer, thresholds=count)
            ]
            apart = np.abs(np.array(ours) - json.loads(line)).max()
            if not apart <= WORST:
                sys.exit(f"case {index}, buffer {buffer}: ours {ours}, TSB-AD {line}")
            worst = max(worst, apart)
    if process.returncode or index + 1 != cases:
        sys.exit(f"TSB-AD ended after {index + 1} of {cases} cases")
    print(f"{cases} cases of seed {seed}, 2 variants each: largest difference {worst:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=sys.executable, help="Python with TSB-AD")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.cases, options.seed)
        return
    with tempfile.TemporaryDirectory() as cache:
        # Before numba is imported; a kept kernel would be one without the check.
        os.environ |= {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": cache}
        compare(options.peer_python, options.cases, options.seed)


if __name__ == "__main__":
    main()
