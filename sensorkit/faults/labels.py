"""What an injected fault leaves behind: its label, the truth that detectors are measured by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sensorkit.display.formats import NONE, sized
from sensorkit.faults.base import size_unit
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
    magnitude = fault.size
    if kind.magnitude.unit != "channel":
        return magnitude, None
    if fault.magnitude_sigma is not None:
        # Nine digits are more than any sensor has; the rest is what multiplying has left over.
        return float(f"{fault.magnitude_sigma * (sigma or 0.0):.9g}"), fault.magnitude_sigma
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


def size_text(kind: str, magnitude: float | None, channel_unit: str = "") -> str:
    """Return the magnitude of a kind of fault as people write it.

    >>> size_text("drift", 8.0, "degC"), size_text("gain", 1.05), size_text("lag", 90.0)
    ('8 degC', 'x1.05', '1.5 min')
    """
    return NONE if magnitude is None else sized(magnitude, size_unit(kind, channel_unit))


JOINED = ", "
"""Between the channels of a fault that hits several."""


def faults_of(labels: pd.DataFrame) -> pd.DataFrame:
    """Return *labels* with one row for each fault: one on several channels has a label for each.

    Labels are those of one fault when they follow each other and say the same device, kind and
    times; `channel` then names all of them, `id` is the first, and a magnitude that differs from
    channel to channel is missing.

    Parameters
    ----------
    labels : DataFrame
        With the columns of labels.csv.

    Examples
    --------
    >>> from dataclasses import replace
    >>> one = FaultLabel(1, "pump", 0, 9, "stuck", "T", "signal", None, None, 0)
    >>> faults_of(labels_frame([one, replace(one, id=2, channel="V")]))["channel"].tolist()
    ['T, V']
    """
    if len(labels) < 2:
        return labels
    same = np.asarray(labels["layer"] == "signal") & np.asarray(labels["id"].diff() == 1)
    for name in ("device", "kind", "start", "end", "layer"):
        same[1:] &= labels[name].to_numpy()[1:] == labels[name].to_numpy()[:-1]
    if not same.any():
        return labels
    group = np.cumsum(~same)
    faults: pd.DataFrame = labels[~same].copy()
    by = labels.groupby(group, sort=False)
    joined = by["channel"].agg(lambda names: JOINED.join(map(str, names))).to_numpy()
    several = by.size().to_numpy() > 1
    faults["channel"] = np.where(several, joined, faults["channel"].to_numpy())
    for name in ("magnitude", "magnitude_sigma"):
        alike = by[name].nunique(dropna=False).to_numpy() == 1
        faults[name] = np.where(alike, faults[name].to_numpy(), np.nan)
    faults.index = pd.RangeIndex(len(faults))
    return faults


def channels_of(said: str | None) -> list[str]:
    """Return the channels that a fault of `faults_of` hits; none where it says none.

    >>> channels_of("T, V"), channels_of(None)
    (['T', 'V'], [])
    """
    return said.split(JOINED) if isinstance(said, str) and said else []


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
