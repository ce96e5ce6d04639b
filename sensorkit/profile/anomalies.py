"""The `anomalies` of a profile: faults that make sense for the device, by names people say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.profile.frame_base import Place
from sensorkit.profile.rules import Finite, Name, Positive


class Anomaly(Section):
    """A fault that this device has now and then; what an emulated one is asked to do by name.

    The keys are those of a fault in a plan (docs/faults.md), without a start: whoever asks for it
    says when.

    Examples
    --------
    >>> hot = Anomaly(kind="drift", channel="temperature", magnitude=12.0, duration_s=60)
    >>> hot.fault()
    {'kind': 'drift', 'channel': 'temperature', 'magnitude': 12.0, 'duration_s': 60.0}
    """

    description: str = ""
    kind: Name
    """A kind of fault."""
    channel: str | None = None
    channels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Instead of one: several that it hits at the same time."""
    magnitude: Finite | dict[str, Finite] | None = None
    """In the unit that the kind says, for most the unit of the channel; for several channels one
    for all of them, or one for each by its name."""
    magnitude_sigma: Finite | None = None
    """The same in robust sigmas of the healthy channel."""
    duration_s: Positive | None = None
    onset: Literal["abrupt", "gradual"] = "abrupt"
    value: Finite | None = None
    """The absolute value of a `stuck`; its first value where not given."""
    period_s: Positive | None = None
    """That of an `oscillation`."""
    weight: Positive = 1.0
    """How often it comes, beside the others, where they come by themselves."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.magnitude is not None and self.magnitude_sigma is not None:
            raise Misplaced(
                ("magnitude_sigma",), "give either magnitude or magnitude_sigma, not both"
            )
        if self.channel is not None and self.channels is not None:
            raise Misplaced(("channels",), "give either channel or channels, not both")
        return self

    def fault(self) -> dict[str, Any]:
        """Return the keys of a fault in a plan."""
        return self.model_dump(exclude_defaults=True, exclude={"description", "weight"})


Anomalies = Annotated[dict[Name, Anomaly], Field(max_length=1000)]


def channels_of(anomalies: Mapping[str, Anomaly]) -> Iterator[tuple[Place, str]]:
    """Yield every place in the section that names a channel, with the name."""
    for name, anomaly in anomalies.items():
        if anomaly.channel is not None:
            yield ("anomalies", name, "channel"), anomaly.channel
        for i, channel in enumerate(anomaly.channels or ()):
            yield ("anomalies", name, "channels", i), channel
        for channel in anomaly.magnitude if isinstance(anomaly.magnitude, dict) else ():
            yield ("anomalies", name, "magnitude", channel), channel
