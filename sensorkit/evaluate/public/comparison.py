"""What a table of a public benchmark lets one say: who can be told apart, and who ranks where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sensorkit.evaluate.public.pooling import Floats, interval, two_sided_p
from sensorkit.evaluate.public.protocol import Case, Column, Protocol
from sensorkit.evaluate.statistics import ALPHA
from sensorkit.evaluate.statistics.critical_difference import critical_difference
from sensorkit.evaluate.words import p_words

Row = dict[str, Any]


def first_two(
    rows: Sequence[Row], protocol: Protocol, drawn: Mapping[str, Floats], units: int
) -> Row | None:
    """Return how the best of ours compares with the second; None if there are not two.

    Parameters
    ----------
    rows : sequence of dict
        Of the table.
    protocol : Protocol
    drawn : mapping of str to array, shape (resamples,)
        The headline of each detector in each draw of series; the draws are the same for all.
    units : int
        How many independent units were drawn from.
    """
    ours = order([row for row in rows if row["role"] == "ours"], protocol)
    if len(ours) < 2:
        return None
    one, two = ours[0], ours[1]
    found: Row = {
        "first": one["detector"],
        "second": two["detector"],
        "metric": protocol.headline,
        "difference": one[protocol.headline] - two[protocol.headline],
        "ci": None,
        "p_value": None,
    }
    if one["detector"] in drawn and two["detector"] in drawn:
        differences = drawn[one["detector"]] - drawn[two["detector"]]
        found["ci"] = interval(differences, units)
        found["p_value"] = two_sided_p(differences, units)
    return found


def order(rows: Sequence[Row], protocol: Protocol) -> list[Row]:
    """Return the rows that have a whole headline, best first."""
    key, sign = protocol.headline, -1.0 if protocol.column.better == "high" else 1.0
    known = [row for row in rows if row["status"] == "ok" and row.get(key) is not None]
    return sorted(known, key=lambda row: (sign * row[key], row["detector"]))


def rank(rows: Sequence[Row], published: Sequence[Row], protocol: Protocol, whole: bool) -> None:
    """Give each row its place among the published ones, or say why it has none.

    Only figures of the same protocol on the whole set are ranked: `rank` and `rank_of`, and
    `rank_ci`, the best and the worst place that the figure's interval allows (None without an
    interval); else `not_comparable` with the reason.
    """
    key = protocol.comparable
    rivals = [
        row[key] for row in published if row.get("comparable") and row.get(key) is not None
    ] if key else []  # fmt: skip
    for row in rows:
        row["rank"] = row["rank_of"] = row["rank_ci"] = row["not_comparable"] = None
        if not rivals:
            row["not_comparable"] = "nothing is published under this protocol"
        elif not whole:
            row["not_comparable"] = "not all of the set was judged"
        elif row["status"] != "ok" or row.get(key) is None:
            row["not_comparable"] = "some series failed"
        else:
            row["rank"] = _place(row[key], rivals)
            row["rank_of"] = len(rivals) + 1
            bounds = row.get(f"{key}_ci")
            if bounds is not None:
                row["rank_ci"] = [_place(bounds[1], rivals), _place(bounds[0], rivals)]


def _place(figure: float, rivals: Sequence[float]) -> int:
    return 1 + sum(value > figure for value in rivals)


def differences(
    protocol: Protocol, cases: Sequence[Case], each: Mapping[str, Sequence[float | None]]
) -> dict[str, Any] | None:
    """Return mean ranks and cliques over units of series; None with fewer than 6 of them.

    Series that share a base are one unit: the mean of their figures is ranked.

    Parameters
    ----------
    protocol : Protocol
    cases : sequence of Case
    each : mapping of str to sequence of float, shape (n_cases,)
        `Protocol.each` of every case by detector; None where there is none.
    """
    units: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        units.setdefault(case.unit, []).append(i)
    results = []
    for name, values in each.items():
        for unit, members in units.items():
            known = [v for v in (values[i] for i in members) if v is not None and np.isfinite(v)]
            if known:
                results.append(
                    {
                        "recording": unit,
                        "detector": name,
                        "fault_kind": None,
                        "status": "ok",
                        protocol.headline: float(np.mean(known)),
                    }
                )
    found: dict[str, Any] | None = critical_difference(results, metric=protocol.headline)
    return found


def sentence(
    rows: Sequence[Row], published: Sequence[Row], compared: Row | None, protocol: Protocol
) -> str:
    """Return what the table says, and never more."""
    ours = order([row for row in rows if row["role"] == "ours"], protocol)
    if not ours:
        return f"No detector was judged on all series of {protocol.title}."
    key, column, best = protocol.headline, protocol.column, ours[0]
    said = [f"By {column.title} {best['detector']} has {told(best, column)}"]
    if compared is None:
        said[0] += "."
    elif compared["ci"] is None:
        said[0] += (
            f", {compared['second']} {told(ours[1], column)}; there are too few independent series "
            "to say whether that is a difference."
        )
    elif compared["p_value"] >= ALPHA:
        said[0] += (
            f"; {compared['second']} with {told(ours[1], column)} cannot be told apart from it "
            f"({p_words(compared['p_value'])})."
        )
    else:
        said[0] += (
            f"; {compared['second']} with {told(ours[1], column)} is behind it "
            f"({p_words(compared['p_value'])})."
        )
    chance = order([row for row in rows if row["role"] == "chance"], protocol)
    if chance:
        said.append(f"Of chance {chance[0]['detector']} has {column.said(chance[0][key])}.")
    if best["rank"] is not None:
        by = protocol.comparable
        known = next(column for column in protocol.columns if column.key == by)
        top = max(
            (row for row in published if row.get("comparable") and row.get(by) is not None),
            key=lambda row: row[by],
        )
        said.append(
            f"By the figure that is published ({known.title}: {known.said(best[by])}) "
            f"{best['detector']} would stand at {placed(best)}; the best "
            f"published is {top['method']} with {known.said(top[by])}."
        )
    else:
        said.append(f"Not ranked among published rows: {best['not_comparable']}.")
    return " ".join(said)


def placed(row: Row) -> str:
    """Return the place of a row among the published ones, and how far chance may move it.

    >>> placed({"rank": 1, "rank_of": 11, "rank_ci": [1, 4]})
    '1 of 11 (1 to 4 by its interval)'
    """
    place = f"{row['rank']} of {row['rank_of']}"
    bounds = row["rank_ci"]
    if bounds is None:
        return f"{place} (without an interval, so that it may be chance)"
    if bounds[0] == bounds[1]:
        return f"{place} (as by all of its interval)"
    return f"{place} ({bounds[0]} to {bounds[1]} by its interval)"


def told(row: Row, column: Column) -> str:
    """Return a figure and its interval as text."""
    bounds = row.get(f"{column.key}_ci")
    said = column.said(row[column.key])
    if bounds is None:
        return said
    return f"{said} (95 % {column.said(bounds[0])} to {column.said(bounds[1])})"
