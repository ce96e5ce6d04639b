import math

import numba
import numpy as np
import pytest

from sensorkit.detect.kernels import lanes
from sensorkit.detect.kernels.lanes import (
    WIDTH,
    at_least,
    behind,
    between,
    gather,
    load,
    scatter,
    splat,
)

A = np.random.default_rng(1).normal(size=WIDTH)
B = np.random.default_rng(2).normal(size=WIDTH)


def run(function, *arrays):
    """Return what *function* leaves in the last array."""
    numba.njit(error_model="numpy")(function)(*arrays)
    return arrays[-1].tolist()


def test_arithmetic_in_lanes_has_the_bits_of_arithmetic_on_numbers():
    def kernel(a, b, out):
        x, y = load(a, 0), load(b, 0)
        lanes.store(out, 0, math.sqrt(abs(x * y - y)) / y + x)

    expected = np.sqrt(np.abs(A * B - B)) / B + A
    assert run(kernel, A, B, np.empty(WIDTH)) == expected.tolist()


@pytest.mark.parametrize("stride", [1, 3])
def test_lanes_are_gathered_and_scattered_with_a_stride(stride):
    def kernel(numbers, stride, out):
        scatter(out, 1, stride, gather(numbers, 2, stride))

    numbers, out = np.arange(3.0 * WIDTH + 3), np.zeros(3 * WIDTH + 3)
    numba.njit(kernel)(numbers, stride, out)
    at = np.arange(WIDTH) * stride
    assert out[1 + at].tolist() == numbers[2 + at].tolist()
    assert np.count_nonzero(out) == WIDTH


def test_a_number_moves_in_and_the_last_lane_falls_out():
    def kernel(a, out):
        lanes.store(out, 0, behind(7.0, load(a, 0)))

    assert run(kernel, A, np.empty(WIDTH)) == [7.0, *A[:-1]]


def test_at_least_keeps_what_is_not_a_number():
    def kernel(a, out):
        lanes.store(out, 0, at_least(load(a, 0), splat(0.5)))

    numbers = np.linspace(0.0, 1.0, WIDTH)
    numbers[3] = np.nan
    expected = np.maximum(numbers, 0.5)
    np.testing.assert_array_equal(run(kernel, numbers, np.empty(WIDTH)), expected)


def test_only_what_lies_between_keeps_its_flag():
    def kernel(a, out):
        flags = between(splat(0.0), load(a, 0), splat(1.0), splat(1.0))
        lanes.store(out, 0, flags)

    numbers = np.full(WIDTH, 0.5)
    numbers[:5] = 0.0, 1.0, np.nan, np.inf, -np.inf
    assert run(kernel, numbers, np.empty(WIDTH)) == [0.0] * 5 + [1.0] * (WIDTH - 5)
