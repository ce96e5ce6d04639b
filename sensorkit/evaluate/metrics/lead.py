"""Lead time: how long before a failure a detector warned, in a run that ends with the failure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sensorkit.evaluate.metrics.checks import positive_seconds, zero_one
from sensorkit.runs import runs

ROUNDING = 1e-12
"""By which a quotient of two times may be off, relative to it."""


class LeadTime(NamedTuple):
    """The warning of one failure."""

    lead_s: float
    """Seconds from the warning to the failure; 0 without a warning."""
    false_alarms: int
    """Episodes that are no warning; those within a horizon all are."""


def lead_time(flags: ArrayLike, *, period: float, horizon_s: float | None = None) -> LeadTime:
    """Return how long before the end of a run that ends in failure the warning came.

    The failure is at the last reading. Consecutive flags are one episode.

    - With a horizon, the warning is the first episode to begin within *horizon_s* before the
      failure. Episodes that began earlier are false alarms, even if they last into the horizon.
    - Without one, the warning is the episode that is open at the failure: the alarm that stays.
      All others are false alarms, as they were taken back.

    Parameters
    ----------
    flags : array of 0/1 or bool, shape (n,)
        1 where a reading is flagged; one run, from healthy to failed.
    period : float
        Seconds between readings (or cycles, then all is in cycles).
    horizon_s : float, optional
        The longest lead that is of use: longer before the failure nothing was wrong that a
        detector could see. State it where it is known.

    Returns
    -------
    LeadTime
        A run without a warning has a lead of 0: it must not drop out of a mean or a median.

    Raises
    ------
    ValueError
        If there is no reading, an entry is not 0 or 1, or *period* or *horizon_s* is not above 0.

    Notes
    -----
    An episode that is open at the first reading was not raised in this run and is no warning: a
    detector that always alarms has no lead and one false alarm. One that raises its alarm with the
    second reading and keeps it has the longest lead there is unless a horizon is given.

    There is no definition that all share. The prognostic horizon of Saxena et al. [1]_ is the time
    from the first prediction within its bounds to the end of life; where alarms stand for
    predictions that is often read as "the first alarm ever", which an early false alarm makes
    long. Benchmarks with maintenance windows label the last hours before a failure as positive and
    score readings in them. Here a warning has to stay or to begin inside a stated horizon.

    References
    ----------
    .. [1] A. Saxena et al., "Metrics for evaluating performance of prognostic techniques", PHM
       2008.

    Examples
    --------
    A reading an hour. The alarm at row 2 went away, the one from row 6 stayed.

    >>> flags = [0, 0, 1, 0, 0, 0, 1, 1, 1, 1]
    >>> lead_time(flags, period=3600)
    LeadTime(lead_s=10800.0, false_alarms=1)
    >>> lead_time(flags, period=3600, horizon_s=8 * 3600)  # the first is early, but of use
    LeadTime(lead_s=25200.0, false_alarms=0)
    >>> lead_time(flags, period=3600, horizon_s=2 * 3600)  # both came too early
    LeadTime(lead_s=0.0, false_alarms=2)
    """
    seconds = positive_seconds(period, "period")
    flagged = zero_one(flags, "flags")
    if not len(flagged):
        raise ValueError("flags is empty; a run with at least one reading is wanted")
    episodes = runs(flagged)
    rows = len(flagged) - 1 - episodes.start
    if horizon_s is None:
        warns = episodes.stop == len(flagged)
    else:
        # In rows: three periods of 0.1 s are a little more than 0.3 s, rounded.
        reach = positive_seconds(horizon_s, "horizon_s") / seconds
        warns = rows <= reach * (1 + ROUNDING)
    warns &= episodes.start > 0
    first = np.flatnonzero(warns)
    return LeadTime(float(rows[first[0]] * seconds) if len(first) else 0.0, int((~warns).sum()))
