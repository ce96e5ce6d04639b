"""`sensorkit evaluate` and `sensorkit report`: the main job, and its pages."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sensorkit.cli.app import command, counted, err, out, print_json, printable
from sensorkit.cli.config.settling import current
from sensorkit.cli.evaluate.asked import Progress, from_options
from sensorkit.cli.evaluate.public import judge_public
from sensorkit.cli.evaluate.several import each_of, several
from sensorkit.errors import UsageError

Out = Annotated[Path, typer.Option("--out", help="Folder of all runs.")]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="The run to compare with: an id, the beginning of one, a folder; by default the "
        "newest earlier run of the same data.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

SITE_KEY = re.compile(r":\d+: (?:ports|preset|presets|sinks|defaults): unknown key")
"""In the error about a run's file: a key of sensorkit.yaml that no run's file has."""


@command("evaluate")
def evaluate(
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a recording of yours, again for more; the emulated device by default."
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the emulated device: a shipped name, or a .yaml file; serial_monitor by "
            "default. Again for more, or all for every shipped one: a run each, side by side."
        ),
    ] = None,
    faults: Annotated[
        str | None, typer.Option(help="A fault plan by name or .yaml path; a campaign by default.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A notebook parameter: seed=2, 03_benchmark.buffer=50.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A YAML file with all of this; options on the command line go first."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="Processes that try detectors; 0, the default, is one a processor."
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget the finished cells of earlier runs.")
    ] = False,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="A public data set instead, judged by its own protocol: nab, skab, ucr, ...; "
            "`sensorkit datasets list` names them, `generated` needs no data."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the public data set lies, if not in its usual place.")
    ] = None,
    detectors: Annotated[
        str, typer.Option(help="For a public data set: names of detectors, with commas between.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Judge its first so many series only.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DETECTOR.METRIC>=NUMBER",
            help="What the run has to find, again for more; exit 1 and names what fell short. "
            "guard.event_recall>=0.9, best.false_alarms_per_day<=1, "
            "guard.a90_95.drift.temperature<=2.",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write a copy of the run's junit.xml here.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help='Append the run\'s summary.md here, as to "$GITHUB_STEP_SUMMARY".'),
    ] = None,
    base: Base = None,
    out_dir: Out = Path("reports"),
    quick: Annotated[
        bool, typer.Option("--quick", help="An hour of the device: a first look, half a minute.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Capture, inject faults, benchmark the detectors and report: everything, in one command.

    Runs the notebooks and leaves report.html, report.json, cases.csv and the executed notebooks
    in reports/runs/<run>/. With --recording the same is done on a recording of yours. What was
    finished when a run is stopped is kept in reports/cells/, and the next run takes it from there.

    With --dataset the detectors are judged on a public data set by its own protocol, beside the
    rows that its leaderboard publishes.

    With --profile given again, or --profile all, each device has a run of its own; they share the
    cores, and one that fails does not stop the others.

    Example: sensorkit evaluate --recording captures/boiler --set false_alarms_per_day=0.5
    """
    profiles = each_of(profile or [])  # a wrong name is said before much is imported
    from sensorkit.report.ci.for_ci import Copies

    copies = Copies(junit, summary)
    if dataset is not None:
        own = {
            "--recording": recording,
            "--profile": profile,
            "--faults": faults,
            "--config": config,
            "--quick": quick,
            "--fresh": fresh,
            "--require": require,
            "--base": base,
        }
        judge_public(
            dataset,
            folder,
            [name.strip() for name in detectors.split(",") if name.strip()],
            limit,
            out_dir,
            not_with=[option for option, value in own.items() if value],
            settings=settings or [],
            workers=workers,
            copies=copies,
            as_json=as_json,
        )
        return
    for option, value in {"--folder": folder, "--detectors": detectors, "--limit": limit}.items():
        if value:
            raise UsageError(f"{option} is for a public data set; give --dataset NAME as well")
    from sensorkit.report.files import read_json
    from sensorkit.report.running.run import evaluate as run

    said = from_options(settings or [])
    asking: dict[str, Any] = {
        "recordings": recording,
        "faults": faults,
        "settings": _of_site() | ({} if workers is None else {"workers": workers}) | said,
        "require": require or (),
        "base": base or "",
        "quick": quick,
        "fresh": fresh,
    }
    if len(profiles) > 1:
        for option, given in {"--recording": recording, "--base": base}.items():
            if given:
                raise UsageError(f"{option} is for one run; give one --profile, or leave it out")
        several(
            {name: _asked_for(config, profile=name, **asking) for name in profiles},
            out_dir,
            copies,
            as_json=as_json,
        )
        return
    asked = _asked_for(
        config,
        profile=profiles[0] if profiles else None,
        arguments=sys.argv[1:],
        copies=copies,
        **asking,
    )
    progress = Progress()
    try:
        folder = run(asked, out_dir, tell=progress, follow=progress.follow)
    except KeyboardInterrupt:
        progress.close()
        err.print("sensorkit: stopped; the run is marked as aborted")
        raise typer.Exit(130) from None
    found = read_json(folder / "report.json")
    required = found.get("requirements", [])
    if as_json:
        said = {key: found[key] for key in ("verdict", "requirements") if key in found}
        print_json({"run": folder.name, "report": str(folder / "report.html"), **said})
    else:
        out.print(printable(found["verdict"]["sentence"]))
        took = read_json(folder / "run.json")["duration_s"]
        out.print(f"{took:.0f} s; report: {folder / 'report.html'}")
    _hold_against(required)


def _asked_for(config: Path | None, **asking: Any) -> Any:
    """Return what is asked for; a sensorkit.yaml in the place of a run's file is recognized."""
    from sensorkit.report.running.job import asked_for

    try:
        return asked_for(config, **asking)
    except UsageError as error:
        if config is not None and SITE_KEY.search(str(error)):
            raise UsageError(
                f"{error}; this is the configuration of all commands, which goes before the "
                f"command: `sensorkit --config {config} evaluate`"
            ) from error
        raise


def _of_site() -> dict[str, Any]:
    """Return the settings that sensorkit.yaml or the preset gives to a run."""
    site = current().site
    wanted = {} if site is None else site.thresholds()
    name = "false_alarms_per_day"
    return {name: wanted[name]} if name in wanted else {}


def _hold_against(required: list[dict[str, Any]]) -> None:
    """Say what fell short of what was required, and leave with 1 if anything did."""
    from sensorkit.report.verdict.requirement_words import sentence
    from sensorkit.report.verdict.requirements import unmet

    for row in required:
        if not row["met"] or row["shown"] is False:
            err.print(f"sensorkit: {printable(sentence(row))}")
    short = unmet(required)
    if short:
        err.print(f"sensorkit: {len(short)} of {counted(len(required), 'requirement')} not met")
        raise typer.Exit(1)


@command("report")
def report(
    run: Annotated[
        str, typer.Argument(help="Folder or id of a run; the latest by default.")
    ] = "latest",
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Also one file (5 MB) to send to somebody.")
    ] = False,
    base: Base = None,
    out_dir: Out = Path("reports"),
    as_json: AsJson = False,
) -> None:
    """Render the pages of a run again, and the index of all runs.

    Example: sensorkit report latest
    """
    from sensorkit.report.changes import history
    from sensorkit.report.files import RUNS
    from sensorkit.report.views import html, index_page

    folder = history.named_run(run, out_dir)
    if folder.parent.name != RUNS:  # `.`, or a name in it: what stands two folders up is not seen
        folder = folder.resolve()
    if base is not None:
        history.name_base(folder, history.look_at_base(base, folder.parent.parent))
    page = html.render(folder)
    if standalone:
        page = html.render_standalone(folder)
    # Elsewhere, two folders up may stand an index.html of somebody else's.
    index = index_page.index(folder.parent.parent) if folder.parent.name == RUNS else None
    if as_json:
        print_json({"report": str(page), "index": None if index is None else str(index)})
        return
    out.print(str(page))
