"""How long the default grid of detectability takes, beside the long way.

A day of readings of one channel, 5 detectors x 8 kinds x 8 sizes x 20 repeats. The long way injects
each fault into the whole day, runs the detector over all of it and matches alerts with labels; a
few faults of each kind are timed so, must agree, and the rest is extrapolated.

Run with `python benchmarks/detectability.py`.
"""

import argparse
import math
import platform
import time

import numpy as np
import pandas as pd

from sensorkit import detect
from sensorkit.evaluate.detectability import detectability, measure
from sensorkit.evaluate.events import match
from sensorkit.evaluate.settings import DetectabilityGrid, Settings
from sensorkit.evaluate.trial import Trial, by_device
from sensorkit.evaluate.trial import Unit as DeviceUnit
from sensorkit.evaluate.watching import watch
from sensorkit.faults import Fault, FaultPlan, inject
from sensorkit.faults.labels import LABEL_COLUMNS
from sensorkit.profile import Profile
from sensorkit.readings import Readings

DETECTORS = ("sigma", "forest", "volatility", "mewma", "guard")
SECOND = 1_000_000_000
DAY = 86_400
PROFILE = Profile.from_dict(
    {
        "name": "rig",
        "device": "rig-1",
        "rate_hz": 1.0,
        "heartbeat_s": 5.0,
        "channels": [{"name": "temperature", "unit": "degC", "decimals": 3}],
        "rules": [
            {
                "type": "HEARTBEAT_LOSS",
                "kind": "heartbeat",
                "limit": 5.0,
                "severity": "CRITICAL",
                "margin": 1.0,
            }
        ],
    },
    "benchmark",
)


def wandering(n, seed):
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    slow = np.sin(2 * np.pi * at / 3600.0)
    values = np.round(25.0 + slow + rng.normal(0, 0.5, n), 3)
    return Readings.build(at * SECOND, values[:, np.newaxis], ["temperature"], device="rig-1")


def cut(n_fit, n_clean, n_test):
    whole = wandering(n_fit + n_clean + n_test, 1)
    edges = np.cumsum([0, n_fit, n_clean, n_test])
    names = ("fit", "calibrate", "test")
    parts = {
        name: whole[slice(a, b)] for name, a, b in zip(names, edges[:-1], edges[1:], strict=True)
    }
    (name, rows, at), *_ = by_device(parts["test"], "rig-1")
    return Trial(
        name="day",
        profile=PROFILE,
        stretches=parts,
        labels=pd.DataFrame(columns=list(LABEL_COLUMNS)),
        units=(DeviceUnit(name, rows, at, np.empty(0, dtype=np.int64)),),
        known=np.zeros(n_test, dtype=bool),
        window=np.zeros((0, 2), dtype=np.int64),
    )


def long_way(detector, trial, found, rows):
    """Return seconds a fault, and how many agree, for some of the faults measured."""
    test, before = trial.stretches["test"], trial.stretches["calibrate"]
    agree, started = 0, time.perf_counter()
    for case in found.cases.iloc[rows].itertuples():
        fault = Fault(
            kind=found.kind,
            channel=found.channel,
            start_s=(case.start - int(test.time[0])) / SECOND,
            duration_s=given(case.duration_s),
            magnitude=given(case.magnitude),
        )
        plan = FaultPlan(faults=(fault,))
        faulty, labels = inject(test, plan, int(case.seed), decimals={"temperature": 3})
        detector.reset()
        passing = watch(detector, [before, faulty], PROFILE.heartbeat_s)
        alerts = [alert for begun in passing for alert in begun]
        table = match(alerts, labels, faulty.time)
        agree += not case.counts or (case.hit, case.delay_s) == (table.hit[0], table.delay_s[0])
    return (time.perf_counter() - started) / len(rows), agree


def given(value):
    return None if value is None or math.isnan(value) else float(value)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two hours instead of a day")
    options = parser.parse_args()
    n = 7200 if options.quick else DAY
    print(f"Python {platform.python_version()} on {platform.machine()}, {n} readings, one process")
    trial = cut(20_000, 20_000, n)
    grid = DetectabilityGrid()
    settings = Settings(detectability=grid)
    faults = len(grid.kinds) * grid.sizes * grid.repeats
    warm = cut(4000, 4000, 4000)
    print("| detector | windows, s | long way, s (extrapolated) | times | agree |")
    print("|---|---:|---:|---:|---:|")
    total = [0.0, 0.0]
    for name in DETECTORS:
        detector = detect.make(name, profile=PROFILE)
        detector.fit(warm.stretches["fit"]).calibrate(warm.stretches["calibrate"])
        measure(detector, warm, settings)  # compiles
        detector.fit(trial.stretches["fit"]).calibrate(trial.stretches["calibrate"])
        started = time.perf_counter()
        rows = measure(detector, trial, settings)
        took = time.perf_counter() - started
        assert len(rows) == len(grid.kinds)
        each, agree, of = [], 0, 0
        for kind in grid.kinds:
            found = detectability(
                detector,
                trial.stretches["test"],
                kind,
                before=trial.stretches["calibrate"],
                profile=PROFILE,
                channel=None if kind == "silence" else "temperature",
            )
            some = np.linspace(0, len(found.cases) - 1, 4).astype(int)
            seconds, same = long_way(detector, trial, found, some)
            each.append(seconds)
            agree, of = agree + same, of + len(some)
        slow = float(np.mean(each)) * faults
        total = [total[0] + took, total[1] + slow]
        print(
            f"| {name} | {took:.1f} | {slow:.0f} | {slow / took:.0f} | {agree} of {of} |",
            flush=True,
        )
    print(f"| all | {total[0]:.1f} | {total[1]:.0f} | {total[1] / total[0]:.0f} | |")


if __name__ == "__main__":
    main()
