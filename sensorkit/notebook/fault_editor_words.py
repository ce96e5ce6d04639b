"""What stands around the controls of the fault editor, as HTML and as lines of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sensorkit.display import formats
from sensorkit.display.formats import visible
from sensorkit.faults import KINDS
from sensorkit.notebook.fault_editor_drafts import Draft

CELL = "padding: 0.1em 0.9em; text-align: left"


def refusals(refused: Mapping[str, str]) -> str:
    """Return which kinds of faults a recording cannot have, by the reason why."""
    lines = []
    for reason in dict.fromkeys(refused.values()):
        kinds = ", ".join(kind for kind, why in refused.items() if why == reason)
        lines.append(f"Not for this recording: {kinds} ({reason}).")
    return f'<div style="line-height: 1.4"><small>{"<br>".join(map(escape, lines))}</small></div>'


def titles(drafts: Sequence[Draft]) -> list[tuple[str, int]]:
    """Return what the list of faults says of each."""
    return [
        (
            f"{number}: {draft.kind}"
            + (f" on {draft.channel}" if KINDS[draft.kind].layer == "signal" else "")
            + f" at {draft.start_s:g} s",
            number,
        )
        for number, draft in enumerate(drafts, 1)
    ]


def as_html(said: Sequence[Mapping[str, Any]], *, exact: bool) -> str:
    """Return what the detectors say as a table."""
    head = ("detector", "fault", "found", "delay", "false alarms in the test")
    rows = []
    for row in said:
        found = delay = fault = ""
        if "fault" in row:
            on = f" on {row['channel']}" if row["channel"] else ""
            fault = f"{row['fault']}: {row['kind']}{on}"
            found = "✓ found" if row["found"] else "✗ missed"
            delay = formats.seconds(row["delay_s"])
        cells = (fault, found, delay, str(row["false_alarms"]))
        rows.append(
            f'<tr><th scope="row" style="{CELL}">{escape(visible(row["detector"]))}</th>'
            + "".join(f'<td style="{CELL}">{escape(visible(cell))}</td>' for cell in cells)
            + "</tr>"
        )
    note = (
        ""
        if exact
        else "<p><small>The test is long: what is alerted well after the last fault is taken from "
        "the healthy readings.</small></p>"
    )
    heads = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in head)
    return (
        f"<table><caption>What each detector says</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{note}"
    )
