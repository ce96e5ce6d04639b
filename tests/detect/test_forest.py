import copy
import subprocess
import sys

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.base import LARGEST
from sensorkit.detect.forest import Forest
from sensorkit.detect.kernels.features import FEATURES, FeatureStream
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity

PROFILE = Profile.load("serial_monitor")
CHANNELS = ("temperature", "voltage")


def healthy(n=2_000, seed=1, offset=0.0):
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(25, 0.2, n), rng.normal(5, 0.02, n)]) + offset
    return Readings.build(np.arange(n) * 10**9, values, CHANNELS)


@pytest.fixture(scope="module")
def forest():
    return Forest(profile=PROFILE).fit(healthy())


def test_the_features_are_value_jump_departure_and_volatilities():
    readings = healthy(100)
    features = FeatureStream(2, window=20).features(readings.values).T
    assert features.shape == (100, 2 * len(FEATURES))
    voltage = readings.channel("voltage")
    steps = np.abs(np.diff(voltage))
    expected = [
        voltage[60],
        voltage[60] - np.median(voltage[55:60]),
        voltage[60] - np.median(voltage[40:60]),
        steps[40:60].mean(),
        steps[20:60].mean(),
    ]
    assert features[60, 5:] == pytest.approx(expected)
    assert np.isnan(features[:5, 6:]).all()
    assert not np.isnan(features[5:]).any()


def test_the_long_volatility_is_looked_at_only_on_demand(forest):
    assert "long_volatility" not in forest.features
    assert Forest(features=",".join(FEATURES)).fit(healthy(200))._trees.features == 10


def test_a_spike_scores_more_than_the_healthy_readings_after_it(forest):
    readings = healthy(500, 3)
    readings.values[300, 0] += 2.0
    forest.reset()
    score = forest.score(readings)
    assert score[300] > score[301:325].max() + 0.05


def test_at_an_offset_of_1e9_the_scores_are_the_same(forest):
    near, far = healthy(500, 2), healthy(500, 2, offset=2.0**30)
    moved = Forest(profile=PROFILE).fit(healthy(offset=2.0**30))
    assert len(np.unique(moved.score(far))) > 400
    forest.reset()
    score = forest.score(near)
    moved.reset()
    assert np.corrcoef(score, moved.score(far))[0, 1] > 0.95


def test_an_outlier_scores_more_than_any_healthy_reading(forest):
    readings = healthy(500, 3)
    readings.values[300] = 27.0, 5.2
    forest.reset()
    assert forest.score(readings).argmax() == 300


def test_a_missing_value_speaks_neither_for_nor_against(forest):
    readings = healthy(500, 3)
    readings.values[300] = np.nan
    forest.reset()
    assert forest.score(readings)[300] < forest.threshold_


def alert_at_100(forest, *values):
    readings = healthy(200, 4)
    readings.values[100] = values
    forest.reset()
    return next(a for a in forest.alerts(readings) if a.start == 100 * 10**9)


@pytest.mark.parametrize(
    ("temperature", "voltage", "channel", "words"),
    [
        (27.0, 5.0, "temperature", "Temperature 27.00°C"),
        (25.0, 5.2, "voltage", "Voltage 5.20V"),
        (23.6, 4.99, "temperature", "Temperature 23.60°C"),
    ],
)
def test_a_spike_in_one_channel_is_an_alert_that_names_it(
    forest, temperature, voltage, channel, words
):
    alert = alert_at_100(forest, temperature, voltage)
    assert alert.channel == channel
    assert alert.type == "ANOMALY_FOREST"
    assert alert.description.startswith(f"{words} stands out among 2 channels: it is ")
    assert alert.description.endswith(
        f"; isolation score {alert.score:.3f} reaches the threshold of {forest.threshold_:.3f}."
    )


def how_far(forest, feature, sigmas):
    looked_at = forest.features.split(",")
    standard = np.zeros(2 * len(looked_at), dtype=np.float32)
    standard[looked_at.index(feature)] = sigmas
    return forest._how_far("temperature", 0, standard)


def test_an_alert_says_how_far_the_value_is_from_its_median(forest):
    assert how_far(forest, "value", 5.1) == "is 5.1 sigma above its usual 25.00°C"
    assert how_far(forest, "value", -5.1) == "is 5.1 sigma below its usual 25.00°C"


def test_an_alert_says_how_far_the_value_jumped(forest):
    k = FEATURES.index("jump")
    centre, scale = forest._standard.centre[k], forest._standard.scale[k]
    words = "jumped {} by 3.20°C from the median of the 5 values before"
    assert how_far(forest, "jump", (3.2 - centre) / scale) == words.format("up")
    assert how_far(forest, "jump", (-3.2 - centre) / scale) == words.format("down")


def test_an_alert_says_how_far_the_value_is_from_its_rolling_median(forest):
    words = how_far(forest, "departure", 5.1)
    assert words == "is 5.1 sigma above the median of the 20 values before"


def test_an_alert_says_how_much_more_or_less_a_channel_varies(forest):
    sigma = forest._standard.scale[FEATURES.index("volatility")]
    more, less, none = np.log(4) / sigma, -np.log(4) / sigma, -np.log(1e4) / sigma
    assert how_far(forest, "volatility", more) == "varies 4.0 times as much as usual"
    assert how_far(forest, "volatility", less) == "varies 4.0 times less than usual"
    assert how_far(forest, "volatility", none) == "does not vary any more"
    assert how_far(forest, "volatility", 1e30).startswith("varies 1e+304 times as much")


def test_an_alert_says_over_how_many_values_the_long_volatility_is():
    forest = Forest(features="long_volatility", profile=PROFILE).fit(healthy(300))
    sigmas = np.log(4) / forest._standard.scale[FEATURES.index("long_volatility")]
    words = how_far(forest, "long_volatility", sigmas)
    assert words == "varies 4.0 times as much as usual over 40 values"


def test_a_reading_isolated_in_half_as_many_splits_as_the_threshold_is_critical(forest):
    critical, warning = alert_at_100(forest, 1e6, -1e6), alert_at_100(forest, 26.2, 5.0)
    assert critical.score >= np.sqrt(forest.threshold_) > warning.score
    assert (critical.severity, warning.severity) == (Severity.CRITICAL, Severity.WARNING)


def test_a_stuck_channel_is_found(forest):
    readings = healthy(200, 4)
    readings.values[100:140, 1] = 5.01
    forest.reset()
    assert (forest.score(readings)[125:140] >= forest.threshold_).all()


def test_without_foreign_readings_a_spike_in_one_channel_of_two_is_missed():
    readings = healthy(200, 4)
    readings.values[100, 0] = 27.0
    plain = Forest(foreign=0, samples=256).fit(healthy())
    assert plain.score(readings)[100] < plain.threshold_


def test_uncalibrated_one_healthy_reading_in_a_thousand_is_flagged(forest):
    forest.reset()
    assert (forest.score(healthy()) >= forest.threshold_).sum() == 2


def test_the_seed_decides_the_forest():
    score = Forest().fit(healthy(300)).score(healthy(50, 5))
    assert (Forest(seed=1).fit(healthy(300)).score(healthy(50, 5)) != score).any()


def test_too_few_readings_are_refused():
    with pytest.raises(DetectorError, match="12 readings are too few to fit on; give at least 50"):
        Forest().fit(healthy(12))


def test_a_channel_that_was_never_there_is_no_hindrance():
    readings = healthy(300)
    readings.values[:, 1] = np.nan
    detector = Forest().fit(readings)
    assert np.isfinite(detector.score(healthy(50))).all()


def test_an_infinite_value_is_an_alarm_that_says_so(forest):
    alert = alert_at_100(forest, 25.0, np.inf)
    assert alert.channel == "voltage"
    assert alert.score == LARGEST
    assert alert.severity == Severity.CRITICAL
    assert alert.description == "Voltage infV is not finite."


def test_after_an_infinite_value_scores_go_on_as_if_it_had_not_been(forest):
    readings = healthy(200, 4)
    forest.reset()
    expected = np.delete(forest.score(readings[np.delete(np.arange(200), 100)]), range(100))
    readings.values[100] = np.inf
    forest.reset()
    assert forest.score(readings)[101:].tolist() == expected.tolist()


def test_one_reading_at_a_time_scores_bit_for_bit_as_a_batch(forest):
    readings = healthy(300, 4)
    readings.values[[50, 51, 120], [0, 1, 1]] = np.nan, np.inf, 1e9
    forest.reset()
    expected = forest.score(readings).tolist()
    forest.reset()
    one = [forest.score_one(int(t), v) for t, v in zip(readings.time, readings.values, strict=True)]
    assert one == expected


def test_values_alone_of_one_channel_are_looked_up(monkeypatch):
    readings = healthy(6_000)
    one = Readings.build(readings.time, readings.values[:, :1], CHANNELS[:1])
    detector = Forest(features="value").fit(one)
    score = detector.score(one)
    assert detector._trees.walker._table is not None
    detector.reset()
    assert [detector.score_one(0, v) for v in one.values[:500]] == score[:500].tolist()


def test_the_features_to_look_at_stand_in_their_own_order():
    detector = Forest(features="volatility, value")
    assert detector.features == "value,volatility"
    assert detector.clone().get_params() == detector.get_params()
    assert detector.fit(healthy(200))._trees.features == 4


@pytest.mark.parametrize("features", ["", "vale", "value,,jump"])
def test_an_unknown_feature_is_refused(features):
    with pytest.raises(DetectorError, match="unknown feature of forest"):
        Forest(features=features)


def test_a_copy_of_a_stream_goes_its_own_way_with_the_same_trees(forest):
    forest.reset()
    forest.score(healthy(50))
    stream = forest.device("monitor-1").stream
    copied = copy.deepcopy(stream)
    assert copied._trees is stream._trees
    part = healthy(60, 5)
    first = copied.judge(part).scores.tolist()
    assert copied.judge(part).scores.tolist() != first
    assert stream.judge(part).scores.tolist() == first


def test_facts_are_given_only_where_they_are_wanted(forest):
    stream = forest.open_stream("monitor-1")
    assert not stream.judge(healthy(10)).facts
    stream.explaining = True
    for n in (0, 10, 5_000):
        assert stream.judge(healthy(n)).facts["features"].shape == (n, 8)


def test_the_fit_scores_nothing(monkeypatch):
    def score(self, rows):
        raise AssertionError("a scoring pass")

    monkeypatch.setattr("sensorkit.detect.kernels.walks.Walker.score", score)
    monkeypatch.setattr("sklearn.ensemble.IsolationForest._score_samples", score)
    Forest().fit(healthy(200))


def test_a_saved_forest_scores_without_importing_scikit_learn(forest, tmp_path):
    path = detect.save(forest, tmp_path / "forest")
    code = (
        "import sys; from sensorkit import detect; "
        f"detect.load({str(path)!r}).score_one(0, [25.0, 5.0]); "
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reading_that_may_not_be_written_or_is_strided_scores_the_same(forest):
    readings = healthy(30)
    forest.reset()
    expected = forest.score(readings).tolist()
    strided = np.asfortranarray(readings.values)
    strided.flags.writeable = False
    forest.reset()
    assert [forest.score_one(0, row) for row in strided] == expected
