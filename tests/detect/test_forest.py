import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from sensorkit.detect.forest import FEATURES, FeatureStream, Forest, foreign_rows
from sensorkit.detect.trees import Trees
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


@pytest.mark.parametrize("features", [1, 3, 8])
@pytest.mark.parametrize("columns_per_tree", [1.0, 0.5])
def test_scores_are_those_of_scikit_learn(features, columns_per_tree):
    rng = np.random.default_rng(features)
    fit = rng.normal(size=(1_000, features)).astype(np.float32)
    model = IsolationForest(max_features=columns_per_tree, random_state=0).fit(fit)
    rows = np.vstack([fit, rng.standard_cauchy((1_000, features)).astype(np.float32), fit.round()])
    trees = Trees.of(model)
    trees.check()
    np.testing.assert_allclose(trees.score(rows), -model.score_samples(rows), atol=1e-12, rtol=0)


def test_scores_are_those_of_scikit_learn_on_the_splits_themselves():
    fit = np.random.default_rng(5).normal(size=(300, 1)).astype(np.float32)
    model = IsolationForest(random_state=0).fit(fit)
    trees = Trees.of(model)
    edges = trees.threshold.astype(np.float32)[:, None]
    rows = np.vstack([edges, np.nextafter(edges, np.float32(np.inf))])
    np.testing.assert_allclose(trees.score(rows), -model.score_samples(rows), atol=1e-12, rtol=0)


def test_the_features_are_value_difference_departure_and_spread():
    readings = healthy(100)
    features = FeatureStream(2, window=20).features(readings)
    assert features.shape == (100, 2 * len(FEATURES))
    voltage = readings.channel("voltage")
    before = voltage[40:60]
    expected = [
        voltage[60],
        voltage[60] - voltage[59],
        voltage[60] - before.mean(),
        before.std(),
    ]
    assert features[60, 4:] == pytest.approx(expected)
    assert np.isnan(features[0, 5:]).all()


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
    ],
)
def test_a_spike_in_one_channel_is_an_alert_that_names_it(
    forest, temperature, voltage, channel, words
):
    alert = alert_at_100(forest, temperature, voltage)
    assert alert.channel == channel
    assert alert.type == "ANOMALY_FOREST"
    assert alert.description == (
        f"{words} stands out among 2 channels: isolation score {alert.score:.3f} "
        f"reaches the threshold of {forest.threshold_:.3f}."
    )


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


def test_a_glitch_in_the_fit_does_not_stretch_the_reach_of_foreign_readings():
    rows = np.random.default_rng(6).normal(size=(5_000, 2)).astype(np.float32)
    rows[7] = 1e30
    foreign = foreign_rows(rows, 2_000, np.random.default_rng(7))
    moved = foreign[(np.abs(foreign) > 5).any(axis=1)]
    assert len(moved) > 1_000
    assert np.quantile(np.abs(foreign), 0.999) < 20.0


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


@pytest.mark.parametrize(
    ("array", "node", "value", "message"),
    [
        ("left", 0, 0, "does not come behind its parent"),
        ("right", 0, 10**6, "does not come behind its parent"),
        ("left", 0, -1, "has one child"),
        ("feature", 0, 8, "beyond the 8"),
        ("feature", 0, -2, "beyond the 8"),
        ("roots", 0, -1, "outside the nodes"),
        ("length", 0, np.nan, "not a number above 0"),
    ],
)
def test_trees_that_lead_nowhere_are_refused(forest, array, node, value, message):
    changed = getattr(forest._trees, array).copy()
    changed[node] = value
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(forest._trees, **{array: changed}).check()
