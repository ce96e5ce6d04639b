import math

import numpy as np
import pytest
from scipy import stats

from sensorkit.evaluate.statistics import (
    censored_median,
    groups,
    median_delay_interval,
    percentile_interval,
    poisson_interval,
    resample,
    wilson_interval,
)

INF = math.inf


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (1, 7), (10, 20), (19, 20), (20, 20)])
def test_wilson_equals_scipy(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson_interval(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("n", [10, 40])
def test_wilson_covers_the_true_share_95_times_in_100(share, n):
    hits = np.arange(n + 1)
    covered = [low <= share <= high for low, high in (wilson_interval(int(k), n) for k in hits)]
    coverage = float(stats.binom.pmf(hits, n, share)[covered].sum())
    assert coverage == pytest.approx(0.95, abs=0.05)  # it steps from one n to the next


@pytest.mark.parametrize("rate", [0.3, 2.0, 9.0])
def test_the_poisson_interval_covers_at_least_95_times_in_100(rate):
    events = np.arange(60)
    covered = [low <= rate <= high for low, high in (poisson_interval(int(k), 1) for k in events)]
    assert float(stats.poisson.pmf(events, rate)[covered].sum()) >= 0.95


def test_the_poisson_interval_is_per_exposure():
    low, high = poisson_interval(4, 1.0)
    assert poisson_interval(4, 8.0) == pytest.approx((low / 8, high / 8))
    assert poisson_interval(0, 0.0) == (0.0, INF)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="3 successes of 2 trials"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="-1 events in 1; both must be 0 or more"):
        poisson_interval(-1, 1.0)


def test_without_misses_the_median_is_the_plain_one():
    rng = np.random.default_rng(0)
    for n in range(1, 12):
        delays = rng.random(n)
        assert censored_median(delays, np.full(n, INF))[0] == pytest.approx(np.median(delays))


@pytest.mark.parametrize(
    ("delays", "median"),
    [
        ([1.0, INF], INF),
        ([1.0, 2.0, INF], 2.0),
        ([1.0, 2.0, INF, INF], INF),
        ([1.0, 2.0, 3.0, INF], 2.5),
        ([INF], INF),
    ],
)
def test_misses_count_as_never_found(delays, median):
    assert censored_median(np.array(delays), np.full(len(delays), INF))[0] == median


def test_a_watch_that_was_cut_off_is_kaplan_meiers_censoring():
    # Remission times of the 6-MP group of Freireich et al. (1963), the textbook example: 23 weeks.
    found = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    cut = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    delays = np.array([*found, *[INF] * len(cut)], dtype=float)
    watched = np.array([*[INF] * len(found), *cut], dtype=float)
    assert censored_median(delays, watched)[0] == 23.0


def test_weights_stand_for_repeats():
    delays, watched = np.array([1.0, 5.0, INF]), np.full(3, INF)
    weights = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    assert censored_median(delays, watched, weights).tolist() == [1.0, INF]


def test_the_delay_interval_covers_the_true_median_most_of_the_time():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        delays = rng.exponential(10.0, 25)
        delays[rng.random(25) < 0.2] = INF
        low, high = median_delay_interval(delays, np.full(25, INF), resamples=300, rng=rng)
        covered += low <= 10.0 * math.log(0.8 / 0.3) <= high  # P(delay < t) = 0.8 (1 - e^-t/10)
    assert 0.90 <= covered / 200 <= 0.99


def test_too_many_misses_leave_the_delay_interval_open():
    rng = np.random.default_rng(0)
    some = np.array([1.0, 2.0, 3.0, INF, INF])
    low, high = median_delay_interval(some, np.full(5, INF), resamples=300, rng=rng)
    assert (low < 3.0, high) == (True, INF)
    none = np.full(5, INF)
    assert median_delay_interval(none, none, resamples=300, rng=rng) is None
    assert median_delay_interval(some[:4], none[:4], resamples=300, rng=rng) is None


def test_a_resample_draws_as_many_faults_as_there_are():
    drawn = resample(7, 100, np.random.default_rng(0))
    assert drawn.shape == (100, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean() == 1.0


def test_the_percentile_interval_may_end_in_infinity():
    draws = np.concatenate([np.arange(96.0), np.full(4, INF)])
    assert percentile_interval(draws, 1000) == (2.0, INF)


def test_the_percentile_interval_is_wider_for_fewer_faults():
    draws = np.random.default_rng(0).normal(size=10_000)
    width = {n: np.subtract(*percentile_interval(draws, n)[::-1]) for n in (5, 10, 1000)}
    # t quantiles times sqrt(n / (n - 1)): 3.10, 2.38, 1.96
    assert width[5] / width[1000] == pytest.approx(3.10 / 1.96, abs=0.1)
    assert width[10] / width[1000] == pytest.approx(2.38 / 1.96, abs=0.1)


def test_detectors_that_differ_by_chance_only_share_a_group():
    rng = np.random.default_rng(0)
    fault = rng.normal(0, 0.1, 500)  # what all see alike
    draws = {
        name: level + fault + rng.normal(0, 0.01, 500)
        for name, level in [("a", 0.80), ("b", 0.79), ("c", 0.70), ("d", 0.699), ("e", 0.3)]
    }
    assert groups(list(draws), draws, 20) == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3}


def test_equal_detectors_share_a_group():
    same = np.linspace(0, 1, 200)
    assert groups(["a", "b"], {"a": same, "b": same}, 20) == {"a": 1, "b": 1}


def test_equal_detectors_are_put_apart_in_at_most_1_run_of_10():
    apart = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        one, two = rng.normal(size=(2, 30))  # value of each of 30 faults
        weights = resample(30, 200, rng) / 30
        draws = {"one": weights @ one, "two": weights @ two}
        best_first = sorted(draws, key=lambda name: -draws[name].mean())
        apart += max(groups(best_first, draws, 30).values()) > 1
    assert apart <= 10
