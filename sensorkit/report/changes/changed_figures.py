"""What became of each figure of a detector from one run to the next, with its interval."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.rows import Scored
from sensorkit.evaluate.statistics import ALPHA, hits_p_value, resample
from sensorkit.evaluate.statistics.blocks import FIGURES, Draws, bootstrap
from sensorkit.evaluate.statistics.changes import (
    difference,
    median_difference,
    rate_difference,
    share_difference,
)
from sensorkit.evaluate.statistics.nested import resample_nested
from sensorkit.report.changes.change import (
    ALIKE,
    SAME,
    TOO_FEW,
    UNPAIRED,
    Change,
    judged,
    less,
    opened,
    same,
)
from sensorkit.report.changes.changed_alarms import Times, alone, bunched
from sensorkit.report.changes.changed_sizes import smallest_found
from sensorkit.report.changes.two_runs import Side, TwoRuns
from sensorkit.runs import runs

RESAMPLES = 500
SEED = 1

TIMED_ONCE = "timed once each"
"""Nothing says what chance does to it: a first run, cold, may be ten times as slow."""


def changes_of(two: TwoRuns, detector: str) -> list[Change]:
    """Return what became of each figure of a detector that both runs tried."""
    one, other = two.before.rank(detector), two.after.rank(detector)
    found = [
        make(two, detector, Change(key, name, one[key], other[key]))
        for key, name, make in (
            ("vus_pr", "VUS-PR", _volume),
            ("event_recall", "Faults found", _recall),
            ("false_alarms_per_day", "False alarms a day", _false_alarms),
            ("delay_median_s", "Median delay", _delay),
        )
    ]
    return [*found, _speed(two, detector), *smallest_found(two, detector)]


def _refused(two: TwoRuns, detector: str, change: Change, *settings: str) -> Change | None:
    """Return why a figure is not compared, if it is not."""
    for side, when in ((two.before, "before"), (two.after, "now")):
        if side.rank(detector)["failed"]:
            return replace(change, note=f"{side.rank(detector)['note']} {when}")
    if other := two.changed(*settings):
        return replace(change, note=f"measured otherwise: {' and '.join(other)} changed")
    return None


def _unpaired(two: TwoRuns, detector: str, change: Change, *, better: str) -> Change:
    """Compare by the intervals of both figures alone."""
    ends = [side.rank(detector)[f"{change.figure}_ci"] for side in (two.before, two.after)]
    value = less(change)
    if value is None or None in ends:
        return replace(change, change=value, paired=False, note="no interval of either")
    arms = [opened(end) for end in ends]
    interval = difference(change.before or 0.0, arms[0], change.after or 0.0, arms[1])
    return judged(change, interval, better=better, change=value, paired=False, note=UNPAIRED)


def _volume(two: TwoRuns, detector: str, change: Change) -> Change:
    if refused := _refused(two, detector, change, "buffer", "thresholds"):
        return refused
    if change.after is None or change.before is None:
        return replace(change, note="no reading of the test shows a fault")
    if two.same_scores(detector):
        return same(change)
    if not two.aligned:
        return _unpaired(two, detector, change, better="higher")
    names = ("before", "after")
    cells = {
        (pair[1], name): _scored(side, detector, pair[place], pair[1])
        for pair in two.pairs
        for place, (name, side) in enumerate(zip(names, (two.before, two.after), strict=True))
    }
    bases = {pair[1]: str(number) for number, base in enumerate(two.bases) for pair in base}
    # Two runs of a detector are ranked as two detectors are: paired, by block bootstrap.
    ranking = rank(cells, list(bases), names, resamples=20, seed=SEED, bases=bases)
    if not ranking.samples:
        return replace(change, change=less(change), word=ALIKE, note=TOO_FEW)
    found = ranking.difference("after", "before")
    return judged(change, found.interval, better="higher", change=less(change))


def _scored(side: Side, detector: str, recording: str, key: str) -> Scored:
    """Return the draws of a recording, the same faults for both runs."""
    row = dict(side.result(detector, recording))
    frame = (side.scores or {})[recording]
    labels = frame["label"].to_numpy(dtype=np.bool_)
    draws: Draws | None = None
    if labels.any():
        rng = np.random.default_rng([SEED, *key.encode()])
        draws = bootstrap(
            labels,
            frame[detector].to_numpy(dtype=np.float64),
            buffer=int(side.report["settings"]["buffer"]),
            exact={name: math.nan if row[name] is None else row[name] for name in FIGURES},
            weights=resample(len(runs(labels).start), RESAMPLES, rng),
        )
    return Scored([row], [], draws, (np.empty(0), np.empty(0)))


def _recall(two: TwoRuns, detector: str, change: Change) -> Change:
    if refused := _refused(two, detector, change, "tolerance"):
        return refused
    if change.after is None:
        return replace(change, note="there is no fault")
    if two.same_cases(detector):
        return same(change)
    faults = two.faults(detector)
    if faults is None:
        return _unpaired(two, detector, change, better="higher")
    before, after = faults
    interval = share_difference(before.hit, after.hit, before.sizes)
    found = judged(change, interval, better="higher", change=less(change))
    lost, gained = int((before.hit & ~after.hit).sum()), int((after.hit & ~before.hit).sum())
    # Both must say so: the interval, and McNemar's test of the faults that changed sides.
    if found.word != ALIKE and hits_p_value(before.hit, after.hit) >= ALPHA:
        found = replace(found, word=ALIKE)
    return replace(found, note=f"{gained} more found, {lost} no longer" if gained or lost else "")


def _false_alarms(two: TwoRuns, detector: str, change: Change) -> Change:
    if refused := _refused(two, detector, change, "tolerance"):
        return refused
    if change.after is None:
        return replace(change, note="there is no clean time")
    # The same alarms in another time are another rate.
    if two.same_cases(detector) and _same_time(two, detector):
        return same(change)
    if not two.aligned:
        return _unpaired(two, detector, change, better="lower")
    only: list[list[tuple[str, Times]]] = [[], []]
    counts, days = np.zeros((2, len(two.bases))), np.zeros(len(two.bases))
    for number, base in enumerate(two.bases):
        for pair in base:
            starts = alone(two, detector, pair)
            for place in (0, 1):
                only[place].append((pair[1], starts[place]))
                counts[place, number] += len(starts[place]) / len(base)
            hours = two.after.result(detector, pair[1])["clean_hours"]
            days[number] += hours / 24 / len(base)
    interval = rate_difference(
        counts[0],
        counts[1],
        days,
        (bunched(two, detector, only[0]), bunched(two, detector, only[1])),
    )
    lost, gained = (sum(len(starts) for _, starts in one) for one in only)
    note = f"{gained} new, {lost} gone" if gained or lost else ""
    return judged(change, interval, better="lower", change=less(change), note=note)


def _same_time(two: TwoRuns, detector: str) -> bool:
    return all(
        two.before.result(detector, one)["clean_hours"]
        == two.after.result(detector, other)["clean_hours"]
        for one, other in two.pairs
    )


def _delay(two: TwoRuns, detector: str, change: Change) -> Change:
    if refused := _refused(two, detector, change, "tolerance"):
        return refused
    if two.same_cases(detector):
        return same(change)
    faults = two.faults(detector)
    if faults is None:
        return _unpaired(two, detector, change, better="lower")
    before, after = faults
    sizes = [size for size in before.sizes if size]
    if not sizes:
        return replace(change, note="there is no fault")
    if change.before is None and change.after is None:
        return replace(change, word=ALIKE, note="half of the faults are found in neither")
    weights = resample_nested(sizes, RESAMPLES, np.random.default_rng(SEED))
    interval = median_difference(
        (before.delays, before.watched), (after.delays, after.watched), weights
    )
    note = TOO_FEW if interval is None else ""
    return judged(change, interval, better="lower", change=less(change), note=note)


def _speed(two: TwoRuns, detector: str) -> Change:
    key = "microseconds_per_reading"
    before, after = (side.detector(detector)[key] for side in (two.before, two.after))
    change = Change(key, "Time a reading", before, after, by_ratio=True, paired=False)
    if before is None or after is None:
        return replace(change, note="not timed in both")
    if two.before.report["run"]["machine"] != two.after.report["run"]["machine"]:
        return replace(change, note="another machine")
    if before == after:
        return replace(change, change=1.0, word=SAME, note=_kept(two, detector))
    return replace(change, change=after / before, note=TIMED_ONCE)


def _kept(two: TwoRuns, detector: str) -> str:
    started = {c["started_from"] for c in two.after.report["cells"] if c["detector"] == detector}
    return "taken over from the earlier run" if started == {"kept"} else ""
