"""Benchmark detectors on recordings with labelled faults."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.errors import UsageError
from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.description import describe_detector, describe_recording
from sensorkit.evaluate.evaluation import Evaluation, cases_frame, plain
from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.running import pool
from sensorkit.evaluate.running.fingerprint import cell_key, trial_digest
from sensorkit.evaluate.running.grid import Outcome, Spec, entries
from sensorkit.evaluate.running.kept import Kept
from sensorkit.evaluate.running.pool import Progress
from sensorkit.evaluate.settings import BASELINES, Settings
from sensorkit.evaluate.statistics.critical_difference import critical_difference
from sensorkit.evaluate.trial import Trial, prepare
from sensorkit.evaluate.verdict import judge


def benchmark(
    recordings: Recording | str | Path | Sequence[Recording | str | Path],
    settings: Settings | None = None,
    *,
    own: Mapping[str, detect.Detector] | None = None,
    workers: int = 1,
    keep: str | Path | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Evaluation:
    """Fit, calibrate and try each detector on each recording, and rank them.

    Parameters
    ----------
    recordings : sequence of Recording or path
        One may stand alone. With faults in their last part only: the first is for fitting, the
        second for calibration, see `Settings`. Without any labels, false alarms are all that is
        counted.
    settings : Settings, optional
    own : mapping of str to Detector, optional
        Detectors of yours beside those that the settings name; a copy is tried.
    workers : int
        1 tries one cell after the other in this process. N is so many worker processes, 0 one
        for each processor: there a detector that hangs, eats memory or crashes is stopped, and
        takes no other cell with it. The numbers are the same, to the last digit.
    keep : path, optional
        Folder for finished cells; those that are there already are taken and not tried again.
        Detectors of yours are always tried: what an object holds cannot be hashed for sure.
    progress : callable, optional
        `progress(done, total, what_runs)`
    clock : callable
        Seconds; for the speed of the detectors and the time limit, in this process.

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        If there is no recording, two have one name, faults lie outside the test, a detector
        or parameter is unknown, or one of yours cannot be sent to a worker process. What a
        detector raises while it runs becomes a failed cell.

    Notes
    -----
    Labels never reach a detector: thresholds are frozen before the test is scored, and permuting
    the labels of the test changes none.

    In this process `timeout_s` is looked at between steps of the work, so a call that never ends
    is not stopped. With `memory_mb` there is always a worker process.
    """
    settings = settings or Settings()
    several = [recordings] if isinstance(recordings, Recording | str | Path) else recordings
    opened = [one if isinstance(one, Recording) else Recording.open(one) for one in several]
    _check(opened, workers)
    profiles = [recording.profile for recording in opened]
    table = entries(settings, own or {}, profiles)
    trials = {recording.name: prepare(recording, settings) for recording in opened}
    specs = [Spec(name, entry, settings) for name in trials for entry in table]
    found = _run(
        specs, trials, workers, None if keep is None else Kept(Path(keep)), progress, clock
    )

    outcomes = {(s.recording, s.entry.name): one for s, one in zip(specs, found, strict=True)}
    scored = {place: outcome.scored for place, outcome in outcomes.items()}
    cells = {place: outcome.cell for place, outcome in outcomes.items()}
    names = [entry.name for entry in table]
    parameters = {entry.name: entry.described(profiles[0]) for entry in table}
    detectors = [
        describe_detector(name, parameters[name], [cells[trial, name] for trial in trials])
        for name in names
    ]
    results = [row for one in scored.values() for row in one.rows]
    detectability = plain([row for cell in cells.values() for row in _detectability(cell)])
    bases = _bases(opened)
    ranking = rank(
        scored,
        list(trials),
        names,
        resamples=settings.resamples,
        seed=settings.seed,
        bases=bases,
    )
    return Evaluation(
        settings=plain(settings.to_dict(parameters)),
        recordings=plain([describe_recording(r, trials[r.name]) for r in opened]),
        cells=plain([_described(cell) for cell in cells.values()]),
        detectors=plain(detectors),
        results=plain(results),
        detectability=detectability,
        ranking=plain(ranking.rows),
        critical_difference=plain(
            critical_difference(_of_bases(results, bases), baselines=BASELINES)
        ),
        verdict=plain(
            judge(ranking, detectors, results, settings.false_alarms_per_day, detectability)
        ),
        cases=cases_frame([case for one in scored.values() for case in one.cases]),
        scores={name: _series(trial, cells, names) for name, trial in trials.items()},
    )


def _check(recordings: Sequence[Recording], workers: int) -> None:
    if not recordings:
        raise UsageError("there is no recording to benchmark on; give at least one")
    if workers < 0:
        raise UsageError(f"workers is {workers}; 0 (one for each processor), 1, 2, ... are wanted")
    names = [recording.name for recording in recordings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two recordings are called {name!r}, so results could not be told apart; "
                "rename one folder"
            )


def _run(
    specs: Sequence[Spec],
    trials: Mapping[str, Trial],
    workers: int,
    kept: Kept | None,
    progress: Progress | None,
    clock: Callable[[], float],
) -> list[Outcome]:
    """Return what each cell came to; one that is finished is kept at once."""
    keys: list[str | None] = [None] * len(specs)
    there: dict[int, Cell] = {}
    if kept is not None:
        digests = {name: trial_digest(trial) for name, trial in trials.items()}
        for number, spec in enumerate(specs):
            key = cell_key(spec, trials[spec.recording], digests[spec.recording])
            cell = None if key is None else kept.find(key, spec.recording, spec.entry.name)
            keys[number] = key
            if cell is not None:
                there[number] = cell
    outcomes: dict[int, Outcome] = {}
    running = pool.run(specs, trials, workers=workers, kept=there, clock=clock, progress=progress)
    with contextlib.closing(running):
        for number, outcome in running:
            key = keys[number]
            if kept is not None and key is not None:
                kept.keep(key, outcome.cell)
            outcomes[number] = outcome
    if kept is not None:
        kept.prune()
    return [outcomes[number] for number in range(len(specs))]


def _of_bases(
    results: Sequence[Mapping[str, Any]], bases: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return VUS-PR over all kinds with the copies of one recording taken together.

    Faults may be injected anew into the same readings; that makes no new recording, and a test
    over recordings must not count it as one. A base has the mean of its copies, and no value
    where a detector failed on one of them.
    """
    values: dict[tuple[str, str], list[float | None]] = {}
    for row in results:
        if row["fault_kind"] is None:
            place = bases[row["recording"]], row["detector"]
            values.setdefault(place, []).append(row["vus_pr"])
    return [
        {
            "recording": name,
            "detector": detector,
            "fault_kind": None,
            "vus_pr": None if None in found else float(np.mean(np.array(found, dtype=float))),
        }
        for (name, detector), found in values.items()
    ]


def _bases(recordings: Sequence[Recording]) -> dict[str, str]:
    """Return what each recording is a copy of: the first of its line, by its hash.

    A recording that faults were injected into is a copy, and so is the one they were not.
    """
    parent = {recording.sha256: _parent(recording) for recording in recordings}
    found = {}
    for recording in recordings:
        base = recording.sha256
        for _ in recordings:  # a line is no longer than that, whatever was written into it
            base = parent.get(base) or base
        found[recording.name] = base
    return found


def _parent(recording: Recording) -> str | None:
    parent = recording.meta.get("parent")
    if not isinstance(parent, Mapping):
        return None
    return str(parent.get("sha256") or parent.get("name"))


def _described(cell: Cell) -> dict[str, Any]:
    """Return the entry of a cell: how it ended, and what that took."""
    return {
        "recording": cell.recording,
        "detector": cell.detector,
        "status": str(cell.status),
        "reason": cell.reason or cell.note,
        "seconds": cell.seconds,
        "peak_mb": cell.peak_mb,
        "started_from": "kept" if cell.kept else "run",
    }


def _detectability(cell: Cell) -> list[dict[str, Any]]:
    # A kept cell may have been of another name.
    named = {"recording": cell.recording, "detector": cell.detector}
    return [{**row, **named} for row in cell.detectability]


def _series(
    trial: Trial, cells: Mapping[tuple[str, str], Cell], names: Sequence[str]
) -> pd.DataFrame:
    columns = {
        "time": trial.time,
        "label": trial.known.astype(np.int8),
        "device": trial.devices,
    }
    scores = {name: cells[trial.name, name].scores for name in names if cells[trial.name, name].ok}
    return pd.DataFrame({**columns, **scores})
