"""A fault of each kind as the detector saw it: cut out of the recordings, kept with the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sensorkit.display.figure import Figure
from sensorkit.display.formats import number, second, seconds
from sensorkit.display.signal import signal
from sensorkit.readings import Readings, isoformat, parse_time
from sensorkit.report.files import read_json, write_json

FILE = "examples.json"
CONTEXT = 2.0
"""Shown before and after a fault, in its own lengths; at least CONTEXT_READINGS."""
CONTEXT_READINGS = 40
POINTS = 400


def choose(cases: pd.DataFrame, detector: str) -> pd.DataFrame:
    """Return a case of *detector* for each kind: the middle one by size, on channels in turn.

    Parameters
    ----------
    cases : DataFrame
        cases.csv.
    """
    mine = cases[(cases["case"] == "fault") & (cases["status"] == "ok")]
    mine = mine[mine["detector"] == detector]
    channels = sorted(mine["channel"].dropna().unique())
    rows = []
    for place, (_, kind) in enumerate(mine.groupby("kind", sort=True)):
        wanted = channels[place % len(channels)] if channels else None
        on_wanted = kind[kind["channel"] == wanted]
        ordered = (kind if on_wanted.empty else on_wanted).sort_values(
            ["magnitude_sigma", "fault"], na_position="last", key=_size
        )
        rows.append(ordered.iloc[len(ordered) // 2])
    return pd.DataFrame(rows)


def _size(column: pd.Series) -> pd.Series:
    return column.abs()


def write_examples(
    run_dir: Path,
    cases: pd.DataFrame,
    detector: str,
    readings: Mapping[str, Readings],
    units: Mapping[str, str],
) -> None:
    """Write examples.json of a run.

    Parameters
    ----------
    run_dir : Path
    cases : DataFrame
        cases.csv.
    detector : str
        Whose alerts are shown.
    readings : mapping from a recording's name to its Readings
    units : mapping from channel to unit
    """
    mine = cases[cases["detector"] == detector]
    examples = [
        _cut(
            case,
            readings[case["recording"]],
            mine[mine["recording"] == case["recording"]],
            units,
        )
        for _, case in choose(cases, detector).iterrows()
        if case["recording"] in readings
    ]
    write_json(run_dir / FILE, {"detector": detector, "examples": examples})


def _cut(
    case: Any, readings: Readings, cases: pd.DataFrame, units: Mapping[str, str]
) -> dict[str, Any]:
    """Cut out the readings around a case, with all faults and alerts that fall among them."""
    start, end = _nanoseconds(case["start"]), _nanoseconds(case["end"])
    first, last = np.searchsorted(readings.time, [start, end])
    around = max(CONTEXT_READINGS, int(CONTEXT * (last - first)))
    part = readings[slice(max(0, first - around), last + around + 1)]
    on_all = not isinstance(case["channel"], str)
    channel = readings.channels[0] if on_all else case["channel"]
    is_fault = cases["case"] == "fault"
    here = cases[is_fault & (cases["channel"].isna() | (cases["channel"] == channel))]
    spans = [[_nanoseconds(row["start"]), _nanoseconds(row["end"])] for _, row in here.iterrows()]
    found = cases[is_fault & np.isfinite(cases["delay_s"])]
    alerts = [_nanoseconds(time) for time in cases.loc[~is_fault, "start"]]
    alerts += [
        _nanoseconds(row["start"]) + round(row["delay_s"] * 1e9) for _, row in found.iterrows()
    ]
    shown_from, shown_to = int(part.time.min()), int(part.time.max())
    return {
        "kind": case["kind"],
        "channel": channel,
        "on_all_channels": on_all,
        "unit": units.get(channel, ""),
        "magnitude_sigma": _number(case["magnitude_sigma"]),
        "recording": case["recording"],
        "fault": int(case["fault"]),
        "start": isoformat(start),
        "end": isoformat(end),
        "delay_s": _number(case["delay_s"]),
        "faults_ns": [s for s in spans if s[0] <= shown_to and s[1] >= shown_from],
        "alerts_ns": sorted({a for a in alerts if shown_from <= a <= shown_to}),
        "time_ns": part.time.tolist(),
        "values": [_number(value) for value in part.channel(channel).tolist()],
    }


def _nanoseconds(time: Any) -> int:
    return parse_time(str(time))


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def read_examples(run_dir: Path) -> list[Figure]:
    """Return the figures of a run's examples; none if it kept none."""
    path = run_dir / FILE
    if not path.is_file():
        return []
    kept = read_json(path)
    return [_figure(n, kept["detector"], example) for n, example in enumerate(kept["examples"])]


def _figure(number_: int, detector: str, example: Mapping[str, Any]) -> Figure:
    size = example["magnitude_sigma"]
    where = "all channels" if example["on_all_channels"] else example["channel"]
    what = f"{example['kind'].replace('_', ' ')} on {where}"
    if size is not None:
        what += f", {number(abs(size))} sigma"
    delay = example["delay_s"]
    seen = f"found after {seconds(delay)}" if delay is not None else "missed"
    time = np.array(example["time_ns"], dtype=np.int64)
    values = np.array([np.nan if v is None else v for v in example["values"]])
    spec = signal(
        time,
        values,
        channel=example["channel"],
        unit=example["unit"],
        faults_ns=np.array(example["faults_ns"], dtype=np.int64),
        alerts_ns=np.array(example["alerts_ns"], dtype=np.int64),
        origin_ns=parse_time(example["start"]),
        height=210,
        points=POINTS,
    )
    which = f"fault {example['fault']} of {example['recording']}"
    return Figure(
        f"example-{number_}",
        f"{what[0].upper()}{what[1:]}: {'✓' if delay is not None else '✗'} {seen}",
        f"Line: {example['channel']} around {which}, {what}, from {second(example['start'])} to "
        f"{second(example['end'])} UTC; {detector}: {seen}.",
        spec,
    )
