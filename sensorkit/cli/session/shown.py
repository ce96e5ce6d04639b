"""`sensorkit show` of a session: a line a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensorkit.cli.app import out, print_json, printable
from sensorkit.display.formats import seconds
from sensorkit.errors import SensorkitError

DEVICE_COLUMNS = ("device", "frames", "rate", "lost", "silences", "from", "to")


def show_session(folder: Path, *, as_json: bool) -> None:
    """Show what is in a session; a recording that was cut off does not hide the others."""
    from sensorkit.capture.session import Session
    from sensorkit.capture.summary import summarize

    session = Session.open(folder)
    there = session.folders()
    devices: list[dict[str, Any]] = []
    for device in session.devices:
        summary: dict[str, Any] | None = None
        problem = None if device["name"] in there else device["reason"] or "it was not begun"
        if problem is None:
            try:
                summary = summarize(session.recording(device["name"]))
            except SensorkitError as error:
                problem = str(error)
        devices.append({**device, "recording": summary, "problem": problem})
    if as_json:
        print_json({**session.meta, "dir": str(folder), "devices": devices})
        return
    reason = f" ({session.reason})" if session.reason else ""
    facts = [
        ("session", f"{session.name}: {session.status}{reason}"),
        ("time", f"{session.meta['started']} to {session.meta.get('ended') or 'not ended'}"),
    ]
    for name, text in facts:
        out.print(f"{name:<10}{printable(text)}")
    out.print()
    out.print(_lines(devices))
    for device in devices:
        if device["problem"] is not None:
            out.print(printable(f"{device['name']}: {device['problem']}"))


def _lines(devices: list[dict[str, Any]]) -> str:
    """Return the table; a column that says the same of all, or nothing new, is left out."""
    rows: list[list[str]] = []
    for device in devices:
        summary = device["recording"]
        found = [] if summary is None else summary["by_device"]
        rejected = "" if summary is None else str(sum(summary["rejected"].values()))
        head = [device["name"], device["profile"], device["status"], rejected]
        for row in found or [None]:
            cells = [""] * len(DEVICE_COLUMNS) if row is None else device_row(row)
            rows.append([*head, *cells])
            head = ["", "", "", ""]
    columns = ["name", "profile", "status", "rejected", *DEVICE_COLUMNS]
    same = len({row[1] for row in rows if row[1]}) == 1
    plain = all(row[4] in ("", row[0]) for row in rows)
    kept = [k for k in range(len(columns)) if not (k == 1 and same) and not (k == 4 and plain)]
    return table_of([columns[k] for k in kept], [[row[k] for k in kept] for row in rows])


def table_of(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as lines that are cut nowhere; words on the left, numbers on the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    numbers = {"rejected", "frames", "rate", "lost", "silences"}
    lines = [
        "  ".join(
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in (columns, *rows)
    ]
    return "\n".join(map(printable, lines))


def rate_of(hz: float) -> str:
    """Return a rate as people say it.

    >>> rate_of(5.0), rate_of(1 / 600)
    ('5 Hz', 'one every 10 min')
    """
    return f"{hz:.6g} Hz" if hz >= 1 else f"one every {seconds(1 / hz)}"


def device_row(device: dict[str, Any]) -> list[str]:
    """Return what `by_device` of a summary says of one, in the order of `DEVICE_COLUMNS`."""
    rate = device["rate_hz"]
    return [
        device["device"] or "(none)",
        str(device["frames"]),
        "" if rate is None else rate_of(rate),
        str(device["lost"]),
        str(device["silences"]),
        *(f"{device[at][:19]}Z" if device[at] else "" for at in ("first", "last")),
    ]
