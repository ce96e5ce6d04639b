"""The change-point task of the Skoltech Anomaly Benchmark, beside its published rows.

The score itself is `sensorkit.evaluate.public.skab_changes`.
"""

import numpy as np

from sensorkit.datasets import leaderboards
from sensorkit.evaluate.public.skab_changes import PROFILES, of_file

# Rows that a flag of the Isolation Forest lasts.
HELD = 30

# Scores of the leaderboard, best first.
PUBLISHED = {
    row["method"]: tuple(row[f"cp_{profile}"] for profile in PROFILES)
    for row in leaderboards.published("skab")
    if row["cp_standard"] is not None
}


def flags_of(name, flags):
    """Return the flags as the notebooks take them: those of the Isolation Forest last 30 rows."""
    if name != "Isolation forest":
        return flags
    return [held(one, HELD) for one in flags]


def held(flags, length):
    """Return whether any of the last *length* flags is on; False before there are as many."""
    windows = np.lib.stride_tricks.sliding_window_view(flags, length)
    return np.concatenate([np.zeros(length - 1, dtype=bool), windows.any(axis=1)])


def score(experiments, flags, *, first):
    """Return the normalized score of each profile over all files, the rows from *first* on."""
    each = [
        of_file(e.readings.time[first:], e.changepoint[first:], f)
        for e, f in zip(experiments, flags, strict=True)
    ]
    result = {}
    for profile in PROFILES:
        got, nothing, perfect = sum(np.array(points[profile]) for points in each)
        result[profile] = float(100.0 * (got - nothing) / (perfect - nothing))
    return result


def table(result):
    """Return the lines of the change-point table."""
    lines = ["Change points, window 60 s, standard / low FP / low FN"]
    for name, published in PUBLISHED.items():
        lines.append(_row(f"{name}, published", published))
        if name in result["changes_made_again"]:
            lines.append(_row("  made again", result["changes_made_again"][name].values()))
    lines += [
        _row(f"{name}, own threshold", found["changes"].values())
        for name, found in result["detectors"].items()
    ]
    return lines


def _row(title, values):
    return f"{title:<34}" + "".join(f"{value:>8.2f}" for value in values)
