"""Detectability as a report has it: shape true, numbers made."""

import math

import numpy as np

SIGMAS = np.geomspace(0.5, 20.0, 8)
DURATIONS = (1.0, 2.0, 5.0, 10.0, 24.0, 52.0, 112.0, 240.0)
REPEATS = 20
UNITS = {"temperature": ("°C", 0.2), "voltage": ("V", 0.02)}
VALUED = ("spike", "bias", "drift")
TIMED = ("stuck", "dropout")


def _probability(size, a50, slope):
    return 1 / (1 + np.exp(-slope * np.log(np.asarray(size) / a50)))


def curve(rng, detector, kind, channel, a50_step):
    """Return an entry of `detectability[]` whose a50 lies *a50_step* times the smallest size."""
    valued = kind in VALUED
    unit, sigma = UNITS[channel] if valued else ("s", None)
    sizes = SIGMAS * sigma if valued else np.array(DURATIONS)
    slope, a50 = 4.5, float(sizes[0] * a50_step)
    excluded = rng.binomial(3, 0.2, len(sizes))
    faults = REPEATS - excluded
    hits = rng.binomial(faults, _probability(sizes, a50, slope))
    a90 = a50 * math.exp(math.log(9) / slope)
    bound = a90 * 1.25
    reached = bound < sizes[-1]
    grid = np.geomspace(sizes[0], sizes[-1], 30)
    entry = {
        "recording": "bench-faults",
        "detector": detector,
        "kind": kind,
        "channel": channel,
        "device": "monitor-1",
        "unit": unit,
        "sigma": sigma,
        "status": "ok" if reached else "not_reached",
        "reason": None if reached else f"a90 lies beyond the largest size tried, {sizes[-1]:.3g}",
        "a50": a50 if reached else None,
        "a90": a90 if reached else None,
        "a90_95": bound if reached else None,
        "a50_ci": [a50 / 1.2, a50 * 1.2] if reached else None,
        "a90_ci": [a90 / 1.3, a90 * 1.3] if reached else None,
        "fit": {"intercept": -slope * math.log(a50), "slope": slope, "deviance_p": 0.41},
        "chance": 0.05,
        "onsets": REPEATS * len(sizes),
        "repeats": REPEATS,
        "duration_s": 60.0 if valued else None,
        "tolerance": 10,
        "smallest": float(sizes[0]),
        "largest": float(sizes[-1]),
        "delay_at_a90_s": 12.0 if reached else None,
        "points": [
            {
                "size": float(size),
                "size_sigma": float(size / sigma) if valued else None,
                "faults": int(n),
                "hits": int(hit),
                "excluded": int(REPEATS - n),
                "delay_median_s": float(40 / (1 + i)) if 2 * hit > n else None,
            }
            for i, (size, n, hit) in enumerate(zip(sizes, faults, hits, strict=True))
        ],
        "band": [
            {
                "size": float(size),
                "low": float(_probability(size, a50 * 1.25, slope)),
                "probability": float(_probability(size, a50, slope)),
                "high": float(_probability(size, a50 / 1.25, slope)),
            }
            for size in grid
        ],
    }
    for name in ("a50", "a90", "a90_95"):
        known = valued and entry[name] is not None
        entry[f"{name}_sigma"] = entry[name] / sigma if known else None
    return entry


NUMBERS = ("a50", "a90", "a90_95", "a50_ci", "a90_ci", "fit", "delay_at_a90_s")


def without_a_curve(entry, status, reason):
    """Return *entry* as one for which no size with 90 % probability can be given."""
    none = dict.fromkeys((*NUMBERS, "a50_sigma", "a90_sigma", "a90_95_sigma"))
    return {**entry, **none, "status": status, "reason": reason, "band": []}


def all_found(entry):
    """Return *entry* as one whose every fault was found."""
    points = [
        {**point, "hits": point["faults"], "delay_median_s": 3.0} for point in entry["points"]
    ]
    least = points[0]
    changed = without_a_curve(entry, "all_found", "every fault of every size was found")
    return {
        **changed,
        "points": points,
        "a90_95": least["size"],
        "a90_95_sigma": least["size_sigma"],
    }


def detectability(seed=11):
    """Return entries of four detectors: each status is among them, and a kind without channel."""
    rng = np.random.default_rng(seed)
    places = [(kind, channel) for kind in VALUED for channel in UNITS]
    places += [(kind, channel) for kind in TIMED for channel in UNITS] + [("silence", None)]
    entries = []
    for kind, channel in places:
        for step, detector in ((3.0, "forest"), (6.0, "sigma"), (45.0, "rules")):
            entries.append(curve(rng, detector, kind, channel, step))
        entries.append(
            without_a_curve(
                curve(rng, "always", kind, channel, 3.0),
                "not_testable",
                "an alert is open without a fault in 20 of 20 windows",
            )
        )
    entries[2] = without_a_curve(
        entries[2], "no_trend", "larger faults are not found more often than smaller ones"
    )
    entries[-4] = all_found(entries[-4])
    # Reached, but its upper bound is not.
    entries[5] |= {
        "a90_95": None,
        "a90_95_sigma": None,
        "a90_ci": [entries[5]["a90_ci"][0], None],
        "reason": "the upper bound of a90 lies beyond the largest size tried",
    }
    return entries
