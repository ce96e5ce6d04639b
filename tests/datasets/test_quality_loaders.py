"""The loaders of the quality benchmark: what is in the files, and that flaws do no harm."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from judging import debruijn, injected

from sensorkit import datasets
from sensorkit.faults import robust_sigma


@pytest.fixture(scope="module")
def by_kind(sensorkit_data):
    return debruijn.by_kind(sensorkit_data)


@pytest.mark.data
@pytest.mark.parametrize("kind", debruijn.KINDS)
def test_healthy_rows_of_the_test_equal_those_of_the_twin(sensorkit_data, by_kind, kind):
    series = datasets.load("debruijn", sensorkit_data / "debruijn_faults")
    clean = {one.name: one.readings for one in series if one.extra["kind"] == "clean"}
    for one in by_kind[kind]:
        known = clean[one.case.learned]
        twin = pd.Series(known.values[:, 0], index=known.time).groupby(level=0).first()
        healthy = one.case.test[~one.case.faulty]
        same = np.abs(twin.reindex(healthy.time).to_numpy() - healthy.values[:, 0]) < 0.006
        # Intel: a few rows are labelled 0 and changed, or have two readings at one time.
        assert same.mean() > 0.999
        assert one.case.before.time[-1] < one.case.test.time[0]


@pytest.mark.data
def test_labels_are_counted_as_published(by_kind):
    rows = sum(len(one.whole) for found in by_kind.values() for one in found)
    faulty = {
        kind: sum(int(one.whole_faulty.sum()) for one in by_kind[kind])
        for kind in ("random", "polydrift")
    }
    assert rows == 6 * 56_502
    assert faulty == {"random": 2153, "polydrift": 10_932}


@pytest.mark.data
@pytest.mark.parametrize("kind", debruijn.KINDS)
def test_the_untuned_scores_give_the_published_figures(by_kind, kind):
    found = debruijn.yardsticks(by_kind[kind])
    at = debruijn.KINDS.index(kind)
    for name, published in debruijn.PUBLISHED.items():
        assert found[name]["published_way"] == pytest.approx(published[at], abs=0.0051)


# Our own signals


@pytest.mark.parametrize("signal", injected.SIGNALS, ids=lambda signal: signal.__name__)
def test_a_run_is_the_same_for_the_same_seed_and_another_for_another(signal):
    one, again, other = (injected.one_run(signal, seed, 500) for seed in (1, 1, 2))
    assert one.values.tobytes() == again.values.tobytes()
    assert one.time.tolist() == again.time.tolist()
    assert one.values.tobytes() != other.values.tobytes()


def test_faults_have_the_sizes_they_are_called_by():
    clean = injected.one_run(injected.white, 3, injected.RUN)
    sigma = robust_sigma(clean.values[:, 0])
    faulty = injected.faulty_runs(clean, 3)
    rows = slice(injected.BEFORE, injected.BEFORE + injected.LENGTH)
    moved = {kind: (run.values - clean.values)[:, 0] for kind, (run, _) in faulty.items()}
    assert abs(moved["spike"][rows.start]) == pytest.approx(6 * sigma)
    assert np.abs(moved["bias"][rows]) == pytest.approx(2 * sigma)
    assert abs(moved["drift"][rows.stop - 1]) == pytest.approx(4 * sigma)
    assert faulty["noise x2"][0].values[rows].std() == pytest.approx(2 * sigma, rel=0.15)
    assert faulty["gain 0.3"][0].values[rows].std() == pytest.approx(0.3 * sigma, rel=0.15)
    assert not faulty["dropout"][0].values[rows].any()
    assert np.isnan(faulty["missing"][0].values[rows]).all()
    assert len(set(faulty["stuck"][0].values[rows, 0])) == 1


@pytest.mark.parametrize("kind", [*injected.KINDS, injected.BESIDE])
def test_nothing_changes_outside_a_fault_and_its_label_covers_it(kind):
    clean = injected.one_run(injected.walk, 4, injected.RUN)
    run, labels = injected.faulty_runs(clean, 4)[kind]
    changed = np.flatnonzero((run.values != clean.values)[:, 0])
    length = 1 if kind == "spike" else injected.LENGTH
    assert changed.min() in (injected.BEFORE, injected.BEFORE + 1)  # stuck keeps its first value
    assert changed.max() == injected.BEFORE + length - 1
    assert labels["start"].astype("int64").tolist() == [run.time[injected.BEFORE]]
    assert labels["end"].astype("int64").tolist() == [run.time[injected.BEFORE + length - 1]]


# The figures


def test_rules_find_every_repeated_value_and_never_a_lost_gain_of_noise():
    found = injected.run(names=["rules"], seeds=range(2))["detectors"]["rules"]
    assert found["kinds"]["stuck"]["found"] == found["kinds"]["dropout"]["found"] == 1.0
    assert found["by_signal"]["white"]["gain 0.3"]["found"] == 0.0
    assert found["false_per_10_000"] < 0.5


def test_an_episode_that_is_open_at_the_start_finds_nothing():
    found = injected.run(names=["always"], seeds=range(2))["detectors"]["always"]
    assert found["mean"] == 0.0


def test_without_the_data_a_part_says_so_and_nothing_fails():
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(root / "benchmarks" / "quality.py"), "--only", "nab,debruijn"],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "SENSORKIT_DATA"},
    )
    assert done.stdout.count("SENSORKIT_DATA is not set") == 2
