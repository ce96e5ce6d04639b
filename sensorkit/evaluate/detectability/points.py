"""What every figure of found faults against their size shares: axes, and a point in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import count, number, percent, seconds, sized
from sensorkit.display.labelling import labelled
from sensorkit.faults.base import KINDS

SHARE_AND_DELAY: Mapping[str, Any] = {
    "yaxis": {
        "domain": [0.42, 1],
        "range": [-0.04, 1.04],
        "tickvals": [0, 0.5, 0.9, 1],
        "tickformat": ".0%",
        "title": {"text": "found"},
    },
    "yaxis2": {
        "domain": [0, 0.3],
        "rangemode": "tozero",
        "title": {"text": "delay (s)"},
        "nticks": 4,
    },
}
"""The share found above, the median delay below."""


def share(point: Mapping[str, Any]) -> float | None:
    """Return the share of the faults of one size that was found; None without any.

    >>> share({"hits": 3, "faults": 4}), share({"hits": 0, "faults": 0})
    (0.75, None)
    """
    return point["hits"] / point["faults"] if point["faults"] else None


def point_row(point: Mapping[str, Any], unit: str) -> tuple[str, ...]:
    """Return what was found of the faults of one size, in words."""
    return (
        sized(point["size"], unit),
        number(point["size_sigma"]),
        f"{point['hits']} of {point['faults']}",
        percent(share(point)),
        count(point["excluded"]),
        seconds(point["delay_median_s"]),
    )


def on_axis(size: float, unit: str) -> float:
    """Return where a size stands on the axis: a factor at how far it is from 1.

    >>> on_axis(1.5, "factor"), on_axis(1.5, "degC")
    (0.5, 1.5)
    """
    return size - 1.0 if unit == "factor" else size


def size_axis(sizes: Sequence[float], unit: str, kind: str) -> dict[str, Any]:
    """Return a logarithmic axis of sizes, with a little room beside them.

    >>> axis = size_axis([1.04, 1.6], "factor", "gain")
    >>> axis["tickvals"][:3], axis["ticktext"][:3]
    ([0.05, 0.1, 0.2], ['x1.05', 'x1.1', 'x1.2'])
    >>> size_axis([1, 240], "s", "stuck")["title"]["text"]
    'duration (s)'
    """
    known = KINDS.get(kind)
    what = "duration" if known is not None and known.magnitude is None else "size"
    places = [on_axis(size, unit) for size in sizes]
    low, high = min(places), max(places)
    axis = {
        "type": "log",
        "range": [math.log10(low / 1.12), math.log10(high * 1.12)],
        "anchor": "y2",
        "title": {"text": labelled(f"{what} ({unit})" if unit else what)},
        "tickvals": _ticks(low, high),
    }
    if unit == "factor":
        axis["title"] = {"text": "size"}
        axis["ticktext"] = [sized(1.0 + place, unit) for place in _ticks(low, high)]
    return axis


def size_hover(unit: str) -> str:
    """Return what plotly shows of a size on hovering."""
    return "x(1 + %{x:.3g})" if unit == "factor" else "%{x:.3g}"


def _ticks(low: float, high: float) -> list[float]:
    """Return the 1, 2 and 5 of each decade from *low* to *high*: plotly's own ticks crowd.

    >>> _ticks(0.5, 20.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return [step for step in steps if low / 1.1 <= step <= high * 1.1]
