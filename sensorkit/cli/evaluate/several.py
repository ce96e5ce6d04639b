"""`sensorkit evaluate --profile A --profile B`: a run a device, side by side, and one table."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sensorkit.cli.app import counted, err, out, print_json, printable
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.report.ci.for_ci import Copies
    from sensorkit.report.running.job import Config
    from sensorkit.report.running.several import Ended

ALL = "all"
FIRST = "serial_monitor"
"""Of all: its run is the one that `latest` means."""

HEAD = ("profile", "detector", "found", "false alarms/day", "smallest fault", "seconds")


def each_of(given: Sequence[str]) -> list[str]:
    """Return the profiles that are asked for, every shipped one for `all`.

    Raises
    ------
    UsageError
        If one is asked for twice, or cannot be loaded.

    Examples
    --------
    >>> each_of(["weather", "all"])
    ['weather', 'serial_monitor', 'fermenter', 'turbofan']
    """
    if not given:
        return []
    from sensorkit.profile import Profile, shipped

    names: list[str] = []
    for name in given:
        if name == ALL:
            rest = [one for one in shipped() if one not in given]
            names += sorted(rest, key=lambda one: (one != FIRST, one))
        elif name in names:
            raise UsageError(f"--profile {name}: stands there twice; leave one of them out")
        else:
            Profile.load(name)
            names.append(name)
    return names


def several(asked: Mapping[str, Config], out_dir: Path, copies: Copies, *, as_json: bool) -> None:
    """Run the main job for each profile and say what was found, in a table.

    Raises
    ------
    Exit
        With 1 if a run failed or fell short of what was required.
    """
    from sensorkit.report.running.several import evaluate_several, failed

    configs = {
        name: dataclasses.replace(config, arguments=own_arguments(sys.argv[1:], name))
        for name, config in asked.items()
    }
    progress = _Progress()
    try:
        found = evaluate_several(configs, out_dir, copies=copies, said=progress)
    except KeyboardInterrupt:
        err.print("sensorkit: stopped; the runs that were not done are marked as aborted")
        raise typer.Exit(130) from None
    rows = [_row(one) for one in found]
    if as_json:
        print_json(rows)
    else:
        _print(rows, out_dir)
    short = _unmet(rows)
    problem = failed(found)
    if problem is not None:
        raise problem
    if short:
        raise typer.Exit(1)


def own_arguments(arguments: Sequence[str], profile: str) -> list[str]:
    """Return the command line that runs one profile of several.

    >>> own_arguments(["evaluate", "--profile", "all", "--quick", "--profile=x"], "boiler")
    ['evaluate', '--quick', '--profile', 'boiler']
    """
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip or argument.startswith("--profile="):
            skip = False
        elif argument == "--profile":
            skip = True
        else:
            kept.append(argument)
    return [*kept, "--profile", profile]


class _Progress:
    """Says which notebook of which device runs; on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last: dict[str, str] = {}

    def __call__(self, name: str, said: Mapping[str, Any]) -> None:
        """Be told what the run of a device says."""
        news = str(said.get("status") or said.get("notebook", ""))
        if "done" in said and said.get("of"):
            # In quarters: the lines of several devices would push each other off the screen.
            news += f" {4 * int(said['done']) // int(said['of']) * 25} %"
        if not err.is_terminal or news == self._last.get(name):
            return
        self._last[name] = news
        line = f"{time.monotonic() - self._began:5.1f} s  {name}: {news}"
        err.print(printable(line))


def _row(one: Ended) -> dict[str, Any]:
    """Return what is said of a run, for JSON."""
    from sensorkit.report.files import read_json

    row: dict[str, Any] = {
        "profile": one.name,
        "status": one.status,
        "reason": one.reason,
        "seconds": one.seconds,
        "run": None if one.run is None else one.run.name,
        "report": None,
    }
    if one.run is None or one.status != "passed":
        return row
    found = read_json(one.run / "report.json")
    facts = read_json(one.run / "run.json").get("summary", {})
    figures = ("event_recall", "event_recall_ci", "false_alarms_per_day", "false_alarms_per_day_ci")
    return {
        **row,
        "report": str(one.run / "report.html"),
        "verdict": found["verdict"],
        "requirements": found.get("requirements", []),
        "smallest": _smallest(found),
        **{name: facts.get(name) for name in figures},
    }


def _smallest(report: Mapping[str, Any]) -> str | None:
    """Return the smallest fault that the detector of the verdict finds, in its own sigmas."""
    from sensorkit.display.formats import sized

    detector = report["verdict"].get("detector")
    caught = [
        entry
        for entry in report.get("detectability", [])
        if entry["detector"] == detector and entry["a90_95_sigma"] is not None
    ]
    if not caught:
        return None
    least = min(caught, key=lambda entry: float(entry["a90_95_sigma"]))
    kind = str(least["kind"]).replace("_", " ")
    where = f" on {least['channel']}" if least.get("channel") else ""
    return f"{kind} of {sized(least['a90_95'], least['unit'])}{where}"


def _print(rows: Sequence[Mapping[str, Any]], out_dir: Path) -> None:
    """Print a line a profile, then what was concluded of each, and where it stands."""
    from sensorkit.display.formats import interval, percent, rate

    cells = [HEAD]
    for row in rows:
        if row["report"] is None:
            cells.append((row["profile"], row["status"], "", "", "", f"{row['seconds']:.0f}"))
            continue
        alarms = rate(row["false_alarms_per_day"])
        bounds = interval(row["false_alarms_per_day_ci"], rate)
        cells.append(
            (
                row["profile"],
                row["verdict"].get("detector") or "none",
                percent(row["event_recall"]),
                f"{alarms} {bounds}".strip(),
                row["smallest"] or "not measured",
                f"{row['seconds']:.0f}",
            )
        )
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        out.print(printable("  ".join(padded).rstrip()))
    for row in rows:
        said = row["verdict"]["sentence"] if row["report"] else row["reason"]
        out.print()
        out.print(printable(f"{row['profile']}: {said}"))
        if row["report"]:
            out.print(printable(f"report: {row['report']}"))
    out.print()
    out.print(printable(f"all runs: {out_dir / 'index.html'}"))


def _unmet(rows: Sequence[Mapping[str, Any]]) -> int:
    """Say what fell short of what was required, and return how many did."""
    from sensorkit.report.verdict.requirement_words import sentence
    from sensorkit.report.verdict.requirements import unmet

    short = 0
    for row in rows:
        required = row.get("requirements", [])
        for one in required:
            if not one["met"] or one["shown"] is False:
                err.print(f"sensorkit: {printable(row['profile'])}: {printable(sentence(one))}")
        missed = len(unmet(required))
        if missed:
            counts = f"{missed} of {counted(len(required), 'requirement')} not met"
            err.print(f"sensorkit: {printable(row['profile'])}: {counts}")
        short += missed
    return short
