"""What the numbers of a benchmark can carry: intervals, tests, ranks and power."""

from sensorkit.evaluate.statistics.intervals import (
    ALPHA,
    CONFIDENCE,
    LEAST_FAULTS,
    TAILS,
    Interval,
    bunching,
    censored_median,
    figure_interval,
    groups,
    median_delay_interval,
    p_value,
    percentile_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.statistics.paired import hits_p_value

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "LEAST_FAULTS",
    "TAILS",
    "Interval",
    "bunching",
    "censored_median",
    "figure_interval",
    "groups",
    "hits_p_value",
    "median_delay_interval",
    "p_value",
    "percentile_interval",
    "poisson_interval",
    "resample",
    "weighted_poisson_interval",
    "wilson_interval",
]
