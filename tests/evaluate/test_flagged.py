import numpy as np
import pytest

from sensorkit.evaluate.flagged import FLAG_FIGURES, flag_figures, flag_intervals
from sensorkit.evaluate.statistics import resample
from sensorkit.runs import runs


def series(rng, faults, step=100, length=20):
    """Faults of random size among noise, and the flags of a fixed limit."""
    labels = np.zeros(faults * step, dtype=bool)
    size = np.zeros(len(labels))
    for start in range(step // 2, len(labels), step):
        labels[start : start + length] = True
        size[start : start + length] = rng.exponential(4)
    return labels, rng.normal(size=len(labels)) + size > 2.5


def intervals(labels, flags, draws=200, seed=0):
    weights = resample(len(runs(labels).start), draws, np.random.default_rng(seed))
    return flag_intervals(labels, flags, flag_figures(labels, flags), weights)


def test_drawing_every_fault_once_gives_the_figures_themselves():
    labels, flags = series(np.random.default_rng(1), 12)
    exact = flag_figures(labels, flags)
    found = flag_intervals(labels, flags, exact, np.ones((50, 12)))
    for name in FLAG_FIGURES:
        low, high = found[name]
        assert low <= exact[name] <= high + 1e-12


@pytest.mark.parametrize("name", FLAG_FIGURES)
def test_a_resample_equals_joining_the_stretches_it_draws(name):
    labels, flags = series(np.random.default_rng(2), 6)
    edges = [0, 110, 210, 310, 410, 510, 600]  # halfway between the faults at 50..69, 150..169, ...
    flags[np.array(edges[1:-1])] = flags[np.array(edges[1:-1]) - 1] = False  # no run lies over one
    rows = np.concatenate([np.arange(edges[i], edges[i + 1]) for i in (0, 0, 2, 3, 4, 5)])
    weights = np.array([[2.0, 0.0, 1.0, 1.0, 1.0, 1.0]])
    exact = flag_figures(labels, flags)
    low, high = flag_intervals(labels, flags, exact, np.repeat(weights, 4000, axis=0))[name]
    # All draws are the same; the interval is that value and the fault that was not seen.
    value = flag_figures(labels[rows], flags[rows])[name]
    assert low - 1e-9 <= value <= high + 1e-9
    other = flag_figures(labels, flags)[name]
    if abs(value - other) > 0.02:
        mixed = flag_intervals(labels, flags, exact, np.ones((4000, 6)))[name]
        assert (low - mixed[0]) * (value - other) > 0


def test_a_detector_that_flags_nothing_has_no_precision():
    labels, flags = series(np.random.default_rng(3), 8)
    found = intervals(labels, np.zeros_like(flags))
    assert [found[f"{kind}_precision"] for kind in ("point", "range", "affiliation")] == [None] * 3
    assert found["point_recall"][0] == found["range_recall"][0] == found["affiliation_f1"][0] == 0.0
    assert 0.05 < found["point_recall"][1] < 0.5


def test_flags_near_fewer_than_five_faults_say_too_little_of_precision():
    labels, _ = series(np.random.default_rng(4), 8)
    flags = np.zeros_like(labels)
    flags[[55, 155, 255, 355]] = True
    assert intervals(labels, flags)["point_precision"] is None
    flags[455] = True
    assert intervals(labels, flags)["point_precision"] is not None


def test_fewer_than_five_faults_have_no_interval():
    labels, flags = series(np.random.default_rng(5), 4)
    assert set(intervals(labels, flags).values()) == {None}


def test_perfect_flags_do_not_have_an_interval_of_no_width():
    labels, _ = series(np.random.default_rng(6), 10)
    for low, high in intervals(labels, labels).values():
        assert (0.7 < low < 0.95, high) == (True, 1.0)


@pytest.mark.parametrize("faults", [6, 20])
def test_the_intervals_cover_the_value_of_the_long_run_most_of_the_time(faults):
    rng = np.random.default_rng(7)
    truth = flag_figures(*series(rng, 1500))
    covered = dict.fromkeys(FLAG_FIGURES, 0)
    narrow = 0
    for seed in range(120):
        labels, flags = series(rng, faults)
        found = intervals(labels, flags, seed=seed)
        for name in FLAG_FIGURES:
            low, high = found[name] or (0.0, 1.0)
            covered[name] += low <= truth[name] <= high
        middle, half = np.mean(found["range_recall"]), np.ptp(found["range_recall"]) / 4
        narrow += abs(truth["range_recall"] - middle) <= half  # half the width
    assert min(covered.values()) / 120 >= 0.86, covered
    assert narrow / 120 < 0.86  # so the check can fail
