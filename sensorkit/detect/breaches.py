"""Put into words which rule was breached, by what, and since when."""

from __future__ import annotations

import math
from typing import NamedTuple

from sensorkit.detect.wording import Wording, decimal
from sensorkit.profile.rules import Rule
from sensorkit.readings import isoformat

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
            value = _infinite(breach.value) or self._words.value(channel, breach.value)
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
        text = self._words.value(channel, value, away_from=_edges(rule))
        infinite = _infinite(value)
        if low is None or high is None:
            limit = self._words.limit(channel, float(high if high is not None else low or 0.0))
            where = _where(low, high, value)
            if infinite:
                return f"has {infinite}, {where or 'whatever'} the threshold of {limit}"
            if not where:
                return f"{text} {self._not_over(rule, channel, f'the threshold of {limit}')}"
            return f"{text} {PASSED[where]} threshold of {limit}"
        # 4.5V-5.5V, but not -40.0°C--10.0°C.
        to = "-" if low >= 0 and high >= 0 else " to "
        limits = (self._words.limit(channel, limit) for limit in (low, high))
        band = f"the normal range of {to.join(limits)}"
        if infinite:
            return f"has {infinite}, outside {band}"
        if low <= value <= high:
            return f"{text} {self._not_over(rule, channel, band)}"
        return f"{text} was outside {band}"

    def _rate(self, rule: Rule, channel: str, change: float) -> str:
        limit = float(rule.limit or 0.0)
        each = " per second" if rule.per == "second" else ""
        edges = (-limit, limit, rule.hysteresis - limit, limit - rule.hysteresis)
        text = _infinite(change)
        if not text:
            text = self._words.value(channel, change, away_from=edges) + each
        threshold = f"the rate-of-change threshold of {self._words.limit(channel, limit)}{each}"
        if abs(change) > limit:
            return f"changed by {text}, exceeding {threshold}"
        return f"changed by {text}, which {self._not_over(rule, channel, threshold)}"

    def _not_over(self, rule: Rule, channel: str, limits: str) -> str:
        """Return why a value inside *limits* is still a breach: that is the hysteresis."""
        hysteresis = self._words.limit(channel, rule.hysteresis)
        return f"is back inside {limits} by less than the hysteresis of {hysteresis}"


PASSED = {"above": "exceeded", "below": "fell below"}


def _where(low: float | None, high: float | None, value: float) -> str:
    """Return on which side of its limits a value is; nothing if it is inside."""
    if high is not None and value > high:
        return "above"
    return "below" if low is not None and value < low else ""


def _edges(rule: Rule) -> tuple[float, ...]:
    """Return where a range begins, ends, and is over; a value's text has to keep its side."""
    low = () if rule.low is None else (rule.low, rule.low + rule.hysteresis)
    high = () if rule.high is None else (rule.high, rule.high - rule.hysteresis)
    return (*low, *high)


def _infinite(value: float) -> str:
    """Return an infinite value in words; nothing for one that is not.

    >>> _infinite(math.inf), _infinite(-math.inf), _infinite(25.0)
    ('an infinite value', 'an infinite negative value', '')
    """
    if not math.isinf(value):
        return ""
    return "an infinite value" if value > 0 else "an infinite negative value"


def _how_long(rule: Rule, breach: Breach) -> str:
    lasted = f"{decimal((breach.time - breach.since) / SECOND_NS)} seconds"
    if rule.readings is not None or rule.for_readings is not None:
        lasted = f"{breach.run} readings"
    return f"{lasted} since {isoformat(breach.since)}"
