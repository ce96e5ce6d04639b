"""What is cut out of the recordings of a run and kept with it: examples.json.

A fault of each kind, the worst misses and the worst false alarms, as the detector saw them that
the report recommends. The readings may be elsewhere, or gone, when the page is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sensorkit.display.figure import Figure
from sensorkit.readings import Readings
from sensorkit.report.files import read_json, write_json
from sensorkit.report.parts import worst
from sensorkit.report.parts.excerpts import Excerpts, figure

FILE = "examples.json"


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
            ["magnitude_sigma", "magnitude", "fault"], na_position="last", key=pd.Series.abs
        )
        rows.append(ordered.iloc[len(ordered) // 2])
    return pd.DataFrame(rows)


def write_examples(
    run_dir: Path,
    cases: pd.DataFrame,
    detector: str,
    readings: Mapping[str, Readings],
    units: Mapping[str, str],
    folders: Mapping[str, Path] | None = None,
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
    folders : mapping from a recording's name to its folder, optional
        For links; one inside the run is linked, any other named.
    """
    excerpts = Excerpts(cases, detector, readings, units)
    write_json(
        run_dir / FILE,
        {
            "detector": detector,
            "examples": excerpts.cut(choose(cases, detector)),
            "misses": excerpts.cut(worst.misses(cases, detector).head(worst.SHOWN)),
            "false_alarms": excerpts.cut(worst.false_alarms(cases, detector).head(worst.SHOWN)),
            "folders": {
                name: _place(folder, run_dir) for name, folder in sorted((folders or {}).items())
            },
        },
    )


def _place(folder: Path, run_dir: Path) -> dict[str, str]:
    """Return where a recording is: relative to the run if it lies in there."""
    at, home = folder.resolve(), run_dir.resolve()
    if at.is_relative_to(home):
        return {"inside": at.relative_to(home).as_posix()}
    return {"path": str(at)}


def read_kept(run_dir: Path) -> dict[str, Any]:
    """Return what a run kept; nothing in it if it kept none."""
    path = run_dir / FILE
    empty = {"detector": "", "examples": [], "misses": [], "false_alarms": [], "folders": {}}
    return {**empty, **read_json(path)} if path.is_file() else empty


def examples(kept: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of one fault of each kind."""
    return [
        figure(f"example-{n}", kept["detector"], excerpt)
        for n, excerpt in enumerate(kept["examples"])
    ]
