"""What every figure of found faults against their size shares: axes, and a point in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import count, number, percent, seconds, sized

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


def size_range(sizes: Sequence[float]) -> list[float]:
    """Return the ends of a logarithmic axis with a little room beside *sizes*."""
    return [math.log10(min(sizes) / 1.12), math.log10(max(sizes) * 1.12)]
