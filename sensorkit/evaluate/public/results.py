"""What a public benchmark found: one row a detector, the published rows, one row a series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from sensorkit.errors import UsageError
from sensorkit.evaluate import spreadsheet

SCHEMA_VERSION = 1
FILE = "public.json"
BY_SERIES = "series.csv"


@dataclass(frozen=True, eq=False)
class PublicResults:
    """The result of `public_benchmark`; all of it is ready for JSON.

    Attributes
    ----------
    dataset, title : str
    sentence : str
        What the table says, and never more.
    protocol, warnings, notes : list of str
        How it was judged; what a reader has to know; what is special of these series.
    columns : list of dict
        key, title, better, labels (its threshold was chosen on the labels of the test), unit.
    headline, comparable : str
        Key of the column that ranks ours; of the one under which rows are published ("" if none).
    rows : list of dict
        Chance first, then ours, best first: detector, role (chance or ours), status (ok, partial,
        failed), reason, series, failed, one entry a column, `<column>_ci` where there are enough
        independent series, rank, rank_of and rank_ci (best and worst place that the interval
        allows) among the published, or not_comparable.
    published : list of dict
        As the set publishes them: method, figures, source, version, date, comparable, note.
    per_series : list of dict
        series, unit, detector, status, reason and what was measured there.
    comparison, critical_difference : dict or None
    settings : dict
        detectors, limit, seed, resamples, series, whole.
    """

    dataset: str
    title: str
    sentence: str
    protocol: list[str]
    warnings: list[str]
    notes: list[str]
    columns: list[dict[str, Any]]
    headline: str
    comparable: str
    rows: list[dict[str, Any]]
    published: list[dict[str, Any]]
    per_series: list[dict[str, Any]]
    comparison: dict[str, Any] | None
    critical_difference: dict[str, Any] | None
    settings: dict[str, Any]

    def table(self) -> pd.DataFrame:
        """Return the figures of ours and of chance, one row a detector, NaN where there is none."""
        keys = [column["key"] for column in self.columns]
        rows = [{key: row.get(key) for key in ("detector", "role", *keys)} for row in self.rows]
        frame = pd.DataFrame(rows, columns=["detector", "role", *keys]).set_index("detector")
        return frame.astype(dict.fromkeys(keys, float))

    def leaderboard(self) -> pd.DataFrame:
        """Return ours, chance and the published rows by the figure that is published."""
        key = self.comparable or self.headline
        rows = [(row["detector"], row["role"], row.get(key), "") for row in self.rows]
        rows += [
            (row["method"], "published", row.get(key), row.get("note") or "")
            for row in self.published
            if row.get(key) is not None
        ]
        frame = pd.DataFrame(rows, columns=["method", "by", key, "note"])
        return frame.sort_values(key, ascending=False, kind="stable", ignore_index=True)

    def of(self, detector: str) -> dict[str, Any]:
        """Return the row of a detector.

        Raises
        ------
        UsageError
            If it was not tried.
        """
        for row in self.rows:
            if row["detector"] == detector:
                return row
        known = ", ".join(row["detector"] for row in self.rows)
        raise UsageError(f"{detector!r} was not tried on {self.dataset}; there are {known}")

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def write(self, folder: Path) -> None:
        """Write public.json, and series.csv with one row a series and detector, into *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")
        text = spreadsheet.to_csv(pd.DataFrame(self.per_series))
        (folder / BY_SERIES).write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what `write` wrote.

        Raises
        ------
        UsageError
            If there is no such file, or it is of another kind.
        """
        path = folder / FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version = values.pop("schema_version")
            if version != SCHEMA_VERSION:
                raise UsageError(
                    f"{path}: schema_version is {version!r}, {SCHEMA_VERSION} is wanted; run the "
                    "benchmark again"
                )
            return cls(**values)
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be read ({error.strerror}); a folder that a public benchmark "
                "wrote is wanted"
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(f"{path}: is no result of a public benchmark") from error


def plain(value: Any) -> Any:
    """Return a number of numpy as JSON can have it; None for one that is not finite.

    >>> plain(np.float64("nan")), plain(np.array(2.0))
    (None, 2.0)
    """
    number = float(value)
    return number if np.isfinite(number) else None


def failed_reason(reasons: Sequence[str]) -> str:
    """Return the most frequent reason, and how many others there are.

    >>> failed_reason(["a", "b", "a"])
    'a (and 1 other reason)'
    """
    distinct = sorted(set(reasons), key=lambda reason: (-reasons.count(reason), reason))
    others = len(distinct) - 1
    if not others:
        return distinct[0]
    return f"{distinct[0]} (and {others} other reason{'s' if others > 1 else ''})"
