"""What is looked for in the lines of a device: each check, its dimension, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sensorkit.display.formats import count
from sensorkit.readings import RejectReason, Severity, isoformat

DIMENSIONS = ("completeness", "validity", "timeliness", "consistency", "uniqueness")
"""What data quality is made of. Completeness and consistency are characteristics of ISO/IEC 25012;
timeliness is what it calls currentness, as far as a stream can tell; validity and uniqueness are
not among its characteristics, but in common use (DAMA)."""

NO_FRAMES = frozenset(
    {RejectReason.EMPTY, RejectReason.HEADER, RejectReason.PARTIAL_START, RejectReason.TYPE}
)
"""Rejected lines that are no flaw of the data: no frame, half of one because the capture began in
its middle, or one that the profile does not want."""

REASONS = tuple(RejectReason)


class Check(NamedTuple):
    """Something that can be wrong."""

    name: str
    dimension: str
    severity: Severity
    one: str
    many: str
    """What so many of it are called."""


WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL

# The order is that of `layout`.
FRAME = (
    Check("missing_frames", "completeness", WARNING, "frame is missing", "frames are missing"),
    Check("late", "timeliness", WARNING, "frame came late", "frames came late"),
    Check(
        "time_backwards",
        "consistency",
        WARNING,
        "time is before the one before",
        "times are before the one before",
    ),
    Check("duplicate", "uniqueness", WARNING, "frame came twice", "frames came twice"),
    Check(
        "out_of_order",
        "consistency",
        WARNING,
        "frame came too late to be in order",
        "frames came too late to be in order",
    ),
    Check(
        "device_reset",
        "consistency",
        WARNING,
        "time the device started anew",
        "times the device started anew",
    ),
    Check(
        "counter_jump",
        "consistency",
        WARNING,
        "jump of the counter that the time denies",
        "jumps of the counter that the time denies",
    ),
    Check(
        "same_time",
        "uniqueness",
        WARNING,
        "reading has the time of another",
        "readings have the time of another",
    ),
    Check(
        "status_unknown",
        "validity",
        WARNING,
        "status word that the profile does not name",
        "status words that the profile does not name",
    ),
)
EVENTS = (
    Check("clock_step", "timeliness", WARNING, "step of the host's clock",
          "steps of the host's clock"),
    Check("link_lost", "timeliness", CRITICAL, "loss of the link", "losses of the link"),
    Check("overrun", "completeness", CRITICAL, "overrun of the port", "overruns of the port"),
    Check("device_reset", "consistency", WARNING, "time the device started anew",
          "times the device started anew"),
)  # fmt: skip
CHANNEL = (
    Check("missing_value", "completeness", WARNING, "value is missing", "values are missing"),
    Check("implausible", "validity", WARNING, "value that the sensor cannot say",
          "values that the sensor cannot say"),
    Check("stuck", "consistency", WARNING, "value repeated for too long",
          "values repeated for too long"),
)  # fmt: skip
REJECTED = tuple(
    Check(f"rejected_{reason}", "validity", WARNING, f"line rejected ({reason})",
          f"lines rejected ({reason})")
    for reason in REASONS
)  # fmt: skip


class Place(NamedTuple):
    """What a slot of the kernel stands for."""

    check: Check
    channel: str | None


@dataclass(frozen=True)
class Issue:
    """A stretch of findings of one kind, and where it is.

    Attributes
    ----------
    check, dimension : str
    severity : Severity
    device : str
        "" where the sender is not known: a line that could not be read.
    channel : str or None
        None for a flaw of whole frames.
    start, end : int
        Nanoseconds UTC: of the first finding and of the last. What is missing is missing between.
    count : int
        Findings; of `missing_frames` the frames.
    lines : int
        Lines that they were found at.
    first_offset, last_offset : int
        Where those lines start in raw.log; -1 where there is none.
    first_line, last_line : int
        The number of those lines of the device, from 0, rejected ones among them.
    told : str
        In a few words: "3 frames are missing".
    """

    check: str
    dimension: str
    severity: Severity
    device: str
    channel: str | None
    start: int
    end: int
    count: int
    lines: int
    first_offset: int
    last_offset: int
    first_line: int
    last_line: int
    told: str

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, the times in ISO 8601."""
        return {
            **asdict(self),
            "severity": str(self.severity),
            "start": isoformat(self.start),
            "end": isoformat(self.end),
        }


def issue_of(row: list[int], place: Place, device: str) -> Issue:
    """Return what the kernel has written down as an issue."""
    _, first, last, first_offset, last_offset, n, lines, first_line, last_line = row
    check = place.check
    what = check.one if n == 1 else check.many
    return Issue(
        check=check.name,
        dimension=check.dimension,
        severity=check.severity,
        device=device,
        channel=place.channel,
        start=first,
        end=last,
        count=n,
        lines=lines,
        first_offset=first_offset,
        last_offset=last_offset,
        first_line=first_line,
        last_line=last_line,
        told=f"{count(n)} {what}",
    )
