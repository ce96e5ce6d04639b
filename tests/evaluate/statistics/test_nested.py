import numpy as np
import pytest

from sensorkit.evaluate.statistics import (
    p_value,
    percentile_interval,
    poisson_interval,
    resample,
    wilson_interval,
)
from sensorkit.evaluate.statistics.nested import (
    mean_draws,
    rate_interval,
    resample_nested,
    share_interval,
)


def test_one_recording_has_the_intervals_of_a_single_sample():
    assert share_interval([7], [9]) == wilson_interval(7, 9)
    assert rate_interval([3], [2.0]) == poisson_interval(3, 2.0)
    # One that says nothing leaves the other alone.
    assert share_interval([7, 0], [9, 0]) == wilson_interval(7, 9)
    assert rate_interval([3, 0], [2.0, 0.0]) == poisson_interval(3, 2.0)


def test_recordings_that_agree_have_about_the_interval_of_one_sample():
    low, high = share_interval([90] * 12, [100] * 12)
    plain = wilson_interval(1080, 1200)
    assert plain[0] - 0.02 < low < 0.9 < high < plain[1] + 0.02


def test_recordings_that_differ_have_a_wider_one():
    def width(interval):
        return interval[1] - interval[0]

    assert width(share_interval([2, 10, 3, 9] * 2, [10] * 8)) > 1.5 * width(
        share_interval([6] * 8, [10] * 8)
    )
    assert width(rate_interval([0, 12, 1, 11], [1.0] * 4)) > 1.5 * width(
        rate_interval([6] * 4, [1.0] * 4)
    )


def test_all_or_none_reach_the_end():
    assert share_interval([5, 8], [5, 8])[1] == 1.0
    assert share_interval([0, 0], [5, 8])[0] == 0.0
    low, high = rate_interval([0, 0], [1.0, 2.0])
    assert (low, high > 1.2) == (0.0, True)


def test_large_numbers_are_held_as_well_as_small_ones():
    low, high = share_interval([49_000, 49_100] * 5, [50_000] * 10)
    assert 0.97 < low < 0.981 < high < 0.99
    low, high = rate_interval([5000, 5100] * 5, [1e-3] * 10)
    assert 3e6 < low < 5.05e6 < high < 8e6


def recall_coverage(interval, recordings, correlation, share=0.9, runs=250):
    rng = np.random.default_rng([recordings, round(100 * correlation)])
    covered = 0
    for _ in range(runs):
        trials = rng.integers(8, 30, recordings)
        pull = 1 / correlation - 1
        hit = rng.binomial(trials, rng.beta(share * pull, (1 - share) * pull, recordings))
        low, high = interval(hit, trials)
        covered += low <= share <= high
    return covered / runs


@pytest.mark.parametrize("recordings", [2, 5])
@pytest.mark.parametrize("correlation", [0.01, 0.2])
def test_pooled_recall_covers_the_truth_however_much_recordings_differ(recordings, correlation):
    assert recall_coverage(share_interval, recordings, correlation) >= 0.9


def test_faults_taken_as_independent_do_not():
    def independent(hit, trials):
        return wilson_interval(int(hit.sum()), int(trials.sum()))

    assert recall_coverage(independent, 5, 0.2) < 0.8


@pytest.mark.parametrize("variation", [0.0, 0.5])
def test_pooled_rates_cover_the_truth_however_much_recordings_differ(variation):
    rng = np.random.default_rng(3)
    covered = plain = 0
    for _ in range(250):
        days = rng.uniform(0.5, 1.5, 4)
        own = rng.gamma(1 / variation, variation, 4) if variation else np.ones(4)
        alarms = rng.poisson(5.0 * own * days)
        low, high = rate_interval(alarms, days)
        covered += low <= 5.0 <= high
        low, high = poisson_interval(int(alarms.sum()), float(days.sum()))
        plain += low <= 5.0 <= high
    assert covered / 250 >= 0.9
    if variation:
        assert plain / 250 < 0.8


def paired(rng, sizes, spread):
    """Differences between two detectors that are equally good over all recordings."""
    values, draws = [], []
    for size in sizes:
        faults = rng.normal(rng.normal(0, spread), 0.3, size)
        values.append(faults.mean())
        draws.append(resample(size, 200, rng) @ faults / size)
    return np.array(values), np.stack(draws), np.array(sizes)


@pytest.mark.parametrize(("recordings", "spread"), [(2, 0.1), (5, 0.0), (5, 0.2)])
def test_the_mean_over_recordings_covers_the_truth(recordings, spread):
    rng = np.random.default_rng(4)
    covered = apart = narrow = 0
    for _ in range(250):
        values, draws, sizes = paired(rng, rng.integers(8, 30, recordings), spread)
        mean, worth = mean_draws(values, draws, sizes)
        low, high = percentile_interval(mean, worth)
        covered += low <= 0 <= high
        apart += p_value(mean, worth) < 0.05
        low, high = percentile_interval(draws.mean(axis=0), int(sizes.sum()))
        narrow += low <= 0 <= high  # faults drawn, recordings kept
    assert covered / 250 >= 0.88
    assert apart == 250 - covered
    if spread > 0.1:
        assert narrow / 250 < 0.8


def test_one_recording_keeps_its_draws():
    draws = np.random.default_rng(0).normal(size=(1, 50))
    found, worth = mean_draws(np.zeros(1), draws, np.array([9]))
    assert (found is draws[0] or (found == draws[0]).all(), worth) == (True, 9)


def test_recordings_of_one_fault_each_still_have_a_spread():
    values = np.array([0.1, 0.5, 0.9, 0.3, 0.7])
    draws = np.repeat(values[:, None], 200, axis=1)
    found, worth = mean_draws(values, draws, np.ones(5, dtype=np.int64))
    assert worth == 5
    assert 0.05 < found.std() < 0.4


def test_a_nested_resample_draws_recordings_and_as_many_faults_as_they_have():
    drawn = resample_nested([3, 5], 400, np.random.default_rng(1))
    assert drawn.shape == (400, 8)
    first, second = drawn[:, :3].sum(axis=1), drawn[:, 3:].sum(axis=1)
    assert set(map(tuple, np.column_stack([first, second]).tolist())) == {
        (6.0, 0.0),
        (3.0, 5.0),
        (0.0, 10.0),
    }
    assert drawn.mean() == pytest.approx(1.0, abs=0.03)
