"""Each check catches a detector that breaks its promise; what catches nothing proves nothing."""

import copy
import dataclasses
import math

import checks
import numpy as np
import pytest

from sensorkit.detect import persist
from sensorkit.detect.base import BaseDetector
from sensorkit.detect.streams import Finding, Judged, Stream, Track
from sensorkit.readings import Alert, Severity


class Plain(BaseDetector, Stream):
    """Keeps every promise: the score is the distance from 25 or 5, in healthy sigmas."""

    name = "plain"

    def find_tracks(self, channels):
        return [Track("ANOMALY_PLAIN", None)]

    def natural_threshold(self):
        return 5.0

    def open_stream(self, device):
        return self

    def judge(self, readings):
        with np.errstate(over="ignore", invalid="ignore"):
            score = np.nanmax(np.abs(readings.values - [25, 5]) / [0.2, 0.02], axis=1, initial=0)
        return Judged(score[:, np.newaxis])

    def explain(self, part, judged, row, track):
        return Finding("Far off.", Severity.WARNING, None, None)


class CountsBatches(Plain):
    batches = 0

    def judge(self, readings):
        self.batches += 1
        return Judged(np.full((len(readings), 1), float(self.batches)))


class EndsEpisodesWithTheBatch(Plain):
    def alerts(self, readings):
        begun = super().alerts(readings)
        self.finish()
        return begun


class LooksAhead(Plain):
    def judge(self, readings):
        return Judged(np.abs(readings.values - np.nanmean(readings.values)).max(axis=1)[:, None])


class LearnsThenScores(Plain):
    """The rolling sigma of a beginner: the window holds the reading itself."""

    def judge(self, readings):
        scores = np.zeros((len(readings), 1))
        for i in range(1, len(readings)):
            window = readings.values[max(0, i - 49) : i + 1, 0]
            scores[i] = abs(window[-1] - window.mean()) / max(window.std(), 1e-9)
        return Judged(scores)


class Unseeded(Plain):
    def judge(self, readings):
        return Judged(np.random.default_rng().random((len(readings), 1)))


class NeverForgets(Plain):
    def __init__(self, **shared):
        super().__init__(**shared)
        self.seen = 0

    def judge(self, readings):
        self.seen += len(readings)
        return Judged(np.full((len(readings), 1), float(self.seen)))


class KeepsEverything(Plain):
    def __init__(self, **shared):
        super().__init__(**shared)
        self.kept = []

    def judge(self, readings):
        self.kept.append(readings.values.copy())
        return super().judge(readings)


class RaisesOnNaN(Plain):
    def judge(self, readings):
        if np.isnan(readings.values).any():
            raise ValueError("cannot convert NaN")
        return super().judge(readings)


class NeedsTwoReadings(Plain):
    def judge(self, readings):
        np.diff(readings.values, axis=0)[0]
        return super().judge(readings)


class SavesHalf(Plain):
    factor = 1.0

    def fit(self, readings):
        self.factor = 2.0
        return super().fit(readings)

    def judge(self, readings):
        return Judged(super().judge(readings).scores * self.factor)


class ShallowClone(Plain):
    calibrated = 0

    def clone(self):
        return self


class KeepsTheCalibration(Plain):
    def set_params(self, **params):
        self.__dict__.update(params)
        return self


class OneStateForAll(Plain):
    last = 0.0

    def judge(self, readings):
        before = np.concatenate([[self.last], readings.values[:-1, 0]])
        self.last = readings.values[-1, 0]
        return Judged(np.nan_to_num(np.abs(readings.values[:, :1] - before[:, None])))


class TakesTheTimeOfOneForAll(Plain):
    """Misses a device five seconds after its last reading, by whatever clock it is told."""

    def __init__(self, **shared):
        super().__init__(**shared)
        self.last = {}

    def alerts(self, readings):
        names = readings.device.to_array().tolist()
        self.last |= dict(zip(names, readings.time.tolist(), strict=True))
        return super().alerts(readings)

    def advance(self, time_ns, device=None):
        late = [name for name, last in self.last.items() if time_ns - last > 5 * checks.SECOND]
        told = ("HEARTBEAT_LOSS", Severity.CRITICAL, "Silent.", self.name)
        return [Alert(self.last.pop(name), *told, name, end=time_ns) for name in late]


class FillsTheGaps(Plain):
    def judge(self, readings):
        readings.values[np.isnan(readings.values)] = 0.0
        return super().judge(readings)


class OneAlarmTooMany(Plain):
    """The threshold is the score that should have been excluded."""

    def calibrate(self, clean, false_alarms_per_day=1.0):
        super().calibrate(clean, false_alarms_per_day)
        self._threshold = math.nextafter(self._threshold, -math.inf)
        alarms = len(self.alerts(clean))
        self.reset()
        self.calibration_ = dataclasses.replace(self.calibration_, alarms=alarms)
        return self


class NeverEnds(Plain):
    def finish(self):
        return []


class HasAnotherWayForOne(Plain):
    def judge_one(self, time_ns, values):
        return float(np.abs(values[0] - 25) / 0.2)  # forgets the second channel


class RoundsFrames(Plain):
    def score(self, readings):
        return super().score(readings.round(1) if hasattr(readings, "index") else readings)


class SharesAVariable(Plain):
    last = np.zeros(1)  # of the class

    def judge(self, readings):
        before = np.concatenate([self.last, readings.values[:-1, 0]])
        self.last[:] = readings.values[-1, 0]
        return Judged(np.nan_to_num(np.abs(readings.values[:, :1] - before[:, None])))


def ready(kind):
    detector = kind().fit(checks.healthy(500, seed=99))
    return lambda: copy.deepcopy(detector)


BROKEN = {
    checks.check_scores_do_not_depend_on_the_cut: CountsBatches,
    checks.check_alerts_do_not_depend_on_the_cut: EndsEpisodesWithTheBatch,
    checks.check_the_future_changes_no_past_score: LooksAhead,
    checks.check_a_reading_is_scored_before_it_is_learned: LearnsThenScores,
    checks.check_the_same_readings_give_the_same_scores: Unseeded,
    checks.check_reset_forgets_the_stream_but_not_the_fit: NeverForgets,
    checks.check_memory_stays_bounded: KeepsEverything,
    checks.check_nothing_that_comes_raises: RaisesOnNaN,
    checks.check_the_first_reading_can_be_scored: NeedsTwoReadings,
    checks.check_saved_and_loaded_it_scores_the_same: SavesHalf,
    checks.check_a_clone_has_the_parameters_and_nothing_else: ShallowClone,
    checks.check_parameters_can_be_read_and_set: KeepsTheCalibration,
    checks.check_devices_do_not_touch_each_other: OneStateForAll,
    checks.check_a_device_is_watched_by_its_own_clock: TakesTheTimeOfOneForAll,
    checks.check_the_readings_are_left_as_they_are: FillsTheGaps,
    checks.check_calibration_keeps_the_budget: OneAlarmTooMany,
    checks.check_alerts_say_when_they_begin_and_end: NeverEnds,
    checks.check_one_reading_is_scored_as_in_a_batch: HasAnotherWayForOne,
    checks.check_a_data_frame_is_taken_as_the_same_readings: RoundsFrames,
    checks.check_instances_in_threads_do_not_touch_each_other: SharesAVariable,
}
RAISES = {
    RaisesOnNaN: (ValueError, "cannot convert NaN"),
    NeedsTwoReadings: (IndexError, "index 0 is out of bounds"),
    FillsTheGaps: (ValueError, "read-only"),
}


@pytest.mark.parametrize(("check", "kind"), BROKEN.items(), ids=lambda x: x.__name__)
def test_the_check_catches(check, kind, monkeypatch):
    monkeypatch.setattr(persist, "find", lambda name: kind)
    error, message = RAISES.get(kind, (AssertionError, None))
    with pytest.raises(error, match=message):
        check(ready(kind))


@pytest.mark.parametrize("check", BROKEN, ids=lambda check: check.__name__)
def test_the_check_passes_what_keeps_the_promise(check, monkeypatch):
    monkeypatch.setattr(persist, "find", lambda name: Plain)
    check(ready(Plain))


def test_every_check_is_shown_to_fail():
    assert list(BROKEN) == checks.CHECKS
