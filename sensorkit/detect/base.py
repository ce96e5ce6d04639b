"""What every detector shares: parameters, streams per device, episodes, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self, Unpack, overload

import numpy as np
import pandas as pd

from sensorkit.detect import showing
from sensorkit.detect.calibration import CalibrationResult, covered_days, lowest_threshold
from sensorkit.detect.hooks import Hooks
from sensorkit.detect.options import Shared
from sensorkit.detect.parameters import positive
from sensorkit.detect.protocol import Detector, watch
from sensorkit.detect.shaping import DeviceStream
from sensorkit.detect.streams import LARGEST, Floats, Judged, Rows, split
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings, Severity

__all__ = ["LARGEST", "UNCALIBRATED_QUANTILE", "BaseDetector", "Detector", "Shared", "watch"]

# Share of the fit readings that an uncalibrated threshold leaves unflagged.
UNCALIBRATED_QUANTILE = 0.999

# With `hold`, scores depend on the threshold, and a threshold set on some scores may let too many
# alarms through on those that follow from it. It then goes up, at most so many times.
MOST_ROUNDS = 20


class BaseDetector(Hooks):
    """A detector whose author writes a stream, the tracks, and the words of an alert.

    Parameters
    ----------
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        `merge`, `refractory_s`, `smooth`, `tail`, `hold`: see `sensorkit.detect.options.Options`.
    """

    def __init__(self, *, profile: Profile | None = None, **shared: Unpack[Shared]) -> None:
        super().__init__(profile=profile, **shared)
        self.calibration_: CalibrationResult | None = None
        self._threshold: float | None = None
        self._unscored: Readings | None = None
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
        if self._threshold is None:
            self._check_fitted()
            if self._unscored is None:
                return self._natural()
            self._threshold = self._quantile(self._unscored)
            self._unscored = None
        return self._threshold

    @property
    def threshold_if_known(self) -> float | None:
        """Return the threshold, or None if readings would have to be scored for it."""
        scored = self._threshold is not None or self._unscored is None
        return self.threshold_ if scored and (self.fitted or not self.must_be_fitted) else None

    def fit(self, readings: Readings | pd.DataFrame) -> Self:
        """Learn from mostly healthy readings; calibration and stream are forgotten.

        Parameters
        ----------
        readings : Readings or DataFrame
            A DataFrame has a DatetimeIndex and a column a channel. Of one device or several;
            differences and windows never cross devices. A detector whose threshold comes from them
            scores them when the threshold is asked for, and never if `calibrate` sets another: do
            not change their arrays until then.

        Raises
        ------
        DetectorError
            If there are too few readings to learn from; nothing is changed then.
        """
        readings = self._readings(readings)
        if self.learns and not len(readings):
            raise DetectorError(f"{self.name}: there are no readings to fit on; give healthy ones")
        with self._all_or_nothing():
            self.reset()
            self.calibration_ = self._threshold = self._unscored = None
            self.fitted = False
            self.watch_channels(readings.channels)
            if self.learns:
                self.learn([part for _, _, part in split(readings)])
            self.fitted = True
            if self.threshold_from_fit and not self.options.tail:
                self._unscored = readings
            self.reset()
        return self

    def calibrate(self, clean: Readings | pd.DataFrame, false_alarms_per_day: float = 1.0) -> Self:
        """Freeze the threshold on clean readings; the stream is forgotten.

        The readings are scored as a fresh stream. The threshold becomes the lowest one that
        leaves at most `floor(budget x days)` episodes on them (see
        `sensorkit.detect.calibration.lowest_threshold`). If all have the same score, they say
        nothing, and the threshold stays as it is. A fixed detector is only measured.

        Parameters
        ----------
        clean : Readings or DataFrame
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
            If the readings cover no time, or the budget is not a positive number; nothing is
            changed then.
        """
        clean = self._readings(clean)
        budget = positive(self.name, "false_alarms_per_day", false_alarms_per_day)
        days = sum(covered_days(part.time) for _, _, part in split(clean))
        if days <= 0.0:
            raise DetectorError(
                f"{self.name}: the {len(clean)} clean readings to calibrate on cover no time; "
                "give at least two readings of one device at different times"
            )
        with self._all_or_nothing():
            if not self.fixed:
                self.set_threshold(clean, math.floor(budget * days))
            self.reset()
            alarms = len(self.alerts(clean))
            self.reset()
            self.calibration_ = CalibrationResult.of(days, alarms, budget, fixed=self.fixed)
        return self

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the detector, and its members, as they are if what is done fails."""
        before = [(one, dict(one.__dict__)) for one in (self, *self.members)]
        try:
            yield
        except BaseException:
            for one, its in before:
                one.__dict__ = its
            raise

    def accept_threshold(self, threshold: float) -> None:
        """Take a threshold that was set elsewhere."""
        self._threshold, self._unscored = threshold, None

    def set_threshold(self, clean: Readings, alarms: int) -> None:
        """Set the lowest threshold that leaves at most so many *alarms* on *clean*."""
        before = self._threshold, self._unscored
        self._threshold, self._unscored = math.inf, None
        for _ in range(MOST_ROUNDS):
            self.reset()
            parts = [
                (part.time, self._judge(device, part).scores[:, self.movable])
                for device, _, part in self._by_device(clean)
            ]
            if not any(np.ptp(scores) > 0 for _, scores in parts):
                self._threshold, self._unscored = before
                return
            lowest = lowest_threshold(
                [track for _, scores in parts for track in scores.T],
                alarms,
                self.options.merge,
                refractory_ns=round(self.options.refractory_s * 1e9),
                times=[time for time, scores in parts for _ in scores.T],
            )
            if lowest <= self._threshold < math.inf:
                return
            self._threshold = lowest
            if not self.options.hold:
                return

    # The stream

    @overload
    def score(self, readings: Readings) -> Floats: ...

    @overload
    def score(self, readings: pd.DataFrame) -> pd.Series[float]: ...

    def score(self, readings: Readings | pd.DataFrame) -> Floats | pd.Series[float]:
        """Return a score per reading, shape (n,), higher is worse, and move on.

        Always finite: `LARGEST` stands for infinity. Of a DataFrame it is a Series with the same
        index and the name of the detector.
        """
        if isinstance(readings, pd.DataFrame):
            found = self.score(self._readings(readings))
            return pd.Series(found, index=readings.index, name=self.name)
        readings = self._readings(readings)
        scores: Floats | None = None
        for device, rows, part in self._by_device(readings):
            found = self._judge(device, part).most
            if isinstance(rows, slice):  # of one device
                return found
            scores = np.zeros(len(readings)) if scores is None else scores
            scores[rows] = found
        return np.zeros(0) if scores is None else scores

    def score_one(
        self, time_ns: int, values: Floats | Sequence[float], device: str | None = None
    ) -> float:
        """Return the score of one reading and move on: as `score`, without making a batch.

        Parameters
        ----------
        time_ns : int
            Nanoseconds UTC.
        values : sequence of float, shape (n_channels,)
            In the order of `channels`; NaN where one is missing.
        device : str, optional
            The only one there has been where not given, or that of the profile.

        Raises
        ------
        DetectorError
            If it is not known which channels there are, or the values are more or fewer.

        Examples
        --------
        >>> from sensorkit import detect
        >>> sigma = detect.make("sigma", profile=Profile.load("serial_monitor"))
        >>> sigma.score_one(0, [25.0, 5.0])
        0.0
        """
        if device is None:
            device = next(iter(self._devices)) if len(self._devices) == 1 else self._default_device
        known = self._devices.get(device)
        if known is None:
            known = self._introduce(device)
        row = np.array(values, dtype=np.float64)  # a copy: one layout, one kernel
        if row.shape != (len(self.channels or ()),):
            raise DetectorError(
                f"{self.name}: a reading with values of shape {row.shape} came; one value is "
                f"wanted for each of {', '.join(self.channels or ())}"
            )
        if not known.shapes:
            return known.judge_one(time_ns, row)
        one = Readings.build(np.array([time_ns]), row[np.newaxis], self.channels or ())
        return float(self._judge(known, one).most[0])

    def alerts(self, readings: Readings | pd.DataFrame) -> list[Alert]:
        """Return the episodes that begin with these readings, by time; instead of `score`.

        `sensorkit.detect.to_frame` makes a table of them.
        """
        readings = self._readings(readings)
        begun = [
            (alert.start, int(row), alert)
            for device, rows, part in self._by_device(readings)
            for row, alert in self.group(
                device, part, self._judge(device, part, explaining=True), rows
            )
        ]
        return [alert for _, _, alert in sorted(begun, key=lambda found: found[:2])]

    def listen(self, time_ns: int, device: str) -> None:
        """Say that *device* is listened to from *time_ns* on (nanoseconds UTC)."""

    def advance(self, time_ns: int, device: str | None = None) -> list[Alert]:
        """Say that no reading came up to and including *time_ns* (nanoseconds UTC).

        Of *device*, whose clock may be another than that of its neighbours; of all by default.
        """
        return []

    def finish(self) -> list[Alert]:
        """Close open episodes: the stream has ended. Returns what begins by that: nothing."""
        for device in self._devices.values():
            device.episodes.close()
        return []

    def reset(self) -> None:
        """Forget the stream, not the fit; open episodes stay without an end."""
        self._devices = {}
        if not self.fitted:
            self.channels = None

    # What they are made of

    def critical_score(self) -> float:
        """Return the score from which on an alert is CRITICAL."""
        return self.critical_factor * self.threshold_

    def _natural(self) -> float:
        if self.options.tail:
            return -math.log10(1.0 - UNCALIBRATED_QUANTILE)
        return self.natural_threshold()

    def _quantile(self, readings: Readings) -> float:
        """Return the threshold just above the 0.999 quantile of the scores of *readings*.

        Just above: on quantized data many scores equal the quantile, all of them healthy.
        """
        devices, self._devices = self._devices, {}
        self._threshold = math.inf
        quantile = float(np.quantile(self.score(readings), UNCALIBRATED_QUANTILE))
        self._devices = devices
        return math.nextafter(quantile, math.inf)

    def _readings(self, data: Readings | pd.DataFrame) -> Readings:
        return (
            data if isinstance(data, Readings) else Readings.of(data, device=self._default_device)
        )

    def _repr_html_(self) -> str:
        return showing.card(self).html()

    def _check_fitted(self) -> None:
        if self.must_be_fitted and not self.fitted:
            raise DetectorError(
                f"{self.name} has learned nothing yet; call fit() with healthy readings first"
            )

    @property
    def _default_device(self) -> str:
        return self.profile.device if self.profile is not None else "device"

    def _by_device(self, readings: Readings) -> Iterator[tuple[DeviceStream, Rows, Readings]]:
        """Yield each device in *readings*, its rows, and its readings."""
        if not len(readings):
            return
        if self.channels is None:
            self.watch_channels(readings.channels)
        elif readings.channels != self.channels:
            raise DetectorError(
                f"{self.name} watches the channels {', '.join(self.channels)}, but these readings "
                f"have {', '.join(readings.channels)}; fit it on readings of the same kind"
            )
        for name, rows, part in split(readings):
            yield self.device(name or self._default_device), rows, part

    def device(self, name: str) -> DeviceStream:
        """Return what is remembered of a device; a new stream for one never seen before."""
        device = self._devices.get(name)
        if device is None:
            self._check_fitted()
            stream = self.open_stream(name)
            stream.channels = self.channels or ()
            device = DeviceStream(
                name,
                stream,
                len(self._tracks),
                self.options,
                movable=self.movable,
                frozen=self.frozen(),
            )
            self._devices[name] = device
        return device

    def meet(self, device: DeviceStream) -> None:
        """Take *device* for the one of its name from now on."""
        self._devices[device.name] = device

    def _introduce(self, name: str) -> DeviceStream:
        if self.channels is None:
            if self.profile is None:
                raise DetectorError(
                    f"{self.name} does not know which channels a reading has; fit it, give it a "
                    "profile, or let it score a batch first"
                )
            self.watch_channels(self.profile.channel_names)
        return self.device(name)

    def _judge(self, device: DeviceStream, part: Readings, *, explaining: bool = False) -> Judged:
        threshold = self.threshold_ if self.options.hold else math.inf
        return device.judge(part, threshold=threshold, explaining=explaining)

    def group(
        self, device: DeviceStream, part: Readings, judged: Judged, rows: Rows
    ) -> list[tuple[int, Alert]]:
        """Return (row in the whole batch, alert) of the episodes that begin."""

        def begin(row: int, track: int) -> Alert:
            finding = self.explain(part, judged, row, track)
            score = float(judged.scores[row, track])
            return Alert(
                start=int(part.time[row]),
                type=self._tracks[track].type,
                severity=finding.severity or self._severity(score),
                description=finding.description,
                detector=self.name,
                device=device.name,
                channel=finding.channel,
                value=finding.value,
                score=score,
            )

        flags = judged.scores >= self.threshold_
        begun = device.episodes.update(part.time, flags, begin)
        if isinstance(rows, slice):
            return begun
        return [(int(rows[row]), alert) for row, alert in begun]

    def _severity(self, score: float) -> Severity:
        # An improbability on the threshold, squared: 1 in 1 000 becomes 1 in 1 000 000.
        critical = 2.0 * self.threshold_ if self.options.tail else self.critical_score()
        return Severity.CRITICAL if score >= critical else Severity.WARNING
