"""De Bruijn's faults, injected into real temperatures: how well each kind is ranked and found.

Which rows are learned from and judged, and the flaws of the files: the protocol of the package,
`sensorkit.evaluate.public.debruijn`. One parameter set for all.

What the kinds are here, as seen in the files: `random` is one odd reading (sometimes up to 5 in a
row), `malfunction` is much noise, `bias` is one constant value far off (the sensor is stuck at
it), `drift` is a jump with noise on top, `polydrift` runs away from where it was, `mixed` has the
first four.

Faults of the kind `random` come every 25 rows: an episode, which goes on for 10 unflagged readings
by default, often lasts over several. Such events count as found only if an alert began in them, so
beside that stands during how many of them an alert was open.

Three untuned scores are the yardstick: the absolute difference from the last reading, the
distance from the median of the last 51, and the distance of their standard deviation from its
own median (over the file: that one looks ahead). On all rows of the files and with ties in the
order of the rows they give the figures published with our copy of the set, to two decimals
(`PUBLISHED`). That way of ranking depends on the order of the rows where a stuck sensor makes
thousands of equal scores, so beside it stands what `sensorkit.evaluate` makes of them: ties count
as one score.
"""

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd

from judging.contestants import tuned, with_variants
from sensorkit import datasets
from sensorkit.datasets import leaderboards
from sensorkit.errors import DetectorError
from sensorkit.evaluate.events import EventTable, match
from sensorkit.evaluate.metrics import average_precision
from sensorkit.evaluate.public.alarms import TOLERANCE
from sensorkit.evaluate.public.debruijn import CHANNEL, CLEAN, KINDS, DeBruijn
from sensorkit.evaluate.public.protocol import Case
from sensorkit.evaluate.public.stretches import label_table, watched

PROTOCOL = DeBruijn()
TUNING_SITE = "intel"  # settings may be chosen there; the figures of the others stand beside
WINDOW = 51  # of the untuned scores

# Names that these scores go by here, in the order of the published rows.
UNTUNED = ("|difference|", "distance to median", "rolling deviation")

PUBLISHED = {
    name: tuple(row[f"ap_{kind}"] for kind in KINDS)
    for name, row in zip(UNTUNED, leaderboards.published("debruijn"), strict=True)
}
"""Mean average precision of the untuned scores, in the order of `KINDS`."""


@dataclass(frozen=True, eq=False)
class Judged:
    """One faulty file: its case, and all of its values for the untuned scores."""

    case: Case
    site: str
    whole: np.ndarray
    whole_faulty: np.ndarray


def by_kind(folder):
    """Return the files of each kind of fault, in the order of their nodes."""
    series = list(datasets.load("debruijn", folder / "debruijn_faults"))
    named = {one.name: one for one in series if one.extra["kind"] != CLEAN}
    found = {kind: [] for kind in KINDS}
    for case in PROTOCOL.cases(series):
        one = named[case.name]
        whole = one.readings.channel(CHANNEL)
        found[case.kind].append(Judged(case, one.extra["site"], whole, one.labels))
    return found


# The untuned scores


def untuned(values):
    """Return the three scores that everybody can write down, by name, each shape (n,)."""
    x = pd.Series(values)
    rolling = x.rolling(WINDOW, min_periods=1)
    spread = rolling.std().fillna(0.0)
    return {
        "|difference|": x.diff().abs().fillna(0.0).to_numpy(),
        "distance to median": (x - rolling.median()).abs().to_numpy(),
        "rolling deviation": (spread - spread.median()).abs().to_numpy(),
    }


def precision_in_row_order(labels, scores):
    """Return the average precision with equal scores in the order of the rows."""
    ranked = labels[np.argsort(-scores, kind="stable")]
    found = np.cumsum(ranked)
    return float((found / np.arange(1, len(ranked) + 1))[ranked].mean())


def yardsticks(all_series):
    """Return for each untuned score its figures on these series, in three ways."""
    rows = {name: {"published_way": [], "whole": [], "test": []} for name in PUBLISHED}
    for one in all_series:
        for name, scores in untuned(one.whole).items():
            rows[name]["published_way"].append(precision_in_row_order(one.whole_faulty, scores))
            rows[name]["whole"].append(average_precision(one.whole_faulty, scores))
        before, test = one.case.before.values[:, 0], one.case.test.values[:, 0]
        for name, scores in untuned(np.concatenate([before, test])).items():
            tail = scores[len(before) :]
            rows[name]["test"].append(average_precision(one.case.faulty, tail))
    return {
        name: {way: float(np.mean(values)) for way, values in ways.items()}
        for name, ways in rows.items()
    }


# The detectors


def tried(detector, files):
    """Return what a detector reaches on the files of each kind, one dict a file.

    Fit and calibration are the same for all kinds of faults of a node: done once, and the
    detector copied.
    """
    found = {kind: [] for kind in files}
    for node in zip(*files.values(), strict=True):
        learned = PROTOCOL.learn(detector.clone(), node[0].case)
        for one in node:
            result = judged(copy.deepcopy(learned), one.case)
            found[one.case.kind].append(result | {"site": one.site})
    return found


def judged(detector, case):
    """Return average precision and matched events of one case; the detector is used up."""
    scores, alerts = watched(detector, case)
    labels = label_table(case.windows, case.test.time)
    table = match(alerts, labels, case.test.time, tolerance=TOLERANCE)
    latest = np.iinfo(np.int64).max
    begun = np.array([alert.start for alert in alerts], dtype=np.int64)
    over = np.array([latest if a.end is None else a.end for a in alerts], dtype=np.int64)
    first, last = table.window[:, :1], table.window[:, 1:]
    return {
        "precision": average_precision(case.faulty, scores),
        "events": table,
        "in_alarm": ((begun <= last) & (over >= first)).any(axis=1),
    }


def figures(rows):
    """Return the figures over several series."""
    table = EventTable.concat([row["events"] for row in rows])
    return {
        "precision": float(np.mean([row["precision"] for row in rows])),
        "recall": float(table.hit.mean()),
        "in_alarm": float(np.concatenate([row["in_alarm"] for row in rows]).mean()),
        "events": len(table.hit),
        "false_per_day": table.false_alarms / (table.clean_hours / 24.0),
    }


def run(folder, quick=False, names=()):
    """Judge all detectors; *quick* leaves SensorScope out, the longest of the three sites."""
    files = {
        kind: [one for one in found if not (quick and one.site == "sensorscope")]
        for kind, found in by_kind(folder).items()
    }
    result = {
        "series": {kind: len(found) for kind, found in files.items()},
        "untuned": {kind: yardsticks(found) for kind, found in files.items()},
        "untuned_elsewhere": {
            kind: yardsticks([one for one in found if one.site != TUNING_SITE])
            for kind, found in files.items()
        },
        "quick": quick,
        "detectors": {},
    }
    made, refused = with_variants(names)
    for name, detector in made.items():
        try:
            found = tried(detector, files)
        except DetectorError as error:
            refused[name] = str(error)
            continue
        result["detectors"][name] = {
            kind: figures(rows)
            | {
                "elsewhere": figures([row for row in rows if row["site"] != TUNING_SITE]),
                "by_series": [row["precision"] for row in rows],
            }
            for kind, rows in found.items()
        }
    result["refused"] = refused
    return result


def best_untuned(result, kind, way="test"):
    """Return the largest figure of the untuned scores."""
    return max(row[way] for row in result["untuned"][kind].values())


def table(result):
    """Return the figures as text."""
    head = f"  {'':<22}" + "".join(f"{kind:>12}" for kind in KINDS)
    lines = ["Mean average precision over series", head]
    for way, title in (
        ("published_way", "all rows, ties in row order"),
        ("whole", "all rows"),
        ("test", "test rows"),
    ):
        for name in PUBLISHED:
            cells = [result["untuned"][kind][name][way] for kind in KINDS]
            lines.append(row_of(f"{name}", cells) + f"   {title}")
    lines += [
        row_of(name, [found[kind]["precision"] for kind in KINDS])
        for name, found in result["detectors"].items()
    ]
    lines += ["The same without Intel Lab, the site that is there to tune on", head]
    lines += [
        row_of(name, [result["untuned_elsewhere"][kind][name]["test"] for kind in KINDS])
        for name in PUBLISHED
    ]
    lines += [
        row_of(name, [found[kind]["elsewhere"]["precision"] for kind in KINDS])
        for name, found in result["detectors"].items()
    ]
    for figure, title in (
        ("recall", "Events an alert began in, of all (none open before)"),
        ("in_alarm", "Events during which an alert was open, whenever it began"),
        ("false_per_day", "False alarms a day; calibrated for one"),
    ):
        lines += [title, head]
        lines += [
            row_of(name, [found[kind][figure] for kind in KINDS])
            for name, found in result["detectors"].items()
        ]
    lines += ["Better than every untuned score on the test rows?"]
    lines += [f"  {name:<22}{aim_of(result, name)}" for name in result["detectors"]]
    lines += [f"  {name} did not run: {why}" for name, why in result["refused"].items()]
    return "\n".join([*lines, "What was tuned on what", *tuned(result["detectors"])])


def row_of(name, cells):
    """Return one row of a table."""
    return f"  {name:<22}" + "".join(f"{cell:>12.3f}" for cell in cells)


def aim_of(result, name):
    """Say on which kinds of faults a detector misses the aim."""
    found = result["detectors"][name]
    short = [
        f"{kind} {found[kind]['precision']:.2f} < {best_untuned(result, kind):.2f}"
        for kind in KINDS
        if not found[kind]["precision"] > best_untuned(result, kind)
    ]
    mixed = found["mixed"]["precision"]
    if not mixed > 0.6:
        short.append(f"mixed {mixed:.2f}, 0.60 is the aim")
    return "on every kind, and mixed above 0.60" if not short else "not on " + ", ".join(short)
