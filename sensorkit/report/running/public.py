"""Judge detectors on a public data set: notebook 05, its results, and a page with the evidence.

The folder is that of any run (`sensorkit.report.running.run_folder`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sensorkit import datasets
from sensorkit.detect.registry import find
from sensorkit.errors import UsageError
from sensorkit.evaluate.public import PublicResults, protocol
from sensorkit.evaluate.public.sources import GENERATED
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.files import project_root, write_json
from sensorkit.report.running import notebooks, provenance
from sensorkit.report.running.notebooks import Job, Tell
from sensorkit.report.running.run_folder import RunFolder
from sensorkit.report.views import public_page

NOTEBOOK = "05_public_benchmarks"
TIMEOUT_S = 7200.0


def evaluate_public(
    name: str,
    folder: Path | None = None,
    detectors: Sequence[str] = (),
    limit: int | None = None,
    out: Path = Path("reports"),
    *,
    seed: int = 0,
    workers: int = 1,
    arguments: Sequence[str] = ("evaluate",),
    timeout_s: float = TIMEOUT_S,
    copies: Copies | None = None,
    tell: Tell | None = None,
) -> Path:
    """Judge detectors on a public data set and return the folder of the run.

    Parameters
    ----------
    name : str
        One of `sensorkit.evaluate.public.names()`.
    folder : Path, optional
        Where the set lies; else where `sensorkit datasets path` finds it.
    detectors : sequence of str
        As `sensorkit detect --help` names them; none is the cheap ones of the kit.
    limit : int, optional
        Judge the first so many series only.
    out : Path
        Holds `runs/`, `index.html` and `assets/`.
    seed, workers : int
        As `public_benchmark` has them.
    arguments : sequence of str
        The command line, for the report.
    timeout_s : float
        Of the notebook.
    copies : Copies, optional
        Where else the run writes what is for CI.
    tell : callable, optional
        Is told when a cell of the notebook begins.

    Returns
    -------
    Path
        It holds run.json, public.json (everything that was found), series.csv (one row a series
        and detector), the executed notebook, and report.html.

    Raises
    ------
    UsageError
        If there is no protocol or detector of a name, or the set is not here; nothing is written
        then.
    RunError
        If the run failed; run.json says why.
    KeyboardInterrupt
        After Ctrl+C or SIGTERM; run.json says `aborted`.
    """
    protocol(name)
    for detector in detectors:
        find(detector)
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; a number of series from 1 on is wanted")
    if name == GENERATED:
        place = ""
    else:
        place = str((datasets.path(name) if folder is None else folder).resolve())
    copies = Copies() if copies is None else copies
    copies.look_at()
    given = {
        "dataset": name,
        "folder": place,
        "detectors": list(detectors),
        "limit": limit or 0,
        "seed": seed,
        "workers": workers,
    }
    run = _Run(
        out,
        project_root(),
        arguments,
        copies=copies,
        kind="public",
        dataset=name,
        parameters=given,
        versions=provenance.versions(),
        machine=provenance.machine(),
        summary={"recordings": [f"{name} (public)"]},
    )
    job = Job(
        project_root() / "notebooks" / f"{NOTEBOOK}.ipynb",
        {**given, "out_dir": str(run.dir.resolve())},
        run.dir / "executed" / f"{NOTEBOOK}.ipynb",
        timeout_s,
    )
    with run.told_the_truth():
        outcomes = notebooks.execute([iter([job])], log_file=run.dir / "log.txt", tell=tell)
        run.record(outcomes)
        run.finish()
    return run.dir


class _Run(RunFolder):
    """The run of a public benchmark."""

    def finish(self) -> None:
        """Read what the notebook wrote, render the page, and only then say `passed`."""
        results = PublicResults.read(self.dir)
        write_json(self.dir / "environment.json", provenance.environment())
        self._facts["duration_s"] = self.seconds
        public_page.render(self.dir, results, self._facts)
        self._facts["summary"]["verdict"] = results.sentence
        self.end("passed")
