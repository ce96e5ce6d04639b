"""What to do with recordings on disk: show, verify, recover, replay, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.table import Table

from sensorkit.cli.app import command, err, out, print_json, printable, warn_of_changes
from sensorkit.display.formats import seconds
from sensorkit.errors import VerifyError

if TYPE_CHECKING:
    from sensorkit.capture import Recording
    from sensorkit.emulator.truth import Score

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a recording.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@command("show")
def show(recording: Folder, as_json: AsJson = False) -> None:
    """Show what is in a recording.

    Example: sensorkit show recordings/bench
    """
    from sensorkit.capture import Recording
    from sensorkit.capture.summary import summarize

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


def _facts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines above the table: (name, text)."""
    reason = f" ({summary['reason']})" if summary["reason"] else ""
    rate = ""
    if summary["rate_hz"]:
        hz = summary["rate_hz"]
        rate = f", {hz:.6g} Hz" if hz >= 1 else f", one every {seconds(1 / hz)}"
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
    from sensorkit.capture import layout, vouched

    if not (recording / layout.MANIFEST).exists():
        meta = layout.read_meta(recording)
        if layout.is_finished(meta):
            _verify_without_manifest(recording, meta["kind"], as_json=as_json)
        if (recording / layout.RAW).exists():
            _verify_unfinished(recording, as_json=as_json)
            return
    # The folder is not opened as a recording: a damaged recording.json is named like any file.
    changes = layout.changes(recording)
    if not changes and (recording / layout.RAW).exists():
        found = vouched.vouched(recording)
        if found.bad is not None:
            changes = {vouched.changed_file(recording, found): f"changed: it {found.sentence()}"}
    score = None if truth is None or changes else _score(recording, truth)
    if as_json:
        told = {"recording": str(recording), "unchanged": not changes, "changes": changes}
        print_json(told if score is None else {**told, "truth": score.to_dict()})
    elif not changes:
        digest = layout.sha256_of(recording / layout.MANIFEST)
        out.print(printable(f"{recording}: unchanged, sha256 {digest}"))
        for name, text in [] if score is None else score.lines():
            out.print(f"{name:<10}{text}")
    if changes:
        names = ", ".join(f"{name} ({what})" for name, what in changes.items())
        raise VerifyError(f"{recording}: is not as it was recorded: {names}")
    if score is not None and not score.ok:
        raise VerifyError(
            f"{recording}: {score.wrong} rows are not as they were sent, {score.refused} intact "
            f"frames are no rows, {score.missing_bytes} bytes are missing and {score.extra_bytes} "
            f"were never sent; {truth} says what was"
        )


def _verify_without_manifest(recording: Path, kind: str, *, as_json: bool) -> NoReturn:
    """Name what is missing of a recording that was finished and has lost its manifest."""
    from sensorkit.capture import layout, vouched

    needed = layout.needed_names(kind)
    changes = {n: "missing" for n in needed if not (recording / n).is_file()}
    found = None
    if layout.RAW in needed and not changes.keys() & {layout.RAW, layout.INDEX}:
        found = vouched.vouched(recording)
        if found.bad is not None:
            changes[vouched.changed_file(recording, found)] = f"changed: it {found.sentence()}"
    changes[layout.MANIFEST] = "missing"
    if as_json:
        told = {"recording": str(recording), "unchanged": False, "changes": changes}
        print_json({**told, "whole": False, "vouched": found and found.to_dict()})
    names = ", ".join(f"{name} ({what})" for name, what in changes.items())
    rest = ""
    if found is not None and found.bad is None:
        rest = f"; {layout.RAW} {found.sentence()}, and nothing vouches for the other files"
    raise VerifyError(f"{recording}: is not as it was recorded: {names}{rest}")


def _verify_unfinished(recording: Path, *, as_json: bool) -> None:
    """Say how far raw.log of a recording without a manifest is as it was received."""
    from sensorkit.capture import vouched

    found = vouched.vouched(recording)
    name = vouched.changed_file(recording, found)
    if as_json:
        changes = {} if found.bad is None else {name: "changed"}
        told = {"recording": str(recording), "unchanged": not changes, "changes": changes}
        print_json({**told, "whole": False, "vouched": found.to_dict()})
    elif found.bad is None:
        out.print(
            printable(
                f"{recording}: was cut off or is still being written; raw.log {found.sentence()}. "
                f"Finish it with `sensorkit recover {recording}`"
            )
        )
    if found.bad is not None:
        raise VerifyError(f"{recording}: is not as it was recorded: {name} {found.sentence()}")


def _score(recording: Path, truth: Path) -> Score:
    from sensorkit.capture import Recording
    from sensorkit.emulator.truth import compare

    return compare(truth, Recording.open(recording))


@command("recover")
def recover(recording: Folder, as_json: AsJson = False) -> None:
    """Finish a recording that was cut off by a kill, a crash or a power cut.

    raw.log is left as it is. That it was changed since it was written is said, and is a failure.

    Example: sensorkit recover recordings/bench
    """
    from sensorkit.capture import Recording, vouched
    from sensorkit.capture.recover import recover as finish

    was_whole = Recording.open(recording).whole
    recovered = finish(recording)
    found = recovered.meta.get("recovered") or {}
    if as_json:
        told = {"recording": str(recording), "status": recovered.status, "was_whole": was_whole}
        reason = recovered.meta["reason"]
        print_json({**told, "reason": reason, "counts": recovered.counts, "recovered": found})
    elif was_whole:
        out.print(printable(f"{recording}: is finished, there is nothing to recover"))
    else:
        _say_recovered(recovered)
    if not was_whole and found["vouched"]["changed_before"] is not None:
        checked = vouched.vouched(recording)
        raise VerifyError(
            f"{recording}: is finished, but {vouched.changed_file(recording, checked)} "
            f"{checked.sentence()}"
        )


def _say_recovered(recovered: Recording) -> None:
    counts, found = recovered.counts, recovered.meta["recovered"]
    out.print(
        printable(
            f"{recovered.dir}: recovered {counts['frames']} frames, "
            f"{sum(counts['rejected'].values())} lines rejected, from {counts['received_bytes']} "
            f"bytes ({recovered.status}: {recovered.meta['reason']})"
        )
    )
    for key, what in (
        ("unindexed_bytes", "bytes had no row in the index; they got the time of the read before"),
        ("rows_without_bytes", "rows of the index tell of bytes that are not in raw.log"),
        ("torn_rows", "lines of the index were torn"),
        ("zero_tail_bytes", "zero bytes at the end of raw.log, as a power cut leaves them"),
        (
            "unreadable_events",
            "lines of events.jsonl could not be read; a link_lost or link_back in them is lost",
        ),
    ):
        if found[key]:
            out.print(f"{found[key]} {what}")


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
    from sensorkit.capture import Recording
    from sensorkit.capture.replay import replay as rebuild

    different = rebuild(Recording.open(recording), folder)
    if as_json:
        print_json({"recording": str(recording), "same": not different, "different": different})
    elif not different:
        out.print(printable(f"{recording}: rebuilt, byte for byte the same"))
    if different:
        raise VerifyError(
            f"{recording}: rebuilding gives other files: {', '.join(different)}; look at them with "
            "--out, and `sensorkit verify` says what was changed since"
        )


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
