"""The main job: notebooks capture, inject, benchmark and report; what they found is kept and shown.

It has `passed` only when report.json has been written and fits its schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorkit.capture import Recording
from sensorkit.errors import RunError
from sensorkit.evaluate.figures import choosing
from sensorkit.evaluate.running.kept import Kept
from sensorkit.report.cases import load_cases
from sensorkit.report.changes.history import BASE, look_at_base, since_base, summary
from sensorkit.report.document import write_report
from sensorkit.report.files import project_root, read_json, write_json, write_text
from sensorkit.report.parts.examples import write_examples
from sensorkit.report.running import notebooks, provenance
from sensorkit.report.running.job import (
    CHAIN,
    QUICKSTART,
    Config,
    as_file,
    in_force,
    look_at_input,
    plan_parameters,
)
from sensorkit.report.running.notebooks import Follow, Job, Outcome, Tell
from sensorkit.report.running.run_folder import RunFolder
from sensorkit.report.verdict.requirements import judge
from sensorkit.report.views import html

CELLS = "cells"
"""Folder of finished cells, beside that of the runs: each run takes what it finds there."""

CONFIG = "config.yaml"
"""In the folder of a run: all that was in force, as `--config` takes it."""


def evaluate(
    config: Config,
    out: Path = Path("reports"),
    *,
    tell: Tell | None = None,
    follow: Follow | None = None,
) -> Path:
    """Run the main job and return the folder of the run.

    Parameters
    ----------
    config : Config
    out : Path
        Holds `runs/`, `index.html` and `assets/`.
    tell : callable, optional
        Is told when a cell of a notebook begins.
    follow : callable, optional
        Is told which cell of the benchmark runs now, and how many are done.

    Raises
    ------
    UsageError
        If a recording, a plan, a profile or a parameter is not usable; nothing is written then.
        Also if a notebook found that out; run.json says so.
    RunError
        If the run failed; run.json says why.
    KeyboardInterrupt
        After Ctrl+C or SIGTERM; run.json says `aborted`.
    """
    root = project_root()
    given = plan_parameters(config, root / "notebooks")
    look_at_input(config, in_force(given, root / "notebooks"))
    config.copies.look_at()
    if config.fresh:
        Kept(out / CELLS).clear()
    base = look_at_base(config.base, out) if config.base else ""
    run = _Run(config, given, root, out, base)
    with run.told_the_truth():
        outcomes = notebooks.execute(
            [*([iter([run.job(QUICKSTART)])] if config.quickstart else []), run.chain()],
            log_file=run.dir / "log.txt",
            tell=tell,
            follow=follow,
        )
        run.record(outcomes)
        run.finish()
    return run.dir


class _Run(RunFolder):
    """The run of the main job, notebook by notebook."""

    def __init__(
        self, config: Config, given: dict[str, dict[str, Any]], root: Path, out: Path, base: str
    ) -> None:
        named = {BASE: base} if base else {}
        super().__init__(out, root, config.arguments, copies=config.copies, **named)
        self._config = config
        self._given = given
        self._root = root
        self.recordings_dir = self.dir / "recordings"
        self.recordings_dir.mkdir()
        force = in_force(given, root / "notebooks")
        write_text(self.dir / CONFIG, as_file(config, force))

    def job(self, name: str, **own: Any) -> Job:
        """Return the job of the notebook *name*: the settings, and what the driver adds."""
        self._given[name] |= own
        return Job(
            self._root / "notebooks" / f"{name}.ipynb",
            self._given[name],
            self.dir / "executed" / f"{name}.ipynb",
            self._config.timeout_s,
        )

    def chain(self) -> Iterator[Job]:
        """Yield the jobs of the main chain; each is asked for when the one before has passed."""
        to = str(self.recordings_dir.resolve())
        folders = [str(folder.resolve()) for folder in self._config.recordings]
        yield self.job(CHAIN[0], recordings=folders, out_dir=to)
        yield self.job(CHAIN[1], recordings=self._folders("captured.json"), out_dir=to)
        here = str(self.dir.resolve())
        kept = str((self._out / CELLS).resolve())
        injected = self._folders("injected.json")
        yield self.job(CHAIN[2], recordings=injected, out_dir=here, keep=kept)
        yield self.job(CHAIN[3], results=here)

    def _folders(self, name: str) -> list[str]:
        folders: list[str] = read_json(self.recordings_dir / name)["recordings"]
        return folders

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Note how the notebooks went; raise if one failed or did not run."""
        super().record(outcomes)
        ended = {outcome.name for outcome in outcomes}
        if ended != set(self._config.notebooks):
            raise RunError(f"only {', '.join(sorted(ended))} ran")

    def finish(self) -> None:
        """Write and check report.json, render the pages, and only then say `passed`."""
        parameters = in_force(self._given, self._root / "notebooks")
        run = {key: self._facts[key] for key in ("id", "created_at", "command")} | {
            **{key: self._facts[key] for key in ("git_commit", "git_dirty")},
            "parameters": parameters,
            "versions": provenance.versions(),
            "machine": provenance.machine(),
            "seeds": provenance.seeds(parameters),
            "duration_s": self.seconds,
        }
        results = read_json(self.dir / "results.json")
        required = judge(results, self._config.require)
        report = write_report(self.dir, results, run, required)
        write_json(self.dir / "parameters.json", parameters)
        write_json(self.dir / "environment.json", provenance.environment())
        self._keep_examples(report)
        html.render(self.dir)
        self._facts["summary"] = summary(report) | since_base(self.dir, report)
        self.end("passed")

    def _keep_examples(self, report: Mapping[str, Any]) -> None:
        best = choosing.chosen(report)
        if best is None:
            return
        recordings = [Recording.open(Path(f)) for f in self._folders("injected.json")]
        write_examples(
            self.dir,
            load_cases(self.dir),
            best["detector"],
            {recording.name: recording.readings() for recording in recordings},
            {c["name"]: c["unit"] for r in report["recordings"] for c in r["channels"]},
            {recording.name: recording.dir for recording in recordings},
        )
