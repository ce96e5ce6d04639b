"""What healthy readings say about limits: plausible ranges, and rules with margins."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sensorkit.detect.learned_rules import (
    DOUBLINGS,
    RUN_FACTOR,
    SHORTEST_RUN,
    learn_rules,
)
from sensorkit.display.formats import count
from sensorkit.errors import DetectorError
from sensorkit.learning import units
from sensorkit.learning.signal import Signal
from sensorkit.learning.timing import HEARTBEAT_LONGEST, HEARTBEAT_MEDIANS, Timing
from sensorkit.profile import Rule
from sensorkit.readings import Readings, Severity

WIDE = 100.0
"""A sensor may say so many healthy ranges more, each way. What is beyond is no frame, so that this
must be far from all that a broken plant can do: a bench at 25 degrees may burn at 300."""
LEAST_STEPS = 1000.0
"""... and so many of its last digits."""
TELLING = 20.0
"""A range rule that is so many times as wide as what was seen says nothing."""

LIMITED = ("steady", "levels")
"""Kinds of signals that have limits: how far a counter may go is not to be learned."""


class Limit(NamedTuple):
    """A rule, and what it comes from."""

    rule: Rule
    comment: str
    idle: bool = False
    """It is so wide that it says nothing."""


def plausible(signal: Signal, unit: str) -> tuple[float, float] | None:
    """Return what a sensor can say at most, None where the readings do not tell.

    Examples
    --------
    >>> from sensorkit.profile import Waveform
    >>> found = Signal(Waveform(level=21), "steady", 100, 20.0, 23.0, 1, 50.0)
    >>> plausible(found, "°C"), plausible(found, "K")
    ((-273.15, 400.0), (0.0, 400.0))
    """
    if signal.kind not in LIMITED:
        return None
    width = signal.high - signal.low
    reach = max(WIDE * width, LEAST_STEPS * 10.0**-signal.decimals)
    if not math.isfinite(reach) or reach > 1e17:
        return None
    round_to = 10.0 ** math.floor(math.log10(reach))
    low = math.floor((signal.low - reach) / round_to) * round_to
    high = math.ceil((signal.high + reach) / round_to) * round_to
    digits = max(0, 1 - math.floor(math.log10(round_to)))
    low, high = round(low, digits), round(high, digits)
    least, most = units.PHYSICAL.get(unit, (-math.inf, math.inf))
    # What has been said can be said, whatever physics has against it.
    return max(low, min(least, signal.low)), min(high, max(most, signal.high))


def rules(readings: Readings, signals: dict[str, Signal], timing: Timing) -> list[Limit]:
    """Return the rules that healthy *readings* suggest; they breach none of them."""
    try:
        learned = learn_rules(readings)
    except DetectorError:
        return []
    found = []
    for rule in learned:
        if rule.kind == "heartbeat" or rule.channel is None:
            continue
        signal = signals[rule.channel]
        if signal.kind in LIMITED and (rule.kind != "stuck" or signal.kind == "steady"):
            idle = rule.kind == "range" and _is_idle(rule, signal)
            found.append(Limit(rule, _comment(rule, signal, readings), idle))
        elif rule.kind == "missing" and signal.values:
            found.append(Limit(rule, _comment(rule, signal, readings)))
    if timing.heartbeat_s is not None:
        text = f"{HEARTBEAT_MEDIANS:g} times the usual interval by the clock in the frames"
        if timing.intervals:
            text = (
                f"{HEARTBEAT_LONGEST:g} times the longest of {count(timing.intervals)} intervals "
                f"({timing.longest_s:.3g} s), or {HEARTBEAT_MEDIANS:g} usual ones"
            )
        rule = Rule.model_validate(
            {
                "kind": "heartbeat",
                "limit": timing.heartbeat_s,
                "severity": Severity.WARNING,
                "margin": timing.heartbeat_s,
            }
        )
        found.append(Limit(rule, text))
    return found


def _is_idle(rule: Rule, signal: Signal) -> bool:
    if rule.low is None or rule.high is None:
        return False
    return rule.high - rule.low > TELLING * (signal.high - signal.low)


def _comment(rule: Rule, signal: Signal, readings: Readings) -> str:
    values = readings.channel(str(rule.channel))
    if rule.kind == "range":
        return (
            f"{count(signal.values)} readings lay in {signal.low:g} to {signal.high:g}; widened "
            f"for {2**DOUBLINGS} times as many"
        )
    if rule.kind == "rate":
        changes = np.abs(np.diff(values))
        largest = float(changes[np.isfinite(changes)].max(initial=0.0))
        return (
            f"the largest of {count(signal.values - 1)} changes was {largest:.6g}; widened as the "
            "range"
        )
    if rule.kind == "stuck":
        return (
            f"{RUN_FACTOR} times the longest run of equal values in {count(signal.values)} "
            f"readings, {SHORTEST_RUN} at least"
        )
    missing = int(np.isnan(values).sum())
    return (
        f"{count(missing)} of {count(len(values))} readings had no value; {RUN_FACTOR} times the "
        f"longest run of them, {SHORTEST_RUN} at least"
    )
