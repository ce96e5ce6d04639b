"""Benchmark detectors on recordings with labelled faults."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.errors import SensorkitError, UsageError
from sensorkit.evaluate.cell import Cell, run_cell
from sensorkit.evaluate.description import describe_detector, describe_recording
from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.results import SERIES, Results, cases_frame, plain
from sensorkit.evaluate.rows import Scored, score_cell
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.trial import Trial, prepare
from sensorkit.evaluate.verdict import judge
from sensorkit.profile import Profile

Progress = Callable[[int, int, str], None]
"""Called with the cells done, all cells, and the one that comes next ("" at the end)."""

Maker = Callable[[Profile], detect.Detector]


def benchmark(
    recordings: Sequence[Recording],
    settings: Settings | None = None,
    *,
    own: Mapping[str, detect.Detector] | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Results:
    """Fit, calibrate and try each detector on each recording, and rank them.

    Parameters
    ----------
    recordings : sequence of Recording
        With faults in their last part only: the first is for fitting, the second for
        calibration, see `Settings`. Without any labels, false alarms are all that is counted.
    settings : Settings, optional
    own : mapping of str to Detector, optional
        Detectors of yours beside those that the settings name; a copy is tried.
    progress : callable, optional
        `progress(done, total, next_cell)`
    clock : callable
        Seconds; for the speed of the detectors and the time limit.

    Returns
    -------
    Results

    Raises
    ------
    UsageError
        If there is no recording, two have one name, faults lie outside the test, or a detector
        or parameter is unknown. What a detector raises while it runs becomes a failed cell.

    Notes
    -----
    Labels never reach a detector: thresholds are frozen before the test is scored, and permuting
    the labels of the test changes none.
    """
    settings = settings or Settings()
    if not recordings:
        raise UsageError("there is no recording to benchmark on; give at least one")
    names = [recording.name for recording in recordings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two recordings are called {name!r}, so results could not be told apart; "
                "rename one folder"
            )
    chosen = settings.resolved(recording.profile for recording in recordings)
    makers = _makers(chosen, own or {}, [recording.profile for recording in recordings])
    trials = [prepare(recording, settings) for recording in recordings]

    cells: dict[tuple[str, str], Cell] = {}
    scored: dict[tuple[str, str], Scored] = {}
    grid = [(trial, name) for trial in trials for name in makers]
    for done, (trial, name) in enumerate(grid):
        if progress is not None:
            progress(done, len(grid), f"{name} on {trial.name}")
        cell = run_cell(name, _made(makers[name], trial), trial, settings, clock)
        cells[trial.name, name] = cell
        scored[trial.name, name] = score_cell(cell, trial, settings)
    if progress is not None:
        progress(len(grid), len(grid), "")

    parameters = {name: _parameters(makers[name], trials[0], chosen.get(name)) for name in makers}
    detectors = [
        describe_detector(name, parameters[name], [cells[trial.name, name] for trial in trials])
        for name in makers
    ]
    results = [row for one in scored.values() for row in one.rows]
    ranking = rank(scored, names, list(makers), resamples=settings.resamples, seed=settings.seed)
    verdict = judge(ranking, detectors, results, settings.false_alarms_per_day)
    described = [
        describe_recording(recording, trial)
        for recording, trial in zip(recordings, trials, strict=True)
    ]
    return Results(
        settings=plain(settings.to_dict(parameters)),
        recordings=plain(described),
        detectors=plain(detectors),
        results=plain(results),
        detectability=[],
        ranking=plain(ranking.rows),
        verdict=verdict,
        cases=cases_frame([case for one in scored.values() for case in one.cases]),
        scores={trial.name: _series(trial, cells, list(makers)) for trial in trials},
    )


def _makers(
    chosen: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, detect.Detector],
    profiles: Sequence[Profile],
) -> dict[str, Maker]:
    clash = sorted(set(chosen) & set(own))
    if clash:
        raise UsageError(
            f"detector {clash[0]!r} stands in the settings and among your own; "
            "give yours another name"
        )
    for name in own:
        if re.fullmatch(r"[A-Za-z][\w.-]*", name) is None or name in SERIES:
            raise UsageError(
                f"a detector of yours is called {name!r}; a letter, then letters, digits, _ . - "
                f"are wanted, and none of {', '.join(SERIES)}"
            )
    makers = {
        **{name: _copied(detector) for name, detector in own.items()},
        **{name: _registered(name, params) for name, params in chosen.items()},
    }
    for make in makers.values():
        for profile in profiles:
            _check_made(make, profile)
    return makers


def _registered(name: str, params: Mapping[str, Any]) -> Maker:
    return lambda profile: detect.make(name, profile=profile, **params)


def _copied(detector: detect.Detector) -> Maker:
    return lambda _: copy.deepcopy(detector)


def _made(maker: Maker, trial: Trial) -> Callable[[], detect.Detector]:
    return lambda: maker(trial.profile)


def _check_made(make: Maker, profile: Profile) -> None:
    """Let a wrong name or parameter be said before any work is done."""
    try:
        make(profile)
    except SensorkitError:
        raise
    except Exception:
        # A detector of somebody else may raise anything: that is a failed cell, not the end.
        return


def _parameters(make: Maker, trial: Trial, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters a detector says it has, or those it was given."""
    try:
        says: Any = getattr(make(trial.profile), "get_params", None)
        return dict(says()) if says is not None else dict(given or {})
    except Exception:  # as in `_check_made`
        return dict(given or {})


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
