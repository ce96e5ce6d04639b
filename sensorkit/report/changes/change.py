"""What became of one figure between two runs, and the words for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sensorkit.evaluate.statistics import Interval

BETTER, WORSE = "better", "worse"
SAME = "the same to the last digit"
ALIKE = "cannot be told apart"
NOT_COMPARED = "not compared"

UNPAIRED = "unpaired, so the interval is wide"
TOO_FEW = "fewer than 5 faults: no interval"


@dataclass(frozen=True)
class Change:
    """What became of one figure.

    Attributes
    ----------
    figure, name : str
        Its key in report.json, and what people call it.
    before, after : float or None
        None where it does not exist.
    change : float or None
        After less before; after by before where `by_ratio`.
    ci : (low, high) or None
        95 % interval of the change; an end that is None is open.
    word : str
        better, worse, cannot be told apart, the same to the last digit, not compared.
    paired : bool
        The interval is of the same faults, or the same time, in both runs.
    note : str
        What else a reader should know; why it was not compared.
    """

    figure: str
    name: str
    before: float | None
    after: float | None
    change: float | None = None
    ci: tuple[float | None, float | None] | None = None
    word: str = NOT_COMPARED
    paired: bool = True
    by_ratio: bool = False
    note: str = ""
    unit: str = ""
    said: tuple[str, str] = ("", "")
    """Before and after in words, where a number alone would not do."""


def judged(
    of: Change, interval: Interval | None, *, better: str, no_change: float = 0.0, **facts: Any
) -> Change:
    """Say better or worse, but only where the interval leaves out "no change".

    >>> judged(Change("vus_pr", "VUS-PR", 0.5, 0.75), (0.125, 0.5), better="higher").word
    'better'
    """
    word = ALIKE
    if interval is not None and not interval[0] <= no_change <= interval[1]:
        up = interval[0] > no_change
        word = BETTER if up == (better == "higher") else WORSE
    return replace(of, ci=_closed(interval), **{"word": word, **facts})


def _closed(interval: Interval | None) -> tuple[float | None, float | None] | None:
    if interval is None:
        return None
    low, high = (float(end) if math.isfinite(end) else None for end in interval)
    return low, high


def same(change: Change) -> Change:
    """Say that nothing at all has changed."""
    nothing = None if change.after is None else 0.0
    ci = None if nothing is None else (0.0, 0.0)
    return replace(change, change=nothing, ci=ci, word=SAME)


def less(change: Change) -> float | None:
    """Return after less before; None where one of them does not exist."""
    if change.before is None or change.after is None:
        return None
    return change.after - change.before


def opened(ends: Sequence[float | None]) -> Interval:
    """Return an interval of report.json, an open end as infinity.

    >>> opened([2.0, None])
    (2.0, inf)
    """
    low, high = ends
    return (-math.inf if low is None else low), (math.inf if high is None else high)
