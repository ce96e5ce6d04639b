"""What all adapters share: a name of their own, what is usual for a channel, attribution."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels.changes import robust_sigma
from sensorkit.detect.registry import names
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Track
from sensorkit.detect.wording import times
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

NAME = re.compile(r"[A-Za-z][\w.-]*")

# Before each capital that begins a word: LocalOutlierFactor, OneClassSVM.
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# With fewer readings, neither "usual" nor a quantile of their scores means much.
FEWEST_READINGS = 50


class Adapter(BaseDetector):
    """A detector around an object that is not sensorkit's.

    Parameters
    ----------
    name : str
        What reports call it; alerts are of the type ANOMALY_<NAME>. A letter, then letters,
        digits, `_`, `.`, `-`; not that of a registered detector.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Notes
    -----
    Others' objects say how bad a reading is, not why. An alert names the channel that is the
    farthest from its median in the fit, in robust standard deviations (1.4826 median absolute
    deviations) of the fit: fair where one channel is off, and no more than a hint where it is
    the combination that is.

    Others' scores have no scale in common. An alert is CRITICAL when its score is twice as far
    as the threshold from what healthy readings typically score.
    """

    name = "adapter"
    must_be_fitted = True
    contract_exceptions: ClassVar[Mapping[str, str]] = {
        "check_saved_and_loaded_it_scores_the_same": (
            "it holds an object of another package, for which there is no form safe to load"
        ),
    }

    def __init__(
        self, name: str, *, profile: Profile | None = None, **shared: Unpack[Shared]
    ) -> None:
        if NAME.fullmatch(name) is None or name in names():
            raise DetectorError(
                f"a detector of yours is called {name!r}; a letter, then letters, digits, _ . - "
                f"are wanted, and none of {', '.join(names())}: give it another name="
            )
        self.name = name
        super().__init__(profile=profile, **shared)
        self.usual: Floats = np.empty(0)
        """Median of each channel in the fit, in its unit."""
        self.spread: Floats = np.empty(0)
        """One robust standard deviation of each channel in the fit, in its unit."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def learn_usual(self, parts: Sequence[Readings]) -> None:
        """Learn what is usual for each channel.

        Raises
        ------
        DetectorError
            If too few of the readings have a value in every channel.
        """
        values = np.concatenate([part.values for part in parts])
        self.check_enough(int(np.isfinite(values).all(axis=1).sum()), values, parts[0].channels)
        columns = [column[np.isfinite(column)] for column in values.T]
        self.usual = np.array([float(np.median(column)) for column in columns])
        self.spread = np.array([robust_sigma(column) for column in columns])

    def check_enough(self, complete: int, values: Floats, channels: Sequence[str]) -> None:
        """Raise DetectorError if fewer than 50 readings of the fit are *complete*."""
        if complete >= FEWEST_READINGS:
            return
        present = np.isfinite(values).sum(axis=0)
        least = int(np.argmin(present))
        raise DetectorError(
            f"{self.name}: {complete} of the {len(values)} readings to fit on are complete (the "
            f"values of {channels[least]}: {present[least]}); at least {FEWEST_READINGS} are "
            "wanted: give more, or leave out a channel that is hardly ever there"
        )

    def typical_score(self, track: int) -> float:
        """Return what healthy readings score."""
        raise NotImplementedError

    def critical_score(self) -> float:
        """Return the score twice as far as the threshold from the typical one."""
        typical = max(self.typical_score(track) for track in range(len(self._tracks)))
        return self.threshold_ + max(self.threshold_ - typical, 0.0)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        values = part.values[row]
        score = float(judged.scores[row, track])
        watched = self._tracks[track].channel
        reaches = f"{self.name}: a score of {score:.4g} reaches {self.threshold_:.4g}"
        c = part.channels.index(watched) if watched else self._farthest(values)
        if c is None:
            return Finding(f"No channel has a value ({reaches}).", None, None, None)
        channel, value = part.channels[c], float(values[c])
        subject = f"{self.words.title(channel)} {self.words.value(channel, value)}"
        if not np.isfinite(value):
            return Finding(f"{subject} is not finite.", None, channel, value)
        usual = float(self.usual[c])
        with np.errstate(over="ignore"):
            sigmas = abs(value - usual) / float(self.spread[c])
        side = "above" if value > usual else "below"
        farthest = "" if watched or len(values) == 1 else ", the farthest of all channels"
        return Finding(
            f"{subject} is {times(sigmas)} sigma {side} its usual "
            f"{self.words.value(channel, usual)}{farthest} ({reaches}).",
            None,
            channel,
            value,
        )

    def _farthest(self, values: Floats) -> int | None:
        """Return the channel the farthest from its median; None if no value is there."""
        with np.errstate(all="ignore"):
            sigmas = np.abs(values - self.usual) / self.spread
        return None if np.isnan(sigmas).all() else int(np.nanargmax(sigmas))

    def state(self) -> Arrays:
        raise DetectorError(
            f"{self.name} cannot be saved: it holds an object of another package, for which there "
            "is no form that is safe to load. Keep the code that makes it and fit it again; "
            f"detectors called by name can be saved ({', '.join(names())})"
        )


def called(name: str | None, model: object) -> str:
    """Return *name*, or one made from the class of *model*; DetectorError if it is a class itself.

    >>> class LocalOutlierFactor: ...
    >>> called(None, LocalOutlierFactor())
    'local_outlier_factor'
    """
    if isinstance(model, type):
        raise DetectorError(
            f"the class {model.__name__} came; a model is wanted: {model.__name__}()"
        )
    return WORD.sub("_", type(last_step(model)).__name__).lower() if name is None else name


def last_step(model: Any) -> Any:
    """Return the last step of a pipeline, or *model* itself.

    scikit-learn's has a list of (name, step), River's a mapping.
    """
    while steps := getattr(model, "steps", None):
        model = list(steps.values())[-1] if isinstance(steps, Mapping) else steps[-1][1]
    return model


def comes_from(model: object, package: str) -> bool:
    """Return whether the class of *model*, or one it derives from, is of *package*."""
    return any(kind.__module__.split(".")[0] == package for kind in type(model).__mro__)
