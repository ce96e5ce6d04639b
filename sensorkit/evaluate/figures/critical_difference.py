"""The critical-difference diagram: mean ranks over many recordings, and what they tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.figure import COLOURS, GREY, Figure
from sensorkit.display.formats import fixed, probability

Report = Mapping[str, Any]

FIGURE = "critical-difference"

LONGEST = 12
"""Letters of a name in the diagram; the table has the whole of it."""
BESIDE = 0.4
"""Room for names on either side, in lengths of the axis."""
ROW = 38
"""Pixels from one name to the next."""

LINE = {"color": GREY, "width": 1.4}
BAR = {"color": COLOURS[0], "width": 7}


def critical_difference(report: Report) -> list[Figure]:
    """Return the diagram, or nothing where there were too few recordings.

    Where so few recordings cannot tell any two detectors apart, it has the ranks only and says so.
    The form is that of J. Demsar (JMLR 7, 2006): mean ranks on an axis, the best to the left, and
    a bar under those that cannot be told apart. The bars are cliques of pairwise tests (A.
    Benavoli et al., JMLR 17, 2016), so there is no single critical difference to draw.
    """
    found = report["critical_difference"]
    if found is None:
        return []
    ranks = [(row["detector"], row["mean_rank"]) for row in found["ranks"]]
    said = "; ".join(f"{name} {fixed(rank, 2)}" for name, rank in ranks)
    caption = f"Mean rank by VUS-PR over {found['recordings']} recordings, 1 is best"
    if (why := too_few(found)) or not found["pairs"]:
        return [
            Figure(
                FIGURE,
                f"{caption}; {why or 'there are no two detectors to compare'}",
                f"Mean ranks: {said}.",
                diagram(ranks, []),
                ("Detector", "Mean rank"),
                [(name, fixed(rank, 2)) for name, rank in ranks],
            )
        ]
    apart = "; ".join(", ".join(clique) for clique in found["cliques"])
    rows = [
        (
            pair["a"],
            pair["b"],
            probability(pair["p"]),
            probability(pair["p_holm"]),
            "told apart" if _below(pair["p_holm"], found["alpha"]) else "not told apart",
        )
        for pair in found["pairs"]
    ]
    return [
        Figure(
            FIGURE,
            f"{caption}; a bar joins detectors that cannot be told apart, baselines not tested",
            f"Mean ranks: {said}. Not told apart: {apart or 'none'}.",
            diagram(ranks, found["cliques"]),
            ("Detector", "Against", "p", "p by Holm", f"At {found['alpha']:g}"),
            rows,
        )
    ]


def too_few(found: Mapping[str, Any], what: str = "recordings") -> str:
    """Return that, and why, no pair can be told apart whatever the values; "" if one can.

    Parameters
    ----------
    found : mapping
        `critical_difference` of report.json.
    what : str
        What the ranks are means over.

    Examples
    --------
    >>> too_few({"least_p_holm": 0.1875, "alpha": 0.05, "recordings": 6, "pairs": [
    ...     {"a": a, "b": b} for a, b in ("ab", "ac", "ad", "bc", "bd", "cd")]})
    '6 recordings cannot separate 4 detectors: 8 or more are needed'
    """
    pairs, alpha = found["pairs"], found["alpha"]
    if not pairs or found["least_p_holm"] < alpha:
        return ""
    detectors = len({name for pair in pairs for name in (pair["a"], pair["b"])})
    # n differences of one sign have p = 2^(1 - n), and Holm's factor is the number of pairs.
    needed = 2 + math.floor(math.log2(len(pairs) / alpha))
    return (
        f"{found['recordings']} {what} cannot separate {detectors} detectors: {needed} or more "
        "are needed"
    )


def _below(p: float | None, alpha: float) -> bool:
    return p is not None and p < alpha


def diagram(ranks: Sequence[tuple[str, float]], cliques: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the diagram of mean ranks.

    Parameters
    ----------
    ranks : sequence of (name, mean rank)
    cliques : sequence of sequences of str
        Names that one bar joins.
    """
    ordered = sorted(ranks, key=lambda row: row[1])
    place = dict(ordered)
    spans = sorted(
        (min(found), max(found))
        for clique in cliques
        for found in [[place[name] for name in clique]]
    )
    low, high = 1.0, float(max(2, math.ceil(max(place.values(), default=2.0))))
    beside = BESIDE * (high - low)
    left = (len(ordered) + 1) // 2
    # From the axis (0) down: the bars, then a line to a name for each detector, the outermost
    # rank highest, so that no line crosses another.
    bars = [0.4 + 0.3 * i for i in range(len(spans))]
    first = (bars[-1] if bars else 0.0) + 0.8
    sides = [
        *((name, rank, low - beside, first + i) for i, (name, rank) in enumerate(ordered[:left])),
        *(
            (name, rank, high + beside, first + i)
            for i, (name, rank) in enumerate(reversed(ordered[left:]))
        ),
    ]
    depth = first + left - 0.4
    data = [
        _line([low, high], [0, 0], "axis"),
        *(_line([rank, rank, edge], [0, y, y], name) for name, rank, edge, y in sides),
        *(
            _line([a, b], [y, y], "not told apart", BAR)
            for (a, b), y in zip(spans, bars, strict=True)
        ),
        {
            "type": "scatter",
            "mode": "markers",
            "name": "mean rank",
            "x": [rank for _, rank in ordered],
            "y": [0.0] * len(ordered),
            "text": [name for name, _ in ordered],
            "hovertemplate": "%{text}: mean rank %{x:.2f}<extra></extra>",
            "marker": {"size": 9, "color": COLOURS[0]},
            "cliponaxis": False,
        },
    ]
    ticks = list(range(int(low), int(high) + 1))
    return {
        "data": data,
        "layout": {
            "height": round(60 + ROW * depth),
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 48, "b": 8},
            "xaxis": {
                "side": "top",
                "range": [low - beside, high + beside],
                "tickvals": ticks,
                "ticks": "outside",
                "showgrid": False,
                "showline": False,
                "zeroline": False,
                "title": {"text": "mean rank"},
                "fixedrange": True,
            },
            "yaxis": {
                "range": [depth, 0],
                "visible": False,
                "zeroline": False,
                "fixedrange": True,
            },
            "annotations": [
                _label(text, edge, edge < low, y, above)
                for name, rank, edge, y in sides
                for text, above in ((_short(name), True), (fixed(rank, 2), False))
            ],
        },
    }


def _label(text: str, x: float, to_the_left: bool, y: float, above: bool) -> dict[str, Any]:
    return {
        "x": x,
        "xanchor": "left" if to_the_left else "right",
        "y": y,
        "yanchor": "bottom" if above else "top",
        "text": text,
        "showarrow": False,
        "borderpad": 0,
        "font": {"size": 13 if above else 11},
    }


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _line(
    x: Sequence[float], y: Sequence[float], name: str, line: Mapping[str, Any] = LINE
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": dict(line),
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
