"""`sensorkit detect`: run a detector over a recording and write what it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from sensorkit.cli.app import command, err, out, print_json, printable, warn_of_changes
from sensorkit.cli.detect.one import Wanted, examine
from sensorkit.errors import RecordingError, UsageError

REPORT = "anomaly_report.json"

NAMES = sorted({entry.name for entry in entry_points(group="sensorkit.detectors")})
"""As `sensorkit.detect.names()`, whose import would keep `--help` waiting."""


@command("detect")
def detect(
    recording: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a recording, or of a session.")
    ],
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help=f"{', '.join(NAMES)}, or a file written by --save. What the profile names "
            "by default, else its rules.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PARAM=VALUE",
            help="A parameter of the detector; one with parts as YAML or JSON: "
            "'members={sigma: {k: 4}, mewma: {}}'.",
        ),
    ] = None,
    fit_on: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A healthy recording to learn from; by default the first 30 %."
        ),
    ] = None,
    calibrate_on: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Another healthy recording, to set the threshold on."),
    ] = None,
    false_alarms_per_day: Annotated[
        float | None,
        typer.Option(metavar="X", help="What --calibrate-on sets the threshold for; 1 by default."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The report; in DIR/derived by default."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the detector for later use.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run a detector over a recording and write anomaly_report.json.

    Example: sensorkit detect recordings/bench --detector sigma --set k=4
    """
    from sensorkit.capture import Recording, layout
    from sensorkit.capture.session import derived, is_session

    if false_alarms_per_day is not None and calibrate_on is None:
        raise UsageError(
            "--false-alarms-per-day needs --calibrate-on DIR: clean readings to set it on"
        )
    for path in (report, save):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path}: its folder is not there; make it, or check the path")
    several = is_session(recording)
    if several and save is not None:
        raise UsageError(
            f"--save {save}: a session has a detector for each device; name one of the recordings "
            f"in {recording}"
        )
    wanted = Wanted(
        detector, settings or [], fit_on, calibrate_on, false_alarms_per_day or 1.0, save
    )
    found: list[dict[str, Any]] = []
    searched, detectors = 0, dict[str, None]()
    for name, folder in _folders(recording).items():
        own = replace(wanted, fit_on=_of(fit_on, name), calibrate_on=_of(calibrate_on, name))
        examined = Recording.open(folder)
        warn_of_changes(folder)
        _warn_of_one_for_two(folder, own.fit_on, own.calibrate_on)
        looked = examine(examined, own)
        for note in looked.notes:
            said = f"{name}: {note}" if several else note
            (err if as_json else out).print(printable(said))
        found += looked.rows
        searched += looked.searched
        detectors[looked.detector] = None
    if several:
        found.sort(key=lambda entry: str(entry["timestamp"]))
    target = report if report is not None else derived(recording) / REPORT
    layout.write_whole(
        target, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    if as_json:
        print_json(found)
        return
    width = max((len(entry["type"]) for entry in found), default=0)
    devices = {entry["device"] for entry in found}
    for entry in found:
        out.print(printable(_line(entry, width, named=several or len(devices) > 1)))
    out.print(
        printable(
            f"{len(found)} {'alert' if len(found) == 1 else 'alerts'} by {' and '.join(detectors)} "
            f"in {searched} readings; written to {target}"
        )
    )


def _folders(recording: Path) -> dict[str, Path]:
    """Return the recordings to search: those of a session by their names, or the one.

    Raises
    ------
    RecordingError
        If nothing of the session was recorded.
    """
    from sensorkit.capture.session import Session, is_session

    if not is_session(recording):
        return {"": recording}
    session = Session.open(recording)
    folders = session.folders()
    if not folders:
        raise RecordingError(
            f"{recording}: no link of this session was recorded ({session.reason})"
        )
    return folders


def _of(healthy: Path | None, name: str) -> Path | None:
    """Return the recording of the same device where *healthy* is a session, else itself."""
    from sensorkit.capture.session import Session, is_session

    if healthy is None or not is_session(healthy):
        return healthy
    return Session.open(healthy).recording(name).dir


def _warn_of_one_for_two(recording: Path, fit_on: Path | None, calibrate_on: Path | None) -> None:
    """Say in one sentence that a recording is used for what takes another."""
    named = {
        "the recording searched": recording,
        "--fit-on": fit_on,
        "--calibrate-on": calibrate_on,
    }
    there = {role: path.resolve() for role, path in named.items() if path is not None}
    for path in (recording, calibrate_on):
        roles = [role for role, other in there.items() if path and other == path.resolve()]
        if len(roles) > 1:
            matter = (
                "faults in it count as healthy and may not be found; name another healthy "
                "recording, or leave the option out"
                if path == recording
                else "a detector finds what it learned from more healthy than other readings, so "
                "that its threshold is too low; name two healthy recordings"
            )
            at_once = f"{', '.join(roles[:-1])} and {roles[-1]}"
            err.print(printable(f"sensorkit: {path}: is {at_once} at once: {matter}"))
            return


def _line(entry: dict[str, Any], width: int, *, named: bool) -> str:
    """Return an alert as a line: when, how bad, what, how long."""
    import pandas as pd

    lasted = "not over"
    if entry["end"] is not None:
        seconds = (pd.Timestamp(entry["end"]) - pd.Timestamp(entry["timestamp"])).total_seconds()
        lasted = f"{seconds:.1f} s"
    return (
        f"{entry['timestamp']}  {entry['severity']:<8}  {entry['type']:<{width}}  "
        f"{entry['device'] + ': ' if named else ''}{entry['description']}  ({lasted})"
    )
