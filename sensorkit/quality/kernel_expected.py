"""The compiled part of the expectations: is a value as it should be, given those before it."""

from __future__ import annotations

import math
from typing import Any

from sensorkit.quality import layout as lay
from sensorkit.quality.compiling import compiled, passed


@compiled
def as_expected(
    spec: Any,
    limits: Any,
    allowed: Any,
    remembered: Any,
    lasts: Any,
    seen: Any,
    e: int,
    time: int,
    v: float,
    other: float,
) -> int:
    """Return 1 if a value is as expected, 0 if not, -1 if that cannot be told."""
    kind = spec[e, lay.E_KIND]
    if kind == lay.NOT_NULL:
        return 0 if math.isnan(v) else 1
    if math.isnan(v):
        return -1
    if kind == lay.BETWEEN:
        return 1 if limits[e, lay.E_LOW] <= v <= limits[e, lay.E_HIGH] else 0
    if kind == lay.ONE_OF:
        for k in range(spec[e, lay.E_AT], spec[e, lay.E_AT] + spec[e, lay.E_LEN]):
            if allowed[k] == v:
                return 1
        return 0
    if kind >= lay.GE:
        if math.isnan(other):
            return -1
        bound = other + limits[e, lay.E_LOW]
        if kind == lay.GE:
            holds = v >= bound
        elif kind == lay.LE:
            holds = v <= bound
        elif kind == lay.EQ:
            holds = v == bound
        elif kind == lay.NE:
            holds = v != bound
        elif kind == lay.GT:
            holds = v > bound
        elif kind == lay.LT:
            holds = v < bound
        else:
            holds = abs(v - other) <= limits[e, lay.E_LOW]
        return 1 if holds else 0
    has, last = remembered[e, lay.M_HAS], lasts[e]
    if kind == lay.UNIQUE:
        ring = seen[spec[e, lay.E_AT]]
        held = 1
        for k in range(min(has, lay.UNIQUE_WITHIN)):
            if ring[k] == v:
                held = 0
        ring[has % lay.UNIQUE_WITHIN] = v
        remembered[e, lay.M_HAS] = has + 1
        return held
    remembered[e, lay.M_HAS] = 1
    lasts[e] = v
    if kind == lay.CHANGES:
        if not has or v != last or time < remembered[e, lay.M_SINCE]:
            remembered[e, lay.M_SINCE] = time
            return 1
        return 1 if passed(remembered[e, lay.M_SINCE], time) <= limits[e, lay.E_LOW] else 0
    if not has:
        return -1
    if kind == lay.INCREASING:
        return 1 if v > last else 0
    if kind == lay.NOT_FALLING:
        return 1 if v >= last else 0
    return 1 if abs(v - last) <= limits[e, lay.E_LOW] else 0
