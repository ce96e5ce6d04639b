"""Random streams of a device: each part of each unit has its own, so that none moves another."""

from __future__ import annotations

import math

import numpy as np

from sensorkit.errors import ProfileError

# Readings made at a time. A fixed size: whatever the caller cuts off, the arithmetic behind it
# runs over the same arrays, so not even the last bit depends on the cut.
BLOCK = 4096

# First number in the spawn keys, so that waveforms, states and faults never share a stream; faults
# have the 1.
WAVEFORM_STREAMS, STATE_STREAM, DISTURBANCE_STREAMS, UNIT_STREAMS = 0, 2, 3, 4
CONDITION_STREAM, LIFE_STREAM, ANOMALY_STREAM = 5, 6, 7

FIRST_UNIT = 1

MOST_A_READING = 100
"""Things that may begin between two readings; more of them only cost time."""


def stream(seed: int, *key: int, unit: int = FIRST_UNIT) -> np.random.Generator:
    """Return the random stream of one part of one unit.

    Parameters
    ----------
    seed : int
    *key : int
        Which part; begins with one of the numbers above.
    unit : int
        From 1. The first unit draws what a device draws that is alone.
    """
    of_unit = () if unit == FIRST_UNIT else (UNIT_STREAMS, unit)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*of_unit, *key)))


def first_reading(seconds: float, rate_hz: float) -> int:
    """Return the first reading that comes at *seconds* or later.

    >>> first_reading(2.0, 3.0), first_reading(0.1 + 0.2, 10.0)
    (6, 3)
    """
    # Less than a millionth of a reading is what adding and multiplying leave over.
    return math.ceil(seconds * rate_hz - 1e-6)


def refuse_hurry(title: str, seconds: float, rate_hz: float) -> None:
    """Refuse something that happens so often that the readings could not show it.

    Parameters
    ----------
    title : str
        As in "disturbance 'gust'".
    seconds : float
        Mean time from one to the next.
    rate_hz : float

    Raises
    ------
    ProfileError
        If more than `MOST_A_READING` begin between two readings.
    """
    if seconds * rate_hz * MOST_A_READING < 1:
        raise ProfileError(
            f"{title} comes every {seconds:g} s, but a reading only every {1 / rate_hz:g} s; give "
            "it a longer time, or the device a higher rate"
        )
