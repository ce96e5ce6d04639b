import copy

import naive
import numpy as np
import pytest

from sensorkit.detect.tails import LARGEST, MOST_IMPROBABLE, RunningTail, Tail
from sensorkit.errors import DetectorError


def noise(n, seed=1):
    return np.random.default_rng(seed).exponential(size=n)


def bursts(n, seed=2):
    rng = np.random.default_rng(seed)
    return np.exp(2.0 * rng.normal(size=n)).round(1)


STREAMS = [
    pytest.param(noise(900), id="exponential"),
    pytest.param(bursts(900), id="heavy-tailed, with ties"),
    pytest.param(np.zeros(200), id="all zero"),
    pytest.param(np.repeat([0.0, 1.0, 0.0, 5.0, 0.0], 60), id="steps"),
    pytest.param(1e9 + 1e-3 * noise(400), id="offset 1e9"),
    pytest.param(1e300 * noise(400), id="1e300"),
    pytest.param(1e-300 * noise(400), id="1e-300"),
    pytest.param(np.where(np.arange(400) % 97, noise(400), 1e12), id="glitches"),
    pytest.param(np.where(np.arange(400) % 7, noise(400), np.nan), id="missing"),
    pytest.param(np.where(np.arange(400) % 7, noise(400), LARGEST), id="infinite"),
    pytest.param(np.where(np.arange(400) % 7, -noise(400), -LARGEST), id="nothing to judge"),
]

HOSTILE = [
    np.full(300, LARGEST),
    np.full(300, -LARGEST),
    np.full(300, np.inf),
    np.full(300, np.nan),
    np.resize([LARGEST, -LARGEST, 0.0, 1.0, np.nan, np.inf, -np.inf], 700),
    np.resize([1.7e308, -1.7e308], 700),
    np.resize([5e-324, 0.0], 700),
    np.concatenate([np.full(300, -1.7e308), np.full(300, 1.7e308)]),
    np.concatenate([np.zeros(300), [5.0], np.zeros(300), [1e308, 5.0]]),
]


@pytest.mark.parametrize("scores", STREAMS)
@pytest.mark.parametrize(("length", "delay"), [(50, 0), (120, 0), (5000, 0), (120, 1), (120, 90)])
def test_the_running_tail_equals_its_slow_twin(scores, length, delay):
    expected = naive.running_tail(scores.tolist(), length=length, delay=delay)
    improbable = RunningTail(length, delay=delay).judge(scores)
    np.testing.assert_allclose(improbable, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scores", STREAMS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_cut_of_the_stream_changes_no_bit(scores, seed):
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(scores) + 1, 12))
    whole, tail = RunningTail(100, delay=30).judge(scores), RunningTail(100, delay=30)
    parts = np.concatenate([tail.judge(part) for part in np.split(scores, cuts)])
    assert parts.tobytes() == whole.tobytes()


def test_one_score_at_a_time_gives_the_same_bits():
    scores = bursts(700)
    tail = RunningTail(200)
    ones = np.array([tail.judge_one(score) for score in scores.tolist()])
    assert ones.tobytes() == RunningTail(200).judge(scores).tobytes()


def test_the_future_changes_no_improbability():
    scores = noise(600)
    changed = scores.copy()
    changed[400:] = 1e6
    before = [RunningTail(200).judge(each)[:400] for each in (scores, changed)]
    assert before[0].tobytes() == before[1].tobytes()


def test_told_not_to_learn_it_remembers_nothing():
    tail, scores = RunningTail(200), noise(300)
    tail.judge(scores)
    first = tail.judge(bursts(50), learn=False)
    assert tail.judge(bursts(50), learn=False).tobytes() == first.tobytes()
    assert tail.judge_one(7.0, learn=False) == tail.judge_one(7.0, learn=False)


@pytest.mark.parametrize("scores", HOSTILE)
def test_improbabilities_are_numbers_from_0_to_30_whatever_comes(scores):
    improbable = RunningTail(100).judge(scores)
    assert ((improbable >= 0.0) & (improbable <= MOST_IMPROBABLE)).all()


def test_the_first_50_scores_only_teach():
    assert not RunningTail(100).judge(noise(50)).any()
    assert RunningTail(100).judge(noise(51))[50] > 0


def test_a_score_of_infinity_is_as_improbable_as_can_be_from_the_first_on():
    assert RunningTail(100).judge(np.array([np.inf, LARGEST])).tolist() == [30.0, 30.0]


def test_a_higher_score_is_never_less_improbable():
    tail = RunningTail(1000)
    tail.judge(bursts(1000))
    assert (np.diff(tail.judge(np.linspace(0.0, 500.0, 5000), learn=False)) >= 0).all()


def test_one_glitch_does_not_blind_the_tail():
    tail = RunningTail(6000)
    tail.judge(noise(6000))
    before = tail.judge_one(20.0, learn=False)
    tail.judge_one(1e9)
    assert tail.judge_one(20.0, learn=False) > 0.8 * before


def test_scores_that_have_grown_for_good_become_normal():
    improbable = RunningTail(6000).judge(np.concatenate([noise(6000), 1e6 * noise(6000, seed=3)]))
    assert improbable[6000:6010].max() == 30.0
    assert improbable[-4000:].max() < 6.0


def test_with_a_delay_what_lasts_does_not_become_usual_at_once():
    scores = np.concatenate([noise(6000), 20.0 + noise(100, seed=3)])
    assert RunningTail(6000, delay=100).judge(scores)[6000:].min() > 8.0
    assert RunningTail(6000).judge(scores)[6090:].max() < 4.0


def test_a_copy_goes_its_own_way():
    tail = RunningTail(100)
    tail.judge(noise(80))
    other = copy.deepcopy(tail)
    other.judge(bursts(200))
    twin = RunningTail(100)
    twin.judge(noise(80))
    assert tail.judge(noise(80, seed=4)).tobytes() == twin.judge(noise(80, seed=4)).tobytes()


def test_a_tail_that_could_never_start_is_refused():
    with pytest.raises(ValueError, match="a tail over 49 scores"):
        RunningTail(49)


@pytest.mark.parametrize(
    ("draw", "least", "most"),
    [
        pytest.param(lambda rng, n: np.abs(rng.normal(size=n)), 0.02, 1.0, id="normal"),
        pytest.param(lambda rng, n: rng.exponential(size=n), 0.3, 1.5, id="exponential"),
        pytest.param(lambda rng, n: np.abs(rng.standard_t(3, size=n)), 0.3, 3.0, id="t3"),
        pytest.param(lambda rng, n: np.exp(rng.normal(size=n)), 0.3, 3.0, id="log-normal"),
    ],
)
def test_five_times_beyond_the_fit_false_alarms_are_about_as_many_as_asked(draw, least, most):
    rng = np.random.default_rng(5)
    fresh = draw(rng, 5_000_000)
    share = [(Tail.fit(draw(rng, 20_000)).improbability(fresh) >= 5.0).mean() for _ in range(5)]
    assert least <= np.mean(share) / 1e-5 <= most


def test_up_to_the_tail_the_rank_counts():
    scores = np.arange(1000.0)
    improbable = Tail.fit(scores).improbability(np.array([-1.0, 500.0, 900.0]))
    np.testing.assert_allclose(improbable, -np.log10([1.0, 0.5, 0.1]), atol=1e-2)


@pytest.mark.parametrize("scores", [noise(60), bursts(5000), np.zeros(100), 1e300 * noise(80)])
def test_a_higher_score_is_never_less_improbable_in_a_frozen_tail(scores):
    asked = np.linspace(scores.min(), 3.0 * scores.max() + 1.0, 5000)
    improbable = Tail.fit(scores).improbability(asked)
    assert np.isfinite(improbable).all()
    assert (np.diff(improbable) >= 0).all()


def test_a_frozen_tail_answers_whatever_is_asked():
    for scores in (np.zeros(60), np.resize([1.7e308, -1.7e308], 700), np.resize([5e-324, 0], 70)):
        asked = np.array([np.nan, np.inf, -np.inf, LARGEST, -LARGEST, 0.0, 5e-324, 1e308, -1e308])
        improbable = Tail.fit(scores).improbability(asked)
        assert ((improbable >= 0.0) & (improbable <= MOST_IMPROBABLE)).all()
        assert improbable[:5].tolist() == [0.0, 30.0, 0.0, 30.0, 0.0]


def test_a_tail_comes_back_from_its_arrays_bit_for_bit():
    tail = Tail.fit(bursts(5000))
    arrays = tail.arrays()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float64)}
    asked = bursts(1000, seed=9)
    assert Tail.of(arrays).improbability(asked).tobytes() == tail.improbability(asked).tobytes()


def test_too_few_scores_to_fit_a_tail_are_refused():
    with pytest.raises(DetectorError, match="the tail of 40 scores"):
        Tail.fit(np.concatenate([noise(40), np.full(40, LARGEST), np.full(40, np.nan)]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"body": np.zeros((2, 2))}, "body is float64 of shape", id="shape"),
        pytest.param({"body": np.arange(3)}, "body is int64", id="type"),
        pytest.param({"body": np.empty(0)}, "body is float64 of shape", id="empty"),
        pytest.param({"body": np.array([2.0, 1.0])}, "contradict", id="order"),
        pytest.param({"tail": np.array([0.0, 0.5, np.nan, 0.0])}, "not finite", id="nan"),
        pytest.param({"tail": np.array([0.0, 1.5, 1.0, 0.0])}, "contradict", id="share"),
        pytest.param({"tail": np.array([0.0, 0.5, 1.0, 9.0])}, "contradict", id="heavy"),
        pytest.param({"more": np.zeros(1)}, "has the arrays body and tail", id="foreign"),
    ],
)
def test_arrays_that_are_no_tail_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Tail.of({**Tail.fit(noise(100)).arrays(), **change})
