"""What a detector is made of: its parameters, and the hooks that its author writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Unpack

from sensorkit.detect.options import NAMES, Options, Shared, changed
from sensorkit.detect.parameters import Parametrized
from sensorkit.detect.streams import Arrays, Finding, Judged, Stream, Track
from sensorkit.detect.wording import Wording
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings


class Hooks(Parametrized, ABC):
    """The part of a detector that its author writes; `BaseDetector` does the rest.

    Parameters
    ----------
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        `merge`, `refractory_s`, `smooth`, `tail`, `hold`: see `sensorkit.detect.options.Options`.
    """

    learns: bool = True
    """`fit` changes something."""
    must_be_fitted: bool = False
    """It scores nothing before `fit`, which also sets the threshold: the 0.999 quantile."""
    fixed: ClassVar[bool] = False
    """`calibrate` measures the false alarms, but never moves the threshold."""
    critical_factor: ClassVar[float] = 2.0
    """An alert is CRITICAL from so many times the threshold on."""
    movable: ClassVar[slice] = slice(None)
    """Tracks whose scores `calibrate` sets the threshold on."""
    shared_defaults: ClassVar[Shared] = {}
    """Shared options whose default is another than in `Options`."""
    contract_exceptions: ClassVar[Mapping[str, str]] = {}
    """Promise that cannot be kept (name of the check in tests/contracts) -> why."""

    def __init__(self, *, profile: Profile | None = None, **shared: Unpack[Shared]) -> None:
        super().__init__(profile)
        if not hasattr(self, "name"):
            raise DetectorError(
                f"{type(self).__name__} has no name; give its class one: name = 'mine'"
            )
        given: Shared = {**self.shared_defaults, **shared}
        self.check_names(given)
        self.options = Options.of(self.name, given, fixed=self.fixed)
        self.words = Wording(profile)
        self.channels: tuple[str, ...] | None = None
        """What the readings have that it was fitted on, or saw first."""
        self.fitted = False
        self.members: tuple[Any, ...] = ()
        """Detectors that this one is made of; saved with it."""
        self._tracks: Sequence[Track] = ()

    # Parameters

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the names of the parameters, the shared ones last."""
        return (*super().parameter_names(), *NAMES)

    def get_params(self) -> dict[str, Any]:
        """Return the parameters, ready for JSON."""
        own = {name: getattr(self, name) for name in super().parameter_names()}
        return {**own, **asdict(self.options)}

    def __repr__(self) -> str:
        own = {name: getattr(self, name) for name in super().parameter_names()}
        shown = {**own, **changed(asdict(self.options), self.shared_defaults)}
        params = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({params})"

    # What a detector writes

    @abstractmethod
    def open_stream(self, device: str) -> Stream:
        """Return the stream of a device never seen before."""

    @abstractmethod
    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        """Return what is watched in readings of these channels."""

    @abstractmethod
    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        """Put into words why the episode of *track* begins with reading *row*."""

    def learn(self, parts: list[Readings]) -> None:
        """Learn from the readings of each device."""

    def natural_threshold(self) -> float:
        """Return the threshold before calibration of a detector that needs no fit."""
        raise DetectorError(
            f"{self.name} has no threshold before it is calibrated: calibrate it; its author can "
            "write natural_threshold(), or set must_be_fitted for a quantile of the fit"
        )

    def state(self) -> Arrays:
        """Return what the fit learned."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Take over what `state` returned; ValueError if it cannot be that."""
        if arrays:
            raise ValueError(f"it knows no {', '.join(sorted(arrays))}")

    def frozen(self) -> tuple[object, ...]:
        """Return what streams point to that does not change with what they are given."""
        return (self,)

    # Shared by them

    @property
    def threshold_from_fit(self) -> bool:
        """Whether the threshold before calibration is a quantile of the scores of the fit."""
        return self.must_be_fitted

    def anomaly_type(self) -> str:
        """Return the type of its alerts: ANOMALY_SIGMA."""
        return f"ANOMALY_{self.name.upper()}"

    def watch_channels(self, channels: tuple[str, ...]) -> None:
        """Look for what there is to watch in readings of these channels."""
        self._tracks = self.find_tracks(channels)
        self.channels = channels
