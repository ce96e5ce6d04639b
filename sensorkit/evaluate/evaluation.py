"""What a benchmark found, and its three files: results.json, cases.csv, scores.npz."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from sensorkit.display.zooming import drawn
from sensorkit.errors import UsageError
from sensorkit.evaluate import showing, spreadsheet
from sensorkit.evaluate.cases import CASE_COLUMNS
from sensorkit.evaluate.flagged import FLAG_FIGURES
from sensorkit.evaluate.ranking import POOLED
from sensorkit.evaluate.rows import COUNTED, EVENT_FIGURES
from sensorkit.evaluate.statistics.blocks import FIGURES
from sensorkit.nearest import unknown
from sensorkit.readings import isoformat

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go

SCHEMA_VERSION = 3

PARTS = (
    "settings",
    "recordings",
    "cells",
    "detectors",
    "results",
    "detectability",
    "ranking",
    "critical_difference",
    "verdict",
)

RESULT_COLUMNS = (
    *("recording", "detector", "fault_kind", "status", "reason", "faults", *COUNTED),
    *(f"{name}{end}" for name in (*EVENT_FIGURES, *FIGURES, *FLAG_FIGURES) for end in ("", "_ci")),
)
RANKING_COLUMNS = (
    *("detector", "baseline", *POOLED, "recordings", "copies", "failed", "note"),
    *("mean_rank", "group", "p_value"),
)
"""What a table has that has no rows."""

SERIES = ("time", "label", "device")
"""Columns of a recording's scores that are no detector."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of a benchmark.

    Attributes
    ----------
    settings, verdict : dict
    recordings, detectors, results, detectability, ranking : list of dict
        As in report.schema.json; a number that does not exist is None.
    cases : DataFrame
        One row for each fault and detector, and one for each episode that hit none.
    scores : dict of str to DataFrame
        Recording -> `time` (nanoseconds UTC), `label` (0 or 1), `device`, and a column for each
        detector that did not fail; one row for each reading of the test stretch.
    cells : list of dict
        How each cell of the grid ended.
    critical_difference : dict, optional
        As `sensorkit.evaluate.statistics.critical_difference` has it; None with too few recordings.
    """

    settings: dict[str, Any]
    recordings: list[dict[str, Any]]
    detectors: list[dict[str, Any]]
    results: list[dict[str, Any]]
    detectability: list[dict[str, Any]]
    ranking: list[dict[str, Any]]
    verdict: dict[str, Any]
    cases: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    cells: list[dict[str, Any]] = field(default_factory=list)
    critical_difference: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return results.json: what report.json holds, but `run`."""
        return {
            "schema_version": SCHEMA_VERSION,
            **{part: plain(getattr(self, part)) for part in PARTS},
        }

    def table(self) -> pd.DataFrame:
        """Return the rows over all fault kinds, best detector first within each recording."""
        place = {row["detector"]: i for i, row in enumerate(self.ranking)}
        rows = [row for row in self.results if row["fault_kind"] is None]
        rows.sort(key=lambda row: (row["recording"], place[row["detector"]]))
        return _table(rows, RESULT_COLUMNS).drop(columns="fault_kind")

    @property
    def figures(self) -> list[str]:
        """Return the names of the figures that `plot` draws: those of the report."""
        return [one.name for one in showing.charts(self)]

    def plot(self, name: str | None = None) -> go.Figure:
        """Return a figure of the report.

        Parameters
        ----------
        name : str, optional
            One of `figures`; the first of them where not given.

        Raises
        ------
        UsageError
            If there is no such figure; the nearest is named.

        Examples
        --------
        ::

            results = benchmark(["recordings/monday-faults"])
            results.figures
            results.plot("found-within")
        """
        return drawn(showing.chosen(showing.charts(self), name))

    def to_frame(self) -> pd.DataFrame:
        """Return the ranking as a table: a row a detector, best first, with all its intervals."""
        return _table(self.ranking, RANKING_COLUMNS).set_index("detector")

    def __getitem__(self, detector: str) -> pd.DataFrame:
        """Return the rows of one detector: a row for each recording and kind of fault.

        Raises
        ------
        KeyError
            If it did not take part; those that did are named.
        """
        names = [row["detector"] for row in self.ranking]
        if detector not in names:
            raise KeyError(unknown("detector", detector, names))
        rows = [row for row in self.results if row["detector"] == detector]
        first = {"recording": None, "fault_kind": None}
        return pd.DataFrame([first | row for row in rows]).drop(columns="detector")

    def __iter__(self) -> Iterator[str]:
        return (row["detector"] for row in self.ranking)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return showing.card(self).text()

    def _repr_html_(self) -> str:
        return showing.card(self).html()

    def write(self, out_dir: Path) -> None:
        """Write the three files into *out_dir*, results.json last, each whole or not at all."""
        out_dir.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            self.to_dict(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
        )
        arrays = {
            f"{recording}/{column}": frame[column].to_numpy(
                dtype=np.str_ if column == "device" else None
            )
            for recording, frame in self.scores.items()
            for column in frame.columns
        }
        cases = spreadsheet.to_csv(self.cases)
        _write(out_dir / "scores.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
        _write(out_dir / "cases.csv", lambda file: file.write(cases.encode()))
        _write(out_dir / "results.json", lambda file: file.write(f"{text}\n".encode()))

    @classmethod
    def read(cls, out_dir: Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        UsageError
            If a file is missing, or of another version.
        """
        for name in ("results.json", "cases.csv", "scores.npz"):
            if not (out_dir / name).is_file():
                raise UsageError(
                    f"{out_dir}: has no {name}; give a folder that a benchmark was written to"
                )
        try:
            found = json.loads((out_dir / "results.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(f"{out_dir / 'results.json'}: is not JSON: {error}") from error
        if not isinstance(found, dict) or found.get("schema_version") != SCHEMA_VERSION:
            had = found.get("schema_version") if isinstance(found, dict) else None
            raise UsageError(
                f"{out_dir / 'results.json'}: has schema_version {had!r}, this version reads "
                f"{SCHEMA_VERSION}; run the benchmark again"
            )
        return cls(
            **{part: found[part] for part in PARTS},
            cases=read_cases(out_dir / "cases.csv"),
            scores=_read_scores(out_dir / "scores.npz"),
        )


def cases_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return cases as a table with the columns and types that `read_cases` gives."""
    frame = pd.DataFrame(rows, columns=list(CASE_COLUMNS))
    return frame.astype({name: _CASE_TYPES.get(name, "string") for name in CASE_COLUMNS})


def read_cases(path: Path) -> pd.DataFrame:
    """Read cases.csv, its texts as they were; only an empty cell is a missing one."""
    types = {name: _CASE_TYPES.get(name, "string") for name in CASE_COLUMNS}
    written = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    return spreadsheet.restored(written)


_CASE_TYPES = {
    "fault": "Int64",
    "magnitude": "float64",
    "magnitude_sigma": "float64",
    "hit": "boolean",
    "after_end": "boolean",
    "delay_s": "float64",
    "watched_s": "float64",
    "episode": "Int64",
    "peak_score": "float64",
    "threshold": "float64",
    "clean_hours": "float64",
}


def plain(value: Any) -> Any:
    """Return *value* as JSON takes it: NaN and infinities become None.

    >>> plain({"a": (1.0, float("inf")), "b": np.float64(2.5)})
    {'a': [1.0, None], 'b': 2.5}
    """
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case float():
            return value if math.isfinite(value) else None
        case pd.Timestamp():
            return isoformat(value.value)
        case None | bool() | int() | str():
            return value
    # A function's own text has the address of this process in it.
    return str(getattr(value, "__qualname__", value))


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return *rows* as a table; one without rows has *columns*."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _read_scores(path: Path) -> dict[str, pd.DataFrame]:
    columns: dict[str, dict[str, Any]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            recording, column = key.rsplit("/", 1)
            columns.setdefault(recording, {})[column] = arrays[key]
    return {recording: pd.DataFrame(series) for recording, series in columns.items()}
