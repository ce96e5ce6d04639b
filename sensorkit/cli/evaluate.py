"""`sensorkit evaluate` and `sensorkit report`: the main job, and its pages."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, counted, err, out, print_json, printable
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.report.ci.for_ci import Copies

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


@command("evaluate")
def evaluate(
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a recording of yours, again for more; the emulated device by default."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Of the emulated device: a shipped name, or a .yaml file; serial_monitor by "
            "default."
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

    Example: sensorkit evaluate --recording captures/boiler --set false_alarms_per_day=0.5
    """
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
        _public(
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
    from sensorkit.report.running.job import asked_for
    from sensorkit.report.running.run import evaluate as run

    said = _from_options(settings or [])
    asked = asked_for(
        config,
        recordings=recording,
        profile=profile,
        faults=faults,
        settings=said if workers is None else {"workers": workers, **said},
        require=require or (),
        base=base or "",
        quick=quick,
        fresh=fresh,
        arguments=sys.argv[1:],
        copies=copies,
    )
    progress = _Progress()
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


def _public(
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
    said = _from_options(settings)
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
            tell=_Progress(),
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


def _from_options(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {pair}: KEY=VALUE is wanted, as seed=2")
        found[key.strip()] = value
    return found


class _Progress:
    """Says which notebook runs, and which detectors are tried; on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""
        self._bar: Any = None

    def __call__(self, notebook: str, _cell: int, of: int) -> None:
        """Be told that a cell begins."""
        if not err.is_terminal or notebook == self._last:
            return
        self._last = notebook
        self.close()
        err.print(f"{time.monotonic() - self._began:5.1f} s  {notebook} ({of} cells)")

    def follow(self, _notebook: str, done: int, of: int, now: str) -> None:
        """Be told how far the benchmark is."""
        if not err.is_terminal:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=of, file=sys.stderr, leave=False, unit=" cells")
        self._bar.set_postfix_str(printable(now), refresh=False)
        self._bar.n = done
        self._bar.refresh()
        if done == of:
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


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
