"""Finished cells are kept: what is taken again is the same, and nothing half-written is taken."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.running import fingerprint
from sensorkit.evaluate.running.fingerprint import cell_key, trial_digest
from sensorkit.evaluate.running.grid import Entry, Spec, attempt
from sensorkit.evaluate.running.kept import Kept
from sensorkit.evaluate.trial import prepare

FAULTS = (("bias", 2000, 20, 8.0), ("spike", 2500, 1, 9.0), ("silence", 2700, 12, None))
SETTINGS = Settings(detectors={"sigma": {}, "mewma": {}}, resamples=100)


@pytest.fixture(scope="module")
def recording(recording_maker, tmp_path_factory):
    return recording_maker(tmp_path_factory.mktemp("kept"))("rig", faults=FAULTS)


@pytest.fixture(scope="module")
def trial(recording):
    return prepare(recording, SETTINGS)


@pytest.fixture(scope="module")
def cell(trial):
    spec = Spec("rig", Entry("sigma", "sigma"), SETTINGS)
    return attempt(spec, trial, clock=time.perf_counter).cell


def started_from(results):
    return {row["detector"]: row["started_from"] for row in results.cells}


def numbers(results):
    found = results.to_dict()
    for row in found["cells"]:
        del row["started_from"]
    return found


def key(trial, *, entry=None, **settings):
    given = SETTINGS.model_copy(update=settings)
    return cell_key(Spec("rig", entry or Entry("sigma", "sigma"), given), trial, "digest")


@pytest.fixture(scope="module")
def first(recording, tmp_path_factory):
    """A run, and the folder that it kept its cells in."""
    folder = tmp_path_factory.mktemp("first")
    return benchmark([recording], SETTINGS, keep=folder), folder


@pytest.fixture
def there(first, tmp_path):
    """A folder of its own with the cells of that run."""
    return shutil.copytree(first[1], tmp_path / "cells")


def test_a_second_run_takes_every_cell_and_says_the_same(recording, first):
    second = benchmark([recording], SETTINGS, keep=first[1], workers=2)
    first = first[0]

    assert set(started_from(first).values()) == {"run"}
    assert set(started_from(second).values()) == {"kept"}
    assert numbers(first) == numbers(second)
    assert first.cases.equals(second.cases)
    assert first.scores["rig"].equals(second.scores["rig"])


def test_only_what_changed_is_tried_again(recording, there):
    changed = SETTINGS.model_copy(update={"detectors": {"sigma": {"k": 4.0}, "mewma": {}}})

    found = started_from(benchmark([recording], changed, keep=there))

    assert found == {"sigma": "run"} | dict.fromkeys(
        ["mewma", "random", "always", "never", "last_value"], "kept"
    )


def test_a_cell_is_the_same_under_another_name(recording, there):
    renamed = Settings(detectors={"again": {"detector": "sigma"}}, resamples=100)

    results = benchmark([recording], renamed, keep=there)

    assert started_from(results)["again"] == "kept"
    assert {row["detector"] for row in results.results} >= {"again"}
    assert "sigma" not in results.scores["rig"]


def test_judging_is_always_done_anew(recording, there):
    wide = SETTINGS.model_copy(update={"buffer": 10})

    kept = benchmark([recording], wide, keep=there)

    assert set(started_from(kept).values()) == {"kept"}
    assert kept.table().equals(benchmark([recording], wide).table())


def test_failed_cells_and_detectors_that_came_as_objects_are_tried_again(
    recording, tmp_path, threshold_detector
):
    broken = Settings(detectors={"sigma": {}}, resamples=100, timeout_s=1e-9)
    assert {row["status"] for row in benchmark([recording], broken, keep=tmp_path).cells} == {
        "timeout"
    }
    assert list(tmp_path.iterdir()) == []

    own = {"mine": threshold_detector()}
    few = SETTINGS.model_copy(update={"detectors": {}})
    benchmark([recording], few, own=own, keep=tmp_path)
    found = started_from(benchmark([recording], few, own=own, keep=tmp_path))
    assert (found.pop("mine"), set(found.values())) == ("run", {"kept"})


def test_a_cell_comes_back_as_it_was(cell, tmp_path):
    kept = Kept(tmp_path)
    kept.keep("k", cell)
    back = kept.find("k", "rig", "sigma")

    assert np.array_equal(back.scores, cell.scores)
    assert back.scores.dtype == cell.scores.dtype
    assert np.array_equal(back.flags, cell.flags)
    assert [vars(alert) for alert in back.alerts] == [vars(alert) for alert in cell.alerts]
    assert (back.calibration, back.threshold) == (cell.calibration, cell.threshold)
    assert (back.seconds, back.kept) == (cell.seconds, True)


def test_numbers_without_end_come_back_too(cell, tmp_path):
    odd = replace(
        cell,
        threshold=float("inf"),
        detectability=({"a50": float("nan"), "n": np.int64(3), "reason": None},),
    )
    kept = Kept(tmp_path)
    kept.keep("k", odd)
    back = kept.find("k", "rig", "sigma")

    assert back.threshold == float("inf")
    assert np.isnan(back.detectability[0]["a50"])
    assert (back.detectability[0]["n"], back.detectability[0]["reason"]) == (3, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: data + b"\0",
    ],
    ids=["a byte short", "half", "empty", "a bit turned", "a byte more"],
)
def test_a_file_that_is_not_as_it_was_written_is_not_taken(cell, tmp_path, spoil):
    kept = Kept(tmp_path)
    kept.keep("k", cell)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(spoil(path.read_bytes()))

    assert kept.find("k", "rig", "sigma") is None
    kept.keep("k", cell)
    assert kept.find("k", "rig", "sigma") is not None


def test_a_file_of_another_hand_whose_check_fits_is_not_taken(tmp_path, cell):
    from sensorkit.evaluate.running.kept import _check

    for data in (b"no archive", b"PK\x03\x04"):
        (tmp_path / f"k-{_check(data)}.npz").write_bytes(data)

    assert Kept(tmp_path).find("k", "rig", "sigma") is None


def test_no_half_written_file_is_left_when_the_disk_is_full(cell, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    Kept(tmp_path).keep("k", cell)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_loses_nothing_but_time_and_is_told_once(
    recording, tmp_path, caplog
):
    (tmp_path / "file").write_text("")

    results = benchmark([recording], SETTINGS, keep=tmp_path / "file")

    assert {row["status"] for row in results.cells} == {"ok"}
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"finished cells cannot be kept in {tmp_path / 'file'} (")


def test_the_cells_that_were_not_used_for_longest_go_first(cell, tmp_path):
    kept = Kept(tmp_path)
    for age, name in enumerate(["new", "used", "old"]):
        kept.keep(name, cell)
        (path,) = tmp_path.glob(f"{name}-*")
        os.utime(path, (1e9 - age, 1e9 - age))
    kept.find("used", "rig", "sigma")

    Kept(tmp_path, largest=2 * path.stat().st_size).prune()
    assert sorted(path.stem.partition("-")[0] for path in tmp_path.iterdir()) == ["new", "used"]

    assert kept.clear() == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"fit": 0.25},
        {"calibrate": 0.31},
        {"false_alarms_per_day": 2.0},
        {"entry": Entry("sigma", "sigma", {"k": 4})},
        {"entry": Entry("sigma", "mewma")},
        {"detectability": {}},
    ],
    ids=str,
)
def test_what_decides_a_cell_is_in_its_key(trial, change):
    if "detectability" in change:
        change = {"detectability": Settings(detectability={}).detectability}

    assert key(trial, **change) != key(trial)


@pytest.mark.parametrize(
    "change",
    [
        {"buffer": 7},
        {"resamples": 200},
        {"thresholds": 250},
        {"timeout_s": 1.0},
        {"memory_mb": 5000.0},
        {"entry": Entry("another", "sigma")},
    ],
    ids=str,
)
def test_what_does_not_decide_it_is_not(trial, change):
    assert key(trial, **change) == key(trial)


def test_the_key_knows_each_reading_and_the_profile(trial, recording_maker, tmp_path):
    make = recording_maker(tmp_path)
    same = prepare(make("same", faults=FAULTS), SETTINGS)
    other = prepare(make("other", faults=FAULTS, seed=1), SETTINGS)
    device = trial.profile.model_copy(update={"heartbeat_s": 6.0})

    assert trial_digest(same) == trial_digest(trial)
    assert trial_digest(other) != trial_digest(trial)
    assert trial_digest(replace(trial, profile=device)) != trial_digest(trial)
    test = trial.stretches["test"]
    late = replace(test, time=np.concatenate([test.time[:-1], test.time[-1:] + 1]))
    stretches = {**trial.stretches, "test": late}
    assert trial_digest(replace(trial, stretches=stretches)) != trial_digest(trial)


def test_labels_are_in_the_key_only_where_faults_are_placed_around_them(trial):
    labels = trial.labels.assign(kind="other")
    moved = replace(trial, labels=labels)
    grid = Settings(detectability={}).detectability

    assert key(moved) == key(trial)
    assert key(moved, detectability=grid) != key(trial, detectability=grid)


class Thrown:
    """A detector of the user's whose scores are thrown by the dice of the process."""

    name = "thrown"
    threshold_ = 0.5

    def fit(self, readings):
        return self

    def calibrate(self, clean, false_alarms_per_day=1.0):
        return self

    def reset(self):
        pass

    def score(self, readings):
        return np.random.rand(len(readings))  # noqa: NPY002

    def alerts(self, readings):
        return []

    def advance(self, time_ns):
        return []

    def finish(self):
        return []


def thrown(trial, monkeypatch, *, recording="rig", name="mine", parameters=None, **settings):
    """Return the key of a cell and the scores that the dice throw in it."""
    entry = Entry(name, "sigma", parameters or {})
    spec = Spec(recording, entry, SETTINGS.model_copy(update=settings))
    with monkeypatch.context() as patch:
        patch.setattr(Entry, "make", lambda *_: Thrown())
        scores = attempt(spec, trial, clock=time.perf_counter).cell.scores
    return cell_key(spec, trial, "digest"), scores.tolist()


@pytest.mark.parametrize(
    "change", [{"seed": 7}, {"recording": "copy"}, {"name": "another"}, {"buffer": 7}], ids=str
)
def test_what_has_the_same_key_has_the_same_dice(trial, monkeypatch, change):
    assert thrown(trial, monkeypatch, **change) == thrown(trial, monkeypatch)


def test_dice_are_others_for_other_parameters_and_readings(
    trial, monkeypatch, recording_maker, tmp_path
):
    other = prepare(recording_maker(tmp_path)("other", faults=FAULTS, seed=1), SETTINGS)
    found = [
        thrown(trial, monkeypatch)[1],
        thrown(trial, monkeypatch, parameters={"k": 4})[1],
        thrown(other, monkeypatch)[1],
    ]
    assert len({scores[0] for scores in found}) == 3


def aside(name):
    return any(name == part or name.startswith(f"{part}/") for part in fingerprint.ASIDE)


def test_no_code_that_a_cell_depends_on_is_left_out_of_the_key():
    root = Path(fingerprint.sensorkit.__file__).parent
    left_out = tuple(
        f"sensorkit.{p.removesuffix('.py').replace('/', '.')}" for p in fingerprint.ASIDE
    )
    found = {True: set(), False: set()}
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
            else:
                modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if any(f"{module}.".startswith(f"{one}.") for module in modules for one in left_out):
                found[aside(name)].add(name)
    assert found[False] == set()
    assert "cli/evaluate/command.py" in found[True]  # the check can fail


@pytest.mark.parametrize("part", ["datasets/card.py", "evaluate/public/nab.py", "report/job.py"])
def test_a_change_where_no_cell_depends_on_it_costs_no_cell(tmp_path, part):
    for name in ("detect/sigma.py", "evaluate/publicity.py", part):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    before = fingerprint._sources(tmp_path, fingerprint.ASIDE)
    (tmp_path / part).write_text("a = 2\n")
    assert fingerprint._sources(tmp_path, fingerprint.ASIDE) == before
    (tmp_path / "evaluate" / "publicity.py").write_text("a = 2\n")
    assert fingerprint._sources(tmp_path, fingerprint.ASIDE) != before


def test_the_key_knows_the_code(trial, tmp_path, monkeypatch):
    before = key(trial)
    (tmp_path / "detect").mkdir()
    (tmp_path / "detect" / "sigma.py").write_text("k = 3\n")
    (tmp_path / "cli").mkdir()
    fake = SimpleNamespace(__file__=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(fingerprint, "sensorkit", fake)
    fingerprint._code_of.cache_clear()
    changed = key(trial)
    fingerprint._code_of.cache_clear()
    (tmp_path / "cli" / "app.py").write_text("not numbers\n")
    assert key(trial) == changed != before

    fingerprint._code_of.cache_clear()
    (tmp_path / "detect" / "sigma.py").write_text("k = 4\n")
    assert key(trial) != changed
    fingerprint._code_of.cache_clear()


SCRIPT = """
import json, sys, time
from sensorkit.capture import Recording
from sensorkit.evaluate import Settings, benchmark

folder, keep, workers = sys.argv[1:]

def progress(done, total, name):
    if done == 3:
        print(done, flush=True)
        time.sleep(600)

settings = Settings(detectors={"sigma": {}, "mewma": {}}, resamples=100)
benchmark([Recording.open(folder)], settings, keep=keep, workers=int(workers), progress=progress)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("workers", [1, 2])
def test_after_kill_9_in_the_middle_a_second_run_tries_only_what_is_missing(
    recording, first, tmp_path, workers
):
    keep = tmp_path / "cells"
    command = [sys.executable, "-c", SCRIPT, str(recording.dir), str(keep), str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "3\n"
        started = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    there = sorted(path.name for path in keep.glob("*.npz"))
    assert len(there) == 3
    assert bool(started) == (workers == 2)
    assert psutil.wait_procs(started, timeout=10)[1] == []

    second = benchmark([recording], SETTINGS, keep=keep)

    assert list(started_from(second).values()).count("kept") == 3
    assert len(list(keep.glob("*.npz"))) == len(second.cells) == 6
    assert not list(keep.glob(".*.part"))
    assert second.to_dict()["results"] == first[0].to_dict()["results"]
