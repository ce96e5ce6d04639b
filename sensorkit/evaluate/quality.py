"""How well a recording was captured: what was lost, rejected or late, injected faults left out.

Faults are meant to tear holes into a recording. Counted with the rest they would hide what the
wire and the host did, so each count is given twice: outside the faults, and inside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import Recording
from sensorkit.evaluate.clean import gaps
from sensorkit.evaluate.events import nanoseconds
from sensorkit.evaluate.trial import Trial, by_device
from sensorkit.readings import NO_SEQUENCE, Readings, RejectReason, isoformat, parse_time

SECOND_NS = 1e9

NO_FRAMES = frozenset({RejectReason.HEADER, RejectReason.EMPTY})
"""Rejected lines that no device meant as a frame."""

PARTS = 48
"""The time line has so many parts: half-hours of a day."""

COUNTED = ("rejected", "lost", "gaps", "missing")


def capture_quality(recording: Recording, readings: Readings, trial: Trial) -> dict[str, Any]:
    """Return what a capture lost and how steadily its frames came.

    Parameters
    ----------
    recording : Recording
    readings : Readings
        All of the recording.
    trial : Trial
        Says where the faults are.

    Returns
    -------
    dict
        As `recordings[].quality` of report.json.
    """
    holes = _Holes(readings, trial)
    rejected = recording.errors()
    rejected = rejected[~rejected["reason"].isin(NO_FRAMES)]
    rejected_at = nanoseconds(rejected["time"])
    events = recording.events()
    events_at = np.array([parse_time(str(event["time"])) for event in events], dtype=np.int64)
    absent = np.isnan(readings.values).sum(axis=1)
    found = {
        "rejected": (rejected_at, np.ones(len(rejected), dtype=np.int64)),
        "lost": (events_at, np.array([_lost(event) for event in events], dtype=np.int64)),
        "gaps": (holes.gap_at, np.ones(len(holes.gap_at), dtype=np.int64)),
        "missing": (readings.time, absent),
    }
    healthy = {name: ~holes.in_fault(at) for name, (at, _) in found.items()}
    outside = {name: int(n[healthy[name]].sum()) for name, (_, n) in found.items()}
    every = {name: int(n.sum()) for name, (_, n) in found.items()}
    gap_ns = holes.gap_ns[healthy["gaps"]]
    reasons = Counter(map(str, rejected["reason"][healthy["rejected"]]))
    return {
        "frames": len(readings) + len(rejected),
        "rejected": dict(sorted(reasons.items())),
        "checksum_errors": reasons[RejectReason.CHECKSUM] if _checked(recording) else None,
        "lost": outside["lost"] if (readings.sequence != NO_SEQUENCE).any() else None,
        "gaps": outside["gaps"],
        "gap_s": float(gap_ns.sum()) / SECOND_NS,
        "gap_longest_s": float(gap_ns.max(initial=0)) / SECOND_NS,
        "missing": outside["missing"],
        "missing_share": outside["missing"] / readings.values.size,
        **holes.steadiness(),
        "events": _counts(events, healthy["lost"]),
        "in_faults": {name: every[name] - outside[name] for name in COUNTED},
        "over_time": _over_time(
            {name: (at[healthy[name]], n[healthy[name]]) for name, (at, n) in found.items()},
            int(readings.time.min()),
            int(readings.time.max()),
        ),
    }


def _lost(event: Mapping[str, Any]) -> int:
    return int(event.get("details", {}).get("lost", 0)) if event["kind"] == "sequence_gap" else 0


def _checked(recording: Recording) -> bool:
    """Return whether frames carry a checksum, so that a flipped bit is seen."""
    return getattr(recording.profile.frame, "checksum", "none") != "none"


def _counts(events: Sequence[Mapping[str, Any]], healthy: NDArray[np.bool_]) -> dict[str, int]:
    kinds = [str(event["kind"]) for event, there in zip(events, healthy, strict=True) if there]
    return dict(sorted(Counter(kinds).items()))


class _Holes:
    """The steps from reading to reading, device by device, and where faults are."""

    def __init__(self, readings: Readings, trial: Trial) -> None:
        steps, spans, gap_at, gap_ns = [], [], [], []
        for device, _, time in by_device(readings, trial.profile.device):
            window = _reaching_on(_windows_of(trial, device), time)
            spans.append(window)
            every, gap = np.diff(time), gaps(time)
            gap_at.append(time[1:][gap])
            gap_ns.append(every[gap])
            steps.append(every[~gap & ~_within(time[1:], window)])
        self.gap_at = np.concatenate(gap_at)
        """Time of the reading that ended each gap."""
        self.gap_ns = np.concatenate(gap_ns)
        self._steps = np.concatenate(steps)
        self._spans = np.concatenate(spans)

    def in_fault(self, time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which times lie in a fault, or are where it shows."""
        return _within(time, self._spans)

    def steadiness(self) -> dict[str, float | None]:
        """Return the quantiles of the step and their range as a share of the usual step."""
        ahead = self._steps[self._steps > 0]
        if not len(ahead):
            return dict.fromkeys(("step_p5_s", "step_p95_s", "step_largest_s", "jitter"))
        low, high = np.quantile(self._steps, [0.05, 0.95])
        return {
            "step_p5_s": float(low) / SECOND_NS,
            "step_p95_s": float(high) / SECOND_NS,
            "step_largest_s": float(self._steps.max()) / SECOND_NS,
            "jitter": float((high - low) / np.median(ahead)),
        }


def _windows_of(trial: Trial, device: str) -> NDArray[np.int64]:
    rows = [unit.faults for unit in trial.units if unit.device == device]
    return trial.window[rows[0]] if rows else np.zeros((0, 2), dtype=np.int64)


def _reaching_on(window: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the windows to the reading after each: only that one shows that some are missing."""
    after = np.minimum(np.searchsorted(time, window[:, 1], side="right"), len(time) - 1)
    return np.column_stack([window[:, 0], np.maximum(window[:, 1], time[after])])


def _within(time: NDArray[np.int64], spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which times lie in a span, ends included; spans may overlap."""
    begun = np.searchsorted(np.sort(spans[:, 0]), time, side="right")
    over = np.searchsorted(np.sort(spans[:, 1]), time, side="left")
    return np.asarray(begun > over)


def _over_time(
    found: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]], start: int, end: int
) -> list[dict[str, Any]]:
    """Return the counts of each part of the recording in which there is any."""
    # A float holds a span of nanoseconds, but no date in them.
    edges = start + np.linspace(0, end - start + 1, PARTS + 1).astype(np.int64)
    table = np.zeros((PARTS, len(COUNTED)), dtype=np.int64)
    for column, name in enumerate(COUNTED):
        at, n = found[name]
        part = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, PARTS - 1)
        np.add.at(table[:, column], part, n)
    return [
        {
            "start": isoformat(int(edges[part])),
            "end": isoformat(int(edges[part + 1])),
            **dict(zip(COUNTED, table[part].tolist(), strict=True)),
        }
        for part in np.flatnonzero(table.any(axis=1)).tolist()
    ]
