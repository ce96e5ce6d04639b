"""A recording at a glance: what it is, how much of it came through, and what each channel holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorkit.capture import layout, tables
from sensorkit.display.cards import Card
from sensorkit.display.formats import count
from sensorkit.errors import SensorkitError
from sensorkit.readings import Readings
from sensorkit.readings.showing import channels, status, tally, when

if TYPE_CHECKING:
    from sensorkit.capture.reader import Recording


def card(recording: Recording) -> Card:
    """Return what is shown of *recording*; of one that was cut off, what is known of it."""
    meta, profile = recording.meta, recording.profile
    facts = [
        ("kind", recording.kind),
        ("status", f"{recording.status} {meta.get('reason') or ''}".strip()),
        ("profile", profile.name),
        *_came_through(recording),
    ]
    shown = []
    readings = _readings(recording)
    if readings is not None:
        units = {one.name: one.unit for one in profile.channels}
        facts += [("readings", count(len(readings))), *when(readings)]
        facts += [("device", tally(readings.device)), ("status words", status(readings))]
        facts += [("faults", _faults(recording))]
        shown = [channels(readings, units)]
    else:
        facts += [(name, str(meta.get(name) or "")) for name in ("device", "started", "ended")]
        facts.append(("channels", ", ".join(profile.channel_names)))
        facts.append(("finish it", f"sensorkit recover {recording.dir}"))
    return Card("Recording", recording.name, facts, shown)


def amount(recording: Recording) -> str:
    """Return the number of readings as a clause; "" while it is not known."""
    frames = recording.counts.get("frames")
    return "" if frames is None else f", {count(frames)} readings"


def _came_through(recording: Recording) -> list[tuple[str, str]]:
    """Say how many lines were no readings, and how many readings never came."""
    counts = recording.counts
    rejected = {str(k): int(n) for k, n in (counts.get("rejected") or {}).items() if n}
    reasons = ", ".join(f"{name} {count(n)}" for name, n in rejected.items())
    return [
        ("rejected", f"{count(sum(rejected.values()))} ({reasons})" if rejected else ""),
        ("lost", count(counts["lost"]) if counts.get("lost") else ""),
    ]


def _readings(recording: Recording) -> Readings | None:
    try:
        return recording.readings()
    except SensorkitError:  # a notebook shows what there is, and says what to do
        return None


def _faults(recording: Recording) -> str:
    labels = tables.read_labels(recording.dir / layout.LABELS)
    kinds = labels["kind"].value_counts(sort=False)
    told = ", ".join(f"{kind} {n}" for kind, n in kinds.items())
    return f"{count(len(labels))} ({told})" if len(labels) else "none"
