"""What became of the smallest drift, spike and stuck value that a detector finds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sensorkit.evaluate.caught import FIRST
from sensorkit.evaluate.figures.smallest import outcome
from sensorkit.evaluate.statistics import Interval, wilson_interval
from sensorkit.evaluate.statistics.changes import difference, ratio
from sensorkit.report.changes.change import SAME, Change, judged
from sensorkit.report.changes.two_runs import Side, TwoRuns


def smallest_found(two: TwoRuns, detector: str) -> list[Change]:
    """Return what became of the smallest drift, spike and stuck value, channel by channel."""
    names = dict(two.pairs)
    places = [_places(side, detector) for side in (two.before, two.after)]
    found = []
    for (recording, device, kind, channel), entry in places[0].items():
        other = places[1].get((names.get(recording, recording), device, kind, channel))
        if other is None:
            continue
        several = [
            channel or "",
            device if len(two.before.report["recordings"][0]["devices"]) > 1 else "",
        ]
        several.append(recording if len(two.pairs) > 1 else "")
        where = ", ".join(part for part in several if part)
        name = f"Smallest {kind.replace('_', ' ')} found" + (f" on {where}" if where else "")
        found.append(_size(entry, other, name))
    order = {kind: place for place, kind in enumerate(FIRST)}
    return sorted(found, key=lambda change: order[change.figure.removeprefix("a90_95_")])


def _places(side: Side, detector: str) -> dict[tuple[str, str, str, str | None], Mapping[str, Any]]:
    return {
        (entry["recording"], entry["device"], entry["kind"], entry["channel"]): entry
        for entry in side.report["detectability"]
        if entry["detector"] == detector and entry["kind"] in FIRST
    }


SIZES = ("unit", "duration_s", "tolerance", "repeats", "smallest", "largest")
"""Another trial of another size is another measurement."""


def _size(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> Change:
    said = tuple(str(outcome(entry)["value"]) for entry in (one, other))
    change = Change(
        f"a90_95_{other['kind']}",
        name,
        one["a90_95"],
        other["a90_95"],
        by_ratio=True,
        paired=False,
        unit=other["unit"],
        said=(said[0], said[1]),
    )
    if {**one, "recording": ""} == {**other, "recording": ""}:
        return replace(change, change=1.0, ci=(1.0, 1.0), word=SAME)
    if changed := [key for key in SIZES if one[key] != other[key]]:
        return replace(change, note=f"measured otherwise: {' and '.join(changed)} changed")
    if None not in (one["a90"], other["a90"], one["a90_ci"], other["a90_ci"]):
        arms = [_positive(entry["a90_ci"]) for entry in (one, other)]
        interval = ratio(one["a90"], arms[0], other["a90"], arms[1])
        factor = other["a90"] / one["a90"]
        return judged(
            change,
            interval,
            better="lower",
            no_change=1.0,
            change=factor,
            note="factor of a90; unpaired, so the interval is wide",
        )
    return _by_share(change, one, other)


def _positive(ends: Sequence[float | None]) -> Interval:
    return ends[0] or 0.0, math.inf if ends[1] is None else ends[1]


def _by_share(change: Change, one: Mapping[str, Any], other: Mapping[str, Any]) -> Change:
    """Compare by the share found of all sizes tried, where a curve gives no size in both."""
    hits, faults = (
        [sum(point[key] for point in entry["points"]) for entry in (one, other)]
        for key in ("hits", "faults")
    )
    if not all(faults):
        return replace(change, note="no fault could be tried in one of them")
    arms = [wilson_interval(hit, n) for hit, n in zip(hits, faults, strict=True)]
    interval = difference(hits[0] / faults[0], arms[0], hits[1] / faults[1], arms[1])
    said = judged(change, interval, better="higher")
    note = f"by all sizes tried: found {hits[0]} of {faults[0]}, now {hits[1]} of {faults[1]}"
    return replace(said, ci=None, note=note)
