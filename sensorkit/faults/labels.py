"""What an injected fault leaves behind: its label, the truth that detectors are measured by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sensorkit.faults.placing import Placed
from sensorkit.readings import FaultLabel

LABEL_COLUMNS = (
    "id",
    "device",
    "start",
    "end",
    "kind",
    "channel",
    "layer",
    "magnitude",
    "magnitude_sigma",
    "seed",
)
"""The columns of labels.csv, in order."""


def sizes(placed: Placed, sigma: float | None) -> tuple[float | None, float | None]:
    """Return the magnitude of a fault in its own unit and in sigmas, None where it has none.

    Parameters
    ----------
    placed : Placed
    sigma : float or None
        Robust standard deviation of its channel; 0 or None: not known.
    """
    fault, kind = placed.fault, placed.fault.of
    if kind.magnitude is None:
        return None, None
    if kind.magnitude.unit != "channel":
        return (kind.magnitude.default if fault.magnitude is None else fault.magnitude), None
    if fault.magnitude_sigma is not None:
        # Nine digits are more than any sensor has; the rest is what multiplying has left over.
        return float(f"{fault.magnitude_sigma * (sigma or 0.0):.9g}"), fault.magnitude_sigma
    magnitude = fault.magnitude
    return magnitude, magnitude / sigma if sigma and magnitude is not None else None


def label(
    placed: Placed, *, device: str, start: int, end: int, sigma: float | None, seed: int
) -> FaultLabel:
    """Return the label of a placed fault that touched readings from *start* to *end*."""
    magnitude, magnitude_sigma = sizes(placed, sigma)
    return FaultLabel(
        id=placed.id,
        device=device,
        start=start,
        end=end,
        kind=placed.fault.kind,
        channel=placed.fault.channel,
        layer=placed.fault.of.layer,
        magnitude=magnitude,
        magnitude_sigma=magnitude_sigma,
        seed=seed,
    )


def labels_frame(labels: Iterable[FaultLabel]) -> pd.DataFrame:
    """Return *labels* as a table with the columns of labels.csv; start and end are UTC times."""
    rows = list(labels)
    frame = pd.DataFrame(
        {name: [getattr(row, name) for row in rows] for name in LABEL_COLUMNS},
        columns=list(LABEL_COLUMNS),
    )
    for name in ("start", "end"):
        # pandas takes the coarsest unit that fits; detectors and recordings count nanoseconds.
        frame[name] = pd.to_datetime(frame[name].astype("int64"), utc=True).dt.as_unit("ns")
    for name in ("id", "seed"):
        frame[name] = frame[name].astype(np.int64)
    for name in ("magnitude", "magnitude_sigma"):
        frame[name] = frame[name].astype(np.float64)
    for name in ("device", "kind", "channel", "layer"):
        frame[name] = pd.Series(
            [np.nan if word is None else word for word in frame[name]], dtype=object
        )
    return frame
