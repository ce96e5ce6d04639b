"""How requirements and what became of them are said: in a report, on a terminal, in CI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorkit.display.formats import fixed, interval, microseconds, percent, rate, seconds, sized
from sensorkit.evaluate.requirement import BEST, METRICS

Row = Mapping[str, Any]
"""An entry of `requirements` of report.json."""

IN_PERCENT = ("event_recall", "event_precision", "time_in_false_alarm")
"""Shares that the report writes as such; the others stand there as numbers up to 1."""


def shown_value(metric: str, value: float | None, unit: str = "") -> str:
    """Return a figure of a metric as the report writes it.

    >>> shown_value("event_recall", 0.9), shown_value("a90_95", 2.5, "degC")
    ('90 %', '2.5 degC')
    """
    match METRICS[metric]:
        case "share" if metric in IN_PERCENT:
            return percent(value)
        case "share":
            return fixed(value)
        case "rate":
            return rate(value)
        case "seconds":
            return seconds(value)
        case "microseconds":
            return microseconds(value)
    return sized(value, unit)


def _exactly(metric: str, value: float, unit: str) -> str:
    """Return a limit: it has every digit it was given, whatever the figure is rounded to."""
    if METRICS[metric] == "rate":
        return f"{value:,.12g}"
    if METRICS[metric] == "microseconds":
        return f"{value:,.12g} \N{MICRO SIGN}s"
    if metric in IN_PERCENT and round(value, 2) != value:
        return f"{100 * value:.12g} %"
    return shown_value(metric, value, unit)


SIGNS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}


def wanted(row: Row) -> str:
    """Return the limit of a judged requirement in words.

    >>> wanted({"metric": "event_recall", "operator": ">=", "limit": 0.9, "unit": ""})
    'at least 90 %'
    """
    return f"{SIGNS[row['operator']]} {_exactly(row['metric'], row['limit'], row['unit'])}"


def had(row: Row) -> str:
    """Return what a judged requirement had, or why there is nothing."""
    if row["value"] is None:
        return str(row["note"])
    value, limit = (shown_value(row["metric"], row[key], row["unit"]) for key in ("value", "limit"))
    # Rounded, it would seem to be the limit, or on its other side.
    if value == limit and row["value"] != row["limit"]:
        shares = row["metric"] in IN_PERCENT
        value = f"{100 * row['value']:.6g} %" if shares else f"{row['value']:.12g}"
    at_most = row["note"].startswith("at most")
    return f"{'at most ' if at_most else ''}{value}"


def range_of(row: Row) -> str:
    """Return the 95 % interval of a judged requirement in brackets; "" without one."""
    open_end = "not reached" if row["metric"] == "delay_median_s" else "not known"
    return interval(
        row["ci"], lambda bound: shown_value(row["metric"], bound, row["unit"]), open_end
    )


def outcome(row: Row) -> str:
    """Return how a judged requirement ended: a sign and words.

    >>> outcome({"met": True, "shown": None})
    '✓ met'
    """
    if not row["met"]:
        return "✗ not met"
    if row["shown"] is False:
        return "✓ met, but the interval goes beyond"
    return "✓ met"


def title(row: Row) -> str:
    """Return the figure that a judged requirement is about, as it was written."""
    parts = [row["detector"] or BEST, row["metric"], row["kind"], row["channel"]]
    return ".".join(str(part) for part in parts if part is not None)


def sentence(row: Row) -> str:
    """Return what fell short, or how it was met, in one line.

    >>> row = {"text": "guard.event_recall>=0.9", "detector": "guard", "metric": "event_recall",
    ...        "kind": None, "channel": None, "operator": ">=", "limit": 0.9, "value": 0.85,
    ...        "ci": [0.78, 0.9], "unit": "", "where": "", "note": "", "met": False, "shown": False}
    >>> sentence(row)
    'guard.event_recall>=0.9: not met: had 85 % [78 %, 90 %], wanted at least 90 %'
    """
    bounds = range_of(row)
    best = row["text"].startswith(f"{BEST}.") and row["detector"] is not None
    which = f" of {row['detector']}" if best else ""
    parts = [f"had {had(row)}{which}", bounds, in_brackets(row["where"])]
    found = row["note"] if row["value"] is None else " ".join(part for part in parts if part)
    return f"{row['text']}: {outcome(row)[2:]}: {found}, wanted {wanted(row)}"


def in_brackets(said: str) -> str:
    """Return *said* in brackets; nothing of nothing.

    >>> in_brackets("voltage"), in_brackets("")
    ('(voltage)', '')
    """
    return f"({said})" if said else ""
