import math

import numpy as np
import pytest

from sensorkit.evaluate.statistics import p_value, resample
from sensorkit.evaluate.statistics.power import MOST, faults_needed


@pytest.mark.parametrize("ratio", [0.4, 0.8])
def test_with_that_many_faults_four_benchmarks_of_five_tell_them_apart(ratio):
    tried = 6
    n = tried + faults_needed(ratio, 1 / math.sqrt(tried), tried)
    rng = np.random.default_rng(5)

    def told_apart(faults):
        found = 0
        for _ in range(400):
            values = rng.normal(ratio, 1.0, faults)  # paired differences, fault by fault
            found += p_value(resample(faults, 200, rng) @ values / faults, faults) < 0.05
        return found / 400

    assert told_apart(n) == pytest.approx(0.8, abs=0.07)
    assert told_apart(n // 2) < 0.65  # so the check can fail


def test_the_number_is_that_of_the_tables():
    # J. Cohen 1988, table 2.4.1: d' = 0.5 for one sample takes 34 at power 0.8, two-sided 5 %.
    assert 10 + faults_needed(0.5, 1 / math.sqrt(10), 10) == 34


def test_half_the_difference_takes_four_times_the_faults():
    one, half = (30 + faults_needed(difference, 0.02, 30) for difference in (0.02, 0.01))
    assert half / one == pytest.approx(4, rel=0.02)


def test_the_sign_does_not_matter():
    assert faults_needed(-0.02, 0.02, 30) == faults_needed(0.02, 0.02, 30)


def test_enough_faults_need_no_more():
    assert faults_needed(0.1, 0.02, 30) == 0
    assert faults_needed(0.1, 0.0, 30) == 0


@pytest.mark.parametrize("difference", [0.0, 1e-6])
def test_a_difference_of_about_nothing_has_no_answer(difference):
    assert faults_needed(difference, 0.02, 30) is None
    assert faults_needed(0.0, 0.0, 30) is None


def test_the_answer_stops_at_the_most_that_anybody_records():
    found = {d: faults_needed(d, 0.02, 30) for d in np.linspace(0.0005, 0.01, 60)}
    numbers = [n for n in found.values() if n is not None]
    assert None in found.values()
    assert 0.9 * MOST < max(numbers) <= MOST


def test_a_single_fault_is_refused():
    with pytest.raises(ValueError, match=r"1 faults with a standard error of 0\.1; at least 2"):
        faults_needed(0.1, 0.1, 1)
