"""`sensorkit evaluate --dataset`: detectors on a public data set, by its own protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sensorkit.cli.app import err, out, print_json, printable
from sensorkit.cli.evaluate.asked import Progress, from_options
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.report.ci.for_ci import Copies


def judge_public(
    dataset: str,
    folder: Path | None,
    detectors: list[str],
    limit: int | None,
    out_dir: Path,
    *,
    not_with: list[str],
    settings: list[str],
    workers: int | None,
    copies: Copies,
    as_json: bool,
) -> None:
    """Judge detectors on a public data set."""
    from joblib import cpu_count

    from sensorkit.report.files import read_json
    from sensorkit.report.running.public import evaluate_public

    if not_with:
        raise UsageError(f"{not_with[0]} does not go with --dataset; leave one of them out")
    said = from_options(settings)
    if set(said) - {"seed"} or not said.get("seed", "0").isdigit():
        raise UsageError(f"--set {settings[0]}: with --dataset seed=NUMBER is all that can be set")
    try:
        run = evaluate_public(
            dataset,
            folder,
            detectors,
            limit,
            out_dir,
            seed=int(said.get("seed", "0")),
            # None is one: most sets take seconds, and processes take some to start.
            workers=1 if workers is None else workers or cpu_count(),
            arguments=sys.argv[1:],
            copies=copies,
            tell=Progress(),
        )
    except KeyboardInterrupt:
        err.print("sensorkit: stopped; the run is marked as aborted")
        raise typer.Exit(130) from None
    found = read_json(run / "public.json")
    page = str(run / "report.html")
    if as_json:
        print_json({"run": run.name, "report": page, "sentence": found["sentence"]})
        return
    out.print(printable(found["sentence"]))
    out.print(f"{read_json(run / 'run.json')['duration_s']:.0f} s; report: {page}")
