"""A rule of a profile: its kinds, the fields that each takes, and what makes it one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.nearest import did_you_mean
from sensorkit.readings import Severity

LONGEST_NAME = 64

LIKE = "{kind: range, channel: temperature, high: 80, severity: CRITICAL}"
"""What a rule looks like, to whoever wrote something else."""

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]*$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=LONGEST_NAME)]


def _no_yes_or_no(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is wanted")
    return value


# `high: true` is no 1.0. Not pydantic's strict numbers: YAML 1.1 reads 1e6 as a text.
IS_NUMBER = BeforeValidator(_no_yes_or_no)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), IS_NUMBER]
Finite = Annotated[float, Field(allow_inf_nan=False), IS_NUMBER]
Count = Annotated[int, Field(ge=1), IS_NUMBER]

RUN = ("readings", "seconds")
LASTING = ("for_readings", "for_s")

TAKES: dict[str, tuple[str, ...]] = {
    "range": ("channel", "low", "high", "margin", "hysteresis", *LASTING),
    "rate": ("channel", "limit", "per", "margin", "hysteresis", *LASTING),
    "stuck": ("channel", *RUN, "margin"),
    "heartbeat": ("limit", "margin"),
    "status": ("words", *LASTING),
    "missing": ("channel", *RUN, "margin"),
}
"""Kind of rule -> the fields it has beside type, kind and severity."""

KINDS = ", ".join(sorted(TAKES))

NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "range": (("low", "high"), ("channel",)),
    "rate": (("limit",), ("channel",)),
    "stuck": (RUN, ("channel",)),
    "heartbeat": (("limit",),),
    "status": (("words",),),
    "missing": (RUN, ("channel",)),
}

PREFIXES = {
    "range": "THRESHOLD_BREACH",
    "rate": "RAPID_CHANGE",
    "stuck": "STUCK",
    "heartbeat": "HEARTBEAT_LOSS",
    "status": "STATUS",
    "missing": "MISSING",
}


class Rule(Section):
    """A fixed limit; breached only strictly beyond it.

    Which fields a rule takes depends on its kind; docs/detectors.md has the table.
    """

    type: Name
    """As in the alert: THRESHOLD_BREACH_TEMP; made of kind and channel where not given."""
    kind: Literal["range", "rate", "stuck", "heartbeat", "status", "missing"]
    severity: Severity
    channel: str | None = None
    low: Finite | None = None
    high: Finite | None = None
    limit: Positive | None = None
    """rate: largest change; heartbeat: seconds without a frame."""
    per: Literal["reading", "second"] = "reading"
    """rate: from one reading to the next, or per second between them."""
    readings: Count | None = None
    """stuck: equal values in a row that are still healthy; missing: readings without a value."""
    seconds: Positive | None = None
    """The same as a time, from the first reading of the run to the latest."""
    words: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """status: what the device says when something is wrong."""
    margin: Positive = 1.0
    """What counts as one step past the limit in the score: the channel's unit, readings, s."""
    hysteresis: NotNegative = 0.0
    """range, rate: a breach is over when the value is back inside by so much."""
    for_readings: Count | None = None
    """A breach counts from its so many-th reading on."""
    for_s: Positive | None = None
    """A breach counts from the reading on that comes so many seconds after its first."""

    @field_validator("kind", mode="before")
    @classmethod
    def _is_a_kind(cls, kind: Any) -> Any:
        if not isinstance(kind, str):
            raise ValueError(f"the name of a kind is wanted; there are {KINDS}")
        if kind not in TAKES:
            hint = did_you_mean(kind, TAKES, "use one of them")
            raise ValueError(f"unknown kind of rule; there are {KINDS}; {hint}")
        return kind

    @field_validator("words", mode="before")
    @classmethod
    def _are_a_list(cls, words: Any) -> Any:
        if isinstance(words, str):
            raise ValueError(f"a list of words is wanted: [{words}]")
        return words

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if not isinstance(data, Mapping):
            raise ValueError(f"a rule is wanted, such as {LIKE}")
        if "kind" not in data and set(data) <= set(cls.model_fields):
            raise Misplaced(("kind",), f"a rule needs a kind; there are {KINDS}")
        if "type" in data:
            return data
        if str(data.get("kind")) not in TAKES:
            return {**data, "type": "NONE"}  # what is wrong is the kind
        words, channel = data.get("words"), data.get("channel")
        about = words if isinstance(words, list | tuple) else [channel] if channel else []
        return {**data, "type": default_type(str(data["kind"]), *map(str, about))}

    @model_validator(mode="after")
    def _takes(self) -> Self:
        takes = TAKES[self.kind]
        for name, field in type(self).model_fields.items():
            if name in ("type", "kind", "severity") or name in takes:
                continue
            if getattr(self, name) != field.default:
                known = ", ".join(takes)
                raise Misplaced((name,), f"{self._named} takes no {name}; it takes {known}")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for wanted in NEEDS[self.kind]:
            given = [name for name in wanted if getattr(self, name) not in (None, ())]
            if not given:
                one_of = "a channel" if wanted == ("channel",) else " or ".join(wanted)
                raise ValueError(f"{self._named} needs {one_of}")
            if len(given) > 1 and wanted == RUN:
                raise Misplaced((given[1],), f"{self._named} has readings and seconds; give one")
        if self.for_readings is not None and self.for_s is not None:
            raise Misplaced(("for_s",), f"{self._named} has for_readings and for_s; give one")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(
                f"rule {self.type!r}: low ({self.low:g}) must be below high ({self.high:g})"
            )
        return self

    @model_validator(mode="after")
    def _can_be_over(self) -> Self:
        room = self.limit if self.kind == "rate" else None
        if self.low is not None and self.high is not None:
            room = (self.high - self.low) / 2
        if room is not None and not self.hysteresis < room:
            raise Misplaced(
                ("hysteresis",),
                f"{self._named} could never be over: no value is {self.hysteresis:g} inside its "
                f"limits; less than {room:g} is wanted",
            )
        return self

    @property
    def _named(self) -> str:
        return f"rule {self.type!r} of kind {self.kind}"


def default_type(kind: str, *about: str) -> str:
    """Return the type of a rule's alerts where none is given.

    Parameters
    ----------
    kind : str
    *about : str
        The channel, or the words of a status rule; several words have one type.

    Examples
    --------
    >>> default_type("range", "temperature"), default_type("status", "HOT", "COLD")
    ('THRESHOLD_BREACH_TEMPERATURE', 'STATUS_ALARM')
    """
    if kind == "heartbeat" or not about:
        return PREFIXES[kind]
    last = about[0] if len(about) == 1 else "ALARM"
    return re.sub(r"[^A-Z0-9_.-]", "_", f"{PREFIXES[kind]}_{last.upper()}")[:LONGEST_NAME]
