import math

import numpy as np
import pytest
from scipy import stats

from sensorkit.evaluate.statistics import (
    bunching,
    censored_median,
    figure_interval,
    groups,
    median_delay_interval,
    p_value,
    percentile_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
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


def delay_interval(delays, watched, rng, draws=300):
    weights = resample(len(delays), draws, rng)
    return median_delay_interval(delays, watched, weights=weights)


def test_the_delay_interval_covers_the_true_median_most_of_the_time():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        delays = rng.exponential(10.0, 25)
        delays[rng.random(25) < 0.2] = INF
        low, high = delay_interval(delays, np.full(25, INF), rng)
        covered += low <= 10.0 * math.log(0.8 / 0.3) <= high  # P(delay < t) = 0.8 (1 - e^-t/10)
    assert 0.90 <= covered / 200 <= 0.99


def test_too_many_misses_leave_the_delay_interval_open():
    rng = np.random.default_rng(0)
    some = np.array([1.0, 2.0, 3.0, INF, INF])
    low, high = delay_interval(some, np.full(5, INF), rng)
    assert (low < 3.0, high) == (True, INF)
    none = np.full(5, INF)
    assert delay_interval(none, none, rng) is None
    assert delay_interval(some[:4], none[:4], rng) is None


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


@pytest.mark.parametrize("faults", [5, 7, 30, 1000])
def test_p_is_below_5_percent_exactly_where_the_interval_leaves_out_zero(faults):
    rng = np.random.default_rng(faults)
    seen = set()
    for shift in np.linspace(-4.0, 4.0, 161):
        draws = np.round(rng.normal(shift, 1.0, 200), 1)  # with ties, some of them at 0
        low, high = percentile_interval(draws, faults)
        outside = not low <= 0 <= high
        assert (p_value(draws, faults) < 0.05) == outside
        assert p_value(-draws, faults) == p_value(draws, faults)
        seen.add(outside)
    assert seen == {False, True}


def test_p_is_that_of_the_t_test_for_normal_values():
    rng = np.random.default_rng(3)
    for mean in (0.0, 0.3, 0.6):
        values = rng.normal(mean, 1.0, 15)
        draws = resample(15, 20_000, rng) @ values / 15
        assert p_value(draws, 15) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.03)


def test_two_that_never_differ_have_p_1():
    assert p_value(np.zeros(100), 20) == pytest.approx(1.0)


def test_the_farther_zero_is_from_all_draws_the_smaller_p():
    draws = np.random.default_rng(0).normal(size=300)
    found = [p_value(draws + shift, 6) for shift in (3.5, 4.5, 6.0)]
    assert found == sorted(set(found), reverse=True)


def test_no_p_is_smaller_than_the_draws_can_show():
    draws = np.random.default_rng(0).normal(size=500)
    assert p_value(draws + 1000, 40) == 2 / 501
    assert p_value(np.ones(500), 40) == 2 / 501
    assert p_value(np.ones(20), 40) < 0.05  # the interval leaves out 0


@pytest.mark.parametrize("good", [0.9, 0.98])
def test_a_figure_near_1_is_covered_though_its_draws_have_shrunk(good):
    # Most faults are found whole; one in ten or fifty is missed.
    rng = np.random.default_rng(4)
    ours = plain = 0
    for _ in range(300):
        worth = np.where(rng.random(12) < good, 1.0, 0.0)
        draws = resample(12, 200, rng) @ worth / 12
        low, high = figure_interval(draws, 12)
        assert low <= worth.mean() <= high
        ours += low <= good <= high
        low, high = percentile_interval(draws, 12)
        plain += low <= good <= high
    assert ours / 300 >= 0.93
    assert plain / 300 < 0.8  # so the check can fail


def test_the_interval_of_a_figure_is_that_of_its_draws_where_faults_are_many():
    draws = np.random.default_rng(0).normal(0.6, 0.02, 4000)
    assert figure_interval(draws, 5000) == pytest.approx(
        np.quantile(draws, (0.025, 0.975)), abs=2e-3
    )


@pytest.mark.parametrize("events", [1, 4, 30])
def test_events_of_equal_size_have_the_exact_poisson_interval(events):
    low, high = poisson_interval(events, 8.0)
    found = weighted_poisson_interval(np.full(events, 2.5), 8.0)
    assert found == pytest.approx((2.5 * low, 2.5 * high))


def test_time_in_alarm_covers_the_truth_most_of_the_time():
    rng = np.random.default_rng(5)
    covered = narrow = 0
    for _ in range(400):
        seconds = rng.exponential(30.0, rng.poisson(12))
        low, high = weighted_poisson_interval(seconds, 3600.0)
        covered += low <= 0.1 <= high
        low, high = poisson_interval(len(seconds), 3600.0)  # as if each lasted as long as the mean
        narrow += low <= 0.1 / seconds.mean() <= high
    assert covered / 400 >= 0.92
    assert narrow / 400 < 0.9


def test_without_an_alarm_nobody_knows_how_long_one_lasts():
    assert weighted_poisson_interval(np.empty(0), 3600.0) == (0.0, INF)


@pytest.mark.parametrize("burst", [1, 3])
def test_alarms_that_come_in_bursts_count_for_fewer(burst):
    rng = np.random.default_rng(6)
    covered = plain = 0
    for _ in range(400):
        places = np.repeat(rng.uniform(0, 100, rng.poisson(30 / burst)), burst)
        times = bunching(places, 100.0)
        low, high = poisson_interval(len(places) / times, 1 / times)
        covered += low <= 30 <= high
        low, high = poisson_interval(len(places), 1)
        plain += low <= 30 <= high
    assert covered / 400 >= 0.9
    if burst > 1:
        assert plain / 400 < 0.8


def test_alarms_that_come_alone_are_not_bunched():
    assert bunching(np.arange(0.5, 100), 100.0) == 1.0
    assert bunching(np.empty(0), 100.0) == 1.0


def test_an_interval_that_is_too_narrow_is_noticed_by_the_checks_of_coverage():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        delays = rng.exponential(10.0, 25)
        delays[rng.random(25) < 0.2] = INF
        draws = censored_median(delays, np.full(25, INF), resample(25, 300, rng))
        low, high = np.quantile(draws, (0.1, 0.9), method="inverted_cdf")  # 80 % for 95 %
        covered += low <= 10.0 * math.log(0.8 / 0.3) <= high
    assert covered / 200 < 0.90


def draws_of(levels, spread=0.01):
    rng = np.random.default_rng(0)
    fault = rng.normal(0, 0.1, 500)  # what all see alike
    return {name: level + fault + rng.normal(0, spread, 500) for name, level in levels.items()}


def grouped(draws, faults=20):
    return groups(list(draws), lambda a, b: p_value(draws[a] - draws[b], faults) < 0.05)


def test_detectors_that_differ_by_chance_only_share_a_group():
    draws = draws_of({"a": 0.80, "b": 0.79, "c": 0.70, "d": 0.699, "e": 0.3})
    assert grouped(draws) == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3}


def test_equal_detectors_share_a_group():
    same = np.linspace(0, 1, 200)
    assert grouped({"a": same, "b": same}) == {"a": 1, "b": 1}


def test_equal_detectors_are_put_apart_in_at_most_1_run_of_10():
    apart = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        one, two = rng.normal(size=(2, 30))  # value of each of 30 faults
        weights = resample(30, 200, rng) / 30
        apart += p_value(weights @ (one - two), 30) < 0.05
    assert apart <= 10
