"""The verdict: which detector to take, in words that claim no more than the figures.

Detectors are compared by VUS-PR. Which of those that nothing tells apart from the best is taken is
decided by what its frozen threshold does, as that is what runs on the device: among those that
keep the budget of false alarms the first by VUS-PR, unless another was shown to find more faults.
One that breaks the budget is not recommended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.evaluate.caught import caught
from sensorkit.evaluate.ranking import Ranking
from sensorkit.evaluate.statistics import ALPHA, LEAST_FAULTS
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
        by VUS-PR with the next that cannot be told apart from it, or else with the second (None
        where nothing was drawn): `first`, `second`, `metric`, `difference`, `ci`, `p_value`,
        `faults` (how many were tried) and `faults_needed` (how many more would tell them apart; 0
        where they are, None where no number in reason would).
    """
    own = [row for row in ranking.rows if not row["baseline"]]
    if not any(row["recordings"] for row in ranking.rows):
        return _verdict(
            None, "No reading of the test shows a fault, so the detectors cannot be compared."
        )
    left_out = _left_out(own)
    ranked = [row for row in own if row["vus_pr"] is not None]
    if not ranked:
        return _verdict(None, _none_finished(own, results))
    best = ranked[0]
    if not ranking.samples:
        return _verdict(None, f"{_too_few(ranking)} {_numbers(best, detectors, budget)}{left_out}")
    unbeaten = _unbeaten(ranking, best)
    equals = [
        row
        for row in ranked[1:]
        if not ranking.difference(best["detector"], row["detector"]).told_apart
    ]
    others = (
        unbeaten or equals or ranked[1:] or [r for r in ranking.rows if r["vus_pr"] is not None][1:]
    )
    comparison = _comparison(ranking, best, others[0]) if others else None
    if unbeaten:
        names = listed([_with_value(row) for row in unbeaten])
        return _verdict(
            None,
            f"No detector beats the baselines: by VUS-PR the best one, {_with_value(best)}, "
            f"cannot be shown to be better than {names}. "
            f"{_numbers(best, detectors, budget)}{left_out}",
            comparison,
        )
    fit = [best, *(row for row in equals if not _unbeaten(ranking, row))]
    keeping = [row for row in fit if _keeps(row, budget)]
    chosen = (
        _chosen(ranking, keeping)
        if keeping
        else min(fit, key=lambda row: row["false_alarms_per_day"])
    )
    if keeping:
        reason = _reason(ranking, chosen, best, keeping, budget)
    else:
        rest = [row for row in ranked if row not in fit and not _unbeaten(ranking, row)]
        reason = _breaks(fit, chosen, [row for row in rest if _keeps(row, budget)], budget)
    standing = (
        _not_told_apart(ranking, best, equals, comparison, reason)
        if equals
        else _ahead(best, others, comparison, reason)
    )
    sentence = f"{standing} {_numbers(chosen, detectors, budget)}"
    curves = [row for row in detectability if row["detector"] == chosen["detector"]]
    if found := caught(curves):
        sentence += f" {found}"
    return _verdict(chosen["detector"] if keeping else None, f"{sentence}{left_out}", comparison)


def _verdict(
    detector: str | None, sentence: str, comparison: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"detector": detector, "sentence": sentence, "comparison": comparison}


def _comparison(ranking: Ranking, first: Row, second: Row) -> dict[str, Any]:
    found = ranking.difference(first["detector"], second["detector"])
    needed: int | None = 0
    if not found.told_apart:
        # Stretches are what was drawn; more of them bring as many faults each as those tried.
        needed = faults_needed(found.value, found.deviation, ranking.stretches)
        if needed is not None:
            # They are not told apart, whatever the normal approximation says of the draws.
            needed = math.ceil(max(needed, 1) * ranking.faults / ranking.stretches)
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


def _chosen(ranking: Ranking, keeping: Sequence[Row]) -> Row:
    """Return the first, or of those shown to find more faults than it the one that finds most."""
    first = keeping[0]
    more = [row for row in keeping[1:] if _finds_more(ranking, row, first)]
    return max(more, key=lambda row: row["event_recall"]) if more else first


def _finds_more(ranking: Ranking, row: Row, first: Row) -> bool:
    return (
        row["event_recall"] > first["event_recall"]
        and ranking.hits_p_value(row["detector"], first["detector"]) < ALPHA
    )


def _reason(ranking: Ranking, chosen: Row, best: Row, keeping: Sequence[Row], budget: float) -> str:
    """Say why this one of several that are not told apart; empty where it is the first anyway."""
    name, first = chosen["detector"], keeping[0]
    said = []
    if first is not best:
        loud = best["detector"]
        said.append(
            f"{loud} raises more false alarms than the budget of {budget:g} a day, "
            f"{first['detector']} was not shown to"
        )
    if chosen is not first:
        one, other = ranking.hits[name], ranking.hits[first["detector"]]
        p = p_words(ranking.hits_p_value(name, first["detector"]))
        said.append(
            f"{name} finds more faults at its frozen threshold ({one.sum()} of {len(one)}, "
            f"{first['detector']} {other.sum()}; {p})"
        )
    return "; ".join(said)


def _breaks(fit: Sequence[Row], calmest: Row, others: Sequence[Row], budget: float) -> str:
    """Say that none is recommended, as none keeps the budget, and who of the others would."""
    name = calmest["detector"]
    what = f"the false-alarm budget of {budget:g} a day"
    said = (
        f"none of them keeps {what}, so none is recommended; {name} raises the fewest"
        if len(fit) > 1
        else f"{name} breaks {what} and is not recommended"
    )
    return f"{said}; {_with_value(others[0])} would keep it" if others else said


def _too_few(ranking: Ranking) -> str:
    faults, stretches = ranking.faults, ranking.stretches
    said = f"The test has {faults} fault{'' if faults == 1 else 's'}"
    apart = "are"
    if stretches != faults:
        said += f" in {stretches} stretch{'' if stretches == 1 else 'es'} of faulty readings"
        apart = "stretches are"
    return f"{said}, too few to tell the detectors apart; {LEAST_FAULTS} {apart} the least."


def _left_out(own: Sequence[Row]) -> str:
    """Return a sentence on the detectors that did not finish; empty where all did."""
    failed = [f"{row['detector']} {row['note']}" for row in own if row["failed"]]
    if not failed:
        return ""
    return f" {'; '.join(failed)}: not compared."


def _holds_for(row: Row) -> str:
    """Return a clause on how far the figures reach; empty where there were several recordings."""
    if row["recordings"] != 1:
        return ""
    copies = "" if row["copies"] == 1 else f" ({row['copies']} copies)"
    return f"; this holds for the one recording tried{copies}"


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


def _ahead(
    best: Row, others: Sequence[Row], comparison: Mapping[str, Any] | None, reason: str
) -> str:
    low, high = best["vus_pr_ci"]
    said = (
        f"{best['detector']} is the best by VUS-PR, {best['vus_pr']:.2f} ({low:.2f} to {high:.2f})"
    )
    if comparison is not None:
        said += f", ahead of {_with_value(others[0], p_words(comparison['p_value']))}"
    return f"{said}; {reason}." if reason else f"{said}."


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
    delay = row["delay_median_s"]
    sentence += (
        f", with a median delay of {delay:.3g} s"
        if math.isfinite(delay)
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
    return f"{sentence}{_holds_for(row)}."


def _with_value(row: Row, *more: str) -> str:
    return f"{row['detector']} ({', '.join([format(row['vus_pr'], '.2f'), *more])})"
