"""What `sensorkit show` says at a glance."""

import numpy as np
import pytest

from sensorkit.capture.summary import _rate_hz

SECOND = 1_000_000_000


def test_the_rate_is_that_of_the_usual_step_whatever_gap_there_is():
    time = np.array([0, 1, 2, 3, 1000, 1001], dtype=np.int64) * SECOND
    assert _rate_hz(time) == 1.0


def test_frames_that_came_in_one_read_are_all_counted():
    """A hundred frames a read, a read every 10 ms: not 100 Hz."""
    time = np.repeat(np.arange(101, dtype=np.int64) * SECOND // 100, 100)
    assert _rate_hz(time) == pytest.approx(10_099 / 1.0, rel=0.02)


def test_a_gap_between_reads_does_not_make_a_slow_device():
    read = np.arange(100, dtype=np.int64) * SECOND // 100
    time = np.repeat(np.concatenate([read, read + 600 * SECOND]), 100)
    assert _rate_hz(time) == pytest.approx(10_000, rel=0.02)


@pytest.mark.parametrize("time", [[], [5], [5, 5, 5]])
def test_without_a_step_there_is_no_rate(time):
    assert _rate_hz(np.array(time, dtype=np.int64)) is None
