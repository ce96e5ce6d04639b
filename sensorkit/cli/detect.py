"""`sensorkit detect`: run a detector over a recording and write what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, err, out, print_json, printable, warn_of_changes
from sensorkit.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from sensorkit.capture import Recording
    from sensorkit.detect import Detector
    from sensorkit.readings import Alert, Readings

FIT_SHARE = 0.3
"""What a detector learns from when no other recording is named: the first part of this one."""

REPORT = "anomaly_report.json"

NAMES = sorted({entry.name for entry in entry_points(group="sensorkit.detectors")})
"""As `sensorkit.detect.names()`, whose import would keep `--help` waiting."""


@command("detect")
def detect(
    recording: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a recording.")],
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help=f"{', '.join(NAMES)}, or a file written by --save. The profile's rules by "
            "default.",
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
    from sensorkit import detect as detection
    from sensorkit.capture import Recording, layout

    if false_alarms_per_day is not None and calibrate_on is None:
        raise UsageError(
            "--false-alarms-per-day needs --calibrate-on DIR: clean readings to set it on"
        )
    for path in (report, save):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path}: its folder is not there; make it, or check the path")
    examined = Recording.open(recording)
    warn_of_changes(recording)
    # A device that never said anything has one thing to be found: its silence.
    readings = examined.readings() if _silences(examined.events()) else _readings(examined)
    chosen = _choose(detector, settings or [], examined, fitted=fit_on is not None)
    notes: list[str] = []
    skipped = 0
    if detector is None or not _is_file(detector):
        skipped = _fit(chosen, readings, fit_on, notes)
    if calibrate_on is not None:
        chosen.calibrate(_readings(Recording.open(calibrate_on)), false_alarms_per_day or 1.0)
        notes.append(f"{chosen.name} is {getattr(chosen, 'calibration_', 'calibrated')}")
    _warn_of_one_for_two(recording, fit_on, calibrate_on)
    if save is not None:
        detection.save(chosen, save)
        notes.append(f"{chosen.name} is saved in {save}")
    chosen.reset()
    _listen(chosen, examined)
    alerts = list(_alerts(chosen, readings, examined.events(), skipped))
    target = report if report is not None else examined.derived / REPORT
    found = detection.report(alerts)
    layout.write_whole(
        target, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    for note in notes:
        (err if as_json else out).print(printable(note))
    if as_json:
        print_json(found)
        return
    width = max((len(entry["type"]) for entry in found), default=0)
    for entry in found:
        out.print(printable(_line(entry, width)))
    n = len(readings) - skipped
    out.print(
        printable(
            f"{len(found)} {'alert' if len(found) == 1 else 'alerts'} by {chosen.name} in "
            f"{n} readings; written to {target}"
        )
    )


def _readings(recording: Recording) -> Readings:
    readings = recording.readings()
    if not len(readings):
        raise RecordingError(
            f"{recording.dir}: has no readings ({_rejected(recording)}); look at it with "
            f"`sensorkit show {recording.dir}`"
        )
    return readings


def _rejected(recording: Recording) -> str:
    rejected = sum(recording.counts.get("rejected", {}).values())
    return f"{rejected} lines were rejected" if rejected else "nothing came"


def _is_file(wanted: str) -> bool:
    from sensorkit import detect as detection

    return wanted not in detection.names() and Path(wanted).exists()


def _choose(
    wanted: str | None, settings: list[str], recording: Recording, *, fitted: bool
) -> Detector:
    """Return the detector that the options ask for."""
    from sensorkit import detect as detection

    profile = recording.profile
    if wanted is None and not profile.rules:
        raise UsageError(
            f"{recording.dir}: its profile {profile.name!r} has no rules to go by; name a "
            "detector: --detector sigma"
        )
    if wanted is None or not _is_file(wanted):
        return detection.make(wanted or "rules", profile=profile, **_parameters(settings))
    if settings or fitted:
        raise UsageError(
            f"{wanted} is a saved detector, fitted with its parameters set; leave out --set and "
            "--fit-on, or give a detector by name"
        )
    return detection.load(wanted)


def _parameters(settings: list[str]) -> dict[str, Any]:
    """Return PARAM=VALUE as names and values: a number, or a mapping, where it reads as one.

    >>> _parameters(["window=20", "k=2.5", "members={sigma: {k: 4}}"])
    {'window': 20, 'k': 2.5, 'members': {'sigma': {'k': 4}}}
    """
    parameters: dict[str, Any] = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not sign or not name:
            raise UsageError(f"--set {setting}: PARAM=VALUE is wanted, as --set window=20")
        if name == "profile":
            raise UsageError("--set profile: the profile is that of the recording")
        parameters[name] = _value(setting, text)
        if name == "members":
            _check_members(setting, parameters[name])
    return parameters


def _value(setting: str, text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return _mapping(setting, text) if text.lstrip().startswith("{") else text


def _mapping(setting: str, text: str) -> Any:
    """Return what stands in braces, as YAML, of which JSON is a part."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        detail = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UsageError(
            f"--set {setting}: is not readable as a mapping ({detail}); put the whole in single "
            "quotes, as --set 'members={sigma: {k: 4}, mewma: {}}', with a space after each colon"
        ) from error


def _check_members(setting: str, members: object) -> None:
    if isinstance(members, Mapping) and all(
        isinstance(params, Mapping) and not any(":" in str(name) for name in params)
        for params in members.values()
    ):
        return
    raise UsageError(
        f"--set {setting}: detectors with their parameters are wanted, as --set "
        "'members={sigma: {k: 4}, mewma: {}}', with {} for the defaults and a space after each "
        "colon"
    )


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


def _fit(detector: Detector, readings: Readings, fit_on: Path | None, notes: list[str]) -> int:
    """Fit on another recording or the first part of this one; return how many that takes."""
    from sensorkit.capture import Recording
    from sensorkit.readings import isoformat

    if not getattr(detector, "learns", True):
        if fit_on is not None:
            raise UsageError(f"--fit-on: {detector.name} learns nothing; leave it out")
        return 0
    if fit_on is not None:
        healthy = _readings(Recording.open(fit_on))
        detector.fit(healthy)
        notes.append(f"{detector.name} is fitted on {fit_on}: {len(healthy)} readings")
        return 0
    n = round(FIT_SHARE * len(readings))
    detector.fit(readings[:n])
    notes.append(
        f"{detector.name} is fitted on the first {FIT_SHARE:.0%} of this recording: {n} readings "
        f"up to {isoformat(int(readings.time[max(n - 1, 0)]))}, taken as healthy and not searched"
    )
    return n


def _alerts(
    detector: Detector, readings: Readings, events: list[dict[str, Any]], skipped: int
) -> Iterator[Alert]:
    """Yield what begins after the first *skipped* readings, which only warm the detector up.

    The detector is told of each silence when the recorder was, so that what it says of a
    recording is what it said during the capture.
    """
    detector.alerts(readings[:skipped])
    at = skipped
    for time, offset in _silences(events):
        stop = int(readings.offset.searchsorted(offset))
        if stop > at:
            yield from detector.alerts(readings[at:stop])
            at = stop
        if stop >= skipped:
            yield from detector.advance(time)
    yield from detector.alerts(readings[at:])
    yield from detector.finish()


def _listen(detector: Detector, recording: Recording) -> None:
    """Say since when the device was listened to: one that was silent at first is missed too."""
    from sensorkit.readings import parse_time

    listen = getattr(detector, "listen", None)  # a user's own detector may not care
    if listen is not None and recording.kind == "captured":
        listen(parse_time(recording.meta["started"]), recording.meta["device"])


def _silences(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return time (nanoseconds UTC) and offset of each lost heartbeat."""
    import pandas as pd

    return [
        (pd.Timestamp(event["time"]).value, int(event["offset"]))
        for event in events
        if event["kind"] == "heartbeat_lost"
    ]


def _line(entry: dict[str, Any], width: int) -> str:
    """Return an alert as a line: when, how bad, what, how long."""
    import pandas as pd

    lasted = "not over"
    if entry["end"] is not None:
        seconds = (pd.Timestamp(entry["end"]) - pd.Timestamp(entry["timestamp"])).total_seconds()
        lasted = f"{seconds:.1f} s"
    return (
        f"{entry['timestamp']}  {entry['severity']:<8}  {entry['type']:<{width}}  "
        f"{entry['description']}  ({lasted})"
    )
