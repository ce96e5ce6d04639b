"""Run the cells of a grid: here, or side by side in worker processes that joblib's threads lead."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import cloudpickle  # type: ignore[import-untyped]
import joblib

from sensorkit.errors import UsageError
from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.running.grid import Outcome, Spec, attempt
from sensorkit.evaluate.running.worker import Crew
from sensorkit.evaluate.trial import Trial

Progress = Callable[[int, int, str], None]
"""Called with the cells done, all cells, and what runs now or next ("" at the end)."""


def run(
    specs: Sequence[Spec],
    trials: Mapping[str, Trial],
    *,
    workers: int,
    kept: Mapping[int, Cell],
    clock: Callable[[], float],
    progress: Progress | None = None,
) -> Generator[tuple[int, Outcome], None, None]:
    """Yield the number of each cell and what it came to, in the order in which they end.

    Parameters
    ----------
    specs : sequence of Spec
    trials : mapping of str to Trial
        By the name of the recording.
    workers : int
        0: one process for each processor; 1: this process, or one of its own where memory is
        limited; N: so many processes.
    kept : mapping of int to Cell
        Cells that need not be tried again, by their number.
    clock : callable
        Seconds; for cells in this process.
    progress : callable, optional

    Raises
    ------
    UsageError
        If a detector of the user's cannot be sent to another process.
    """
    tell = progress or (lambda *_: None)
    if workers == 1 and all(spec.settings.memory_mb is None for spec in specs):
        for number, spec in enumerate(specs):
            tell(number, len(specs), spec.title)
            trial = trials[spec.recording]
            yield number, attempt(spec, trial, kept=kept.get(number), clock=clock)
    else:
        _check_sendable(specs)
        yield from _side_by_side(specs, trials, workers, kept, tell)
    tell(len(specs), len(specs), "")


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _side_by_side(
    specs: Sequence[Spec],
    trials: Mapping[str, Trial],
    workers: int,
    kept: Mapping[int, Cell],
    tell: Progress,
) -> Iterator[tuple[int, Outcome]]:
    running: dict[int, str] = {}

    def follow(number: int, spec: Spec) -> tuple[int, Outcome]:
        running[number] = spec.title
        try:
            return number, crew.attempt(spec, trials[spec.recording], kept.get(number))
        finally:
            del running[number]

    count = min(workers or processors(), len(specs))
    tell(0, len(specs), ", ".join(spec.title for spec in specs[:count]))
    with Crew() as crew:
        # Threads, because each only waits for a process of ours. joblib's own processes cannot be
        # told to give up one cell: one that dies takes all cells at work with it.
        parallel = joblib.Parallel(
            n_jobs=count, backend="threading", batch_size=1, return_as="generator_unordered"
        )
        tasks = (joblib.delayed(follow)(number, spec) for number, spec in enumerate(specs))
        outcomes = parallel(tasks)
        try:
            for done, (number, outcome) in enumerate(outcomes, 1):
                yield number, outcome
                if done < len(specs):
                    tell(done, len(specs), ", ".join(running.values()))
        finally:
            crew.close()  # first, so that nobody waits for a cell that is not wanted any more
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's, that not all cells were waited for
                outcomes.close()


def _check_sendable(specs: Sequence[Spec]) -> None:
    for entry in {spec.entry.name: spec.entry for spec in specs}.values():
        if entry.own is None:
            continue
        try:
            cloudpickle.dumps(entry.own)
        except Exception as error:  # whatever its parts raise
            raise UsageError(
                f"detector {entry.name!r} cannot be sent to a worker process "
                f"({type(error).__name__}: {error}); take workers=1 and no memory_mb"
            ) from error
