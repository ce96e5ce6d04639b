"""A preset: settings under one name, which become the defaults of the options they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from sensorkit.checked_yaml import Document, Section
from sensorkit.errors import UsageError

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


def _as_typed(options: Any) -> Any:
    """Take the keys as they were written: YAML reads `yes` as true and 1 as a number."""
    if not isinstance(options, Mapping):
        return options
    words = {True: "yes", False: "no"}
    return {words[key] if isinstance(key, bool) else str(key): v for key, v in options.items()}


Options = Annotated[dict[str, Any], BeforeValidator(_as_typed)]
Defaults = dict[str, Options]
"""Command -> option -> value."""


class Thresholds(Section):
    """From where on something is an alarm; what is left out is not looked at."""

    quality_below: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    """Data quality of a window, 0 to 100: below it there is an alert."""
    error_rate_above: Fraction | None = None
    """Share of the lines of a window that could not be read: above it there is an alert."""
    anomalies_above: Annotated[int, Field(ge=0)] | None = None
    """Anomalies in a window: with more there is an alert."""
    memory_mb_above: AboveZero | None = None
    """Memory of the capturing process, in megabytes: above it there is an alert."""
    false_alarms_per_day: AboveZero | None = None
    """What `evaluate` sets the thresholds of detectors for."""

    def given(self) -> dict[str, float]:
        """Return those that were given.

        >>> Thresholds(quality_below=70).given()
        {'quality_below': 70.0}
        """
        return self.model_dump(exclude_none=True)


class Preset(Document):
    """Settings under one name: a command takes those that it has an option for.

    >>> Preset.load("testing").units
    2
    """

    what: ClassVar[str] = "preset"
    folder: ClassVar[Path] = Path(__file__).parent / "presets"
    error: ClassVar[type[Exception]] = UsageError

    description: str = ""
    profile: str | None = None
    """Of the device: a shipped name, one of `profiles`, or the path of a .yaml file."""
    units: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many devices are emulated on one link."""
    rate_hz: AboveZero | None = None
    """Readings a second of each."""
    anomalies: Fraction | None = None
    """Share of the emulated readings that are anomalous."""
    window: Annotated[int, Field(ge=2, le=10_000_000)] | None = None
    """Readings that are judged together."""
    quality_interval_s: AboveZero | None = None
    """Seconds between two looks at the data quality while capturing."""
    thresholds: Thresholds = Thresholds()
    defaults: Defaults = Field(default_factory=dict)
    """Any other option of any command, as in sensorkit.yaml."""

    def settings(self) -> dict[str, Any]:
        """Return what was set, without the thresholds and the options.

        >>> Preset(units=2, rate_hz=5).settings()
        {'units': 2, 'rate_hz': 5.0}
        """
        own = {"description", "thresholds", "defaults"}
        return self.model_dump(exclude_none=True, exclude=own)
