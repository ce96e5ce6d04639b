"""What there is to know about a recording at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import layout
from sensorkit.capture.reader import Recording
from sensorkit.readings import Readings, Words, isoformat


def summarize(recording: Recording) -> dict[str, Any]:
    """Return counts, rate, span, channels, rejections, events, labels and status, for JSON.

    Raises
    ------
    RecordingError
        If the recording was cut off.
    """
    readings = recording.readings()
    meta, counts = recording.meta, recording.counts
    span_s = float(readings.time.max() - readings.time.min()) / 1e9 if len(readings) else 0.0
    labels, events = recording.labels(), recording.events()
    by_device = _by_device(readings, events)
    return {
        "name": recording.name,
        "dir": str(recording.dir),
        "kind": recording.kind,
        "status": recording.status,
        "reason": meta["reason"],
        "profile": recording.profile.name,
        "device": meta["device"],
        "link": meta.get("link"),
        "parent": meta.get("parent"),
        "source": meta.get("source"),
        "sha256": recording.sha256,
        "started": meta["started"],
        "ended": meta["ended"],
        "span_s": span_s,
        "frames": len(readings),
        # Of the usual step: a gap in the middle does not make a slow device.
        "rate_hz": _all_together([device["rate_hz"] for device in by_device]),
        "rejected": counts.get("rejected", {}),
        "lost": counts.get("lost", 0),
        "bytes": {name: counts[name] for name in counts if name.endswith("_bytes")}
        if recording.has_raw
        else None,
        "devices": _tally(readings.device),
        "by_device": by_device,
        "statuses": _tally(readings.status),
        "channels": [
            {"name": channel.name, "unit": channel.unit, **_range(readings.channel(channel.name))}
            for channel in recording.profile.channels
        ],
        "events": dict(sorted(Counter(event["kind"] for event in events).items())),
        "labels": dict(sorted(Counter(labels["kind"].tolist()).items())),
        "has_labels": (recording.dir / layout.LABELS).is_file(),
    }


def _by_device(readings: Readings, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how each device came through, in the order in which they first spoke."""
    lost: Counter[str] = Counter()
    silences: Counter[str] = Counter()
    for event in events:
        details = event["details"]
        if event["kind"] == "sequence_gap":
            lost[details.get("device", "")] += details["lost"]
        elif event["kind"] == "heartbeat_lost":
            silences[details.get("device", "")] += 1
    names = (*readings.device.vocabulary, "")  # -1 is the last
    codes, first = np.unique(readings.device.codes, return_index=True)
    found = []
    for code in codes[np.argsort(first)].tolist():
        time = readings.time[readings.device.codes == code]
        name = names[code]
        # Events of a device that its frames do not name say nothing of whose they are.
        own = {name, ""} if len(codes) == 1 else {name}
        found.append(
            {
                "device": name,
                "frames": len(time),
                "rate_hz": _rate_hz(time),
                "lost": sum(lost[one] for one in own),
                "silences": sum(silences[one] for one in own),
                "first": isoformat(int(time.min())),
                "last": isoformat(int(time.max())),
            }
        )
    heard = {device["device"] for device in found}
    unheard = [name for name in silences if name and name not in heard]
    nothing = {"frames": 0, "rate_hz": None, "lost": 0, "first": None, "last": None}
    return found + [{"device": n, **nothing, "silences": silences[n]} for n in unheard]


def _all_together(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


MANY_TOGETHER = 0.1
"""With such a share of frames that have the time of the one before, the times are those of reads,
which brought several each."""

GAP_STEPS = 10
"""A step so many times the usual one is a gap."""


def _rate_hz(time: NDArray[np.int64]) -> float | None:
    """Return frames a second, None where all have one time."""
    every = np.diff(time)
    ahead = every[every > 0]
    if not len(ahead):
        return None
    usual = float(np.median(ahead))
    if np.mean(every == 0) < MANY_TOGETHER:
        return 1e9 / usual
    # Reads: all frames over all the time, but without the gaps and the reads that ended them.
    is_gap = (every > GAP_STEPS * usual) | (every < 0)
    read = np.cumsum(every != 0)  # the number of the read, for each frame but the first
    kept = ~np.isin(read, read[is_gap])
    return int(kept.sum()) * 1e9 / float(every[kept].sum())


def _tally(words: Words) -> dict[str, int]:
    counts = np.bincount(words.codes[words.codes >= 0], minlength=len(words.vocabulary))
    return {word: int(n) for word, n in zip(words.vocabulary, counts, strict=True) if n}


def _range(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    known = values[np.isfinite(values)]
    missing = len(values) - len(known)
    if not len(known):
        return {"min": None, "mean": None, "max": None, "missing": missing}
    return {
        "min": float(known.min()),
        "mean": float(known.mean()),
        "max": float(known.max()),
        "missing": missing,
    }
