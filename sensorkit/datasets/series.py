"""One labelled series of a public data set, in the words of the kit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Readings
from sensorkit.runs import runs

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Series:
    """Readings and the truth that a public data set publishes about them.

    Nothing is repaired on the way in: gaps, NaN and times that stand still or step back are as
    they are in the file.

    Attributes
    ----------
    dataset : str
        As in `sensorkit.datasets.names()`.
    name : str
        Unique in the data set; mostly the path of the file without its ending.
    group : str
        What series share that are not independent: a base recording, a rig, a mote. Split and
        resample by it.
    readings : Readings
        n rows; one device.
    labels : array of bool, shape (n,)
        True where the set calls the row anomalous, in the order of *readings*.
    windows : array of int64, shape (k, 2)
        First and last row (inclusive) of each anomaly, from the set's own windows where it has
        some, else the runs of *labels*. In order, and none overlap.
    fit : int
        So many rows at the front are for fitting in the official split; 0 where it has none.
    categories : array of object, shape (n,), or None
        The kind of fault of each row, None where there is none; None for a set without kinds.
    notes : tuple of str
        What a reader of a result should know: times made up, labels that disagree.
    extra : mapping
        What only this set has: `changepoints` (bool per row), `rul` (cycles left per row), ...;
        the function that loads it says what.

    Raises
    ------
    ValueError
        Lengths that differ, windows that are out of order or outside the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sensorkit.readings import Readings
    >>> readings = Readings.build(np.arange(4), np.zeros((4, 1)), ["value"])
    >>> series = Series.of("nab", "a/b", readings, np.array([False, True, True, False]))
    >>> series.windows.tolist(), series.group
    ([[1, 2]], 'a/b')
    """

    dataset: str
    name: str
    group: str
    readings: Readings
    labels: NDArray[np.bool_]
    windows: NDArray[np.int64]
    fit: int = 0
    categories: NDArray[np.object_] | None = None
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        n = len(self.readings)
        for what, column in (("labels", self.labels), ("categories", self.categories)):
            if column is not None and column.shape != (n,):
                raise ValueError(f"{what} has shape {column.shape}; {n} readings want {(n,)}")
        if self.windows.ndim != 2 or self.windows.shape[1] != 2:
            raise ValueError(f"windows has shape {self.windows.shape}; (k, 2) is wanted")
        edges = self.windows.ravel()
        # First <= last in a window, and last < first of the next one.
        if len(edges) and (
            edges[0] < 0
            or edges[-1] >= n
            or np.any(self.windows[:, 0] > self.windows[:, 1])
            or np.any(self.windows[1:, 0] <= self.windows[:-1, 1])
        ):
            raise ValueError(f"windows are out of order or outside the {n} rows: {self.windows}")
        if not 0 <= self.fit <= n:
            raise ValueError(f"fit is {self.fit}; 0 to {n} rows can be fitted on")

    @classmethod
    def of(
        cls,
        dataset: str,
        name: str,
        readings: Readings,
        labels: NDArray[np.bool_],
        *,
        group: str | None = None,
        **rest: Any,
    ) -> Series:
        """Make one whose windows are the runs of *labels*; its group is its name unless given."""
        windows = rest.pop("windows", None)
        return cls(
            dataset=dataset,
            name=name,
            group=name if group is None else group,
            readings=readings,
            labels=labels,
            windows=windows_of(labels) if windows is None else windows,
            **rest,
        )

    def __len__(self) -> int:
        return len(self.readings)


def windows_of(labels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return first and last row of each run of True, shape (k, 2).

    >>> windows_of(np.array([True, False, True, True])).tolist()
    [[0, 0], [2, 3]]
    """
    start, stop = runs(labels)
    return np.column_stack((start, stop - 1))
