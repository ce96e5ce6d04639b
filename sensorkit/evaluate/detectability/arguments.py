"""What a measurement of detectability refuses: counts, sigmas and channels that make no sense."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import UsageError
from sensorkit.evaluate.detectability.fault_sizes import silences
from sensorkit.faults.base import Kind
from sensorkit.nearest import unknown
from sensorkit.readings import Readings

MOST = 2**31 - 1
"""Of any count; sums of rows stay far inside 64 bits."""


def check_counts(**counts: tuple[int, int]) -> None:
    """Raise UsageError for a count, given with the least it may be, that is none.

    Examples
    --------
    >>> check_counts(repeats=(20, 1), seed=(0, 0))
    >>> check_counts(repeats=(2.5, 1))
    Traceback (most recent call last):
        ...
    sensorkit.errors.UsageError: detectability: repeats is 2.5; a whole number from 1 on is wanted
    """
    for name, (had, least) in counts.items():
        whole = isinstance(had, int | np.integer) and not isinstance(had, bool)
        if not (whole and least <= had <= MOST):
            raise UsageError(
                f"detectability: {name} is {had!r}; a whole number from {least} on is wanted"
            )


def check_sigma(sigma: float) -> None:
    """Raise UsageError for a sigma that is no number from 0 on; 0 is one that is not known."""
    real = isinstance(sigma, int | float | np.integer | np.floating) and not isinstance(sigma, bool)
    if not (real and math.isfinite(sigma) and sigma >= 0):
        raise UsageError(
            f"detectability: sigma is {sigma!r}; a number in the unit of the channel is wanted"
        )


def affected_channel(kind: Kind, healthy: Readings, channel: str | None) -> str | None:
    """Return the channel that faults of a kind change; None where whole readings are missing.

    Raises
    ------
    UsageError
        If the channel is unknown, not said, or the kind has none.
    """
    if channel is not None and channel not in healthy.channels:
        raise UsageError(f"detectability: {unknown('channel', channel, healthy.channels)}")
    if silences(kind):
        if channel is not None:
            raise UsageError(
                f"detectability: a {kind.name} takes whole readings away, not {channel!r} alone; "
                "leave channel out, or measure a dropout"
            )
        return None
    if channel is None and len(healthy.channels) == 1:
        return healthy.channels[0]
    if channel is None:
        raise UsageError(
            "detectability: the readings have the channels "
            f"{', '.join(healthy.channels)}; say which one is faulty: channel=NAME"
        )
    return channel


def check_company(kind: Kind, channels: Sequence[str]) -> None:
    """Raise UsageError if faults of a kind show beside other channels only, and there is one."""
    if kind.needs_company and len(channels) == 1:
        raise UsageError(
            f"detectability: a {kind.name} shows beside other channels only, and {channels[0]!r} "
            "is the only one there is; leave the kind out"
        )


def median(values: NDArray[np.float64]) -> float | None:
    """Return the median of the values that are there; None without any."""
    there = values[~np.isnan(values)]
    return float(np.median(there)) if len(there) else None


def why_no_grid(
    readings: Readings, channel: str | None, sigma: float | None, name: str = ""
) -> str:
    """Return why there is no grid of sizes for a channel."""
    if sigma:
        return f"the level of {name or 'the channel'} is too close to 0 for a factor to move it"
    empty = channel is not None and np.isnan(readings.channel(channel)).all()
    why = "it has no value" if empty else "half of its values are equal"
    whose = f"the robust sigma of {name}" if name else "the channel's robust sigma"
    return f"{whose} is 0 ({why})"
