"""What is told of readings, or in their place: rejections, events, fault labels and alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Severity(StrEnum):
    """How bad an alert is."""

    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class RejectReason(StrEnum):
    """Why a line was no reading; the closed list of parser_errors.log."""

    CHECKSUM = "checksum"  # there is one, and it is wrong
    CHECKSUM_MISSING = "checksum_missing"  # the profile demands one
    CUT = "cut"  # the link was lost before the line ended
    DEVICE = "device"  # no name of a device, or one that the profile does not name
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
