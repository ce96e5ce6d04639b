"""Put into words which rule was breached, by what, and since when."""

from __future__ import annotations

import math
from typing import NamedTuple

from sensorkit.detect.wording import Wording, decimal
from sensorkit.readings import isoformat
from sensorkit.rule_kinds import Rule

SECOND_NS = 1_000_000_000


class Breach(NamedTuple):
    """What is known of a reading that breaches a rule."""

    value: float
    """Of the channel; NaN where there is none."""
    change: float
    """Since the reading before, or per second; rate rules only."""
    time: int
    """Nanoseconds UTC, as is *since*."""
    since: int
    """When the run or the breach began."""
    run: int
    """Readings in it."""
    word: str | None
    """What the device says."""


class Breaches:
    """The sentences of alerts about rules.

    Parameters
    ----------
    words : Wording
    """

    def __init__(self, words: Wording) -> None:
        self._words = words

    def describe(self, rule: Rule, breach: Breach) -> str:
        """Return a sentence that says what limit was passed by what."""
        if rule.kind == "status":
            return f"Device reports {breach.word}{self._lasted(rule, breach)}."
        channel = str(rule.channel)
        if rule.kind == "missing":
            what = f"is missing for {_how_long(rule, breach)}"
        elif rule.kind == "stuck":
            value = self._words.value(channel, breach.value)
            what = f"is stuck at {value} for {_how_long(rule, breach)}"
        elif rule.kind == "rate":
            what = self._rate(rule, channel, breach.change) + self._lasted(rule, breach)
        else:
            what = self._range(rule, channel, breach.value) + self._lasted(rule, breach)
        return f"{self._words.title(channel)} {what}."

    def _lasted(self, rule: Rule, breach: Breach) -> str:
        if rule.for_readings is None and rule.for_s is None:
            return ""
        return f", for {_how_long(rule, breach)}"

    def _range(self, rule: Rule, channel: str, value: float) -> str:
        low, high = rule.low, rule.high
        if low is None or high is None:
            breached = float(high if high is not None else low or 0.0)
            text = self._words.value(channel, value, away_from=breached)
            threshold = f"threshold of {self._words.limit(channel, breached)}"
            if high is not None and value > high:
                return f"{text} exceeded {threshold}"
            if low is not None and value < low:
                return f"{text} fell below {threshold}"
            if math.isinf(value):
                return f"{text} is infinite, whatever the {threshold}"
            return f"{text} {self._not_over(rule, channel)} {threshold}"
        text = self._words.value(channel, value, away_from=low if value < low else high)
        # 4.5V-5.5V, but not -40.0°C--10.0°C.
        to = "-" if low >= 0 and high >= 0 else " to "
        limits = (self._words.limit(channel, limit) for limit in (low, high))
        band = f"the normal range of {to.join(limits)}"
        if low <= value <= high:
            return f"{text} {self._not_over(rule, channel)} {band}"
        return f"{text} was outside {band}"

    def _rate(self, rule: Rule, channel: str, change: float) -> str:
        limit = float(rule.limit or 0.0)
        each = " per second" if rule.per == "second" else ""
        text = self._words.value(channel, change, away_from=math.copysign(limit, change))
        threshold = f"the rate-of-change threshold of {self._words.limit(channel, limit)}{each}"
        if abs(change) > limit:
            return f"changed by {text}{each}, exceeding {threshold}"
        return f"changed by {text}{each}, which {self._not_over(rule, channel)} {threshold}"

    def _not_over(self, rule: Rule, channel: str) -> str:
        """Return why a value inside the limits is still a breach: that is the hysteresis."""
        return f"is by less than {self._words.limit(channel, rule.hysteresis)} back inside"


def _how_long(rule: Rule, breach: Breach) -> str:
    lasted = f"{decimal((breach.time - breach.since) / SECOND_NS)} seconds"
    if rule.readings is not None or rule.for_readings is not None:
        lasted = f"{breach.run} readings"
    return f"{lasted} since {isoformat(breach.since)}"
