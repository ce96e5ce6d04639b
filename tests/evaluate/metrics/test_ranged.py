import itertools
import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.evaluate.metrics import range_f, range_precision, range_recall

NAIVE = runpy.run_path(str(Path(__file__).with_name("naive_metrics.py")))["range_worth"]
BIASES = ("flat", "front", "middle", "back")


@settings(max_examples=200, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40).filter(
        lambda pairs: any(label for label, _ in pairs)
    ),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    cardinality=st.sampled_from(["one", "reciprocal"]),
    bias=st.sampled_from(BIASES),
)
def test_precision_and_recall_equal_their_slow_twins(pairs, alpha, cardinality, bias):
    labels, flags = map(list, zip(*pairs, strict=True))
    chosen = {"alpha": alpha, "cardinality": cardinality, "bias": bias}
    assert range_recall(labels, flags, **chosen) == pytest.approx(
        NAIVE(labels, flags, alpha, cardinality, bias) if any(flags) else 0.0, abs=1e-12
    )
    assert range_precision(labels, flags, **chosen) == pytest.approx(
        NAIVE(flags, labels, alpha, cardinality, bias), abs=1e-12, nan_ok=True
    )


# A fault of five readings of which the first two and the last are flagged; weights by bias:
# flat 1 1 1 1 1, front 5 4 3 2 1, back 1 2 3 4 5, middle 1 2 3 2 1.
@pytest.mark.parametrize(
    ("bias", "share"),
    [("flat", 3 / 5), ("front", 10 / 15), ("back", 8 / 15), ("middle", 4 / 9)],
)
def test_a_bias_weighs_positions(bias, share):
    labels, flags = [0, 1, 1, 1, 1, 1, 0], [0, 1, 1, 0, 0, 1, 0]
    assert range_recall(labels, flags, bias=bias) == pytest.approx(share)
    halved = range_recall(labels, flags, bias=bias, cardinality="reciprocal")
    assert halved == pytest.approx(share / 2)
    both = range_recall(labels, flags, bias=bias, cardinality="reciprocal", alpha=0.25)
    assert both == pytest.approx(0.25 + 0.75 * share / 2)


def test_the_middle_of_an_even_range_is_flat():
    labels = [1, 1, 1, 1]  # weights 1 2 2 1
    assert range_recall(labels, [0, 1, 1, 0], bias="middle") == pytest.approx(4 / 6)


def test_a_long_flag_over_two_faults_is_one_range_for_precision():
    labels, flags = [0, 1, 0, 1, 0, 0], [0, 1, 1, 1, 0, 0]
    assert range_precision(labels, flags) == pytest.approx(2 / 3)
    assert range_precision(labels, flags, cardinality="reciprocal") == pytest.approx(1 / 3)
    assert range_recall(labels, flags) == 1.0


@pytest.mark.parametrize("bias", BIASES)
def test_perfect_flags_are_worth_one_and_wrong_ones_nothing(bias):
    labels = np.array([1, 0, 1, 1, 0, 0, 0, 1], dtype=bool)  # events at both ends, one reading long
    assert range_f(labels, labels, bias=bias, cardinality="reciprocal") == 1.0
    assert range_f(labels, ~labels, bias=bias) == 0.0
    assert range_precision(labels, ~labels, bias=bias) == 0.0


def test_everything_labelled_is_one_fault():
    assert range_recall([1, 1, 1, 1], [0, 1, 0, 0]) == 0.25
    assert range_precision([1, 1, 1, 1], [0, 1, 0, 0]) == 1.0


def test_without_a_flag_there_is_no_precision_and_recall_is_zero():
    assert math.isnan(range_precision([0, 1], [0, 0]))
    assert range_recall([0, 1], [0, 0]) == 0.0
    assert range_f([0, 1], [0, 0]) == 0.0


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
def test_f_weighs_recall_by_beta(beta):
    labels, flags = [0, 1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 1]
    precision, recall = 0.5 / 2, 0.25
    assert range_precision(labels, flags) == precision
    assert range_recall(labels, flags) == recall
    expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    assert range_f(labels, flags, beta=beta) == pytest.approx(expected)


def test_precision_may_have_its_own_bias():
    labels, flags = [0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0]
    precision, recall = 2 / 3, range_recall(labels, flags, bias="front")
    found = range_f(labels, flags, bias="front", precision_bias="flat")
    assert found == pytest.approx(2 * precision * recall / (precision + recall))
    assert found != pytest.approx(range_f(labels, flags, bias="front"))


def test_a_million_readings_with_20_000_ranges_do_not_overflow():
    labels = np.arange(1_000_000) % 50 < 25
    flags = np.roll(labels, 5)
    for bias, cardinality in itertools.product(BIASES, ("one", "reciprocal")):
        assert 0.5 < range_f(labels, flags, bias=bias, cardinality=cardinality) < 1
    whole = np.ones(1_000_000, dtype=bool)
    assert range_recall(whole, whole, bias="middle") == 1.0


@pytest.mark.parametrize("metric", [range_precision, range_recall, range_f])
@pytest.mark.parametrize(
    ("labels", "flags", "message"),
    [
        ([0, 0], [0, 1], "none of the 2 labels is 1"),
        ([], [], "empty"),
        ([0, 1], [0, 1, 0], r"labels has shape \(2,\) and flags \(3,\)"),
        ([0, 1], [0, np.nan], r"flags\[1\] is .*nan"),
        ([0, 2], [0, 1], r"labels\[1\] is .*2"),
        ([[0, 1]], [[0, 1]], r"labels has shape \(1, 2\)"),
    ],
)
def test_input_that_makes_no_sense_is_refused(metric, labels, flags, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, flags)


@pytest.mark.parametrize("metric", [range_precision, range_recall, range_f])
@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"bias": "late"}, "bias is 'late', one of flat, front, middle, back"),
        ({"cardinality": "half"}, "cardinality is 'half', one of one, reciprocal"),
    ],
)
def test_an_unknown_parameter_is_named(metric, chosen, message):
    with pytest.raises(ValueError, match=message):
        metric([0, 1], [0, 1], **chosen)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan, "x", None])
def test_alpha_is_a_weight(alpha):
    with pytest.raises(ValueError, match="alpha is"):
        range_recall([0, 1], [0, 1], alpha=alpha)


@pytest.mark.parametrize("beta", [1e9, 1e200])
def test_with_a_very_large_beta_f_is_recall(beta):
    labels, flags = [0, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 1]
    assert range_f(labels, flags, beta=beta) == pytest.approx(range_recall(labels, flags))


@pytest.mark.parametrize("beta", [-1.0, math.nan, math.inf, "2", None, 10**400])
def test_beta_is_not_negative(beta):
    with pytest.raises(ValueError, match="beta is"):
        range_f([0, 1], [0, 1], beta=beta)
