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

from sensorkit.faults import robust_sigma

BIASED = """set_id,timestamp,mote_id,has_fault_type,light,temperature
4,'2004-02-29T02:00:00',1,0,-1,20.0
4,'2004-02-29T02:02:00',1,4,-1,29.0
4,'2004-02-29T02:04:00',1,4,-1,29.0
4,'2004-02-29T02:06:00',1,8,-1,25.0
4,'2004-02-29T02:08:00',1,0,-1,20.4
4,'2004-02-29T02:10:00',1,0,-1,20.5
4,'2004-02-29T02:12:00',1,32,-1,21.0
4,'2004-02-29T02:14:00',1,0,-1,20.6
"""
CLEAN = """timestamp,mote_id,has_fault_type,temperature,light
'2004-02-29T00:00:00',1,0,20.0,45.08
'2004-02-29T00:02:00',1,1,20.1,45.08
'2004-02-29T00:04:00',1,0,20.2,45.08
'2004-02-29T00:06:00',1,0,20.3,45.08
'2004-02-29T00:08:00',1,0,20.4,45.08
'2004-02-29T00:10:00',1,0,20.5,45.08
'2004-02-29T00:12:00',1,0,20.6,45.08
'2004-02-29T00:14:00',1,0,20.7,45.08
"""


@pytest.fixture
def pair(tmp_path):
    clean, faulty = tmp_path / "clean.txt", tmp_path / "faulty.txt"
    clean.write_text(CLEAN, encoding="utf-8")
    faulty.write_text(BIASED, encoding="utf-8")
    return debruijn.load("intel", "1", "bias", clean, faulty)


def test_columns_are_read_by_name_and_late_files_moved_back(pair):
    assert pair.before.values[:, 0].tolist() == [20.0, 20.1, 20.2]
    assert pair.test.time[0] == pair.before.time[-1] + 2 * 120_000_000_000


def test_rows_labelled_in_the_clean_file_are_not_learned(pair):
    learned = [*pair.fit.values[:, 0], *pair.calibrate.values[:, 0]]
    assert learned == [20.0, 20.2]


def test_the_test_begins_after_the_cut_with_a_healthy_row(pair):
    assert pair.test.values[:, 0].tolist() == [20.4, 20.5, 21.0, 20.6]
    assert pair.faulty.tolist() == [False, False, True, False]
    assert pair.labels["kind"].tolist() == ["polydrift"]


def test_rows_with_another_label_are_another_event():
    time = np.arange(8, dtype=np.int64)
    found = debruijn.events(time, np.array([1, 1, 2, 0, 0, 4, 4, 4]))
    assert found["kind"].tolist() == ["random", "malfunction", "bias"]
    assert found["start"].astype("int64").tolist() == [0, 2, 5]
    assert found["end"].astype("int64").tolist() == [1, 2, 7]


def test_no_label_is_no_event():
    assert len(debruijn.events(np.arange(3, dtype=np.int64), np.zeros(3, dtype=np.int64))) == 0


@pytest.mark.data
@pytest.mark.parametrize("kind", debruijn.KINDS)
def test_every_faulty_file_has_its_clean_twin(sensorkit_data, kind):
    listed = list(debruijn.files(sensorkit_data, kind))
    assert [site for site, *_ in listed] == ["intel"] + 6 * ["santander"] + 2 * ["sensorscope"]
    assert all(clean.is_file() for *_, clean, _ in listed)


@pytest.mark.data
@pytest.mark.parametrize("kind", debruijn.KINDS)
def test_healthy_rows_of_the_test_equal_those_of_the_twin(sensorkit_data, kind):
    for site, mote, clean, faulty in debruijn.files(sensorkit_data, kind):
        one = debruijn.load(site, mote, kind, clean, faulty)
        time, values, _ = debruijn.read(clean)
        twin = pd.Series(values, index=time).groupby(level=0).first()
        healthy = one.test[~one.faulty]
        same = np.abs(twin.reindex(healthy.time).to_numpy() - healthy.values[:, 0]) < 0.006
        # Intel: a few rows are labelled 0 and changed, or have two readings at one time.
        assert same.mean() > 0.999
        assert one.before.time[-1] < one.test.time[0]


@pytest.mark.data
def test_labels_are_counted_as_published(sensorkit_data):
    rows = sum(
        len(one.whole) for kind in debruijn.KINDS for one in debruijn.series(sensorkit_data, kind)
    )
    faulty = {
        kind: sum(int(one.whole_faulty.sum()) for one in debruijn.series(sensorkit_data, kind))
        for kind in ("random", "polydrift")
    }
    assert rows == 6 * 56_502
    assert faulty == {"random": 2153, "polydrift": 10_932}


@pytest.mark.data
@pytest.mark.parametrize("kind", debruijn.KINDS)
def test_the_untuned_scores_give_the_published_figures(sensorkit_data, kind):
    found = debruijn.yardsticks(debruijn.series(sensorkit_data, kind))
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
