"""Machines that wear out, and a detector that has learned from twenty of them."""

import functools

import numpy as np

from sensorkit.prognosis import RemainingLife
from sensorkit.readings import Readings

SECOND = 10**9
CHANNELS = ("heat", "flow", "dull")


def machine(k: int, *, first: int = 0) -> Readings:
    """One life of 80 to 119 readings: heat rises and flow falls before the end."""
    rng = np.random.default_rng(1000 + k)
    n = int(rng.integers(80, 120))
    wear = np.exp((np.arange(n) - n) / 12.0)
    values = np.column_stack(
        [
            600.0 + rng.normal(0, 1) + 12.0 * wear + rng.normal(0, 0.5, n),
            40.0 - 3.0 * wear + rng.normal(0, 0.1, n),
            np.full(n, 7.0),
        ]
    )
    time = (first + np.arange(n)) * SECOND
    return Readings.build(time, values, CHANNELS, device=f"machine-{k}")


@functools.cache
def fleet(*numbers: int) -> Readings:
    return Readings.concat([machine(k) for k in numbers])


@functools.cache
def detector_of(**given) -> RemainingLife:
    settings = {"limit_s": 15.0, "cap_s": 50.0, "window": 15, "trees": 60, "rows": 2000, **given}
    return RemainingLife(**settings).fit(fleet(*range(20)))
