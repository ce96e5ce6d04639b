"""How well the recordings of a report were captured: a table over all, and when trouble came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.figure import COLOURS, SYMBOLS, Figure
from sensorkit.display.formats import NONE, count, number, percent, second, seconds
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN, rows_cut

Report = Mapping[str, Any]

COLUMNS = (
    *("Recording", "What stands out", "Frames", "Lost frames", "Checksum errors", "Rejected"),
    *("Gaps", "Missing values", "Jitter"),
)
FIGURES_SHOWN = 6
"""Recordings with trouble, drawn over time."""
USUAL_JITTER = 0.2
"""Of the step. Above it frames come unsteadily enough to matter to rates of change."""
USUAL_SPREAD_S = 0.032
"""A USB adapter hands bytes on every 16 ms, so a frame may seem early or late by that much."""

KINDS = (("rejected", "rejected"), ("lost", "lost"), ("gaps", "gaps"), ("missing", "missing"))
TROUBLE = ("device_reset", "overrun", "link_lost", "clock_step")
"""Events that nobody expects of a healthy bench."""


def captured(report: Report) -> dict[str, Any]:
    """Return the table of capture quality, a row a recording."""
    recordings = report["recordings"]
    return {
        "columns": COLUMNS,
        "rows": [_row(recording) for recording in recordings[:ROWS_SHOWN]],
        "cut": rows_cut(len(recordings)),
        "in_faults": any(any(r["quality"]["in_faults"].values()) for r in recordings),
    }


def _row(recording: Mapping[str, Any]) -> dict[str, Any]:
    quality = recording["quality"]
    inside = quality["in_faults"]
    rejected = sum(quality["rejected"].values())
    notes = stands_out(quality)
    gaps = (
        ""
        if not quality["gaps"]
        else (f"{seconds(quality['gap_s'])}, longest {seconds(quality['gap_longest_s'])}")
    )
    return {
        "name": recording["name"],
        "cells": [
            _cell(count(quality["frames"])),
            _cell(*_known(quality["lost"], "no counter"), _in_faults(inside["lost"])),
            _cell(*_known(quality["checksum_errors"], "no checksum")),
            _cell(count(rejected), _reasons(quality["rejected"]), _in_faults(inside["rejected"])),
            _cell(count(quality["gaps"]), gaps, _in_faults(inside["gaps"])),
            _cell(
                count(quality["missing"]),
                percent(quality["missing_share"]) if quality["missing"] else "",
                _in_faults(inside["missing"]),
            ),
            _cell(percent(quality["jitter"]), *_steps(quality)),
        ],
        "notes": notes,
    }


def _cell(value: str, *details: str) -> dict[str, Any]:
    return {"value": value, "details": [detail for detail in details if detail]}


def _known(value: int | None, otherwise: str) -> tuple[str, ...]:
    return ("not known", otherwise) if value is None else (count(value),)


def _in_faults(n: int) -> str:
    return f"{count(n)} more in faults" if n else ""


def _reasons(rejected: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count(n)}" for name, n in sorted(rejected.items()))


def _steps(quality: Mapping[str, Any]) -> tuple[str, ...]:
    if quality["step_p5_s"] is None:
        return ()
    low, high = seconds(quality["step_p5_s"]), seconds(quality["step_p95_s"])
    return (
        f"steps of {low}" if low == high else f"steps {low} to {high}",
        f"largest {seconds(quality['step_largest_s'])}",
    )


def stands_out(quality: Mapping[str, Any]) -> list[str]:
    """Return what is not as on a healthy wire; nothing where all is.

    >>> stands_out({"lost": 4, "frames": 9, "checksum_errors": 0, "rejected": {"partial_start": 1},
    ...     "gaps": 0, "missing": 0, "jitter": 0.0, "step_p5_s": 1.0, "step_p95_s": 1.0,
    ...     "events": {}})
    ['4 frames lost']
    """
    # A capture may begin in the middle of a line: that one is nobody's fault.
    rejected = sum(n for why, n in quality["rejected"].items() if why != "partial_start")
    rejected -= quality["checksum_errors"] or 0
    found = [
        (quality["lost"] or 0, "frame", "lost"),
        (quality["checksum_errors"] or 0, "checksum error", ""),
        (
            rejected,
            "frame",
            "rejected for another reason" if quality["checksum_errors"] else ("rejected"),
        ),
        (quality["gaps"], "gap", ""),
        (quality["missing"], "value", "missing"),
        *((quality["events"].get(kind, 0), kind.replace("_", " "), "") for kind in TROUBLE),
    ]
    said = [
        f"{count(n)} {what}{'' if n == 1 else 's'} {how}".rstrip() for n, what, how in found if n
    ]
    if quality["jitter"] is not None and quality["jitter"] > USUAL_JITTER:
        spread = quality["step_p95_s"] - quality["step_p5_s"]
        said += [f"jitter of {seconds(spread)}"] if spread > USUAL_SPREAD_S else []
    return said


def over_time(report: Report) -> tuple[list[Figure], str]:
    """Return a figure for each recording in which anything was lost, and what is left out."""
    troubled = [r for r in report["recordings"] if r["quality"]["over_time"]]
    troubled.sort(
        key=lambda r: sum(p[key] for p in r["quality"]["over_time"] for key, _ in KINDS),
        reverse=True,
    )
    cut = (
        f"The {FIGURES_SHOWN} of {len(troubled)} recordings with the most are drawn."
        if len(troubled) > FIGURES_SHOWN
        else ""
    )
    return [_figure(n, recording) for n, recording in enumerate(troubled[:FIGURES_SHOWN])], cut


def _figure(n: int, recording: Mapping[str, Any]) -> Figure:
    parts = recording["quality"]["over_time"]
    totals = {key: sum(part[key] for part in parts) for key, _ in KINDS}
    said = ", ".join(f"{name} {count(totals[key])}" for key, name in KINDS if totals[key])
    return Figure(
        f"capture-{n}",
        f"When it came in {recording['name']}: a mark for each 48th of the recording that has any, "
        "larger for more",
        f"Marks along the time of {recording['name']}: {said}, outside the faults.",
        _spec(recording, parts),
        ("From (UTC)", "To (UTC)", "Rejected", "Lost", "Gaps", "Missing values"),
        [
            (
                second(part["start"]),
                second(part["end"]),
                *(count(part[key]) if part[key] else NONE for key, _ in KINDS),
            )
            for part in parts
        ],
    )


def _spec(recording: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = [(key, name) for key, name in KINDS if any(part[key] for part in parts)]
    data = []
    for place, (key, name) in enumerate(shown):
        mine = [part for part in parts if part[key]]
        most = max(part[key] for part in mine)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [part["start"] for part in mine],
                "y": [name] * len(mine),
                "text": [number(part[key], 6) for part in mine],
                "hovertemplate": "%{y}: %{text} from %{x}<extra></extra>",
                "cliponaxis": False,
                # By area, so that twice as many look twice as much.
                "marker": {
                    "size": [7 + 11 * (part[key] / most) ** 0.5 for part in mine],
                    "symbol": SYMBOLS[place],
                    "color": COLOURS[place],
                },
            }
        )
    return {
        "data": data,
        "layout": {
            "height": 78 + 30 * len(shown),
            "showlegend": False,
            "margin": {"l": 76, "r": 18, "t": 10, "b": 40},
            "xaxis": {"type": "date", "range": [recording["start"], recording["end"]]},
            "yaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [name for _, name in reversed(shown)],
                "range": [-0.7, len(shown) - 0.3],
            },
        },
    }
