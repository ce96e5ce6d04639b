"""What a report says of the recordings and detectors it rests on."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sensorkit.capture import Recording, layout
from sensorkit.evaluate.cell import Cell
from sensorkit.evaluate.events import clean_time, gaps
from sensorkit.evaluate.quality import capture_quality
from sensorkit.evaluate.settings import BASELINES
from sensorkit.evaluate.trial import Trial, by_device, covered_hours
from sensorkit.readings import Readings, isoformat

HOUR_NS = 3.6e12


def describe_recording(recording: Recording, trial: Trial) -> dict[str, Any]:
    """Return the entry of a recording: what was captured, what was lost, where it was cut."""
    readings = Readings.concat(list(trial.stretches.values()))
    default = trial.profile.device
    units = list(by_device(readings, default))
    steps = np.concatenate([np.diff(time) for _, _, time in units])
    gap = np.concatenate([gaps(time) for _, _, time in units])
    none = np.zeros((0, 2), dtype=np.int64)
    clean = 0
    for device, _, time in units:
        mine = [unit for unit in trial.units if unit.device == device]
        clean += clean_time(time, trial.window[mine[0].faults] if mine else none)
    events = recording.events()
    return {
        "name": recording.name,
        "kind": str(recording.kind),
        "status": str(recording.status),
        "profile": trial.profile.name,
        "sha256": recording.sha256,
        "data_sha256": data_sha256(recording),
        "parent": _parent(recording.meta),
        "channels": [
            {"name": channel.name, "unit": channel.unit, "label": channel.title}
            for channel in trial.profile.channels
        ],
        "devices": [device for device, _, _ in units],
        "readings": len(readings),
        "start": isoformat(int(readings.time.min())),
        "end": isoformat(int(readings.time.max())),
        "duration_s": float(readings.time.max() - readings.time.min()) / 1e9,
        "clean_hours": clean / HOUR_NS,
        "step_median_s": float(np.median(steps[steps > 0])) / 1e9 if (steps > 0).any() else None,
        "gaps": int(gap.sum()),
        "gap_s": float(steps[gap].sum()) / 1e9,
        "rejected": _counts(recording.errors()["reason"]),
        "lost": sum(
            int(event.get("details", {}).get("lost", 0))
            for event in events
            if event["kind"] == "sequence_gap"
        ),
        "events": _counts([event["kind"] for event in events]),
        "missing": {
            channel: int(np.isnan(readings.channel(channel)).sum()) for channel in readings.channels
        },
        "quality": capture_quality(recording, readings, trial),
        "stretches": {name: _stretch(part, default) for name, part in trial.stretches.items()},
        "faults": [_fault(fault) for fault in trial.labels.to_dict("records")],
    }


def data_sha256(recording: Recording) -> str:
    """Return the hash of what was measured and labelled: the same readings have the same.

    The identity of a recording covers when bytes came in, too, and what it was made of; two
    captures of one device never share it. Taken from the files, not from the manifest: it is the
    files that detectors were tried on.
    """
    found = hashlib.sha256()
    for name in (layout.METRICS, layout.LABELS):
        path = recording.dir / name
        # A file of labels without any says what no file says.
        if name == layout.METRICS or (path.is_file() and len(recording.labels())):
            found.update(f"{layout.sha256_of(path)}  {name}\n".encode())
    return found.hexdigest()


def describe_detector(
    name: str, parameters: Mapping[str, Any], cells: Sequence[Cell]
) -> dict[str, Any]:
    """Return the entry of a detector; *cells* are those of all recordings."""
    thresholds = {cell.threshold for cell in cells if cell.ok}
    speeds = [cell.microseconds_per_reading for cell in cells if cell.ok]
    return {
        "name": name,
        "baseline": name in BASELINES,
        "parameters": dict(parameters),
        "threshold": thresholds.pop() if len(thresholds) == 1 else None,
        "microseconds_per_reading": float(np.median(speeds)) if speeds else None,
        "calibrations": [_calibration(cell) for cell in cells if cell.ok],
    }


def _calibration(cell: Cell) -> dict[str, Any]:
    found = cell.calibration
    return {
        "recording": cell.recording,
        "threshold": cell.threshold,
        "clean_hours": None if found is None else found.clean_hours,
        "alarms": None if found is None else found.alarms,
        "alarms_per_day": None if found is None else found.alarms_per_day,
        "upper_95_per_day": None if found is None else found.upper_95_per_day,
        "extrapolated": None if found is None else found.extrapolated,
        "fixed": None if found is None else found.fixed,
    }


def _parent(meta: Mapping[str, Any]) -> str | None:
    parent = meta.get("parent")
    if isinstance(parent, Mapping):
        parent = parent.get("name")
    return None if parent is None else str(parent)


def _counts(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(map(str, words)).items()))


def _stretch(part: Readings, default: str) -> dict[str, Any]:
    return {
        "start": isoformat(int(part.time.min())),
        "end": isoformat(int(part.time.max())),
        "readings": len(part),
        "hours": covered_hours(part, default),
    }


def _fault(fault: Mapping[Any, Any]) -> dict[str, Any]:
    channel = fault["channel"]
    return {
        "id": int(fault["id"]),
        "device": str(fault["device"]),
        "kind": str(fault["kind"]),
        "channel": channel if isinstance(channel, str) and channel else None,
        "layer": str(fault["layer"]),
        "start": isoformat(pd.Timestamp(fault["start"]).value),
        "end": isoformat(pd.Timestamp(fault["end"]).value),
        "magnitude": _number(fault["magnitude"]),
        "magnitude_sigma": _number(fault["magnitude_sigma"]),
    }


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
