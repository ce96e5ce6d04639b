"""What a faulty sensor gives instead of the values of one stretch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.faults.base import SignalKind, Stretch
from sensorkit.faults.fault import Fault
from sensorkit.faults.placing import NS_PER_S, usual_period

# A normal distribution's standard deviation is this many median absolute deviations.
SIGMAS_PER_MAD = 1.4826


def robust_sigma(values: NDArray[np.float64]) -> float:
    """Return 1.4826 times the median absolute deviation of *values* from the median, NaN left out.

    Equals the standard deviation of Gaussian values, and is not moved by a few outliers. It
    measures all that the healthy signal does, slow wandering and cycles included, not the noise
    alone. 0 where more than half of the values are equal, or none is there.

    Examples
    --------
    >>> robust_sigma(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    1.4826
    """
    there = values[~np.isnan(values)]
    if len(there) == 0:
        return 0.0
    return SIGMAS_PER_MAD * float(np.median(np.abs(there - np.median(there))))


def reach(fault: Fault, rate_hz: float) -> int:
    """Return how many readings of its channel before it *fault* wants to know.

    Parameters
    ----------
    fault : Fault
        On one channel.
    rate_hz : float
        Readings a second.

    Examples
    --------
    >>> reach(Fault(kind="lag", channel="T", duration_s=60, magnitude=5.0), rate_hz=2.0)
    10
    >>> reach(Fault(kind="bias", channel="T", duration_s=60, magnitude=5.0), rate_hz=2.0)
    0
    """
    kind = fault.of
    return kind.reach(fault.size, 1.0 / rate_hz) if isinstance(kind, SignalKind) else 0


def apply_signal(
    values: NDArray[np.float64],
    times_ns: NDArray[np.int64],
    fault: Fault,
    *,
    before: float,
    magnitude: float | None,
    rng: np.random.Generator,
    history: NDArray[np.float64] | None = None,
    step_s: float | None = None,
) -> NDArray[np.float64]:
    """Return what a faulty sensor gives instead of *values*.

    Parameters
    ----------
    values : array of float64, shape (n,)
        The channel in all readings the fault covers; NaN stays NaN.
    times_ns : array of int64, shape (n,)
    fault : Fault
        Of a signal kind.
    before : float
        The last value of the channel before the fault; NaN if there was none.
    magnitude : float or None
        In the unit of the channel.
    rng : numpy.random.Generator
        The stream of this fault.
    history : array of float64, shape (m,), optional
        The channel in the readings right before the fault, the newest last: as many as `reach`
        asks for.
    step_s : float, optional
        The usual time between readings of the device; that of *times_ns* where not given.

    Returns
    -------
    array of float64, shape (n,)
    """
    kind = fault.of
    if not isinstance(kind, SignalKind):
        raise TypeError(f"{kind.name} is no fault of values but of the {kind.layer} layer")
    period = usual_period(times_ns)
    since = np.maximum.accumulate(times_ns) - times_ns[0]
    passed = since + period
    progress = passed / passed[-1]
    step = period / NS_PER_S if step_s is None else step_s
    gradual = fault.onset == "gradual"
    stretch = Stretch(
        values=values,
        progress=progress,
        weight=np.minimum(1.0, 2.0 * progress) if gradual else np.ones(len(values)),
        before=before,
        magnitude=np.nan if magnitude is None else magnitude,
        value=fault.value,
        rng=rng,
        history=np.empty(0) if history is None else history,
        step_s=step,
        elapsed_s=since / NS_PER_S + step,
        period_s=fault.period_s,
    )
    return np.where(np.isnan(values), np.nan, kind.distort(stretch))
