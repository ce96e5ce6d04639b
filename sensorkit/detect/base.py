"""What every detector shares: parameters, streams per device, episodes, calibration."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from sensorkit.detect.calibration import CalibrationResult, covered_days, lowest_threshold
from sensorkit.detect.episodes import Episodes
from sensorkit.detect.parameters import Parametrized, positive, whole
from sensorkit.detect.protocol import Detector, watch
from sensorkit.detect.streams import (
    Arrays,
    DeviceStream,
    Finding,
    Floats,
    Judged,
    Rows,
    Stream,
    Track,
    split,
)
from sensorkit.detect.wording import Wording
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings, Severity

__all__ = ["LARGEST", "UNCALIBRATED_QUANTILE", "BaseDetector", "Detector", "watch"]

LARGEST = float(np.finfo(np.float64).max)
"""Stands for an infinite score, so that a threshold above it exists."""

# Share of the fit readings that an uncalibrated threshold leaves unflagged.
UNCALIBRATED_QUANTILE = 0.999


class BaseDetector(Parametrized, ABC):
    """A detector whose author writes a stream, the tracks, and the words of an alert.

    Parameters
    ----------
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    merge : int
        Longest run of unflagged readings inside an episode.
    """

    learns: ClassVar[bool] = True
    """`fit` changes something."""
    must_be_fitted: ClassVar[bool] = False
    """It scores nothing before `fit`, which also sets the threshold: the 0.999 quantile."""
    fixed: ClassVar[bool] = False
    """`calibrate` measures the false alarms, but never moves the threshold."""
    contract_exceptions: ClassVar[Mapping[str, str]] = {}
    """Promise that cannot be kept (name of the check in tests/contracts) -> why."""

    def __init__(self, *, profile: Profile | None = None, merge: int = 10) -> None:
        super().__init__(profile)
        self.merge = whole(self.name, "merge", merge, least=0)
        self.calibration_: CalibrationResult | None = None
        self._words = Wording(profile)
        self._channels: tuple[str, ...] | None = None
        self._tracks: Sequence[Track] = ()
        self._fitted = False
        self._threshold: float | None = None
        self._devices: dict[str, DeviceStream] = {}

    # Learning

    @property
    def threshold_(self) -> float:
        """A reading is flagged when its score reaches this.

        Raises
        ------
        DetectorError
            If the detector has to be fitted first.
        """
        if self._threshold is not None:
            return self._threshold
        self._check_fitted()
        return self._natural_threshold()

    def fit(self, readings: Readings) -> Self:
        """Learn from mostly healthy readings; calibration and stream are forgotten.

        Parameters
        ----------
        readings : Readings
            Of one device or several; differences and windows never cross devices.

        Raises
        ------
        DetectorError
            If there are too few readings to learn from.
        """
        self.reset()
        self.calibration_ = self._threshold = None
        if self.learns:
            if not len(readings):
                raise DetectorError(
                    f"{self.name}: there are no readings to fit on; give healthy ones"
                )
            self._fitted = False
            self._watch_channels(readings.channels)
            self._learn([part for _, _, part in split(readings)])
            self._fitted = True
            if self.must_be_fitted:
                self._threshold = self._quantile(readings)
            self.reset()
        return self

    def calibrate(self, clean: Readings, false_alarms_per_day: float = 1.0) -> Self:
        """Freeze the threshold on clean readings; the stream is forgotten.

        The readings are scored as a fresh stream. The threshold becomes the lowest one that
        leaves at most `floor(budget x days)` episodes on them (see
        `sensorkit.detect.calibration.lowest_threshold`). A fixed detector is only measured.

        Parameters
        ----------
        clean : Readings
            Without faults, and not those of `fit`. Their time is what they cover: gaps of more
            than ten times the typical interval are left out, devices are added up.
        false_alarms_per_day : float
            Budget, per device and day.

        Returns
        -------
        self
            With `calibration_` set.

        Raises
        ------
        DetectorError
            If the readings cover no time, or the budget is not a positive number.
        """
        budget = positive(self.name, "false_alarms_per_day", false_alarms_per_day)
        days = sum(covered_days(part.time) for _, _, part in split(clean))
        if days <= 0.0:
            raise DetectorError(
                f"{self.name}: the {len(clean)} clean readings to calibrate on cover no time; "
                "give at least two readings of one device at different times"
            )
        self.reset()
        if not self.fixed:
            scores = [
                track
                for device, _, part in self._by_device(clean)
                for track in self._judge(device, part).scores.T
            ]
            self._threshold = lowest_threshold(scores, math.floor(budget * days), self.merge)
            self.reset()
        alarms = len(self.alerts(clean))
        self.reset()
        self.calibration_ = CalibrationResult.of(days, alarms, budget, fixed=self.fixed)
        return self

    # The stream

    def score(self, readings: Readings) -> Floats:
        """Return a score per reading, shape (n,), higher is worse, and move on.

        Always finite: `LARGEST` stands for infinity.
        """
        scores = np.zeros(len(readings))
        for device, rows, part in self._by_device(readings):
            judged = self._judge(device, part)
            if judged.scores.shape[1]:
                scores[rows] = judged.scores.max(axis=1)
        return scores

    def alerts(self, readings: Readings) -> list[Alert]:
        """Return the episodes that begin with these readings, by time; instead of `score`."""
        begun = [
            (alert.start, int(row), alert)
            for device, rows, part in self._by_device(readings)
            for row, alert in self._group(device, part, self._judge(device, part), rows)
        ]
        return [alert for _, _, alert in sorted(begun, key=lambda found: found[:2])]

    def listen(self, time_ns: int, device: str) -> None:
        """Say that *device* is listened to from *time_ns* on (nanoseconds UTC)."""

    def advance(self, time_ns: int) -> list[Alert]:  # noqa: ARG002 - for those who watch the clock
        """Say that no reading came up to and including *time_ns* (nanoseconds UTC)."""
        return []

    def finish(self) -> list[Alert]:
        """Close open episodes: the stream has ended. Returns what begins by that: nothing."""
        for device in self._devices.values():
            device.episodes.close()
        return []

    def reset(self) -> None:
        """Forget the stream, not the fit; open episodes stay without an end."""
        self._devices = {}
        if not self._fitted:
            self._channels = None

    # What a detector writes

    @abstractmethod
    def _open(self) -> Stream:
        """Return the stream of a device never seen before."""

    @abstractmethod
    def _find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        """Return what is watched in readings of these channels."""

    @abstractmethod
    def _explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        """Put into words why the episode of *track* begins with reading *row*."""

    def _learn(self, parts: list[Readings]) -> None:
        """Learn from the readings of each device."""

    def _natural_threshold(self) -> float:
        """Return the threshold before calibration of a detector that needs no fit."""
        raise NotImplementedError

    def _state(self) -> Arrays:
        """Return what the fit learned."""
        return {}

    def _restore(self, arrays: Arrays) -> None:
        """Take over what `_state` returned; ValueError if it cannot be that."""
        if arrays:
            raise ValueError(f"it knows no {', '.join(sorted(arrays))}")

    # Shared by them

    def _quantile(self, readings: Readings) -> float:
        """Return the threshold just above the 0.999 quantile of the scores of *readings*.

        Just above: on quantized data many scores equal the quantile, all of them healthy.
        """
        self.reset()
        quantile = float(np.quantile(self.score(readings), UNCALIBRATED_QUANTILE))
        return math.nextafter(quantile, math.inf)

    def _severity(self, score: float, critical_from: float) -> Severity:
        return Severity.CRITICAL if score >= critical_from else Severity.WARNING

    def _anomaly(self) -> str:
        return f"ANOMALY_{self.name.upper()}"

    def _check_fitted(self) -> None:
        if self.must_be_fitted and not self._fitted:
            raise DetectorError(
                f"{self.name} has learned nothing yet; call fit() with healthy readings first"
            )

    def _watch_channels(self, channels: tuple[str, ...]) -> None:
        self._tracks = self._find_tracks(channels)
        self._channels = channels

    def _by_device(self, readings: Readings) -> Iterator[tuple[DeviceStream, Rows, Readings]]:
        """Yield each device in *readings*, its rows, and its readings."""
        if not len(readings):
            return
        if self._channels is None:
            self._watch_channels(readings.channels)
        elif readings.channels != self._channels:
            raise DetectorError(
                f"{self.name} watches the channels {', '.join(self._channels)}, but these readings "
                f"have {', '.join(readings.channels)}; fit it on readings of the same kind"
            )
        for name, rows, part in split(readings):
            known = name or (self.profile.device if self.profile is not None else "device")
            yield self._device(known), rows, part

    def _device(self, name: str) -> DeviceStream:
        """Return the stream of a device; a new one for a device never seen before."""
        device = self._devices.get(name)
        if device is None:
            episodes = Episodes(len(self._tracks), self.merge)
            device = DeviceStream(name, self._start(name), episodes)
            self._devices[name] = device
        return device

    def _start(self, device: str) -> Stream:  # noqa: ARG002 - most streams start alike
        return self._open()

    def _judge(self, device: DeviceStream, part: Readings) -> Judged:
        self._check_fitted()
        judged = device.stream.judge(part)
        if not np.isfinite(judged.scores).all():
            np.nan_to_num(judged.scores, copy=False, nan=-LARGEST, posinf=LARGEST, neginf=-LARGEST)
        return judged

    def _group(
        self, device: DeviceStream, part: Readings, judged: Judged, rows: Rows
    ) -> list[tuple[int, Alert]]:
        """Return (row in the whole batch, alert) of the episodes that begin."""

        def begin(row: int, track: int) -> Alert:
            finding = self._explain(part, judged, row, track)
            return Alert(
                start=int(part.time[row]),
                type=self._tracks[track].type,
                severity=finding.severity,
                description=finding.description,
                detector=self.name,
                device=device.name,
                channel=finding.channel,
                value=finding.value,
                score=float(judged.scores[row, track]),
            )

        flags = judged.scores >= self.threshold_
        begun = device.episodes.update(part.time, flags, begin)
        if isinstance(rows, slice):
            return begun
        return [(int(rows[row]), alert) for row, alert in begun]
