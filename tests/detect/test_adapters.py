"""Models of others as detectors: the scores are theirs, the rest is sensorkit's."""

import re
import subprocess
import sys

import numpy as np
import pytest
from pyod.models.copod import COPOD
from pyod.models.knn import KNN
from pyod.models.sod import SOD
from pyod.models.sos import SOS
from river import anomaly, preprocessing
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sensorkit import detect
from sensorkit.detect.kernels.changes import robust_sigma
from sensorkit.detect.streams import LARGEST
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Severity

CHANNELS = ("temperature", "voltage")


def readings(n=300, seed=0, **changed):
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(25.0, 0.2, n), rng.normal(5.0, 0.02, n)])
    for row, pair in changed.items():
        values[int(row[1:])] = pair
    return Readings.build(np.arange(n) * 10**9, values, CHANNELS)


FIT = readings(seed=1)


def standardized(values):
    scale = [robust_sigma(column) for column in FIT.values.T]
    return (values - np.median(FIT.values, axis=0)) / scale


def from_nominal(values):
    return np.abs((values - [25.0, 5.0]) / [0.2, 0.02]).max(axis=-1)


MODELS = {
    "scikit-learn": lambda **o: detect.from_sklearn(LocalOutlierFactor(novelty=True), **o),
    "PyOD": lambda **o: detect.from_pyod(KNN(), **o),
    "River": lambda **o: detect.from_river(
        preprocessing.StandardScaler() | anomaly.LocalOutlierFactor(n_neighbors=5), **o
    ),
    "a function": lambda **o: detect.from_function(from_nominal, **o),
}
every_model = pytest.mark.parametrize("made", MODELS.values(), ids=MODELS)


# The scores are those of the model


@pytest.mark.parametrize(
    "model", [IsolationForest(random_state=3), LocalOutlierFactor(novelty=True), OneClassSVM()]
)
def test_scores_are_the_negative_ones_of_scikit_learn(model):
    taken = readings(seed=2)
    fitted = clone(model).fit(standardized(FIT.values))
    np.testing.assert_allclose(
        detect.from_sklearn(model).fit(FIT).score(taken),
        -fitted.score_samples(standardized(taken.values)),
        rtol=1e-9,
    )


def test_scores_are_those_of_pyod():
    taken = readings(seed=2)
    fitted = KNN().fit(standardized(FIT.values))
    np.testing.assert_allclose(
        detect.from_pyod(KNN()).fit(FIT).score(taken),
        fitted.decision_function(standardized(taken.values)),
        rtol=1e-9,
    )


def test_scores_are_those_of_river_given_before_the_reading_is_learned():
    taken, model = (
        readings(seed=2),
        anomaly.HalfSpaceTrees(
            limits={"temperature": (24, 26), "voltage": (4.9, 5.1)}, window_size=50, seed=1
        ),
    )
    detector = detect.from_river(model).fit(FIT)
    rows = [dict(zip(CHANNELS, row, strict=True)) for row in FIT.values.tolist()]
    for row in rows:
        model.learn_one(row)
    expected = []
    for row in taken.values.tolist():
        values = dict(zip(CHANNELS, row, strict=True))
        expected.append(model.score_one(values))
        model.learn_one(values)
    np.testing.assert_array_equal(detector.score(taken), expected)


@pytest.mark.parametrize(
    "model",
    [
        anomaly.GaussianScorer(),
        anomaly.QuantileFilter(anomaly.GaussianScorer(), q=0.999),
        anomaly.StandardAbsoluteDeviation(),
    ],
    ids=lambda model: str(model).split("(")[0],
)
def test_a_river_model_that_judges_one_value_watches_each_channel(model):
    detector = detect.from_river(model, name="each").fit(FIT)
    begun = detector.alerts(readings(seed=2, _100=(25.0, 9.0)))
    assert ("voltage", 100 * 10**9) in [(alert.channel, alert.start) for alert in begun]


def test_a_river_model_that_predicts_a_channel_gets_the_others():
    made = anomaly.PredictiveAnomalyDetection()
    detector = detect.from_river(made).fit(FIT)
    for x, y in zip(FIT.values[:, :1].tolist(), FIT.values[:, 1].tolist(), strict=True):
        made.learn_one({"temperature": x[0]}, y)
    expected = made.score_one({"temperature": 25.0}, 9.0)
    assert detector.score(readings(1, _0=(25.0, 9.0)))[0] >= expected > 0


def test_a_function_gets_windows_of_the_past():
    seen = []

    def last_of(windows):
        seen.append(windows.shape)
        return windows[:, -1, 0]

    detector = detect.from_function(last_of, window=4).fit(FIT)
    taken = readings(seed=2)
    scores = detector.score(taken)
    assert seen[-1] == (297, 4, 2)
    np.testing.assert_allclose(scores[3:], taken.values[3:, 0], rtol=1e-9)
    np.testing.assert_allclose(scores[:3], np.median(FIT.values[:, 0]), atol=0.1)


@every_model
def test_what_the_user_gave_is_not_changed(made):
    detector = made()
    model = getattr(detector, "model", None)
    before = repr(vars(model)) if model is not None else None
    detector.fit(FIT).score(readings(seed=2))
    if model is not None:
        assert detector.model is model
        assert repr(vars(model)) == before


def test_a_window_shows_a_model_what_single_values_hide():
    def swing(seed):
        noise = np.random.default_rng(seed).normal(0.0, 0.05, 2000)
        values = np.sin(np.arange(2000) / 7.0) + noise
        return Readings.build(np.arange(2000) * 10**9, values[:, None], ["level"])

    stuck = swing(1)
    stuck.values[1000:1050] = 0.1  # in the middle of the swing
    found = {}
    for window in (1, 10):
        detector = detect.from_pyod(KNN(), window=window)
        detector.fit(swing(2)).calibrate(swing(3), 1)
        found[window] = (detector.score(stuck)[1010:1050] >= detector.threshold_).mean()
    assert found == {1: 0.0, 10: 1.0}


def test_a_large_offset_costs_no_digits():
    def moved(taken):
        taken.values[:, 0] += 1e9
        return taken

    far = detect.from_sklearn(IsolationForest(random_state=3)).fit(moved(readings(seed=1)))
    near = detect.from_sklearn(IsolationForest(random_state=3)).fit(FIT)
    np.testing.assert_allclose(
        far.score(moved(readings(seed=2))), near.score(readings(seed=2)), atol=0.02
    )


def test_a_density_is_a_detector_too():
    detector = detect.from_sklearn(GaussianMixture(random_state=0), name="density").fit(FIT)
    assert detector.score(readings(_50=(27.0, 5.0))).argmax() == 50


# Missing and infinite values


@every_model
def test_a_reading_without_values_scores_as_healthy_ones_do(made):
    detector = made().fit(FIT)
    taken = readings(seed=2, _0=(np.nan, np.nan), _200=(np.nan, np.nan))
    scores = detector.score(taken)
    low, high = np.quantile(np.delete(scores, [0, 200]), [0.0, 0.95])
    assert low <= scores[0] <= high
    assert low <= scores[200] <= high


@every_model
def test_an_infinite_value_is_an_alarm(made):
    detector = made().fit(FIT)
    assert detector.score(readings(_60=(25.0, -np.inf)))[60] == LARGEST
    detector.reset()
    begun = detector.alerts(readings(_60=(25.0, -np.inf)))
    alert = next(alert for alert in begun if alert.start == 60 * 10**9)
    assert (alert.channel, alert.severity) == ("voltage", Severity.CRITICAL)
    assert alert.description == "Voltage -inf is not finite."


def test_a_missing_value_is_the_last_one_of_its_channel():
    taken, filled = readings(seed=2, _7=(25.1, np.nan)), readings(seed=2)
    filled.values[7] = 25.1, filled.values[6, 1]
    for made in (MODELS["scikit-learn"], MODELS["PyOD"], MODELS["a function"]):
        np.testing.assert_array_equal(made().fit(FIT).score(taken), made().fit(FIT).score(filled))


def test_river_does_not_learn_what_is_not_complete():
    model = anomaly.GaussianScorer(window_size=20, grace_period=10)
    detector = detect.from_river(model).fit(FIT)
    holes = readings(200, seed=2)
    holes.values[:100, 1] = np.nan
    holes.values[:100, 0] += 50.0
    assert detector.score(holes)[99] > detector.threshold_


def test_a_function_never_sees_a_hole():
    def whole(values):
        assert np.isfinite(values).all()
        return from_nominal(values)

    detector = detect.from_function(whole).fit(FIT)
    detector.score(readings(_0=(np.nan, 5.0), _1=(np.inf, np.nan), _9=(np.nan, np.nan)))


def test_hold_keeps_river_from_learning_a_fault():
    shifted = readings(400, seed=2)
    shifted.values[200:, 0] += 3.0
    made = {
        hold: detect.from_river(
            anomaly.GaussianScorer(window_size=50, grace_period=10), hold=hold
        ).fit(FIT)
        for hold in (0, 1000)
    }
    late = {
        hold: (detector.score(shifted)[300:] >= detector.threshold_).mean()
        for hold, detector in made.items()
    }
    assert late[0] < 0.05
    assert late[1000] == 1.0


# Models that look at more than the row


def test_a_model_that_pools_the_readings_of_a_call_is_asked_for_one_at_a_time():
    detector = detect.from_pyod(COPOD()).fit(FIT)
    fitted = COPOD().fit(standardized(FIT.values))
    taken = readings(20, seed=2)
    rows = standardized(taken.values)
    alone = [fitted.decision_function(rows[i : i + 1])[0] for i in range(20)]
    np.testing.assert_allclose(detector.score(taken), alone, rtol=1e-9)
    assert not np.allclose(fitted.decision_function(rows), alone)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (SOS(), "SOS.decision_function compares readings with others in the same call"),
        (SOD(), r"SOD.decision_function of readings of shape \(\d, 2\) raised ValueError"),
    ],
)
def test_a_model_that_cannot_score_a_new_reading_is_refused(model, said):
    with pytest.raises(DetectorError, match=rf"{said}.*A reading has to be scored when it comes"):
        detect.from_pyod(model).fit(FIT)


def test_a_function_of_the_whole_batch_is_refused():
    detector = detect.from_function(lambda values: np.abs(values - values.mean(axis=0)).max(axis=1))
    with pytest.raises(DetectorError, match="compares readings with others in the same call"):
        detector.fit(FIT)
    detector = detect.from_function(lambda values: values[:, 0] / values[:, 0].max())
    with pytest.raises(DetectorError, match="compares readings with others in the same call"):
        detector.fit(FIT)
    detector = detect.from_function(lambda values: values[:, 0] - 0.5 * values[:, 0].max())
    with pytest.raises(DetectorError, match="another score when others come with it"):
        detector.fit(FIT)


# Wrong use


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: detect.from_sklearn(LocalOutlierFactor()),
            "novelty=False only judges the readings it is fitted on; give it novelty=True",
        ),
        (
            lambda: detect.from_sklearn(make_pipeline(StandardScaler(), LocalOutlierFactor())),
            "give it novelty=True",
        ),
        (lambda: detect.from_sklearn(KNN()), "KNN is a PyOD model; use detect.from_pyod"),
        (
            lambda: detect.from_sklearn(LogisticRegression()),
            "a LogisticRegression came; a scikit-learn estimator is wanted",
        ),
        (lambda: detect.from_pyod(OneClassSVM()), "scikit-learn.*use detect.from_sklearn"),
        (
            lambda: detect.from_pyod("knn"),
            r"a str came; a PyOD model is wanted.*pip install 'sensorkit\[models\]'",
        ),
        (
            lambda: detect.from_river(KNN()),
            r"a KNN came; a River anomaly model is wanted.*pip install 'sensorkit\[models\]'",
        ),
        (lambda: detect.from_river(preprocessing.StandardScaler()), "a River anomaly model is"),
        (
            lambda: detect.from_river(preprocessing.StandardScaler() | anomaly.GaussianScorer()),
            "GaussianScorer judges a target, which River's pipelines do not hand on",
        ),
        (lambda: detect.from_function(3), "mine: 3 is no function"),
        (lambda: detect.from_function(len, name="sigma"), "called 'sigma'.*and none of always"),
        (lambda: detect.from_function(len, name="my own"), "called 'my own'; a letter, then"),
        (
            lambda: detect.from_sklearn(OneClassSVM(), features="value"),
            "unknown kind of features 'value'.*did you mean 'values'",
        ),
        (lambda: detect.from_sklearn(OneClassSVM(), window=0), "window is 0; a whole number"),
        (
            lambda: detect.from_sklearn(LocalOutlierFactor),
            r"the class LocalOutlierFactor came; a model is wanted: LocalOutlierFactor\(\)",
        ),
        (
            lambda: detect.from_sklearn(OneClassSVM, name="svm"),
            r"the class OneClassSVM came; a model is wanted: OneClassSVM\(\)",
        ),
        (lambda: detect.from_pyod(KNN), r"the class KNN came; a model is wanted: KNN\(\)"),
        (
            lambda: detect.from_river(anomaly.HalfSpaceTrees),
            r"the class HalfSpaceTrees came; a model is wanted: HalfSpaceTrees\(\)",
        ),
    ],
)
def test_wrong_use_is_one_sentence(make, said):
    with pytest.raises(DetectorError, match=said):
        make()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda values: values, r"gave scores of shape \(8, 2\) for readings of shape \(8, 2\)"),
        (lambda values: 1.0, r"gave scores of shape \(\) .*one number is wanted for each"),
        (lambda values: values[:, 0] * np.nan, "gave NaN for 8 of 8 complete readings"),
        (lambda values: values[:, 7], "raised IndexError: index 7 is out of bounds"),
    ],
)
def test_what_a_function_gets_wrong_is_said_by_fit(function, said):
    with pytest.raises(DetectorError, match=said):
        detect.from_function(function).fit(FIT)


@every_model
def test_too_few_readings_are_refused(made):
    few = readings()
    few.values[10:, 1] = np.nan
    with pytest.raises(DetectorError, match=r"10 of the 300 .* \(the values of voltage: 10\)"):
        made().fit(few)


@pytest.mark.parametrize("made", [MODELS["scikit-learn"], MODELS["a function"]])
def test_too_few_windows_are_refused(made):
    gaps = readings()
    gaps.values[::5] = np.nan
    with pytest.raises(DetectorError, match="0 of the 300 readings to fit on are complete"):
        made(window=10).fit(gaps)


def test_what_a_model_raises_names_the_model():
    with pytest.raises(DetectorError, match=r"lof: LocalOutlierFactor.fit raised .* on 300 rows"):
        detect.from_sklearn(LocalOutlierFactor(novelty=True, n_neighbors=-1), name="lof").fit(FIT)


def test_what_river_raises_names_the_model():
    class Fragile(anomaly.HalfSpaceTrees):
        def score_one(self, x):
            raise ZeroDivisionError("no trees")

    with pytest.raises(
        DetectorError, match=r"Fragile.score_one raised ZeroDivisionError: no trees"
    ):
        detect.from_river(Fragile(seed=1), name="fragile").fit(FIT)


@every_model
def test_it_cannot_be_saved_and_says_what_to_do(made, tmp_path):
    with pytest.raises(DetectorError, match=r"no form that is safe to load. Keep the code that"):
        detect.save(made().fit(FIT), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


# Alerts


@every_model
def test_an_alert_names_the_channel_that_is_farthest_from_usual(made):
    profile = Profile.load("serial_monitor")
    detector = made(name="Own", profile=profile).fit(FIT)
    begun = detector.alerts(readings(seed=2, _100=(25.1, 6.0)))
    alert = next(alert for alert in begun if alert.start == 100 * 10**9)
    assert (alert.type, alert.detector) == ("ANOMALY_OWN", "Own")
    assert (alert.channel, alert.value) == ("voltage", 6.0)
    assert alert.description.startswith("Voltage 6.00V is ")
    assert " sigma above its usual 5.00V, the farthest of all channels (Own: a score of " in (
        alert.description
    )


def test_one_channel_is_not_called_the_farthest():
    one = Readings.build(FIT.time, FIT.values[:, :1], CHANNELS[:1])
    detector = detect.from_function(lambda values: abs(values[:, 0] - 25.0)).fit(one)
    low = Readings.build(np.array([0]), np.array([[20.0]]), CHANNELS[:1])
    assert re.fullmatch(
        r"Temperature 20 is 2\d\.\d sigma below its usual 24\.9\d+ "
        r"\(mine: a score of 5 reaches 0\.\d+\)\.",
        detector.alerts(low)[0].description,
    )


def test_an_alert_is_critical_twice_as_far_from_the_typical_score():
    detector = detect.from_function(lambda values: values[:, 0] - 1000.0).fit(FIT)
    usual = float(np.median(FIT.values[:, 0]))
    detector.calibrate(readings(seed=4))
    beyond = detector.threshold_ + 1000.0 - usual
    for factor, severity in ((1.9, Severity.WARNING), (2.1, Severity.CRITICAL)):
        detector.reset()
        (alert,) = detector.alerts(readings(10, seed=9, _9=(usual + factor * beyond, 5.0)))
        assert alert.severity == severity


def test_names_come_from_the_class_of_the_model():
    assert detect.from_sklearn(LocalOutlierFactor(novelty=True)).name == "local_outlier_factor"
    assert detect.from_pyod(KNN()).name == "knn"
    scaled = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1)
    assert detect.from_river(scaled).name == "half_space_trees"
    assert detect.from_sklearn(make_pipeline(StandardScaler(), OneClassSVM())).name == (
        "one_class_svm"
    )


def test_a_model_can_be_exchanged_by_its_parameter():
    detector = detect.from_sklearn(OneClassSVM(), window=2).fit(FIT)
    detector.set_params(model=IsolationForest(), window=3)
    assert detector.get_params()["model"].__class__ is IsolationForest
    assert not detector.fitted


OTHERS = "import sys, sensorkit.detect; print({'sklearn', 'pyod', 'river'} & set(sys.modules))"


def test_sensorkit_imports_none_of_them():
    done = subprocess.run(
        [sys.executable, "-c", OTHERS], check=True, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"
