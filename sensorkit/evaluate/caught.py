"""What a detector catches, in words: the smallest faults of its detectability curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import seconds, sized
from sensorkit.evaluate.words import listed

Row = Mapping[str, Any]

FIRST = ("drift", "spike", "stuck")
"""Kinds that are named before others."""

MOST_KINDS = 3
"""Named in a sentence; the report's table has all."""

PLURAL = {
    "bias": "level shifts",
    "noise": "rises in noise",
    "stuck": "stuck values",
    "saturation": "saturations",
    "gain": "gain changes",
    "correlation_break": "broken correlations",
}


def caught(curves: Sequence[Row]) -> str:
    """Return a sentence on the faults that one detector catches; empty without a curve.

    Each kind is said with the largest of its a90/95, over channels and recordings: what is true of
    all of them. A channel where it was not reached is named, or all are said to be.

    Parameters
    ----------
    curves : sequence of dict
        Rows of `detectability` in results.json, of one detector.

    Examples
    --------
    >>> row = {"kind": "drift", "channel": "temperature", "unit": "degC", "status": "ok",
    ...        "a90_95": 1.78, "a90_95_sigma": 3.5, "delay_at_a90_s": 40.0}
    >>> spike = {**row, "kind": "spike", "status": "not_reached", "a90_95": None}
    >>> print(caught([row, spike]))
    With 95 % confidence it catches 90 % of drifts from 1.78 degC (half of those caught within \
40 s); for spikes no size tried was shown to reach that.
    """
    kinds: dict[str, list[Row]] = {}
    for row in curves:
        if row["status"] != "not_testable":
            kinds.setdefault(row["kind"], []).append(row)
    order = [*(k for k in FIRST if k in kinds), *(k for k in kinds if k not in FIRST)]
    named = order[:MOST_KINDS]
    reached = [kind for kind in named if any(_reached(row) for row in kinds[kind])]
    missed = [_plural(kind) for kind in named if kind not in reached]
    parts = []
    if reached:
        phrases = [_phrase(kind, kinds[kind]) for kind in reached]
        parts.append(f"with 95 % confidence it catches 90 % of {listed(phrases)}")
    if missed:
        of = listed(missed)
        parts.append(
            f"for {of} no size tried was shown to reach that"
            if reached
            else f"it was not shown to catch 90 % of {of} of any size tried"
        )
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _reached(row: Row) -> bool:
    return row["status"] in {"ok", "all_found"} and row["a90_95"] is not None


def _phrase(kind: str, rows: Sequence[Row]) -> str:
    reached = [row for row in rows if _reached(row)]
    channels = {row["channel"] for row in rows}
    shown = {row["channel"] for row in reached}
    hardest = _hardest(reached)
    notes = []
    if missed := sorted(str(channel) for channel in channels - shown):
        notes.append(f"not shown on {listed(missed)}")
    if any(row["channel"] in shown and not _reached(row) for row in rows):
        notes.append("not shown in every recording")
    delays = [row["delay_at_a90_s"] for row in reached]
    if None not in delays:
        when = f"within {seconds(max(delays))}" if max(delays) > 0 else "at once"
        notes.append(f"half of those caught {when}")
    sizes = listed([_size(row, len(channels) > 1) for row in hardest])
    if len(shown) > len(hardest):
        sizes += ", the hardest channel"
    return f"{_plural(kind)} from {sizes}" + (f" ({'; '.join(notes)})" if notes else "")


def _hardest(rows: Sequence[Row]) -> list[Row]:
    """Return the row with the largest size; one for each unit where sizes do not compare."""
    if all(row.get("a90_95_sigma") is not None for row in rows):
        return [max(rows, key=lambda row: row["a90_95_sigma"])]
    units = dict.fromkeys(row["unit"] for row in rows)
    return [
        max((row for row in rows if row["unit"] == unit), key=lambda row: row["a90_95"])
        for unit in units
    ]


def _size(row: Row, several: bool) -> str:
    on = f" on {row['channel']}" if several and row["channel"] else ""
    return f"{sized(row['a90_95'], row['unit'] or '')}{on}"


def _plural(kind: str) -> str:
    return PLURAL.get(kind, f"{kind.replace('_', ' ')}s")
