"""The readings around a fault or an alarm: cut out while the run has them, kept, drawn later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.display.figure import Figure
from sensorkit.display.formats import count, number, second, seconds, sized
from sensorkit.display.signal import signal
from sensorkit.evaluate.events import nanoseconds
from sensorkit.faults.base import size_unit
from sensorkit.faults.labels import channels_of
from sensorkit.readings import Readings, isoformat, parse_time

CONTEXT = 1.0
"""Shown before and after, in lengths of the fault or alarm; at least CONTEXT_READINGS."""
CONTEXT_READINGS = 40
MOST = 20_000
"""Readings of an excerpt: what lasts longer is shown from its start."""
POINTS = 400
PARTS = 20
"""Rows of the table behind a plot."""
HEIGHT = 210

COLUMNS = ("From (s)", "To (s)", "Lowest", "Highest", "Readings", "Fault", "Alerts")


class Excerpts:
    """What is cut out of the recordings of a run, as one detector saw it.

    Parameters
    ----------
    cases : DataFrame
        cases.csv.
    detector : str
        Whose alerts are shown.
    readings : mapping from a recording's name to its Readings
        What is of another recording is not cut.
    units : mapping from channel to unit
    """

    def __init__(
        self,
        cases: pd.DataFrame,
        detector: str,
        readings: Mapping[str, Readings],
        units: Mapping[str, str],
    ) -> None:
        self._cases = cases[cases["detector"] == detector]
        # Every excerpt looks at all of them, so they are read once.
        self._start, self._end = (
            nanoseconds(pd.to_datetime(self._cases[name], format="ISO8601", utc=True))
            for name in ("start", "end")
        )
        self._readings = readings
        self._units = units

    def cut(self, chosen: pd.DataFrame) -> list[dict[str, Any]]:
        """Return an excerpt for each case of *chosen*, in its order."""
        return [
            self._one(case) for _, case in chosen.iterrows() if case["recording"] in self._readings
        ]

    def _one(self, case: pd.Series[Any]) -> dict[str, Any]:
        readings = _of_device(self._readings[case["recording"]], case["device"])
        start = _nanoseconds(case["start"])
        end = int(readings.time.max()) if pd.isna(case["end"]) else _nanoseconds(case["end"])
        first, stop = np.searchsorted(readings.time, [start, end + 1])
        around = max(CONTEXT_READINGS, int(CONTEXT * (stop - first)))
        around = min(around, MOST // 2)
        part = readings[slice(max(0, first - around), min(first + MOST, stop + around))]
        channel, on_all = _channel(case, part, (start, end))
        faults, alerts = self._marks(case, channel, part)
        origin = start
        values = part.channel(channel)
        spec = signal(
            part.time,
            values,
            channel=channel,
            unit=self._units.get(channel, ""),
            faults_ns=np.array(faults, dtype=np.int64).reshape(-1, 2),
            alerts_ns=np.array(alerts, dtype=np.int64),
            origin_ns=origin,
            height=HEIGHT,
            points=POINTS,
        )
        return {
            "case": case["case"],
            "kind": _text(case["kind"]),
            "channel": channel,
            "on_all_channels": on_all,
            "where": _text(case["channel"]) if case["case"] == "fault" else None,
            "unit": size_unit(str(case["kind"]), self._units.get(channel, "")),
            "magnitude": _number(case["magnitude"]),
            "magnitude_sigma": _number(case["magnitude_sigma"]),
            "recording": case["recording"],
            "device": case["device"],
            "fault": None if pd.isna(case["fault"]) else int(case["fault"]),
            "start": isoformat(start),
            "end": isoformat(end),
            "lasts_s": (end - start) / 1e9,
            "delay_s": _number(case["delay_s"]),
            "alert_type": _text(case["alert_type"]),
            "peak_score": _number(case["peak_score"]),
            "threshold": _number(case["threshold"]),
            "spec": spec,
            "rows": _stretches(part.time, values, faults, alerts, origin),
        }

    def _marks(
        self, case: pd.Series[Any], channel: str, part: Readings
    ) -> tuple[list[list[int]], list[int]]:
        """Return the faults of the channel and the alerts that fall into the excerpt."""
        cases = self._cases
        here = (cases["recording"] == case["recording"]) & (cases["device"] == case["device"])
        fault = (here & (cases["case"] == "fault")).to_numpy(dtype=np.bool_)
        alarm = here.to_numpy(dtype=np.bool_) & ~fault
        hit = [not names or channel in names for names in map(channels_of, cases["channel"])]
        of_it = np.array(hit, dtype=np.bool_)
        first, last = int(part.time.min()), int(part.time.max())
        shown = fault & of_it & (self._start <= last) & (self._end >= first)
        delay = cases["delay_s"].to_numpy(dtype=np.float64, na_value=np.nan)
        found = fault & np.isfinite(delay)
        after = np.rint(delay[found] * 1e9).astype(np.int64)
        alerts = np.concatenate([self._start[alarm], self._start[found] + after])
        alerts = np.unique(alerts[(alerts >= first) & (alerts <= last)])
        return np.column_stack([self._start, self._end])[shown].tolist(), alerts.tolist()


def _of_device(readings: Readings, device: str) -> Readings:
    """Return the readings of one device, by time; with one device all are its."""
    words = readings.device
    rows = np.arange(len(readings))
    if len(np.unique(words.codes)) > 1 and device in words.vocabulary:
        rows = np.flatnonzero(words.codes == words.vocabulary.index(device))
    return readings[rows[np.argsort(readings.time[rows], kind="stable")]]


def _channel(case: pd.Series[Any], part: Readings, span: tuple[int, int]) -> tuple[str, bool]:
    """Return the channel to draw, and whether the case is of no channel in particular."""
    named = case["channel"] if case["case"] == "fault" else case["alert_channel"]
    for name in channels_of(named):
        if name in part.channels:
            return name, False
    if case["case"] == "fault":
        return part.channels[0], True
    # A detector that looks at all channels at once names none: the one that is farthest out.
    inside = (part.time >= span[0]) & (part.time <= span[1])
    distance = [_farthest(values, inside) for values in part.values.T]
    return part.channels[int(np.argmax(distance))], True


def _farthest(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Return how far the values of *inside* go from the middle of all, in robust sigmas."""
    there = values[np.isfinite(values)]
    mine = values[inside & np.isfinite(values)]
    if not len(mine):
        return 0.0
    middle = float(np.median(there))
    spread = 1.4826 * float(np.median(np.abs(there - middle))) or float(np.std(there)) or 1.0
    return float(np.max(np.abs(mine - middle))) / spread


def _stretches(
    time: NDArray[np.int64],
    values: NDArray[np.float64],
    faults: Sequence[Sequence[int]],
    alerts: Sequence[int],
    origin: int,
) -> list[list[str]]:
    """Return what a plot shows as rows of text: stretches of equal length, their extremes."""
    # A float holds a span of nanoseconds, but no date in them.
    edges = time[0] + np.linspace(0, int(time[-1] - time[0]) + 1, PARTS + 1).astype(np.int64)
    rows = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        mine = values[(time >= low) & (time < high)]
        there = mine[np.isfinite(mine)]
        in_fault = any(start < high and end >= low for start, end in faults)
        seen = [alert for alert in alerts if low <= alert < high]
        rows.append(
            [
                _seconds_from(low, origin),
                _seconds_from(high, origin),
                number(float(there.min()), 4) if len(there) else "none",
                number(float(there.max()), 4) if len(there) else "none",
                count(len(mine)),
                "fault" if in_fault else "",
                ", ".join(f"at {_seconds_from(alert, origin)}" for alert in seen),
            ]
        )
    return rows


def _seconds_from(time: int, origin: int) -> str:
    return f"{(time - origin) / 1e9:.1f}".replace("-", "\N{MINUS SIGN}")


def figure(name: str, detector: str, excerpt: Mapping[str, Any]) -> Figure:
    """Return the figure of an excerpt."""
    said = _fault(excerpt) if excerpt["case"] == "fault" else _alarm(excerpt)
    which = f"fault {excerpt['fault']}" if excerpt["case"] == "fault" else "false alarm"
    return Figure(
        name,
        said,
        f"Line: {excerpt['channel']} in {excerpt['recording']} around a {which} from "
        f"{second(excerpt['start'])} to {second(excerpt['end'])} UTC, as {detector} saw it. "
        f"{said}.",
        excerpt["spec"],
        COLUMNS,
        excerpt["rows"],
    )


def _fault(excerpt: Mapping[str, Any]) -> str:
    """Return what a fault was and how it ended, as "Drift on temperature, 8 °C: ✗ missed"."""
    where = "all channels" if excerpt["on_all_channels"] else excerpt.get("where")
    where = where or excerpt["channel"]
    what = f"{excerpt['kind'].replace('_', ' ')} on {where}"
    size, sigma = excerpt["magnitude"], excerpt["magnitude_sigma"]
    if sigma is not None:
        what += f", {sized(size, excerpt['unit'])} ({number(abs(sigma))} sigma)"
    elif size is not None:
        what += f", {sized(size, excerpt['unit'])}"
    if excerpt["lasts_s"]:
        what += f", lasting {seconds(excerpt['lasts_s'])}"
    delay = excerpt["delay_s"]
    seen = f"✓ found after {seconds(delay)}" if delay is not None else "✗ missed"
    return f"{what[0].upper()}{what[1:]}: {seen}"


def _alarm(excerpt: Mapping[str, Any]) -> str:
    where = (
        f"{excerpt['channel']} is farthest out"
        if excerpt["on_all_channels"]
        else (f"on {excerpt['channel']}")
    )
    lasting = f", lasting {seconds(excerpt['lasts_s'])}" if excerpt["lasts_s"] else ""
    return f"{excerpt['alert_type'] or 'Alert'}: {where}{lasting}"


def score_of(excerpt: Mapping[str, Any]) -> str:
    """Return how near the score came to the threshold, or how far beyond; "" if not known."""
    peak, threshold = excerpt["peak_score"], excerpt["threshold"]
    if peak is None or threshold is None:
        return ""
    return f"highest score {number(peak)}, threshold {number(threshold)}"


def _nanoseconds(time: Any) -> int:
    return parse_time(str(time))


def _number(value: Any) -> float | None:
    return float(value) if pd.notna(value) and np.isfinite(value) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
