"""Isolation Forest: how fast a fitted forest scores, and what a fit costs, beside scikit-learn.

The trees are scikit-learn's own in every row, 100 of 256 rows each, so the scores must be equal;
the largest difference stands in the table. In 0.5 % of the rows is a glitch of 1e9. "first" makes
everything anew that a forest needs before it can score (nodes packed, with one feature the table);
"again" has it already. PyOD grows its own trees from the same seed.
"""

import dataclasses

import numpy as np
from sklearn.ensemble import IsolationForest

from detecting.timing import imported, in_turns, rows
from sensorkit.detect.forest import Forest
from sensorkit.detect.kernels.trees import Trees
from sensorkit.readings import Readings

PYOD_FOREST = imported("pyod.models.iforest")
SIZES = (10_000, 100_000, 1_000_000)
FEATURES = (1, 3, 8)
ROUNDS = 5
FIT_ROUNDS = 3  # fits of a million rows take PyOD and scikit-learn many seconds
GLITCH_SHARE = 0.005
SINGLES = 2_000
THEIRS, FIRST, AGAIN, PYOD = "scikit-learn", "sensorkit, first", "sensorkit, again", "PyOD"


def made(n, features, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, features)).astype(np.float32)
    numbers[rng.random(numbers.shape) < GLITCH_SHARE] = 1e9
    return numbers


def scoring(n, features, n_rounds):
    """Score *n* rows with the same trees."""
    fit, new = made(10_000, features, 1), made(n, features, 2)
    model = IsolationForest(random_state=0).fit(fit)
    trees = Trees.of(model)
    jobs = {
        THEIRS: lambda: model.score_samples(new),
        FIRST: lambda: dataclasses.replace(trees).score(new),
        AGAIN: lambda: trees.score(new),
    }
    if PYOD_FOREST is not None:
        pyod = PYOD_FOREST.IForest(random_state=0).fit(fit)
        jobs[PYOD] = lambda: pyod.decision_function(new)
    difference = np.abs(jobs[AGAIN]() + jobs[THEIRS]()).max()
    return {"seconds": in_turns(jobs, rounds=n_rounds), "difference": float(difference)}


def fitting(n, features, n_rounds):
    """Fit on *n* rows; our detector makes four features a channel and adds foreign readings."""
    healthy = made(n, features, 1)
    channels = [f"channel_{c}" for c in range(features)]
    readings = Readings.build(np.arange(n) * 10**9, healthy.astype(np.float64), channels)
    jobs = {
        "scikit-learn": lambda: IsolationForest(random_state=0).fit(healthy),
        "scikit-learn, contamination=0.01": lambda: IsolationForest(
            random_state=0, contamination=0.01
        ).fit(healthy),
        "sensorkit, published forest": lambda: Forest(features="value", foreign=0, samples=256).fit(
            readings
        ),
        "sensorkit": lambda: Forest().fit(readings),
        "sensorkit, with its threshold": lambda: Forest().fit(readings).threshold_,
    }
    if PYOD_FOREST is not None:
        jobs[PYOD] = lambda: PYOD_FOREST.IForest(random_state=0).fit(healthy)
    return {"seconds": in_turns(jobs, rounds=n_rounds)}


def singles(features, n_rounds):
    """Score one reading after the other through the public API."""
    values = np.random.default_rng(3).normal(size=(SINGLES, features))
    channels = [f"channel_{c}" for c in range(features)]
    readings = Readings.build(np.arange(SINGLES) * 10**9, values, channels)
    detector = Forest().fit(readings)
    model = IsolationForest(random_state=0).fit(values.astype(np.float32))
    one_by_one = [(k, row.copy()) for k, row in enumerate(values)]
    few = [row[np.newaxis].astype(np.float32) for row in values[:20]]

    def ours():
        for time_ns, row in one_by_one:
            detector.score_one(time_ns, row)

    def theirs():
        for row in few:
            model.score_samples(row)

    seconds = in_turns({"sensorkit": ours, "scikit-learn": theirs}, rounds=n_rounds)
    return {
        "seconds": {
            "sensorkit": seconds["sensorkit"] / SINGLES,
            "scikit-learn": seconds["scikit-learn"] / len(few),
        }
    }


def run(quick):
    """Return all figures, in seconds.

    Parameters
    ----------
    quick : bool
        No million rows, three rounds instead of five.

    Returns
    -------
    dict
        `scoring` and `fitting`: rows x features -> seconds of each competitor and, for scoring,
        the largest difference; `singles`: channels -> seconds a reading.
    """
    sizes, n_rounds = (SIZES[:-1], 3) if quick else (SIZES, ROUNDS)
    shapes = {f"{n:.0e} x {f}": (n, f) for n in sizes for f in FEATURES}
    return {
        "scoring": {name: scoring(*shape, n_rounds) for name, shape in shapes.items()},
        "fitting": {name: fitting(*shape, FIT_ROUNDS) for name, shape in shapes.items()},
        "singles": {f"{f} channels": singles(f, n_rounds) for f in FEATURES},
    }


def ms(seconds):
    return f"{1e3 * seconds:.3g}"


def table(result):
    """Return the figures as tables of text, with ratios to scikit-learn in the same run."""
    lines = []
    for name, found in result["scoring"].items():
        s = found["seconds"]
        lines.append([
            name, ms(s[THEIRS]), ms(s[PYOD]) if PYOD in s else "not installed", ms(s[FIRST]),
            ms(s[AGAIN]), f"{s[THEIRS] / s[FIRST]:.1f}", f"{s[THEIRS] / s[AGAIN]:.1f}",
            f"{found['difference']:.1e}",
        ])  # fmt: skip
    scores = rows(
        "Isolation Forest, scoring, ms",
        ["rows x features", THEIRS, PYOD, FIRST, AGAIN, "times first", "times again", "difference"],
        lines,
    )
    names = list(next(iter(result["fitting"].values()))["seconds"])
    fits = rows(
        "Isolation Forest, fit, ms",
        ["rows x channels", *names],
        [
            [name, *[ms(found["seconds"][who]) for who in names]]
            for name, found in result["fitting"].items()
        ],
    )
    singly = rows(
        "Isolation Forest, one reading at a time, microseconds",
        ["", "sensorkit", THEIRS],
        [
            [name, *[f"{1e6 * s:.2f}" for s in found["seconds"].values()]]
            for name, found in result["singles"].items()
        ],
    )
    return "\n\n".join([scores, fits, singly])
