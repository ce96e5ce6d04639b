"""The verdict: which detector to take, in words that claim no more than the intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.evaluate.ranking import Ranking
from sensorkit.evaluate.statistics import LEAST_FAULTS, percentile_interval

Row = Mapping[str, Any]


def judge(
    ranking: Ranking,
    detectors: Sequence[Mapping[str, Any]],
    results: Sequence[Row],
    budget: float,
) -> dict[str, Any]:
    """Return the verdict of a benchmark.

    Parameters
    ----------
    ranking : Ranking
    detectors, results : sequence of dict
        As in results.json.
    budget : float
        False alarms a day that thresholds were frozen for.

    Returns
    -------
    dict
        `detector` (None where none can be recommended) and `sentence`.
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
    name = best["detector"]
    if not ranking.draws:
        return _verdict(
            None,
            f"The test has {ranking.faults} fault{'' if ranking.faults == 1 else 's'}, too few to "
            f"tell the detectors apart; {LEAST_FAULTS} are the least. "
            + _numbers(best, detectors, budget),
        )
    unbeaten = [
        row
        for row in ranking.rows
        if row["baseline"] and row["vus_pr"] is not None and not _above(ranking, name, row)
    ]
    if unbeaten:
        others = _listed([_with_value(row) for row in unbeaten])
        return _verdict(
            None,
            f"No detector beats the baselines: by VUS-PR the best one, {_with_value(best)}, "
            f"cannot be shown to be better than {others}. " + _numbers(best, detectors, budget),
        )
    return _verdict(name, f"{_standing(ranking, best)} {_numbers(best, detectors, budget)}")


def _verdict(detector: str | None, sentence: str) -> dict[str, Any]:
    return {"detector": detector, "sentence": sentence}


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


def _standing(ranking: Ranking, best: Row) -> str:
    name = best["detector"]
    others = [row for row in ranking.rows if row["vus_pr"] is not None and row is not best]
    equals = [row for row in others if row["group"] == best["group"]]
    if equals:
        names = _listed([name, *(row["detector"] for row in equals)])
        values = _listed([f"{row['vus_pr']:.2f}" for row in (best, *equals)])
        nearest = equals[0]["detector"]
        low, high = percentile_interval(
            ranking.draws[name] - ranking.draws[nearest], ranking.faults
        )
        return (
            f"{names} cannot be told apart by VUS-PR ({values}; {name} less {nearest} lies "
            f"between {low:.2f} and {high:.2f})."
        )
    low, high = best["vus_pr_ci"]
    return (
        f"{name} is the best by VUS-PR, {best['vus_pr']:.2f} ({low:.2f} to {high:.2f}), ahead of "
        f"{_with_value(others[0])}."
    )


def _numbers(row: Row, detectors: Sequence[Mapping[str, Any]], budget: float) -> str:
    """Say what the frozen threshold gives."""
    low, high = row["event_recall_ci"]
    sentence = (
        f"At its frozen threshold {row['detector']} finds {row['event_recall']:.0%} of the faults "
        f"({low:.0%} to {high:.0%})"
    )
    if row["false_alarms_per_day"] is not None:
        rate = _short(row["false_alarms_per_day"])
        low, high = row["false_alarms_per_day_ci"]
        alarms = "alarm" if rate == "1" else "alarms"
        sentence += f" at {rate} false {alarms} a day ({_short(low)} to {_short(high)})"
    delay = row["delay_median_s"]
    sentence += (
        f", with a median delay of {delay:.3g} s."
        if delay is not None and delay < float("inf")
        else "; it misses half of them or more, so there is no median delay."
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
            f" The false-alarm rate is extrapolated: {min(hours):.3g} clean hours of calibration "
            f"are fewer than the {72 / budget:.3g} that a budget of {budget:g} a day takes."
        )
    return sentence


def _above(ranking: Ranking, name: str, other: Row) -> bool:
    low, _ = percentile_interval(
        ranking.draws[name] - ranking.draws[other["detector"]], ranking.faults
    )
    return low > 0


def _with_value(row: Row) -> str:
    return f"{row['detector']} ({row['vus_pr']:.2f})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
