"""Faults as they stand in the controls of the fault editor, and what it means to change one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sensorkit.errors import PlanError
from sensorkit.faults import KINDS
from sensorkit.nearest import unknown
from sensorkit.notebook.fault_editor_preview import Preview


@dataclass(frozen=True)
class Draft:
    """One fault as it stands in the controls: all fields, whether its kind takes them or not."""

    kind: str
    channel: str
    size: float
    """In the unit of the channel."""
    count: float | None
    """Bits or bytes; None leaves it to the kind."""
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
    kind = draft.kind if kind is None else kind
    if kind not in KINDS:
        raise PlanError(unknown("kind of fault", kind, KINDS))
    channels = preview.readings.channels
    onto = draft.channel if channel is None else channel
    if onto not in channels:
        raise PlanError(unknown("channel", onto, channels))
    magnitude = KINDS[kind].magnitude
    if magnitude is None and not (size is None and size_sigma is None):
        raise PlanError(f"a {kind} takes no size; its size is its duration: set duration=")
    if size is not None and size_sigma is not None:
        raise PlanError("give either size or size_sigma, not both")
    if magnitude is not None and magnitude.unit != "channel" and size_sigma is not None:
        raise PlanError(f"the size of a {kind} is in {magnitude.unit}, not in sigmas: set size=")
    in_channel, count = draft.size, draft.count
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
        in_channel = float(size)
    elif size is not None:
        count = size
    return replace(
        draft,
        kind=kind,
        channel=onto,
        size=in_channel,
        count=count,
        start_s=draft.start_s if start is None else round(float(start), 6),
        duration_s=draft.duration_s if duration is None else round(float(duration), 6),
        gradual=draft.gradual if gradual is None else gradual,
        value=draft.value if value is None else float(value),
    )


def rounded(size: float) -> float:
    """Return a size with as many digits as anybody sets.

    >>> rounded(3.14159265)
    3.1416
    """
    return float(f"{size:.5g}")
