"""What every detector can be told: how scores are shaped and flags become alerts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self, TypedDict

from sensorkit.detect.parameters import not_negative, whole
from sensorkit.errors import DetectorError


class Shared(TypedDict, total=False):
    """The options as keyword arguments; see `Options`."""

    merge: int
    refractory_s: float
    smooth: int
    tail: int
    hold: int


@dataclass(frozen=True)
class Options:
    """Options of the layer that all detectors share; those that are 0 change nothing."""

    merge: int = 10
    """Longest run of unflagged readings inside an episode."""
    refractory_s: float = 0.0
    """Seconds from the beginning of an alert in which no other of the same type and channel
    begins; what is flagged meanwhile belongs to it."""
    smooth: int = 0
    """Readings over which scores are averaged, the latest included."""
    tail: int = 0
    """Scores from which the tail probability of the next one is estimated; the score becomes
    -log10 of it (see `sensorkit.detect.tails.RunningTail`)."""
    hold: int = 0
    """Readings during which nothing is learned after an alarm began, at most until it is over.

    It costs a copy of what the stream remembers, once for 2048 readings of a batch, and once a
    reading where they come singly.
    """

    @classmethod
    def of(cls, owner: str, given: Shared, *, fixed: bool) -> Self:
        """Check *given*; *owner* stands in the error.

        Parameters
        ----------
        owner : str
            Name of the detector.
        given : mapping
        fixed : bool
            The detector's score is a fixed rule's distance past its limit, which is never moved.

        Raises
        ------
        DetectorError
            If an option is out of range, or shapes the score of a fixed detector.
        """
        options = cls(**given)
        counts = {
            name: whole(owner, name, getattr(options, name), least=0)
            for name in ("merge", "smooth", "tail", "hold")
        }
        seconds = not_negative(owner, "refractory_s", options.refractory_s)
        moved = [name for name in ("smooth", "tail", "hold") if getattr(options, name)]
        if fixed and moved:
            raise DetectorError(
                f"{owner}: {moved[0]} is {getattr(options, moved[0])}, but the score of a fixed "
                "limit is never shaped; leave it out"
            )
        if options.tail and options.tail < SHORTEST_TAIL:
            raise DetectorError(
                f"{owner}: tail is {options.tail}; at least {SHORTEST_TAIL} scores are wanted to "
                "tell what is rare, or 0 for the score as it is"
            )
        return cls(refractory_s=seconds, **counts)

    @property
    def shape(self) -> bool:
        """Return whether scores are other than the stream gives them."""
        return bool(self.smooth > 1 or self.tail or self.hold)


# The ten largest of them are the tail then; of fewer they would be no tail.
SHORTEST_TAIL = 100

NAMES: tuple[str, ...] = tuple(Options.__dataclass_fields__)


def changed(options: dict[str, Any], defaults: Shared) -> dict[str, Any]:
    """Return the options that differ from those of their detector."""
    usual = {**asdict(Options()), **defaults}
    return {name: value for name, value in options.items() if value != usual[name]}
