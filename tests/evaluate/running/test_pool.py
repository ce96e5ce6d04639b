"""Cells in worker processes: the same numbers, and limits that hold whatever a detector does."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from sensorkit.errors import RunError, UsageError
from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.benchmark import prepare
from sensorkit.evaluate.running import pool
from sensorkit.evaluate.running.grid import Entry, Spec
from sensorkit.evaluate.running.worker import Crew, Worker

FAULTS = (
    ("bias", 2000, 20, 8.0),
    ("bias", 2250, 20, 6.0),
    ("spike", 2500, 1, 9.0),
    ("silence", 2700, 12, None),
)
FEW = {"detectors": {"sigma": {}}, "resamples": 100}
TIMES = ("seconds", "peak_mb", "microseconds_per_reading")


def detector(does=lambda: None):
    """Return a detector that does something when it is fitted.

    Made in a function, so that it is sent by value: a worker process cannot import this module.
    """

    class Mine:
        name = "mine"
        threshold_ = 4.0

        def fit(self, readings):
            does()
            return self

        def calibrate(self, clean, false_alarms_per_day=1.0):
            return self

        def reset(self):
            pass

        def score(self, readings):
            return np.abs(np.nan_to_num(readings.values)).max(axis=1)

        def alerts(self, readings):
            return []

        def advance(self, time_ns):
            return []

        def finish(self):
            return []

    return Mine()


def eats():
    pieces = []
    while True:
        pieces.append(np.ones(2_000_000))


def sleeps():
    time.sleep(3600)


def kills_itself():
    os.kill(os.getpid(), 9)


def crashes():
    os.kill(os.getpid(), 11)


def leaves():
    os._exit(3)


def asks_to_leave():
    raise SystemExit(3)


def raises():
    raise ValueError("the bearing\nis gone")


def without_times(results):
    found = results.to_dict()
    for part in ("cells", "detectors"):
        for row in found[part]:
            for name in TIMES:
                row.pop(name, None)
    return found


def cells(results):
    return {row["detector"]: row for row in results.cells}


@pytest.fixture(scope="module")
def recordings(recording_maker, tmp_path_factory):
    make = recording_maker(tmp_path_factory.mktemp("pool"))
    made = [make("a", faults=FAULTS), make("b", faults=FAULTS[:2], seed=1)]
    # Compiles what is not compiled yet; workers read it from the disk, within their time.
    benchmark(made[:1], Settings(**FEW))
    return made


@pytest.fixture(scope="module")
def hostile(recordings):
    """What becomes of detectors that misbehave, tried side by side with good ones."""
    own = {
        "raises": detector(raises),
        "sleeps": detector(sleeps),
        "eats": detector(eats),
        "kills_itself": detector(kills_itself),
        "crashes": detector(crashes),
        "leaves": detector(leaves),
        "asks_to_leave": detector(asks_to_leave),
        "good": detector(),
    }
    settings = Settings(**FEW, timeout_s=6.0, memory_mb=700)
    return benchmark(recordings[:1], settings, own=own, workers=2)


def test_the_numbers_do_not_depend_on_the_number_of_workers(recordings, tmp_path):
    settings = Settings(detectors={"sigma": {}, "forest": {}}, resamples=100)
    own = {"dice": detector()}
    alone, several = (benchmark(recordings, settings, own=own, workers=n) for n in (1, 3))

    assert without_times(alone) == without_times(several)
    assert [(row["recording"], row["detector"]) for row in several.cells[:2]] == [
        ("a", "dice"),
        ("a", "sigma"),
    ]
    for number, results in enumerate((alone, several)):
        results.write(tmp_path / str(number))
    for name in ("cases.csv", "scores.npz"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_models_that_throw_the_dice_of_the_process_do_not_depend_on_it_either(recordings):
    class Dice(type(detector())):
        def score(self, readings):
            return np.random.rand(len(readings))  # noqa: NPY002

    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    found = [
        benchmark(recordings[:1], Settings(**FEW), own={"dice": Dice()}, workers=n) for n in (1, 2)
    ]

    assert found[0].scores["a"]["dice"].nunique() > 1000
    assert found[0].scores["a"].equals(found[1].scores["a"])
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raises", "failed", "ValueError: the bearing is gone"),
        ("asks_to_leave", "failed", "SystemExit: 3"),
        ("sleeps", "timeout", "of 6 s, before it was fitted"),
        ("eats", "failed", "MB of memory, 700 MB are allowed, before it was fitted"),
        ("kills_itself", "failed", "its worker process was ended by SIGKILL (the system was out"),
        ("crashes", "failed", "was ended by SIGSEGV (a crash in compiled code), before it"),
        ("leaves", "failed", "its worker process ended with exit code 3"),
    ],
)
def test_a_detector_that_misbehaves_is_one_failed_cell_with_its_reason(
    hostile, name, status, reason
):
    cell = cells(hostile)[name]

    assert cell["status"] == status
    assert reason in cell["reason"]
    rows = [row for row in hostile.results if row["detector"] == name]
    assert {(row["status"], row["reason"]) for row in rows} == {(status, cell["reason"])}


def test_the_cells_beside_them_are_not_lost(hostile):
    found = cells(hostile)

    for name in ("good", "sigma", "random", "always", "never", "last_value"):
        assert (found[name]["status"], found[name]["reason"]) == ("ok", None)
        assert found[name]["seconds"] > 0
        assert 50 < found[name]["peak_mb"] < 700
    assert found["sleeps"]["seconds"] < 20
    assert found["eats"]["peak_mb"] > 700


def workers():
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any("worker_process" in part for part in child.cmdline())
    ]


def test_no_worker_is_left_behind(hostile):
    assert workers() == []

    one = Worker()  # the check can fail
    assert len(workers()) == 1
    one.stop()
    assert workers() == []


def test_what_a_detector_has_started_ends_with_its_worker(recordings, tmp_path):
    where = str(tmp_path / "pid")

    def starts_another_and_sleeps():
        import subprocess

        started = subprocess.Popen(["sleep", "3600"])
        with Path(where).open("w") as file:
            file.write(str(started.pid))
        time.sleep(3600)

    settings = Settings(**FEW, timeout_s=1.0)
    benchmark(recordings[:1], settings, own={"x": detector(starts_another_and_sleeps)}, workers=2)

    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("does", "timeout_s", "reason"),
    [(sleeps, 4.0, "of 4 s, having raised its alerts"), (crashes, 60.0, "by SIGSEGV")],
)
def test_a_cell_that_is_stopped_while_detectability_is_measured_keeps_its_numbers(
    recordings, does, timeout_s, reason
):
    class Late(type(detector())):
        """It behaves until its test is over."""

        over = False

        def finish(self):
            self.over = True
            return []

        def alerts(self, readings):
            if self.over:
                does()
            return []

    grid = {"kinds": ["bias"], "channels": ["pressure"], "sizes": 3, "repeats": 5}
    settings = Settings(detectors={}, resamples=100, timeout_s=timeout_s, detectability=grid)
    results = benchmark(recordings[:1], settings, own={"late": Late()}, workers=2)

    late = cells(results)["late"]
    assert late["status"] == "ok"
    assert late["reason"].startswith("detectability was not measured: ")
    assert reason in late["reason"]
    assert "late" in results.scores["a"]
    assert "late" not in {row["detector"] for row in results.detectability}


def test_with_a_memory_limit_one_worker_is_a_process_too(recordings):
    settings = Settings(detectors={}, resamples=100, memory_mb=1000)
    found = cells(benchmark(recordings[:1], settings, own={"me": detector(kills_itself)}))

    assert {found[name]["status"] for name in ("me", "never")} == {"failed", "ok"}
    assert found["never"]["peak_mb"] > 50


def test_in_this_process_no_memory_is_told(recordings):
    assert {row["peak_mb"] for row in benchmark(recordings[:1], Settings(**FEW)).cells} == {None}


def test_a_limit_below_what_a_worker_needs_fails_the_quickest_cell_too(recordings):
    settings = Settings(memory_mb=20)
    with Crew() as crew:
        spec = Spec("a", Entry("never", "never"), settings)
        cell = crew.attempt(spec, prepare(recordings[0], settings)).cell

    assert cell.status == "failed"
    assert "MB of memory, 20 MB are allowed" in cell.reason


def test_an_object_that_cannot_be_sent_is_refused_before_any_work(recordings):
    mine = detector()
    mine.lock = threading.Lock()

    with pytest.raises(UsageError, match=r"'mine' cannot be sent to a worker process .*workers=1"):
        benchmark(recordings[:1], Settings(**FEW), own={"mine": mine}, workers=2)


def test_an_object_that_cannot_be_read_there_is_a_failed_cell(recordings):
    class Ours:
        def __reduce__(self):
            return os.getenv, ("A", "B", "C")

    mine = detector()
    mine.part = Ours()
    found = cells(benchmark(recordings[:1], Settings(**FEW), own={"m": mine}, workers=2))

    assert found["m"]["status"] == "failed"
    assert "cannot be read in a worker process (TypeError" in found["m"]["reason"]
    assert found["sigma"]["status"] == "ok"


def test_a_worker_that_died_while_it_was_free_is_replaced(recordings):
    settings = Settings(**FEW)
    trial = prepare(recordings[0], settings)
    spec = Spec("a", Entry("never", "never"), settings)
    with Crew() as crew:
        assert crew.attempt(spec, trial).cell.ok
        crew._free[0]._process.kill()
        crew._free[0]._process.wait()

        assert crew.attempt(spec, trial).cell.ok


def test_a_mistake_of_our_own_in_a_worker_is_no_failed_cell(recordings):
    settings = Settings(**FEW)
    worker = Worker()
    try:
        with pytest.raises(RunError, match="never on a: Traceback"):
            worker.attempt(Spec("a", Entry("never", "never"), settings), None)
    finally:
        worker.stop()


def test_stopping_in_the_middle_ends_the_workers(recordings, monkeypatch):
    crews = []
    monkeypatch.setattr(pool, "Crew", lambda: crews.append(Crew()) or crews[0])

    def stop(done, total, name):
        if done:
            raise KeyboardInterrupt

    own = {"sleeps": detector(sleeps)}
    with pytest.raises(KeyboardInterrupt):
        benchmark(recordings[:1], Settings(**FEW), own=own, workers=2, progress=stop)

    assert crews[0]._all
    assert not any(worker.alive for worker in crews[0]._all)


def test_progress_says_what_runs_now(recordings):
    calls = []
    benchmark(
        recordings[:1], Settings(**FEW), workers=2, progress=lambda *given: calls.append(given)
    )

    assert calls[0] == (0, 5, "sigma on a, random on a")
    assert [done for done, _, _ in calls] == [0, 1, 2, 3, 4, 5]
    assert calls[-1] == (5, 5, "")


def test_fewer_workers_than_none_are_refused(recordings):
    with pytest.raises(UsageError, match="workers is -1"):
        benchmark(recordings, Settings(**FEW), workers=-1)
