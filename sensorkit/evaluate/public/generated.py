"""A small set in the layout of TSB-AD, made on the fly: series that repeat, with a labelled change.

For notebooks and tests that must run anywhere. The faults are of five kinds and of a size that a
sound detector finds mostly and a random score does not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

KINDS = ("bias", "noise", "stuck", "drift", "spike", "gain", "dropout", "bias")
ROWS, TRAINING, PERIOD = 3000, 1000, 60
LENGTH = 80


def write(folder: Path, *, seed: int = 0) -> list[Path]:
    """Write one CSV file a kind of fault into *folder* and return them; same seed, same bytes.

    Columns `Data` and `Label`; the name says where training ends and the first anomaly is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_one(folder, number, kind, seed) for number, kind in enumerate(KINDS, 1)]


def _one(folder: Path, number: int, kind: str, seed: int) -> Path:
    rng = np.random.default_rng([seed, number])
    values = np.sin(2 * np.pi * np.arange(ROWS) / PERIOD) + 0.15 * rng.normal(size=ROWS)
    label = np.zeros(ROWS, dtype=np.int64)
    length = 1 if kind == "spike" else LENGTH
    firsts = [int(rng.integers(at, at + 200)) for at in (1300, 1800, 2400)]
    for first in firsts:
        rows = slice(first, first + length)
        values[rows] = _faulty(kind, values[rows], rng)
        label[rows] = 1
    name = f"{number:03}_GENERATED_id_{number}_Sensor_tr_{TRAINING}_1st_{firsts[0]}.csv"
    frame = pd.DataFrame({"Data": np.round(values, 6), "Label": label})
    path = folder / name
    path.write_text(frame.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
    return path


def _faulty(kind: str, healthy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = len(healthy)
    match kind:
        case "bias":
            return healthy + 1.2
        case "noise":
            return healthy + 0.6 * rng.normal(size=size)
        case "drift":
            return healthy + np.linspace(0.0, 2.0, size)
        case "spike":
            return healthy + 2.5
        case "gain":
            return 1.8 * healthy
        case "dropout":
            return np.zeros(size)
        case _:
            return np.full(size, healthy[0])
