import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from sensorkit.evaluate.metrics import (
    average_precision,
    point_scores,
    roc_auc,
    vus,
    vus_pr,
    vus_roc,
)


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(st.booleans(), min_size=2, max_size=50).filter(lambda x: any(x) and not all(x)),
    buffer=st.integers(0, 60),
    thresholds=st.sampled_from([None, 2, 3, 10, 250]),
    decimals=st.integers(0, 2),
    seed=st.integers(0, 1000),
)
def test_vus_equals_its_slow_twin(naive_vus, labels, buffer, thresholds, decimals, seed):
    scores = np.round(np.random.default_rng(seed).normal(size=len(labels)), decimals)
    slow = naive_vus([int(x) for x in labels], scores.tolist(), buffer, thresholds)
    fast = vus(labels, scores, buffer=buffer, thresholds=thresholds)
    assert fast == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_and_roc_auc_equal_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.random(2000) < 0.05
    scores = np.round(rng.normal(size=2000) + labels, 2)
    expected = average_precision_score(labels, scores)
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_point_scores_equal_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, flags = rng.random((2, 500)) < 0.3
    precision, recall, f1, _ = precision_recall_fscore_support(labels, flags, average="binary")
    assert point_scores(labels, flags) == pytest.approx((precision, recall, f1))


def test_nothing_flagged_has_no_precision():
    found = point_scores([0, 1, 1], [0, 0, 0])
    assert np.isnan(found.precision)
    assert (found.recall, found.f1) == (0.0, 0.0)


def random_series(n=3000, seed=7):
    rng = np.random.default_rng(seed)
    labels = np.zeros(n, dtype=bool)
    for start in range(200, n - 100, 400):
        labels[start : start + 30] = True
    return labels, rng.normal(size=n) + 2 * labels


def test_vus_without_buffer_and_one_range_is_average_precision_and_roc_auc():
    labels, scores = random_series()
    labels[300:] = False
    assert vus_pr(labels, scores, buffer=0) == pytest.approx(average_precision(labels, scores))
    assert vus_roc(labels, scores, buffer=0) == pytest.approx(roc_auc(labels, scores))


@pytest.mark.parametrize("metric", [average_precision, roc_auc])
def test_only_the_order_of_scores_counts(metric):
    labels, scores = random_series()
    assert metric(labels, np.exp(scores)) == metric(labels, scores)
    assert vus(labels, np.exp(scores), buffer=40) == vus(labels, scores, buffer=40)


def test_250_thresholds_put_vus_pr_too_low_where_faults_are_rare():
    rng = np.random.default_rng(3)
    labels = np.zeros(40_000, dtype=bool)
    for start in range(500, 4000, 400):
        labels[start : start + 40] = True
    scores = rng.normal(size=len(labels)) + rng.exponential(3, len(labels)) * labels
    sampled = vus_pr(labels, scores, buffer=100, thresholds=250)
    exact = vus_pr(labels, scores, buffer=100)
    assert sampled < 0.97 * exact


def test_a_buffer_forgives_a_late_alarm():
    labels = np.zeros(500, dtype=bool)
    labels[200:210] = True
    late = np.roll(labels, 12).astype(float)
    assert vus_pr(labels, late, buffer=0) < 0.1
    assert vus_pr(labels, late, buffer=60) > 0.3


def test_infinite_scores_are_ordered_like_numbers():
    labels = [0, 1, 0, 1]
    assert vus(labels, [-np.inf, np.inf, 0, 1], buffer=2) == vus(labels, [-9, 9, 0, 1], buffer=2)
    infinite = average_precision(labels, [-np.inf, np.inf, 0, 1])
    assert infinite == average_precision(labels, [-9, 9, 0, 1])


def test_all_labelled_has_vus_pr_but_no_roc():
    assert vus_pr([1, 1, 1], [0.1, 0.2, 0.3], buffer=4) == pytest.approx(1.0)
    assert np.isnan(vus([1, 1, 1], [0.1, 0.2, 0.3], buffer=4).roc)
    for metric in (lambda y, s: vus_roc(y, s, buffer=4), roc_auc):
        with pytest.raises(ValueError, match="all 3 labels are 1"):
            metric([1, 1, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    "metric",
    [
        lambda y, s: vus_pr(y, s, buffer=3),
        lambda y, s: vus_roc(y, s, buffer=3),
        average_precision,
        roc_auc,
    ],
)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1, 0], [0.1, np.nan, 0.3], "1 of 3 scores are NaN, the first at 1"),
        ([0, 0, 0], [0.1, 0.2, 0.3], "none of the 3 labels is 1"),
        ([], [], "none of the 0 labels is 1"),
        ([0, 1], [0.1, 0.2, 0.3], r"labels has shape \(2,\) and scores \(3,\)"),
        ([0, 2, 1], [0.1, 0.2, 0.3], r"labels\[1\] is .*2.*, 0 or 1 is wanted"),
        ([0, np.nan, 1], [0.1, 0.2, 0.3], r"labels\[1\] is .*nan"),
        ([[0, 1]], [[0.1, 0.2]], r"labels has shape \(1, 2\)"),
    ],
)
def test_input_that_makes_no_sense_is_refused(metric, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize("buffer", [-1, 2.5, True, None, 10**30])
def test_a_buffer_is_a_whole_number_of_readings(buffer):
    with pytest.raises(ValueError, match="buffer is"):
        vus_pr([0, 1], [0, 1], buffer=buffer)


@pytest.mark.parametrize("thresholds", [0, 1, 2.5, True])
def test_thresholds_are_two_or_more(thresholds):
    with pytest.raises(ValueError, match="thresholds is"):
        vus_pr([0, 1], [0, 1], buffer=1, thresholds=thresholds)
