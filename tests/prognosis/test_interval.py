"""Prediction intervals: they hold what they promise on engines that were never seen."""

import numpy as np
import pytest

from sensorkit.prognosis.interval import BINS, Interval

CAP = 100.0


def predictions(engines, seed, *, readings=(5, 60)):
    """Predictions that are off by an error that an engine shares, more so far from the end."""
    rng = np.random.default_rng(seed)
    parts = []
    for engine in range(engines):
        n = int(rng.integers(*readings))
        predicted = rng.uniform(0, CAP, n)
        size = 2.0 + predicted / 10.0
        parts.append((predicted, predicted + size * (rng.normal() + rng.normal(0, 0.5, n)), engine))
    unit = np.concatenate([np.full(len(p), k) for p, _, k in parts])
    return np.concatenate([p for p, _, _ in parts]), np.concatenate([t for _, t, _ in parts]), unit


def fitted(engines, seed, coverage=0.9):
    predicted, true, unit = predictions(engines, seed)
    return Interval.fit(predicted, true, unit, cap=CAP, coverage=coverage)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_new_engines_lie_within_as_often_as_promised(coverage):
    shares = []
    for seed in range(30):
        interval = fitted(60, seed, coverage)
        predicted, true, unit = predictions(60, 500 + seed)
        off = (
            np.abs(predicted - true)
            <= interval.width[np.clip(predicted / CAP * BINS, 0, BINS - 1).astype(int)]
        )
        shares.append(np.mean([off[unit == k].mean() for k in range(60)]))
    # 30 x 60 engines: a standard error of about 0.008.
    assert coverage - 0.01 < np.mean(shares) < coverage + 0.04


def test_it_is_narrower_where_predictions_are_closer():
    interval = fitted(200, 1)
    assert interval.width[0] < interval.width[2] < interval.width[4]


def test_an_engine_with_many_readings_has_no_more_say():
    rng = np.random.default_rng(2)
    predicted = np.full(1019, 50.0)
    unit = np.concatenate([np.arange(19), np.full(1000, 19)])
    off = np.concatenate([rng.uniform(0, 1, 19), np.full(1000, 40.0)])
    interval = Interval.fit(predicted, predicted + off, unit, cap=CAP, coverage=0.8)
    assert interval.width[2] < 1.0  # 16.8 of 20 engines, and the loud one is the worst


@pytest.mark.parametrize(("engines", "known"), [(8, False), (9, True)])
def test_with_too_few_engines_it_is_as_wide_as_can_be(engines, known):
    predicted = np.full(engines, 50.0)
    interval = Interval.fit(predicted, predicted + 1.0, np.arange(engines), cap=CAP, coverage=0.9)
    low, high = interval.around(np.array([50.0]))
    assert ((low[0], high[0]) == (49.0, 51.0)) is known
    assert known or (low[0], high[0]) == (0.0, CAP)


def test_it_stays_within_what_is_predicted_at_all():
    interval = Interval(CAP, np.full(BINS, 30.0))
    low, high = interval.around(np.array([0.0, 10.0, 50.0, 95.0, 100.0]))
    assert low.tolist() == [0.0, 0.0, 20.0, 65.0, 70.0]
    assert high.tolist() == [30.0, 40.0, 80.0, 100.0, 100.0]
