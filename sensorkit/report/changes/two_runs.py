"""Two runs side by side: what each of them has, and what of it is of the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.errors import UsageError
from sensorkit.evaluate.evaluation import Evaluation
from sensorkit.report.cases import load_cases
from sensorkit.report.document import read_report
from sensorkit.report.files import read_json

Report = Mapping[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Side:
    """One of two runs."""

    dir: Path
    report: Report
    cases: pd.DataFrame
    facts: Mapping[str, Any]
    """What run.json says."""

    @classmethod
    def read(cls, run_dir: Path, report: Report | None = None) -> Side:
        """Read a run; *report* saves reading it again.

        Raises
        ------
        UsageError
            If it is of a public benchmark, did not pass, is of another version, or is damaged.
        """
        facts = read_json(run_dir / "run.json")
        if facts.get("kind") == "public" or (run_dir / "public.json").exists():
            raise UsageError(
                f"{run_dir}: is a run of the public benchmark {facts.get('dataset')!r}, and runs "
                "are compared on recordings; for public data open the report.html of both runs"
            )
        found = read_report(run_dir) if report is None else report
        return cls(run_dir, found, load_cases(run_dir), facts)

    @cached_property
    def scores(self) -> dict[str, pd.DataFrame] | None:
        """Return the scores of each recording; None where they are gone or damaged."""
        try:
            return Evaluation.read(self.dir).scores
        except (UsageError, OSError, ValueError, KeyError):
            return None

    @cached_property
    def by_detector(self) -> dict[str, dict[str, pd.DataFrame]]:
        """Return the finished cases of each detector by recording, in the order of the file."""
        good = self.cases[self.cases["status"] == "ok"]
        found: dict[str, dict[str, pd.DataFrame]] = {}
        for (detector, recording), rows in good.groupby(["detector", "recording"], sort=False):
            found.setdefault(str(detector), {})[str(recording)] = rows
        return found

    def rank(self, detector: str) -> Mapping[str, Any]:
        """Return the row of the ranking."""
        return _named(self.report["ranking"], detector)

    def detector(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a detector."""
        return _named(self.report["detectors"], name, key="name")

    def result(self, detector: str, recording: str) -> Mapping[str, Any]:
        """Return the row over all kinds of faults."""
        rows: Mapping[tuple[str, str], Mapping[str, Any]] = self._results
        return rows[recording, detector]

    @cached_property
    def _results(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        return {
            (row["recording"], row["detector"]): row
            for row in self.report["results"]
            if row["fault_kind"] is None
        }

    @property
    def detectors(self) -> list[str]:
        """Return the names, best first."""
        return [row["detector"] for row in self.report["ranking"]]


class Faults(NamedTuple):
    """What a detector did with each fault, over all recordings, those of one base together."""

    hit: NDArray[np.bool_]
    delays: Floats
    watched: Floats
    sizes: list[int]
    """Faults of each base."""


@dataclass(frozen=True, eq=False)
class TwoRuns:
    """Two runs of the same data, the earlier one first."""

    before: Side
    after: Side

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Return the names of each recording in both runs: names may differ, data do not."""
        names = [
            [r["name"] for r in sorted(side.report["recordings"], key=_by_data)]
            for side in (self.before, self.after)
        ]
        return list(zip(*names, strict=True))

    @cached_property
    def bases(self) -> list[list[tuple[str, str]]]:
        """Return the pairs by what they are copies of."""
        parents = {r["name"]: r["parent"] or r["name"] for r in self.after.report["recordings"]}
        found: dict[str, list[tuple[str, str]]] = {}
        for pair in self.pairs:
            found.setdefault(parents[pair[1]], []).append(pair)
        return list(found.values())

    @cached_property
    def aligned(self) -> bool:
        """Return whether both scored the same readings, by the same labels."""
        before, after = self.before.scores, self.after.scores
        if before is None or after is None:
            return False
        return all(
            np.array_equal(before[one][column], after[other][column])
            for one, other in self.pairs
            for column in ("time", "label", "device")
        )

    def changed(self, *settings: str) -> list[str]:
        """Return which of these settings differ."""
        one, other = self.before.report["settings"], self.after.report["settings"]
        return [name for name in settings if one.get(name) != other.get(name)]

    def same_cases(self, detector: str) -> bool:
        """Return whether faults, alarms and the scores at them are equal to the last digit."""
        columns = ["case", "fault", "start", "end", "hit", "delay_s", "peak_score", "threshold"]
        mine, theirs = (side.by_detector.get(detector, {}) for side in (self.before, self.after))
        return all(
            one in mine
            and other in theirs
            and mine[one][columns]
            .reset_index(drop=True)
            .equals(theirs[other][columns].reset_index(drop=True))
            for one, other in self.pairs
        )

    def same_scores(self, detector: str) -> bool:
        """Return whether every reading has the same score in both."""
        before, after = self.before.scores, self.after.scores
        if before is None or after is None or not self.aligned:
            return False
        return all(
            detector in before[one]
            and detector in after[other]
            and np.array_equal(before[one][detector], after[other][detector])
            for one, other in self.pairs
        )

    def faults(self, detector: str) -> tuple[Faults, Faults] | None:
        """Return the same faults in both runs, or None where they are not the same."""
        sides, sizes = [], [0] * len(self.bases)
        for place, side in enumerate((self.before, self.after)):
            parts = []
            for number, base in enumerate(self.bases):
                for pair in base:
                    rows = side.by_detector.get(detector, {}).get(pair[place])
                    if rows is None:  # without a fault and without an alarm there is no case
                        continue
                    part = rows[rows["case"] == "fault"]
                    sizes[number] += len(part) if not place else 0
                    parts.append(part)
            sides.append(pd.concat(parts) if parts else self.before.cases.iloc[:0])
        keys = [
            list(zip(side["device"], side["fault"], side["start"], strict=True)) for side in sides
        ]
        if keys[0] != keys[1]:
            return None
        one, other = (
            Faults(
                hit=side["hit"].fillna(False).to_numpy(dtype=np.bool_),
                delays=side["delay_s"].fillna(np.inf).to_numpy(dtype=np.float64),
                watched=side["watched_s"].fillna(np.inf).to_numpy(dtype=np.float64),
                sizes=sizes,
            )
            for side in sides
        )
        return one, other


def data_of(report: Report) -> list[str]:
    """Return the hashes of the data of a report, sorted: what two runs must share."""
    return sorted(str(recording["data_sha256"]) for recording in report["recordings"])


def only_in(one: Report, other: Report) -> list[dict[str, str]]:
    """Return the recordings of *one* whose data *other* has not, or not as often."""
    left = data_of(other)
    found = []
    for recording in one["recordings"]:
        if recording["data_sha256"] in left:
            left.remove(recording["data_sha256"])
        else:
            found.append({key: recording[key] for key in ("name", "data_sha256")})
    return found


def _by_data(recording: Mapping[str, Any]) -> tuple[str, str]:
    return recording["data_sha256"], recording["name"]


def _named(rows: list[Mapping[str, Any]], name: str, key: str = "detector") -> Mapping[str, Any]:
    return next(row for row in rows if row[key] == name)
