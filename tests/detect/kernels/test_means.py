import math

import numpy as np
import pytest

from sensorkit.detect.kernels.lanes import kernel
from sensorkit.detect.kernels.means import empty, mean, push


@kernel
def means(numbers, state):
    found = np.empty(len(numbers))
    for i in range(len(numbers)):
        push(numbers[i], state, 0)
        found[i] = mean(state, 0)
    return found


@pytest.mark.parametrize("window", [1, 2, 8, 33])
def test_the_mean_is_that_of_the_last_numbers(window):
    numbers = np.random.default_rng(1).normal(size=200)
    last = [numbers[max(i + 1 - window, 0) : i + 1] for i in range(200)]
    expected = [math.fsum(some) / len(some) for some in last]
    np.testing.assert_allclose(means(numbers, empty(1, window)), expected, rtol=0, atol=1e-15)


def test_a_number_that_has_left_the_window_has_left_no_trace():
    numbers = np.random.default_rng(2).normal(size=500)
    clean = means(numbers, empty(1, 32))
    numbers[[20, 250]] = 1e300, -1e17
    later = means(numbers, empty(1, 32))
    assert later[52:250].tolist() == clean[52:250].tolist()
    assert later[282:].tolist() == clean[282:].tolist()


def test_ten_million_logarithms_of_any_size_lose_no_digits():
    logs = np.random.default_rng(3).uniform(-700.0, 700.0, 10_000_000)
    state = empty(1, 32)
    last = means(logs, state)[-1000:]
    expected = [math.fsum(logs[i - 32 : i]) / 32 for i in range(len(logs) - 999, len(logs) + 1)]
    np.testing.assert_allclose(last, expected, rtol=0, atol=1e-12)
