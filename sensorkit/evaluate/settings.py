"""What decides the numbers of a benchmark; goes into every report as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from sensorkit.checked_yaml import Misplaced, Section, describe, read_yaml
from sensorkit.errors import UsageError
from sensorkit.evaluate.statistics import CONFIDENCE
from sensorkit.profile import Profile

BASELINES = ("random", "always", "never", "last_value")
"""In every table: what cannot beat them is not worth its name."""

DEFAULT = ("sigma", "forest", "volatility", "mewma", "guard")
"""In the table when none are named. `novelty` has to be: it takes longer than all others."""

KIND = "detector"
"""Among a detector's parameters: its kind, where its name is another one."""

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Given(Section):
    """What a call gives; a mistake in it is told as one in a file is, without the file."""

    if not TYPE_CHECKING:  # the fields, and their types, are those of the class

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                said = describe(error.errors()[0], fields)
                raise UsageError(f"{type(self).__name__}: {said}") from error

        # As in pydantic: its own checks, which need its own error, do not go through here.
        __init__.__pydantic_base_init__ = True


class DetectabilityGrid(Given):
    """Single faults of growing size, by which the smallest one that is found is measured."""

    kinds: tuple[str, ...] = (
        "spike",
        "bias",
        "drift",
        "noise",
        "rapid_change",
        "stuck",
        "dropout",
        "silence",
    )
    channels: tuple[str, ...] = ()
    """None named: all that vary."""
    sizes: Annotated[int, Field(ge=3)] = 8
    """How many sizes, evenly on a log scale between the smallest and the largest."""
    repeats: Annotated[int, Field(ge=5)] = 20
    """Faults of each size, each at an onset of its own."""
    smallest_sigma: Positive = 0.5
    largest_sigma: Positive = 20.0
    """Of faults whose size is a value, in robust sigmas of the channel."""
    duration: Annotated[int, Field(ge=1)] = 60
    """Readings that a fault lasts whose size is a value; a momentary one (`spike`) has one."""
    longest: Annotated[int, Field(ge=3)] = 240
    """Readings of the largest fault whose size is its duration; the smallest has 1."""


class Settings(Given):
    """Settings of `sensorkit.evaluate.benchmark`; every one has a default.

    Examples
    --------
    >>> Settings(buffer=50).vus_variant
    'VUS as TSB-AD defines it, buffer 50 readings, every score a threshold'
    """

    fit: Share = 0.3
    """Share of the readings, from the start, that detectors learn from."""
    calibrate: Share = 0.3
    """Share of the readings after that, on which thresholds are frozen; the rest is the test."""
    false_alarms_per_day: Positive = 1.0
    """The budget that thresholds are frozen for."""
    tolerance: Annotated[int, Field(ge=0)] = 10
    """Readings after a fault's end in which an episode may still begin."""
    buffer: Annotated[int, Field(ge=0)] = 100
    """Largest window of VUS, in readings."""
    thresholds: Annotated[int, Field(ge=2)] | None = None
    """Of VUS; None takes every score, 250 is the published definition."""
    detectors: dict[str, dict[str, Any]] | None = None
    """Name -> parameters. None: those of `DEFAULT`, and `rules` where every profile has some.
    The baselines are always there; name one to give it parameters. With `detector: KIND` among
    the parameters the name is free, so that one kind can stand there twice."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the resampling; detectors have their own."""
    resamples: Annotated[int, Field(ge=100)] = 500
    """Bootstrap draws behind each interval."""
    detectability: DetectabilityGrid | None = None
    """Measure the smallest fault that each detector finds; None: do not."""
    timeout_s: Positive | None = 600.0
    """Longest time for one recording and detector. A worker process is stopped at it, whatever it
    does; without one the clock is looked at between steps of the work."""
    memory_mb: Positive | None = None
    """Largest resident memory of a worker process, libraries included; 1 MB = 1e6 bytes."""

    @model_validator(mode="after")
    def _leaves_a_test(self) -> Self:
        if self.fit + self.calibrate >= 1:
            raise ValueError(
                f"fit ({self.fit:g}) and calibrate ({self.calibrate:g}) leave nothing for the "
                "test; their sum must be below 1"
            )
        return self

    @model_validator(mode="after")
    def _names_say_what_they_are(self) -> Self:
        for name, params in (self.detectors or {}).items():
            kind = params.get(KIND, name)
            if not isinstance(kind, str):
                raise Misplaced(
                    ("detectors", name, KIND), f"is {kind!r}; a detector's name is wanted"
                )
            if kind != name and (kind in BASELINES or name in BASELINES):
                baseline = kind if kind in BASELINES else name
                raise Misplaced(
                    ("detectors", name),
                    f"{baseline!r} is a baseline, which has one place in every table; give it "
                    "parameters under its own name, and no other detector that name",
                )
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a YAML file; a mistake is named with file, line and field."""
        return cls.model_validate(read_yaml(Path(path), cls, UsageError))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "settings") -> Self:
        """Take a mapping; *source* is named in the error."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise UsageError(f"{source}: {describe(error.errors()[0], data)}") from error

    @property
    def vus_variant(self) -> str:
        """Return which VUS it is, in words."""
        how = "every score a threshold"
        if self.thresholds is not None:
            how = f"{self.thresholds} thresholds at equal ranks"
        return f"VUS as TSB-AD defines it, buffer {self.buffer} readings, {how}"

    def resolved(self, profiles: Iterable[Profile]) -> dict[str, dict[str, Any]]:
        """Return the detectors for devices of these profiles, baselines last."""
        chosen = self.detectors
        if chosen is None:
            chosen = {name: {} for name in DEFAULT}
            if all(profile.rules for profile in profiles):
                chosen = {"rules": {}, **chosen}
        own = {name: dict(params) for name, params in chosen.items() if name not in BASELINES}
        return {**own, **{name: dict(chosen.get(name, {})) for name in BASELINES}}

    def kind_of(self, name: str) -> str:
        """Return the registered detector that stands under *name*.

        >>> settings = Settings(detectors={"long": {"detector": "sigma", "window": 500}})
        >>> settings.kind_of("long")
        'sigma'
        """
        return str((self.detectors or {}).get(name, {}).get(KIND, name))

    def to_dict(self, detectors: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the `settings` of results.json, with the detectors that were taken."""
        return {
            **self.model_dump(mode="json"),
            "detectors": {name: dict(params) for name, params in detectors.items()},
            "confidence": CONFIDENCE,
            "vus_variant": self.vus_variant,
        }
