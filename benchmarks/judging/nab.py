"""NAB: 58 univariate files with labelled windows, and the published scores of ten detectors.

Each file is a device of its own: a fresh detector, one channel `value`, all files the same
settings. What counts as a detection is the first reading of an alert, with the merging that is
every detector's default; a refractory time on top is shown beside. A detector that has to be
fitted gets the probation, the first 15 % of the file, in which nothing counts.

Three thresholds are judged. *Tuned* is the best over all files with their labels, a threshold for
each profile, as the benchmark's own table does for everybody. *Unseen* is taken from other files
only: the files are dealt into five parts, five times over; each part is judged at the threshold
(and the settings, where several are tried) that is best on the other four. *Shipped* is the one
that the detector comes with.
"""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sensorkit import datasets
from sensorkit.detect import make
from sensorkit.evaluate.metrics.nab import (
    MOST_PROBATION_ROWS,
    PROBATION_SHARE,
    PROFILES,
    Sheet,
    best_threshold,
    normalised,
)
from sensorkit.evaluate.public.nab import MERGE, from_other_files
from sensorkit.evaluate.public.nab_alerts import candidates, worth
from sensorkit.readings import Readings

HOUR_NS = 3_600_000_000_000

# One alert in half a day: NAB counts every alert outside a window, and its windows last days.
REFRACTORY_H = 12.0

# What `novelty` is tried with where settings are taken from other files; the first are its own.
SETTINGS = [
    {"recent": recent, "days": days, "memory": memory}
    for recent, days, memory in itertools.product((4000, 1000), (14, 7), (6000, 2000))
]
REFRACTORY_TRIED_H = (0.0, 6.0, 12.0)

DETECTORS = ("novelty", "sigma", "last_value")

# Every so many-th file stands for all where it has to be quick.
QUICK_STRIDE = 6


class File(NamedTuple):
    """One file of the benchmark."""

    name: str
    readings: Readings
    sheet: Sheet
    group: str
    """Files of one group are no strangers to each other."""

    @property
    def probation(self) -> Readings:
        """The readings that do not count."""
        n = min(int(PROBATION_SHARE * len(self.readings)), MOST_PROBATION_ROWS)
        return self.readings[:n]


class Figures(NamedTuple):
    """Raw score, alerts in windows found, and alerts outside, for each file and threshold."""

    raw: dict[str, np.ndarray]
    found: np.ndarray
    outside: np.ndarray


def load(folder: Path) -> list[File]:
    """Read the files in the order of the published scores, times as they are, falling or not."""
    series = {one.name: one for one in datasets.load("nab", folder)}
    files = []
    for name in np.load(folder / "results" / "published_scores.npz")["files"].tolist():
        one = series[name.removesuffix(".csv")]
        windows = [(int(first), int(last)) for first, last in one.windows]
        files.append(File(name, one.readings, Sheet.of(len(one), windows), one.group))
    return files


def scores_of(name: str, files: list[File], **params: object) -> list[np.ndarray]:
    """Return the scores of a fresh detector for each file."""
    scores = []
    for file in files:
        detector = make(name, **params)
        if detector.must_be_fitted:
            detector.fit(file.probation)
        scores.append(detector.score(file.readings))
    return scores


def judged(files, scores, thresholds, *, merge, refractory_h) -> Figures:
    """Return the figures of the alerts at each threshold."""
    shape = len(files), len(thresholds)
    raw = {profile: np.zeros(shape) for profile in PROFILES}
    found, outside = np.zeros(shape), np.zeros(shape)
    for f, (file, score) in enumerate(zip(files, scores, strict=True)):
        at = worth(
            file.sheet,
            score,
            file.readings.time,
            thresholds,
            merge=merge,
            refractory_ns=int(refractory_h * HOUR_NS),
        )
        for profile, weights in PROFILES.items():
            raw[profile][f] = at.raw(file.sheet.windows, weights)
        found[f], outside[f] = at.found, at.alerts_outside
    return Figures(raw, found, outside)


def tuned(files: list[File], figures: Figures, thresholds: np.ndarray) -> dict:
    """Return the scores at the best threshold for all files."""
    windows = sum(file.sheet.windows for file in files)
    result = {
        profile: normalised(raw.sum(axis=0).max(), windows, PROFILES[profile])
        for profile, raw in figures.raw.items()
    }
    best = int(np.argmax(figures.raw["standard"].sum(axis=0)))
    return result | {
        "threshold": float(thresholds[best]),
        "windows_found": int(figures.found[:, best].sum()),
        "alerts_outside": int(figures.outside[:, best].sum()),
    }


def unseen(files: list[File], tried: list[Figures]) -> dict:
    """Return the scores at thresholds, and of the settings tried, that other files chose."""
    sheets, groups = [file.sheet for file in files], [file.group for file in files]
    return {
        profile: from_other_files(
            sheets,
            np.concatenate([figures.raw[profile] for figures in tried], axis=1),
            weights,
            groups,
        )
        for profile, weights in PROFILES.items()
    }


def run(data_folder: Path, quick: bool) -> dict:
    """Judge our detectors and the published ones; figures from 0 (silent) to 100 (perfect)."""
    folder = Path(data_folder) / "nab"
    files = load(folder)
    stride = QUICK_STRIDE if quick else 1
    published = _published(folder, files, stride)
    files = files[::stride]
    ours = {}
    for name in DETECTORS:
        scores, shipped = scores_of(name, files), _shipped(name)
        for refractory_h, called in ((0.0, name), (REFRACTORY_H, f"{name}, refractory")):
            ours[called] = _both(files, scores, refractory_h=refractory_h, shipped=shipped)
    if not quick:
        ours["novelty"]["unseen_settings"] = _settings(files)
    return {
        "files": len(files),
        "windows": sum(file.sheet.windows for file in files),
        "merge": MERGE,
        "refractory_h": REFRACTORY_H,
        "ours": ours,
        "published": published,
    }


def _shipped(name: str) -> float | None:
    """Return the threshold a detector has without fit or calibration."""
    detector = make(name)
    return None if detector.threshold_from_fit else detector.threshold_


def _both(files, scores, *, refractory_h, merge=MERGE, shipped=None) -> dict:
    thresholds = candidates(scores)
    if shipped is not None:
        thresholds = np.union1d(thresholds, [shipped])
    figures = judged(files, scores, thresholds, merge=merge, refractory_h=refractory_h)
    row = {"tuned": tuned(files, figures, thresholds), "unseen": unseen(files, [figures])}
    if shipped is not None:
        alone = np.array([shipped])
        own = judged(files, scores, alone, merge=merge, refractory_h=refractory_h)
        row["shipped"] = tuned(files, own, alone)
    return row


def _settings(files: list[File]) -> dict:
    """Return what `novelty` scores with settings, refractory time and threshold of other files."""
    tried = []
    for params in SETTINGS:
        scores = scores_of("novelty", files, **params)
        thresholds = candidates(scores)
        tried += [
            judged(files, scores, thresholds, merge=MERGE, refractory_h=hours)
            for hours in REFRACTORY_TRIED_H
        ]
    return {**unseen(files, tried), "settings_tried": len(tried)}


def _published(folder: Path, files: list[File], stride: int) -> dict:
    """Judge the published scores as they are, and with alerts made as for ours."""
    stored = np.load(folder / "results" / "published_scores.npz")
    cuts = np.cumsum(stored["lengths"])[:-1]
    rows = {}
    for name in sorted(set(stored.files) - {"files", "lengths"}):
        scores = np.split(stored[name].astype(np.float64), cuts)[::stride]
        some = files[::stride]
        # Every flagged reading is a detection, as the benchmark has it, then alerts as ours.
        rows[name] = {
            "as_published": _both(some, scores, merge=-1, refractory_h=0.0),
            "as_alerts": _both(some, scores, refractory_h=REFRACTORY_H),
        }
        sheets = [file.sheet for file in some]
        for profile, weights in PROFILES.items():
            exact = best_threshold(sheets, scores, weights).score
            rows[name]["as_published"]["tuned"][profile] = exact
    return rows


def table(result: dict) -> str:
    """Return the result as text to print."""
    lines = [
        f"NAB: {result['files']} files, {result['windows']} windows. Alerts merge "
        f"{result['merge']} readings; 'refractory': none within {result['refractory_h']:g} h of "
        "another; 'unseen' and 'shipped': standard profile.",
        f"{'detector':34s} {'standard':>9s} {'low FP':>8s} {'low FN':>8s} {'unseen':>8s} "
        f"{'shipped':>8s} {'found':>6s} {'outside':>8s}",
    ]
    for name, row in result["ours"].items():
        lines.append(_line(name, row))
        if "unseen_settings" in row:
            own = row["unseen_settings"]
            lines.append(
                f"  settings, refractory time and threshold from other files "
                f"({own['settings_tried']} tried): {own['standard']:.2f} standard, "
                f"{own['reward_low_FP_rate']:.2f} low FP, {own['reward_low_FN_rate']:.2f} low FN"
            )
    for name, kinds in result["published"].items():
        lines.append(_line(f"{name}, published", kinds["as_published"]))
        lines.append(_line(f"{name}, refractory", kinds["as_alerts"]))
    return "\n".join(lines)


def _line(name: str, row: dict) -> str:
    best = row["tuned"]
    shipped = f"{row['shipped']['standard']:8.2f}" if "shipped" in row else f"{'-':>8s}"
    return (
        f"{name:34s} {best['standard']:9.2f} {best['reward_low_FP_rate']:8.2f} "
        f"{best['reward_low_FN_rate']:8.2f} {row['unseen']['standard']:8.2f} {shipped} "
        f"{best['windows_found']:6d} {best['alerts_outside']:8d}"
    )
