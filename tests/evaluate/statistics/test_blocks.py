import numpy as np
import pytest

from sensorkit.evaluate.metrics import average_precision, roc_auc, vus, vus_pr, vus_roc
from sensorkit.evaluate.statistics import resample
from sensorkit.evaluate.statistics.blocks import FIGURES, Blocks, block_of, bootstrap
from sensorkit.runs import runs


def series(rng, faults=12, step=400, length=30, scale=3.0):
    """Faults of random size, far enough apart that buffers do not meet."""
    labels = np.zeros(faults * step, dtype=bool)
    size = np.zeros(len(labels))
    for start in range(step // 2, len(labels), step):
        labels[start : start + length] = True
        size[start : start + length] = rng.exponential(scale)
    return labels, rng.normal(size=len(labels)) + size


def exact(labels, scores, buffer=100):
    volume = vus(labels, scores, buffer=buffer)
    return {
        "vus_pr": volume.pr,
        "vus_roc": volume.roc,
        "average_precision": average_precision(labels, scores),
        "roc_auc": roc_auc(labels, scores),
    }


def drawn(labels, scores, seed=0, resamples=200, buffer=100):
    return bootstrap(
        labels,
        scores,
        buffer=buffer,
        exact=exact(labels, scores, buffer),
        weights=resample(len(runs(labels).start), resamples, np.random.default_rng(seed)),
    )


@pytest.mark.parametrize("buffer", [0, 20])
def test_a_short_series_has_the_exact_values(buffer):
    # 21 windows or fewer and 250 readings near the faults or fewer: the grid leaves nothing out.
    labels, scores = series(np.random.default_rng(1), faults=4, step=200, length=20)
    found = Blocks.count(labels, scores, buffer=buffer).evaluate(np.ones((1, 4)))
    wanted = exact(labels, scores, buffer)
    for name in FIGURES:
        assert found[name][0] == pytest.approx(wanted[name], abs=1e-12), name


def test_a_resample_equals_joining_the_blocks_it_draws():
    labels, scores = series(np.random.default_rng(2), faults=4, step=200, length=20)
    edges = [0, 210, 410, 610, 800]  # halfway between the faults at 100..119, 300..319, ...
    assert np.flatnonzero(np.diff(block_of(labels), prepend=-1)).tolist() == edges[:-1]
    blocks = Blocks.count(labels, scores, buffer=20)
    rows = np.concatenate(
        [np.arange(edges[i], edges[i + 1]) for i in (0, 0, 2, 3)]  # the second is left out
    )
    found = blocks.evaluate(np.array([[2.0, 0.0, 1.0, 1.0]]))
    wanted = exact(labels[rows], scores[rows], buffer=20)
    for name in FIGURES:
        assert found[name][0] == pytest.approx(wanted[name], abs=1e-12), name


def test_scores_with_many_ties_have_the_exact_values_too():
    labels, scores = series(np.random.default_rng(7), faults=4, step=200, length=20)
    scores = np.clip(np.round(scores), -1, 3)
    found = Blocks.count(labels, scores, buffer=20).evaluate(np.ones((1, 4)))
    for name, value in exact(labels, scores, 20).items():
        assert found[name][0] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("gap", [3, 15, 40])
def test_faults_that_share_buffer_readings_give_the_exact_area_for_as_many_faults_as_there_are(gap):
    rng = np.random.default_rng(gap)
    labels = np.zeros(600, dtype=bool)
    for first in (200, 205 + gap, 210 + 2 * gap):
        labels[first : first + 5] = True
    scores = rng.normal(size=600) + 2.0 * labels
    found = Blocks.count(labels, scores, buffer=2).evaluate(np.ones((1, 3)))
    assert found["vus_pr"][0] == pytest.approx(vus_pr(labels, scores, buffer=2), abs=1e-12)
    assert found["vus_roc"][0] == pytest.approx(vus_roc(labels, scores, buffer=2), abs=1e-12)


def test_a_long_series_is_within_one_percent_of_the_exact_values():
    labels, scores = series(np.random.default_rng(3), faults=40, length=120)
    found = Blocks.count(labels, scores, buffer=100).evaluate(np.ones((1, 40)))
    for name, value in exact(labels, scores).items():
        assert found[name][0] == pytest.approx(value, abs=0.01)


def test_the_same_seed_draws_the_same_faults_for_every_detector():
    labels, scores = series(np.random.default_rng(4))
    one, two = drawn(labels, scores), drawn(labels, scores + 1e-9)
    assert np.allclose(one.vus_pr, two.vus_pr)
    other = drawn(labels, scores, seed=1)
    assert not np.allclose(one.vus_pr, other.vus_pr)


@pytest.mark.parametrize(("faults", "there"), [(1, False), (4, False), (5, True)])
def test_fewer_than_five_faults_have_no_interval(faults, there):
    labels, scores = series(np.random.default_rng(5), faults=faults)
    found = drawn(labels, scores).intervals()
    assert {name: interval is not None for name, interval in found.items()} == dict.fromkeys(
        FIGURES, there
    )


def test_without_a_healthy_reading_the_roc_figures_have_no_interval():
    labels = np.ones(50, dtype=bool)
    blocks = Blocks.count(labels, np.arange(50.0), buffer=10)
    found = blocks.evaluate(np.ones((1, 1)))
    assert np.isnan([found["vus_roc"][0], found["roc_auc"][0]]).all()
    assert found["vus_pr"][0] == pytest.approx(1.0)
    assert found["average_precision"][0] == pytest.approx(1.0)


@pytest.mark.parametrize(("faults", "scale"), [(5, 3.0), (10, 12.0)])
def test_the_intervals_cover_the_value_of_the_long_run_most_of_the_time(faults, scale):
    rng = np.random.default_rng(6)
    labels, scores = series(rng, faults=2000, scale=scale)
    truth = exact(labels, scores)
    covered, narrow = dict.fromkeys(FIGURES, 0), dict.fromkeys(FIGURES, 0)
    for seed in range(70):
        labels, scores = series(rng, faults=faults, scale=scale)
        draws = drawn(labels, scores, seed=seed)
        for name, (low, high) in draws.intervals().items():
            covered[name] += low <= truth[name] <= high
            low, high = np.quantile(getattr(draws, name), (0.1, 0.9))  # 80 % for 95 %
            narrow[name] += low <= truth[name] <= high
    assert min(covered.values()) >= 60, covered
    assert max(narrow.values()) < 60  # so the check can fail
