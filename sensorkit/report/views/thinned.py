"""Fewer points in the figures of a notebook, so that its page opens at once."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.formats import count, number
from sensorkit.display.thinning import MAX_POINTS, downsample

LINES = frozenset({"scatter", "scattergl"})
BEYOND = 2 * MAX_POINTS
"""A trace with more points than this is thinned; below it nobody would see a gain."""


def thinned(trace: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return *trace* with fewer points where it has many, and how many it had; 0 if unchanged.

    The smallest and the largest value of each stretch stay, so that every spike is still seen.

    Parameters
    ----------
    trace : mapping
        A trace of a plotly figure, its arrays as lists or as plotly's base64.

    Examples
    --------
    >>> trace, had = thinned({"type": "scatter", "y": [0.0] * 9000 + [7.0] + [0.0] * 9000})
    >>> had, max(trace["y"]), len(trace["y"]) <= BEYOND
    (18001, 7.0, True)
    """
    start, step = trace.get("x0", 0), trace.get("dx", 1)
    values = _numbers(trace.get("y")) if trace.get("type", "scatter") in LINES else None
    counted = "x" in trace or all(isinstance(one, int | float) for one in (start, step))
    if values is None or len(values) <= BEYOND or not counted:
        return dict(trace), 0
    n = len(values)
    rows = downsample(values)
    fewer = {key: _taken(value, rows, n) for key, value in trace.items()}
    if "x" not in trace:
        # Without x plotly counts from x0 in steps of dx.
        fewer["x"] = (start + rows * step).tolist()
    return fewer, n


def _numbers(value: Any) -> NDArray[np.float64] | None:
    """Return an array of plotly's as floats, missing ones NaN; None where it is none."""
    array = _array(value)
    if array is None:
        return None
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.ndim == 1 else None


def _array(value: Any) -> NDArray[Any] | None:
    if isinstance(value, list):
        return np.array(value, dtype=object)
    if isinstance(value, Mapping) and {"bdata", "dtype"} <= value.keys() and "shape" not in value:
        try:
            return np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]))
        except (TypeError, ValueError):
            return None
    return None


def _taken(value: Any, rows: NDArray[np.intp], n: int) -> Any:
    """Return the rows of an array with one entry a point, and anything else as it is."""
    if isinstance(value, Mapping) and "bdata" not in value:
        return {key: _taken(item, rows, n) for key, item in value.items()}
    array = _array(value)
    if array is None or len(array) != n:
        return value
    if array.dtype == object:
        return [value[row] for row in rows.tolist()]
    kept = array[rows]
    return [item if np.isfinite(item) else None for item in kept.tolist()]


SUMMARY = ("Trace", "Points", "From", "To", "Lowest", "Highest")


def summary(trace: Mapping[str, Any], had: int = 0) -> tuple[str, ...] | None:
    """Return what a trace holds, in the columns of SUMMARY; None where it has no numbers.

    Parameters
    ----------
    trace : mapping
    had : int
        Points before it was thinned; 0 if it was not.

    Examples
    --------
    >>> summary({"name": "guard", "x": [1, 2, 4], "y": [0.5, None, 0.25]})
    ('guard', '3', '1', '4', '0.25', '0.5')
    """
    values = _numbers(trace.get("y"))
    there = np.empty(0) if values is None else values[np.isfinite(values)]
    if values is None or not len(there):
        return None
    at = _array(trace.get("x"))
    ends = (_said(at[0]), _said(at[-1])) if at is not None and len(at) else ("", "")
    return (
        str(trace.get("name") or "unnamed"),
        count(had or len(values)),
        *ends,
        number(float(there.min()), 4),
        number(float(there.max()), 4),
    )


def _said(value: Any) -> str:
    return number(float(value), 6) if isinstance(value, int | float | np.number) else str(value)
