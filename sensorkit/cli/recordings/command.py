"""What to do with recordings on disk: show, verify, recover, replay, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sensorkit.cli.app import command, err, out, print_json, printable, warn_of_changes
from sensorkit.cli.recordings.outcomes import recovered, replayed, say, say_each, verified
from sensorkit.cli.session.shown import (
    DEVICE_COLUMNS,
    device_row,
    rate_of,
    show_session,
    table_of,
)
from sensorkit.display.formats import seconds
from sensorkit.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from sensorkit.capture import Recording

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of a recording, or of a session.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@command("show")
def show(recording: Folder, as_json: AsJson = False) -> None:
    """Show what is in a recording.

    Example: sensorkit show recordings/bench
    """
    from sensorkit.capture import Recording
    from sensorkit.capture.summary import summarize

    if _is_session(recording):
        show_session(recording, as_json=as_json)
        return
    warn_of_changes(recording)
    summary = summarize(Recording.open(recording))
    if as_json:
        print_json(summary)
        return
    for name, text in _facts(summary):
        out.print(f"{name:<10}{printable(text)}")
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("channel", "unit", "min", "mean", "max", "missing"):
        table.add_column(heading, justify="left" if heading in {"channel", "unit"} else "right")
    for channel in summary["channels"]:
        numbers = (
            "" if channel[k] is None else f"{channel[k]:.6g}" for k in ("min", "mean", "max")
        )
        name, unit = printable(channel["name"]), printable(channel["unit"])
        table.add_row(name, unit, *numbers, str(channel["missing"]))
    out.print()
    out.print(table)
    if len(summary["by_device"]) > 1:
        out.print()
        out.print(table_of(DEVICE_COLUMNS, [device_row(one) for one in summary["by_device"]]))


def _facts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines above the table: (name, text)."""
    reason = f" ({summary['reason']})" if summary["reason"] else ""
    rate = ""
    if summary["rate_hz"]:
        rate = f", {rate_of(summary['rate_hz'])}"
    rejected = sum(summary["rejected"].values())
    facts = [
        ("recording", f"{summary['name']}: {summary['kind']}, {summary['status']}{reason}"),
        ("profile", summary["profile"]),
        ("device", _list(summary["devices"]) or summary["device"]),
    ]
    if summary["link"]:
        facts.append(("link", str(summary["link"]["url"])))
    if summary["parent"]:
        facts.append(("made from", str(summary["parent"]["name"])))
    facts += [
        ("time", f"{summary['started']} to {summary['ended']}"),
        ("frames", f"{summary['frames']} in {seconds(summary['span_s'])}{rate}"),
        ("rejected", f"{rejected}{': ' if rejected else ''}{_list(summary['rejected'])}"),
    ]
    if summary["bytes"]:
        counted = {name.removesuffix("_bytes"): n for name, n in summary["bytes"].items()}
        facts += [("lost", str(summary["lost"])), ("bytes", _list(counted))]
    for name in ("statuses", "events"):
        if summary[name]:
            facts.append((name, _list(summary[name])))
    if summary["has_labels"]:
        n = sum(summary["labels"].values())
        facts.append(("labels", f"{n}{': ' if n else ''}{_list(summary['labels'])}"))
    if summary["source"]:
        facts += _source(summary["source"])
    return facts


def _source(source: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what an import found in its table."""
    times = (
        f"read as {source['time_format']}; {source['duplicate_times']} repeat, "
        f"{source['decreasing_times']} step back, {source['gaps']} gaps"
    )
    facts = [("table", f"{source['path']}, {source['rows']} rows"), ("times", times)]
    return facts + [("left out", f"{name!r} {why}") for name, why in source["left_out"].items()]


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())


@command("verify")
def verify(
    recording: Folder,
    truth: Annotated[
        Path | None,
        typer.Option(help="Hold it against what `sensorkit emulate --truth` wrote, too."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the files of a recording with its manifest, and name what differs.

    `sha256sum -c manifest-sha256.txt` in the folder says the same. raw.log is also held against the
    hashes that were noted while it was written; for a recording that was cut off, and has no
    manifest, they are all there is. A finished one whose manifest was removed is a failure.

    Example: sensorkit verify recordings/bench
    """
    if _is_session(recording):
        if truth is not None:
            raise UsageError(f"--truth: is of one link; name one of the recordings in {recording}")
        say_each(recording, lambda folder, _: verified(folder, None), as_json=as_json)
        return
    say(verified(recording, truth), as_json=as_json)


@command("recover")
def recover(recording: Folder, as_json: AsJson = False) -> None:
    """Finish a recording that was cut off by a kill, a crash or a power cut.

    raw.log is left as it is. That it was changed since it was written is said, and is a failure.

    Example: sensorkit recover recordings/bench
    """
    if not _is_session(recording):
        say(recovered(recording), as_json=as_json)
        return
    from sensorkit.capture.session import refresh

    try:
        say_each(recording, lambda folder, _: recovered(folder), as_json=as_json)
    finally:
        refresh(recording)


@command("replay")
def replay(
    recording: Folder,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Leave the rebuilt files in this new folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild the derived files from the bytes on the wire and compare them, byte for byte.

    An imported or injected recording is made again from its table or its parent.

    Example: sensorkit replay recordings/bench
    """
    if not _is_session(recording):
        say(replayed(recording, folder), as_json=as_json)
        return
    if folder is not None and folder.exists():
        raise RecordingError(
            f"{folder}: is already there, and nothing is overwritten; choose another --out"
        )
    say_each(
        recording,
        lambda one, name: replayed(one, None if folder is None else folder / name),
        as_json=as_json,
    )


def _is_session(folder: Path) -> bool:
    from sensorkit.capture.session import is_session

    return is_session(folder)


@command("import")
def import_table(
    table: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header line.")],
    time: Annotated[str, typer.Option(help="The column with the times.")],
    folder: Annotated[Path, typer.Option("--out", help="The new folder of the recording.")],
    time_format: Annotated[
        str | None,
        typer.Option(help="s, ms, us, ns, or as %d.%m.%Y %H:%M:%S; found out by default."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Found out by default.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Name of the device; the file's by default.")
    ] = None,
    device_column: Annotated[
        str | None, typer.Option(help="Column that names the device of each row.")
    ] = None,
    status_column: Annotated[
        str | None, typer.Option(help="Column with the device's status word.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column that is not zero, empty or false in a fault.")
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A column that is no channel; may be given again.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Take these channels; drawn from the numbers by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn your own CSV file into a recording.

    Each row becomes a reading, or a line of parser_errors.log that says why not.

    Example: sensorkit import pump.csv --time timestamp --out recordings/pump
    """
    from sensorkit.capture.importing import import_csv
    from sensorkit.capture.summary import summarize
    from sensorkit.profile import Profile

    made = import_csv(
        table,
        time=time,
        out=folder,
        time_format=time_format,
        delimiter="\t" if delimiter == "\\t" else delimiter,
        device=device,
        device_column=device_column,
        status_column=status_column,
        label=label,
        leave_out=leave_out or [],
        profile=None if profile is None else Profile.load(profile),
    )
    summary = summarize(made)
    if as_json:
        print_json(summary)
        return
    out.print(printable(f"{folder}: {len(made.readings())} readings imported"))
    _warn(made, summary)


def _warn(made: Recording, summary: dict[str, Any]) -> None:
    """Say what did not become a reading, and what is odd about the times."""
    source = summary["source"]
    for name, why in source["left_out"].items():
        err.print(printable(f"sensorkit: column {name!r} {why}; left out"))
    rejected = sum(summary["rejected"].values())
    if rejected:
        reasons = _list(summary["rejected"])
        path = made.dir / "parser_errors.log"
        err.print(printable(f"sensorkit: {rejected} rows are no readings ({reasons}); see {path}"))
    for key, what in (("duplicate_times", "repeat"), ("decreasing_times", "step back")):
        if source[key]:
            err.print(f"sensorkit: {source[key]} times {what}; the rows are kept in their order")
