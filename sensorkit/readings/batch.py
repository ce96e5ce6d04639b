"""A batch of readings: arrays, a row a frame, a column a channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.nearest import did_you_mean
from sensorkit.readings import frames, plotting, showing, times
from sensorkit.readings.times import Time, nanoseconds
from sensorkit.readings.words import Words

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go

NO_SEQUENCE = -1
"""Stands in `Readings.sequence` where the frame carried no sequence number."""

NO_OFFSET = -1
"""Stands in `Readings.offset` where there is no raw.log to point into."""


@dataclass(frozen=True, eq=False)
class Readings:
    """A batch of decoded frames in the order they arrived.

    Attributes
    ----------
    time : array of int64, shape (n,)
        Nanoseconds since 1970-01-01 UTC. Equal times are normal: frames of one read share it.
    values : array of float64, shape (n, n_channels)
        Column-major, so that a channel is contiguous. NaN where a channel is missing.
    channels : tuple of str
    device, status : Words of length n
    sequence : array of int64, shape (n,)
        The device's own counter; `NO_SEQUENCE` where the frame has none.
    offset : array of int64, shape (n,)
        Where the frame starts in raw.log; `NO_OFFSET` where there is none.
    """

    time: NDArray[np.int64]
    values: NDArray[np.float64]
    channels: tuple[str, ...]
    device: Words
    status: Words
    sequence: NDArray[np.int64]
    offset: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.time)
        if self.values.shape != (n, len(self.channels)):
            raise ValueError(
                f"values has shape {self.values.shape}, but {n} times and "
                f"{len(self.channels)} channels want {(n, len(self.channels))}"
            )
        for name in ("device", "status", "sequence", "offset"):
            if len(getattr(self, name)) != n:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows, time has {n}")

    @classmethod
    def build(
        cls,
        time: NDArray[np.int64],
        values: NDArray[np.float64],
        channels: Sequence[str],
        *,
        device: Words | str = "device",
        status: Words | None = None,
        sequence: NDArray[np.int64] | None = None,
        offset: NDArray[np.int64] | None = None,
    ) -> Self:
        """Make a batch from what is there; the rest is filled with "none"."""
        n = len(time)
        return cls(
            time=np.asarray(time, dtype=np.int64),
            values=np.asfortranarray(values, dtype=np.float64),
            channels=tuple(channels),
            device=Words.constant(device, n) if isinstance(device, str) else device,
            status=Words.constant(None, n) if status is None else status,
            sequence=np.full(n, NO_SEQUENCE, dtype=np.int64) if sequence is None else sequence,
            offset=np.full(n, NO_OFFSET, dtype=np.int64) if offset is None else offset,
        )

    @classmethod
    def empty(cls, channels: Sequence[str]) -> Self:
        """Return a batch without readings."""
        return cls.build(np.empty(0, dtype=np.int64), np.empty((0, len(channels))), channels)

    @classmethod
    def concat(cls, batches: Sequence[Readings]) -> Self:
        """Join batches of the same channels, in the order given."""
        if not batches:
            raise ValueError("no batch to join; use Readings.empty(channels)")
        channels = batches[0].channels
        for batch in batches:
            if batch.channels != channels:
                raise ValueError(f"cannot join channels {channels} with {batch.channels}")
        values = np.empty((sum(map(len, batches)), len(channels)), order="F")
        start = 0
        for batch in batches:
            values[start : start + len(batch)] = batch.values
            start += len(batch)
        return cls(
            time=np.concatenate([batch.time for batch in batches]),
            values=values,
            channels=channels,
            device=Words.concat([batch.device for batch in batches]),
            status=Words.concat([batch.status for batch in batches]),
            sequence=np.concatenate([batch.sequence for batch in batches]),
            offset=np.concatenate([batch.offset for batch in batches]),
        )

    @classmethod
    def of(cls, data: Readings | pd.DataFrame, *, device: str = "device") -> Readings:
        """Return *data* as readings: itself, or a DataFrame as `from_frame` takes it.

        Raises
        ------
        TypeError
            If it is neither.
        """
        if isinstance(data, Readings):
            return data
        if isinstance(data, pd.DataFrame):
            return cls.from_frame(data, device=device)
        raise TypeError(
            f"a {type(data).__name__} came; Readings or a DataFrame with a DatetimeIndex and one "
            "numeric column a channel are wanted"
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, device: str = "device") -> Self:
        """Take a DataFrame with a DatetimeIndex and one numeric column a channel.

        Parameters
        ----------
        frame : DataFrame
            An index without a zone is UTC; equal and falling times are kept as they are. Integers,
            nullable types and objects that are numbers become float64, what is missing NaN. Columns
            called `device` and `status` are words.
        device : str
            Name of the device where there is no such column.

        Raises
        ------
        TypeError
            If the index is no DatetimeIndex, or a column is not numeric.
        ValueError
            If a time is missing, or two columns have one name.

        Examples
        --------
        >>> index = pd.date_range("2026-01-01", periods=3, freq="1s")
        >>> readings = Readings.from_frame(pd.DataFrame({"T": [20, 21, None]}, index=index))
        >>> readings["T"].tolist()
        [20.0, 21.0, nan]
        """
        time = frames.times(frame)
        names, values = frames.channels(frame)
        devices = frames.words(frame, "device")
        return cls.build(
            time,
            values,
            names,
            device=device if devices is None else devices,
            status=frames.words(frame, "status"),
        )

    def to_frame(self, *, words: bool | None = None) -> pd.DataFrame:
        """Return a DataFrame: UTC DatetimeIndex `time`, one float column a channel.

        Parameters
        ----------
        words : bool, optional
            With the columns `device` and `status`. By default `device` alone, and only where there
            are several. `from_frame` takes either back.
        """
        told = {"device": self.device, "status": self.status} if words else {}
        if words is None and len(np.unique(self.device.codes)) > 1:
            told = {"device": self.device}
        return frames.frame_of(self.time, self.values, self.channels, told)

    def plot(
        self,
        channels: str | Sequence[str] | None = None,
        *,
        labels: plotting.Labels | None = None,
        alerts: plotting.Alerts = (),
        units: Mapping[str, str] | None = None,
        start: Time | None = None,
        end: Time | None = None,
        title: str = "",
        height: int | None = None,
        points: int | None = None,
        interactive: bool | None = None,
    ) -> go.Figure | go.FigureWidget:
        """Return a figure: a row a channel on one time axis, a line a device.

        Drag to zoom in on all rows at once, double-click to come back; the slider below moves along
        the time. A long series is thinned to the smallest and largest value of each part, so that
        every spike is seen; where readings are missing the line is open.

        Parameters
        ----------
        channels : str or sequence of str, optional
            All by default.
        labels : DataFrame or iterable of FaultLabel, optional
            Faults, as `Recording.labels` gives them: shaded, with kind and size on hovering. One
            without a channel stands in every row.
        alerts : iterable of Alert or DataFrame
            Marked where they begin, with their description on hovering; a filled mark is critical.
        units : mapping of str to str, optional
            Channel -> unit, for the axes.
        start, end : str, datetime or int, optional
            Show only what lies between: ISO 8601 (UTC without a zone) or nanoseconds UTC.
        title : str
        height : int, optional
            Pixels of the whole figure.
        points : int, optional
            That a line is thinned to; by default 2000, fewer where there are many lines.
        interactive : bool, optional
            A widget: zooming in draws that part with as many points. By default if the readings are
            thinned and somebody has the notebook open. Never where SENSORKIT_QUIET is set.

        Returns
        -------
        plotly.graph_objects.Figure or FigureWidget
            `layout.meta["alt"]` says in words what it shows.

        Raises
        ------
        KeyError
            If there is no such channel.
        ValueError
            If a time is none, or nothing came between the two.

        Examples
        --------
        >>> time = np.arange(5) * 1_000_000_000
        >>> figure = Readings.build(time, np.eye(5)[:, :2], ["T", "V"]).plot("T")
        >>> figure.layout.meta["alt"]
        'device: 5 readings. T; 0 faults shaded; 0 alerts marked.'
        """
        wanted = self.channels if channels is None else channels
        chosen = [wanted] if isinstance(wanted, str) else list(wanted) or list(self.channels)
        for name in chosen:
            self._known(name)
        shown = self.between(start, end)
        if len(self) and not len(shown):
            raise ValueError(
                f"there are no readings {times.between(start, end)}; those there are came "
                f"{times.between(int(self.time.min()), int(self.time.max()))}"
            )
        return plotting.plot(
            shown,
            chosen,
            labels=labels,
            alerts=alerts,
            units=units or {},
            title=title,
            height=height,
            points=points,
            interactive=interactive,
        )

    def between(self, start: Time | None = None, end: Time | None = None) -> Readings:
        """Return the readings from *start* to *end*, both included.

        Parameters
        ----------
        start, end : str, datetime or int, optional
            ISO 8601 (UTC without a zone) or nanoseconds UTC; open where not given.

        Raises
        ------
        ValueError
            If one of them is no time.

        Examples
        --------
        >>> readings = Readings.build(np.arange(9) * 1_000_000_000, np.zeros((9, 1)), ["T"])
        >>> len(readings.between("1970-01-01T00:00:02", "1970-01-01T00:00:05"))
        4
        """
        if start is None and end is None:
            return self
        inside = np.ones(len(self), dtype=np.bool_)
        if start is not None:
            inside &= self.time >= nanoseconds(start)
        if end is not None:
            inside &= self.time <= nanoseconds(end)
        return self[inside]

    def __repr__(self) -> str:
        return showing.card(self).text()

    def _repr_html_(self) -> str:
        return showing.card(self).html()

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.channels)

    def __len__(self) -> int:
        return len(self.time)

    @overload
    def __getitem__(self, rows: str) -> NDArray[np.float64]: ...

    @overload
    def __getitem__(self, rows: slice | NDArray[Any]) -> Readings: ...

    def __getitem__(self, rows: str | slice | NDArray[Any]) -> Readings | NDArray[np.float64]:
        """Return the readings that a slice, a mask or an index array selects, or a channel by name.

        Examples
        --------
        >>> readings = Readings.build(np.arange(3), np.array([[1.0], [2.0], [3.0]]), ["T"])
        >>> readings["T"].tolist(), len(readings[readings["T"] > 1.5])
        ([1.0, 2.0, 3.0], 2)
        """
        if isinstance(rows, str):
            return self.channel(rows)
        return Readings(
            time=self.time[rows],
            values=np.asfortranarray(self.values[rows]),
            channels=self.channels,
            device=self.device[rows],
            status=self.status[rows],
            sequence=self.sequence[rows],
            offset=self.offset[rows],
        )

    def channel(self, name: str) -> NDArray[np.float64]:
        """Return the values of one channel, shape (n,)."""
        column: NDArray[np.float64] = self.values[:, self._known(name)]
        return column

    def _known(self, name: str) -> int:
        if name not in self.channels:
            there = ", ".join(self.channels)
            meant = did_you_mean(name, self.channels, "take one of them")
            raise KeyError(f"no channel {name!r}; there are {there}; {meant}")
        return self.channels.index(name)
