"""Cells in worker processes: the same numbers, and limits that hold whatever a detector does."""

import os
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from sensorkit.errors import RunError, UsageError
from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.benchmark import prepare
from sensorkit.evaluate.cell import Cell, Status
from sensorkit.evaluate.running import pool, worker
from sensorkit.evaluate.running.grid import RAN, Entry, Spec
from sensorkit.evaluate.running.worker import Crew, Worker, _Watch

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
def trial(recordings):
    return prepare(recordings[0], Settings(**FEW))


@pytest.fixture(scope="module")
def crew():
    """Workers for the tests of one cell; what a test does to them is theirs to survive."""
    with Crew() as crew:
        yield crew


def own(name, one, **settings):
    """Return a cell of a detector that came as an object."""
    return Spec("a", Entry(name, own=one), Settings(**settings))


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The file in which a detector leaves the number of the process that it started."""
    return tmp_path_factory.mktemp("started") / "pid"


@pytest.fixture(scope="module")
def hostile(recordings, started):
    """What becomes of detectors that misbehave, tried side by side with good ones."""
    where = str(started)

    def starts_another_and_sleeps():
        import subprocess

        process = subprocess.Popen(["sleep", "3600"])
        with open(where, "w") as file:  # noqa: PTH123 - sent by value
            file.write(str(process.pid))
        time.sleep(3600)

    class Ours:
        def __reduce__(self):
            return os.getenv, ("A", "B", "C")

    unreadable = detector()
    unreadable.part = Ours()
    own = {
        "raises": detector(raises),
        "sleeps": detector(sleeps),
        "starts_another": detector(starts_another_and_sleeps),
        "eats": detector(eats),
        "kills_itself": detector(kills_itself),
        "crashes": detector(crashes),
        "leaves": detector(leaves),
        "asks_to_leave": detector(asks_to_leave),
        "unreadable": unreadable,
        "good": detector(),
    }
    settings = Settings(**FEW, timeout_s=6.0, memory_mb=700)
    return benchmark(recordings[:1], settings, own=own, workers=2)


class Dice(type(detector())):
    def score(self, readings):
        return np.random.rand(len(readings))  # noqa: NPY002


Dice.__module__ = "__main__"  # so that it is sent by value, too


@pytest.fixture(scope="module")
def both(recordings):
    """The same grid in this process and in two others, the dice thrown before, and the progress."""
    settings = Settings(detectors={"sigma": {}, "forest": {}}, resamples=100)
    np.random.seed(3)  # noqa: NPY002
    before, calls = np.random.get_state()[1].copy(), []  # noqa: NPY002
    alone = benchmark(recordings, settings, own={"dice": Dice()})
    several = benchmark(
        recordings,
        settings,
        own={"dice": Dice()},
        workers=2,
        progress=lambda *given: calls.append(given),
    )
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    return alone, several, calls


def test_the_numbers_do_not_depend_on_the_number_of_workers(both, tmp_path):
    alone, several, _ = both

    assert without_times(alone) == without_times(several)
    assert [(row["recording"], row["detector"]) for row in several.cells[:2]] == [
        ("a", "dice"),
        ("a", "sigma"),
    ]
    for number, results in enumerate((alone, several)):
        results.write(tmp_path / str(number))
    for name in ("cases.csv", "scores.npz"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_models_that_throw_the_dice_of_the_process_do_not_depend_on_it_either(both):
    alone, several, _ = both

    assert alone.scores["a"]["dice"].nunique() > 1000
    assert alone.scores["a"].equals(several.scores["a"])


def test_progress_says_what_runs_now(both):
    calls = both[2]

    assert calls[0] == (0, 14, "dice on a, sigma on a")
    assert [done for done, _, _ in calls] == list(range(15))
    assert calls[-1] == (14, 14, "")


def test_in_this_process_no_memory_is_told(both):
    assert {row["peak_mb"] for row in both[0].cells} == {None}


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
        ("unreadable", "failed", "cannot be read in a worker process (TypeError"),
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
    """Return the worker processes of this one."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any("worker_process" in part for part in child.cmdline())
    ]


def test_no_worker_is_left_behind(hostile, crew):
    before = len(workers())  # of the crew of other tests
    assert before == sum(worker.alive for worker in crew._all)

    one = Worker()  # the check can fail
    assert len(workers()) == before + 1
    one.stop()
    assert len(workers()) == before


def test_what_a_detector_has_started_ends_with_its_worker(hostile, started):
    assert cells(hostile)["starts_another"]["status"] == "timeout"

    pid = int(started.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


GRID = {"kinds": ["bias"], "channels": ["pressure"], "sizes": 3, "repeats": 5}


@pytest.mark.parametrize(
    ("does", "timeout_s", "reason"),
    [(sleeps, 4.0, "of 4 s, having raised its alerts"), (crashes, 60.0, "by SIGSEGV")],
)
def test_a_cell_that_is_stopped_while_detectability_is_measured_keeps_its_numbers(
    crew, trial, does, timeout_s, reason
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

    late, scored = crew.attempt(own("late", Late(), timeout_s=timeout_s, detectability=GRID), trial)

    assert late.ok
    assert late.note.startswith("detectability was not measured: ")
    assert reason in late.note
    assert len(late.scores) == len(trial.known)
    assert late.detectability == ()
    assert scored.rows[0]["status"] == "ok"


def eats_and_gives_back():
    np.ones(100_000_000).sum()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak between two looks")
@pytest.mark.parametrize("grid", [None, GRID], ids=["without detectability", "with it"])
def test_memory_that_was_given_back_between_two_looks_fails_the_cell(
    crew, trial, grid, monkeypatch
):
    monkeypatch.setattr(worker, "resident_mb", lambda _: 0.0)  # nobody looks in time
    spec = own("m", detector(eats_and_gives_back), memory_mb=800.0, detectability=grid)

    cell = crew.attempt(spec, trial).cell

    assert cell.status == "failed"
    assert cell.reason.endswith("MB of memory, 800 MB are allowed, having fitted")
    assert cell.peak_mb > 800


def watching(**settings):
    watch = _Watch(own("m", detector(), **settings), os.getpid(), None)
    watch.told("began")
    return watch


def test_memory_that_was_too_much_before_the_alerts_does_not_leave_a_cell():
    done = Cell("a", "m", Status.OK)
    ended = watching(memory_mb=500.0).told("step", "raised its alerts", done, 501.0)

    assert ended.status == "failed"
    assert ended.reason.endswith("having raised its alerts")


def test_memory_that_is_too_much_after_them_leaves_it_without_detectability():
    watch = watching(memory_mb=500.0)
    assert watch.told("step", "raised its alerts", Cell("a", "m", Status.OK), 499.0) is None

    ended = watch.told("step", RAN, None, 501.0)
    assert ended.ok
    assert ended.note.startswith("detectability was not measured: stopped at 501 MB")
    assert ended.note.endswith("having run to its end")


def test_a_kept_cell_has_its_limits_behind_it():
    watch = _Watch(own("m", detector(), memory_mb=1.0), os.getpid(), Cell("a", "m", Status.OK))
    watch.told("began")

    assert watch.look() is None
    assert watching(memory_mb=1.0).look().status == "failed"


def test_with_a_memory_limit_one_worker_is_a_process_too(trial):
    limited = {"memory_mb": 1000.0}
    specs = [own("me", detector(kills_itself), **limited), own("good", detector(), **limited)]
    run = pool.run(specs, {"a": trial}, workers=1, kept={}, clock=time.perf_counter)
    found = {outcome.cell.detector: outcome.cell for _, outcome in run}

    assert {name: cell.status for name, cell in found.items()} == {"me": "failed", "good": "ok"}
    assert found["good"].peak_mb > 50


def test_a_limit_below_what_a_worker_needs_fails_the_quickest_cell_too(crew, trial):
    cell = crew.attempt(Spec("a", Entry("never", "never"), Settings(memory_mb=20)), trial).cell

    assert cell.status == "failed"
    assert "MB of memory, 20 MB are allowed" in cell.reason


def test_an_object_that_cannot_be_sent_is_refused_before_any_work(recordings):
    mine = detector()
    mine.lock = threading.Lock()

    with pytest.raises(UsageError, match=r"'mine' cannot be sent to a worker process .*workers=1"):
        benchmark(recordings[:1], Settings(**FEW), own={"mine": mine}, workers=2)


def test_a_worker_that_died_while_it_was_free_is_replaced(crew, trial):
    spec = Spec("a", Entry("never", "never"), Settings(**FEW))
    assert crew.attempt(spec, trial).cell.ok
    free = crew._free[-1]
    free._process.kill()
    free._process.wait()

    assert crew.attempt(spec, trial).cell.ok
    assert crew._free[-1] is not free


def test_a_mistake_of_our_own_in_a_worker_is_no_failed_cell(crew):
    with pytest.raises(RunError, match="never on a: Traceback"):
        crew.attempt(Spec("a", Entry("never", "never"), Settings(**FEW)), None)


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


def test_fewer_workers_than_none_are_refused(recordings):
    with pytest.raises(UsageError, match="workers is -1"):
        benchmark(recordings, Settings(**FEW), workers=-1)
