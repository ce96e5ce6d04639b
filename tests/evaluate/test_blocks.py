import numpy as np
import pytest

from sensorkit.evaluate.blocks import Blocks, bootstrap
from sensorkit.evaluate.metrics import average_precision, vus_pr


def series(rng, faults=12, step=400, length=30):
    """Faults of random size, far enough apart that buffers do not meet."""
    labels = np.zeros(faults * step, dtype=bool)
    size = np.zeros(len(labels))
    for start in range(step // 2, len(labels), step):
        labels[start : start + length] = True
        size[start : start + length] = rng.exponential(3)
    return labels, rng.normal(size=len(labels)) + size


def drawn(labels, scores, seed=0, resamples=200, buffer=100):
    return bootstrap(
        labels,
        scores,
        buffer=buffer,
        vus_pr=vus_pr(labels, scores, buffer=buffer),
        average_precision=average_precision(labels, scores),
        resamples=resamples,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("buffer", [0, 20])
def test_a_short_series_has_the_exact_values(buffer):
    # 21 windows or fewer and 250 readings near the faults or fewer: the grid leaves nothing out.
    labels, scores = series(np.random.default_rng(1), faults=4, step=200, length=20)
    blocks = Blocks.count(labels, scores, buffer=buffer)
    volume, precision = blocks.evaluate(np.ones((1, 4)))
    assert volume[0] == pytest.approx(vus_pr(labels, scores, buffer=buffer), abs=1e-12)
    assert precision[0] == pytest.approx(average_precision(labels, scores), abs=1e-12)


def test_a_resample_equals_joining_the_blocks_it_draws():
    labels, scores = series(np.random.default_rng(2), faults=4, step=200, length=20)
    edges = [0, 210, 410, 610, 800]  # halfway between the faults at 100..119, 300..319, ...
    blocks = Blocks.count(labels, scores, buffer=20)
    rows = np.concatenate(
        [np.arange(edges[i], edges[i + 1]) for i in (0, 0, 2, 3)]  # the second is left out
    )
    volume, precision = blocks.evaluate(np.array([[2.0, 0.0, 1.0, 1.0]]))
    exact = vus_pr(labels[rows], scores[rows], buffer=20)
    assert volume[0] == pytest.approx(exact, abs=1e-12)
    exact = average_precision(labels[rows], scores[rows])
    assert precision[0] == pytest.approx(exact, abs=1e-12)


def test_a_long_series_is_within_one_percent_of_the_exact_values():
    labels, scores = series(np.random.default_rng(3), faults=40, length=120)
    volume, precision = Blocks.count(labels, scores, buffer=100).evaluate(np.ones((1, 40)))
    assert volume[0] == pytest.approx(vus_pr(labels, scores, buffer=100), abs=0.01)
    assert precision[0] == pytest.approx(average_precision(labels, scores), abs=0.01)


def test_the_same_seed_draws_the_same_faults_for_every_detector():
    labels, scores = series(np.random.default_rng(4))
    one, two = drawn(labels, scores), drawn(labels, scores + 1e-9)
    assert np.allclose(one.vus_pr, two.vus_pr)
    other = drawn(labels, scores, seed=1)
    assert not np.allclose(one.vus_pr, other.vus_pr)


@pytest.mark.parametrize(("faults", "there"), [(1, False), (4, False), (5, True)])
def test_fewer_than_five_faults_have_no_interval(faults, there):
    labels, scores = series(np.random.default_rng(5), faults=faults)
    assert [interval is not None for interval in drawn(labels, scores).intervals()] == [there] * 2


@pytest.mark.parametrize("faults", [5, 20])
def test_the_intervals_cover_the_value_of_the_long_run_most_of_the_time(faults):
    rng = np.random.default_rng(6)
    labels, scores = series(rng, faults=2000)
    truth = vus_pr(labels, scores, buffer=100), average_precision(labels, scores)
    covered = np.zeros(2)
    for seed in range(100):
        labels, scores = series(rng, faults=faults)
        intervals = drawn(labels, scores, seed=seed).intervals()
        covered += [low <= t <= high for (low, high), t in zip(intervals, truth, strict=True)]
    assert (covered >= 85).all(), covered
