"""Functions that anybody might have lying around."""

import numpy as np


def from_nominal(values):
    """How far from 25 and 5."""
    return np.abs((values - [25.0, 5.0]) / [0.2, 0.02]).max(axis=1)


def steepness(windows):
    """Largest change over a window."""
    return np.abs((windows[:, -1] - windows[:, 0]) / [0.2, 0.02]).max(axis=1)
