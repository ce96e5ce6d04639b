"""`sensorkit compare`: what changed from one run to another of the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorkit.cli.app import command, err, out, print_json, printable
from sensorkit.errors import UsageError


@command("compare")
def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE", help="The earlier run: its folder, its id, the beginning of it, latest."
        ),
    ],
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to compare with it.")],
    html: Annotated[
        bool, typer.Option("--html", help="Also a page in reports/compare/, beside the runs.")
    ] = False,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="The page as one file (5 MB) to send to somebody.")
    ] = False,
    fail_if_worse: Annotated[
        bool,
        typer.Option(
            "--fail-if-worse",
            help="Exit 1 if a figure of the recommended detector is worse beyond chance.",
        ),
    ] = False,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of all runs.")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what changed between two runs of the same data, with intervals.

    Both runs saw the same faults, so the intervals are paired: "better" and "worse" are said only
    where 95 % of them leave out no change, "cannot be told apart" elsewhere, and "the same to the
    last digit" where nothing moved at all. Without the same data it says so, names what differs
    and exits 1.

    With --fail-if-worse it is the detectors that either run recommends that count, or the best
    ranked where none is. The time a reading takes is shown but never counts: it is measured once.

    Example: sensorkit compare 20260131T120000Z-0a1b2c latest
    """
    from sensorkit.report.changes import compare as comparing
    from sensorkit.report.changes import compare_page
    from sensorkit.report.changes.history import named_run
    from sensorkit.report.views import index_page

    folders = [named_run(name, out_dir) for name in (base, run)]
    if folders[0].resolve() == folders[1].resolve():
        raise UsageError(
            f"{base} and {run} are one run, {folders[0].name}; give an earlier one and another"
        )
    found = comparing.compare(*folders)
    pages = []
    if html or standalone:
        pages = [str(compare_page.write(found, out_dir, standalone=standalone))]
        index_page.index(out_dir)
    worse = comparing.worse(found)
    if as_json:
        print_json({**found, "worse": worse, "pages": pages})
    else:
        out.print(printable(found["sentence"]))
        if shown := compare_page.text(found):
            out.print(shown)
        for page in pages:
            out.print(f"page: {page}")
    if not found["comparable"]:
        raise typer.Exit(1)
    if fail_if_worse and worse:
        err.print(printable(f"sensorkit: worse than {found['base']['id']}: {'; '.join(worse)}"))
        raise typer.Exit(1)
