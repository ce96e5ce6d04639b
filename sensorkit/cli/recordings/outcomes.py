"""What a check of a recording found: for a machine, for a person, and what is wrong.

`verify`, `recover` and `replay` say the same of a recording alone and of each in a session.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sensorkit.cli.app import out, print_json, printable
from sensorkit.errors import RunError, SensorkitError, VerifyError

if TYPE_CHECKING:
    from sensorkit.capture import Recording
    from sensorkit.emulator.truth import Score


class Outcome(NamedTuple):
    """What was found."""

    told: dict[str, Any]
    """For JSON."""
    lines: list[str]
    problem: str | None = None


def say(outcome: Outcome, *, as_json: bool) -> None:
    """Print what was found of a recording.

    Raises
    ------
    VerifyError
        If something is wrong.
    """
    if as_json:
        print_json(outcome.told)
    else:
        for line in outcome.lines:
            out.print(printable(line))
    if outcome.problem is not None:
        raise VerifyError(outcome.problem)


def say_each(folder: Path, look: Callable[[Path, str], Outcome], *, as_json: bool) -> None:
    """Look at each recording of a session and print what was found, whatever one of them has.

    Parameters
    ----------
    folder : path
    look : callable
        Takes the folder of a recording and the name of its device.

    Raises
    ------
    RunError
        If something is wrong with one of them; all were looked at.
    """
    from sensorkit.capture.session import Session

    session = Session.open(folder)
    there = session.folders()
    devices: list[dict[str, Any]] = []
    problems: dict[str, str] = {}
    for device in session.devices:
        name = device["name"]
        if name not in there:
            devices.append({"name": name, "recording": None, "problem": device["reason"]})
            if not as_json:
                out.print(printable(f"{name}: has no recording: {device['reason'] or 'not begun'}"))
            continue
        try:
            outcome = look(there[name], name)
        except SensorkitError as error:
            outcome = Outcome({"recording": str(there[name])}, [], str(error))
        devices.append({"name": name, **outcome.told, "problem": outcome.problem})
        if outcome.problem is not None:
            problems[name] = outcome.problem
        if not as_json:
            for line in outcome.lines:
                out.print(printable(line))
    if as_json:
        print_json({"session": str(folder), "devices": devices})
    if problems:
        raise RunError("; ".join(problems.values()))


def verified(recording: Path, truth: Path | None) -> Outcome:
    """Return what differs from the manifest, or from the hashes that were noted."""
    from sensorkit.capture import layout, vouched

    if not (recording / layout.MANIFEST).exists():
        meta = layout.read_meta(recording)
        if layout.is_finished(meta):
            return _without_manifest(recording, meta["kind"])
        if (recording / layout.RAW).exists():
            return _unfinished(recording)
    # The folder is not opened as a recording: a damaged recording.json is named like any file.
    changes = layout.changes(recording)
    if not changes and (recording / layout.RAW).exists():
        found = vouched.vouched(recording)
        if found.bad is not None:
            changes = {vouched.changed_file(recording, found): f"changed: it {found.sentence()}"}
    score = None if truth is None or changes else _score(recording, truth)
    told = {"recording": str(recording), "unchanged": not changes, "changes": changes}
    if changes:
        names = ", ".join(f"{name} ({what})" for name, what in changes.items())
        return Outcome(told, [], f"{recording}: is not as it was recorded: {names}")
    digest = layout.sha256_of(recording / layout.MANIFEST)
    lines = [f"{recording}: unchanged, sha256 {digest}"]
    if score is None:
        return Outcome(told, lines)
    lines += [f"{name:<10}{text}" for name, text in score.lines()]
    problem = None
    if not score.ok:
        problem = (
            f"{recording}: {score.wrong} rows are not as they were sent, {score.refused} intact "
            f"frames are no rows, {score.missing_bytes} bytes are missing and {score.extra_bytes} "
            f"were never sent; {truth} says what was"
        )
    return Outcome({**told, "truth": score.to_dict()}, lines, problem)


def _without_manifest(recording: Path, kind: str) -> Outcome:
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
    told = {"recording": str(recording), "unchanged": False, "changes": changes}
    told |= {"whole": False, "vouched": found and found.to_dict()}
    names = ", ".join(f"{name} ({what})" for name, what in changes.items())
    rest = ""
    if found is not None and found.bad is None:
        rest = f"; {layout.RAW} {found.sentence()}, and nothing vouches for the other files"
    return Outcome(told, [], f"{recording}: is not as it was recorded: {names}{rest}")


def _unfinished(recording: Path) -> Outcome:
    """Say how far raw.log of a recording without a manifest is as it was received."""
    from sensorkit.capture import vouched

    found = vouched.vouched(recording)
    name = vouched.changed_file(recording, found)
    changes = {} if found.bad is None else {name: "changed"}
    told = {"recording": str(recording), "unchanged": not changes, "changes": changes}
    told |= {"whole": False, "vouched": found.to_dict()}
    if found.bad is not None:
        problem = f"{recording}: is not as it was recorded: {name} {found.sentence()}"
        return Outcome(told, [], problem)
    said = (
        f"{recording}: was cut off or is still being written; raw.log {found.sentence()}. "
        f"Finish it with `sensorkit recover {recording}`"
    )
    return Outcome(told, [said])


def _score(recording: Path, truth: Path) -> Score:
    from sensorkit.capture import Recording
    from sensorkit.emulator.truth import compare

    return compare(truth, Recording.open(recording))


def recovered(recording: Path) -> Outcome:
    """Finish a recording that was cut off, and return what was found."""
    from sensorkit.capture import Recording, vouched
    from sensorkit.capture.recover import recover

    was_whole = Recording.open(recording).whole
    finished = recover(recording)
    found = finished.meta.get("recovered") or {}
    told = {
        "recording": str(recording),
        "status": finished.status,
        "was_whole": was_whole,
        "reason": finished.meta["reason"],
        "counts": finished.counts,
        "recovered": found,
    }
    if was_whole:
        return Outcome(told, [f"{recording}: is finished, there is nothing to recover"])
    problem = None
    if found["vouched"]["changed_before"] is not None:
        checked = vouched.vouched(recording)
        problem = (
            f"{recording}: is finished, but {vouched.changed_file(recording, checked)} "
            f"{checked.sentence()}"
        )
    return Outcome(told, _what_was_recovered(finished), problem)


def _what_was_recovered(finished: Recording) -> list[str]:
    counts, found = finished.counts, finished.meta["recovered"]
    lines = [
        f"{finished.dir}: recovered {counts['frames']} frames, "
        f"{sum(counts['rejected'].values())} lines rejected, from {counts['received_bytes']} "
        f"bytes ({finished.status}: {finished.meta['reason']})"
    ]
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
            lines.append(f"{found[key]} {what}")
    return lines


def replayed(recording: Path, out_folder: Path | None) -> Outcome:
    """Rebuild the derived files and return which of them come out differently."""
    from sensorkit.capture import Recording
    from sensorkit.capture.replay import replay

    different = replay(Recording.open(recording), out_folder)
    told = {"recording": str(recording), "same": not different, "different": different}
    if not different:
        return Outcome(told, [f"{recording}: rebuilt, byte for byte the same"])
    problem = (
        f"{recording}: rebuilding gives other files: {', '.join(different)}; look at them with "
        "--out, and `sensorkit verify` says what was changed since"
    )
    return Outcome(told, [], problem)
