"""The change-point task of the Skoltech Anomaly Benchmark, scored as its leaderboard does.

A change point is predicted where the flags of a detector turn on or off. The score is that of the
Numenta Anomaly Benchmark with a window of 60 s after each true change point: the first prediction
in it counts the more the earlier it is, a prediction outside all windows and a window without one
cost. 100 is perfect, 0 is to predict nothing.
"""

from itertools import pairwise

import numpy as np

WINDOW_NS = 60 * 10**9

# What a prediction outside and a window missed cost; at the end of a window, and at its start 1.
PROFILES = {"standard": (-0.11, -1.0), "low_fp": (-0.22, -1.0), "low_fn": (-0.11, -2.0)}

# Points of the sigmoid over a window.
GRID = 1000

# Rows that a flag of the Isolation Forest lasts.
HELD = 30

# Scores of the leaderboard.
PUBLISHED = {
    "MSCRED": (32.42, 16.53, 40.28),
    "Isolation forest": (26.16, 19.5, 30.82),
    "T-squared+Q (PCA-based)": (25.35, 14.51, 31.33),
    "Conv-AE": (23.61, 21.54, 27.55),
    "LSTM-AE": (23.51, 20.11, 25.91),
    "T-squared": (19.54, 10.2, 24.31),
}


def windows(points):
    """Return the start and the end of the window of each change point (ns); they do not overlap.

    A window that begins within the one before begins when that one ends.
    """
    found = [[int(point), int(point) + WINDOW_NS] for point in points]
    for before, after in pairwise(found):
        after[0] = max(after[0], before[1])
    return found


def edges(flags):
    """Return whether the flags turn on or off at each row; before the first they were off."""
    return np.diff(flags.astype(np.int8), prepend=np.int8(0)) != 0


def flags_of(name, flags):
    """Return the flags as the notebooks take them: those of the Isolation Forest last 30 rows."""
    if name != "Isolation forest":
        return flags
    return [held(one, HELD) for one in flags]


def held(flags, length):
    """Return whether any of the last *length* flags is on; False before there are as many."""
    windows = np.lib.stride_tricks.sliding_window_view(flags, length)
    return np.concatenate([np.zeros(length - 1, dtype=bool), windows.any(axis=1)])


def value(at, start, end, outside):
    """Return what a prediction in a window is worth: 1 at its start, *outside* at its end."""
    event = min(int((at - start) / (end - start) * GRID), GRID - 1)
    x = -np.pi / 2 + np.pi * event / (GRID - 1)
    half = (1.0 - outside) / 2.0
    return -half * np.tanh(x) / np.tanh(np.pi / 2) + half + outside


def of_file(time, changepoint, flags):
    """Return the points of one file: (got, of nothing, of perfection) for each profile."""
    found = windows(time[changepoint])
    predicted = time[edges(flags)]
    inside = np.zeros(len(predicted), dtype=bool)
    first = []
    for start, end in found:
        here = (predicted >= start) & (predicted <= end)
        inside |= here
        first.append(int(predicted[here][0]) if here.any() else None)
    points = {}
    for profile, (outside, missed) in PROFILES.items():
        got = outside * int((~inside).sum())
        for at, (start, end) in zip(first, found, strict=True):
            got += missed if at is None else value(at, start, end, outside)
        points[profile] = np.array([got, missed * len(found), len(found)])
    return points


def score(experiments, flags, *, first):
    """Return the normalized score of each profile over all files, the rows from *first* on."""
    each = [
        of_file(e.readings.time[first:], e.changepoint[first:], f)
        for e, f in zip(experiments, flags, strict=True)
    ]
    result = {}
    for profile in PROFILES:
        got, nothing, perfect = sum(points[profile] for points in each)
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
