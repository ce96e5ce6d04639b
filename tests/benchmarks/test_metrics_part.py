"""The benchmark of the metrics: its arrays, its turns, and packages in another interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from measuring import data, ours, turns
from measuring.peer import Peer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def small():
    return data.sparse(10_000)


@pytest.mark.parametrize("n", [10_000, 100_000])
def test_one_percent_is_faulty_in_the_faults_that_are_said(n):
    made = data.sparse(n)
    assert made["labels"].sum() == n // 100
    assert (np.diff(made["labels"]) == 1).sum() == data.FAULTS[n]
    assert made["flags"].sum() == pytest.approx(data.FLAGGED * n, abs=1)
    assert (np.diff(made["single"]) == 1).sum() == 1


def test_every_reading_of_the_hostile_series_is_near_a_fault():
    labels = data.hostile(10_000)["labels"]
    assert (np.convolve(labels, np.ones(data.BUFFER + 1), mode="same") > 0).all()


def test_every_row_of_ours_gives_numbers(small):
    for name, job in ours.jobs(small).items():
        assert all(isinstance(value, float) for value in ours.plain(job())), name


def test_the_packages_of_another_interpreter_say_what_ours_say(small):
    peer = Peer(sys.executable)
    try:
        jobs = peer.load(small)
        assert ("average precision", "scikit-learn") in jobs
        mine = ours.jobs(small)
        for row, who in jobs:
            if who != "scikit-learn":
                continue
            seconds, found = peer.run((row, who))
            assert seconds > 0
            assert found == pytest.approx(ours.plain(mine[row]()), abs=1e-12)
        assert "checkout of numenta/NAB" in peer.left_out["NAB"]
        assert peer.versions["scikit-learn"]
    finally:
        peer.close()


def told(seconds, calls):
    def job():
        calls.append(seconds)
        return seconds, [1.0]

    return job


def test_all_jobs_take_turns_and_each_is_primed():
    calls = []
    jobs = {"a": told(0.1, calls), "b": told(0.2, calls)}
    found = turns.in_turns(jobs, rounds=2)
    assert calls == [0.1, 0.1, 0.2, 0.2] * 2
    assert found["b"] == {"seconds": 0.2, "measured": 2, "numbers": [1.0]}


def test_a_slow_job_is_measured_twice_only_and_not_primed():
    calls = []
    found = turns.in_turns({"slow": told(60.0, calls)}, rounds=5)
    assert len(calls) == found["slow"]["measured"] == turns.SLOW_ROUNDS


def test_a_job_tells_the_time_it_took():
    seconds, numbers = turns.here(lambda: sum(range(200_000)), "cpu")()
    assert seconds > 0
    assert numbers == [199999.0 * 100_000]


@pytest.mark.slow
def test_the_benchmark_runs_without_packages_and_says_so(tmp_path):
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "metrics.py"), "--quick", "--json", str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "left out: NAB" in done.stdout
    assert "sensorkit, every score" in done.stdout
    found = json.loads(out.read_text(encoding="utf-8"))["results"]
    assert set(found) == {"1e+04", "hostile"}
    assert set(found["1e+04"]["average precision"]) == {"sensorkit", "scikit-learn"}
