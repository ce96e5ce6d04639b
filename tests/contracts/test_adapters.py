"""Models of others keep every promise, once they are adapted; what cannot hold is declared."""

import copy
import functools

import checks
import numpy as np
import plain_functions
import pytest
from any_streams import streams
from hypothesis import given, settings
from pyod.models.ecod import ECOD
from pyod.models.knn import KNN
from pyod.models.pca import PCA
from river import anomaly, preprocessing
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sensorkit import detect
from sensorkit.profile import Profile

PROFILE = Profile.load("serial_monitor")

MODELS = {
    "isolation_forest": lambda **o: detect.from_sklearn(IsolationForest(n_estimators=20), **o),
    "lof": lambda **o: detect.from_sklearn(
        LocalOutlierFactor(novelty=True), features="both", window=3, name="lof", **o
    ),
    "svm": lambda **o: detect.from_sklearn(OneClassSVM(nu=0.01), features="differences", **o),
    "pipeline": lambda **o: detect.from_sklearn(
        make_pipeline(StandardScaler(), EllipticEnvelope()), **o
    ),
    "pca": lambda **o: detect.from_pyod(PCA(), features="both", **o),
    "knn": lambda **o: detect.from_pyod(KNN(), window=5, **o),
    "trees": lambda **o: detect.from_river(
        preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(n_trees=5, height=6, seed=1), **o
    ),
    "gaussian": lambda **o: detect.from_river(anomaly.GaussianScorer(), **o),
    "function": lambda **o: detect.from_function(plain_functions.from_nominal, **o),
    "function_of_windows": lambda **o: detect.from_function(
        plain_functions.steepness, window=4, name="steepness", **o
    ),
}

# ECOD ranks a reading among those of the fit and all others of the call. Scored alone it keeps
# every promise, a millisecond each; these are the ones at risk.
POOLED = [
    checks.check_scores_do_not_depend_on_the_cut,
    checks.check_alerts_do_not_depend_on_the_cut,
    checks.check_the_future_changes_no_past_score,
    checks.check_nothing_that_comes_raises,
    checks.check_devices_do_not_touch_each_other,
]

# What shaping could break.
SHAPED = [
    checks.check_scores_do_not_depend_on_the_cut,
    checks.check_alerts_do_not_depend_on_the_cut,
    checks.check_the_future_changes_no_past_score,
]


@functools.cache
def fitted(name):
    return MODELS[name](profile=PROFILE).fit(checks.healthy(500, seed=99))


def ready(name):
    return lambda: copy.deepcopy(fitted(name))


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_every_adapter_keeps(name, check):
    reason = fitted(name).contract_exceptions.get(check.__name__)
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
    check(ready(name))


@pytest.mark.parametrize("check", POOLED, ids=lambda check: check.__name__)
def test_a_model_that_pools_the_readings_of_a_call_keeps(check):
    detector = detect.from_pyod(ECOD()).fit(checks.healthy(100, seed=99))
    check(lambda: copy.deepcopy(detector))


@pytest.mark.parametrize("name", MODELS)
def test_an_exception_names_a_promise_and_a_reason(name):
    known = {check.__name__ for check in checks.CHECKS}
    for check, reason in fitted(name).contract_exceptions.items():
        assert check in known
        assert reason


@pytest.mark.parametrize("name", ["isolation_forest", "pca", "gaussian", "function_of_windows"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(stream=streams())
def test_no_cut_of_any_stream_changes_anything(name, stream):
    readings, at = stream
    checks.check_scores_do_not_depend_on_the_cut(ready(name), readings, at)
    checks.check_alerts_do_not_depend_on_the_cut(ready(name), readings, at)


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_can_be_repeated(name):
    scores = [
        MODELS[name]().fit(checks.healthy(500, seed=99)).score(checks.faulty()) for _ in range(2)
    ]
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("option", [{"smooth": 5}, {"tail": 200}, {"hold": 40}], ids=str)
@pytest.mark.parametrize("name", ["lof", "gaussian", "function_of_windows"])
def test_no_shared_option_breaks_a_promise(name, option):
    detector = MODELS[name](**option).fit(checks.healthy(500, seed=99))
    for check in SHAPED:
        check(lambda: copy.deepcopy(detector))
