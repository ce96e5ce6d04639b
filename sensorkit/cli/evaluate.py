"""`sensorkit evaluate` and `sensorkit report`: the main job, and its pages."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sensorkit.cli.app import command, err, out, print_json, printable
from sensorkit.errors import UsageError

Out = Annotated[Path, typer.Option("--out", help="Folder of all runs.")]
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
        str, typer.Option(help="Of the emulated device: a shipped name, or a .yaml file.")
    ] = "serial_monitor",
    faults: Annotated[
        str, typer.Option(help="A fault plan by name or .yaml path; a campaign by default.")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A notebook parameter: seed=2, 03_benchmark.buffer=50.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A YAML file with such parameters; --set goes before it.")
    ] = None,
    out_dir: Out = Path("reports"),
    quick: Annotated[
        bool, typer.Option("--quick", help="An hour of the device: a first look, half a minute.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Capture, inject faults, benchmark the detectors and report: everything, in one command.

    Runs the notebooks and leaves report.html, report.json, cases.csv and the executed notebooks
    in reports/runs/<run>/. With --recording the same is done on a recording of yours.

    Example: sensorkit evaluate --recording captures/boiler --set false_alarms_per_day=0.5
    """
    from sensorkit.report.files import read_json
    from sensorkit.report.job import Config
    from sensorkit.report.run import evaluate as run

    asked = Config(
        recordings=tuple(recording or ()),
        profile=profile,
        faults=faults,
        settings={**_from_file(config), **_from_options(settings or [])},
        quick=quick,
        arguments=sys.argv[1:],
    )
    try:
        folder = run(asked, out_dir, tell=_Progress())
    except KeyboardInterrupt:
        err.print("sensorkit: stopped; the run is marked as aborted")
        raise typer.Exit(130) from None
    if as_json:
        print_json({"run": folder.name, "report": str(folder / "report.html"), **_said(folder)})
        return
    facts = read_json(folder / "run.json")
    out.print(printable(read_json(folder / "report.json")["verdict"]["sentence"]))
    out.print(f"{facts['duration_s']:.0f} s; report: {folder / 'report.html'}")


def _said(folder: Path) -> dict[str, Any]:
    from sensorkit.report.files import read_json

    return {"verdict": read_json(folder / "report.json")["verdict"]}


def _from_file(path: Path | None) -> dict[str, Any]:
    """Read the parameters in a YAML file; those of one notebook may stand below its name."""
    if path is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not YAML"
        raise UsageError(f"{path}: cannot be read: {reason}; give a YAML file") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path}: holds {type(found).__name__}; `name: value` lines are wanted")
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[str(key)] = value
    return flat


def _from_options(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {pair}: KEY=VALUE is wanted, as seed=2")
        found[key.strip()] = value
    return found


class _Progress:
    """Says which cell of which notebook runs, on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""

    def __call__(self, notebook: str, _cell: int, of: int) -> None:
        """Be told that a cell begins."""
        if not err.is_terminal or notebook == self._last:
            return
        self._last = notebook
        err.print(f"{time.monotonic() - self._began:5.1f} s  {notebook} ({of} cells)")


@command("report")
def report(
    run: Annotated[
        str, typer.Argument(help="Folder or id of a run; the latest by default.")
    ] = "latest",
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Also one file (5 MB) to send to somebody.")
    ] = False,
    out_dir: Out = Path("reports"),
    as_json: AsJson = False,
) -> None:
    """Render the pages of a run again, and the index of all runs.

    Example: sensorkit report latest
    """
    from sensorkit.report import html
    from sensorkit.report.files import find_run

    folder = find_run(run, out_dir)
    page = html.render(folder)
    if standalone:
        page = html.render_standalone(folder)
    index = html.index(folder.parent.parent)
    if as_json:
        print_json({"report": str(page), "index": str(index)})
        return
    out.print(str(page))
