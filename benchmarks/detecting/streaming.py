"""Every detector: microseconds a reading in one batch, and one reading at a time.

River's scorers are what one reading at a time costs elsewhere; PyOD and scikit-learn have none.
"""

import time

import numpy as np

from detecting.timing import imported, in_turns, rows
from sensorkit import detect
from sensorkit.profile import Profile
from sensorkit.readings import Readings

ONE_AT_A_TIME = 2_000
BATCH = 200_000
SLOW_BATCH = {"novelty": 20_000}


def healthy(n, channels, seed=0):
    rng = np.random.default_rng(seed)
    values = 20.0 + rng.normal(size=(n, channels))
    names = [f"c{i}" for i in range(channels)]
    return Readings.build(np.arange(n) * 10**9, values, names)


def fitted(name, fit):
    given = {"source": "fit"} if name == "rules" else {}
    return detect.make(name, **given).fit(fit)


def batch(quick):
    """Return microseconds per reading, for 1 and 8 channels."""
    found = {}
    for channels in (1, 8):
        fit = healthy(3_000, channels, seed=1)
        jobs = {}
        sizes = {}
        for name in detect.names():
            detector = fitted(name, fit)
            sizes[name] = SLOW_BATCH.get(name, BATCH) // (4 if quick else 1)
            readings = healthy(sizes[name], channels)

            def job(detector=detector, readings=readings):
                detector.reset()
                detector.score(readings)

            jobs[name] = job
        taken = in_turns(jobs, rounds=5)
        found[str(channels)] = {name: s / sizes[name] * 1e6 for name, s in taken.items()}
    return found


def river_scorers():
    anomaly = imported("river.anomaly")
    if anomaly is None:
        return {}
    return {
        "River GaussianScorer(50)": lambda: anomaly.GaussianScorer(window_size=50, grace_period=10),
        "River StandardAbsoluteDeviation": anomaly.StandardAbsoluteDeviation,
    }


def one_at_a_time():
    """Return the microseconds of one reading through the public API: mean, median, 99 %."""
    values = healthy(ONE_AT_A_TIME, 2).values
    rows_, times = list(values), range(0, ONE_AT_A_TIME * 10**9, 10**9)
    fit = healthy(3_000, 2, seed=1)
    found = {}
    for name in detect.names():
        detector = fitted(name, fit)
        found[f"{name} (2 channels)"] = clocked(
            lambda pair, detector=detector: detector.score_one(*pair),
            list(zip(times, rows_, strict=True)),
        )
    for name, make in river_scorers().items():
        model = make()

        def step(value, model=model):
            score = model.score_one(None, value)
            model.learn_one(None, value)
            return score

        found[f"{name} (1 channel)"] = clocked(step, values[:, 0].tolist())
    return found


def clocked(call, arguments):
    for argument in arguments[:200]:
        call(argument)
    each = np.empty(len(arguments))
    for i, argument in enumerate(arguments):
        start = time.perf_counter_ns()
        call(argument)
        each[i] = time.perf_counter_ns() - start
    start = time.perf_counter_ns()
    for argument in arguments:
        call(argument)
    mean = (time.perf_counter_ns() - start) / len(arguments)
    return {
        "mean_us": mean / 1e3,
        "median_us": float(np.median(each)) / 1e3,
        "p99_us": float(np.quantile(each, 0.99)) / 1e3,
    }


def run(quick):
    # A profile is read once, so that the first detector does not pay for the YAML.
    Profile.load("serial_monitor")
    return {"batch_us": batch(quick), "one_us": one_at_a_time()}


def table(result):
    one, eight = result["batch_us"]["1"], result["batch_us"]["8"]
    first = rows(
        "One batch: microseconds a reading",
        ["detector", "1 channel", "8 channels", "8, a channel"],
        [[n, f"{one[n]:.3f}", f"{eight[n]:.3f}", f"{eight[n] / 8:.3f}"] for n in one],
    )
    second = rows(
        "One reading at a time: microseconds",
        ["who", "mean", "median", "99 %"],
        [
            [n, f"{t['mean_us']:.2f}", f"{t['median_us']:.2f}", f"{t['p99_us']:.2f}"]
            for n, t in result["one_us"].items()
        ],
    )
    return first + "\n\n" + second
