"""A guess of how the frames of a device are put together, and how many lines it reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sensorkit.capture.columns import identifier
from sensorkit.capture.tables import FIXED_COLUMNS
from sensorkit.learning import units
from sensorkit.learning.fields import Field
from sensorkit.profile import Profile
from sensorkit.wire.stream import FrameStream


@dataclass
class DraftChannel:
    """A channel of the guess."""

    name: str
    key: str | None = None
    unit: str = ""
    label: str = ""
    decimals: int = 0
    remarks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return what a profile's YAML says of it."""
        told: dict[str, Any] = {"name": self.name}
        if self.key is not None and self.key != self.name:
            told["key"] = self.key
        if self.unit:
            told["unit"] = self.unit
        if self.label:
            told["label"] = self.label
        return {**told, "decimals": self.decimals}


@dataclass
class Draft:
    """A `frame` section and the channels in it, with what is to be said of them."""

    frame: dict[str, Any]
    channels: list[DraftChannel]
    remarks: dict[str, str] = field(default_factory=dict)
    """Key of the frame section -> what its comment says."""
    notes: list[str] = field(default_factory=list)
    """What is to be said of the frames as a whole."""
    step_s: float | None = None
    """Time between two frames by the device's own clock."""
    step_from: str = ""

    def profile(self) -> Profile:
        """Return the smallest profile that reads such frames."""
        return Profile.model_validate(
            {
                "name": "draft",
                "rate_hz": 1.0,
                "channels": [channel.to_dict() for channel in self.channels],
                "frame": self.frame,
            }
        )

    def share(self, lines: Iterable[str], line_end: str) -> float:
        """Return the share of *lines* that it reads; 0 where it makes no sense."""
        if not self.channels:
            return 0.0
        try:
            stream = FrameStream(self.profile())
        except (ValidationError, ValueError):
            return 0.0
        end = "\r" if line_end == "cr" else "\n"
        looked_at = list(lines)
        stream.feed(0, "".join(line + end for line in looked_at).encode("latin-1"))
        headers = stream.counts.rejected.get("header", 0)
        total = len(looked_at) - headers
        return stream.counts.frames / total if total > 0 else 0.0


class Names:
    """Gives channels names that a profile takes, each once."""

    def __init__(self) -> None:
        self._used: set[str] = {*FIXED_COLUMNS, "status", "sequence", "uptime", "device"}

    def give(self, text: str, otherwise: str) -> str:
        """Return a name like *text*, or like *otherwise* where it has no letter."""
        wanted = identifier(text) if re.search(r"[A-Za-z]", text) else identifier(otherwise)
        name, number = wanted, 2
        while name in self._used:
            name, number = f"{wanted[:60]}_{number}", number + 1
        self._used.add(name)
        return name


def channel_of(
    found: Field, text: str, names: Names, otherwise: str, *, key: str | None = None
) -> DraftChannel:
    """Return the channel of a field that is called *text* by the device."""
    plain, unit = units.of_name(text)
    name = names.give(text if identifier(text) == text else plain, otherwise)
    label = ""
    if plain != text and plain[:1].isalpha() and plain.isascii() and plain.isprintable():
        label = plain.replace("_", " ").capitalize() if len(plain) > 2 else ""
    channel = DraftChannel(name, key, unit, label, found.decimals)
    if unit:
        channel.remarks.append(f"unit: from {text!r}")
    return channel
