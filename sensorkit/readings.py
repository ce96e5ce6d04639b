"""The facts that every part exchanges: readings, rejections, events, alerts and fault labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NO_SEQUENCE = -1
"""Stands in `Readings.sequence` where the frame carried no sequence number."""

NO_OFFSET = -1
"""Stands in `Readings.offset` where there is no raw.log to point into."""


class Severity(StrEnum):
    """How bad an alert is."""

    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, eq=False)
class Words:
    """A column of a few words that repeat, kept as codes so that it stays an array.

    Attributes
    ----------
    codes : array of int32, shape (n,)
        Index into *vocabulary*; -1 where there is no word.
    vocabulary : tuple of str

    Examples
    --------
    >>> Words.of(["NORMAL", None, "NORMAL"]).codes.tolist()
    [0, -1, 0]
    """

    codes: NDArray[np.int32]
    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[str | None]) -> Self:
        """Code *words*; the vocabulary is in order of appearance."""
        index: dict[str, int] = {}
        codes = [-1 if word is None else index.setdefault(word, len(index)) for word in words]
        return cls(np.array(codes, dtype=np.int32), tuple(index))

    @classmethod
    def constant(cls, word: str | None, n: int) -> Self:
        """Return a column of *n* times the same word."""
        if word is None:
            return cls(np.full(n, -1, dtype=np.int32), ())
        return cls(np.zeros(n, dtype=np.int32), (word,))

    @classmethod
    def concat(cls, columns: Sequence[Words]) -> Self:
        """Join columns whose vocabularies may differ."""
        index: dict[str, int] = {}
        codes = []
        for column in columns:
            renamed = [index.setdefault(word, len(index)) for word in column.vocabulary]
            # The last entry catches the code -1.
            codes.append(np.array([*renamed, -1], dtype=np.int32)[column.codes])
        joined = np.concatenate(codes) if codes else np.empty(0, dtype=np.int32)
        return cls(joined, tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Words:
        return Words(self.codes[rows], self.vocabulary)

    def to_array(self) -> NDArray[np.object_]:
        """Return the words, shape (n,), None where there is none."""
        words: NDArray[np.object_] = np.array([*self.vocabulary, None], dtype=object)[self.codes]
        return words


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
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Take a DataFrame with a DatetimeIndex and one numeric column a channel.

        Text columns called `device` and `status` are taken as such; an index without a zone
        is UTC.
        """
        if not isinstance(frame.index, pd.DatetimeIndex):
            raise TypeError(
                f"the index is a {type(frame.index).__name__}; a DatetimeIndex is wanted: "
                "frame.set_index(pd.to_datetime(frame['time']))"
            )
        index = frame.index.tz_localize("UTC") if frame.index.tz is None else frame.index
        words = {
            name: Words.of(None if pd.isna(word) else str(word) for word in frame[name])
            for name in ("device", "status")
            if name in frame.columns
        }
        numeric = frame.drop(columns=list(words))
        for name in numeric.columns:
            if not pd.api.types.is_numeric_dtype(numeric[name]):
                raise TypeError(f"column {name!r} is {numeric[name].dtype}; a channel is numeric")
        time = index.tz_convert("UTC").as_unit("ns").asi8
        return cls.build(
            time,
            numeric.to_numpy(dtype=np.float64, na_value=np.nan),
            [str(name) for name in numeric.columns],
            device=words.get("device", "device"),
            status=words.get("status"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: UTC DatetimeIndex `time`, one float column a channel."""
        index = pd.DatetimeIndex(pd.to_datetime(self.time, utc=True), name="time")
        return pd.DataFrame(self.values, index=index, columns=list(self.channels))

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Readings:
        """Return the readings that a slice, a mask or an index array selects."""
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
        if name not in self.channels:
            raise KeyError(f"no channel {name!r}; there are {', '.join(self.channels)}")
        column: NDArray[np.float64] = self.values[:, self.channels.index(name)]
        return column


class RejectReason(StrEnum):
    """Why a line was no reading; the closed list of parser_errors.log."""

    CHECKSUM = "checksum"  # there is one, and it is wrong
    CHECKSUM_MISSING = "checksum_missing"  # the profile demands one
    CUT = "cut"  # the link was lost before the line ended
    EMPTY = "empty"  # nothing but white space before the line end
    ENCODING = "encoding"  # bytes outside printable ASCII
    FIELD_COUNT = "field_count"  # too few or too many columns
    FIELD_DUPLICATE = "field_duplicate"  # one key twice: two frames have merged
    FIELD_MISSING = "field_missing"  # a key that every frame must have
    FIELD_SYNTAX = "field_syntax"  # no assignment sign in a field
    FIELD_UNKNOWN = "field_unknown"  # a key the profile does not name
    HEADER = "header"  # a comment or header line; counted, no fault of the wire
    NUMBER = "number"  # not a plain decimal number
    OVERLONG = "overlong"  # longer than the longest line of the profile
    PARTIAL_START = "partial_start"  # the link was opened in the middle of a line
    RANGE = "range"  # outside what the sensor can physically say
    STATUS = "status"  # a status word the profile does not name
    SYNTAX = "syntax"  # not the shape of a frame at all
    TIME = "time"  # no time, or one that cannot be read (imported tables)
    TYPE = "type"  # a well-formed sentence of a kind the profile does not read


@dataclass(frozen=True)
class Rejection:
    """A line that was no reading: device noise is data, not an exception."""

    time: int
    """Nanoseconds UTC of the read that completed the line."""
    offset: int
    """Where the line starts in raw.log."""
    reason: RejectReason
    line: bytes
    """As received, without its line end."""


@dataclass(frozen=True)
class Event:
    """Something about the link or the device that is not a reading; a row of events.jsonl."""

    time: int
    kind: str
    """link_opened, link_lost, link_back, heartbeat_lost, heartbeat_back, sequence_gap,
    device_reset, overrun, clock_step."""
    offset: int
    """Length of raw.log when it happened, or the start of the frame that showed it."""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultLabel:
    """One injected fault: the truth that detectors are measured against."""

    id: int
    device: str
    start: int
    """Nanoseconds UTC of the first reading or frame touched."""
    end: int
    """Nanoseconds UTC of the last one touched (inclusive)."""
    kind: str
    channel: str | None
    layer: str
    """signal (on values), transport (on bytes) or state (of the emulated device)."""
    magnitude: float | None
    magnitude_sigma: float | None
    seed: int


@dataclass
class Alert:
    """An episode: a detector saw something at `start`, and it lasted until `end`.

    The one fact here that changes: a detector hands an alert out when its episode begins, and
    sets `end` on the same object when the episode is over (None until then).
    """

    start: int
    """Nanoseconds UTC."""
    type: str
    severity: Severity
    description: str
    detector: str
    device: str
    channel: str | None = None
    value: float | None = None
    score: float | None = None
    end: int | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the alert itself: whoever was handed it out waits for its end."""
        return self


def isoformat(time_ns: int) -> str:
    """Return *time_ns* as ISO 8601 UTC with microseconds and `Z`.

    >>> isoformat(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20.123456Z'
    """
    seconds, rest = divmod(int(time_ns), 1_000_000_000)
    return f"{np.datetime64(seconds, 's')}.{rest // 1000:06d}Z"


def parse_time(text: str) -> int:
    """Return the nanoseconds UTC of an ISO 8601 text; without a zone it is UTC.

    >>> parse_time("2023-11-14T22:13:20.123456Z")
    1700000000123456000
    """
    stamp = pd.Timestamp(text)
    if pd.isna(stamp):
        raise ValueError(f"{text!r} is no time; ISO 8601 is wanted, as 2026-01-31T12:00:00Z")
    utc = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
    return int(utc.as_unit("ns").value)
