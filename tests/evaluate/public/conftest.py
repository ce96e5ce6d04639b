"""Series as the loaders give them, made here."""

import numpy as np
import pytest

from sensorkit.datasets.series import Series
from sensorkit.readings import Readings

collect_ignore_glob = ["reference/*.py"]  # one runs elsewhere, with another package

SECOND = 1_000_000_000


def _series(
    name="a", *, n=1200, windows=((900, 959),), size=5.0, channels=1, seed=0, dataset="test", **rest
):
    """Return noise whose first channel is moved by *size* in the windows."""
    values = np.random.default_rng(seed).normal(size=(n, channels))
    labels = np.zeros(n, dtype=bool)
    for first, last in windows:
        values[first : last + 1, 0] += size
        labels[first : last + 1] = True
    time = np.arange(n) * 60 * SECOND
    names = [f"c{i}" for i in range(channels)]
    return Series.of(dataset, name, Readings.build(time, values, names), labels, **rest)


@pytest.fixture
def make_series():
    return _series
