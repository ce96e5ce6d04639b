r"""Fixed limits learned from healthy readings, for a device whose limits nobody has written down.

No rule is breached by the readings it was learned from, and each limit is further out than what
they show. How much further follows from how fast their extremes grow. Let R be the range of all
values of a channel and :math:`\bar R` the mean range of 16 equal stretches of them; from a stretch
to the whole, four doublings, the range has grown by

.. math:: g = (R / \bar R)^{1/4}

for each doubling: hardly above 1 for Gaussian noise, 2^(1/3) for Student's t with 3 degrees of
freedom, 2^(1/2) for a random walk, 2 for a ramp. Limits are drawn for `DOUBLINGS` more of them:
each side of the range is widened by

.. math:: \max\left(margin,\ \frac{g^{6} - 1}{2}\right) R

and by the channel's smallest step at least, so a value beyond is expected once in 64 times as many
readings as there were to learn from. What has been beyond is back when it is half the widening
inside again: a signal that wanders about a limit is one alert. The largest change from one reading
to the next is widened by the factor :math:`\max(1 + 2\,margin,\ g^{6})` with its own g.

How many doublings and stretches was chosen on six base signals (white, AR(1), daily, cyclic, t(3),
random walk; 3 000 readings to learn from, 10 000 to be quiet on).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.changes import smallest_step
from sensorkit.detect.parameters import positive
from sensorkit.detect.streams import LARGEST, Floats, split
from sensorkit.errors import DetectorError
from sensorkit.profile.rules import Rule
from sensorkit.readings import Readings, Severity

MARGIN = 0.2
"""A range is widened by at least so much of itself, each way.

The range of 3 000 Gaussian values is 7 standard deviations: limits are then 4.9 from the mean."""

DOUBLINGS = 6
PARTS = 16

FEWEST = 2 * PARTS
"""Finite values of a channel to learn from: a stretch of one value has no range."""

RUN_FACTOR = 2
"""A run is healthy up to so many times the longest one seen: among n readings of which a share p
repeats the one before, the longest run is log(n) / log(1/p) long, and one twice as long comes
once in n squared readings."""

SHORTEST_RUN = 3
"""Equal values, or readings without one, that are never too many."""

MOST_REPEATS = 0.5
"""With a larger share of repeats a channel is constant or coarse, and a run says nothing."""

INTERVAL_FACTOR = 2
TYPICAL_INTERVALS = 5
"""A device is never missed before so many typical (median) intervals have passed."""

SECOND_NS = 1e9

SEVERITY = {"range": Severity.CRITICAL}
"""A value that far out is wrong, or the plant is; the other kinds say that it moves or comes in
another way than it did, which may have a reason: WARNING."""


class _Spread(NamedTuple):
    """How far values reach, and how far more they may be expected to."""

    low: float
    high: float
    growth: float


def learn_rules(readings: Readings, *, margin: float = MARGIN) -> tuple[Rule, ...]:
    """Draw limits around healthy readings: range, rate, stuck and missing by channel, heartbeat.

    Parameters
    ----------
    readings : Readings
        Healthy, of one device or several; changes, runs and intervals never cross devices.
        Infinite values are left out.
    margin : float
        A range is widened by at least so much of itself, each way; see the module.

    Returns
    -------
    tuple of Rule
        By channel, the heartbeat last. `Rule.model_dump(mode="json", exclude_defaults=True)` is
        what a profile's YAML says.

        A channel has no rule if it has no value at all, and no `range`, `rate` and `stuck` if it
        has fewer than `FEWEST` values or never changes: how far it may then go is not to be
        learned. `rate` is left out where it would allow the whole range, and `stuck` where more
        than half of the values repeat the one before.

    Raises
    ------
    DetectorError
        If there is nothing to draw a limit around.

    Notes
    -----
    A run of equal values may be `RUN_FACTOR` times as long as the longest one seen, and as
    `SHORTEST_RUN`; so may a run of missing values. A device may be silent for
    `INTERVAL_FACTOR` times its longest interval, and for `TYPICAL_INTERVALS` typical ones: a
    break between two recordings that are joined makes its heartbeat deaf.

    Learned on 3 000 readings, the rules raise on 10 000 fresh ones (mean of 100 seeds): white
    noise 0.04 alerts, AR(1) noise (0.9) 0.03, a daily cycle with noise 0.00, a short cycle 0.00,
    a random walk 0.15, Student's t with 3 degrees of freedom 0.55. Exact repeats are found at the
    fourth equal value, where healthy values never repeat.
    """
    margin = positive("learn_rules", "margin", margin)
    parts = [part for _, _, part in split(readings)]
    rules = [
        rule
        for name in readings.channels
        for rule in _of_channel(name, [part.channel(name) for part in parts], margin)
    ]
    rules += _heartbeat([part.time for part in parts])
    if not rules:
        raise DetectorError(
            f"rules: {len(readings)} readings are too few to learn limits from; give at least "
            f"{FEWEST} healthy ones"
        )
    return tuple(rules)


def _of_channel(name: str, series: list[Floats], margin: float) -> Iterator[Rule]:
    values = np.concatenate([one[np.isfinite(one)] for one in series])
    if not len(values):
        return
    if len(values) >= FEWEST and values.min() < values.max():
        reach, step = _spread(values), smallest_step(values)
        width = reach.high - reach.low
        wider = max(max(margin, (reach.growth**DOUBLINGS - 1) / 2) * width, step)
        low, high = _outward(reach.low - wider, width, -1), _outward(reach.high + wider, width, 1)
        back, margin_of = _digits(wider / 2), _digits(wider)
        yield _rule("range", name, low=low, high=high, hysteresis=back, margin=margin_of)
        yield from _rate(name, series, high - low, margin, step)
        yield from _stuck(name, series)
    longest = max(_longest_run(np.isnan(one)) for one in series)
    limit = max(RUN_FACTOR * longest, SHORTEST_RUN)
    yield _rule("missing", name, readings=limit)


def _rate(
    name: str, series: list[Floats], room: float, margin: float, step: float
) -> Iterator[Rule]:
    with np.errstate(over="ignore", invalid="ignore"):
        changes = np.abs(np.concatenate([np.diff(one) for one in series]))
    changes = changes[np.isfinite(changes)]
    if len(changes) < FEWEST or not changes.max() > 0:
        return
    largest = float(changes.max())
    parts = [float(part.max()) for part in np.array_split(changes, PARTS)]
    growth = _growth(largest, parts)
    wider = max(largest * (max(1 + 2 * margin, growth**DOUBLINGS) - 1), step)
    limit = _outward(largest + wider, largest, 1)
    if limit < room:
        yield _rule("rate", name, limit=limit, margin=_digits(wider))


def _stuck(name: str, series: list[Floats]) -> Iterator[Rule]:
    repeats = [np.diff(one[~np.isnan(one)]) == 0 for one in series]
    together = np.concatenate(repeats)
    if not len(together) or together.mean() > MOST_REPEATS:
        return
    longest = 1 + max(_longest_run(one) for one in repeats)
    yield _rule("stuck", name, readings=max(RUN_FACTOR * longest, SHORTEST_RUN))


def _heartbeat(times: list[NDArray[np.int64]]) -> Iterator[Rule]:
    steps = np.concatenate([np.diff(time) for time in times])
    steps = steps[steps > 0]
    if not len(steps):
        return
    longest = INTERVAL_FACTOR * float(steps.max())
    seconds = max(longest, TYPICAL_INTERVALS * float(np.median(steps))) / SECOND_NS
    yield _rule("heartbeat", None, limit=_outward(seconds, seconds, 1), margin=_digits(seconds))


def _rule(kind: Any, channel: str | None, **limits: Any) -> Rule:
    about = {} if channel is None else {"channel": channel}
    severity = SEVERITY.get(kind, Severity.WARNING)
    return Rule.model_validate({"kind": kind, "severity": severity, **about, **limits})


def _spread(values: Floats) -> _Spread:
    parts = np.array_split(values, PARTS)
    with np.errstate(over="ignore"):
        ranges = [float(part.max() - part.min()) for part in parts]
        low, high = float(values.min()), float(values.max())
    return _Spread(low, high, _growth(high - low, ranges))


def _growth(whole: float, parts: Sequence[float]) -> float:
    """Return by what factor *whole* has grown from its parts for each doubling, 2 at most."""
    mean = sum(part / PARTS for part in parts)
    if not math.isfinite(whole):
        return 1.0
    return min((whole / mean) ** (1 / math.log2(PARTS)), 2.0) if mean > 0 else 2.0


def _outward(limit: float, width: float, sign: int) -> float:
    """Round a limit away from the healthy values, to a thousandth of *width*."""
    if not abs(limit) < LARGEST / 10 or not 0 < width < math.inf:
        return min(max(limit, -LARGEST), LARGEST)
    digits = 3 - math.floor(math.log10(width))
    return round(limit + sign * 0.5 * 10.0**-digits, digits)


def _digits(size: float) -> float:
    """Return a distance that a rule can have, with three digits."""
    return float(f"{min(max(size, 1e-300), LARGEST / 10):.3g}")


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """Return the longest run of true ones.

    >>> _longest_run(np.array([True, False, True, True]))
    2
    """
    ends = np.flatnonzero(~flags)
    edges = np.concatenate([[-1], ends, [len(flags)]])
    return int(np.diff(edges).max()) - 1


# As arrays, which is all that a saved detector holds.

KINDS = ("range", "rate", "stuck", "heartbeat", "missing")
FIELDS = ("low", "high", "limit", "readings", "hysteresis", "margin")


def to_table(rules: Sequence[Rule], channels: Sequence[str]) -> Floats:
    """Return learned rules as numbers, shape (n_rules, 2 + n_fields).

    A row is the index of the kind in `KINDS`, that of the channel (-1: none), and the `FIELDS`,
    NaN where there is none. Type and severity follow from the kind.
    """
    rows = []
    for rule in rules:
        column = -1 if rule.channel is None else channels.index(rule.channel)
        fields = [getattr(rule, name) for name in FIELDS]
        rows.append([KINDS.index(rule.kind), column, *fields])
    return np.array(rows, dtype=np.float64).reshape(-1, 2 + len(FIELDS))


def from_table(table: NDArray[Any], channels: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of a table that `to_table` has made.

    Raises
    ------
    ValueError
        If it cannot have made it.
    """
    if table.dtype != np.float64 or table.shape[1:] != (2 + len(FIELDS),) or not len(table):
        raise ValueError(f"rules is {table.dtype} of shape {table.shape}")
    return tuple(_of_row(row, channels) for row in table.tolist())


def _of_row(row: list[float], channels: Sequence[str]) -> Rule:
    kind, column, *fields = row
    if kind not in range(len(KINDS)) or column not in range(-1, len(channels)):
        raise ValueError(f"a rule of kind {kind} and channel {column}")
    channel = None if column < 0 else channels[int(column)]
    limits = {name: x for name, x in zip(FIELDS, fields, strict=True) if not math.isnan(x)}
    return _rule(KINDS[int(kind)], channel, **limits)
