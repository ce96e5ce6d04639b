"""What there is to know about a recording at a glance."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import layout
from sensorkit.capture.reader import Recording
from sensorkit.readings import Words


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
    labels = recording.labels()
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
        "rate_hz": _rate_hz(readings.time),
        "rejected": counts.get("rejected", {}),
        "lost": counts.get("lost", 0),
        "bytes": {name: counts[name] for name in counts if name.endswith("_bytes")}
        if recording.has_raw
        else None,
        "devices": _tally(readings.device),
        "statuses": _tally(readings.status),
        "channels": [
            {"name": channel.name, "unit": channel.unit, **_range(readings.channel(channel.name))}
            for channel in recording.profile.channels
        ],
        "events": dict(sorted(Counter(event["kind"] for event in recording.events()).items())),
        "labels": dict(sorted(Counter(labels["kind"].tolist()).items())),
        "has_labels": (recording.dir / layout.LABELS).is_file(),
    }


def _rate_hz(time: NDArray[np.int64]) -> float | None:
    steps = np.diff(time)
    steps = steps[steps > 0]
    return 1e9 / float(np.median(steps)) if len(steps) else None


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
