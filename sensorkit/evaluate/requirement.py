"""A requirement on what a benchmark finds, as people write it: `guard.event_recall>=0.9`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sensorkit.errors import UsageError
from sensorkit.faults.plan import KINDS
from sensorkit.nearest import did_you_mean

BEST = "best"
"""Stands for the detector that the verdict recommends."""

Dimension = Literal["share", "rate", "seconds", "microseconds", "sigma", "channel", "factor"]

SHARES = (
    *("vus_pr", "average_precision", "vus_roc", "roc_auc"),
    *("event_recall", "event_precision", "event_f1", "time_in_false_alarm"),
    *("range_precision", "range_recall", "range_f1"),
    *("affiliation_precision", "affiliation_recall", "affiliation_f1"),
    *("point_precision", "point_recall", "point_f1"),
)
SIZES = ("a50", "a90", "a90_95")
"""Of the detectability curves: sizes of faults, in the unit of the channel or of the kind."""

METRICS: dict[str, Dimension] = {
    **dict.fromkeys(SHARES, "share"),
    "false_alarms_per_day": "rate",
    "delay_median_s": "seconds",
    "microseconds_per_reading": "microseconds",
    **dict.fromkeys(SIZES, "channel"),
    **{f"{name}_sigma": "sigma" for name in SIZES},
}
"""What can be required, and what its numbers are."""

UNITS: dict[Dimension, dict[str, float]] = {
    "share": {"%": 0.01},
    "seconds": {"ms": 1e-3, "s": 1.0, "min": 60.0},
    "microseconds": {"us": 1.0, "µs": 1.0, "\N{GREEK SMALL LETTER MU}s": 1.0, "ms": 1e3, "s": 1e6},
}
"""What may follow a number, and what it then counts."""

NOT_IN_SIGMAS = {
    ("seconds", True): "how long it lasts; use {}, in seconds",
    ("seconds", False): "how late it is; use {}, in seconds",
    ("factor", False): "a factor; use {}, as x1.05",
}
"""What to use for sizes that are no values, by their dimension and whether they are durations."""

OPERATORS = {">=": ">=", "<=": "<=", ">": ">", "<": "<", "≥": ">=", "≤": "<="}
SHAPE = re.compile(r"(?P<left>[^<>=≤≥!]*)(?P<sign>[<>=≤≥!]+)(?P<right>[^<>=≤≥!]*)")
NUMBER = re.compile(
    r"(?P<times>[x\N{MULTIPLICATION SIGN}]?)"
    r"(?P<number>[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)\s*(?P<unit>\S*)"
)
WANTED = "DETECTOR.METRIC>=NUMBER is wanted, as guard.event_recall>=0.9"


@dataclass(frozen=True)
class Requirement:
    """What a figure of a detector has to be.

    Attributes
    ----------
    text : str
        As it was written.
    detector : str
        Its name in the table; `best` is the recommended one.
    metric : str
        One of `METRICS`.
    kind, channel : str or None
        Of faults; None: all of them.
    operator : {">=", "<=", ">", "<"}
    limit : float
        Shares from 0 to 1, times in seconds, time a reading in microseconds.
    """

    text: str
    detector: str
    metric: str
    kind: str | None
    channel: str | None
    operator: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read `DETECTOR.METRIC[.KIND[.CHANNEL]] OPERATOR NUMBER`.

        Names of detectors and channels may hold dots: the metric is the first part that is one.

        Raises
        ------
        UsageError
            If it is no requirement; the message names the part and what is wanted there.

        Examples
        --------
        >>> found = Requirement.parse("guard.event_recall.drift >= 90%")
        >>> found.detector, found.metric, found.kind, found.operator, found.limit
        ('guard', 'event_recall', 'drift', '>=', 0.9)
        >>> Requirement.parse("best.a90_95.stuck.temperature<=30s").channel
        'temperature'
        >>> Requirement.parse("guard.event_recal>=0.9")
        Traceback (most recent call last):
        ...
        sensorkit.errors.UsageError: requirement 'guard.event_recal>=0.9': names no metric; \
did you mean 'event_recall'?
        """
        shape = SHAPE.fullmatch(text)
        if shape is None:
            raise _wrong(text, f"holds no comparison of a figure with a number; {WANTED}")
        operator = OPERATORS.get(shape["sign"])
        if operator is None:
            raise _wrong(text, f"{shape['sign']!r} is no comparison; >=, <=, > or < is wanted")
        detector, metric, kind, channel = _named(text, shape["left"].strip())
        dimension = dimension_of(metric, kind)
        limit = _number(text, shape["right"].strip(), metric, dimension)
        return cls(text.strip(), detector, metric, kind, channel, operator, limit)

    @property
    def at_least(self) -> bool:
        """Return whether more is better here."""
        return self.operator.startswith(">")

    def met_by(self, value: float | None) -> bool:
        """Return whether *value* does; a figure that there is not never does.

        >>> Requirement.parse("guard.delay_median_s<60").met_by(None)
        False
        """
        if value is None or math.isnan(value):
            return False
        match self.operator:
            case ">=":
                return value >= self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
        return value < self.limit


def parsed(texts: Sequence[str]) -> list[Requirement]:
    """Return the requirements that *texts* say, each once."""
    return [Requirement.parse(text) for text in dict.fromkeys(text.strip() for text in texts)]


def dimension_of(metric: str, kind: str | None) -> Dimension:
    """Return what the numbers of a metric are.

    The size of a fault may be how long it lasts, seconds that it is late, or a factor.

    >>> dimension_of("a90_95", "stuck"), dimension_of("a90_95", "gain")
    ('seconds', 'factor')
    """
    if METRICS[metric] == "channel" and kind in KINDS:
        magnitude = KINDS[kind].magnitude
        if magnitude is None or magnitude.unit == "seconds":
            return "seconds"
        if magnitude.unit == "factor":
            return "factor"
    return METRICS[metric]


def is_size(metric: str) -> bool:
    """Return whether a metric is one of the detectability curves."""
    return METRICS[metric] == "channel" or METRICS[metric] == "sigma"


def _wrong(text: str, what: str) -> UsageError:
    return UsageError(f"requirement {text!r}: {what}")


def _named(text: str, left: str) -> tuple[str, str, str | None, str | None]:
    """Return detector, metric, kind and channel."""
    parts = [part.strip() for part in left.split(".")]
    for place, part in enumerate(parts[1:], start=1):
        after = parts[place + 1 :]
        # A detector may be called like a metric; a kind of fault never is.
        if part in METRICS and not (after and after[0] in METRICS):
            detector = ".".join(parts[:place])
            kind = after[0] if after else None
            channel = ".".join(after[1:]) or None
            break
    else:
        raise _wrong(text, _no_metric(parts))
    if not detector or "" in after:
        raise _wrong(text, f"a name in it is empty; {WANTED}")
    if is_size(part) and kind is None:
        raise _wrong(text, f"{part} is of a kind of fault; name one, as {detector}.{part}.drift")
    if part == "microseconds_per_reading" and kind is not None:
        raise _wrong(text, f"{part} does not depend on faults; leave out .{'.'.join(after)}")
    if channel is not None and not is_size(part):
        raise _wrong(text, f"{part} is not known by channel; leave out .{channel}")
    sizes = part.removesuffix("_sigma")
    if METRICS[part] == "sigma" and dimension_of(sizes, kind) != "channel":
        what = NOT_IN_SIGMAS[dimension_of(sizes, kind), KINDS[str(kind)].magnitude is None]
        raise _wrong(text, f"the size of a {kind} is {what.format(sizes)}")
    return detector, part, kind, channel


def _no_metric(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        hint = f"; {WANTED}" if parts[0] not in METRICS else f": put its detector before {parts[0]}"
        return f"names no detector and metric{hint}"
    known = f"use one of {', '.join(sorted(METRICS))}"
    hints = [did_you_mean(part, METRICS, "") for part in parts[1:]]
    return f"names no metric; {next(filter(None, hints), known)}"


def _number(text: str, right: str, metric: str, dimension: Dimension) -> float:
    units = UNITS.get(dimension, {})
    found = NUMBER.fullmatch(right)
    if found is None:
        raise _wrong(text, f"{right!r} is no number; one is wanted after the comparison")
    unit = found["unit"]
    if found["times"] and dimension != "factor":
        raise _wrong(text, f"{right!r} is a factor, and {metric} is none; leave the x out")
    if unit and unit not in units:
        such = f"the number alone or with {', '.join(dict.fromkeys(units))}" if units else "no unit"
        raise _wrong(text, f"{unit!r} cannot follow a number of {metric}; {such} is wanted")
    # 90% is 0.9 to the last digit, which 90 * 0.01 is not.
    value = float(found["number"])
    limit = value / 100 if unit == "%" else value * units.get(unit, 1.0)
    if not math.isfinite(limit) or limit < 0:
        raise _wrong(text, f"{right!r} is no limit for {metric}; a number from 0 on is wanted")
    if dimension == "factor" and limit <= 1:
        raise _wrong(
            text, f"{metric} is a factor above 1, as x1.05; the same down is meant with it"
        )
    if dimension == "share" and limit > 1:
        hint = f"; for {value:g} percent write {value:g}%" if not unit and value <= 100 else ""
        raise _wrong(text, f"{metric} is a share, from 0 to 1 or 0% to 100%{hint}")
    return limit
