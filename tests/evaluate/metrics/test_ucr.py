import numpy as np
import pytest

from sensorkit.evaluate.metrics import ucr_hit, ucr_score


def peak(at, n=1000):
    return (np.arange(n) == at).astype(float)


ANOMALY = (np.arange(1000) >= 500) & (np.arange(1000) < 520)


@pytest.mark.parametrize(
    ("at", "hit"), [(399, False), (400, True), (510, True), (619, True), (620, False)]
)
def test_the_highest_score_may_be_100_readings_off(at, hit):
    assert ucr_hit(ANOMALY, peak(at)) is hit


@pytest.mark.parametrize(("at", "hit"), [(499, False), (500, True), (519, True), (520, False)])
def test_without_a_margin_it_must_be_in_the_anomaly(at, hit):
    assert ucr_hit(ANOMALY, peak(at), margin=0) is hit


def test_of_equal_scores_the_first_counts():
    assert ucr_hit(ANOMALY, peak(510) + peak(900))
    assert not ucr_hit(ANOMALY, peak(100) + peak(510))
    assert not ucr_hit(ANOMALY, np.zeros(1000))


def test_infinity_is_a_score():
    assert ucr_hit(ANOMALY, np.where(np.arange(1000) == 510, np.inf, 0.0))


def test_an_anomaly_may_lie_at_either_end():
    assert ucr_hit([1, 0, 0], [3, 0, 0], margin=0)
    assert ucr_hit([0, 0, 1], [0, 0, 3], margin=0)
    assert ucr_hit([1, 1, 1], [0, 3, 0])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 0], [0, 1], "none of the 2 labels is 1"),
        ([1, 0, 1], [0, 1, 0], "2 ranges are labelled, the UCR score wants exactly one"),
        ([0, 1], [0, np.nan], "1 of 2 scores are NaN, the first at 1"),
        ([0, 1], [0, 1, 2], r"labels has shape \(2,\) and scores \(3,\)"),
        ([], [], "none of the 0 labels"),
    ],
)
def test_input_that_makes_no_sense_is_refused(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        ucr_hit(labels, scores)


@pytest.mark.parametrize("margin", [-1, 1.5, True, None, 10**30])
def test_a_margin_is_a_number_of_readings(margin):
    with pytest.raises(ValueError, match="margin is"):
        ucr_hit([0, 1], [0, 1], margin=margin)


def test_the_score_is_the_share_of_series_hit():
    assert ucr_score(hit for hit in (True, False, False, False)) == 0.25


def test_the_score_wants_hits():
    with pytest.raises(ValueError, match="hits is empty"):
        ucr_score([])
    with pytest.raises(ValueError, match=r"hits\[1\] is .*0.5"):
        ucr_score([1, 0.5])
