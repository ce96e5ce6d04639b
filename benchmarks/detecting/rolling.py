"""Rolling z: the sigma detector beside pandas, bottleneck and the limit of the memory.

Each competitor computes |x - mean| / sd of the 50 values before, and allocates its result. That
the fast ones are right is no matter of course; the second table counts their wrong 3-sigma
decisions against an exact twin.
"""

import numpy as np
import pandas as pd

from detecting.timing import imported, in_turns, rows
from sensorkit import detect
from sensorkit.readings import Readings

WINDOW = 50
K = 3.0
MILLION = 1_000_000


def readings_of(values):
    return Readings.build(np.arange(len(values)) * 10**9, values[:, np.newaxis], ["x"])


def ours(values):
    readings, detector = readings_of(values), detect.make("sigma", window=WINDOW)

    def run():
        detector.reset()
        return detector.score(readings)

    return run


def pandas_rolling(values):
    def run():
        window = pd.Series(values).rolling(WINDOW)
        mean, spread = window.mean().shift(1), window.std(ddof=0).shift(1)
        return ((values - mean) / spread).abs().to_numpy()

    return run


def bottleneck_moving(values):
    bn = imported("bottleneck")

    def run():
        mean, spread = bn.move_mean(values, WINDOW), bn.move_std(values, WINDOW)
        z = np.empty(len(values))
        z[0] = np.nan
        np.subtract(values[1:], mean[:-1], out=z[1:])
        np.abs(z, out=z)
        z[1:] /= spread[:-1]
        return z

    return run


def memory(values):
    def run():
        return np.abs(values - 1.0) / 2.0

    return run


def competitors():
    known = {"sensorkit": ours, "pandas": pandas_rolling, "memory (numpy abs(x-c)/s)": memory}
    if imported("bottleneck"):
        known["bottleneck"] = bottleneck_moving
    return known


def hard_cases(n=50_000, seed=1):
    """Return signals in which running sums lose digits, by name."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=n)
    spiky = noise + np.where(rng.random(n) < 0.005, 5.0, 0.0)
    glitch, jump, gap = spiky.copy(), spiky.copy(), spiky.copy()
    glitch[100] = 1e9
    jump[n // 2 :] += 1e9
    gap[1000] = np.nan
    return {
        "offset 1e9, sigma 1e-3": 1e9 + 1e-3 * spiky,
        "ONE glitch of 1e9, long gone": glitch,
        "level jump 0 to 1e9": jump,
        "scale 1e-300": 1e-300 * spiky,
        "scale 1e300": 1e300 * spiky / 10.0,
        "one missing value": gap,
    }


def exact(values):
    """Return the scores in extended precision, window by window; NaN where there is none."""
    z = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    kept = values[known].astype(np.longdouble)
    windows = np.lib.stride_tricks.sliding_window_view(kept, WINDOW)[:-1]
    mean = windows.mean(axis=1)
    spread = np.sqrt(((windows - mean[:, np.newaxis]) ** 2).mean(axis=1))
    z[known[WINDOW:]] = (np.abs(kept[WINDOW:] - mean) / spread).astype(float)
    return z


def wrong(scores, truth):
    """Return how many decisions differ, of those that an exact twin makes."""
    judged = ~np.isnan(truth)
    with np.errstate(invalid="ignore"):
        return int(((scores[judged] >= K) != (truth[judged] >= K)).sum())


def run(quick):
    speed = {}
    for n in (MILLION,) if quick else (MILLION, 10 * MILLION):
        values = np.random.default_rng(0).normal(size=n)
        jobs = {name: make(values) for name, make in competitors().items()}
        speed[str(n)] = in_turns(jobs, rounds=5 if n > MILLION else 9)
    mistakes = {}
    with np.errstate(all="ignore"):
        for case, values in hard_cases().items():
            truth = exact(values)
            mistakes[case] = {
                name: wrong(make(values)(), truth)
                for name, make in competitors().items()
                if make is not memory
            }
            mistakes[case]["alarms"] = int((truth >= K).sum())
    return {"window": WINDOW, "seconds": speed, "wrong_decisions": mistakes}


def table(result):
    lines = []
    for n, seconds in result["seconds"].items():
        mine = seconds["sensorkit"]
        lines += [
            [f"{int(n):.0e}", name, f"{s * 1e3:.2f}", f"{s / int(n) * 1e9:.1f}", f"{s / mine:.1f}"]
            for name, s in seconds.items()
        ]
    speed = rows(
        f"Rolling z of {result['window']} values, one channel",
        ["values", "who", "ms", "ns a value", "times ours"],
        lines,
    )
    names = [name for name in next(iter(result["wrong_decisions"].values())) if name != "alarms"]
    mistakes = rows(
        "Wrong 3-sigma decisions of 50 000 (true alarms in the last column)",
        ["signal", *names, "alarms"],
        [[c, *[w[n] for n in names], w["alarms"]] for c, w in result["wrong_decisions"].items()],
    )
    return speed + "\n\n" + mistakes
