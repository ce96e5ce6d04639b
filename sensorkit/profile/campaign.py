"""The `campaign` of a profile: what an evaluation does with this device where nothing is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.profile.frame_base import Place
from sensorkit.profile.rules import Name, Positive


class Campaign(Section):
    """Channels that get faults, kinds of fault, and how long is captured.

    All that is left out is as for any device. Worth naming where a device has many channels:
    the grid of faults grows with each.

    Examples
    --------
    >>> Campaign(channels=["voltage"], hours=2)
    Campaign(channels=('voltage',), kinds=(), hours=2.0)
    """

    channels: tuple[Name, ...] = ()
    kinds: tuple[Name, ...] = ()
    hours: Annotated[Positive, Field(le=1e5)] | None = None
    """Of the device's time, healthy, before faults are put into a copy."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for field in ("channels", "kinds"):
            names: tuple[str, ...] = getattr(self, field)
            for i, name in enumerate(names):
                if name in names[:i]:
                    raise Misplaced((field, i), f"{name!r} stands here a second time")
        return self


def channels_of(campaign: Campaign | None) -> Iterator[tuple[Place, str]]:
    """Yield every place in the section that names a channel, with the name."""
    for i, name in enumerate(campaign.channels if campaign is not None else ()):
        yield ("campaign", "channels", i), name
