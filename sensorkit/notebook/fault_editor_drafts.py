"""Faults as they stand in the controls of the fault editor, and what it means to change one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from sensorkit.checked_yaml import complaint, place_of
from sensorkit.errors import PlanError
from sensorkit.faults import KINDS, FaultPlan
from sensorkit.faults.base import Kind
from sensorkit.nearest import unknown
from sensorkit.notebook.fault_editor_judges import Verdict
from sensorkit.notebook.fault_editor_preview import Faulted, Preview

SIZE_SIGMA = 4.0
DURATION_READINGS = 60
"""Of the fault that an editor begins with."""

FIELDS = ("kind", "channel", "size", "size_sigma", "start", "duration", "gradual", "value")

WORDS = {"magnitude": "size", "start_s": "start", "duration_s": "duration", "onset": "gradual"}
"""What a plan calls a field -> what the editor does."""

NOT_HERE = ", or say `overlap: channels`"
"""What may be done in a plan, and not in the editor."""


@dataclass(frozen=True)
class Draft:
    """One fault as it stands in the controls: all fields, whether its kind takes them or not."""

    kind: str
    channel: str
    size: float
    """In the unit of the channel."""
    count: float | None
    """In the unit of the kind where that is not the channel's: bits, bytes, seconds, a factor;
    None leaves it to the kind."""
    start_s: float
    duration_s: float
    gradual: bool = False
    value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fault as a plan has it, with what its kind takes."""
        kind = KINDS[self.kind]
        fields: dict[str, Any] = {"kind": self.kind}
        if kind.layer == "signal":
            fields["channel"] = self.channel
        fields["start_s"] = self.start_s
        if not kind.momentary:
            fields["duration_s"] = self.duration_s
        if kind.magnitude is not None:
            size = self.size if kind.magnitude.unit == "channel" else self.count
            if size is not None:
                fields["magnitude"] = size
        if self.gradual and kind.gradual:
            fields["onset"] = "gradual"
        if self.value is not None and kind.takes_value:
            fields["value"] = self.value
        return fields

    @property
    def end_s(self) -> float:
        """Return when it is over."""
        return self.start_s + (0.0 if KINDS[self.kind].momentary else self.duration_s)


@dataclass(frozen=True, eq=False)
class Seen:
    """A plan and what came of it."""

    drafts: tuple[Draft, ...]
    selected: int
    plan: FaultPlan
    faulted: Faulted
    verdicts: list[Verdict]
    exact: bool

    @property
    def sentence(self) -> str:
        """Return what is seen, in a sentence."""
        faults = ", ".join(fault.title for fault in self.plan.faults) or "no fault"
        n = len(self.plan.faults)
        found = ", ".join(f"{v.detector} {int(v.table.hit.sum())} of {n}" for v in self.verdicts)
        return f"{faults}; found: {found}" if n else faults


def first_draft(preview: Preview, test_s: tuple[float, float], period_s: float) -> Draft:
    """Return a bias on the first channel that moves, a third into the test."""
    names = preview.recording.profile.channel_names
    channel = next((name for name in names if preview.sigma(name)), names[0])
    begin, end = test_s
    duration = min(DURATION_READINGS * period_s, (end - begin) / 4)
    # Where a slider can be.
    steps = round((end - begin) / 3 / period_s)
    return Draft(
        kind="bias",
        channel=channel,
        size=rounded(SIZE_SIGMA * preview.sigma(channel)) or 1.0,
        count=None,
        start_s=round(begin + steps * period_s, 3),
        duration_s=round(duration, 3),
    )


def plan_of(drafts: Sequence[Draft], seed: int) -> FaultPlan:
    """Return the plan that *drafts* make.

    Raises
    ------
    PlanError
        If they make none; in the words of the controls.
    """
    plan = {"seed": seed, "faults": [draft.to_dict() for draft in drafts]}
    try:
        return FaultPlan.model_validate(plan)
    except ValidationError as error:
        first = error.errors()[0]
        said = complaint(first).removesuffix(NOT_HERE).replace("magnitude", "size")
        match place_of(first, plan):
            case ("faults", int(at), str(field)):
                where = f"fault {at + 1} ({drafts[at].kind}), {WORDS.get(field, field)}: "
            case ("faults", *_):  # two that overlap, which says which
                where = ""
            case field:
                where = "".join(f"{part}: " for part in field)
        raise PlanError(f"{where}{said}") from error


def changed(
    draft: Draft,
    preview: Preview,
    *,
    kind: str | None = None,
    channel: str | None = None,
    size: float | None = None,
    size_sigma: float | None = None,
    start: float | None = None,
    duration: float | None = None,
    gradual: bool | None = None,
    value: float | None = None,
) -> Draft:
    """Return *draft* with what is given; see `FaultEditor.set`.

    A fault that moves to another channel keeps its size in sigmas.

    Raises
    ------
    PlanError
        If its kind does not take that, or there is no such kind or channel.
    """
    kind = _known("kind of fault", draft.kind if kind is None else kind, KINDS)
    onto = _known(
        "channel", draft.channel if channel is None else channel, preview.readings.channels
    )
    _refuse_what_it_does_not_take(
        KINDS[kind],
        channel=channel is not None,
        duration=duration is not None,
        gradual=_truth("gradual", gradual),
        value=value is not None,
    )
    size, size_sigma = _number("size", size), _number("size_sigma", size_sigma)
    start, duration = _number("start", start), _number("duration", duration)
    value = _number("value", value)
    magnitude = KINDS[kind].magnitude
    if magnitude is None and not (size is None and size_sigma is None):
        raise PlanError(f"a {kind} takes no size; its size is its duration: set duration=")
    if size is not None and size_sigma is not None:
        raise PlanError("give either size or size_sigma, not both")
    if magnitude is not None and magnitude.unit != "channel" and size_sigma is not None:
        raise PlanError(f"the size of a {kind} is in {magnitude.unit}, not in sigmas: set size=")
    in_channel, count = draft.size, _counted(draft, KINDS[kind])
    before, sigma = preview.sigma(draft.channel), preview.sigma(onto)
    if onto != draft.channel and before and sigma:
        in_channel = rounded(draft.size / before * sigma)
    if size_sigma is not None:
        if not sigma:
            raise PlanError(
                f"{onto!r} never moves: half of its values are equal, so that there is no sigma to "
                "go by; set size= in its unit"
            )
        in_channel = rounded(size_sigma * sigma)
    elif size is not None and magnitude is not None and magnitude.unit == "channel":
        in_channel = size
    elif size is not None:
        count = int(size) if size.is_integer() else size
    return replace(
        draft,
        kind=kind,
        channel=onto,
        size=in_channel,
        count=count,
        start_s=draft.start_s if start is None else round(start, 6),
        duration_s=draft.duration_s if duration is None else round(duration, 6),
        gradual=draft.gradual if gradual is None else bool(gradual),
        value=draft.value if value is None else value,
    )


def _counted(draft: Draft, kind: Kind) -> float | None:
    """Return the size in the unit of *kind*: that of *draft*, unless its kind has another unit."""
    before = KINDS[draft.kind].magnitude
    if kind.magnitude is None or kind.magnitude.unit == "channel":
        return draft.count
    if before is not None and before.unit == kind.magnitude.unit and draft.count is not None:
        return draft.count
    # What has to be said, and has no size of its own: a delay of a quarter of the fault.
    return rounded(draft.duration_s / 4) if kind.magnitude.required else kind.magnitude.default


def _known(what: str, given: object, known: Iterable[str]) -> str:
    if not isinstance(given, str) or given not in known:
        raise PlanError(unknown(what, str(given), known))
    return given


def _number(name: str, given: object) -> float | None:
    """Return what was given for *name* as a number; None stays."""
    if given is None:
        return None
    if isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        number = float(given)
        if math.isfinite(number):
            return number
    raise PlanError(f"{name}={given!r}; a number is wanted")


def _truth(name: str, given: object) -> bool:
    if not isinstance(given, bool | np.bool_ | None):
        raise PlanError(f"{name}={given!r}; True or False is wanted")
    return bool(given)


def _refuse_what_it_does_not_take(
    kind: Kind, *, channel: bool, duration: bool, gradual: bool, value: bool
) -> None:
    """Say what was given for a fault that has none of it."""
    if channel and kind.layer == "transport":
        raise PlanError(f"a {kind.name} acts on whole frames; leave channel= out")
    if duration and kind.momentary:
        raise PlanError(f"a {kind.name} lasts one reading; leave duration= out")
    if gradual and not kind.gradual:
        able = ", ".join(name for name, other in KINDS.items() if other.gradual)
        raise PlanError(f"a {kind.name} cannot grow gradually; those that can are {able}")
    if value and not kind.takes_value:
        able = ", ".join(name for name, other in KINDS.items() if other.takes_value)
        how = "set size=" if kind.magnitude is not None else "leave it out"
        raise PlanError(f"a {kind.name} takes no value=, only {able} does; {how}")


def rounded(size: float) -> float:
    """Return a size with as many digits as anybody sets.

    >>> rounded(3.14159265)
    3.1416
    """
    return float(f"{size:.5g}")
