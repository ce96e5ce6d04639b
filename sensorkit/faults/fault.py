"""One fault of a plan: its kind, what it hits, when, how long and how large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.errors import PlanError

# Importing the two modules is what fills KINDS.
from sensorkit.faults import on_bytes, on_values
from sensorkit.faults.base import KINDS, Kind, Magnitude
from sensorkit.nearest import unknown

__all__ = ["KINDS", "Fault", "Number", "Positive", "Seconds", "on_bytes", "on_values"]

# Strict: a YAML text ("60") or truth value is no number. Bounded: 1e9 s are 31 years, and a frame
# has no room for more digits than 1e12 with its decimals.
Number = Annotated[float, Field(strict=True, ge=-1e12, le=1e12, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, le=1e9, allow_inf_nan=False)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
Size = Annotated[
    Annotated[Number, Tag("one")] | Annotated[dict[str, Number], Tag("each")],
    Discriminator(lambda given: "each" if isinstance(given, dict) else "one"),
]
"""One magnitude, or one for each channel by its name."""
Channels = Annotated[tuple[str, ...], Field(min_length=1)]


class Fault(Section):
    """One fault of a plan."""

    kind: str
    channel: str | None = None
    """What a signal fault acts on; a transport fault acts on whole frames and has none."""
    channels: Channels | Literal["all"] | None = None
    """Instead of one: several that it hits at the same time, each with a label of its own."""
    device: str | None = None
    """The device it hits; the first there is where not given."""
    start_s: Seconds | None = None
    """Seconds since the first reading of the device; None: placed by the seed."""
    duration_s: Positive | None = None
    """Readings from the start until just before start + duration are touched."""
    magnitude: Size | None = None
    """In the unit that the kind says, for most the unit of the channel; for several channels
    one for all of them, or one for each by its name."""
    magnitude_sigma: Number | None = None
    """The same in robust sigmas of the healthy channel, each by its own."""
    onset: Literal["abrupt", "gradual"] = "abrupt"
    """gradual: the fault grows over the first half of its duration, then stays."""
    value: Number | None = None
    """The absolute value of a `stuck`; its first value where not given."""
    period_s: Positive | None = None
    """That of an `oscillation`; twenty readings where not given."""

    @property
    def of(self) -> Kind:
        """Return the kind, with what it takes and does."""
        return KINDS[self.kind]

    @property
    def title(self) -> str:
        """Return kind and channel, as people say it."""
        if self.channels == "all":
            return f"{self.kind} on all channels"
        names = self.names
        if not names:
            return self.kind
        listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
        return f"{self.kind} on {listed}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the channels it names; none for a transport fault, and for all channels."""
        if self.channel is not None:
            return (self.channel,)
        return self.channels if isinstance(self.channels, tuple) else ()

    def meets(self, other: Fault) -> bool:
        """Return whether it and *other* act on a channel in common, or on whole frames.

        >>> one = Fault(kind="stuck", channels=("T", "V"), duration_s=5)
        >>> one.meets(Fault(kind="stuck", channel="p", duration_s=5))
        False
        """
        if not (self.names and other.names):  # whole frames, or all channels
            return True
        return not set(self.names).isdisjoint(other.names)

    def parts(self) -> tuple[Fault, ...]:
        """Return the fault on each of its channels alone.

        Examples
        --------
        >>> each = {"T": 2, "V": 1}
        >>> fault = Fault(kind="bias", channels=("T", "V"), duration_s=5, magnitude=each)
        >>> [(part.channel, part.magnitude) for part in fault.parts()]
        [('T', 2.0), ('V', 1.0)]
        """
        if self.channels is None:
            return (self,)
        own = self.magnitude
        return tuple(
            self.model_copy(
                update={
                    "channel": name,
                    "channels": None,
                    "magnitude": own[name] if isinstance(own, dict) else own,
                }
            )
            for name in self.names
        )

    @property
    def size(self) -> float | None:
        """Return the magnitude of a fault on one channel, the kind's own where none is given."""
        if isinstance(self.magnitude, dict):
            raise TypeError(f"{self.title} has a magnitude for each channel; see `parts`")
        if self.magnitude is None and self.of.magnitude is not None:
            return self.of.magnitude.default
        return self.magnitude

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind not in KINDS:
            raise Misplaced(("kind",), unknown("kind of fault", self.kind, KINDS))
        for field, mistake in _mistakes(self, KINDS[self.kind]):
            raise Misplaced((field,), mistake)
        return self


def _mistakes(fault: Fault, kind: Kind) -> Iterable[tuple[str, str]]:
    """Yield what *fault* says that its kind does not take, and what it leaves out."""
    yield from _channel_mistakes(fault, kind)
    if fault.duration_s is None and not kind.momentary:
        yield "kind", f"{kind.one} needs a duration: add `duration_s: SECONDS`"
    if fault.onset == "gradual" and not kind.gradual:
        able = ", ".join(name for name, other in KINDS.items() if other.gradual)
        yield "onset", f"{kind.one} cannot begin gradually; those that can are {able}"
    if fault.value is not None and not kind.takes_value:
        yield "value", f"{kind.one} takes no absolute value; give a magnitude"
    if fault.period_s is not None and not kind.takes_period:
        able = ", ".join(name for name, other in KINDS.items() if other.takes_period)
        yield "period_s", f"{kind.one} has no period; those that have one are {able}"
    if fault.magnitude is not None and fault.magnitude_sigma is not None:
        yield "magnitude_sigma", "give either magnitude or magnitude_sigma, not both"
    field = "magnitude_sigma" if fault.magnitude is None else "magnitude"
    sizes = _sizes(fault)
    if kind.magnitude is None:
        if sizes:
            yield field, f"{kind.one} takes no magnitude; its size is its duration"
        return
    if not sizes and kind.magnitude.required:
        ways = "magnitude or magnitude_sigma" if kind.magnitude.unit == "channel" else "a magnitude"
        yield "kind", f"{kind.one} needs {ways}: {kind.magnitude.meaning}"
    if fault.magnitude_sigma is not None and kind.magnitude.unit != "channel":
        yield field, f"the magnitude of {kind.one} is in {kind.magnitude.unit}, not in sigmas"
    for size in sizes:
        yield from ((field, mistake) for mistake in _size_mistakes(size, kind.one, kind.magnitude))


def _channel_mistakes(fault: Fault, kind: Kind) -> Iterable[tuple[str, str]]:
    """Yield what is wrong with what *fault* says of channels."""
    if kind.layer == "signal" and fault.channel is None and fault.channels is None:
        yield "kind", f"{kind.one} needs a channel: add `channel: NAME`"
    for field in ("channel", "channels"):
        if kind.layer == "transport" and getattr(fault, field) is not None:
            yield field, f"{kind.one} acts on whole frames; leave the {field} out"
    if fault.channel is not None and fault.channels is not None:
        yield "channels", "give either channel or channels, not both"
    twice = [name for name in fault.names if fault.names.count(name) > 1]
    if twice:
        yield "channels", f"{twice[0]!r} stands here twice; name each channel once"
    if isinstance(fault.magnitude, dict):
        if fault.channels is None:
            yield "magnitude", "one for each channel goes with `channels: [...]`; give one number"
        elif fault.names and set(fault.magnitude) != set(fault.names):
            odd = sorted(set(fault.magnitude).symmetric_difference(fault.names))
            yield (
                "magnitude",
                f"a number is wanted for each of {', '.join(fault.names)} and no other; "
                f"see {', '.join(map(repr, odd))}",
            )


def _sizes(fault: Fault) -> list[float]:
    """Return the magnitudes that are given."""
    if isinstance(fault.magnitude, dict):
        return list(fault.magnitude.values())
    return [size for size in (fault.magnitude, fault.magnitude_sigma) if size is not None][:1]


def _size_mistakes(size: float, kind: str, magnitude: Magnitude) -> Iterable[str]:
    """Yield what is wrong with one magnitude."""
    if size == magnitude.neutral:
        yield f"{kind} of size {magnitude.neutral:g} changes nothing"
    elif size <= 0 and not magnitude.signed:
        yield f"the magnitude of {kind} must be above 0: {magnitude.meaning}"
    if magnitude.whole and size != int(size):
        yield f"the magnitude of {kind} is a whole number of {magnitude.unit}"
    least = 1 / magnitude.most if magnitude.unit == "factor" else -magnitude.most
    if not least <= size <= magnitude.most:
        yield (f"the magnitude of {kind} is {size:g}; {least:g} to {magnitude.most:g} are possible")


def refuse_short(title: str, fault: Fault, covered: int) -> None:
    """Refuse a fault of which nothing would be seen but its label.

    Raises
    ------
    PlanError
        If its kind takes more readings than the *covered* ones.
    """
    fewest = fault.of.fewest
    if covered < fewest:
        raise PlanError(
            f"{title} covers {covered} {'reading' if covered == 1 else 'readings'}, and "
            f"{fault.of.one} takes {fewest}: make it longer"
        )


def resolved(fault: Fault, channels: Sequence[str]) -> Fault:
    """Return *fault* with `channels: all` written out as *channels*.

    Raises
    ------
    ValueError
        If it names a channel that is not there, or cannot be seen on the only one there is.
    """
    for name in fault.names:
        if name not in channels:
            raise ValueError(unknown("channel", name, channels))
    if fault.of.needs_company and len(channels) == 1:
        raise ValueError(
            f"{fault.of.one} shows beside other channels only, and {channels[0]!r} is the only "
            "one there is; take another kind"
        )
    if fault.channels != "all":
        return fault
    full = fault.model_copy(update={"channels": tuple(channels)})
    for field, mistake in _channel_mistakes(full, full.of):
        raise ValueError(f"{field}: {mistake}")
    return full
