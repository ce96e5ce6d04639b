"""How a capture went: what it brought, and in one sentence what is wrong with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sensorkit.cli.app import counted, out, print_json, printable
from sensorkit.cli.capture.watching import ENOUGH_LINES, Watch, is_garbage, look_at, main_reason
from sensorkit.errors import RunError

if TYPE_CHECKING:
    from sensorkit.capture.recorder import Recorder


def summarize(recorder: Recorder, watch: Watch, baud: int | None, *, as_json: bool) -> None:
    """Say how it went; a capture that brought nothing, or less than asked, has failed."""
    told = facts(recorder, watch, baud)
    if as_json:
        print_json(told)
    elif watch.feed is not None:
        watch.feed.tell("end", told)
    else:
        out.print(sentence(told))
    if told["problem"] is not None:
        raise RunError(told["problem"])


def facts(recorder: Recorder, watch: Watch, baud: int | None) -> dict[str, Any]:
    """Return how it went, for JSON."""
    from sensorkit import detect

    quality = {} if watch.quality is None else {"quality": watch.quality.facts()}
    return {
        "recording": str(recorder.writer.dir),
        "status": recorder.status,
        "reason": recorder.reason,
        "counts": recorder.writer.meta["counts"],
        "alerts": detect.report(watch.alerts),
        **quality,
        "problem": _problem(recorder, watch.failure, baud),
    }


def sentence(told: dict[str, Any]) -> str:
    """Return the `facts` of a recording in one line."""
    counts = told["counts"] or {}
    rejected = sum(counts.get("rejected", {}).values())
    score = (told.get("quality") or {}).get("score")
    quality = "" if score is None else f", quality {math.floor(score)}"
    return printable(
        f"{told['recording']}: {counted(counts.get('frames', 0), 'frame')}, "
        f"{counted(rejected, 'line')} rejected, {counts.get('lost', 0)} lost, "
        f"{counted(len(told['alerts']), 'alert')}{quality} ({told['reason']})"
    )


def _nothing(link: str) -> str:
    """Return what to look at when not a byte came."""
    if link.startswith(("file:", "-")):
        return "is empty; check what should be in it"
    if "://" in link:
        return "nothing arrived; check that the far end sends, and is not busy with another reader"
    return (
        "nothing arrived; check the cable, the device's power, and that it is the right port "
        "(`sensorkit ports`)"
    )


def _read_of(frames: int, lines: int) -> str:
    """Return how few of the lines were frames.

    >>> _read_of(0, 1), _read_of(2, 30)
    ('the only line could not be read', 'only 2 of 30 lines could be read')
    """
    if not lines:
        return "bytes came, but no line end"
    if lines == 1:
        return "the only line could not be read"
    return f"{f'only {frames}' if frames else 'none'} of {lines} lines could be read"


def _problem(recorder: Recorder, failure: Exception | None, baud: int | None) -> str | None:
    """Return what is wrong with the capture, in one sentence."""
    counts, folder = recorder.counts, recorder.writer.dir
    if recorder.status == "failed":
        return f"{recorder.reason}; what came until then is in {folder}"
    if not counts.received_bytes:
        return f"{recorder.link.name}: {_nothing(recorder.link.name)}"
    rejected = sum(counts.rejected.values())
    lines = counts.frames + rejected
    if not counts.frames or (lines >= ENOUGH_LINES and is_garbage(counts.frames, rejected)):
        why = main_reason(counts.rejected)
        found = look_at(folder, baud)
        return (
            f"{folder}: {_read_of(counts.frames, lines)}{f' (mostly: {why})' if why else ''}; "
            f"{found.findings()}; {found.advice(why, recorder.writer.profile.name)}"
        )
    if recorder.status == "aborted":
        return f"{recorder.reason}; what came is in {folder}"
    if failure is not None:
        return f"the detector failed: {failure}; the recording in {folder} is whole"
    return None
