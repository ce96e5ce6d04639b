"""Data quality at a glance: the scores by channel and dimension, the worst windows, the issues."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sensorkit.display.cards import Card, Table, shortened
from sensorkit.display.formats import NONE, count, visible
from sensorkit.quality.checks import DIMENSIONS, Issue
from sensorkit.readings import isoformat

if TYPE_CHECKING:
    from sensorkit.quality.batch import Quality

ISSUES_SHOWN = 12
WINDOWS_SHOWN = 5


def score(value: float) -> str:
    """Return a score as it is shown; what is not whole is never shown as 100.

    >>> score(100.0), score(99.996), score(83.21)
    ('100', '99.9', '83.2')
    """
    if math.isnan(value):
        return NONE
    if value == 100.0:
        return "100"
    return f"{math.floor(10 * value) / 10:.1f}"


def at(time_ns: int) -> str:
    """Return a time to the millisecond, or to the second where it is a whole one.

    >>> at(1_500_000_000), at(2_000_000_000)
    ('1970-01-01T00:00:01.500Z', '1970-01-01T00:00:02Z')
    """
    said = isoformat(time_ns)[:23]
    return f"{said.removesuffix('.000')}Z"


def card(quality: Quality) -> Card:
    """Return what is shown of *quality*."""
    scores = quality.scores
    facts = [
        ("score", score(quality.score)),
        ("expected", f"{count(int(scores.expected.sum()))} values"),
        ("lines", f"{count(scores.lines)}, {count(scores.rejected)} rejected"),
        ("issues", count(len(quality.found))),
    ]
    return Card("Data quality", visible(quality.name), facts, tables(quality))


def tables(quality: Quality) -> list[Table]:
    """Return the tables of *quality*, those without rows among them."""
    heads = ("score", *DIMENSIONS)
    by_channel = quality.to_frame()
    channels = [
        (visible(str(name)), *(score(float(row[head])) for head in heads))
        for name, row in by_channel.iterrows()
    ]
    devices = [
        (visible(name) or "(not known)", score(one.score), *map(score, one.dimensions.values()))
        for name, one in quality.devices.items()
    ]
    worst: list[tuple[str, ...]] = [
        (
            at(int(row["start"].value)),
            at(int(row["end"].value)),
            visible(row["device"]),
            min(DIMENSIONS, key=lambda name: float(row[name])),
            score(row["score"]),
        )
        for row in quality.worst(WINDOWS_SHOWN).to_dict("records")
        if row["score"] < 100.0
    ]
    met: list[tuple[str, ...]] = [
        (
            visible(row["expectation"]),
            "yes" if row["met"] else "no",
            f"{100 * row['share']:.6g} %",
            f"{100 * row['wanted']:.6g} %",
            count(row["judged"]),
        )
        for row in quality.expectations.to_dict("records")
    ]
    return [
        Table("score by channel", ("", *heads), channels),
        Table(
            "score by device", ("", *heads), shortened(devices) if len(devices) > 1 else []
        ),
        Table("expectations", ("", "met", "held", "wanted", "judged"), shortened(met), words=2),
        Table("worst windows", ("from", "to", "device", "worst in", "score"), worst, words=4),
        Table("largest issues", ("what", "where", "dimension", "from", "to"), issues(quality),
              words=5),
    ]  # fmt: skip


def issues(quality: Quality, most: int = ISSUES_SHOWN) -> list[tuple[str, ...]]:
    """Return the issues with most findings as rows: what, where, dimension, from, to."""
    rows: list[tuple[str, ...]] = [
        (
            visible(one.told),
            where(one, several=len(quality.devices) > 1),
            one.dimension,
            at(one.start),
            at(one.end),
        )
        for one in largest(quality)[:most]
    ]
    left = len(quality.found) - most
    return [*rows, (f"{count(left)} more", "", "", "", "")] if left > 0 else rows


def largest(quality: Quality) -> list[Issue]:
    """Return the issues, the critical ones first, then those with most findings."""
    return sorted(
        quality.found, key=lambda one: (one.severity != "CRITICAL", -one.count, one.start)
    )


def where(issue: Issue, *, several: bool) -> str:
    """Return device and channel, as far as they need to be said."""
    device = visible(issue.device) or "(sender not known)"
    named = [device] if several else []
    return ", ".join([*named, *([visible(issue.channel)] if issue.channel else [])])
