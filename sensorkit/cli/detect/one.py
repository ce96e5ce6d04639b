"""One detector over one recording: fitted, calibrated, told of silences, and asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sensorkit.cli.detect.choice import choose, is_file, of_profile
from sensorkit.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from sensorkit.capture import Recording
    from sensorkit.detect import Detector
    from sensorkit.readings import Alert, Readings

FIT_SHARE = 0.3
"""What a detector learns from when no other recording is named: the first part of this one."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    detector: str | None
    settings: list[str]
    fit_on: Path | None
    calibrate_on: Path | None
    false_alarms_per_day: float
    save: Path | None


class Found(NamedTuple):
    """What a detector found in a recording."""

    rows: list[dict[str, Any]]
    """As anomaly_report.json has them."""
    detector: str
    searched: int
    """Readings."""
    notes: list[str]


def examine(examined: Recording, wanted: Wanted) -> Found:
    """Return what the detector that was asked for finds in a recording, in order of time."""
    from sensorkit import detect as detection
    from sensorkit.capture import Recording

    # A device that never said anything has one thing to be found: its silence.
    events = examined.events()
    readings = examined.readings() if _silences(events) else _readings(examined)
    chosen = choose(wanted.detector, wanted.settings, examined, fitted=wanted.fit_on is not None)
    notes: list[str] = []
    skipped = 0
    if wanted.detector is None and examined.profile.detector is not None:
        notes.append(of_profile(examined))
    # The usual one goes without a fit where it can, as in a capture, which has nothing for it.
    to_fit = wanted.fit_on is not None or getattr(chosen, "must_be_fitted", False)
    if to_fit if wanted.detector is None else not is_file(wanted.detector):
        skipped = _fit(chosen, readings, wanted.fit_on, notes)
    if wanted.calibrate_on is not None:
        clean = _readings(Recording.open(wanted.calibrate_on))
        chosen.calibrate(clean, wanted.false_alarms_per_day)
        notes.append(f"{chosen.name} is {getattr(chosen, 'calibration_', 'calibrated')}")
    if wanted.save is not None:
        detection.save(chosen, wanted.save)
        notes.append(f"{chosen.name} is saved in {wanted.save}")
    chosen.reset()
    _listen(chosen, examined)
    ended = examined.meta["ended"] if examined.kind == "captured" else None
    alerts = list(_alerts(chosen, readings, events, skipped, ended))
    if len({alert.device for alert in alerts}) > 1:
        alerts.sort(key=lambda alert: alert.start)  # the clocks of devices may differ
    return Found(detection.report(alerts), chosen.name, len(readings) - skipped, notes)


def _readings(recording: Recording) -> Readings:
    readings = recording.readings()
    if not len(readings):
        raise RecordingError(
            f"{recording.dir}: has no readings ({_rejected(recording)}); look at it with "
            f"`sensorkit show {recording.dir}`"
        )
    return readings


def _rejected(recording: Recording) -> str:
    rejected = sum(recording.counts.get("rejected", {}).values())
    return f"{rejected} lines were rejected" if rejected else "nothing came"


def _fit(detector: Detector, readings: Readings, fit_on: Path | None, notes: list[str]) -> int:
    """Fit on another recording or the first part of this one; return how many that takes."""
    from sensorkit.capture import Recording
    from sensorkit.readings import isoformat

    if not getattr(detector, "learns", True):
        if fit_on is not None:
            raise UsageError(f"--fit-on: {detector.name} learns nothing; leave it out")
        return 0
    if fit_on is not None:
        healthy = _readings(Recording.open(fit_on))
        detector.fit(healthy)
        notes.append(f"{detector.name} is fitted on {fit_on}: {len(healthy)} readings")
        return 0
    n = round(FIT_SHARE * len(readings))
    detector.fit(readings[:n])
    notes.append(
        f"{detector.name} is fitted on the first {FIT_SHARE:.0%} of this recording: {n} readings "
        f"up to {isoformat(int(readings.time[max(n - 1, 0)]))}, taken as healthy and not searched"
    )
    return n


def _alerts(
    detector: Detector,
    readings: Readings,
    events: list[dict[str, Any]],
    skipped: int,
    ended: str | None,
) -> Iterator[Alert]:
    """Yield what begins after the first *skipped* readings, which only warm the detector up.

    The detector is told of each silence when the recorder was, and of one that lasts to the end
    until when that was, so that what it says of a recording is what it said during the capture.
    """
    from sensorkit.detect import advance
    from sensorkit.readings import parse_time

    detector.alerts(readings[:skipped])
    at = skipped
    for time, offset, device in _silences(events):
        stop = int(readings.offset.searchsorted(offset))
        if stop > at:
            yield from detector.alerts(readings[at:stop])
            at = stop
        if stop >= skipped:
            yield from advance(detector, time, device)
    yield from detector.alerts(readings[at:])
    if ended is not None:
        for device in _silent(events):
            yield from advance(detector, parse_time(ended), device)
    yield from detector.finish()


def _listen(detector: Detector, recording: Recording) -> None:
    """Say since when the device was listened to: one that was silent at first is missed too."""
    from sensorkit.readings import parse_time

    listen = getattr(detector, "listen", None)  # a user's own detector may not care
    if listen is not None and recording.kind == "captured":
        for device in recording.profile.expected_devices(recording.meta["device"]):
            listen(parse_time(recording.meta["started"]), device)


def _silences(events: list[dict[str, Any]]) -> list[tuple[int, int, str | None]]:
    """Return time (nanoseconds UTC), offset and, where it is told, device of lost heartbeats."""
    import pandas as pd

    return [
        (pd.Timestamp(event["time"]).value, int(event["offset"]), event["details"].get("device"))
        for event in events
        if event["kind"] == "heartbeat_lost"
    ]


def _silent(events: list[dict[str, Any]]) -> list[str | None]:
    """Return the devices whose heartbeat was lost to the end; None where it is not told whose."""
    silent: dict[str | None, None] = {}
    for event in events:
        device = event["details"].get("device")
        if event["kind"] == "heartbeat_lost":
            silent[device] = None
        elif event["kind"] == "heartbeat_back":
            silent.pop(device, None)
            silent.pop(None, None)  # nobody had spoken yet
    return list(silent)
