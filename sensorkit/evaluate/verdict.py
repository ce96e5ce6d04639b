"""The verdict: which detector to take, in words that claim no more than the figures.

Detectors are compared by VUS-PR. Which of those that nothing tells apart from the best is taken is
decided by what its frozen threshold does, as that is what runs on the device: among those that
keep the budget of false alarms the first by VUS-PR, unless another was shown to find more faults.
One that breaks the budget is not recommended.

The sentence begins with what matters to who uses the detector: what it finds, or why none is
recommended. How it compares with others follows, and last how far all of it holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import fixed, number, percent, rate, seconds
from sensorkit.evaluate.caught import caught
from sensorkit.evaluate.ranking import Ranking
from sensorkit.evaluate.statistics import ALPHA, LEAST_FAULTS
from sensorkit.evaluate.statistics.power import faults_needed
from sensorkit.evaluate.words import listed, p_words

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
        at_threshold = f"{_at_threshold(best, budget)} {_holds(best, detectors, budget)}".rstrip()
        return _verdict(None, f"{_too_few(ranking)} {at_threshold}{left_out}")
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
        none = (
            f"No detector beats the baselines: by VUS-PR the best one, {_with_value(best)}, "
            f"cannot be shown to be better than {names}."
        )
        said = [none, _at_threshold(best, budget), _holds(best, detectors, budget)]
        return _verdict(None, f"{_joined(said)}{left_out}", comparison)
    fit = [best, *(row for row in equals if not _unbeaten(ranking, row))]
    keeping = [row for row in fit if _keeps(row, budget)]
    if keeping:
        chosen = _chosen(ranking, keeping)
        does = [f"{_numbers(chosen, budget)}."]
        reason = _reason(ranking, chosen, best, keeping, budget)
    else:
        chosen = min(fit, key=lambda row: row["false_alarms_per_day"])
        rest = [row for row in ranked if row not in fit and not _unbeaten(ranking, row)]
        calm = [row for row in rest if _keeps(row, budget)]
        does = [_breaks(fit, chosen, calm, budget), _at_threshold(chosen, budget)]
        reason = ""
    curves = [row for row in detectability if row["detector"] == chosen["detector"]]
    standing = (
        _not_told_apart(ranking, best, equals, comparison, reason)
        if equals
        else _ahead(best, others, comparison, reason)
    )
    sentence = _joined([*does, caught(curves), standing, _holds(chosen, detectors, budget)])
    return _verdict(chosen["detector"] if keeping else None, f"{sentence}{left_out}", comparison)


def _joined(sentences: Sequence[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


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
            f"{loud} raises more false alarms than the budget of {number(budget)} a day, "
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
    what = f"the false-alarm budget of {number(budget)} a day"
    if len(fit) > 1:
        names = listed([row["detector"] for row in fit])
        said = f"None of {names} keeps {what}, so none is recommended; {name} raises the fewest"
    else:
        said = f"The first by VUS-PR, {name}, breaks {what} and is not recommended"
    if others:
        said += f"; {others[0]['detector']} (VUS-PR {fixed(others[0]['vus_pr'])}) would keep it"
    return f"{said}."


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


def _holds(row: Row, detectors: Sequence[Mapping[str, Any]], budget: float) -> str:
    """Return a sentence on how far the figures reach; empty where nothing limits them."""
    said = []
    hours = [
        calibration["clean_hours"]
        for detector in detectors
        if detector["name"] == row["detector"]
        for calibration in detector["calibrations"]
        if calibration["extrapolated"] and not calibration["fixed"]
    ]
    if hours:
        said.append(
            f"the false-alarm rate is extrapolated: {number(min(hours))} clean hours of "
            f"calibration are fewer than the {number(72 / budget)} that a budget of "
            f"{number(budget)} a day takes"
        )
    if row["recordings"] == 1:
        copies = "" if row["copies"] == 1 else f" ({row['copies']} copies)"
        said.append(f"this holds for the one recording tried{copies}")
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}." if said else ""


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
            f"By VUS-PR {name} and {other['detector']} cannot be told apart "
            f"({fixed(best['vus_pr'])} and {fixed(other['vus_pr'])}, {worth})"
        )
    else:
        sentence = (
            f"By VUS-PR {_with_value(best)} comes first, but "
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
    return f"; about {number(needed, 2)} more such faults would tell {which} apart"


def _ahead(
    best: Row, others: Sequence[Row], comparison: Mapping[str, Any] | None, reason: str
) -> str:
    low, high = best["vus_pr_ci"]
    said = (
        f"By VUS-PR {best['detector']} is the best, {fixed(best['vus_pr'])} "
        f"({fixed(low)} to {fixed(high)})"
    )
    if comparison is not None:
        said += f", ahead of {_with_value(others[0], p_words(comparison['p_value']))}"
    return f"{said}; {reason}." if reason else f"{said}."


def _at_threshold(row: Row, budget: float) -> str:
    """Return what the frozen threshold of a detector gives that is not recommended."""
    return f"At its frozen threshold {_numbers(row, budget)}."


def _numbers(row: Row, budget: float) -> str:
    """Say what the frozen threshold gives."""
    low, high = row["event_recall_ci"]
    said = (
        f"{row['detector']} finds {percent(row['event_recall'])} of the faults "
        f"({percent(low)} to {percent(high)})"
    )
    if row["false_alarms_per_day"] is not None:
        alarms = rate(row["false_alarms_per_day"])
        low, high = row["false_alarms_per_day_ci"]
        above = "" if _keeps(row, budget) else f", above the budget of {number(budget)}"
        said += (
            f" at {alarms} false {'alarm' if alarms == '1' else 'alarms'} a day "
            f"({rate(low)} to {rate(high)}{above})"
        )
    delay = row["delay_median_s"]
    if math.isfinite(delay):
        return f"{said}, with a median delay of {seconds(delay)}"
    return f"{said}; it misses half of them or more, so there is no median delay"


def _with_value(row: Row, *more: str) -> str:
    return f"{row['detector']} ({', '.join([fixed(row['vus_pr']), *more])})"
