"""The verdict: which detector to take, in words that claim no more than the figures.

Detectors are compared by VUS-PR. Which of those that nothing tells apart from the best is taken is
decided by what its frozen threshold does, as that is what runs on the device: the one that finds
most faults, among those that keep the budget of false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.evaluate.caught import caught
from sensorkit.evaluate.ranking import Ranking
from sensorkit.evaluate.statistics import LEAST_FAULTS
from sensorkit.evaluate.statistics.power import faults_needed
from sensorkit.evaluate.words import listed, p_words, short

Row = Mapping[str, Any]


def judge(
    ranking: Ranking,
    detectors: Sequence[Mapping[str, Any]],
    results: Sequence[Row],
    budget: float,
    detectability: Sequence[Row] = (),
) -> dict[str, Any]:
    """Return the verdict of a benchmark.

    Parameters
    ----------
    ranking : Ranking
    detectors, results, detectability : sequence of dict
        As in results.json.
    budget : float
        False alarms a day that thresholds were frozen for.

    Returns
    -------
    dict
        `detector` (None where none can be recommended), `sentence`, and `comparison` of the first
        two by VUS-PR (None where nothing was drawn): `first`, `second`, `metric`, `difference`,
        `ci`, `p_value`, `faults` (how many were tried) and `faults_needed` (how many more would
        tell them apart; 0 where they are, None where no number in reason would).
    """
    own = [row for row in ranking.rows if not row["baseline"]]
    if not any(row["recordings"] for row in ranking.rows):
        return _verdict(
            None, "No reading of the test shows a fault, so the detectors cannot be compared."
        )
    ranked = [row for row in own if row["vus_pr"] is not None]
    if not ranked:
        return _verdict(None, _none_finished(own, results))
    best = ranked[0]
    if not ranking.samples:
        return _verdict(
            None,
            f"The test has {ranking.faults} fault{'' if ranking.faults == 1 else 's'}, too few to "
            f"tell the detectors apart; {LEAST_FAULTS} are the least. "
            + _numbers(best, detectors, budget),
        )
    unbeaten = _unbeaten(ranking, best)
    others = unbeaten or ranked[1:] or [r for r in ranking.rows if r["vus_pr"] is not None][1:]
    comparison = _comparison(ranking, best, others[0]) if others else None
    if unbeaten:
        names = listed([_with_value(row) for row in unbeaten])
        return _verdict(
            None,
            f"No detector beats the baselines: by VUS-PR the best one, {_with_value(best)}, "
            f"cannot be shown to be better than {names}. " + _numbers(best, detectors, budget),
            comparison,
        )
    equals = [row for row in ranked[1:] if row["group"] == best["group"]]
    fit = [best, *(row for row in equals if not _unbeaten(ranking, row))]
    chosen = _chosen(fit, budget)
    standing = (
        _not_told_apart(ranking, best, equals, comparison, _reason(chosen, best, fit, budget))
        if equals
        else _ahead(best, others, comparison)
    )
    sentence = f"{standing} {_numbers(chosen, detectors, budget)}"
    curves = [row for row in detectability if row["detector"] == chosen["detector"]]
    if found := caught(curves):
        sentence += f" {found}"
    return _verdict(chosen["detector"], sentence, comparison)


def _verdict(
    detector: str | None, sentence: str, comparison: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"detector": detector, "sentence": sentence, "comparison": comparison}


def _comparison(ranking: Ranking, first: Row, second: Row) -> dict[str, Any]:
    found = ranking.difference(first["detector"], second["detector"])
    needed: int | None = 0
    if not found.told_apart:
        needed = faults_needed(found.value, found.deviation, ranking.faults)
        # They are not told apart, whatever the normal approximation says of the draws.
        needed = None if needed is None else max(needed, 1)
    return {
        "first": first["detector"],
        "second": second["detector"],
        "metric": "vus_pr",
        "difference": found.value,
        "ci": found.interval,
        "p_value": found.p_value,
        "faults": ranking.faults,
        "faults_needed": needed,
    }


def _unbeaten(ranking: Ranking, row: Row) -> list[Row]:
    """Return the baselines that a detector cannot be shown to be better than."""
    return [
        other
        for other in ranking.rows
        if other["baseline"]
        and other["vus_pr"] is not None
        and ranking.difference(row["detector"], other["detector"]).interval[0] <= 0
    ]


def _keeps(row: Row, budget: float) -> bool:
    """Return whether nothing speaks against a rate within the budget."""
    found = row["false_alarms_per_day_ci"]
    return found is None or found[0] <= budget


def _chosen(fit: Sequence[Row], budget: float) -> Row:
    keeping = [row for row in fit if _keeps(row, budget)]
    if not keeping:
        return min(fit, key=lambda row: row["false_alarms_per_day"])
    return max(keeping, key=lambda row: (row["event_recall"], -_delay(row)))


def _delay(row: Row) -> float:
    delay = row["delay_median_s"]
    return math.inf if delay is None else float(delay)


def _reason(chosen: Row, best: Row, fit: Sequence[Row], budget: float) -> str:
    """Say why this one of several that are not told apart; empty where it is the first anyway."""
    name, first = chosen["detector"], best["detector"]
    if not _keeps(chosen, budget):
        return (
            f"none of them keeps the false-alarm budget of {budget:g} a day, and {name} raises "
            "the fewest"
            if len(fit) > 1
            else ""
        )
    if not _keeps(best, budget):
        return (
            f"{first} raises more false alarms than the budget of {budget:g} a day, {name} was not "
            "shown to"
        )
    if chosen is best:
        return ""
    if chosen["event_recall"] > best["event_recall"]:
        return f"{name} finds more faults at its frozen threshold"
    return f"{name} finds as many faults at its frozen threshold as {first}, and sooner"


def _none_finished(own: Sequence[Row], results: Sequence[Row]) -> str:
    names = {row["detector"] for row in own}
    reasons = {
        row["detector"]: row["reason"]
        for row in results
        if row["detector"] in names and row["status"] != "ok"
    }
    if not reasons:
        return "No detector but the baselines was tried, so there is none to recommend."
    return "No detector finished: " + "; ".join(f"{d}: {why}" for d, why in reasons.items()) + "."


def _not_told_apart(
    ranking: Ranking,
    best: Row,
    equals: Sequence[Row],
    comparison: Mapping[str, Any] | None,
    reason: str,
) -> str:
    name = best["detector"]
    p_values = listed(
        [p_words(ranking.difference(name, row["detector"]).p_value) for row in equals]
    )
    worth = f"{p_values}{_power(comparison, len(equals))}"
    if len(equals) == 1:
        other = equals[0]
        sentence = (
            f"{name} and {other['detector']} cannot be told apart by VUS-PR "
            f"({best['vus_pr']:.2f} and {other['vus_pr']:.2f}, {worth})"
        )
    else:
        sentence = (
            f"{_with_value(best)} comes first by VUS-PR, but "
            f"{listed([_with_value(row) for row in equals])} cannot be told apart from it ({worth})"
        )
    return f"{sentence}; {reason}." if reason else f"{sentence}."


def _power(comparison: Mapping[str, Any] | None, equals: int) -> str:
    if comparison is None:
        return ""
    which = "them" if equals == 1 else f"{comparison['first']} and {comparison['second']}"
    needed = comparison["faults_needed"]
    if needed is None:
        return f"; no number of faults in reason would tell {which} apart"
    about = needed if needed < 100 else round(needed, 2 - len(str(needed)))
    return f"; about {about} more such faults would tell {which} apart"


def _ahead(best: Row, others: Sequence[Row], comparison: Mapping[str, Any] | None) -> str:
    low, high = best["vus_pr_ci"]
    alone = (
        f"{best['detector']} is the best by VUS-PR, {best['vus_pr']:.2f} ({low:.2f} to {high:.2f})"
    )
    if comparison is None:
        return f"{alone}."
    return f"{alone}, ahead of {_with_value(others[0], p_words(comparison['p_value']))}."


def _numbers(row: Row, detectors: Sequence[Mapping[str, Any]], budget: float) -> str:
    """Say what the frozen threshold gives."""
    low, high = row["event_recall_ci"]
    sentence = (
        f"At its frozen threshold {row['detector']} finds {row['event_recall']:.0%} of the faults "
        f"({low:.0%} to {high:.0%})"
    )
    if row["false_alarms_per_day"] is not None:
        rate = short(row["false_alarms_per_day"])
        low, high = row["false_alarms_per_day_ci"]
        alarms = "alarm" if rate == "1" else "alarms"
        above = "" if _keeps(row, budget) else f", above the budget of {budget:g}"
        sentence += f" at {rate} false {alarms} a day ({short(low)} to {short(high)}{above})"
    delay = _delay(row)
    sentence += (
        f", with a median delay of {delay:.3g} s"
        if delay < math.inf
        else "; it misses half of them or more, so there is no median delay"
    )
    hours = [
        calibration["clean_hours"]
        for detector in detectors
        if detector["name"] == row["detector"]
        for calibration in detector["calibrations"]
        if calibration["extrapolated"] and not calibration["fixed"]
    ]
    if hours:
        sentence += (
            f"; the false-alarm rate is extrapolated: {min(hours):.3g} clean hours of calibration "
            f"are fewer than the {72 / budget:.3g} that a budget of {budget:g} a day takes"
        )
    return f"{sentence}."


def _with_value(row: Row, *more: str) -> str:
    return f"{row['detector']} ({', '.join([format(row['vus_pr'], '.2f'), *more])})"
