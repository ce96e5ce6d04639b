"""A fault plan: which faults, where, how long and how large. Read from YAML."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

import pandas as pd
from pydantic import Field, model_validator

from sensorkit.checked_yaml import Document, Misplaced
from sensorkit.errors import PlanError
from sensorkit.faults.base import KINDS
from sensorkit.faults.fault import Fault, Positive, Seconds, resolved
from sensorkit.nearest import unknown
from sensorkit.readings import Readings

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sensorkit.faults.showing import Source

SHIPPED = Path(__file__).parent / "plans"

GAP_READINGS = 60
"""Healthy readings between two faults, unless the plan says otherwise: a rolling window of 50
readings has then forgotten the fault before, so that each one is met from a healthy state."""

LATE_SHARE = 0.25
"""By which share of its duration what is late is so in a campaign."""

__all__ = ["GAP_READINGS", "KINDS", "Fault", "FaultPlan", "shipped"]


class Part(NamedTuple):
    """A fault of a plan on one of its channels."""

    id: int
    """That of its label: parts are counted from 1 in the order of the plan."""
    number: int
    """The place of the fault in the plan, from 1."""
    fault: Fault


class FaultPlan(Document):
    """Faults to inject, into an emulated device or into a recording.

    Examples
    --------
    >>> plan = FaultPlan(faults=(Fault(kind="stuck", channel="voltage", duration_s=60),))
    >>> plan.to_dict()
    {'faults': [{'kind': 'stuck', 'channel': 'voltage', 'duration_s': 60.0}]}
    """

    what: ClassVar[str] = "fault plan"
    folder: ClassVar[Path] = SHIPPED
    error: ClassVar[type[Exception]] = PlanError

    description: str = ""
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    """Goes into every random choice, beside the seed that the caller gives."""
    hold: str | None = None
    """State the emulated device is held in."""
    window_s: tuple[Seconds, Positive] | None = None
    """Where faults without a start may be placed: seconds since the first reading."""
    window_share: tuple[Seconds, Positive] | None = None
    """The same as shares of the whole length, from 0 to 1."""
    gap: Annotated[int, Field(strict=True, ge=0)] = GAP_READINGS
    """Readings left between a fault placed by the seed and any other."""
    overlap: Literal["none", "channels"] = "none"
    """channels: signal faults with a start may overlap when their channels differ."""
    faults: tuple[Fault, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.window_s is not None and self.window_share is not None:
            raise Misplaced(("window_share",), "give either window_s or window_share, not both")
        for name in ("window_s", "window_share"):
            window = getattr(self, name)
            if window is not None and not window[0] < window[1]:
                raise Misplaced(
                    (name,), f"must begin ({window[0]:g}) before it ends ({window[1]:g})"
                )
        if self.window_share is not None and self.window_share[1] > 1:
            raise Misplaced(("window_share",), f"ends at {self.window_share[1]:g}; 1 is the whole")
        self._refuse_overlap()
        return self

    def _refuse_overlap(self) -> None:
        """Say which two faults with a start overlap; the others are checked when placed."""
        fixed = [
            (fault.start_s, fault.start_s + (fault.duration_s or 0), number)
            for number, fault in enumerate(self.faults)
            if fault.start_s is not None
        ]
        running: list[tuple[float, float, int]] = []
        for start, stop, number in sorted(fixed):
            running = [span for span in running if span[1] > start]
            for span in running:
                one, other = self.faults[span[2]], self.faults[number]
                if one.device == other.device and not self.may_overlap(one, other):
                    raise Misplaced(
                        ("faults", max(number, span[2])),
                        overlap_text(
                            (span[2] + 1, one, *span[:2]), (number + 1, other, start, stop)
                        ),
                    )
            running.append((start, stop, number))

    def may_overlap(self, one: Fault, other: Fault) -> bool:
        """Tell whether the plan allows these two at the same time."""
        return self.overlap == "channels" and not one.meets(other)

    def on(self, channels: Sequence[str]) -> Self:
        """Return the plan for a device that has *channels*: `channels: all` is written out.

        Raises
        ------
        PlanError
            If a fault names a channel that is not there, or cannot be seen on the only one.

        Examples
        --------
        >>> plan = FaultPlan(faults=(Fault(kind="stuck", channels="all", duration_s=5),))
        >>> plan.on(["T", "V"]).faults[0].title
        'stuck on T and V'
        """
        faults = []
        for number, fault in enumerate(self.faults, start=1):
            try:
                faults.append(resolved(fault, channels))
            except ValueError as error:
                raise PlanError(f"fault {number} ({fault.title}): {error}") from error
        return self.model_copy(update={"faults": tuple(faults)})

    def parts(self) -> list[Part]:
        """Return what there are labels of: each fault, on each of its channels alone.

        `channels: all` has to be written out before; see `on`.
        """
        numbered = [
            (number, part)
            for number, fault in enumerate(self.faults, start=1)
            for part in fault.parts()
        ]
        return [Part(own, *numbered_part) for own, numbered_part in enumerate(numbered, start=1)]

    def to_frame(self) -> pd.DataFrame:
        """Return the faults as a table, a row each, with the keys of the YAML file as columns.

        >>> FaultPlan(faults=(Fault(kind="silence", duration_s=5),)).to_frame()["kind"].tolist()
        ['silence']
        """
        rows = [fault.model_dump() for fault in self.faults]
        index = pd.RangeIndex(1, len(rows) + 1, name="id")
        return pd.DataFrame(rows, index=index, columns=list(Fault.model_fields))

    def plot(
        self,
        on: Readings | pd.DataFrame | Source,
        channels: str | Sequence[str] | None = None,
        *,
        seed: int = 0,
        height: int | None = None,
        interactive: bool | None = None,
    ) -> go.Figure | go.FigureWidget:
        """Return a figure of what the plan would do to *on*; nothing is changed or written.

        Parameters
        ----------
        on : Recording, Readings or DataFrame
            Healthy ones.
        channels : str or sequence of str, optional
            All by default.
        seed : int
            With the plan's own it fixes every place and random value, as in `inject`.
        height, interactive
            As for `Readings.plot`.

        Raises
        ------
        PlanError
            If a fault names a channel or device that is not there, or cannot be placed.

        Examples
        --------
        >>> import numpy as np
        >>> healthy = Readings.build(np.arange(300) * 1_000_000_000, np.zeros((300, 1)), ["T"])
        >>> plan = FaultPlan.campaign(["stuck"], ["T"], durations_s=[20])
        >>> plan.plot(healthy).layout.meta["alt"]
        '1 fault of the plan, seed 0. T; 1 fault shaded (stuck 1); 0 alerts marked.'
        """
        # It injects, and what injects reads plans.
        from sensorkit.faults.showing import plot

        return plot(self, on, channels, seed=seed, height=height, interactive=interactive)

    def _repr_html_(self) -> str:
        from sensorkit.faults.showing import card

        return card(self).html()

    def __repr__(self) -> str:
        from sensorkit.faults.showing import card

        return card(self).text()

    __str__ = __repr__

    @classmethod
    def campaign(
        cls,
        kinds: Sequence[str],
        channels: Sequence[str],
        *,
        sizes_sigma: Sequence[float] = (4.0,),
        durations_s: Sequence[float] = (30.0,),
        repeats: int = 1,
        window_s: tuple[float, float] | None = None,
        seed: int = 0,
        gap: int = GAP_READINGS,
    ) -> Self:
        """Return a grid of faults, each *repeats* times, all placed by the seed.

        Parameters
        ----------
        kinds : sequence of str
            Signal kinds are crossed with *channels*; transport kinds have none.
        channels : sequence of str
        sizes_sigma : sequence of float
            Magnitudes in robust sigmas; kinds without a magnitude in the unit of a channel
            are not crossed with it: they have their usual one, and what is late is so by a
            quarter of the duration.
        durations_s : sequence of float
            A momentary kind (spike) lasts one reading and is not crossed with it.
        repeats : int
        window_s : (float, float), optional
            Where they may be placed, in seconds since the first reading.
        seed : int
        gap : int
            Readings left between two faults.

        Returns
        -------
        FaultPlan
            Long faults first: what is placed first finds the most room.

        Raises
        ------
        PlanError
            If a kind is unknown.

        Examples
        --------
        >>> plan = FaultPlan.campaign(["bias", "silence"], ["T", "V"], durations_s=[10, 20])
        >>> [(fault.title, fault.duration_s) for fault in plan.faults][:3]
        [('bias on T', 20.0), ('bias on V', 20.0), ('silence', 20.0)]
        """
        faults: list[dict[str, Any]] = []
        for name in kinds:
            if name not in KINDS:
                raise PlanError(unknown("kind of fault", name, KINDS))
            kind = KINDS[name]
            in_sigmas = kind.magnitude is not None and kind.magnitude.unit == "channel"
            for channel, size, duration, _ in itertools.product(
                channels if kind.layer == "signal" else [None],
                sizes_sigma if in_sigmas else [None],
                [None] if kind.momentary else durations_s,
                range(repeats),
            ):
                late = kind.magnitude is not None and kind.magnitude.unit == "seconds"
                faults.append(
                    {
                        "kind": name,
                        "channel": channel,
                        "duration_s": duration,
                        "magnitude": (duration or 0.0) * LATE_SHARE if late else None,
                        "magnitude_sigma": size,
                    }
                )
        faults.sort(key=lambda fault: -(fault["duration_s"] or 0))
        plan = {"seed": seed, "window_s": window_s, "gap": gap, "faults": faults}
        return cls.from_dict(plan, "campaign")


def overlap_text(
    one: tuple[int, Fault, float, float], other: tuple[int, Fault, float, float]
) -> str:
    """Say that two faults (number, fault, start and stop in seconds) overlap, and what to do."""
    texts = [
        f"fault {number} ({fault.title}, {start:g}-{stop:g} s)"
        for number, fault, start, stop in sorted((one, other), key=lambda span: span[0])
    ]
    allowed = "" if one[1].meets(other[1]) else ", or say `overlap: channels`"
    return f"{texts[1]} overlaps {texts[0]}; move or shorten one{allowed}"


def shipped() -> list[str]:
    """Return the names of the shipped plans."""
    return FaultPlan.shipped()
