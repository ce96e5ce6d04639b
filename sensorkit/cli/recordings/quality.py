"""`sensorkit quality`: how good a recording is, where it is not, and a command to look there."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorkit.cli.app import command, out, print_json, printable, warn_of_changes
from sensorkit.errors import RunError

if TYPE_CHECKING:
    from sensorkit.quality import Quality


@command("quality")
def quality(
    recording: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a recording or of a session.")
    ],
    profile: Annotated[
        str | None,
        typer.Option(
            help="Whose rate, limits and expectations hold: a shipped profile, or the path of a "
            ".yaml file. That of the recording by default."
        ),
    ] = None,
    window: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Lines that a score over time is of.")
    ] = 100,
    fail_below: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Exit with 1 if the score is lower than that."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how good the data are: 100 where all that was due came, whole, valid and in time.

    Example: sensorkit quality recordings/bench --fail-below 95
    """
    from sensorkit.profile import Profile
    from sensorkit.quality import quality as judged

    for folder in _recordings(recording):
        warn_of_changes(folder)
    found = judged(recording, None if profile is None else Profile.load(profile), window=window)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found, recording)
    if fail_below is not None and not found.score >= fail_below:
        had = "there is no score, for nothing came" if math.isnan(found.score) else (
            f"the score is {found.score:.2f}"
        )  # fmt: skip
        raise RunError(f"{recording}: {had}; at least {fail_below:g} is wanted (--fail-below)")


def _recordings(folder: Path) -> list[Path]:
    from sensorkit.capture.session import Session, is_session

    return list(Session.open(folder).folders().values()) if is_session(folder) else [folder]


def _print(found: Quality, folder: Path) -> None:
    from sensorkit.quality.showing import largest, tables

    out.print(printable(repr(found).split("\n", 1)[0]))
    scores = found.scores
    score = "none" if math.isnan(found.score) else f"{math.floor(10 * found.score) / 10:g} of 100"
    out.print(
        f"score {score}: {int(scores.expected.sum()):,} values were due in {scores.lines:,} lines, "
        f"{scores.rejected:,} of them rejected"
    )
    for table in tables(found):
        if table.rows:
            out.print()
            for line in table.text().splitlines():
                out.print(printable(line))
    issues = largest(found)
    if issues:
        from sensorkit.readings import isoformat

        first = issues[0]
        start, end = isoformat(first.start), isoformat(first.end)
        where = shlex.quote(str(folder))
        span = f'start="{start}", end="{end}"'
        out.print()
        if first.first_offset >= 0 and (folder / "raw.log").is_file():
            out.print("The bytes where the first of these begins:")
            shown = f"tail -c +{first.first_offset + 1} {where}/raw.log | head -n 3"
            out.print(printable(f"  {shown}"))
        out.print("In a notebook:")
        opened = f"quality({str(folder)!r}).plot()"
        out.print(printable(f"  {opened}; Recording.open({str(folder)!r}).plot({span})"))
