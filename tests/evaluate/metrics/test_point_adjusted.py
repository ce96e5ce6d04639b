import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.evaluate import metrics
from sensorkit.evaluate.metrics import (
    event_scores,
    point_adjusted_f1_warning,
    point_scores,
    vus_pr,
)

NAIVE = runpy.run_path(str(Path(__file__).with_name("naive_metrics.py")))["point_adjusted_f1"]


@settings(max_examples=200, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40).filter(
        lambda pairs: any(label for label, _ in pairs)
    )
)
def test_it_equals_its_slow_twin(pairs):
    labels, flags = map(list, zip(*pairs, strict=True))
    assert point_adjusted_f1_warning(labels, flags) == pytest.approx(NAIVE(labels, flags))


def test_one_flag_fills_a_fault():
    assert point_adjusted_f1_warning([0, 1, 1, 1, 0], [0, 0, 1, 0, 0]) == 1.0


def test_the_given_flags_stay_as_they_are():
    flags = np.array([0, 0, 1, 0, 0], dtype=bool)
    point_adjusted_f1_warning([0, 1, 1, 1, 0], flags)
    assert flags.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_noise_beats_a_detector_that_works_and_no_other_metric_agrees(seed):
    labels = np.arange(20_000) % 4000 >= 3700
    honest = labels & (np.arange(20_000) % 4000 >= 3710)
    honest[:8000] = False  # two of five are missed
    score = np.random.default_rng(seed).random(20_000)
    noise = score < 0.01
    assert point_adjusted_f1_warning(labels, noise) > point_adjusted_f1_warning(labels, honest)
    assert point_scores(labels, noise).f1 < point_scores(labels, honest).f1 / 10
    assert event_scores(labels, noise).f1 < event_scores(labels, honest).f1 / 5
    assert vus_pr(labels, -score, buffer=20) < vus_pr(labels, honest, buffer=20) / 3


def test_no_other_name_offers_it():
    assert [name for name in metrics.__all__ if "adjust" in name] == ["point_adjusted_f1_warning"]


def test_nothing_flagged_is_zero():
    assert point_adjusted_f1_warning([0, 1], [0, 0]) == 0.0


@pytest.mark.parametrize(
    ("labels", "flags", "message"),
    [
        ([0, 0], [0, 1], "none of the 2 labels is 1"),
        ([], [], "empty"),
        ([0, 1], [0, 1, 0], r"labels has shape \(2,\) and flags \(3,\)"),
        ([0, 1], [0, np.nan], r"flags\[1\] is .*nan"),
    ],
)
def test_input_that_makes_no_sense_is_refused(labels, flags, message):
    with pytest.raises(ValueError, match=message):
        point_adjusted_f1_warning(labels, flags)
