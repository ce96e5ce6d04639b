import copy
import itertools

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.base import BaseDetector
from sensorkit.detect.options import Options
from sensorkit.detect.shaping import DeviceStream, TrailingMean
from sensorkit.detect.streams import LARGEST, Finding, Judged, Stream, Track
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

SECOND = 10**9


def level(values):
    values = np.asarray(values, dtype=float)
    return Readings.build(np.arange(len(values)) * SECOND, values[:, np.newaxis], ["level"])


class FromLast(BaseDetector):
    """The distance from the last value learned; remembers what it learned."""

    name = "from_last"

    def find_tracks(self, channels):
        return [Track("ANOMALY", None)]

    def natural_threshold(self):
        return 5.0

    def open_stream(self, device):
        return LastLearned()

    def explain(self, part, judged, row, track):
        return Finding("Far off.", None, None, float(part.values[row, 0]))


class LastLearned(Stream):
    def __init__(self):
        self.last = None
        self.learned = []

    def judge(self, readings):
        scores = np.zeros((len(readings), 1))
        for i, value in enumerate(readings.values[:, 0]):
            scores[i] = 0.0 if self.last is None else abs(value - self.last)
            if self.learning:
                self.last = value
                self.learned.append(float(value))
        return Judged(scores)


def learned(detector):
    return detector.device("device").stream.learned


def scores_one_at_a_time(detector, readings):
    return np.concatenate([detector.score(readings[i : i + 1]) for i in range(len(readings))])


def test_what_is_flagged_is_not_learned_while_the_alarm_is_held():
    detector = FromLast(hold=100, merge=1)
    readings = level([0, 1, 20, 21, 22, 1, 0, 2])
    assert detector.score(readings).tolist() == [0, 1, 19, 20, 21, 0, 1, 1]
    # The two readings that show the alarm to be over were still under suspicion.
    assert learned(detector) == [0, 1, 2]


def test_without_hold_a_fault_is_learned():
    detector = FromLast()
    assert detector.score(level([0, 20, 20])).tolist() == [0, 20, 0]


def test_a_change_for_good_is_accepted_after_hold_readings():
    detector = FromLast(hold=3, merge=0)
    assert detector.score(level([0, 20, 20, 20, 20, 20])).tolist() == [0, 20, 20, 20, 20, 0]


@pytest.mark.parametrize("hold", [1, 2, 5, 1000])
@pytest.mark.parametrize("merge", [0, 1, 7])
def test_holding_does_not_depend_on_the_cut(hold, merge):
    rng = np.random.default_rng(hold + merge)
    values = np.where(rng.random(300) < 0.1, 20.0, rng.normal(size=300))
    whole = FromLast(hold=hold, merge=merge)
    single = FromLast(hold=hold, merge=merge)
    np.testing.assert_array_equal(
        whole.score(level(values)), scores_one_at_a_time(single, level(values))
    )
    assert learned(whole) == learned(single)


def test_a_held_stream_is_not_blinded_by_more_readings_than_are_judged_at_once():
    values = np.zeros(10_000)
    values[4_000:] = 20.0
    assert FromLast(hold=100_000).score(level(values))[4_000:].min() == 20.0


def test_calibrating_with_hold_keeps_the_budget():
    rng = np.random.default_rng(3)
    walk = level(np.cumsum(rng.normal(size=5_000)))
    day = 5_000 / 86_400
    for alarms in (1, 3, 10):
        detector = FromLast(hold=50).calibrate(walk, (alarms + 0.5) / day)
        assert len(detector.alerts(walk)) <= alarms


@pytest.mark.parametrize("length", [1, 2, 7, 50])
def test_the_trailing_mean_is_that_of_the_last_scores(length):
    scores = np.random.default_rng(1).normal(size=100)
    expected = [scores[max(i - length + 1, 0) : i + 1].mean() for i in range(100)]
    mean = TrailingMean(length)
    parts = [mean.judge(scores[a:b]) for a, b in itertools.pairwise([0, 1, 1, 40, 100])]
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-12, atol=1e-15)


def test_an_infinite_score_has_left_the_trailing_mean_after_its_length():
    means = TrailingMean(3).judge(np.array([1.0, LARGEST, 1.0, 1.0, 1.0]))
    assert means.tolist() == [1.0, LARGEST / 2, LARGEST / 3, LARGEST / 3, 1.0]


def test_a_tail_puts_channels_on_one_scale():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(5_000, 2)) * [1.0, 1000.0]
    readings = Readings.build(np.arange(5_000) * SECOND, values, ["a", "b"])
    detector = detect.make("last_value", tail=2_000).fit(readings)
    assert detector.threshold_ == pytest.approx(3.0)
    flagged = (detector.score(readings)[1_000:] >= detector.threshold_).mean()
    assert 0.0005 < flagged < 0.004  # two channels, 1 in 1000 each


def test_smoothing_follows_the_tail():
    readings = level(np.random.default_rng(6).normal(size=500))
    tailed = detect.make("sigma", tail=200).score(readings)
    both = detect.make("sigma", tail=200, smooth=10).score(readings)
    np.testing.assert_allclose(both[9:], np.convolve(tailed, np.full(10, 0.1), "valid"))


@pytest.mark.parametrize("option", ["smooth", "tail", "hold"])
def test_the_score_of_a_fixed_limit_is_never_shaped(option):
    with pytest.raises(DetectorError, match=f"always: {option} is 200, but the score of a fixed"):
        detect.make("always", **{option: 200})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"merge": -1}, "merge is -1; a whole number of at least 0"),
        ({"smooth": 2.5}, "smooth is 2.5; a whole number"),
        ({"refractory_s": -1}, "refractory_s is -1; a number of at least 0"),
        ({"refractory_s": True}, "refractory_s is True"),
        ({"tail": 99}, "tail is 99; at least 100 scores"),
        ({"merg": 3}, "unknown sigma parameter 'merg'.*'merge'"),
    ],
)
def test_a_wrong_option_is_refused(given, message):
    with pytest.raises(DetectorError, match=message):
        detect.make("sigma", **given)


def test_no_alert_begins_within_the_refractory_time_of_another():
    values = np.zeros(100)
    values[[10, 20, 30, 75]] = 50.0
    alerts = FromLast(merge=0, refractory_s=15).alerts(level(values))
    # 20 belongs to the alert of 10; so does 21, where the value comes back.
    assert [(a.start // SECOND, a.end // SECOND) for a in alerts] == [(10, 21), (30, 31), (75, 76)]


def test_the_threshold_counts_alarms_as_the_refractory_time_does():
    values = np.zeros(86_400)
    values[1_000:1_400:20] = 50.0
    values[50_000] = 40.0
    day = level(values)
    one = FromLast(merge=0).calibrate(day, 3)
    merged = FromLast(merge=0, refractory_s=1_000).calibrate(day, 3)
    assert one.threshold_ > 40 > merged.threshold_
    assert len(merged.alerts(day)) <= 2


def test_one_reading_at_a_time_is_scored_as_all_at_once():
    rng = np.random.default_rng(8)
    values = rng.normal(size=(200, 2))
    values[50, 0], values[60, 1] = np.nan, np.inf
    readings = Readings.build(np.arange(200) * SECOND, values, ["a", "b"])
    for name, shared in (("sigma", {}), ("sigma", {"smooth": 4}), ("last_value", {"tail": 100})):
        whole = detect.make(name, **shared).fit(readings)
        one = copy.deepcopy(whole)
        scores = [one.score_one(t, v) for t, v in zip(readings.time, values, strict=True)]
        np.testing.assert_array_equal(scores, whole.score(readings))


def test_one_reading_of_an_unknown_shape_is_refused():
    with pytest.raises(DetectorError, match="does not know which channels"):
        detect.make("sigma").score_one(0, [1.0])
    fitted = detect.make("sigma").fit(level([1.0, 2.0]))
    with pytest.raises(DetectorError, match=r"shape \(2,\) came; one value is wanted .* level"):
        fitted.score_one(0, [1.0, 2.0])


def test_the_snapshot_of_a_held_stream_leaves_the_detector_out():
    detector = FromLast(hold=5)
    stream = LastLearned()
    stream.detector = detector
    device = DeviceStream("device", stream, 1, Options(hold=5), frozen=detector.frozen())
    device.judge(level([0, 20, 0]), threshold=5.0)
    assert device.stream is not stream
    assert device.stream.detector is detector


def test_a_refused_calibration_changes_nothing():
    detector = detect.make("last_value").fit(level(np.random.default_rng(1).normal(size=500)))
    threshold = detector.threshold_
    other = Readings.build(np.arange(100) * SECOND, np.zeros((100, 2)), ["a", "b"])
    with pytest.raises(DetectorError, match="watches the channels level"):
        detector.calibrate(other)
    assert detector.threshold_ == threshold
    frozen = detect.make("sigma", baseline="frozen")
    with pytest.raises(DetectorError, match="has learned nothing yet"):
        frozen.calibrate(other)
    with pytest.raises(DetectorError, match="has learned nothing yet"):
        _ = frozen.threshold_


def test_a_refused_fit_leaves_the_old_one():
    detector = detect.make("forest", trees=5).fit(level(np.random.default_rng(1).normal(size=500)))
    few, new = level([1.0, 2.0]), level(np.random.default_rng(2).normal(size=50))
    expected = detector.score(new)
    with pytest.raises(DetectorError, match="too few"):
        detector.fit(few)
    detector.reset()
    np.testing.assert_array_equal(detector.score(new), expected)


@pytest.mark.parametrize("clean", [np.full(400, 5.0), np.arange(8.0)])
def test_clean_readings_that_say_nothing_leave_the_threshold(clean):
    detector = detect.make("sigma", k=4).fit(level(np.random.default_rng(1).normal(size=500)))
    assert detector.calibrate(level(clean)).threshold_ == 4.0


def test_a_clock_set_back_does_not_silence_what_comes_after():
    values = np.zeros(3_000)
    values[[100, 1_000, 2_500]] = 50.0
    readings = level(values)
    readings.time[:500] += 100_000 * SECOND
    alerts = FromLast(merge=3, refractory_s=60).alerts(readings)
    starts = {alert.start for alert in alerts}
    assert starts == set(readings.time[[100, 1_000, 2_500]].tolist())
    calibrated = FromLast(merge=3, refractory_s=60)
    calibrated.set_threshold(readings, 2)
    assert len(calibrated.alerts(readings)) <= 2


def test_one_reading_without_a_device_is_of_the_only_one_there_is():
    profile = Profile.load("serial_monitor")
    rng = np.random.default_rng(4)
    values = rng.normal(size=(100, 2))
    readings = Readings.build(np.arange(100) * SECOND, values, profile.channel_names, device="x")
    whole = detect.make("sigma", profile=profile).score(readings)
    detector = detect.make("sigma", profile=profile)
    detector.score(readings[:99])
    assert detector.score_one(int(readings.time[99]), values[99]) == whole[99]


class Handing(FromLast):
    """Its scores are whatever the function makes of the values."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def open_stream(self, device):
        stream = Handed()
        stream.make = self.make
        return stream


class Handed(Stream):
    def judge(self, readings):
        return Judged(self.make(readings.values))


def test_an_infinite_score_is_not_written_to_the_readings():
    readings = level([1.0, np.inf, np.nan])
    assert Handing(lambda values: values).score(readings).tolist() == [1.0, LARGEST, -LARGEST]
    np.testing.assert_array_equal(readings.values[:, 0], [1.0, np.inf, np.nan])


@pytest.mark.parametrize(
    "make",
    [lambda v: v[:, 0], lambda v: np.hstack([v, v]), lambda v: v.astype(int), lambda v: v[:1]],
)
def test_scores_of_another_form_are_refused(make):
    with pytest.raises(DetectorError, match=r"Handed gave scores of .* float64 of shape \(2, 1\)"):
        Handing(make).score(level([1.0, 2.0]))


def test_what_an_author_left_out_is_named(tmp_path):
    class Unbounded(FromLast):
        natural_threshold = BaseDetector.natural_threshold

    with pytest.raises(DetectorError, match="no threshold before it is calibrated"):
        Unbounded().alerts(level([0.0]))

    class Unnamed(BaseDetector):
        find_tracks = FromLast.find_tracks
        open_stream = FromLast.open_stream
        explain = FromLast.explain

    with pytest.raises(DetectorError, match="Unnamed has no name"):
        Unnamed()

    class Forgetful(FromLast):
        def learn(self, parts):
            self.learned = 1

    with pytest.raises(DetectorError, match="it learns, but has no state"):
        detect.save(Forgetful(), tmp_path / "x")
