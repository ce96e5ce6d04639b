"""What makes VUS fast is right: the ranks among many scores, and kernels that stay in bounds."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from sensorkit.evaluate.metrics import vus
from sensorkit.evaluate.metrics.order import count_reaching, falling

HERE = Path(__file__).parent
ODD = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 5e-324, -5e-324, 1e-300, 1e308, -1e308, 1e9, 1.5]


def fuzzed(index, seed=7):
    """Return the case that reference/fuzz.py gives to TSB-AD as well."""
    spec = importlib.util.spec_from_file_location("fuzz", HERE / "reference" / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.case(index, seed)


def numbers(rng, form, n):
    if form == "odd":
        return rng.choice(ODD, n)
    if form == "rounded":
        return np.round(rng.normal(size=n), 1)
    if form == "wide":
        return rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n)
    return rng.normal(size=n)


@pytest.mark.parametrize("form", ["odd", "rounded", "wide", "normal"])
def test_scores_fall_and_equal_ones_stay_in_order(form):
    rng = np.random.default_rng(1)
    for n in [*range(30), 5000]:
        scores = numbers(rng, form, n)
        assert falling(scores).tolist() == np.argsort(-scores, kind="stable").tolist()


@pytest.mark.parametrize("form", ["odd", "rounded", "wide", "normal"])
@pytest.mark.parametrize("limited", ["odd", "rounded", "wide", "normal"])
def test_counts_are_those_of_comparing_each_with_each(form, limited):
    rng = np.random.default_rng(2)
    for n, m in [(0, 1), (1, 1), (7, 3), (40, 300), (3000, 150), (3000, 1)]:
        scores, limits = numbers(rng, form, n), np.unique(numbers(rng, limited, m))
        reaching, above = count_reaching(scores, limits)
        assert reaching.tolist() == (scores[:, np.newaxis] >= limits).sum(axis=0).tolist()
        assert above.tolist() == (scores[:, np.newaxis] > limits).sum(axis=0).tolist()


def test_readings_far_from_every_fault_count_by_their_score_only():
    rng = np.random.default_rng(3)
    labels = np.zeros(20_000, dtype=bool)
    labels[[5000, 5001, 12_000]] = True
    scores = np.round(rng.normal(size=20_000), 2)
    far = np.flatnonzero(np.convolve(labels, np.ones(101), mode="same") == 0)
    mixed = scores.copy()
    mixed[far] = rng.permutation(mixed[far])
    assert vus(labels, mixed, buffer=100) == vus(labels, scores, buffer=100)
    mixed[far] += 1.0
    assert vus(labels, mixed, buffer=100).pr < vus(labels, scores, buffer=100).pr


def test_a_series_turned_round_has_the_same_volumes():
    rng = np.random.default_rng(4)
    labels = np.zeros(3000, dtype=bool)
    for first in (0, 300, 330, 1500, 2980):
        labels[first : first + 20] = True
    scores = rng.normal(size=3000) + labels
    assert vus(labels[::-1], scores[::-1], buffer=120) == pytest.approx(
        vus(labels, scores, buffer=120), abs=1e-14
    )


IN_BOUNDS = """
import importlib.util, json, sys
import numpy as np
from numba import njit
spec = importlib.util.spec_from_file_location("fuzz", sys.argv[1])
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)

@njit
def beyond(values, i):
    return values[i]

try:
    beyond(np.zeros(3), 3)
except IndexError:
    from sensorkit.evaluate.metrics import vus
    for index in range(int(sys.argv[2])):
        labels, scores, buffer, thresholds = fuzz.case(index, 7)
        print(json.dumps([vus(labels, scores, buffer=buffer, thresholds=k)
                          for k in (thresholds, None)]))
"""


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays_on_thousands_of_hostile_cases(tmp_path):
    """A prototype that equalled TSB-AD on nine inputs wrote out of bounds on the tenth."""
    cases = 3000
    done = subprocess.run(
        [sys.executable, "-c", IN_BOUNDS, str(HERE / "reference" / "fuzz.py"), str(cases)],
        env={**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == cases  # none if the check itself does not work
    for index in range(0, cases, 10):
        labels, scores, buffer, thresholds = fuzzed(index)
        ours = [vus(labels, scores, buffer=buffer, thresholds=k) for k in (thresholds, None)]
        np.testing.assert_allclose(np.array(ours), np.array(found[index]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("index", range(60))
def test_vus_equals_its_slow_twin_on_hostile_cases(naive_vus, index):
    labels, scores, buffer, thresholds = fuzzed(index, seed=8)
    keep = slice(0, 50)
    if not labels[keep].any():
        labels[3] = 1
    known, score, buffer = labels[keep], scores[keep], min(buffer, 60)
    if known.all():
        known[0] = 0
    for count in (thresholds, None):
        slow = naive_vus(known.tolist(), score.tolist(), buffer, count)
        assert vus(known, score, buffer=buffer, thresholds=count) == pytest.approx(slow, abs=1e-12)


def fastest(job, times=3):
    job()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return min(taken)


def test_both_volumes_of_a_long_series_take_less_than_scikit_learns_average_precision():
    rng = np.random.default_rng(5)
    labels = np.zeros(300_000, dtype=bool)
    for first in range(3000, 300_000, 6000):
        labels[first : first + 60] = True
    scores = rng.normal(size=len(labels)) + labels
    ours = fastest(lambda: vus(labels, scores, buffer=100))
    assert ours < fastest(lambda: average_precision_score(labels, scores))
